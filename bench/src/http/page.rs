//! A browser at the sign-in page of one tenant, and the application that sent it there: what `duo_universal` and a browser send.

use super::connection::{Answer, Connection, Target};
use crate::{passkey, population};
use anyhow::{Context, Result, bail};
use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use std::fmt::Write as _;
use types::World;

/// Where people come back to. Nobody listens there: the last redirect is the end of the browser's way.
const REDIRECT_URI: &str = "https://app.bench.test/duo-callback";
const REDIRECT_URI_ESCAPED: &str = "https%3A%2F%2Fapp.bench.test%2Fduo-callback";
const HEADER: &str = r#"{"alg":"HS512","typ":"JWT"}"#;
/// What the browser calls itself.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// A worker's two connections: the browser's, and the application's own.
pub(crate) struct Visit {
    pub(crate) target: Target,
    pub(crate) browser: Connection,
    application: Connection,
    pub(crate) world: World,
}

/// A sign-in that a browser has begun.
pub(crate) struct Begun {
    host: String,
    ikey: String,
    key: hmac::Key,
    state: String,
    cookie: String,
    /// `/sign-in/{id}`.
    pub(crate) path: String,
    /// For the page's forms and scripts.
    pub(crate) token: String,
}

impl Visit {
    /// Connected.
    pub(crate) async fn new(target: &Target) -> Result<Self> {
        let (browser, application) = (target.connect().await?, target.connect().await?);
        Ok(Self { target: target.clone(), browser, application, world: World::real() })
    }

    /// Connected anew: what is left of a broken exchange must not answer the next request.
    pub(crate) async fn begin_anew(&mut self) -> Result<()> {
        *self = Self::new(&self.target).await?;
        Ok(())
    }

    /// From the application's redirect to the page.
    pub(crate) async fn arrive(&mut self, tenant: u64, username: &str) -> Result<Begun> {
        let (host, ikey) = (population::api_host(tenant), population::ikey(tenant));
        let key = hmac::Key::new(hmac::HMAC_SHA512, population::skey(tenant).as_bytes());
        let state = HEXLOWER.encode(&self.world.bytes::<18>());
        let expires = self.world.now().seconds() + 300;
        let request = sign(
            &key,
            &format!(
                r#"{{"scope":"openid","redirect_uri":"{REDIRECT_URI}","client_id":"{ikey}","iss":"{ikey}","aud":"https://{host}","exp":{expires},"state":"{state}","response_type":"code","duo_uname":"{username}","use_duo_code_attribute":true}}"#
            ),
        );
        let mut begun =
            Begun { host, ikey, key, state, cookie: String::new(), path: String::new(), token: String::new() };
        let to = format!("/oauth/v1/authorize?response_type=code&client_id={}&request={request}", begun.ikey);
        let sent = self.browser.ask(&begun.get(&to, "text/html")).await?;
        begun.path = to_path(&sent, 302)?;
        begun.cookie = sent.cookies.first().context("authorize set no cookie")?.clone();
        let page = self.browser.ask(&begun.get(&begun.path, "text/html")).await?;
        if page.status != 200 {
            bail!("the page: {} {}", page.status, page.body);
        }
        begun.token = between(&page.body, "name=\"token\" value=\"", "\"")
            .or_else(|| between(&page.body, "data-token=\"", "\""))
            .context("no token in the page")?
            .to_owned();
        Ok(begun)
    }

    /// From an allowed sign-in back to the application's address: the code.
    pub(crate) async fn leave(&mut self, begun: &Begun, next: &str) -> Result<String> {
        let done = self.browser.ask(&begun.get(next, "text/html")).await?;
        let location = &done.location;
        let back = location.starts_with(REDIRECT_URI) && location.contains(&begun.state);
        let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("duo_code=")).filter(|_| back);
        Ok(code.with_context(|| format!("done: {} to {location}", done.status))?.to_owned())
    }

    /// The application redeems the code.
    pub(crate) async fn redeem(&mut self, begun: &Begun, code: &str) -> Result<()> {
        let Begun { host, ikey, key, .. } = begun;
        let now = self.world.now().seconds();
        let name = HEXLOWER.encode(&self.world.bytes::<16>());
        let assertion = sign(
            key,
            &format!(
                r#"{{"iss":"{ikey}","sub":"{ikey}","aud":"https://{host}/oauth/v1/token","exp":{},"iat":{now},"jti":"{name}"}}"#,
                now + 300
            ),
        );
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT_URI_ESCAPED}&client_id={ikey}\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
        );
        let request = format!(
            "POST /oauth/v1/token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let answer = self.application.ask(request.as_bytes()).await?;
        if answer.status != 200 || !answer.body.contains("\"id_token\"") {
            bail!("token: {} {}", answer.status, answer.body);
        }
        Ok(())
    }
}

impl Begun {
    /// A request for a page, or for what a script asks for.
    pub(crate) fn get(&self, path: &str, accept: &str) -> Vec<u8> {
        let mut text = self.head("GET", path);
        let _ = write!(text, "Accept: {accept}\r\n\r\n");
        text.into_bytes()
    }

    /// A form, or JSON that a script sends.
    pub(crate) fn post(&self, path: &str, kind: &str, body: &str) -> Vec<u8> {
        let mut text = self.head("POST", path);
        let _ = write!(
            text,
            "Origin: {}\r\nSec-Fetch-Site: same-origin\r\nX-Form-Token: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            passkey::origin(&self.host),
            self.token,
            body.len()
        );
        text.into_bytes()
    }

    /// The tenant's host, which is its passkeys' too.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    fn head(&self, method: &str, path: &str) -> String {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\nAccept-Language: en\r\n",
            self.host
        );
        if !self.cookie.is_empty() {
            let _ = write!(text, "Cookie: {}\r\n", self.cookie);
        }
        text
    }
}

/// Where a redirect leads, which must be to a page here.
pub(crate) fn to_path(answer: &Answer, status: u16) -> Result<String> {
    if answer.status != status || !answer.location.starts_with("/sign-in/") {
        bail!("{} to {:?}: {}", answer.status, answer.location, answer.body);
    }
    Ok(answer.location.clone())
}

/// What stands between two texts.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

fn sign(key: &hmac::Key, claims: &str) -> String {
    let mut text = BASE64URL_NOPAD.encode(HEADER.as_bytes());
    text.push('.');
    text.push_str(&BASE64URL_NOPAD.encode(claims.as_bytes()));
    let signature = hmac::sign(key, text.as_bytes());
    text.push('.');
    text.push_str(&BASE64URL_NOPAD.encode(signature.as_ref()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_text_has_three_parts_and_is_signed_over_two() {
        let key = hmac::Key::new(hmac::HMAC_SHA512, b"secret");
        let token = sign(&key, r#"{"a":1}"#);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        assert!(hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
        assert_eq!(token.split('.').count(), 3);
    }

    #[test]
    fn what_stands_between_is_found() {
        assert_eq!(between("a x=\"y\" b", "x=\"", "\""), Some("y"));
        assert_eq!(between("a", "x", "y"), None);
    }
}
