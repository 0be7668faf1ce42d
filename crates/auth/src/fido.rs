//! FIDO's metadata over the passkeys that people have: which issue counts, and what a report means for them.
//!
//! An issue is accepted in the store, so that no node, and no restart, goes back to an earlier one. Passkeys of a model that is
//! reported as unsafe are suspended, and those whose report was taken back are restored, unless they were suspended for something else
//! as well: a reason that isn't the metadata's stays. The walk goes in rounds of bounded size, each of them one page; the caller asks
//! for the next by where the last one ended. To walk again changes nothing that is right already, so a walk that was cut off begins
//! anew, and several nodes may walk at once: whoever suspends first writes the log and the notice.

use crate::{Auth, AuthError, account::News};
use std::sync::Arc;
use store::{PasskeyRow, TenantRow};
use types::{PasskeyId, TenantId};
use webauthn::{Aaguid, Metadata};

/// The name under which the store keeps which issue was accepted last.
pub const METADATA: &str = "fido_mds3";

/// Why metadata isn't accepted, or applied, any more.
pub const ROLLED_BACK: &str = "a later issue of the metadata was accepted before";

/// What the reason of a suspension by metadata begins with.
const PREFIX: &str = "metadata:";

/// Passkeys that one round looks at.
const PASSKEYS: i64 = 200;

/// How far a walk over all passkeys has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WalkedTo {
    /// Tenants up to this one, without it, are done.
    tenant: TenantId,
    /// Of it, passkeys up to this one are done; `None`: the tenant is done too.
    passkey: Option<PasskeyId>,
}

/// What a round did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Round {
    /// Passkeys that were looked at.
    pub seen: usize,
    /// Those of them that were suspended.
    pub suspended: usize,
    /// Those of them that were restored.
    pub restored: usize,
    /// Those of them that couldn't be changed; the next walk tries again.
    pub failed: usize,
    /// Where the next round begins; `None`: all were looked at.
    pub next: Option<WalkedTo>,
}

enum Change {
    None,
    Suspended,
    Restored,
}

impl Auth {
    /// Takes metadata that was verified into use for registrations, and notes its serial. [`Self::apply_metadata`] is to follow.
    ///
    /// # Errors
    /// [`AuthError::Refused`] with [`ROLLED_BACK`] when a later issue was accepted before, by whatever node; what was in use stays.
    pub async fn accept_metadata(&self, metadata: Arc<Metadata>) -> Result<(), AuthError> {
        let serial = i64::try_from(metadata.serial()).map_err(|_| AuthError::Refused("a serial out of range"))?;
        if !self.store.raise_metadata_serial(METADATA, serial, metadata.next_update()).await? {
            return Err(AuthError::Refused(ROLLED_BACK));
        }
        self.set_metadata(Some(metadata));
        Ok(())
    }

    /// One round of the walk over all tenants' passkeys, from the beginning or from where the last round ended: suspends those that
    /// the metadata reports, restores those that it reports no more. Without metadata there is nothing to walk for.
    ///
    /// # Errors
    /// [`AuthError::Refused`] with [`ROLLED_BACK`] when another node has accepted a later issue: what ours doesn't know, it must not
    /// take back. Errors of the store.
    pub async fn apply_metadata(&self, from: Option<WalkedTo>) -> Result<Round, AuthError> {
        let Some(metadata) = self.metadata() else { return Ok(Round::default()) };
        let (tenant, after) = match from {
            Some(WalkedTo { tenant, passkey: Some(passkey) }) => (Some(tenant), Some(passkey)),
            from => {
                let next = self.store.tenants(from.map(|place| place.tenant), 1).await?;
                (next.first().map(|TenantRow { id, .. }| *id), None)
            }
        };
        let Some(tenant) = tenant else { return Ok(Round::default()) };
        let passkeys = self.store.tenant(tenant).passkeys_after(after, PASSKEYS).await?;
        // Asked after the page was read: what a later issue has suspended in it is known to be a later issue's.
        let accepted = self.store.metadata_serial(METADATA).await?;
        if accepted.is_some_and(|accepted| u64::try_from(accepted.serial).is_ok_and(|no| no > metadata.serial())) {
            return Err(AuthError::Refused(ROLLED_BACK));
        }
        let full = i64::try_from(passkeys.len()).is_ok_and(|count| count == PASSKEYS);
        let passkey = passkeys.last().map(|passkey| passkey.id).filter(|_| full);
        let mut round = Round { seen: passkeys.len(), next: Some(WalkedTo { tenant, passkey }), ..Round::default() };
        for passkey in &passkeys {
            match self.judge(tenant, passkey, &metadata).await {
                Ok(Change::None) => {}
                Ok(Change::Suspended) => round.suspended += 1,
                Ok(Change::Restored) => round.restored += 1,
                // One that can't be changed is no reason to leave the others.
                Err(error) => {
                    round.failed += 1;
                    tracing::error!(%tenant, %error, "a passkey was not judged by the metadata");
                }
            }
        }
        Ok(round)
    }

    async fn judge(&self, tenant: TenantId, passkey: &PasskeyRow, metadata: &Metadata) -> Result<Change, AuthError> {
        let now = self.world.now();
        let aaguid: Aaguid = passkey.aaguid.parse().map_err(|_| AuthError::Damaged("passkey"))?;
        let reported = metadata.suspension_of(aaguid, &passkey.credential, now);
        let (action, reason, news) = match (reported, passkey.suspended_at) {
            (Some(report), None) => {
                let reason = format!("{PREFIX}{}", report.status);
                ("passkey_suspend", reason, News::PasskeySuspended(passkey.name.clone()))
            }
            (None, Some(_)) if passkey.suspended_reason.starts_with(PREFIX) => {
                ("passkey_restore", passkey.suspended_reason.clone(), News::PasskeyRestored(passkey.name.clone()))
            }
            _ => return Ok(Change::None),
        };
        let restores = reported.is_none();
        let mut tx = self.store.tenant(tenant).begin().await?;
        let changed = if restores {
            tx.restore_passkey_from(passkey.id, &reason).await?
        } else {
            tx.suspend_passkey(passkey.id, &reason, now).await?
        };
        if !changed {
            // Its owner, an administrator or another node was first.
            return Ok(Change::None);
        }
        if !restores {
            // Whoever has a copy of such a passkey may be in one of them.
            tx.end_everything_granted(passkey.user_id, None, now).await?;
        }
        let detail = serde_json::json!({
            "user_id": passkey.user_id.to_string(), "passkey_id": passkey.id.to_string(), "aaguid": passkey.aaguid,
            "reason": reason, "serial": metadata.serial(),
        });
        tx.log_act(&self.world, "metadata", action, &passkey.id.to_string(), &detail.to_string()).await?;
        tx.commit().await?;
        tracing::warn!(%tenant, reason, action, "a passkey was judged by the metadata");
        self.tell(tenant, passkey.user_id, &news, "", None).await;
        Ok(if restores { Change::Restored } else { Change::Suspended })
    }
}
