//! Duo's Auth API v2 as its clients call it: every request signed by version 5 (HMAC-SHA-512), over verified TLS.

use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context as _, bail};
use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value};
use types::{Millis, SecretString, World};

use crate::client::{Https, Request};

/// A client of one application.
pub(super) struct Duo {
    pub(super) https: Https,
    pub(super) ikey: String,
    pub(super) skey: SecretString,
    pub(super) world: World,
    /// Counts the logins, each of which comes from somewhere else.
    pub(super) logins: AtomicU8,
}

/// The end of a login, as the API words it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) result: String,
    pub(super) status: String,
    pub(super) message: String,
}

/// What preauth said.
pub(super) struct Preauth {
    pub(super) told: Told,
    /// The push that preauth offers, and the code that approves it.
    pub(super) offer: Option<(String, String)>,
}

/// RFC 2822, as Duo's Python client writes it.
fn date(now: Millis) -> anyhow::Result<String> {
    Ok(jiff::Timestamp::from_millisecond(now.0)?.strftime("%a, %d %b %Y %H:%M:%S -0000").to_string())
}

fn sha512(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA512, bytes).as_ref())
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Duo {
    /// What is signed: date, method, host, path, query, hash of the body, hash of the further headers (of which there are none).
    async fn call(&self, method: &'static str, path: &str, query: &str, body: &str) -> anyhow::Result<Value> {
        let date = date(self.world.now())?;
        let (host, body_hash, headers_hash) = (self.https.host(), sha512(body.as_bytes()), sha512(b""));
        let lines = [&date, method, host, path, query, &body_hash, &headers_hash].join("\n");
        let key = hmac::Key::new(hmac::HMAC_SHA512, self.skey.expose().as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, lines.as_bytes()).as_ref());
        let credentials = BASE64.encode(format!("{}:{signature}", self.ikey).as_bytes());
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let headers = [("date", date), ("authorization", format!("Basic {credentials}"))];
        let (status, answer) = self.https.send(Request { method, target: &target, headers: &headers, body }).await?;
        if status != 200 {
            bail!("{} {}", text(&answer, "message"), text(&answer, "message_detail"));
        }
        answer.get("response").cloned().context("an answer without a response")
    }

    async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> anyhow::Result<Value> {
        let body: Map<String, Value> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        self.call("POST", path, "", &Value::Object(body).to_string()).await
    }

    /// May this person go on, and with what.
    pub(super) async fn preauth(&self, username: &str) -> anyhow::Result<Preauth> {
        let pairs = [("username", username), ("client_supports_verified_push", "1")];
        let answer = self.post("/auth/v2/preauth", &pairs).await?;
        let told =
            Told { result: text(&answer, "result"), status: String::new(), message: text(&answer, "status_msg") };
        let offer = (text(&answer, "txid"), text(&answer, "verification_code"));
        Ok(Preauth { told, offer: Some(offer).filter(|(txid, _)| !txid.is_empty()) })
    }

    /// A passcode of whatever kind.
    pub(super) async fn passcode(&self, username: &str, code: &str) -> anyhow::Result<Told> {
        // Two requests that are the same to the last letter within one second are one that was replayed, and only one is heard.
        let address = format!("203.0.113.{}", self.logins.fetch_add(1, Ordering::Relaxed));
        self.auth(&[("username", username), ("factor", "passcode"), ("passcode", code), ("ipaddr", &address)]).await
    }

    /// A factor that is answered at once.
    pub(super) async fn auth(&self, pairs: &[(&str, &str)]) -> anyhow::Result<Told> {
        Ok(told(&self.post("/auth/v2/auth", pairs).await?))
    }

    /// A factor that waits for somebody: gives the login's id.
    pub(super) async fn begin(&self, username: &str, factor: &str, offer: Option<&str>) -> anyhow::Result<String> {
        let mut pairs = vec![("username", username), ("factor", factor), ("device", "auto"), ("async", "1")];
        pairs.extend(offer.map(|txid| ("txid", txid)));
        Ok(text(&self.post("/auth/v2/auth", &pairs).await?, "txid"))
    }

    /// Asks for the state until there is an end; gives also what was said on the way.
    pub(super) async fn finish(&self, txid: &str) -> anyhow::Result<(Told, Vec<String>)> {
        let mut on_the_way = Vec::new();
        loop {
            let answer = self.call("GET", "/auth/v2/auth_status", &format!("txid={txid}"), "").await?;
            let told = told(&answer);
            if told.result != "waiting" {
                return Ok((told, on_the_way));
            }
            on_the_way.push(told.message);
        }
    }
}

fn told(answer: &Value) -> Told {
    Told { result: text(answer, "result"), status: text(answer, "status"), message: text(answer, "status_msg") }
}
