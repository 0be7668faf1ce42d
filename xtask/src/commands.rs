//! What each command does, step by step.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{run, say, succeeds};
use crate::workspace::Workspace;
use crate::{debian, floors, picture, registries};

/// Tells the tests which engines to stand on.
const ENGINES: &str = "COUNTERSIGN_TEST_ENGINES";

/// Where cargo builds.
const TARGET: &str = "CARGO_TARGET_DIR";

/// The version that `COUNTERSIGN_DENY=1` installs.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

/// Formatting, lints, and the tests that need nothing from outside.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    lint(workspace)?;
    // Library and binary tests only: what needs programs from outside stands in `tests/` directories.
    run(workspace.cargo(["test", "--workspace", "--lib", "--bins"]).env(ENGINES, "sqlite"))?;
    say("xtask check: all of it passed");
    Ok(())
}

/// Everything: both engines, the real clients, the dependency tree. Installs what is missing first.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    debian::install_missing()?;
    let python = registries::python(&workspace.target)?;
    let proxy = registries::proxy(&workspace.target)?;
    let privacyidea = registries::privacyidea(&workspace.target)?;
    let modules = registries::node(&workspace.target)?;
    lint(workspace)?;
    // All that fails is named, not only the first crate's.
    run(workspace.cargo(["test", "--workspace", "--no-fail-fast"]).env(ENGINES, "sqlite,postgres"))?;
    // The server, and the examples that place calls (e2e/test_sip.py, e2e/test_voice.py), ask providers (e2e/test_upstream.py) and read
    // what e2e/test_xml.py compares. In one command: each choice of packages has its own features, and so its own build of most crates.
    run(&mut workspace.cargo(["build", "--workspace", "--bins", "--examples"]))?;
    // A program around a library that is nobody's of this house, with a lock file and dependencies of its own.
    let receiver = workspace.target.join("ssf-receiver");
    run(workspace.cargo(["build", "--locked", "--manifest-path", "e2e/apps/ssf/Cargo.toml"]).env(TARGET, &receiver))?;
    if has_python_tests(&workspace.root.join("e2e"))? {
        let cache = format!("cache_dir={}", workspace.target.join("pytest").display());
        let mut tests = python_of(workspace, &python, &modules);
        tests.env("COUNTERSIGN_MITMDUMP", proxy);
        tests.env("COUNTERSIGN_PRIVACYIDEA", privacyidea);
        tests.env("COUNTERSIGN_SSF_RECEIVER", receiver.join("debug/ssf-receiver"));
        run(tests.args(["-m", "pytest", "-ra", "-o", &cache, "e2e/"]))?;
    }
    deny(workspace)?;
    say("xtask test: all of it passed");
    Ok(())
}

/// A release build, then the load generator.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    // As one writes for cargo's own commands; the alias has said it already.
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    run(&mut workspace.cargo(["build", "--release", "-p", "countersign", "-p", "countersign-bench"]))?;
    let built = workspace.target.join("release");
    let mut bench = Command::new(built.join("countersign-bench"));
    bench.current_dir(&workspace.root).args(arguments).env("COUNTERSIGN_BIN", built.join("countersign"));
    if measures(arguments, "sso") {
        // The peers of that part, where there is what runs them.
        if succeeds(Command::new("npm").arg("--version")) {
            bench.env("NODE_PATH", registries::node(&workspace.target)?);
        }
        if let Some(keycloak) = registries::keycloak(&workspace.target)? {
            bench.env("COUNTERSIGN_KEYCLOAK", keycloak);
        }
    }
    run(&mut bench)
}

/// Whether the load generator's arguments ask for this part: without `--parts` they ask for all.
fn measures(arguments: &[String], part: &str) -> bool {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let parts =
            if argument == "--parts" { rest.next().map(String::as_str) } else { argument.strip_prefix("--parts=") };
        if let Some(parts) = parts {
            return parts.split(',').any(|one| one == part);
        }
    }
    true
}

