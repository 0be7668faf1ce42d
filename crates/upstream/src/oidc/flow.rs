//! There and back: the browser is sent, comes back, and somebody is known.

use std::time::Duration;

use serde_json::{Map, Value};
use types::{Millis, SecretString, World, ct_eq};

use super::{Denied, Discovery, OidcError, Upstream};

/// Octets of a query that a browser comes back with.
const MAX_QUERY: usize = 8 * 1024;

/// What is asked of the provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// The person proves who they are anew (`prompt=login`).
    pub force: bool,
    /// Nobody is to be asked anything (`prompt=none`).
    pub passive: bool,
    /// How long ago the sign-in may be.
    pub max_age: Option<Duration>,
    /// `acr_values`; check what comes back, too ([`Expect::contexts`]).
    pub contexts: &'a [&'a str],
    /// Who it probably is.
    pub login_hint: Option<&'a str>,
}

/// A request that is ready to go. Kept by the caller, sealed, bound to this browser, for one use.
#[derive(Clone)]
pub struct Started {
    /// Where the browser is sent to.
    pub address: String,
    /// What comes back with the code.
    pub state: SecretString,
    /// What stands in the id token.
    pub nonce: SecretString,
    /// What redeems the code (RFC 7636).
    pub verifier: SecretString,
}

/// What an answer must be.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// How far the provider's clock may be off.
    pub skew: Duration,
    /// The person proved who they are after this, where that was asked for.
    pub fresh_since: Option<Millis>,
    /// `acr` must be one of these; empty: any, or none.
    pub contexts: &'a [&'a str],
}

/// Who somebody is, by the word of the provider, after everything was checked. Only [`Upstream::finish`] makes one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Identity {
    /// Who said so. A subject is unique within it and nowhere else.
    pub issuer: String,
    /// The subject: what an account may hang on. A mail address isn't.
    pub subject: String,
    /// All claims of the id token, and those of userinfo that the token doesn't have.
    pub claims: Map<String, Value>,
    /// When the person proved who they are, if it was said.
    pub authenticated: Option<Millis>,
    /// `acr`.
    pub context: Option<String>,
    /// `amr` (RFC 8176).
    pub methods: Vec<String>,
    /// The provider's session, for logout.
    pub session: Option<String>,
}

impl Identity {
    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// The mail address, if the provider says that it was verified (OpenID Connect Core, 5.1).
    #[must_use]
    pub fn verified_email(&self) -> Option<&str> {
        (self.claims.get("email_verified") == Some(&Value::Bool(true))).then(|| self.text("email")).flatten()
    }

    /// Adds what UserInfo says. What the token says of this sign-in is the token's alone (Core, 2), and whether an address was verified is
    /// said of the address beside it.
    fn learn(&mut self, more: Map<String, Value>) {
        const OF_THE_TOKEN: [&str; 11] =
            ["iss", "sub", "aud", "azp", "exp", "iat", "nonce", "sid", "acr", "amr", "auth_time"];
        let has_email = self.claims.contains_key("email");
        if !has_email {
            self.claims.remove("email_verified");
        }
        for (name, value) in more {
            let of_email = has_email && matches!(name.as_str(), "email" | "email_verified");
            if !of_email && !OF_THE_TOKEN.contains(&name.as_str()) {
                self.claims.entry(name).or_insert(value);
            }
        }
    }
}

impl Upstream {
    /// Makes a request.
    ///
    /// # Errors
    /// [`OidcError`] if nothing is known of the provider.
    pub async fn start(&self, ask: &Ask<'_>, world: &World) -> Result<Started, OidcError> {
        let discovery = self.discovery(world.now()).await?;
        let secret = || SecretString::new(jose::base64url(&world.bytes::<32>()));
        let (state, nonce, verifier) = (secret(), secret(), secret());
        let challenge = jose::base64url(&jose::sha256(verifier.expose().as_bytes()));
        let mut scope = String::from("openid");
        for other in self.registration.scopes.iter().filter(|scope| *scope != "openid") {
            scope.push(' ');
            scope.push_str(other);
        }
        let mut address =
            url::Url::parse(&discovery.authorization_endpoint).map_err(|_| OidcError::Answer("configuration"))?;
        {
            let mut query = address.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.registration.client_id)
                .append_pair("redirect_uri", &self.registration.redirect_uri)
                .append_pair("scope", &scope)
                .append_pair("state", state.expose())
                .append_pair("nonce", nonce.expose())
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            if ask.force {
                query.append_pair("prompt", "login");
            } else if ask.passive {
                query.append_pair("prompt", "none");
            }
            if let Some(age) = ask.max_age {
                query.append_pair("max_age", &age.as_secs().to_string());
            }
            if !ask.contexts.is_empty() {
                query.append_pair("acr_values", &ask.contexts.join(" "));
            }
            if let Some(hint) = ask.login_hint {
                query.append_pair("login_hint", hint);
            }
        }
        Ok(Started { address: address.into(), state, nonce, verifier })
    }

    /// Judges the query (without `?`) with which a browser came back to our address, redeems its code, and judges the token.
    ///
    /// # Errors
    /// [`OidcError`]: the first thing that is wrong.
    pub async fn finish(
        &self,
        started: &Started,
        query: &str,
        expect: &Expect<'_>,
        world: &World,
    ) -> Result<Identity, OidcError> {
        let discovery = self.discovery(world.now()).await?;
        let code = self.code(started, query, &discovery)?;
        let tokens = self.redeem(&discovery, &code, &started.verifier, world).await?;
        let token = self.judge(&discovery, &tokens, started, expect, world.now()).await?;
        let text = |name: &str| token.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let methods = token.get("amr").and_then(Value::as_array).into_iter().flatten();
        let mut identity = Identity {
            issuer: self.registration.issuer.clone(),
            subject: text("sub").unwrap_or_default(),
            authenticated: token.get("auth_time").and_then(Value::as_i64).map(Millis::from_seconds),
            context: text("acr"),
            methods: methods.filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            session: text("sid"),
            claims: token,
        };
        if self.registration.userinfo {
            let more = self.userinfo(&discovery, &tokens, &identity.subject).await?;
            identity.learn(more);
        }
        Ok(identity)
    }

    /// The code of an answer that belongs to this sign-in.
    fn code(&self, started: &Started, query: &str, discovery: &Discovery) -> Result<SecretString, OidcError> {
        if query.len() > MAX_QUERY {
            return Err(OidcError::State);
        }
        let state = parameter(query, "state")?.ok_or(OidcError::State)?;
        if !ct_eq(state.as_bytes(), started.state.expose().as_bytes()) {
            return Err(OidcError::State);
        }
        // Also before an error is believed: another's error would end this sign-in.
        match parameter(query, "iss")? {
            Some(issuer) if issuer != self.registration.issuer => return Err(OidcError::Issuer),
            None if discovery.names_itself => return Err(OidcError::Issuer),
            _ => {}
        }
        let (code, error) = (parameter(query, "code")?, parameter(query, "error")?);
        match (code, error) {
            (Some(code), None) if !code.is_empty() => Ok(SecretString::new(code)),
            (None, Some(error)) => Err(OidcError::Denied(Denied::by_code(&error))),
            _ => Err(OidcError::State),
        }
    }
}

/// A parameter, never one of two.
fn parameter(query: &str, name: &str) -> Result<Option<String>, OidcError> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name).map(|(_, value)| value);
    let first = found.next();
    if found.next().is_some() { Err(OidcError::State) } else { Ok(first.map(Into::into)) }
}
