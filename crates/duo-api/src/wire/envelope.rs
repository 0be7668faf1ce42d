//! The envelope around every answer, in the client's encoding.

use super::{ApiError, bson};
use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, PRAGMA, RETRY_AFTER},
};
use serde::Serialize;
use serde_json::{Map, Value};

// duo_unix reads either, in seconds or as a date.
const X_RETRY_AFTER: HeaderName = HeaderName::from_static("x-retry-after");

/// How a client wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// All of Auth v2 and Admin, `/rest/v1/…` without suffix and with `.json`.
    #[default]
    Json,
    /// `/rest/v1/….bson`: duo_unix up to 1.11.3.
    Bson,
}

/// A good answer: `{"stat":"OK","response":…[,"metadata":…]}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    response: Value,
    metadata: Option<Value>,
}

/// An answer and its encoding, ready to be sent.
#[derive(Debug)]
#[must_use]
pub struct Reply {
    encoding: Encoding,
    outcome: Result<Envelope, ApiError>,
}

impl Envelope {
    /// Only a response.
    #[must_use]
    pub fn ok(response: impl Into<Value>) -> Self {
        Self { response: response.into(), metadata: None }
    }

    /// With metadata beside the response, as offset paging has it.
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    /// What is inside.
    #[must_use]
    pub const fn response(&self) -> &Value {
        &self.response
    }

    /// What stands beside it.
    #[must_use]
    pub const fn metadata(&self) -> Option<&Value> {
        self.metadata.as_ref()
    }
}

impl Encoding {
    /// Chooses by the path's suffix, and gives the path without it, so that one route serves all of duo_unix's
    /// generations.
    #[must_use]
    pub fn of_path(path: &str) -> (Self, &str) {
        if let Some(path) = path.strip_suffix(".bson") {
            (Self::Bson, path)
        } else {
            (Self::Json, path.strip_suffix(".json").unwrap_or(path))
        }
    }

    /// Wraps an outcome.
    pub const fn reply(self, outcome: Result<Envelope, ApiError>) -> Reply {
        Reply { encoding: self, outcome }
    }

    // Exactly this: duo_api_ruby compares the whole header, so no charset may follow.
    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json"),
            Self::Bson => HeaderValue::from_static("application/bson"),
        }
    }
}

#[derive(Serialize)]
struct Good<'a> {
    stat: &'static str,
    response: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
}

#[derive(Serialize)]
struct Bad<'a> {
    stat: &'static str,
    code: u32,
    message: &'a str,
    message_detail: &'a str,
}

impl<'a> Bad<'a> {
    fn of(error: &'a ApiError) -> Self {
        Self { stat: "FAIL", code: error.code(), message: error.message(), message_detail: error.detail() }
    }
}

fn json(envelope: &Envelope) -> Option<Vec<u8>> {
    let Envelope { response, metadata } = envelope;
    serde_json::to_vec(&Good { stat: "OK", response, metadata: metadata.as_ref() }).ok()
}

fn bson_ok(envelope: &Envelope) -> Option<Vec<u8>> {
    let mut document = Map::with_capacity(3);
    document.insert("stat".into(), "OK".into());
    document.insert("response".into(), envelope.response.clone());
    if let Some(metadata) = &envelope.metadata {
        document.insert("metadata".into(), metadata.clone());
    }
    bson::encode(&document).ok()
}

