//! A code on its way: the row that waits for it, the ways that it may go, another code where a way fails.

use super::{
    codes::{self, Wording},
    services::Service,
};
use crate::{
    lookup::SimSwap,
    pipeline::Call,
    wire::{ApiError, Prefix, rejected, sid},
};
use keys::TenantKeys;
use messaging::{
    Address, BoxFuture, ChannelKind, Content, EmailAddress, ErrorClass, Gate, Outgoing, Purpose, Renewal, SendError,
    log::day_id,
};
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Store, StoreError, VerificationRow, VerifyAttemptRow, fields};
use types::{E164, MessageId, Millis, SecretString, TenantId, VerificationId, VerifyAttemptId};

/// A code lives so long.
pub(super) const LIFE: Duration = Duration::from_secs(600);
/// So often it is sent to one address in its life, each time another one.
pub(super) const SENDS: i64 = 5;
/// So often it is answered.
pub(super) const CHECKS: i64 = 5;

/// Where a code goes.
#[derive(Clone)]
pub(super) enum Target {
    Number(E164, String),
    Mail(EmailAddress),
}

impl Target {
    /// The address in its one spelling.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number, _) => number.expose().to_owned(),
            Self::Mail(address) => address.expose().to_lowercase(),
        }
    }

    pub(super) const fn number(&self) -> Option<&E164> {
        match self {
            Self::Number(number, _) => Some(number),
            Self::Mail(_) => None,
        }
    }

    fn address(&self, kind: ChannelKind) -> Address {
        match self {
            Self::Number(number, digits) => {
                // Digits are dialled in a call only.
                let digits = if kind == ChannelKind::Voice { digits.clone() } else { String::new() };
                Address::Number(number.clone(), digits)
            }
            Self::Mail(address) => Address::Mail(address.clone()),
        }
    }
}

/// What is sealed in the row while the code is waited for.
#[derive(Serialize, Deserialize, Clone)]
pub(super) struct Kept {
    pub(super) to: String,
    #[serde(default)]
    pub(super) amount: Option<String>,
    #[serde(default)]
    pub(super) payee: Option<String>,
    pub(super) sends: Vec<Sending>,
}

/// One sending.
#[derive(Serialize, Deserialize, Clone)]
pub(super) struct Sending {
    pub(super) id: VerifyAttemptUuid,
    pub(super) channel: String,
    pub(super) at: i64,
}

/// An attempt's id as it stands in JSON: its name.
pub(super) type VerifyAttemptUuid = String;

/// Twilio's word for a channel.
pub(super) const fn word(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Voice => "call",
        kind => kind.as_str(),
    }
}

/// What was asked.
pub(super) struct Asked {
    pub(super) target: Target,
    /// The ways that it may go, in their order.
    pub(super) ways: Vec<ChannelKind>,
    pub(super) wording: Wording,
    /// A code that the program has drawn.
    pub(super) custom: Option<SecretString>,
    pub(super) source: Option<IpAddr>,
    /// Who is asked about the number, once everything else lets the code go.
    pub(super) sim_swap: Option<Arc<SimSwap>>,
}

/// The hash by which an address's verification is found.
pub(super) fn whose(keys: &TenantKeys, service: &Service, address: &str) -> Vec<[u8; 32]> {
    keys.digest_candidates(fields::VERIFICATION_WHOSE, &[service.id().as_bytes(), address.as_bytes()])
}

