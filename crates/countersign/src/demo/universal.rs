//! Duo's web clients (`duo_universal` and its kin), the application's side of them: JWTs that are signed with the secret key (HS512),
//! the address to which a browser is sent, and what comes of the code that it brings back.

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use types::{SecretString, World};

use crate::client::Https;

/// How long a JWT of ours lives, in seconds: as long as Duo's clients make theirs.
const LIFE: i64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const HEADER: &str = r#"{"alg":"HS512","typ":"JWT"}"#;

/// An application that sends its users to the sign-in page.
#[derive(Clone)]
pub(super) struct Universal {
    /// The application's own way to the server: over verified TLS.
    pub(super) https: Https,
    /// Where browsers find the server: `scheme://host:port`.
    pub(super) site: String,
    pub(super) ikey: String,
    pub(super) skey: SecretString,
    /// Where they come back to.
    pub(super) redirect_uri: String,
    pub(super) world: World,
}

/// Why nobody is let in by a code: what the server said, or what the application found.
#[derive(Debug)]
pub(super) struct NotRedeemed(pub(super) String);

impl Universal {
    /// Whether the server can take somebody.
    pub(super) async fn health_check(&self) -> anyhow::Result<()> {
        let assertion = self.assertion("/oauth/v1/health_check");
        let fields = [("client_id", self.ikey.as_str()), ("client_assertion", &assertion)];
        let (status, answer) = self.https.post_form("/oauth/v1/health_check", &fields).await?;
        ensure!(status == 200 && text(&answer, "/stat") == Some("OK"), "the health check failed: {answer}");
        Ok(())
    }

    /// What a browser remembers nothing of, and must come back with.
    pub(super) fn state(&self) -> String {
        HEXLOWER.encode(&self.world.bytes::<18>())
    }

    /// The address to which the browser of `username` is sent.
    pub(super) fn authorize(&self, username: &str, state: &str) -> String {
        let request = self.sign(&json!({
            "scope": "openid",
            "response_type": "code",
            "client_id": self.ikey,
            "iss": self.ikey,
            "aud": self.https.base(),
            "redirect_uri": self.redirect_uri,
            "state": state,
            "duo_uname": username,
            "exp": self.world.now().seconds() + LIFE,
            "use_duo_code_attribute": true,
        }));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("response_type", "code"), ("client_id", &self.ikey), ("request", &request)])
            .finish();
        format!("{}/oauth/v1/authorize?{query}", self.site)
    }

    /// What happened at the sign-in of `username`: the claims of the id token.
    pub(super) async fn redeem(&self, code: &str, username: &str) -> anyhow::Result<Result<Value, NotRedeemed>> {
        let assertion = self.assertion("/oauth/v1/token");
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &self.ikey),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        let (status, answer) = self.https.post_form("/oauth/v1/token", &fields).await?;
        if status != 200 {
            let why = text(&answer, "/error").unwrap_or("no error is named").to_owned();
            return Ok(Err(NotRedeemed(why)));
        }
        let claims = self.verified(text(&answer, "/id_token").context("no id token")?)?;
        if text(&claims, "/preferred_username") != Some(username) {
            return Ok(Err(NotRedeemed("somebody else signed in".to_owned())));
        }
        Ok(Ok(claims))
    }

    fn assertion(&self, path: &str) -> String {
        let now = self.world.now().seconds();
        self.sign(&json!({
            "iss": self.ikey,
            "sub": self.ikey,
            "aud": format!("{}{path}", self.https.base()),
            "exp": now + LIFE,
            "iat": now,
            "jti": self.state(),
        }))
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA512, self.skey.expose().as_bytes())
    }

    fn sign(&self, claims: &Value) -> String {
        let encoded = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", encoded(HEADER), encoded(&claims.to_string()));
        let signature = hmac::sign(&self.key(), signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    /// The claims of a token that this server signed, now, for us.
    fn verified(&self, token: &str) -> anyhow::Result<Value> {
        let (signed, signature) = token.rsplit_once('.').context("no JWT")?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes())?;
        if hmac::verify(&self.key(), signed.as_bytes(), &signature).is_err() {
            bail!("the id token is signed by somebody else");
        }
        let (_, claims) = signed.split_once('.').context("no JWT")?;
        let claims: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes())?)?;
        let issuer = format!("{}/oauth/v1/token", self.https.base());
        ensure!(text(&claims, "/iss") == Some(&issuer), "the id token is another server's");
        ensure!(text(&claims, "/aud") == Some(&self.ikey), "the id token is another application's");
        let expires = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
        ensure!(expires > self.world.now().seconds(), "the id token has expired");
        Ok(claims)
    }
}

/// A text within a JSON value, by its pointer (RFC 6901).
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(skey: &str) -> Universal {
        Universal {
            https: Https::new("https://localhost:1", None).unwrap(),
            site: "http://localhost:2".to_owned(),
            ikey: "DIXXXXXXXXXXXXXXXXXX".to_owned(),
            skey: SecretString::new(skey.to_owned()),
            redirect_uri: "http://localhost:3/callback".to_owned(),
            world: World::real(),
        }
    }

    #[test]
    fn a_token_counts_when_this_server_signed_it_for_this_application_now() {
        let (client, other) = (client("a"), client("b"));
        let claims = |iss: &str, aud: &str, exp: i64| json!({ "iss": iss, "aud": aud, "exp": exp });
        let (iss, later) = ("https://localhost:1/oauth/v1/token", client.world.now().seconds() + 60);
        let right = claims(iss, &client.ikey, later);
        assert_eq!(client.verified(&client.sign(&right)).unwrap(), right);
        assert!(client.verified(&other.sign(&right)).is_err());
        for wrong in [claims("https://x", &client.ikey, later), claims(iss, "DI", later), claims(iss, &client.ikey, 0)]
        {
            assert!(client.verified(&client.sign(&wrong)).is_err(), "{wrong}");
        }
        for wrong in ["", ".", "..", "a.b", "a.b.c"] {
            assert!(client.verified(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_browser_is_sent_with_a_signed_request() {
        let client = client("a");
        let address = client.authorize("robin & co", &client.state());
        assert!(address.starts_with("http://localhost:2/oauth/v1/authorize?response_type=code&client_id=DIXX"));
        assert!(!address.contains("robin"), "the name stands in the signed request only");
    }
}
