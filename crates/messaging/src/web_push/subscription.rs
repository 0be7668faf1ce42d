//! Where a browser wants its pushes: an address that the browser names, so it is believed only where it is a push service's.

use super::encrypt::POINT;
use data_encoding::{BASE64URL_NOPAD, Specification};
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The longest subscription that is read, in bytes.
pub const LONGEST_SUBSCRIPTION: usize = 4096;
/// The longest address of one.
const LONGEST_ENDPOINT: usize = 2048;
/// The length of the authentication secret (RFC 8291 §3.2).
const AUTH: usize = 16;

/// The push services of the browsers that are known: Chromium's, Firefox's, Edge's, Safari's.
pub const KNOWN_HOSTS: &[&str] =
    &["fcm.googleapis.com", "updates.push.services.mozilla.com", "*.notify.windows.com", "*.push.apple.com"];

/// Why a subscription is refused. It never repeats what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubscription {
    /// Not the JSON of a browser's subscription, or its keys have the wrong length.
    #[error("not a push subscription")]
    Malformed,
    /// The address isn't one of a push service that this server knows.
    #[error("the push service is not one that this server sends to")]
    Host,
}

/// A browser's subscription, as `PushSubscription.toJSON()` gives it (W3C Push API §8).
#[derive(Clone)]
pub struct Subscription {
    endpoint: Url,
    public_key: Vec<u8>,
    auth: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Json {
    endpoint: String,
    keys: Keys,
}

#[derive(Serialize, Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// Reads the JSON. Whether its address may be asked is [`Hosts::admit`]'s to say.
    pub fn read(json: &[u8]) -> Result<Self, InvalidSubscription> {
        if json.len() > LONGEST_SUBSCRIPTION {
            return Err(InvalidSubscription::Malformed);
        }
        let read: Json = serde_json::from_slice(json).map_err(|_| InvalidSubscription::Malformed)?;
        let bytes = |text: &str| {
            // Browsers write base64url without padding; older ones pad it.
            lenient().and_then(|encoding| encoding.decode(text.as_bytes()).ok()).ok_or(InvalidSubscription::Malformed)
        };
        Self::from_parts(&read.endpoint, &bytes(&read.keys.p256dh)?, &bytes(&read.keys.auth)?)
    }

    /// From an address, an uncompressed P-256 point and 16 bytes.
    pub fn from_parts(endpoint: &str, public_key: &[u8], auth: &[u8]) -> Result<Self, InvalidSubscription> {
        let malformed = InvalidSubscription::Malformed;
        if endpoint.len() > LONGEST_ENDPOINT
            || public_key.len() != POINT
            || public_key.first() != Some(&4)
            || auth.len() != AUTH
        {
            return Err(malformed);
        }
        let endpoint = Url::parse(endpoint).map_err(|_| malformed)?;
        if endpoint.host_str().is_none_or(str::is_empty)
            || !endpoint.username().is_empty()
            || endpoint.password().is_some()
            || endpoint.fragment().is_some()
        {
            return Err(malformed);
        }
        Ok(Self { endpoint, public_key: public_key.to_vec(), auth: auth.to_vec() })
    }

    /// As it is kept (sealed): whoever has it can wake the browser.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let json = Json {
            endpoint: self.endpoint.as_str().to_owned(),
            keys: Keys { p256dh: BASE64URL_NOPAD.encode(&self.public_key), auth: BASE64URL_NOPAD.encode(&self.auth) },
        };
        serde_json::to_vec(&json).unwrap_or_default()
    }

    pub(super) const fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Scheme, host and port of the push service: the audience of the sender's token (RFC 8292 §2).
    pub(super) fn origin(&self) -> String {
        self.endpoint.origin().ascii_serialization()
    }

    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    pub(super) fn auth(&self) -> &[u8] {
        &self.auth
    }
}

