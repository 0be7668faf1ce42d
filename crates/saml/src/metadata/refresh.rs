//! Applications' metadata, read again where it was registered by an address.
//!
//! It is looked at when the application is used, so an installation of a hundred thousand tenants has no task for each; what nobody uses is
//! asked of nobody. One asks at a time; who can't go on with a copy that is over waits for that one. A new copy takes the place of the old one's addresses and keys and of nothing that an administrator has decided, also
//! not in the seconds that a publisher takes to answer: it is put into what stands there then.

use super::party::PartyMetadata;
use crate::{
    door::{Door, ours},
    error::Refused,
};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use outbound::{Outbound, Request};
use quick_cache::sync::Cache;
use serde_json::json;
use sso::{Kind, RelyingParty, SamlParty, Settings, SsoError};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{RelyingPartyRow, StoreError, Tx};
use tokio::sync::Semaphore;
use types::Millis;

/// How old a copy gets.
const FRESH: Duration = Duration::from_secs(6 * 3600);
/// So long before it is over it is read again: time for a publisher that fails once.
const EARLY: Duration = Duration::from_secs(600);
/// After a failure it is tried again no sooner; nor is a good copy looked at again sooner, however soon it is over.
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
    looks: Cache<String, Arc<Look>>,
    turns: Arc<Semaphore>,
}

/// What is remembered of one application.
#[derive(Default)]
struct Look {
    times: Mutex<Times>,
    /// Whoever holds it reads.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Times {
    /// Until then a copy that holds is good enough.
    next: Option<Millis>,
    /// After a failure: until then nobody is asked.
    paused: Option<Millis>,
}

