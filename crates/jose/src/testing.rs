//! What tests do in the place of clients, and of attackers: the server itself never does any of it.

use crate::{JoseError, Jwk, SigningKey, VerifyKey};
use serde::Serialize;
use serde_json::{Value, json};

impl SigningKey {
    /// The key that verifies what this one signs. [`JoseError::Algorithm`] for HMAC.
    pub fn verify_key(&self) -> Result<VerifyKey, JoseError> {
        VerifyKey::new(self.jwk().ok_or(JoseError::Algorithm)?)
    }

    /// Signs claims under exactly this header, as a compact JWS.
    pub fn sign_with(&self, header: &Value, claims: &impl Serialize) -> Result<String, JoseError> {
        self.sign_under(header, claims)
    }

    /// Makes a DPoP proof's or another token's header that carries the public key itself. [`JoseError::Algorithm`] for HMAC.
    pub fn sign_with_jwk(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        let jwk = self.jwk().ok_or(JoseError::Algorithm)?;
        let bare = Jwk::new(jwk.key.clone()).to_value();
        self.sign_under(&json!({"typ": typ, "alg": self.algorithm().name(), "jwk": bare}), claims)
    }
}
