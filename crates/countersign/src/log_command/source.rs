//! Where rows come from: this machine's database, or a server's Admin API. Page by page, in the order of their days.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, bail};
use data_encoding::BASE64;
use messaging::log::{self, LogReader, Page, page};
use serde::Deserialize;
use serde_json::Value;
use store::{LogSegment, MessageRow, Span, Store};
use types::{MessageId, Millis, Normalization, SecretString, SegmentId, TenantId, UserId, UserName, World};

use super::Reading;
use crate::{
    admin::{import::source::Source as Api, office::actor},
    keys_command::tenants,
};

/// Rows of a page.
const PAGE: i64 = 10_000;
/// Rows of a page through the Admin API.
const API_PAGE: i64 = 1000;
/// Names that are remembered at most; then they are asked for anew.
const NAMES: usize = 100_000;

/// A place to read from.
pub(crate) struct Source {
    tenant: TenantId,
    from: Place,
    names: HashMap<UserId, String>,
}

enum Place {
    Store { store: Arc<Store>, next: Option<Span>, user: Option<UserId> },
    Api { api: Box<Api>, query: Option<(Millis, Millis, Option<String>, Option<String>)>, proof: String },
}

impl Source {
    pub(crate) async fn store(store: Store, named: Option<&str>) -> anyhow::Result<Self> {
        if store.day_keys().is_err() {
            bail!(
                "the message log's day keys are not on this machine (keys.log_days): ask a server through its Admin API, by --api"
            );
        }
        let of_name = tenants(&store, named.unwrap_or("all")).await?;
        let [tenant] = of_name.as_slice() else { bail!("there are several tenants, or none: say which by --tenant") };
        let from = Place::Store { store: Arc::new(store), next: None, user: None };
        Ok(Self { tenant: *tenant, from, names: HashMap::new() })
    }

    pub(crate) fn api(host: &str, reading: &Reading, world: World) -> anyhow::Result<Self> {
        let file = reading.skey_file.as_deref().context("--skey-file is missing")?;
        let skey = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let skey = SecretString::new(skey.trim().to_owned());
        let ikey = reading.ikey.clone().context("--ikey is missing")?;
        let tenant = reading.tenant.as_deref().unwrap_or_default();
        let tenant = tenant.parse().context("--tenant: with --api the tenant's id (DA…) is needed")?;
        let api = Api::new(host, ikey, skey, reading.ca.as_deref(), world)?;
        Ok(Self {
            tenant,
            from: Place::Api { api: Box::new(api), query: None, proof: String::new() },
            names: HashMap::new(),
        })
    }

    pub(crate) const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Begins at the day of `from`.
    pub(crate) async fn begin(&mut self, from: Millis, to: Millis, user: Option<&str>) -> anyhow::Result<()> {
        match &mut self.from {
            Place::Store { store, next, user: wanted } => {
                let midnight = Millis(from.day().saturating_mul(super::DAY));
                *next = Some(Span::new(midnight, to, PAGE));
                *wanted = match user {
                    None => None,
                    Some(name) => Some(match name.parse() {
                        Ok(id) => id,
                        Err(_) => {
                            let wanted = UserName::new(name, Normalization::None)?;
                            let found = store.tenant(self.tenant).user_by_name(&wanted).await?;
                            found.with_context(|| format!("there is no user {name}"))?.id
                        }
                    }),
                };
            }
            Place::Api { query, .. } => *query = Some((from, to, user.map(str::to_owned), None)),
        }
        Ok(())
    }

    /// Shows that the key is here, before any rows are given: who can't is taken for a thief. Who reads on the server's own host stands in the
    /// organisation's administrator log then, with or without the key.
    pub(crate) async fn prove(&mut self, reader: &mut LogReader, from: Millis, to: Millis) -> anyhow::Result<()> {
        let (api, proof) = match &mut self.from {
            Place::Store { store, .. } => return note_reader(store, self.tenant, reader, (from, to)).await,
            Place::Api { api, proof, .. } => (api, proof),
        };
        let answer = api.get("/admin/v1/logs/messages", "prove=1").await?;
        let asked = Challenged::deserialize(answer.get("response").context("no response")?)?;
        let Some(Challenge { segment, id, sealed }) = asked.challenge else { return Ok(()) };
        let header = segment.header.map(|text| BASE64.decode(text.as_bytes())).transpose()?;
        reader.add_segment(segment.id.parse::<SegmentId>()?, segment.day, header.as_deref());
        if let Ok(opened) = reader.open(id.parse::<MessageId>()?, &BASE64.decode(sealed.as_bytes())?) {
            opened.to().clone_into(proof);
        }
        Ok(())
    }

