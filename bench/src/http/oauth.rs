//! What applications ask: codes, refreshing, their own tokens, introspection; and by SAML an assertion.

use super::connection::{Answer, Connection, Target};
use anyhow::{Context, Result, bail};
use jose::Algorithm;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use types::World;
use xmlsig::{Xml, ns, redirect};

/// What the service provider of each tenant calls itself.
pub(crate) const ENTITY: &str = "https://app.test/saml";
/// Where it takes its answers.
pub(crate) const ACS: &str = "https://app.test/acs";

/// An application of one tenant, with a person who is signed in there.
pub(crate) struct Client {
    /// The tenant's host.
    pub(crate) host: String,
    /// What it calls itself.
    pub(crate) id: String,
    /// Its `Authorization` line.
    pub(crate) basic: String,
    /// That of a program of the tenant, which has tokens of its own.
    pub(crate) program: String,
    /// The person's session.
    pub(crate) cookie: String,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A browser with a session brings a code, and its client redeems it: an id token and an access token.
    Code,
    /// A refresh token, and the next one.
    Refresh,
    /// A client's own signed token.
    Own,
    /// Is this opaque token good?
    Introspect,
    /// A browser with a session brings a request, and gets a signed assertion.
    Saml,
}

impl Ask {
    pub(crate) const ALL: [Self; 5] = [Self::Code, Self::Refresh, Self::Own, Self::Introspect, Self::Saml];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code flow",
            Self::Refresh => "refresh",
            Self::Own => "client credentials, signed",
            Self::Introspect => "introspection",
            Self::Saml => "SAML response",
        }
    }

    /// By what it has something signed, once.
    pub(crate) const fn signed_by(self) -> Option<Algorithm> {
        match self {
            Self::Code | Self::Refresh | Self::Own => Some(Algorithm::Es256),
            Self::Introspect => None,
            Self::Saml => Some(Algorithm::Rs256),
        }
    }
}

/// Who asks, and goes on asking.
pub(crate) trait Asks: Send + 'static {
    /// Asks until `end`; gives how often.
    fn run(&mut self, ask: Ask, end: Instant) -> impl Future<Output = Result<u64>> + Send;
}

/// All of them ask at once for as long as this; gives them back, and how often they asked.
pub(crate) async fn rounds<A: Asks>(askers: Vec<A>, ask: Ask, length: Duration) -> Result<(Vec<A>, u64)> {
    let end = Instant::now() + length;
    let tasks: Vec<_> = askers
        .into_iter()
        .map(|mut asker| {
            tokio::spawn(async move {
                let count = asker.run(ask, end).await?;
                Ok::<_, anyhow::Error>((asker, count))
            })
        })
        .collect();
    let (mut askers, mut all) = (Vec::new(), 0);
    for task in tasks {
        let (asker, count) = task.await??;
        askers.push(asker);
        all += count;
    }
    Ok((askers, all))
}

/// The S256 of [`VERIFIER`] (RFC 7636, appendix B).
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// One connection that asks for one application after the other, each in its turn.
pub(crate) struct Asker {
    connection: Connection,
    clients: Arc<Vec<Client>>,
    /// Which of them are this one's: every `step`th from `first`.
    first: usize,
    step: usize,
    next: usize,
    /// The refresh token, or the token that is asked about, of each of its own.
    tokens: Vec<String>,
}

impl Asker {
    pub(crate) async fn new(target: &Target, clients: &Arc<Vec<Client>>, first: usize, step: usize) -> Result<Self> {
        let connection = target.connect().await?;
        Ok(Self { connection, clients: Arc::clone(clients), first, step, next: 0, tokens: Vec::new() })
    }

    /// Takes a new connection in the place of its own.
    pub(crate) async fn connect(&mut self, target: &Target) -> Result<()> {
        self.connection = target.connect().await?;
        Ok(())
    }

