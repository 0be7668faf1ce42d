//! What an answer tells the browser beside what every answer of a door does ([`sso::headers`]).

pub(crate) use sso::headers::{guard, origin_of};

use http::{HeaderMap, HeaderValue, header};

/// Lets the scripts of every origin read an answer: for what is public, or is guarded by a token that a browser doesn't add by itself.
pub(crate) fn readable_everywhere(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}
