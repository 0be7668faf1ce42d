//! What is said between us and the provider, without the browser: the code, the token, userinfo.

use std::time::Duration;

use jose::{Audience, JoseError, MAX_TOKEN, Unverified, half_hash, verify_jwt};
use outbound::{Fetched, MAX_ANSWER, Request};
use serde_json::{Map, Value, json};
use types::{Millis, SecretString, World, ct_eq};

use super::{Authentication, Discovery, Expect, OidcError, Started, Upstream};

const FORM: &str = "application/x-www-form-urlencoded";
/// An id token that is valid for longer, or older, is none of a sign-in.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// What came for a code, unverified.
pub(super) struct Tokens {
    id: SecretString,
    access: Option<SecretString>,
}

impl Upstream {
    /// Redeems a code. The form holds a secret; so does the answer.
    pub(super) async fn redeem(
        &self,
        discovery: &Discovery,
        code: &SecretString,
        verifier: &SecretString,
        world: &World,
    ) -> Result<Tokens, OidcError> {
        let (body, basic) = self.form(discovery, code, verifier, world)?;
        let headers: Vec<(&str, &str)> = [Some(("Accept", "application/json"))]
            .into_iter()
            .chain([basic.as_ref().map(|value| ("Authorization", value.expose()))])
            .flatten()
            .collect();
        let request = Request::post(&discovery.token_endpoint, FORM, body).with_headers(&headers);
        let fetched = self.fetch.fetch(request).await?;
        if fetched.status != 200 {
            return Err(OidcError::Code);
        }
        let mut answer = object(&fetched, "answer of the token endpoint")?;
        let id = secret(&mut answer, "id_token").ok_or(OidcError::Answer("answer of the token endpoint"))?;
        // Another kind of access token is for others; ours is a bearer's (RFC 6749, 7.1).
        let is_bearer =
            answer.get("token_type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        Ok(Tokens { id, access: secret(&mut answer, "access_token").filter(|_| is_bearer) })
    }

    /// What redeems a code, and the value of `Authorization` where there is one. Apart, because the serializer goes to no other thread,
    /// and a sign-in waits on whichever is free.
    fn form(
        &self,
        discovery: &Discovery,
        code: &SecretString,
        verifier: &SecretString,
        world: &World,
    ) -> Result<(Vec<u8>, Option<SecretString>), OidcError> {
        let registration = &self.registration;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code.expose())
            .append_pair("redirect_uri", &registration.redirect_uri)
            .append_pair("code_verifier", verifier.expose());
        let mut basic = None;
        match &registration.authentication {
            Authentication::Basic(secret) => basic = Some(basic_value(&registration.client_id, secret)),
            Authentication::Post(secret) => {
                form.append_pair("client_id", &registration.client_id).append_pair("client_secret", secret.expose());
            }
            Authentication::PrivateKey(key) => {
                let now = world.now().seconds();
                let claims = json!({
                    "iss": registration.client_id, "sub": registration.client_id, "aud": discovery.token_endpoint,
                    "jti": jose::base64url(&world.bytes::<16>()), "iat": now, "exp": now.saturating_add(60),
                });
                form.append_pair("client_id", &registration.client_id)
                    .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .append_pair("client_assertion", &key.sign_jwt(Some("JWT"), &claims)?);
            }
            Authentication::None => {
                form.append_pair("client_id", &registration.client_id);
            }
        }
        Ok((form.finish().into_bytes(), basic))
    }

    /// Judges an id token (OpenID Connect Core, 3.1.3.7) and gives its claims.
    pub(super) async fn judge(
        &self,
        discovery: &Discovery,
        tokens: &Tokens,
        started: &Started,
        expect: &Expect<'_>,
        now: Millis,
    ) -> Result<Map<String, Value>, OidcError> {
        let registration = &self.registration;
        let text = tokens.id.expose();
        let unverified = Unverified::parse(text)?;
        let keys = self.keys(discovery, unverified.kid(), now).await?;
        let audience = [registration.client_id.as_str()];
        let mut wanted =
            jose::Expect::new(&registration.issuer, Audience::OneOf(&audience), now).with_leeway(expect.skew);
        wanted.longest = Some(LONGEST);
        let verified = verify_jwt::<Map<String, Value>>(text, &keys, registration.algorithms, &wanted)?;
        let algorithm = verified.algorithm();
        let claims = verified.into_claims();
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        let several = claims.get("aud").and_then(Value::as_array).is_some_and(|list| list.len() > 1);
        match claim("azp") {
            Some(party) if party == registration.client_id => {}
            None if !several && !claims.contains_key("azp") => {}
            _ => return Err(JoseError::Claim("azp").into()),
        }
        if claim("sub").is_none_or(|subject| subject.is_empty() || subject.len() > 255) {
            return Err(JoseError::Claim("sub").into());
        }
        if !claims.contains_key("iat") {
            return Err(JoseError::Claim("iat").into());
        }
        if !claim("nonce").is_some_and(|nonce| ct_eq(nonce.as_bytes(), started.nonce.expose().as_bytes())) {
            return Err(OidcError::Nonce);
        }
        if let (Some(hash), Some(access)) = (claims.get("at_hash"), &tokens.access)
            && hash.as_str() != Some(&half_hash(algorithm, access.expose()))
        {
            return Err(JoseError::Claim("at_hash").into());
        }
        if let Some(since) = expect.fresh_since {
            let at = claims.get("auth_time").and_then(Value::as_i64).map(Millis::from_seconds);
            if at.is_none_or(|at| at + expect.skew < since) {
                return Err(OidcError::Stale);
            }
        }
        if !expect.contexts.is_empty() && !claim("acr").is_some_and(|context| expect.contexts.contains(&context)) {
            return Err(OidcError::Context);
        }
        Ok(claims)
    }

    /// What else the provider says of `subject` (OpenID Connect Core, 5.3).
    pub(super) async fn userinfo(
        &self,
        discovery: &Discovery,
        tokens: &Tokens,
        subject: &str,
    ) -> Result<Map<String, Value>, OidcError> {
        const BAD: OidcError = OidcError::Answer("userinfo");
        let endpoint = discovery.userinfo_endpoint.as_deref().ok_or(BAD)?;
        let access = tokens.access.as_ref().ok_or(BAD)?;
        let bearer = SecretString::new(format!("Bearer {}", access.expose()));
        let headers = [("Accept", "application/json"), ("Authorization", bearer.expose())];
        let fetched = self.fetch.fetch(Request::get(endpoint).with_headers(&headers)).await?;
        if fetched.status != 200 {
            return Err(BAD);
        }
        let claims = object(&fetched, "userinfo")?;
        // 5.3.2: otherwise it may be about whoever's access token was slipped in.
        if claims.get("sub").and_then(Value::as_str) == Some(subject) { Ok(claims) } else { Err(OidcError::Subject) }
    }
}

fn object(fetched: &Fetched, what: &'static str) -> Result<Map<String, Value>, OidcError> {
    jose::json::parse_object(&fetched.body, MAX_ANSWER).map_err(|_| OidcError::Answer(what))
}

fn secret(answer: &mut Map<String, Value>, name: &str) -> Option<SecretString> {
    match answer.remove(name) {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_TOKEN => Some(SecretString::new(text)),
        _ => None,
    }
}

/// RFC 6749, 2.3.1: both are escaped as in a form before they are joined.
fn basic_value(client_id: &str, secret: &SecretString) -> SecretString {
    let escaped = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = SecretString::new(format!("{}:{}", escaped(client_id), escaped(secret.expose())));
    SecretString::new(format!("Basic {}", data_encoding::BASE64.encode(both.expose().as_bytes())))
}