    /// Gets what `ask` needs, before the clock runs.
    pub(crate) async fn prepare(&mut self, ask: Ask) -> Result<()> {
        if ask == Ask::Saml {
            // Each tenant's RSA key is made when it is first needed.
            let clients = Arc::clone(&self.clients);
            for client in clients.iter().skip(self.first).step_by(self.step) {
                self.assertion(client).await?;
            }
            return Ok(());
        }
        let member = match ask {
            Ask::Refresh => "refresh_token",
            Ask::Introspect => "access_token",
            Ask::Code | Ask::Own | Ask::Saml => return Ok(()),
        };
        let clients = Arc::clone(&self.clients);
        for client in clients.iter().skip(self.first).step_by(self.step) {
            let tokens = self.code(client).await?;
            self.tokens.push(text(&tokens, member)?.to_owned());
        }
        Ok(())
    }

    async fn assertion(&mut self, client: &Client) -> Result<()> {
        let world = World::real();
        let id = world.bytes::<16>().iter().fold("_".to_owned(), |id, byte| format!("{id}{byte:02x}"));
        let issued = jiff::Timestamp::from_millisecond(world.now().0)?;
        let request = Xml::new("samlp:AuthnRequest")
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", id)
            .with("Version", "2.0")
            .with("IssueInstant", format!("{issued:.3}"))
            .child(Xml::new("saml:Issuer").text(ENTITY))
            .render()?;
        let query = redirect::encode(redirect::Parameter::Request, &request, None, None)?;
        let request =
            format!("GET /saml/sso?{query} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", client.host, client.cookie);
        let answer = self.connection.ask(request.as_bytes()).await?;
        // The assertion is several thousand characters; an answer without one is short.
        if answer.status != 200 || !answer.body.contains(ACS) || answer.body.len() < 3000 {
            bail!("no assertion: {} {} {}", answer.status, answer.location, answer.body);
        }
        Ok(())
    }

    async fn code(&mut self, client: &Client) -> Result<Value> {
        let path = format!(
            "/oidc/authorize?client_id={}&redirect_uri=https%3A%2F%2Fapp.test%2Fcb&response_type=code&scope=openid%20email&state=s\
             &nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256",
            client.id
        );
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", client.host, client.cookie);
        let Answer { location, status, body, .. } = self.connection.ask(request.as_bytes()).await?;
        let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        let code = code.with_context(|| format!("no code: {status} {location} {body}"))?;
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.test%2Fcb&code_verifier={VERIFIER}"
        );
        let tokens = self.post(client, &client.basic, "/oidc/token", &form).await?;
        text(&tokens, "id_token")?;
        Ok(tokens)
    }

    async fn post(&mut self, client: &Client, basic: &str, path: &str, form: &str) -> Result<Value> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            client.host,
            basic,
            form.len()
        );
        let answer = self.connection.ask(request.as_bytes()).await?;
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, answer.body);
        }
        Ok(serde_json::from_str(&answer.body)?)
    }
}

impl Asks for Asker {
    async fn run(&mut self, ask: Ask, end: Instant) -> Result<u64> {
        let clients = Arc::clone(&self.clients);
        let own: Vec<&Client> = clients.iter().skip(self.first).step_by(self.step).collect();
        let mut count = 0;
        while Instant::now() < end {
            let at = self.next % own.len();
            self.next += 1;
            let client = own.get(at).context("no client")?;
            match ask {
                Ask::Code => drop(self.code(client).await?),
                Ask::Saml => self.assertion(client).await?,
                Ask::Own => {
                    drop(self.post(client, &client.program, "/oidc/token", "grant_type=client_credentials").await?)
                }
                Ask::Refresh => {
                    let token = self.tokens.get(at).context("no token")?;
                    let form = format!("grant_type=refresh_token&refresh_token={token}");
                    let next = self.post(client, &client.basic, "/oidc/token", &form).await?;
                    if let Some(place) = self.tokens.get_mut(at) {
                        text(&next, "refresh_token")?.clone_into(place);
                    }
                }
                Ask::Introspect => {
                    let form = format!("token={}", self.tokens.get(at).context("no token")?);
                    let answer = self.post(client, &client.basic, "/oidc/introspect", &form).await?;
                    if answer.get("active") != Some(&Value::Bool(true)) {
                        bail!("a token that is good was not");
                    }
                }
            }
            count += 1;
        }
        Ok(count)
    }
}

/// A member of an answer that is text.
pub(crate) fn text<'a>(answer: &'a Value, member: &str) -> Result<&'a str> {
    answer.get(member).and_then(Value::as_str).with_context(|| format!("no {member}"))
}