    /// The next page; none after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Page>> {
        match &mut self.from {
            Place::Store { store, next, user } => {
                let Some(span) = next.take() else { return Ok(None) };
                let found = page(store, self.tenant, &span, *user).await?;
                *next = found.next;
                Ok(Some(found))
            }
            Place::Api { api, query, proof } => {
                let Some((from, to, user, after)) = query.take() else { return Ok(None) };
                let mut params = vec![("limit", API_PAGE.to_string()), ("maxtime", (to.0 - 1).to_string())];
                params.push(("mintime", from.0.to_string()));
                if !proof.is_empty() {
                    params.push(("proof", proof.clone()));
                }
                params.extend(after.map(|after| ("next_offset", after)));
                params.extend(user.clone().map(|user| ("user", user)));
                // In the order of their names, as they are signed.
                params.sort_unstable();
                let params: Vec<String> =
                    params.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
                let answer = api.get("/admin/v1/logs/messages", &params.join("&")).await?;
                let (page, after) = read_page(&answer).context("the server's answer is not what was expected")?;
                *query = after.map(|after| (from, to, user, Some(after)));
                Ok(Some(page))
            }
        }
    }

    /// The name of a user; the id where there is none any more.
    pub(crate) async fn name(&mut self, user: UserId) -> anyhow::Result<String> {
        if let Some(known) = self.names.get(&user) {
            return Ok(known.clone());
        }
        let found = match &self.from {
            Place::Store { store, .. } => store.tenant(self.tenant).user(user).await?.map(|row| row.username),
            Place::Api { api, .. } => {
                let found = api.get(&format!("/admin/v1/users/{user}"), "").await;
                found.ok().and_then(|found| found.pointer("/response/username")?.as_str().map(str::to_owned))
            }
        };
        let name = found.unwrap_or_else(|| user.to_string());
        if self.names.len() >= NAMES {
            self.names.clear();
        }
        self.names.insert(user, name.clone());
        Ok(name)
    }
}

/// As signatures have it (RFC 3986 §2.3).
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
    segments: Vec<Header>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    next_offset: Option<String>,
    #[serde(default)]
    user: Option<String>,
}

#[derive(Deserialize)]
struct Challenged {
    #[serde(default)]
    challenge: Option<Challenge>,
}

#[derive(Deserialize)]
struct Challenge {
    segment: Header,
    id: String,
    sealed: String,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    day: i64,
    channel: String,
    supplier: String,
    purpose: String,
    state: String,
    billing_class: String,
    error_class: String,
    sealed: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    id: String,
    day: i64,
    header: Option<String>,
}

/// Writes down who reads this machine's database, and raises an alarm where they can't open what they read: to copy what is sealed to
/// somebody else is nothing that anybody has asked them for.
async fn note_reader(
    store: &Store,
    tenant: TenantId,
    reader: &mut LogReader,
    (from, to): (Millis, Millis),
) -> anyhow::Result<()> {
    let (scope, who) = (store.tenant(tenant), actor());
    let challenge = log::challenge(store, tenant, &who).await?;
    let has_key = challenge.as_ref().is_none_or(|made| {
        reader.add_segment(made.segment.id, made.segment.day, made.segment.header.as_deref());
        reader.open(made.id, &made.sealed).is_ok()
    });
    let detail = serde_json::json!({ "from": from.0, "to": to.0, "has_key": has_key });
    let mut tx = scope.begin().await?;
    tx.log_act(store.world(), &who, "message_log_read", "", &detail.to_string()).await?;
    tx.commit().await?;
    if !has_key {
        scope.raise("log_read_without_key", &who, "{}").await?;
    }
    Ok(())
}

fn read_page(answer: &Value) -> anyhow::Result<(Page, Option<String>)> {
    let answer = Answer::deserialize(answer.get("response").context("no response")?)?;
    let bytes = |text: Option<String>| text.map(|text| BASE64.decode(text.as_bytes())).transpose();
    let rows = answer.items.into_iter().map(|item| {
        Ok(MessageRow {
            id: item.id.parse::<MessageId>()?,
            day: item.day,
            channel: item.channel,
            supplier: item.supplier,
            purpose: item.purpose,
            state: item.state,
            billing_class: item.billing_class,
            error_class: item.error_class,
            user_mark: Vec::new(),
            receipt: None,
            sealed: bytes(item.sealed)?,
            txid: None,
        })
    });
    let segments = answer.segments.into_iter().map(|segment| {
        Ok(LogSegment { id: segment.id.parse::<SegmentId>()?, day: segment.day, header: bytes(segment.header)? })
    });
    let page = Page {
        rows: rows.collect::<anyhow::Result<_>>()?,
        segments: segments.collect::<anyhow::Result<_>>()?,
        next: None,
        canaries: 0,
        user: answer.metadata.user.map(|user| user.parse()).transpose()?,
    };
    Ok((page, answer.metadata.next_offset))
}