impl Look {
    fn with<T>(&self, what: impl FnOnce(&mut Times) -> T) -> T {
        what(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A good copy.
#[derive(Default)]
struct Good {
    changed: bool,
    until: Option<Millis>,
}

impl Refresher {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self { outbound, looks: Cache::new(REMEMBERED), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn of(&self, party: &RelyingParty) -> Arc<Look> {
        self.looks.get_or_insert_with(party.ikey(), || Ok::<_, ()>(Arc::default())).unwrap_or_default()
    }

    /// Reads an application's metadata again where its copy is old, beside what goes on.
    pub(crate) fn look(&self, door: &Arc<Door>, party: &Arc<RelyingParty>) {
        let now = door.sso.world().now();
        let Some(url) = party.saml().and_then(|settings| settings.metadata_url.as_ref()) else { return };
        let look = self.of(party);
        let due = |times: &mut Times| {
            let due = times.next.is_none_or(|next| next <= now);
            if due {
                // One that waits for its turn is enough.
                times.next = Some(now + AGAIN);
            }
            due
        };
        if url.is_empty() || !look.with(due) {
            return;
        }
        let (door, party, turns) = (Arc::clone(door), Arc::clone(party), Arc::clone(&self.turns));
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire_owned().await else { return };
            // Whoever couldn't wait for a turn reads it already.
            let Ok(_reading) = look.reading.try_lock() else { return };
            door.refresher.read(&door, &party, &look).await;
        });
    }

    /// Refuses an application whose metadata is over (saml-metadata §2.3.2). It is read again at once where that can help.
    pub(crate) async fn is_current(&self, door: &Arc<Door>, party: &Arc<RelyingParty>) -> Result<bool, Refused> {
        if !is_over(door, party) {
            return Ok(true);
        }
        let look = self.of(party);
        let reading = Arc::clone(&look.reading).lock_owned().await;
        // Perhaps whoever was before has read it.
        if !still_over(door, party).await? {
            return Ok(true);
        }
        let now = door.sso.world().now();
        if look.with(|times| times.paused.is_some_and(|paused| now < paused)) {
            return Ok(false);
        }
        // Somebody who asks and hangs up must not make the others begin anew.
        let (reads, of) = (Arc::clone(door), Arc::clone(party));
        let read = tokio::spawn(async move {
            reads.refresher.read(&reads, &of, &look).await;
            drop(reading);
        });
        read.await.map_err(|_| Refused::Ours)?;
        Ok(!still_over(door, party).await?)
    }

    /// Reads it once, and notes when that is done again.
    async fn read(&self, door: &Door, party: &RelyingParty, look: &Look) {
        let read = self.refresh(door, party).await;
        let now = door.sso.world().now();
        match read {
            Ok(Good { changed, until }) => {
                let old = now + FRESH;
                let next = until.map_or(old, |until| old.min(until - EARLY)).max(now + AGAIN);
                look.with(|times| *times = Times { next: Some(next), paused: None });
                if changed {
                    tracing::info!(ikey = party.ikey(), "an application's metadata has changed");
                }
                metrics::counter!("countersign_saml_metadata_total", "end" => "read").increment(1);
            }
            Err(error) => {
                look.with(|times| *times = Times { next: Some(now + AGAIN), paused: Some(now + AGAIN) });
                tracing::warn!(ikey = party.ikey(), %error, "an application's metadata could not be read again");
                metrics::counter!("countersign_saml_metadata_total", "end" => "failed").increment(1);
            }
        }
    }

    /// What was captured of the application before serves for its name alone.
    async fn refresh(&self, door: &Door, party: &RelyingParty) -> Result<Good, Failed> {
        let (rows, now) = (door.sso.store().tenant(party.tenant()), door.sso.world().now());
        let Some((_, _, before)) = opened(rows.relying_party(party.ikey()).await?)? else { return Ok(Good::default()) };
        let Some(url) = before.metadata_url.clone() else { return Ok(Good::default()) };
        let fetched = self.outbound.send(Request::get(&url).up_to(LARGEST)).await?;
        if fetched.status != 200 {
            return Err(Failed::Status(fetched.status));
        }
        for _ in 0..TRIES {
            let Some((row, settings, mut saml)) = opened(rows.relying_party(party.ikey()).await?)? else {
                return Ok(Good::default());
            };
            let (fingerprint, from) = (saml.metadata_fingerprint.clone(), saml.metadata_url.as_deref());
            if from != Some(url.as_str()) {
                // An administrator has just said that this isn't where it comes from.
                return Ok(Good::default());
            }
            let read = PartyMetadata::read(&fetched.body, Some(&row.key), fingerprint.as_deref(), now)?;
            read.apply(&mut saml);
            let changed = Settings { kind: Kind::Saml(saml), ..settings.clone() };
            changed.check(&row.key)?;
            let write = |settings: &Settings| serde_json::to_string(settings).map_err(|_| Failed::Settings);
            let new = write(&changed)?;
            if write(&settings)? == new {
                return Ok(Good { changed: false, until: read.valid_until });
            }
            let mut tx = rows.begin().await?;
            if tx.reset_relying_party(party.ikey(), &row.settings, &new, door.sso.world().now()).await? {
                note(&mut tx, door, party, &url, (&settings, &changed)).await?;
                tx.notify(format!("application:{}", party.ikey())).await?;
                tx.commit().await?;
                // The notice is for the others, and takes a moment; whoever waits here goes on with the new one.
                door.sso.auth().applications().forget(party.ikey());
                return Ok(Good { changed: true, until: read.valid_until });
            }
        }
        Err(Failed::Changing)
    }
}

/// Whether what is known of it is over.
fn is_over(door: &Door, party: &RelyingParty) -> bool {
    let until =
        party.saml().filter(|settings| settings.metadata_url.is_some()).and_then(|settings| settings.metadata_until);
    until.is_some_and(|until| until <= door.sso.world().now().0)
}

/// The same of what is known by now. One that was deleted meanwhile is nobody, which is found out next.
async fn still_over(door: &Door, party: &RelyingParty) -> Result<bool, Refused> {
    let found = door.sso.party_of(party.tenant(), party.ikey()).await.map_err(|error| ours(&error))?;
    Ok(found.is_some_and(|party| is_over(door, &party)))
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