/// base64url whose padding may stand there or not.
fn lenient() -> Option<data_encoding::Encoding> {
    let mut specification: Specification = BASE64URL_NOPAD.specification();
    specification.ignore.push('=');
    specification.encoding().ok()
}

/// The push services that are sent to.
#[derive(Clone, Debug)]
pub struct Hosts {
    patterns: Vec<String>,
    loopback: bool,
}

/// A pattern that is no host name, or covers more than one organisation's names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the name of a push service: a host name, or *. and a host name of two labels at least")]
pub struct InvalidHost(pub String);

impl Hosts {
    /// From host names, and from `*.` with a name, which stands for any number of labels before it. `loopback` also takes
    /// `http://127.0.0.1:port`: for tests.
    pub fn new<T: AsRef<str>>(patterns: &[T], loopback: bool) -> Result<Self, InvalidHost> {
        let mut all = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let pattern = pattern.as_ref().to_ascii_lowercase();
            let name = pattern.strip_prefix("*.").unwrap_or(&pattern);
            let labels = name.split('.').filter(|label| {
                (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
            // The last label of a name isn't all digits; of an address it is.
            let is_name = name.rsplit('.').next().is_some_and(|last| last.bytes().any(|b| b.is_ascii_alphabetic()));
            if !is_name || labels.count() != name.split('.').count() || !name.contains('.') {
                return Err(InvalidHost(pattern));
            }
            all.push(pattern);
        }
        Ok(Self { patterns: all, loopback })
    }

    /// Whether the subscription's address is one of these: `https` at the usual port of a host that is named. Whoever sends a
    /// subscription could otherwise make the server ask any address that it reaches.
    pub fn admit(&self, subscription: &Subscription) -> Result<(), InvalidSubscription> {
        let url = subscription.endpoint();
        let host = url.host_str().unwrap_or_default();
        if self.loopback && matches!(url.scheme(), "http" | "https") && host == "127.0.0.1" {
            return Ok(());
        }
        let named = |pattern: &String| match pattern.strip_prefix('*') {
            Some(dotted) => host.strip_suffix(dotted).is_some_and(|front| !front.is_empty() && !front.starts_with('.')),
            None => host == pattern,
        };
        let admitted = url.scheme() == "https" && url.port().is_none() && self.patterns.iter().any(named);
        if admitted { Ok(()) } else { Err(InvalidSubscription::Host) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(loopback: bool) -> Hosts {
        Hosts::new(KNOWN_HOSTS, loopback).unwrap()
    }

    fn at(endpoint: &str) -> Result<Subscription, InvalidSubscription> {
        let mut point = [7; POINT];
        point[0] = 4;
        Subscription::from_parts(endpoint, &point, &[1; AUTH])
    }

    #[test]
    fn the_known_services_and_nobody_else() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://FCM.googleapis.com:443/wp/abc",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
            "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAA%3d",
            "https://web.push.apple.com/QGuQyavXutnMH",
        ] {
            assert_eq!(hosts(false).admit(&at(good).unwrap()), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_an_attacker_would_like_to_be_asked_for_is_refused() {
        for bad in [
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:8443/x",
            "https://fcm.googleapis.com.attacker.example/x",
            "https://fcm.googleapis.com./x",
            "https://attacker.example/fcm.googleapis.com",
            "https://attackerfcm.googleapis.com/x",
            "https://xfcm.googleapis.com/x",
            "https://notify.windows.com/x",
            "https://.notify.windows.com/x",
            "https://evilnotify.windows.com/x",
            "https://push.apple.com/x",
            "https://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254/",
            "https://127.0.0.1/x",
            "http://127.0.0.1:9464/metrics",
            "https://127.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://[::1]/x",
            "https://[::ffff:169.254.169.254]/x",
            "https://localhost/x",
            "https://10.0.0.1/x",
            "https://metadata.google.internal/x",
            "ftp://fcm.googleapis.com/x",
            "file:///etc/passwd",
            "gopher://127.0.0.1:25/x",
            "unix:///run/x",
            "data:text/plain,x",
            "https://fcm.googleapis.com@attacker.example/x",
            "https://user:secret@fcm.googleapis.com/x",
            "https://fcm.googleapis.com/x#y",
            "https://attacker.example\\@fcm.googleapis.com/x",
            "https:fcm.googleapis.com.attacker.example",
            "//fcm.googleapis.com/x",
            "fcm.googleapis.com/x",
            "https://",
            "",
        ] {
            let refused = at(bad).and_then(|subscription| hosts(false).admit(&subscription));
            assert!(refused.is_err(), "{bad}");
        }
        assert!(at(&format!("https://fcm.googleapis.com/{}", "a".repeat(LONGEST_ENDPOINT))).is_err());
    }

    #[test]
    fn this_machine_only_where_the_tests_ask_for_it() {
        let here = at("http://127.0.0.1:4711/push/1").unwrap();
        assert_eq!(hosts(false).admit(&here), Err(InvalidSubscription::Host));
        assert_eq!(hosts(true).admit(&here), Ok(()));
        for bad in ["http://127.0.0.2:4711/", "http://localhost:4711/", "http://[::1]:4711/", "http://192.168.0.1/"] {
            assert!(hosts(true).admit(&at(bad).unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_names_one_organisations_hosts() {
        for bad in [
            "",
            "*",
            "*.com",
            "com",
            "a b.example",
            "https://a.example",
            "a.example:443",
            "*.*.example.com",
            "10.0.0.1",
            "[::1]",
            ".example.com",
        ] {
            assert!(Hosts::new(&[bad], false).is_err(), "{bad}");
        }
        assert!(Hosts::new(&["push.example.com", "*.Push.example.com"], false).is_ok());
    }

    #[test]
    fn as_browsers_write_it_with_and_without_padding() {
        let json = r#"{"endpoint":"https://fcm.googleapis.com/fcm/send/x","expirationTime":null,"keys":{
            "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4=","auth":"BTBZMqHH6r4Tts7J_aSIgg=="}}"#;
        let read = Subscription::read(json.as_bytes()).unwrap();
        assert_eq!((read.origin().as_str(), read.auth().len()), ("https://fcm.googleapis.com", 16));
        let again = Subscription::read(&read.to_json()).unwrap();
        assert_eq!(again.to_json(), read.to_json());
        for bad in [
            json.replace("BTBZMqHH6r4Tts7J_aSIgg", "BTBZMqHH6r4Tts7J_aSI"),
            json.replace("BCVx", "CCVx"),
            json.replace("BCVx", "BC+x"),
            json.replace("auth", "Auth"),
            json.replace("https://fcm", "fcm"),
            "null".to_owned(),
            "[]".to_owned(),
            String::new(),
        ] {
            assert!(Subscription::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_subscription_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Subscription::read(&bytes);
        }

        #[test]
        fn any_endpoint_is_read_or_refused(endpoint in "(https?://)?[a-z0-9.:@/\\\\\\[\\]%_-]{0,60}", other in "\\PC{0,60}") {
            for text in [&endpoint, &other] {
                let json = serde_json::json!({"endpoint": text, "keys": {
                    "p256dh": BASE64URL_NOPAD.encode(&{ let mut p = [9; POINT]; p[0] = 4; p }), "auth": BASE64URL_NOPAD.encode(&[1; AUTH]) }});
                if let Ok(read) = Subscription::read(json.to_string().as_bytes()) {
                    // Whatever is read survives being kept, and only a named host at its usual port is asked.
                    let again = Subscription::read(&read.to_json()).unwrap();
                    prop_assert_eq!(again.endpoint(), read.endpoint());
                    if hosts(false).admit(&read).is_ok() {
                        prop_assert!(read.origin().starts_with("https://"));
                        prop_assert!(read.endpoint().port().is_none());
                    }
                }
            }
        }
    }
}
