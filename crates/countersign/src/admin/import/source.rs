//! A reader of another account's Admin API: signed by version 5, page by page.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER};
use serde::de::DeserializeOwned;
use serde_json::Value;
use types::{SecretString, World};

/// Rows asked for at once: what every one of Duo's lists gives.
const PAGE: u64 = 100;
/// The longest answer, in bytes.
const LONGEST: usize = 64 * 1024 * 1024;
/// Pages of one list at most.
const MOST_PAGES: usize = 100_000;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a request is sent again that was answered by 429: after 1, 2, 4, … 32 seconds, as Duo's own clients do.
const RETRIES: u32 = 6;

/// The other account.
pub(crate) struct Source {
    base: String,
    host: String,
    ikey: String,
    skey: SecretString,
    world: World,
    http: reqwest::Client,
}

impl Source {
    /// The account behind `host`. With `ca`, a file in PEM, it trusts that authority only; without, the system's.
    pub(crate) fn new(
        host: &str,
        ikey: String,
        skey: SecretString,
        ca: Option<&Path>,
        world: World,
    ) -> anyhow::Result<Self> {
        let host = host.trim().trim_end_matches('/').to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if host.is_empty() || !host.chars().all(plain) {
            bail!("{host} is not a host name");
        }
        let mut http =
            reqwest::Client::builder().https_only(true).timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        if let Some(path) = ca {
            let pem = fs::read(path).with_context(|| path.display().to_string())?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                bail!("{} holds no certificate", path.display());
            }
            http = http.tls_certs_only(certificates);
        }
        Ok(Self { base: format!("https://{host}"), host, ikey, skey, world, http: http.build()? })
    }

    /// A server of the test's own, without TLS.
    #[cfg(test)]
    pub(super) fn plain(address: std::net::SocketAddr, ikey: String, skey: SecretString, world: World) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base: format!("http://{address}"), host: address.to_string(), ikey, skey, world, http }
    }

    /// The lines that are signed: date, method, host, path, parameters, hash of the (empty) body, hash of the further headers, of
    /// which there are none.
    fn authorization(&self, date: &str, path: &str, query: &str) -> String {
        let sha512 = HEXLOWER.encode(digest::digest(&digest::SHA512, b"").as_ref());
        let lines = [date, "GET", &self.host, path, query, &sha512, &sha512].join("\n");
        let key = hmac::Key::new(hmac::HMAC_SHA512, self.skey.expose().as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, lines.as_bytes()).as_ref());
        format!("Basic {}", BASE64.encode(format!("{}:{signature}", self.ikey).as_bytes()))
    }

    /// One answer with its envelope.
    pub(crate) async fn get(&self, path: &str, query: &str) -> anyhow::Result<Value> {
        let mut waits = 0;
        loop {
            let date = jiff::Timestamp::from_millisecond(self.world.now().0)?;
            let date = date.strftime("%a, %d %b %Y %H:%M:%S -0000").to_string();
            let mark = if query.is_empty() { "" } else { "?" };
            let request = self
                .http
                .get(format!("{}{path}{mark}{query}", self.base))
                .header("authorization", self.authorization(&date, path, query))
                .header("date", date);
            let mut answer = request.send().await.with_context(|| format!("no answer from {}", self.host))?;
            let status = answer.status();
            if status == reqwest::StatusCode::TOO_MANY_REQUESTS && waits < RETRIES {
                tokio::time::sleep(Duration::from_secs(1 << waits)).await;
                waits += 1;
                continue;
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.context("the answer broke off")? {
                body.extend_from_slice(&chunk);
                if body.len() > LONGEST {
                    bail!("the answer to {path} is longer than {LONGEST} bytes");
                }
            }
            let value: Value =
                serde_json::from_slice(&body).with_context(|| format!("{path}: {status}, and no JSON"))?;
            if value.get("stat").and_then(Value::as_str) == Some("OK") {
                return Ok(value);
            }
            let said = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            bail!("{path}: {status} {} ({})", said("message"), said("message_detail"));
        }
    }

    /// One object.
    pub(super) async fn one<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let mut value = self.get(path, "").await?;
        let response = value.get_mut("response").map(Value::take).unwrap_or_default();
        serde_json::from_value(response).with_context(|| format!("{path}: not what was expected"))
    }

    /// Every object of a list, page by page.
    pub(super) async fn every<T: DeserializeOwned>(
        &self,
        path: &str,
        mut each: impl AsyncFnMut(T) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut offset = 0;
        for _ in 0..MOST_PAGES {
            // In the order of their names, as they are signed.
            let mut value = self.get(path, &format!("limit={PAGE}&offset={offset}")).await?;
            let rows = value.get_mut("response").map(Value::take).unwrap_or_default();
            let rows: Vec<T> = serde_json::from_value(rows).with_context(|| format!("{path}: not a list"))?;
            for row in rows {
                each(row).await?;
            }
            match value.pointer("/metadata/next_offset").and_then(Value::as_u64) {
                None => return Ok(()),
                Some(next) if next > offset => offset = next,
                Some(_) => bail!("{path}: the next page lies before this one"),
            }
        }
        bail!("{path}: more than {MOST_PAGES} pages")
    }
}
