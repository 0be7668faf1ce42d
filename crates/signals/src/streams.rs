//! `/ssf/stream`: receivers make, read, change and remove their streams (SSF 1.0 §8.1.1).

use crate::{
    Door, ask,
    caller::{Caller, Scope},
    configuration::{POLL, PUSH},
    error::{Refusal, answer, empty},
    events::Kind,
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use store::{StreamRow, fields};
use types::StreamId;

/// Streams of a tenant.
const MOST: i64 = 50;
/// Of one client.
const MOST_OF_CLIENT: usize = 5;
/// Kinds of events that one request may name.
const MOST_EVENTS: usize = 50;
/// The longest texts, in bytes.
const LONGEST_DESCRIPTION: usize = 256;
const LONGEST_CREDENTIAL: usize = 2048;
/// Seconds between two verifications that a receiver asks for.
pub(crate) const VERIFIED_EACH: u64 = 60;

/// What a receiver says of its stream. What the transmitter decides may be sent back as it was read, and is not looked at.
#[derive(Deserialize, Default)]
pub(crate) struct Wanted {
    stream_id: Option<String>,
    delivery: Option<Delivery>,
    events_requested: Option<Vec<String>>,
    description: Option<String>,
    /// How people are named: `email` or `iss_sub`.
    format: Option<String>,
}

#[derive(Deserialize)]
struct Delivery {
    method: String,
    endpoint_url: Option<String>,
    authorization_header: Option<String>,
}

/// A stream as its receiver reads it. The credential is never shown.
pub(crate) fn shown(caller: &Caller, row: &StreamRow) -> Value {
    let offered: Vec<&str> = Kind::OFFERED.iter().map(|kind| kind.uri()).collect();
    let delivered: Vec<&str> = Kind::OFFERED.iter().filter(|kind| wants(row, **kind)).map(|kind| kind.uri()).collect();
    let endpoint =
        if row.method == "push" { row.endpoint.clone() } else { format!("{}/ssf/poll/{}", caller.issuer, row.id) };
    let method = if row.method == "push" { PUSH } else { POLL };
    json!({
        "stream_id": row.id.to_string(),
        "iss": caller.issuer,
        "aud": caller.party.key,
        "delivery": { "method": method, "endpoint_url": endpoint },
        "events_supported": offered,
        "events_requested": delivered,
        "events_delivered": delivered,
        "format": row.subject,
        "description": row.description,
        "min_verification_interval": VERIFIED_EACH,
    })
}

/// Whether a stream wants this kind.
pub(crate) fn wants(row: &StreamRow, kind: Kind) -> bool {
    row.events.split(' ').any(|word| word == kind.word())
}

/// The stream of this client that a request names.
pub(crate) async fn own(caller: &Caller, id: StreamId) -> Result<StreamRow, Refusal> {
    let row = caller.rows().signal_stream(id).await?;
    row.filter(|row| row.ikey == caller.party.ikey()).ok_or(Refusal::NotFound)
}

/// The streams of this client.
async fn all(caller: &Caller) -> Result<Vec<StreamRow>, Refusal> {
    let rows = caller.rows().signal_streams().await?;
    Ok(rows.into_iter().filter(|row| row.ikey == caller.party.ikey()).collect())
}

/// `POST`: makes one.
pub(crate) async fn create(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Manage).await?;
    let wanted: Wanted = ask::json(&parts, body).await?;
    if all(&caller).await?.len() >= MOST_OF_CLIENT {
        return Err(Refusal::TooMany);
    }
    let world = caller.sso.world();
    let now = world.now();
    let mut row = StreamRow {
        id: StreamId::new(now, world.random.as_ref()),
        ikey: caller.party.ikey().to_owned(),
        method: "poll".to_owned(),
        endpoint: String::new(),
        credential: None,
        events: words(&[]),
        subject: "iss_sub".to_owned(),
        description: String::new(),
        status: "enabled".to_owned(),
        created: now,
        updated: now,
    };
    wanted.checked(&door, &caller, row.id).await?.apply(&mut row, true);
    let mut tx = caller.rows().begin().await?;
    if !tx.insert_signal_stream(&row, MOST).await? {
        return Err(Refusal::TooMany);
    }
    let detail = json!({ "stream_id": row.id.to_string(), "method": row.method, "endpoint": row.endpoint });
    tx.log_act(world, caller.party.ikey(), "signal_stream_create", &caller.party.app.name, &detail.to_string()).await?;
    tx.commit().await?;
    Ok(answer(StatusCode::CREATED, &shown(&caller, &row)))
}

