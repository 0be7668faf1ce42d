//! `countersign admin import`: what a live Duo account holds, brought over through its Admin API.
//!
//! It only reads there. Here it makes what is missing and leaves what is there as it is, so it can be run again: after an interruption,
//! or until the day of the change. Integration keys and secrets stay the same, so that clients change nothing but the host name.
//!
//! What Duo gives to nobody can't come along, and the report names each piece: the seeds of tokens (the maker's file has them), bypass
//! codes, and the keys in people's authenticators, which must be activated again.

mod importer;
mod objects;
mod report;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use self::{importer::Importer, source::Source};
use super::office::{Office, secret};
use crate::{cli::say, services::Services};
use anyhow::bail;
use clap::Args;

/// Arguments of `import`.
#[derive(Args)]
pub struct ImportArgs {
    /// The account's API host name: api-….duosecurity.com
    #[arg(long, value_name = "HOST")]
    host: String,
    /// The integration key of an Admin API application there that may read resources and applications
    #[arg(long, value_name = "KEY")]
    ikey: String,
    /// The file with its secret key; - is standard input
    #[arg(long, value_name = "FILE")]
    skey_file: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// The certificate authority to trust instead of the system's, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Brings everything over and prints the report.
pub(super) async fn run(arguments: ImportArgs, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let skey = secret(&arguments.skey_file)?;
    let world = office.world();
    let source = Source::new(&arguments.host, arguments.ikey, skey, arguments.ca.as_deref(), world)?;
    let mut importer = Importer::new(office, &source, arguments.dry_run);
    let ran = importer.run().await;
    office.announce(services, importer.take_added()).await?;
    let report = ran?;
    say(&report.text(arguments.dry_run))?;
    match report.failures() {
        0 => Ok(()),
        failures => bail!("{failures} could not be brought over; the report names them"),
    }
}
