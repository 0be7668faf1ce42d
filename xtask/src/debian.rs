//! The Debian packages that building and testing need.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{run, say, succeeds};

/// A package and what it is needed for.
#[derive(Debug)]
pub(crate) struct Package {
    name: &'static str,
    reason: &'static str,
    /// A command that succeeds where the package isn't needed; nothing where only the package itself will do.
    instead: Option<&'static [&'static str]>,
}

/// All of them. A new test that needs another program adds its row here.
pub(crate) const PACKAGES: &[Package] = &[
    package("cmake", "aws-lc builds with it where its own list of sources doesn't fit", Some(&["cmake", "--version"])),
    package("postgresql", "the second engine; the tests start servers of their own", None),
    package("login-duo", "a real client: login_duo at an SSH login (brings openssh-server)", None),
    package("libpam-duo", "a real client: pam_duo", None),
    package("python3-duo-client", "a real client: duo_client 4.5 on Debian's own Python", None),
    package("oathtool", "the foreign token: TOTP and HOTP that we did not compute", None),
    package("softhsm2", "a PKCS#11 token in software, for the root key in hardware", None),
    package("chromium", "a real browser, with virtual authenticators for passkeys", None),
    package("firefox-esr", "another real browser", None),
    package("libnss3-tools", "certutil: gives the browsers the server's own certificate authority", None),
    package("espeak-ng", "what speaks in calls", None),
    package(
        "kannel-extras",
        "drive_smpp, another SMSC; and with it Kannel, the peer of the benchmark of messages",
        None,
    ),
    package("baresip-core", "a real telephone: takes calls, records what it hears, presses keys", None),
    package("sip-tester", "sipp: a SIP trunk that asks for a password", None),
    package("apache2-bin", "a web server in front of applications", None),
    package("nginx-light", "a reverse proxy that asks about each request", None),
    package("caddy", "another one", None),
    package("libapache2-mod-auth-openidc", "a real relying party: OpenID Connect", None),
    package("python3-venv", "the environment in which pytest runs", Some(&["python3", "-c", "import ensurepip, venv"])),
    package("openssl", "certificates for a telephone", Some(&["openssl", "version"])),
    package("libapache2-mod-auth-mellon", "a real service provider of SAML (brings Apache)", None),
    package("xmlsec1", "foreign check of signatures in XML, and what pysaml2 calls for all of them", None),
    package("libxml2-utils", "xmllint: foreign check of SAML messages against the schemas of OASIS", None),
    package("slapd", "a real directory", None),
    package("ldap-utils", "asks whether it answers", None),
    package("npm", "installs the client for Node", Some(&["npm", "--version"])),
];

const fn package(name: &'static str, reason: &'static str, instead: Option<&'static [&'static str]>) -> Package {
    Package { name, reason, instead }
}

/// Installs the packages that are missing, after a line for each.
///
/// # Errors
/// Packages are missing and this isn't root (the error has the command to run), or apt fails.
pub(crate) fn install_missing() -> Result<()> {
    let missing: Vec<&Package> = PACKAGES.iter().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        say(&format!("missing: Debian package {} ({})", package.name, package.reason));
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if let Some(help) = help(&names, succeeds(Command::new("apt-get").arg("--version")), is_root()?) {
        bail!("{help}");
    }
    run(apt().arg("update"))?;
    run(apt().args(INSTALL).args(names))
}

const INSTALL: [&str; 3] = ["install", "-y", "--no-install-recommends"];

/// What the developer must do, where this program can't do it.
fn help(names: &[&str], has_apt: bool, is_root: bool) -> Option<String> {
    let names = names.join(" ");
    if !has_apt {
        return Some(format!("this isn't a Debian system: install what is missing by its own means: {names}"));
    }
    let install = INSTALL.join(" ");
    (!is_root)
        .then(|| format!("not root, so run this first:\n\n    sudo apt-get update && sudo apt-get {install} {names}\n"))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    // Somebody else's apt may be at work; and nobody is there to answer a question.
    command.args(["-o", "DPkg::Lock::Timeout=300"]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_there(package: &Package) -> bool {
    if let Some([program, arguments @ ..]) = package.instead
        && succeeds(Command::new(program).args(arguments))
    {
        return true;
    }
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package.name])
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn is_root() -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_root_is_told_the_command() {
        let help = help(&["login-duo", "oathtool"], true, false).unwrap();
        let command = "sudo apt-get update && sudo apt-get install -y --no-install-recommends login-duo oathtool";
        assert!(help.contains(command), "{help}");
    }

    #[test]
    fn who_has_no_apt_is_told_the_names() {
        let help = help(&["login-duo", "oathtool"], false, true).unwrap();
        assert!(help.contains("login-duo oathtool"), "{help}");
        assert!(!help.contains("apt-get"), "{help}");
    }

    #[test]
    fn root_on_debian_needs_no_help() {
        assert_eq!(help(&["oathtool"], true, true), None);
    }

    #[test]
    fn a_package_that_no_system_has_is_missing_and_a_command_may_stand_for_one() {
        assert!(!is_there(&package("countersign-no-such-package", "", None)));
        assert!(is_there(&package("countersign-no-such-package", "", Some(&["true"]))));
        assert!(!is_there(&package("countersign-no-such-package", "", Some(&["false"]))));
    }
}
