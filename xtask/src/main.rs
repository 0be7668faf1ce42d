//! The commands that developers and the continuous integration run: `cargo xtask check|test|bench|screenshots|numbers|fmt`.
//!
//! What it is for: one place that knows which tools make up a check, and what the tests need from the system. Each
//! command is printed before it runs, so that it can be repeated by hand.
//!
//! What it never does: it uses no house crate, so that it builds in seconds and can install what the others need to
//! build. It writes nothing outside the target directory, except for Debian packages when it runs as root, the
//! pictures in `docs/screenshots` and the table in `crates/numbers/data`.
//!
//! How to add a command: a function in [`commands`], a line in [`USAGE`] and an arm in `main`. How to add a tool: a
//! row in [`debian::PACKAGES`], [`registries::PYTHON`] or [`registries::NODE`]. How to add a crate: its floor in
//! [`floors::FLOORS`].

mod commands;
mod debian;
mod floors;
mod picture;
mod registries;
mod run;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask check          formatting, clippy, and every test that needs nothing from outside (SQLite only)
cargo xtask test           all tests: installs what is missing, both engines, the real clients
cargo xtask bench [args]   a release build and the load generator, which is given the arguments
cargo xtask screenshots    pictures of every page, into docs/screenshots
cargo xtask numbers        the table of telephone numbers, into crates/numbers/data
cargo xtask fmt            formats the sources";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        // Without a backtrace: it would point into this program, and the failure is in what it ran.
        Err(error) => {
            run::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    if command != "bench" && !rest.is_empty() {
        bail!("`{command}` takes no arguments\n\n{USAGE}");
    }
    let workspace = Workspace::find()?;
    match command.as_str() {
        "check" => commands::check(&workspace),
        "test" => commands::test(&workspace),
        "bench" => commands::bench(&workspace, &rest),
        "screenshots" => commands::screenshots(&workspace),
        "numbers" => commands::numbers(&workspace),
        "fmt" => commands::fmt(&workspace),
        "help" | "--help" | "-h" => {
            run::say(USAGE);
            Ok(())
        }
        _ => bail!("no such command: {command:?}\n\n{USAGE}"),
    }
}
