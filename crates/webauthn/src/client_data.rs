//! What the browser says of the page that asked (level 3 §5.8.1). The authenticator signs over a hash of it, so it is worth
//! something once that signature was found right; it is looked at before, because it says why an answer is refused.

use crate::{WebauthnError, state::Challenge};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

/// Which ceremony.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<Value>,
}

/// The longest origin that is told to anybody.
const ORIGIN_TOLD: usize = 256;

/// Compares the client data with what was asked for: level 3 §7.1 steps 7 to 11, §7.2 steps 10 to 14.
///
/// The origin is compared as text. A browser writes it in one way only (scheme and host in lower case, no default port), so
/// whatever is written otherwise wasn't written by one.
pub(crate) fn check(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &Challenge,
    origins: &[String],
) -> Result<(), WebauthnError> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| WebauthnError::Malformed("client data"))?;
    let kind = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.kind != kind {
        return Err(WebauthnError::WrongCeremony);
    }
    if data.challenge != BASE64URL_NOPAD.encode(challenge) {
        return Err(WebauthnError::Challenge);
    }
    if !origins.contains(&data.origin) {
        return Err(WebauthnError::Origin { found: told(data.origin) });
    }
    if data.cross_origin == Some(true) || data.top_origin.is_some_and(|origin| !origin.is_null()) {
        return Err(WebauthnError::CrossOrigin);
    }
    Ok(())
}

/// An origin from outside, short enough to be told.
fn told(mut origin: String) -> String {
    let mut end = ORIGIN_TOLD.min(origin.len());
    while !origin.is_char_boundary(end) {
        end -= 1;
    }
    origin.truncate(end);
    origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> Vec<String> {
        vec!["https://id.example.test".to_owned(), "https://id.example.test:8443".to_owned()]
    }

    fn data(origin: &str, more: &str) -> String {
        let challenge = BASE64URL_NOPAD.encode(&[7; 32]);
        format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}"{more}}}"#)
    }

    fn get(json: &str) -> Result<(), WebauthnError> {
        check(json.as_bytes(), Ceremony::Get, &[7; 32], &origins())
    }

    #[test]
    fn only_the_listed_origins() {
        get(&data("https://id.example.test", "")).unwrap();
        get(&data("https://id.example.test:8443", r#","crossOrigin":false"#)).unwrap();
        for foreign in [
            "http://id.example.test",
            "https://id.example.test.",
            "https://id.example.test/",
            "https://id.example.test:443",
            "https://ID.example.test",
            "https://id.example.test:8444",
            "https://a.id.example.test",
            "https://example.test",
            "https://id.example.test@evil.test",
            "https://id.example.test\u{0}",
            "null",
            "",
        ] {
            let refused = get(&data(&foreign.replace('\u{0}', "\\u0000"), "")).unwrap_err();
            assert!(matches!(refused, WebauthnError::Origin { found } if found == foreign), "{foreign}");
        }
    }

    #[test]
    fn frames_of_other_sites_are_refused() {
        for more in [r#","crossOrigin":true"#, r#","topOrigin":"https://evil.test""#] {
            assert!(matches!(get(&data("https://id.example.test", more)), Err(WebauthnError::CrossOrigin)), "{more}");
        }
    }

    #[test]
    fn a_member_said_twice_is_refused() {
        let twice = data("https://evil.test", r#","origin":"https://id.example.test""#);
        assert!(matches!(get(&twice), Err(WebauthnError::Malformed(_))));
    }

    #[test]
    fn a_long_origin_is_cut_where_a_character_ends() {
        let refused = get(&data(&format!("https://{}", "é".repeat(400)), "")).unwrap_err();
        assert!(
            matches!(refused, WebauthnError::Origin { found } if found.len() <= ORIGIN_TOLD && found.ends_with('é'))
        );
    }
}
