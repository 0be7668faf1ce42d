//! What a request says: a JSON body within limits, and the one parameter that addresses have here.

use crate::error::Refusal;
use axum::body::Body;
use http::{Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use types::StreamId;

/// The longest body, in bytes.
const LONGEST: usize = 16 * 1024;

/// Reads a JSON object, in which no member stands twice. A body of another media type, or without one, isn't taken for JSON: a page of somebody
/// else's could send it.
pub(crate) async fn json<T: DeserializeOwned>(parts: &Parts, body: Body) -> Result<T, Refusal> {
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Refusal::Request("The body must be application/json."));
    }
    let read = Limited::new(body, LONGEST).collect().await;
    let bytes = read.map_err(|_| Refusal::Request("The body is too long, or was cut."))?.to_bytes();
    parsed(&bytes)
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    const WRONG: Refusal = Refusal::Request("The body is not what it should be.");
    let object = jose::json::parse_object(bytes, LONGEST).map_err(|_| WRONG)?;
    serde_json::from_value(object.into()).map_err(|_| WRONG)
}

/// The stream that an address names, once.
pub(crate) fn stream(uri: &Uri) -> Result<Option<StreamId>, Refusal> {
    let mut found = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("stream_id="));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(id), None) => id.parse().map(Some).map_err(|_| Refusal::NotFound),
        _ => Err(Refusal::Request("stream_id stands twice.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_once_or_not_at_all() {
        let of = |text: &str| stream(&text.parse().unwrap());
        assert_eq!(of("/ssf/stream"), Ok(None));
        assert_eq!(of("/ssf/stream?stream_id=x"), Err(Refusal::NotFound));
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(of(&format!("/ssf/stream?stream_id={id}")).unwrap().unwrap().to_string(), id);
        assert!(matches!(of(&format!("/ssf/stream?stream_id={id}&stream_id={id}")), Err(Refusal::Request(_))));
    }

    #[test]
    fn a_member_stands_once() {
        let read = |text: &str| parsed::<serde_json::Value>(text.as_bytes()).is_ok();
        assert!(read(r#"{"stream_id":"a","state":"b"}"#));
        for wrong in
            ["", "[]", r#"{"status":"enabled","status":"disabled"}"#, r#"{"delivery":{"method":1,"method":2}}"#]
        {
            assert!(!read(wrong), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_query_panics(query in "[a-z0-9_=&%-]{0,80}") {
            if let Ok(uri) = format!("/ssf/stream?{query}").parse() {
                let _ = stream(&uri);
            }
        }
    }
}