/// Pictures of every page, in both colour schemes, several languages and two sizes.
pub(crate) fn screenshots(workspace: &Workspace) -> Result<()> {
    debian::install_missing()?;
    let python = registries::python(&workspace.target)?;
    let modules = registries::node(&workspace.target)?;
    run(&mut workspace.cargo(["build", "-p", "countersign", "--bins"]))?;
    run(python_of(workspace, &python, &modules).arg("e2e/browser/screenshots.py"))
}

/// The table of `crates/numbers`, and the sample that its tests compare with, anew from the packages at their pinned versions.
pub(crate) fn numbers(workspace: &Workspace) -> Result<()> {
    let python = registries::python(&workspace.target)?;
    let modules = registries::node(&workspace.target)?;
    run(python_of(workspace, &python, &modules)
        .arg("xtask/numbers/table.py")
        .arg(modules.join("mcc-mnc-list/mcc-mnc-list.json"))
        .arg("crates/numbers/data"))
}

/// Python as the tests need it: with the built binaries, and Node's packages.
fn python_of(workspace: &Workspace, python: &Path, modules: &Path) -> Command {
    let built = workspace.target.join("debug");
    let mut command = Command::new(python);
    command
        .current_dir(&workspace.root)
        .env("COUNTERSIGN_BIN", built.join("countersign"))
        .env("COUNTERSIGN_E2E_POSTGRES", built.join("e2e-postgres"))
        .env("COUNTERSIGN_SIP_CALL", built.join("examples/call"))
        .env("COUNTERSIGN_VOICE_TALK", built.join("examples/talk"))
        .env("COUNTERSIGN_EXAMPLES", built.join("examples"))
        .env("NODE_PATH", modules)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Formats the sources.
pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    run(&mut workspace.cargo(["fmt", "--all"]))
}

fn lint(workspace: &Workspace) -> Result<()> {
    stand(workspace)?;
    run(&mut workspace.cargo(["fmt", "--all", "--check"]))?;
    run(&mut workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// The floors, before anything is compiled: an arrow that runs up is cheaper to turn round early.
fn stand(workspace: &Workspace) -> Result<()> {
    let architecture = workspace.root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&architecture).with_context(|| architecture.display().to_string())?;
    let mut wrong = floors::violations(&workspace.packages);
    wrong.extend(picture::missing_from(&text).into_iter().map(|line| format!("ARCHITECTURE.md: {line}")));
    if !wrong.is_empty() {
        bail!("the floors (xtask/src/floors.rs):\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// Licences, banned crates and sources. Advisories need a database from the network: `cargo deny check` by hand.
fn deny(workspace: &Workspace) -> Result<()> {
    let tools = workspace.target.join("tools");
    let installed = tools.join("bin/cargo-deny");
    let program = if installed.is_file() {
        installed
    } else if succeeds(Command::new("cargo-deny").arg("--version")) {
        "cargo-deny".into()
    } else if std::env::var_os("COUNTERSIGN_DENY").is_some_and(|value| value == "1") {
        let root = tools.to_str().context("the target directory's name isn't UTF-8")?;
        run(&mut workspace.cargo(["install", "--locked", "--debug", "--root", root, CARGO_DENY]))?;
        installed
    } else {
        say("skipped: cargo-deny isn't installed; COUNTERSIGN_DENY=1 installs it (some minutes) and runs it");
        return Ok(());
    };
    run(Command::new(program).current_dir(&workspace.root).args(["check", "bans", "licenses", "sources"]))
}

fn has_python_tests(directory: &Path) -> Result<bool> {
    for entry in std::fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("test_") && name.ends_with(".py") {
            return Ok(true);
        }
        if entry.file_type()?.is_dir() && has_python_tests(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_measured_where_it_is_asked_for_or_none_is() {
        let measures = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            measures(&arguments, "sso")
        };
        assert!(measures("") && measures("--quick") && measures("--parts sso") && measures("--quick --parts=log,sso"));
        assert!(!measures("--parts log") && !measures("--parts=log --engines sso"));
    }
}
