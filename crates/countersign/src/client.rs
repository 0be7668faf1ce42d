//! The program as a client of a server of its own kind: one that trusts one certificate authority and no other.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Longer than any answer of the server takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// An HTTPS client of one server.
#[derive(Clone)]
pub struct Https {
    /// `https://host:port`, without a slash at the end.
    base: String,
    http: reqwest::Client,
}

impl Https {
    /// A client of the server at `base` (`https://host:port`). With `ca`, a file in PEM, it trusts that authority only; without, the
    /// system's.
    ///
    /// # Errors
    /// When `base` is no HTTPS URL, or `ca` can't be read.
    pub fn new(base: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/');
        if !base.starts_with("https://") {
            bail!("{base} does not begin with https://");
        }
        let mut http = reqwest::Client::builder()
            .https_only(true)
            .timeout(PATIENCE)
            // A proxy of the environment is for the way out of the house.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = ca {
            let pem = fs::read(path).with_context(|| path.display().to_string())?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                bail!("{} holds no certificate", path.display());
            }
            http = http.tls_certs_only(certificates);
        }
        Ok(Self { base: base.to_owned(), http: http.build()? })
    }

    /// Where the server is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The host with its port, as it stands in the `Host` header.
    #[must_use]
    pub fn host(&self) -> &str {
        self.base.strip_prefix("https://").unwrap_or_default()
    }

    /// Posts a form and gives the status and the JSON of the answer.
    ///
    /// # Errors
    /// When there is no answer, or it is no JSON.
    pub async fn post_form(&self, target: &str, fields: &[(&str, &str)]) -> anyhow::Result<(u16, Value)> {
        self.answer(self.http.post(format!("{}{target}", self.base)).form(fields)).await
    }

    /// Sends one request and gives the status and the JSON of the answer.
    ///
    /// # Errors
    /// When there is no answer, or it is no JSON.
    pub async fn send(&self, request: Request<'_>) -> anyhow::Result<(u16, Value)> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())?;
        let mut sent = self.http.request(method, format!("{}{}", self.base, request.target));
        for (name, value) in request.headers {
            sent = sent.header(*name, value);
        }
        if !request.body.is_empty() {
            sent = sent.header("content-type", "application/json").body(request.body.to_owned());
        }
        self.answer(sent).await
    }

    async fn answer(&self, sent: reqwest::RequestBuilder) -> anyhow::Result<(u16, Value)> {
        let answer = sent.send().await.with_context(|| format!("no answer from {}", self.base))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.context("the answer broke off")?;
        let value = serde_json::from_slice(&body).with_context(|| format!("status {status}, and no JSON"))?;
        Ok((status, value))
    }
}

/// A request with a JSON body or none.
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with its query.
    pub target: &'a str,
    /// Further headers.
    pub headers: &'a [(&'static str, String)],
    /// The body; empty for none.
    pub body: &'a str,
}
