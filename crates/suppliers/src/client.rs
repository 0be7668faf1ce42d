//! Requests to a supplier: limits, and what an outcome proves.

use crate::{
    letter::Refusal,
    recipe::{Auth, Step},
    signature, sigv4,
    template::Values,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use std::time::Duration;
use types::World;

/// No answer of a supplier is longer; what is, is cut off and not understood.
const MAX_ANSWER: usize = 64 * 1024;
/// The longest wait that is believed.
const MAX_PATIENCE: Duration = Duration::from_secs(3_600);

/// What a supplier answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Client {
    http: reqwest::Client,
    world: World,
}

impl Client {
    pub(crate) fn new(request: Duration, world: World) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(request.min(Duration::from_secs(5)))
            .timeout(request)
            // A redirect would carry a number and a code to another host.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // A request that was sent isn't repeated: a person would get one code twice.
            .retry(reqwest::retry::never())
            // A connection that the supplier is about to close is a message without a clear answer.
            .pool_idle_timeout(Duration::from_secs(15))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, world })
    }

    /// Makes a request. [`Refusal::Unfit`] if a value is missing that it needs, [`Refusal::Down`] if it was certainly not sent,
    /// [`Refusal::Unknown`] if nobody knows.
    pub(crate) async fn ask(&self, step: &Step, values: &Values<'_>) -> Result<Reply, Refusal> {
        let request = self.request(step, values).ok_or(Refusal::Unfit)?;
        let mut answer =
            self.http.execute(request).await.map_err(|error| {
                if error.is_connect() || error.is_builder() { Refusal::Down } else { Refusal::Unknown }
            })?;
        let retry_after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(MAX_PATIENCE));
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            if body.len() + chunk.len() > MAX_ANSWER {
                body.clear();
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, retry_after, body })
    }

    pub(crate) fn request(&self, step: &Step, values: &Values<'_>) -> Option<reqwest::Request> {
        let mut url = url::Url::parse(&step.url.fill_url(values)?).ok()?;
        {
            let fields = step.query.iter().filter_map(|(name, value)| Some((name, value.fill(values)?)));
            let mut fields: Vec<_> = fields.collect();
            let secrets = if let Auth::Query(secrets) = &step.auth { Some(secrets) } else { None };
            fields.extend(secrets.into_iter().flatten().map(|(name, value)| (name, value.expose().to_owned())));
            if !fields.is_empty() {
                url.query_pairs_mut().extend_pairs(fields);
            }
        }
        let (kind, body) = body(step, values)?;
        let method: http::Method = step.method.into();
        let mut request = reqwest::Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in &step.headers {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.fill(values)?).ok()?);
        }
        self.sign_in(&step.auth, &mut request, kind, &body)?;
        *request.body_mut() = Some(body.into());
        Some(request)
    }

    fn sign_in(&self, auth: &Auth, request: &mut reqwest::Request, kind: &str, body: &[u8]) -> Option<()> {
        let mut put = |name: &str, value: String| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            request.headers_mut().insert(HeaderName::try_from(name).ok()?, value);
            Some(())
        };
        match auth {
            Auth::None | Auth::Query(_) | Auth::Form(_) => Some(()),
            Auth::Basic { user, password } => {
                let both = data_encoding::BASE64.encode(format!("{user}:{}", password.expose()).as_bytes());
                put("authorization", format!("Basic {both}"))
            }
            Auth::Bearer(token) => put("authorization", format!("Bearer {}", token.expose())),
            Auth::Header { name, value } => put(name, value.expose().to_owned()),
            Auth::Jwt(application) => {
                put("authorization", format!("Bearer {}", signature::token(application, &self.world)?))
            }
            Auth::Sigv4(credentials) => {
                let headers = if kind.is_empty() { vec![] } else { vec![("content-type", kind)] };
                let method = request.method().as_str().to_owned();
                let signed =
                    sigv4::Request { method: &method, url: request.url(), headers: &headers, body, hash_header: false };
                for (name, value) in sigv4::sign(credentials, &signed, self.world.now()) {
                    let mut value = HeaderValue::try_from(value).ok()?;
                    value.set_sensitive(true);
                    request.headers_mut().insert(HeaderName::from_static(name), value);
                }
                Some(())
            }
        }
    }
}

/// The body and its type; nothing for a request without one.
fn body(step: &Step, values: &Values<'_>) -> Option<(&'static str, Vec<u8>)> {
    if let Some(shape) = &step.json {
        return Some(("application/json", serde_json::to_vec(&shape.fill(values)?).ok()?));
    }
    let secrets = if let Auth::Form(secrets) = &step.auth { Some(secrets) } else { None };
    if step.form.is_none() && secrets.is_none() {
        return Some(("", Vec::new()));
    }
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in step.form.iter().flatten() {
        if let Some(value) = value.fill(values) {
            out.append_pair(name, &value);
        }
    }
    for (name, value) in secrets.into_iter().flatten() {
        out.append_pair(name, value.expose());
    }
    Some(("application/x-www-form-urlencoded", out.finish().into_bytes()))
}
