//! A key pair for the message log.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use anyhow::Context as _;
use keys::TenantPrivateKey;
use types::World;

use crate::cli::say;

/// Makes a pair. The private key goes into a new file and nowhere else, or to standard output.
pub(crate) fn run(out: Option<&Path>, world: &World) -> anyhow::Result<()> {
    let private = TenantPrivateKey::generate(world.random.as_ref());
    let public = private.public().to_text();
    let Some(out) = out else {
        return say(&format!("{}\n{public}\n", private.to_text().expose()));
    };
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let mut file = made.with_context(|| out.display().to_string())?;
    file.write_all(private.to_text().expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    say(&format!("{public}\n"))
}
