//! Applications' metadata, read again where it was registered by an address.
//!
//! It is looked at when the application is used, so an installation of a hundred thousand tenants has no task for each; what nobody uses is
//! asked of nobody. A new copy takes the place of the old one's addresses and keys and of nothing that an administrator has decided, also
//! not in the seconds that a publisher takes to answer: it is put into what stands there then.

use super::party::PartyMetadata;
use crate::{door::Door, error::Refused};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use outbound::{Outbound, Request};
use quick_cache::sync::Cache;
use serde_json::json;
use sso::{Kind, RelyingParty, SamlParty, Settings, SsoError};
use std::{sync::Arc, time::Duration};
use store::{RelyingPartyRow, StoreError, Tx};
use tokio::sync::Semaphore;
use types::Millis;

/// How old a copy gets.
const FRESH: Duration = Duration::from_secs(6 * 3600);
/// After a failure it is tried again no sooner.
const AGAIN: Duration = Duration::from_secs(300);
/// So many are fetched at once.
const AT_ONCE: usize = 4;
/// The largest metadata that is read, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;
/// So often a copy is put into settings that somebody changes in the same moment.
const TRIES: usize = 3;
/// So many applications' last looks are remembered.
const REMEMBERED: usize = 100_000;

/// Why metadata wasn't read again.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the metadata's address gave nothing: {0}")]
    Fetch(#[from] outbound::FetchError),
    #[error("the metadata's address answered {0}")]
    Status(u16),
    #[error(transparent)]
    Metadata(#[from] super::MetadataError),
    #[error(transparent)]
    Sso(#[from] SsoError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the settings can't be read or written")]
    Settings,
    #[error("somebody changes the application all the time")]
    Changing,
}

/// Reads metadata again.
pub(crate) struct Refresher {
    outbound: Outbound,
    /// When each application may be looked at again.
    next: Cache<String, Millis>,
    turns: Arc<Semaphore>,
}

impl Refresher {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self { outbound, next: Cache::new(REMEMBERED), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Reads an application's metadata again where its copy is old, beside what goes on.
    pub(crate) fn look(&self, door: &Arc<Door>, party: &Arc<RelyingParty>) {
        let now = door.sso.world().now();
        let Some(url) = party.saml().and_then(|settings| settings.metadata_url.as_ref()) else { return };
        if url.is_empty() || self.next.get(party.ikey()).is_some_and(|next| now < next) {
            return;
        }
        self.next.insert(party.ikey().to_owned(), now + AGAIN);
        let (door, party, turns) = (Arc::clone(door), Arc::clone(party), Arc::clone(&self.turns));
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire_owned().await else { return };
            door.refresher.read(&door, &party).await;
        });
    }

    /// Refuses an application whose metadata is over (saml-metadata §2.3.2). It is read again at once where that can help.
    pub(crate) async fn is_current(&self, door: &Arc<Door>, party: &Arc<RelyingParty>) -> Result<bool, Refused> {
        let over = |party: &RelyingParty| {
            let until = party.saml().filter(|settings| settings.metadata_url.is_some())?.metadata_until?;
            Some(until <= door.sso.world().now().0)
        };
        if over(party) != Some(true) {
            return Ok(true);
        }
        let now = door.sso.world().now();
        if self.next.get(party.ikey()).is_some_and(|next| now < next) {
            return Ok(false);
        }
        self.next.insert(party.ikey().to_owned(), now + AGAIN);
        Ok(self.read(door, party).await)
    }

    /// Whether there is a good copy now.
    async fn read(&self, door: &Door, party: &RelyingParty) -> bool {
        match self.refresh(door, party).await {
            Ok(changed) => {
                let next = door.sso.world().now() + FRESH;
                self.next.insert(party.ikey().to_owned(), next);
                if changed {
                    tracing::info!(ikey = party.ikey(), "an application's metadata has changed");
                }
                metrics::counter!("countersign_saml_metadata_total", "end" => "read").increment(1);
                true
            }
            Err(error) => {
                tracing::warn!(ikey = party.ikey(), %error, "an application's metadata could not be read again");
                metrics::counter!("countersign_saml_metadata_total", "end" => "failed").increment(1);
                false
            }
        }
    }

    /// Whether anything has changed. What was captured of the application before serves for its name alone.
    async fn refresh(&self, door: &Door, party: &RelyingParty) -> Result<bool, Failed> {
        let (rows, now) = (door.sso.store().tenant(party.tenant()), door.sso.world().now());
        let Some((_, _, before)) = opened(rows.relying_party(party.ikey()).await?)? else { return Ok(false) };
        let Some(url) = before.metadata_url.clone() else { return Ok(false) };
        let fetched = self.outbound.send(Request::get(&url).up_to(LARGEST)).await?;
        if fetched.status != 200 {
            return Err(Failed::Status(fetched.status));
        }
        for _ in 0..TRIES {
            let Some((row, settings, mut saml)) = opened(rows.relying_party(party.ikey()).await?)? else {
                return Ok(false);
            };
            let (fingerprint, from) = (saml.metadata_fingerprint.clone(), saml.metadata_url.as_deref());
            if from != Some(url.as_str()) {
                // An administrator has just said that this isn't where it comes from.
                return Ok(false);
            }
            let read = PartyMetadata::read(&fetched.body, Some(&row.key), fingerprint.as_deref(), now)?;
            read.apply(&mut saml);
            let changed = Settings { kind: Kind::Saml(saml), ..settings.clone() };
            changed.check(&row.key)?;
            let write = |settings: &Settings| serde_json::to_string(settings).map_err(|_| Failed::Settings);
            let new = write(&changed)?;
            if write(&settings)? == new {
                return Ok(false);
            }
            let mut tx = rows.begin().await?;
            if tx.reset_relying_party(party.ikey(), &row.settings, &new, door.sso.world().now()).await? {
                note(&mut tx, door, party, &url, (&settings, &changed)).await?;
                tx.notify(format!("application:{}", party.ikey())).await?;
                tx.commit().await?;
                // The notice is for the others, and takes a moment; whoever waits here goes on with the new one.
                door.sso.auth().applications().forget(party.ikey());
                return Ok(true);
            }
        }
        Err(Failed::Changing)
    }
}

/// A row with what is set in it; none where there is no such application.
fn opened(row: Option<RelyingPartyRow>) -> Result<Option<(RelyingPartyRow, Settings, Box<SamlParty>)>, Failed> {
    let Some(row) = row else { return Ok(None) };
    let settings: Settings = serde_json::from_str(&row.settings).map_err(|_| Failed::Settings)?;
    let Kind::Saml(saml) = settings.kind.clone() else { return Ok(None) };
    Ok(Some((row, settings, saml)))
}

/// What a publisher has changed stands in the administrators' log: who has taken its host over could else put other addresses and keys here
/// unseen. Until when a copy holds is no such change: many publishers move that with every copy.
async fn note(
    tx: &mut Tx,
    door: &Door,
    party: &RelyingParty,
    from: &str,
    (before, now): (&Settings, &Settings),
) -> Result<(), Failed> {
    let (Kind::Saml(before), Kind::Saml(now)) = (&before.kind, &now.kind) else { return Ok(()) };
    let told = |saml: &SamlParty| {
        let print = |text: &String| match BASE64.decode(text.as_bytes()) {
            Ok(der) => HEXLOWER.encode(digest(&SHA256, &der).as_ref()),
            Err(_) => String::new(),
        };
        json!({
            "acs": saml.acs, "slo": saml.slo, "slo_soap": saml.slo_soap, "direct_logout": saml.direct_logout,
            "certificates_sha256": saml.certificates.iter().map(print).collect::<Vec<_>>(),
            "encryption_certificate_sha256": saml.encryption_certificate.as_ref().map(print),
            "encrypt": saml.encrypt, "want_signed_requests": saml.want_signed_requests,
        })
    };
    let told_now = told(now);
    if told(before) == told_now {
        return Ok(());
    }
    let detail = json!({ "integration_key": party.ikey(), "fields": ["metadata"], "from": from, "now": told_now });
    Ok(tx.log_act(door.sso.world(), "system", "relying_party_update", &party.app.name, &detail.to_string()).await?)
}
