//! Requests to addresses that a tenant's program named: status callbacks, TwiML, the action of a `Gather`. Forms, signed as Twilio signs
//! them; the guard against addresses that nobody outside may name is [`outbound`]'s.

use crate::signature;
use ipnet::IpNet;
pub use outbound::{FetchError, Fetched, MAX_ANSWER, MAX_URL, Method};
use outbound::{Outbound, Request};
use types::SecretString;
use url::{Url, form_urlencoded::Serializer};

/// Asks addresses that others named.
#[derive(Clone)]
pub struct Fetcher(Outbound);

/// What is asked.
pub struct Ask<'a> {
    /// By which method.
    pub method: Method,
    /// `http` or `https`.
    pub url: &'a str,
    /// Names and values.
    pub form: &'a [(String, String)],
    /// Whose key signs it (`X-Twilio-Signature`); none for an unsigned request.
    pub token: Option<&'a SecretString>,
}

impl Fetcher {
    /// A fetcher that reaches the public Internet, and `allowed` beside it.
    ///
    /// # Errors
    /// [`FetchError::Client`] when TLS can't be set up.
    pub fn new(allowed: Vec<IpNet>) -> Result<Self, FetchError> {
        Outbound::new(allowed, "TwilioProxy/1.1").map(Self)
    }

    /// Whether `url` may be asked, as far as that can be told without looking its name up.
    ///
    /// # Errors
    /// [`FetchError::Address`] or [`FetchError::Forbidden`].
    pub fn check(&self, url: &str) -> Result<Url, FetchError> {
        self.0.check(url)
    }

    /// Asks.
    ///
    /// # Errors
    /// See [`FetchError`]; a status of 400 or more is an answer.
    pub async fn fetch(&self, ask: &Ask<'_>) -> Result<Fetched, FetchError> {
        self.fetch_up_to(ask, MAX_ANSWER).await
    }

    /// Asks for something that may be longer: at most `limit` bytes.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_up_to(&self, ask: &Ask<'_>, limit: usize) -> Result<Fetched, FetchError> {
        let mut url = self.check(ask.url)?;
        if ask.method == Method::Get && !ask.form.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.form);
        }
        let form = if ask.method == Method::Post { ask.form } else { &[] };
        let signature = ask.token.map(|token| signature::sign(token, url.as_str(), form));
        let headers = signature.as_deref().map(|signature| ("X-Twilio-Signature", signature));
        let request = match ask.method {
            Method::Get => Request::get(url.as_str()),
            Method::Post => {
                let body = Serializer::new(String::new()).extend_pairs(form).finish();
                Request::post(url.as_str(), "application/x-www-form-urlencoded", body.into_bytes())
            }
        };
        self.0.send(request.with_headers(headers.as_slice()).up_to(limit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn open() -> Fetcher {
        Fetcher::new(vec!["127.0.0.0/8".parse().unwrap()]).unwrap()
    }

    /// Answers one request with `answer` and gives what was asked.
    async fn served(answer: Vec<u8>, method: Method) -> (Result<Fetched, FetchError>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            let mut piece = [0; 1024];
            while !String::from_utf8_lossy(&asked).contains("To=%2B1") {
                let read = socket.read(&mut piece).await.unwrap();
                asked.extend_from_slice(&piece[..read]);
            }
            let _ = socket.write_all(&answer).await;
            String::from_utf8(asked).unwrap()
        });
        let form = [("MessageStatus".to_owned(), "sent".to_owned()), ("To".to_owned(), "+1".to_owned())];
        let token = SecretString::new("t".to_owned());
        let got = open().fetch(&Ask { method, url: &url, form: &form, token: Some(&token) }).await;
        let asked = server.await.unwrap();
        let signed = if method == Method::Post {
            signature::sign(&token, &url, &form)
        } else {
            signature::sign(&token, &format!("{url}&MessageStatus=sent&To=%2B1"), &[])
        };
        assert!(
            asked.to_ascii_lowercase().contains(&format!("x-twilio-signature: {signed}").to_ascii_lowercase()),
            "{asked}"
        );
        (got, asked)
    }

    #[tokio::test]
    async fn a_form_goes_out_signed_and_the_answer_comes_back() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: 11\r\n\r\n<Response/>".to_vec();
        let (got, asked) = served(answer, Method::Post).await;
        let got = got.unwrap();
        assert_eq!(
            (got.status, got.content_type.as_str(), got.body.as_slice()),
            (200, "text/xml", &b"<Response/>"[..])
        );
        assert!(asked.starts_with("POST /hook?a=b ") && asked.ends_with("MessageStatus=sent&To=%2B1"));
    }

    #[tokio::test]
    async fn a_question_stands_in_the_address() {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n".to_vec();
        let (got, asked) = served(answer, Method::Get).await;
        assert_eq!(got.unwrap().status, 302);
        assert!(asked.starts_with("GET /hook?a=b&MessageStatus=sent&To=%2B1 "));
    }
}
