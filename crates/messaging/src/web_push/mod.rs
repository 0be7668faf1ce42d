//! Wakes a person's authenticator by Web Push: RFC 8030, encrypted by RFC 8291, signed by RFC 8292.
//!
//! A push carries nothing that is worth stealing: it says "look", and the device asks for the request by its own signed call. It
//! is no [`Channel`](crate::Channel): it costs nothing, reaches nobody's number, and the device asks by itself all the same.
//!
//! The address of a push is named by the device, so only those of known push services are asked ([`Hosts`]), no redirect is
//! followed, and nothing of an answer is read but its status.

mod encrypt;
mod subscription;
mod vapid;

pub use encrypt::LONGEST as LONGEST_PUSH;
pub use subscription::{Hosts, InvalidHost, InvalidSubscription, KNOWN_HOSTS, LONGEST_SUBSCRIPTION, Subscription};
pub use vapid::{InvalidVapidKey, VapidKey};

use std::time::Duration;
use tokio::time::Instant;
use types::World;

/// One request to a push service lasts no longer.
const REQUEST: Duration = Duration::from_secs(10);
/// The pause before the second try; it doubles with each further one, and half of it is left to chance.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait that is believed of a service.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How soon a device should be woken (RFC 8030 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// When it is convenient.
    Normal,
    /// At once, also on battery.
    High,
}

/// What is pushed.
pub struct Push<'a> {
    /// What the device reads: at most [`LONGEST_PUSH`] bytes.
    pub message: &'a [u8],
    /// How soon.
    pub urgency: Urgency,
    /// How long the service keeps it for a device that is away (RFC 8030 §5.2).
    pub life: Duration,
    /// How long it is tried while the service refuses or is away.
    pub patience: Duration,
    /// A later push of the same topic takes the place of one that wasn't delivered: at most 32 letters (RFC 8030 §5.4). The service
    /// sees it.
    pub topic: &'static str,
}

/// Why a device wasn't woken. No text holds an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The subscription has ended: it is of no use any more (404 and 410, RFC 8030 §7.3).
    #[error("the subscription has ended")]
    Gone,
    /// The subscription's address isn't one that is asked.
    #[error(transparent)]
    Subscription(#[from] InvalidSubscription),
    /// The service refused the push for good, with this status.
    #[error("the push service answered {0}")]
    Refused(u16),
    /// The service could not be reached, or asked for more patience than there is.
    #[error("the push service could not be reached in time")]
    Unavailable,
    /// The message or the key is of no use.
    #[error("the push could not be made")]
    Unusable,
}

/// What is wrong with the configuration of Web Push.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidWebPush {
    /// A host's pattern.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// The TLS stack could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// Sends pushes.
pub struct WebPush {
    client: reqwest::Client,
    hosts: Hosts,
    world: World,
}

impl WebPush {
    /// Sends to `hosts` and nobody else.
    pub fn new(hosts: Hosts, world: World) -> Result<Self, InvalidWebPush> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(REQUEST)
            // The service that was admitted is the one that is asked.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(InvalidWebPush::Client)?;
        Ok(Self { client, hosts, world })
    }

    /// Reads a subscription that a device gives, and says whether it is one that would be sent to.
    pub fn read(&self, json: &[u8]) -> Result<Subscription, InvalidSubscription> {
        let subscription = Subscription::read(json)?;
        self.hosts.admit(&subscription)?;
        Ok(subscription)
    }

    /// Pushes: `Ok` when the service has taken it. `contact` is the sender's `https:` URL, for the service's operator.
    pub async fn push(
        &self,
        to: &Subscription,
        key: &VapidKey,
        contact: &str,
        push: &Push<'_>,
    ) -> Result<(), PushError> {
        // Those that were kept before the hosts were changed are asked no more.
        self.hosts.admit(to)?;
        let began = Instant::now();
        let body = encrypt::encrypt(to, push.message, &self.world).map_err(|_| PushError::Unusable)?;
        let authorization =
            key.authorization(&to.origin(), contact, self.world.now()).map_err(|_| PushError::Unusable)?;
        let mut tried = 0;
        loop {
            let left = push.life.saturating_sub(began.elapsed());
            let request = self
                .client
                .post(to.endpoint().clone())
                .header("authorization", &authorization)
                .header("ttl", left.as_secs().to_string())
                .header("urgency", if push.urgency == Urgency::High { "high" } else { "normal" })
                .header("topic", push.topic)
                .header("content-encoding", "aes128gcm")
                .header("content-type", "application/octet-stream")
                .body(body.clone());
            let asked = match request.send().await {
                Ok(answer) => match answer.status().as_u16() {
                    200..=299 => return Ok(()),
                    404 | 410 => return Err(PushError::Gone),
                    429 | 500.. => retry_after(&answer),
                    status => return Err(PushError::Refused(status)),
                },
                Err(_) => None,
            };
            tried += 1;
            let wait = asked.unwrap_or_default().max(self.pause(tried));
            if began.elapsed() + wait >= push.patience {
                return Err(PushError::Unavailable);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn pause(&self, tried: u32) -> Duration {
        let half = PAUSE.saturating_mul(1 << tried.saturating_sub(1).min(6)) / 2;
        half + Duration::from_millis(self.world.below(u64::try_from(half.as_millis()).unwrap_or(0) + 1))
    }
}

/// Seconds only; a date is not waited for.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// For the fuzzer: whatever is read can be kept, and what is admitted is an `https` address.
#[doc(hidden)]
pub fn fuzz_subscription(bytes: &[u8]) {
    let (Ok(read), Ok(hosts)) = (Subscription::read(bytes), Hosts::new(KNOWN_HOSTS, false)) else { return };
    let again = Subscription::read(&read.to_json());
    assert!(again.is_ok_and(|again| again.to_json() == read.to_json()), "a subscription changed as it was kept");
    assert!(
        hosts.admit(&read).is_err() || read.origin().starts_with("https://"),
        "something else than https was admitted"
    );
}