/// The verification that an address waits for.
pub(super) async fn waiting(
    call: &Call,
    service: &Service,
    address: &str,
) -> Result<Option<VerificationRow>, ApiError> {
    let keys = call.rows().keys().await?;
    for whose in whose(&keys, service, address) {
        if let Some(row) = call.rows().verification_of(service.id(), &whose, call.now()).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

pub(super) async fn open(call: &Call, row: &VerificationRow) -> Result<Kept, ApiError> {
    let opened = call.rows().open(fields::verification(&row.id), &row.sealed).await?;
    serde_json::from_slice(opened.expose()).map_err(|_| ApiError::internal())
}

/// Sends a code the first way that takes it, and gives the verification that waits for it now.
pub(super) async fn send(call: &Call, service: &Service, asked: &Asked) -> Result<(VerificationRow, Kept), ApiError> {
    let mut failed = None;
    for kind in &asked.ways {
        let (row, kept, code) = prepare(call, service, asked, *kind).await?;
        let Some(content) = asked.wording.content(*kind, &code) else {
            failed.get_or_insert(SendError::Mismatch);
            continue;
        };
        match deliver(call, service, asked, &row, *kind, content).await {
            Ok(()) => return Ok((row, kept)),
            // Another way is no way round a rule or a limit.
            Err(error @ (SendError::Limited { .. } | SendError::Fraud { .. } | SendError::CountryRefused)) => {
                forget(call, service, &row).await?;
                return Err(rejected(error, true));
            }
            // It may arrive all the same.
            Err(SendError::Unavailable) if asked.ways.len() == 1 => return Ok((row, kept)),
            Err(error) => {
                forget(call, service, &row).await?;
                // A code that the program has drawn can't be drawn anew, and somebody may have seen it.
                let seen = matches!(error, SendError::Unavailable | SendError::Cut)
                    || matches!(error, SendError::Refused(class) if class != ErrorClass::OptedOut);
                failed.get_or_insert(error);
                if seen && asked.custom.is_some() {
                    break;
                }
            }
        }
    }
    Err(failed.map_or_else(ApiError::internal, |error| rejected(error, true)))
}

/// Takes back what was never sent. What was sent before stays counted.
async fn forget(call: &Call, service: &Service, row: &VerificationRow) -> Result<(), ApiError> {
    let mut tx = call.rows().begin().await?;
    if row.sends == 1 {
        tx.delete_verification(service.id(), row.id).await?;
    }
    Ok(tx.commit().await?)
}

/// Draws a code and writes it down, in a new row or in the place of the former code.
async fn prepare(
    call: &Call,
    service: &Service,
    asked: &Asked,
    kind: ChannelKind,
) -> Result<(VerificationRow, Kept, SecretString), ApiError> {
    let (world, scope) = (call.api.world(), call.rows());
    let keys = scope.keys().await?;
    let address = asked.target.text();
    // Two requests of one address: whoever comes second finds the first's row.
    for _ in 0..2 {
        let now = world.now();
        let code = asked.custom.clone().unwrap_or_else(|| codes::draw(world, service.settings.code_length));
        let known = waiting(call, service, &address).await?;
        let id = known.as_ref().map_or_else(|| VerificationId::from_uuid(day_uuid(call)), |row| row.id);
        let mut kept = match &known {
            Some(row) => open(call, row).await?,
            None => Kept { to: address.clone(), amount: None, payee: None, sends: Vec::new() },
        };
        let attempt = VerifyAttemptId::from_uuid(day_uuid(call));
        let name = sid(Prefix::ATTEMPT, attempt.uuid());
        kept.sends.push(Sending { id: name, channel: word(kind).to_owned(), at: now.0 });
        let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
        (kept.amount, kept.payee) = (filled(&asked.wording.bound.amount), filled(&asked.wording.bound.payee));
        let plain = serde_json::to_vec(&kept).map_err(|_| ApiError::internal())?;
        let row = VerificationRow {
            id,
            service: service.id(),
            whose: whose(&keys, service, &address).first().map(|digest| digest.to_vec()).unwrap_or_default(),
            digest: asked.wording.bound.digest(&keys, &id, &code).to_vec(),
            sealed: keys.seal(fields::verification(&id), &plain, world.random.as_ref())?,
            channel: word(kind).to_owned(),
            sends: known.as_ref().map_or(1, |row| row.sends + 1),
            checks: known.as_ref().map_or(0, |row| row.checks),
            message: None,
            created: known.as_ref().map_or(now, |row| row.created),
            updated: now,
            expires: known.as_ref().map_or(now + LIFE, |row| row.expires),
        };
        let mut tx = scope.begin().await?;
        let written = match &known {
            Some(_) if tx.send_verification_again(&row, SENDS, CHECKS).await? => true,
            Some(known) if known.checks >= CHECKS => return Err(max_checks(known.expires, now)),
            Some(known) if known.sends >= SENDS => return Err(max_sends(known.expires, now)),
            Some(_) => false,
            None => tx.insert_verification(&row, now).await?,
        };
        if !written {
            continue;
        }
        tx.insert_verify_attempt(&VerifyAttemptRow {
            id: attempt,
            service: service.id(),
            verification: id,
            channel: word(kind).to_owned(),
            country: country_of(asked.target.number()),
            converted: false,
        })
        .await?;
        tx.commit().await?;
        return Ok((row, kept, code));
    }
    Err(ApiError::new(409, 60212, "Too many concurrent requests for this address"))
}

/// A new id that tells no more of the time than the day.
fn day_uuid(call: &Call) -> uuid::Uuid {
    day_id(MessageId::new(call.now(), call.api.world().random.as_ref())).uuid()
}

/// Two letters; empty where the digits don't tell.
fn country_of(number: Option<&E164>) -> String {
    number.map(|number| numbers::look(number).country.to_owned()).unwrap_or_default()
}

pub(super) fn max_checks(until: Millis, now: Millis) -> ApiError {
    let refused = ApiError::new(429, 60202, "Max check attempts reached");
    ApiError { retry_after: Some(until.since(now)), ..refused }
}

fn max_sends(until: Millis, now: Millis) -> ApiError {
    let refused = ApiError::new(429, 60203, "Max send attempts reached");
    ApiError { retry_after: Some(until.since(now)), ..refused }
}

async fn deliver(
    call: &Call,
    service: &Service,
    asked: &Asked,
    row: &VerificationRow,
    kind: ChannelKind,
    content: Content,
) -> Result<(), SendError> {
    let api = &call.api;
    let scope = call.rows();
    let id = day_id(MessageId::new(call.now(), api.world().random.as_ref()));
    let mut tx = scope.begin().await?;
    tx.note_verification_message(row.id, id).await?;
    tx.commit().await?;
    let to = asked.target.address(kind);
    let mut message = Outgoing::new(id, call.caller.tenant, Purpose::Verify, to, content);
    message.valid_for = row.expires.since(call.now());
    message.language.clone_from(&asked.wording.language);
    message.terms.checked = true;
    message.terms.source = asked.source;
    message.terms.gate = asked.sim_swap.clone().map(|api| api as Arc<dyn Gate>);
    // A code that the program has drawn can't be drawn anew.
    if asked.custom.is_none() {
        message.renewal = Some(Arc::new(Another {
            store: Arc::clone(api.auth.store()),
            keys: scope.keys().await?,
            tenant: call.caller.tenant,
            id: row.id,
            length: service.settings.code_length,
            wording: asked.wording.clone(),
            digest: Mutex::new(row.digest.clone()),
        }));
    }
    api.courier().deliver(message).await
}

/// Another code in the place of one that a carrier has seen or may have seen.
struct Another {
    store: Arc<Store>,
    keys: TenantKeys,
    tenant: TenantId,
    id: VerificationId,
    length: usize,
    wording: Wording,
    /// Of the code that counts as far as this message knows.
    digest: Mutex<Vec<u8>>,
}

impl Another {
    async fn put(&self, digest: &[u8], channel: &str) -> Result<bool, StoreError> {
        let old = self.digest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut tx = self.store.tenant(self.tenant).begin().await?;
        let put = tx.renew_verification(self.id, &old, digest, channel, self.store.world().now()).await?;
        tx.commit().await?;
        if put {
            *self.digest.lock().unwrap_or_else(PoisonError::into_inner) = digest.to_vec();
        }
        Ok(put)
    }
}

impl Renewal for Another {
    fn renew<'a>(&'a self, kind: ChannelKind) -> BoxFuture<'a, Option<Content>> {
        Box::pin(async move {
            let code = codes::draw(self.store.world(), self.length);
            let content = self.wording.content(kind, &code)?;
            let digest = self.wording.bound.digest(&self.keys, &self.id, &code);
            self.put(&digest, word(kind)).await.unwrap_or(false).then_some(content)
        })
    }

    fn revoke(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.put(&[], "").await {
                tracing::error!(%error, "the code of a carrier that was cut off still counts");
            }
        })
    }
}
