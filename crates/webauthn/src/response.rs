//! What a browser sends back: `credential.toJSON()` (level 3 §5.1, `RegistrationResponseJSON`,
//! `AuthenticationResponseJSON`). Everything from outside is read, and bounded, here.

use crate::{RelyingParty, WebauthnError};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// The longest answer that is read, in bytes. A registration with a chain of certificates has about 10 KiB.
pub const MAX_RESPONSE: usize = 64 * 1024;

/// The longest credential id (level 3 §7.1 step 25), in bytes.
const MAX_CREDENTIAL_ID: usize = 1023;

/// The longest user handle (level 3 §5.4.3), in bytes.
pub(crate) const MAX_USER_HANDLE: usize = 64;

/// Who an answer says that it is from. **Nothing of it is verified**: it serves to look up the passkey that
/// [`RelyingParty::finish_assertion`] then verifies with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identified {
    /// The credential's id.
    pub credential_id: Vec<u8>,
    /// The user handle, where the authenticator gave one.
    pub user_handle: Option<Vec<u8>>,
}

impl RelyingParty {
    /// Reads from a sign-in's answer which passkey it says it is from, so that the caller can look it up. Unverified.
    ///
    /// # Errors
    /// [`WebauthnError::TooLarge`], [`WebauthnError::Malformed`].
    pub fn identify(response: &[u8]) -> Result<Identified, WebauthnError> {
        let assertion = Assertion::read(response)?;
        Ok(Identified { credential_id: assertion.id, user_handle: assertion.user_handle })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<R> {
    id: String,
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
    #[serde(default)]
    client_extension_results: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttestationResponse {
    attestation_object: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(default)]
    transports: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionResponse {
    authenticator_data: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

/// A registration's answer, decoded.
pub(crate) struct Registration {
    pub(crate) id: Vec<u8>,
    pub(crate) attestation_object: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    /// A comma list.
    pub(crate) transports: String,
    /// What the browser says of the credential's being discoverable.
    pub(crate) discoverable: Option<bool>,
}

/// A sign-in's answer, decoded.
pub(crate) struct Assertion {
    pub(crate) id: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) user_handle: Option<Vec<u8>>,
}

impl Registration {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let credential: Credential<AttestationResponse> = read(bytes)?;
        let id = credential.id()?;
        let discoverable = credential.client_extension_results.pointer("/credProps/rk").and_then(Value::as_bool);
        let response = credential.response;
        Ok(Self {
            id,
            attestation_object: decode(&response.attestation_object, "attestationObject")?,
            client_data: decode(&response.client_data, "clientDataJSON")?,
            transports: transports(&response.transports),
            discoverable,
        })
    }
}

impl Assertion {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let credential: Credential<AssertionResponse> = read(bytes)?;
        let id = credential.id()?;
        let response = credential.response;
        let user_handle = match response.user_handle.as_deref() {
            // Authenticators before FIDO2 give none, and some clients write that as an empty one.
            None | Some("") => None,
            Some(handle) => Some(decode(handle, "userHandle")?),
        };
        if user_handle.as_ref().is_some_and(|handle| handle.len() > MAX_USER_HANDLE) {
            return Err(WebauthnError::Malformed("userHandle"));
        }
        Ok(Self {
            id,
            authenticator_data: decode(&response.authenticator_data, "authenticatorData")?,
            client_data: decode(&response.client_data, "clientDataJSON")?,
            signature: decode(&response.signature, "signature")?,
            user_handle,
        })
    }
}

impl<R> Credential<R> {
    /// The credential's id, said twice and the same.
    fn id(&self) -> Result<Vec<u8>, WebauthnError> {
        if self.kind != "public-key" {
            return Err(WebauthnError::Malformed("type"));
        }
        let id = decode(&self.raw_id, "rawId")?;
        if id.is_empty() || id.len() > MAX_CREDENTIAL_ID {
            return Err(WebauthnError::Malformed("rawId"));
        }
        if self.id != self.raw_id {
            return Err(WebauthnError::Malformed("id"));
        }
        Ok(id)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WebauthnError> {
    if bytes.len() > MAX_RESPONSE {
        return Err(WebauthnError::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|_| WebauthnError::Malformed("JSON"))
}

fn decode(text: &str, member: &'static str) -> Result<Vec<u8>, WebauthnError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| WebauthnError::Malformed(member))
}

/// The transports as the browser named them (level 3 §5.8.4: unknown ones are kept), as far as they look like names: they go
/// back to browsers in options later.
fn transports(given: &[Value]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for name in given.iter().filter_map(Value::as_str) {
        let named =
            (1..=16).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if named && kept.len() < 8 && !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn transports_are_names_or_nothing() {
        assert_eq!(
            transports(&[json!("usb"), json!("smart-card"), json!("usb"), json!("cable")]),
            "usb,smart-card,cable"
        );
        assert_eq!(transports(&[json!("a,b"), json!("<b>"), json!(""), json!(3), json!("x".repeat(17))]), "");
        let many: Vec<Value> = ('a'..='z').map(|letter| json!(letter.to_string())).collect();
        assert_eq!(transports(&many), "a,b,c,d,e,f,g,h");
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused_before_it_is_read() {
        assert!(matches!(RelyingParty::identify(&vec![b' '; MAX_RESPONSE + 1]), Err(WebauthnError::TooLarge)));
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        assert!(matches!(RelyingParty::identify(deep.as_bytes()), Err(WebauthnError::Malformed(_))));
        let deep = format!(r#"{{"clientExtensionResults":{deep}}}"#);
        assert!(matches!(RelyingParty::identify(deep.as_bytes()), Err(WebauthnError::Malformed(_))));
    }

    #[test]
    fn an_id_said_in_two_ways_is_refused() {
        let answer = |id: &str, raw: &str, kind: &str| {
            json!({ "id": id, "rawId": raw, "type": kind, "response":
                { "authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA", "userHandle": null } })
            .to_string()
        };
        let found = RelyingParty::identify(answer("AQID", "AQID", "public-key").as_bytes()).unwrap();
        assert_eq!(found, Identified { credential_id: vec![1, 2, 3], user_handle: None });
        for (id, raw, kind) in [
            ("AQIE", "AQID", "public-key"),
            ("AQID", "AQID", "password"),
            ("", "", "public-key"),
            // Padding, other alphabet, bits after the last byte: one id has one text.
            ("AQ==", "AQ==", "public-key"),
            ("+/+/", "+/+/", "public-key"),
            ("AR", "AR", "public-key"),
        ] {
            assert!(RelyingParty::identify(answer(id, raw, kind).as_bytes()).is_err(), "{id} {raw} {kind}");
        }
        let long = BASE64URL_NOPAD.encode(&[1; 1024]);
        assert!(RelyingParty::identify(answer(&long, &long, "public-key").as_bytes()).is_err());
    }
}
