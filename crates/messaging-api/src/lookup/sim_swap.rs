//! Whether a number's card was exchanged a short time ago: the sign of somebody who has taken the number over.
//!
//! Asked of an operator or an aggregator that speaks CAMARA's *SIM Swap* API (`camaraproject/SimSwap`, `POST /check` with
//! `phoneNumber` and `maxAge` in hours, answered by `swapped`). The number is told to it and to nobody else, and only where the
//! configuration names it. The same question stands before a code is sent by SMS or call, where that is wanted: a number that was
//! swapped gets none.

use super::{NOT_HERE, network};
use messaging::{BoxFuture, Gate, fetch::FetchError};
use numbers::Facts;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use types::{E164, SecretString};

/// The whole request.
const DEADLINE: Duration = Duration::from_secs(5);
/// No answer is longer, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
/// CAMARA's bounds of `maxAge`, in hours.
const MAX_AGE: std::ops::RangeInclusive<u32> = 1..=2400;

/// Who is asked.
pub struct SimSwapConfig {
    /// The API's address up to its version, such as `https://api.example.com/sim-swap/v1`. Plain http only on this machine.
    pub url: String,
    /// The bearer token that it wants.
    pub token: SecretString,
    /// A card that was exchanged within so many hours counts as exchanged: 1 to 2400.
    pub max_age: u32,
    /// Whether a code that would go to such a number by SMS or call is refused.
    pub gate: bool,
    /// Whether a code goes when nobody can say: the API doesn't know the number, or doesn't answer.
    pub open_on_failure: bool,
}

/// Why nobody can say.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum SimSwapError {
    /// The API doesn't know the number: another country's, or another operator's.
    #[error("the number is not known to the SIM swap API")]
    Unknown,
    /// It doesn't answer, or not so that it could be understood.
    #[error("the SIM swap API doesn't answer")]
    Unavailable,
}

/// Asks.
pub struct SimSwap {
    client: reqwest::Client,
    config: SimSwapConfig,
}

#[derive(Deserialize)]
struct Answer {
    swapped: bool,
}

impl SimSwap {
    /// Takes the configuration.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(config: SimSwapConfig) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| FetchError::Client)?;
        Ok(Self { client, config })
    }

    /// Whether the card was exchanged within the configured time.
    ///
    /// # Errors
    /// When nobody can say.
    pub async fn swapped(&self, number: &E164) -> Result<bool, SimSwapError> {
        let url = format!("{}/check", self.config.url.trim_end_matches('/'));
        let age = self.config.max_age.clamp(*MAX_AGE.start(), *MAX_AGE.end());
        let asked = json!({ "phoneNumber": number.expose(), "maxAge": age });
        let request = self.client.post(url).bearer_auth(self.config.token.expose()).json(&asked);
        let mut answer = request.send().await.map_err(|_| SimSwapError::Unavailable)?;
        match answer.status().as_u16() {
            200 => {}
            404 | 422 => return Err(SimSwapError::Unknown),
            _ => return Err(SimSwapError::Unavailable),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| SimSwapError::Unavailable)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(SimSwapError::Unavailable);
            }
            body.extend_from_slice(&chunk);
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| SimSwapError::Unavailable)?;
        Ok(answer.swapped)
    }

    /// Whether a code may be sent to a number, where that is asked at all.
    async fn may_have_a_code(&self, number: &E164) -> bool {
        if !self.config.gate {
            return true;
        }
        let asked = self.swapped(number).await;
        let admitted = asked.map_or(self.config.open_on_failure, |swapped| !swapped);
        let outcome = match asked {
            Ok(true) => "swapped",
            Ok(false) => "same",
            Err(_) => "unknown",
        };
        metrics::counter!("countersign_sim_swap_questions_total", "outcome" => outcome).increment(1);
        admitted
    }
}

impl Gate for SimSwap {
    fn admits<'a>(&'a self, number: &'a E164) -> BoxFuture<'a, bool> {
        Box::pin(self.may_have_a_code(number))
    }
}

/// The package of a look-up.
pub(super) async fn package(api: Option<&SimSwap>, number: &E164, facts: &Facts) -> Value {
    let (mcc, mnc) = network(facts);
    let with = |swap: Value, error: Value| {
        json!({
            "last_sim_swap": swap,
            "carrier_name": facts.original_carrier,
            "mobile_country_code": mcc,
            "mobile_network_code": mnc,
            "error_code": error,
        })
    };
    let Some(api) = api else { return with(Value::Null, NOT_HERE.into()) };
    match api.swapped(number).await {
        Ok(swapped) => {
            let period = format!("PT{}H", api.config.max_age);
            let swap = json!({
                "last_sim_swap_date": Value::Null, "swapped_period": period, "swapped_in_period": swapped,
            });
            with(swap, Value::Null)
        }
        // Twilio's codes: a number that no operator of the program has, and a failure.
        Err(SimSwapError::Unknown) => with(Value::Null, 60601.into()),
        Err(SimSwapError::Unavailable) => with(Value::Null, 60602.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// An API that answers one request so.
    async fn asked(
        answer: &'static str,
        gate: bool,
        open_on_failure: bool,
    ) -> (SimSwap, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sim-swap/v1/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (mut seen, mut piece) = (Vec::new(), [0; 2048]);
            while !seen.ends_with(b"}") {
                let read = socket.read(&mut piece).await.unwrap();
                seen.extend_from_slice(&piece[..read]);
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(seen).unwrap()
        });
        let token = SecretString::new("secret".to_owned());
        let config = SimSwapConfig { url, token, max_age: 240, gate, open_on_failure };
        (SimSwap::new(config).unwrap(), server)
    }

    const SWAPPED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"swapped\":true}";
    const SAME: &str = "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"swapped\":false}";
    const UNKNOWN: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    const BROKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";

    #[tokio::test]
    async fn asks_as_camara_has_it() {
        let number: E164 = "+4915112345678".parse().unwrap();
        let (api, server) = asked(SWAPPED, false, false).await;
        assert_eq!(api.swapped(&number).await, Ok(true));
        let seen = server.await.unwrap();
        assert!(seen.starts_with("POST /sim-swap/v1/check HTTP/1.1\r\n"), "{seen}");
        assert!(seen.to_lowercase().contains("authorization: bearer secret"), "{seen}");
        assert!(seen.ends_with(r#"{"phoneNumber":"+4915112345678","maxAge":240}"#), "{seen}");
        for (answer, wanted) in
            [(SAME, Ok(false)), (UNKNOWN, Err(SimSwapError::Unknown)), (BROKEN, Err(SimSwapError::Unavailable))]
        {
            assert_eq!(asked(answer, false, false).await.0.swapped(&number).await, wanted, "{answer}");
        }
    }

    #[tokio::test]
    async fn the_gate_closes_before_a_swapped_card_and_as_configured_before_an_unknown_one() {
        let number: E164 = "+4915112345678".parse().unwrap();
        for (answer, open_on_failure, admitted) in [
            (SWAPPED, true, false),
            (SAME, false, true),
            (UNKNOWN, true, true),
            (UNKNOWN, false, false),
            (BROKEN, false, false),
        ] {
            let (api, _server) = asked(answer, true, open_on_failure).await;
            assert_eq!(api.admits(&number).await, admitted, "{answer}");
        }
    }
}