/// `GET`: one, or all of the client's.
pub(crate) async fn read(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Read).await?;
    let body = match ask::stream(&parts.uri)? {
        Some(id) => shown(&caller, &own(&caller, id).await?),
        None => all(&caller).await?.iter().map(|row| shown(&caller, row)).collect(),
    };
    Ok(answer(StatusCode::OK, &body))
}

/// `PATCH`: changes what is named.
pub(crate) async fn update(state: State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    change(state, request, false).await
}

/// `PUT`: replaces all.
pub(crate) async fn replace(state: State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    change(state, request, true).await
}

async fn change(State(door): State<Arc<Door>>, request: Request<Body>, whole: bool) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Manage).await?;
    let wanted: Wanted = ask::json(&parts, body).await?;
    let id = wanted.stream_id.as_deref().ok_or(Refusal::Request("The stream_id is missing."))?;
    let id: StreamId = id.parse().map_err(|_| Refusal::NotFound)?;
    let wanted = wanted.checked(&door, &caller, id).await?;
    let now = caller.sso.world().now();
    let mut tx = caller.rows().begin().await?;
    let held = tx.hold_signal_stream(id, caller.party.ikey(), now).await?;
    let mut row = held.ok_or(Refusal::NotFound)?;
    wanted.apply(&mut row, whole);
    if !tx.change_signal_stream(&row, now).await? {
        return Err(Refusal::NotFound);
    }
    let detail = json!({ "stream_id": row.id.to_string(), "method": row.method, "endpoint": row.endpoint });
    let name = &caller.party.app.name;
    tx.log_act(caller.sso.world(), caller.party.ikey(), "signal_stream_update", name, &detail.to_string()).await?;
    tx.commit().await?;
    Ok(answer(StatusCode::OK, &shown(&caller, &row)))
}

/// `DELETE`: removes one with what waits for it.
pub(crate) async fn remove(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Manage).await?;
    let id = ask::stream(&parts.uri)?.ok_or(Refusal::Request("The stream_id is missing."))?;
    let mut tx = caller.rows().begin().await?;
    if !tx.delete_signal_stream(id, caller.party.ikey()).await? {
        return Err(Refusal::NotFound);
    }
    let detail = json!({ "stream_id": id.to_string() }).to_string();
    let name = &caller.party.app.name;
    tx.log_act(caller.sso.world(), caller.party.ikey(), "signal_stream_delete", name, &detail).await?;
    tx.commit().await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// What a receiver wants and may have.
struct Checked {
    delivery: Option<Way>,
    events: Option<String>,
    description: Option<String>,
    subject: Option<String>,
}

/// How a stream's events reach its receiver.
enum Way {
    Poll,
    Push {
        endpoint: String,
        /// Sealed for this stream.
        credential: Option<Vec<u8>>,
    },
}

impl Wanted {
    /// Checks it for the stream `id` without looking at that: so nobody changes the stream between a look and a write.
    async fn checked(self, door: &Door, caller: &Caller, id: StreamId) -> Result<Checked, Refusal> {
        let delivery = match self.delivery {
            Some(delivery) => Some(delivery.checked(door, caller, id).await?),
            None => None,
        };
        if self.events_requested.as_ref().is_some_and(|uris| uris.len() > MOST_EVENTS) {
            return Err(Refusal::Request("events_requested names too many."));
        }
        let fits = |text: &String| text.len() <= LONGEST_DESCRIPTION && !text.chars().any(char::is_control);
        if !self.description.as_ref().is_none_or(fits) {
            return Err(Refusal::Request("The description has at most 256 bytes and no control characters."));
        }
        if !matches!(self.format.as_deref(), None | Some("email" | "iss_sub")) {
            return Err(Refusal::Request("The format must be email or iss_sub."));
        }
        let events = self.events_requested.map(|uris| words(&uris));
        Ok(Checked { delivery, events, description: self.description, subject: self.format })
    }
}

