//! The workspace as cargo sees it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What `cargo metadata --no-deps` says, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The directory with the workspace's `Cargo.toml`.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where everything that is built or installed goes; honours `CARGO_TARGET_DIR`.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// The workspace's own packages.
    pub(crate) packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// As in its `Cargo.toml`, for instance `countersign-store`.
    pub(crate) name: String,
    /// What it depends on, in and outside of the workspace.
    pub(crate) dependencies: Vec<Dependency>,
}

/// An arrow from one package to another.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package's name, whatever alias it is used under.
    pub(crate) name: String,
    /// Nothing for an ordinary dependency.
    pub(crate) kind: Option<Kind>,
}

/// The dependencies that aren't ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Of the tests and examples only.
    Dev,
    /// Of the build script.
    Build,
}

impl Workspace {
    /// Asks cargo about the workspace that the current directory is in.
    ///
    /// # Errors
    /// Cargo can't be run, or refuses a manifest.
    pub(crate) fn find() -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        let output = command.output().context("cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).context("cargo metadata")
    }

    /// A cargo command that runs at the root of the workspace.
    pub(crate) fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }
}

/// The cargo that runs this program, without what it has told this program about itself: build scripts watch some of
/// those variables, and would be run again after each `cargo xtask`.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if name.to_str().is_some_and(|name| told.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command
}
