//! A person's browser at a provider, and the client that the person uses: one connection for both.

use super::Places;
use crate::http::{
    connection::{Answer, Connection},
    oauth::{Ask, Asks, CHALLENGE, VERIFIER, text},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

/// So many answers lead to a code, where the person must sign in first.
const STEPS: usize = 12;
const RETURN: &str = "https://app.test/cb";
const RETURN_ESCAPED: &str = "https%3A%2F%2Fapp.test%2Fcb";
/// `bench:bench`.
const BASIC: &str = "YmVuY2g6YmVuY2g=";

/// One of them.
pub(super) struct Visitor {
    connection: Connection,
    places: Arc<Places>,
    person: usize,
    cookies: BTreeMap<String, String>,
    /// Of the last code.
    refresh: String,
    access: String,
}

impl Visitor {
    /// Nobody is signed in yet: the first code is what does it.
    pub(super) fn new(connection: Connection, places: &Arc<Places>, person: usize) -> Self {
        let (refresh, access) = (String::new(), String::new());
        Self { connection, places: Arc::clone(places), person, cookies: BTreeMap::new(), refresh, access }
    }

    /// A client's own signed token.
    pub(super) async fn own(&mut self) -> Result<()> {
        let (path, form) = (self.places.token, self.places.own);
        text(&self.post(path, form).await?, "access_token").map(|_| ())
    }

    async fn code(&mut self) -> Result<()> {
        let path = format!(
            "{}?client_id=bench&redirect_uri={RETURN_ESCAPED}&response_type=code&scope=openid%20email&state=s&nonce=n\
             &code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.places.authorize
        );
        let mut answer = self.browse("GET", &path, "").await?;
        for _ in 0..STEPS {
            if answer.location.starts_with(RETURN) {
                let code = answer.location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
                let code = code.with_context(|| format!("no code: {}", answer.location))?;
                let form = format!(
                    "grant_type=authorization_code&code={code}&redirect_uri={RETURN_ESCAPED}&code_verifier={VERIFIER}"
                );
                let tokens = self.post(self.places.token, &form).await?;
                text(&tokens, "id_token")?;
                text(&tokens, "refresh_token")?.clone_into(&mut self.refresh);
                text(&tokens, "access_token")?.clone_into(&mut self.access);
                return Ok(());
            }
            let origin = format!("http://{}", self.places.address);
            answer = if let Some(form) = answer.body.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()) {
                let action = form.replace("&amp;", "&");
                let filled = format!("username=bench{}&password=bench", self.person);
                self.browse("POST", action.strip_prefix(&origin).unwrap_or(&action), &filled).await?
            } else if answer.location.is_empty() {
                bail!("neither a code nor a form: {} {}", answer.status, answer.body);
            } else {
                let path = answer.location.strip_prefix(&origin).unwrap_or(&answer.location);
                self.browse("GET", path, "").await?
            };
        }
        bail!("a sign-in that does not end")
    }

    async fn refresh(&mut self) -> Result<()> {
        let form = format!("grant_type=refresh_token&refresh_token={}", self.refresh);
        let next = self.post(self.places.token, &form).await?;
        text(&next, "id_token")?;
        text(&next, "refresh_token")?.clone_into(&mut self.refresh);
        text(&next, "access_token")?.clone_into(&mut self.access);
        Ok(())
    }

    async fn introspect(&mut self) -> Result<()> {
        let answer = self.post(self.places.introspect, &format!("token={}", self.access)).await?;
        if answer.get("active") != Some(&Value::Bool(true)) {
            bail!("a token that is good was not: {answer}");
        }
        Ok(())
    }

    /// What the browser sends, with its cookies.
    async fn browse(&mut self, method: &str, path: &str, form: &str) -> Result<Answer> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            self.places.address,
            cookies.join("; "),
            form.len()
        );
        let answer = self.connection.ask(request.as_bytes()).await?;
        for (name, value) in answer.cookies.iter().filter_map(|cookie| cookie.split_once('=')) {
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// What the client sends, with its secret.
    async fn post(&mut self, path: &str, form: &str) -> Result<Value> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {BASIC}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            self.places.address,
            form.len()
        );
        let answer = self.connection.ask(request.as_bytes()).await?;
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, answer.body);
        }
        Ok(serde_json::from_str(&answer.body)?)
    }
}

impl Asks for Visitor {
    async fn run(&mut self, ask: Ask, end: Instant) -> Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            match ask {
                Ask::Code => self.code().await?,
                Ask::Refresh => self.refresh().await?,
                Ask::Own => self.own().await?,
                Ask::Introspect => self.introspect().await?,
                Ask::Saml => bail!("no provider here is asked for an assertion"),
            }
            count += 1;
        }
        Ok(count)
    }
}