impl Delivery {
    async fn checked(self, door: &Door, caller: &Caller, id: StreamId) -> Result<Way, Refusal> {
        match self.method.as_str() {
            POLL => return Ok(Way::Poll),
            PUSH => {}
            _ => return Err(Refusal::Request("The delivery method must be that of RFC 8935 or RFC 8936.")),
        }
        let endpoint = self.endpoint_url.ok_or(Refusal::Request("The endpoint_url is missing."))?;
        let url = door.outbound.check(&endpoint).map_err(|_| Refusal::Request("The endpoint_url can not be used."))?;
        if url.scheme() != "https" && !is_near(&url) {
            return Err(Refusal::Request("The endpoint_url must be https."));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Refusal::Request("The endpoint_url can not be used."));
        }
        let Some(header) = self.authorization_header else { return Ok(Way::Push { endpoint, credential: None }) };
        let visible = header.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if header.is_empty() || header.len() > LONGEST_CREDENTIAL || !visible {
            return Err(Refusal::Request("The authorization_header can not be used."));
        }
        let keys = caller.rows().keys().await?;
        let random = caller.sso.world().random.as_ref();
        let sealed = keys.seal(fields::signal_credential(&id), header.as_bytes(), random);
        Ok(Way::Push { endpoint, credential: Some(sealed.map_err(store::StoreError::from)?) })
    }
}

impl Checked {
    /// Takes it over. With `whole`, what it doesn't name is as at the beginning.
    fn apply(self, row: &mut StreamRow, whole: bool) {
        match self.delivery {
            Some(Way::Push { endpoint, credential }) => {
                // What was for another address isn't sent to this one.
                if credential.is_some() || endpoint != row.endpoint {
                    row.credential = credential;
                }
                (row.method, row.endpoint) = ("push".to_owned(), endpoint);
            }
            None if !whole => {}
            Some(Way::Poll) | None => {
                (row.method, row.endpoint, row.credential) = ("poll".to_owned(), String::new(), None);
            }
        }
        let named = |given: Option<String>, row: &mut String, first: &str| match given {
            Some(text) => *row = text,
            None if whole => first.clone_into(row),
            None => {}
        };
        named(self.events, &mut row.events, &words(&[]));
        named(self.description, &mut row.description, "");
        named(self.subject, &mut row.subject, "iss_sub");
    }
}

/// Whether an address is one of a network that the operator has allowed: nobody outside reads along. Another's has been refused before, and a
/// name may lead anywhere tomorrow.
fn is_near(url: &url::Url) -> bool {
    let literal = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.into(),
        Some(url::Host::Ipv6(ip)) => ip.into(),
        Some(url::Host::Domain(_)) | None => return false,
    };
    !outbound::is_public(literal)
}

/// The kinds among these that are offered, as the store wants them. What isn't known is ignored (SSF 1.0 §8.1.1.1).
fn words(uris: &[String]) -> String {
    let kinds = Kind::OFFERED.iter().filter(|kind| uris.iter().any(|uri| Kind::of_uri(uri) == Some(**kind)));
    kinds.fold(" ".to_owned(), |text, kind| format!("{text}{} ", kind.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_not_known_are_not_wanted() {
        let uris = [Kind::CredentialChange.uri(), "https://example/x", Kind::SessionRevoked.uri()].map(str::to_owned);
        assert_eq!(words(&uris), " session-revoked credential-change ");
        assert_eq!(words(&[]), " ");
    }

    #[test]
    fn only_what_is_near_hears_in_clear() {
        let near = |url: &str| is_near(&url.parse().unwrap());
        for url in ["http://127.0.0.1:9/e", "http://10.0.0.7/e", "http://[::1]/e", "http://[fd00::1]/e"] {
            assert!(near(url), "{url}");
        }
        for url in ["http://8.8.8.8/e", "http://134744072/e", "http://[2001:4860::1]/e", "http://receiver.example/e"] {
            assert!(!near(url), "{url}");
        }
        assert!(!near("http://[::ffff:8.8.8.8]/e"));
    }
}