fn fail(encoding: Encoding, error: &ApiError) -> Option<Vec<u8>> {
    let fail = Bad::of(error);
    match encoding {
        Encoding::Json => serde_json::to_vec(&fail).ok(),
        Encoding::Bson => {
            serde_json::to_value(fail).ok().as_ref().and_then(Value::as_object).and_then(|map| bson::encode(map).ok())
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let Self { encoding, mut outcome } = self;
        let mut body = match (&outcome, encoding) {
            (Ok(envelope), Encoding::Json) => json(envelope),
            (Ok(envelope), Encoding::Bson) => bson_ok(envelope),
            (Err(_), _) => None,
        };
        if body.is_none() && outcome.is_ok() {
            // Only a reply with a list, boolean or large number in BSON gets here. Not 500: the clients that speak BSON
            // let a user in on 5xx.
            tracing::error!("an answer could not be encoded");
            outcome = Err(ApiError::invalid_parameter("The answer cannot be written in this encoding."));
        }
        let error = outcome.err();
        if let Some(error) = &error {
            body = fail(encoding, error);
        }
        let mut response = body.unwrap_or_default().into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, encoding.content_type());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        if let Some(error) = error {
            if let Some(seconds) = error.retry_after() {
                headers.insert(RETRY_AFTER, seconds.into());
                headers.insert(X_RETRY_AFTER, seconds.into());
            }
            *response.status_mut() = error.status();
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    /// Sends `outcome` and reads it as a client would: BSON by the `bson` crate.
    async fn sent(encoding: Encoding, outcome: Result<Envelope, ApiError>) -> (http::response::Parts, Value) {
        let (parts, body) = encoding.reply(outcome).into_response().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let value = match encoding {
            Encoding::Json => serde_json::from_slice(&bytes).unwrap(),
            Encoding::Bson => bson::tests::read(&bytes),
        };
        (parts, value)
    }

    #[tokio::test]
    async fn constraint_4_fail_envelopes_always_carry_message_and_detail() {
        for encoding in [Encoding::Json, Encoding::Bson] {
            for error in ApiError::one_of_each() {
                let (parts, value) = sent(encoding, Err(error.clone())).await;
                assert_eq!(parts.status, error.status());
                assert_eq!(value["stat"], "FAIL");
                assert_eq!(value["code"].as_i64(), Some(i64::from(error.code())), "a number, and never 0");
                for member in ["message", "message_detail"] {
                    assert!(value[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {error}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_good_answer_is_the_same_in_both_encodings() {
        let response = json!({ "result": "auth", "factors": { "default": "push1", "1": "push1" }, "n": 1 });
        for (encoding, kind) in [(Encoding::Json, "application/json"), (Encoding::Bson, "application/bson")] {
            let (parts, value) = sent(encoding, Ok(Envelope::ok(response.clone()))).await;
            assert_eq!(parts.status, 200);
            assert_eq!(parts.headers["content-type"], kind);
            assert_eq!(parts.headers["cache-control"], "no-store");
            assert_eq!(parts.headers["pragma"], "no-cache");
            assert_eq!(value, json!({ "stat": "OK", "response": response }));
        }
    }

    #[tokio::test]
    async fn metadata_stands_beside_the_response() {
        let envelope = Envelope::ok(json!([1])).with_metadata(json!({ "total_objects": 1 }));
        let (_, value) = sent(Encoding::Json, Ok(envelope)).await;
        assert_eq!(value, json!({ "stat": "OK", "response": [1], "metadata": { "total_objects": 1 } }));
    }

    #[tokio::test]
    async fn a_bare_text_is_a_response_too() {
        let (_, value) = sent(Encoding::Json, Ok(Envelope::ok("waiting"))).await;
        assert_eq!(value, json!({ "stat": "OK", "response": "waiting" }));
        let (_, value) = sent(Encoding::Bson, Ok(Envelope::ok("pong"))).await;
        assert_eq!(value, json!({ "stat": "OK", "response": "pong" }));
    }

    #[tokio::test]
    async fn a_429_says_when_to_come_back_in_both_headers_and_nothing_else_does() {
        let (parts, value) = sent(Encoding::Json, Err(ApiError::too_many_requests(7))).await;
        assert_eq!(parts.status, 429);
        assert_eq!(
            (&parts.headers["retry-after"], &parts.headers["x-retry-after"]),
            (&"7".parse().unwrap(), &"7".parse().unwrap())
        );
        assert_eq!(value["code"], 42_901);
        let (parts, _) = sent(Encoding::Json, Err(ApiError::not_found())).await;
        assert!(!parts.headers.contains_key("retry-after") && !parts.headers.contains_key("x-retry-after"));
    }

    #[tokio::test]
    async fn constraint_3_an_answer_that_bson_cannot_hold_is_not_a_5xx() {
        let (parts, value) = sent(Encoding::Bson, Ok(Envelope::ok(json!([true])))).await;
        assert_eq!(parts.status, 400);
        assert_eq!((value["stat"].as_str(), value["code"].as_i64()), (Some("FAIL"), Some(40_002)));
    }

    #[test]
    fn the_suffix_chooses_the_encoding() {
        for (path, wanted) in [
            ("/rest/v1/auth.bson", (Encoding::Bson, "/rest/v1/auth")),
            ("/rest/v1/auth.json", (Encoding::Json, "/rest/v1/auth")),
            ("/rest/v1/auth", (Encoding::Json, "/rest/v1/auth")),
        ] {
            assert_eq!(Encoding::of_path(path), wanted);
        }
    }
}
