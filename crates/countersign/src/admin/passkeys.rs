//! `countersign admin passkey …`: what an administrator may do to passkeys. Registering one is its owner's act alone.

use super::office::Office;
use crate::cli::say;
use anyhow::bail;
use clap::Subcommand;
use store::PasskeyRow;
use types::PasskeyId;

/// What can be done to passkeys.
#[derive(Subcommand)]
pub enum Action {
    /// List the passkeys of a user
    List {
        /// Who
        user: String,
    },
    /// Make a passkey useless until it is restored
    Suspend {
        /// Its id
        passkey: PasskeyId,
        /// Why
        #[arg(long, default_value = "suspended by an administrator", value_name = "TEXT")]
        reason: String,
    },
    /// Make a suspended passkey useful again
    Restore {
        /// Its id
        passkey: PasskeyId,
    },
    /// Take a passkey from its user, for good
    Delete {
        /// Its id
        passkey: PasskeyId,
    },
}

/// Prints a user's passkeys.
pub(super) async fn list(office: &Office<'_>, user: &str) -> anyhow::Result<()> {
    let user = office.user(user).await?.id;
    for passkey in office.scope().rows().passkeys_of_user(user).await? {
        let PasskeyRow { id, name, aaguid, attestation, backed_up, suspended_reason, .. } = passkey;
        let kept = if backed_up { "synchronised" } else { "on one device" };
        let state =
            if suspended_reason.is_empty() { String::new() } else { format!(", suspended: {suspended_reason}") };
        say(&format!("{id} {aaguid} attestation {attestation}, {kept}{state} {name}\n"))?;
    }
    Ok(())
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>) -> anyhow::Result<()> {
    let scope = office.scope();
    match action {
        Action::List { user } => list(office, &user).await,
        Action::Suspend { passkey, reason } => match scope.suspend_passkey(passkey, &reason).await? {
            true => Ok(()),
            false => bail!("it is suspended already"),
        },
        Action::Restore { passkey } => match scope.restore_passkey(passkey).await? {
            true => Ok(()),
            false => bail!("it isn't suspended"),
        },
        Action::Delete { passkey } => Ok(scope.delete_passkey(passkey).await?),
    }
}
