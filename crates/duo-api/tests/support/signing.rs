//! Requests signed as Duo's clients sign them, written from the description of the wire and not with the door's own code.

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER};
use types::Millis;

/// An application's keys, and the host that its client is configured with.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) ikey: String,
    pub(crate) skey: String,
    pub(crate) host: String,
}

/// How a client signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// duo_unix 1.11.3, the one in Debian: no date, SHA-1, a form.
    V1,
    /// duo_unix 2.0.4 and later: SHA-512, a form.
    V2,
    /// duo_client 5: SHA-512, JSON.
    V5,
}

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// RFC 3986 with `~` unreserved, as duo_client and duo_unix quote.
pub(crate) fn quote(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn encode(params: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = params.iter().map(|(name, value)| (quote(name), quote(value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// RFC 2822, as Python writes it.
pub(crate) fn date(now: Millis) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = now.seconds();
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since the epoch to a civil date, by counting years and months.
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut rest) = (1970, day);
    while rest >= 365 + i64::from(leap(year)) {
        rest -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while rest >= lengths[month] {
        rest -= lengths[month];
        month += 1;
    }
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} -0000",
        DAYS[day.rem_euclid(7) as usize],
        rest + 1,
        MONTHS[month],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn sha512(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA512, bytes).as_ref())
}

/// The value of the header by which `keys` vouch for `lines`.
pub(crate) fn authorization(keys: &Keys, version: Version, lines: &str) -> String {
    let algorithm = if version == Version::V1 { hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY } else { hmac::HMAC_SHA512 };
    let tag = hmac::sign(&hmac::Key::new(algorithm, keys.skey.as_bytes()), lines.as_bytes());
    format!("Basic {}", BASE64.encode(format!("{}:{}", keys.ikey, HEXLOWER.encode(tag.as_ref())).as_bytes()))
}

/// Signs a request. Parameters go where the method and the version put them: query, form or JSON.
pub(crate) fn sign(
    keys: &Keys,
    version: Version,
    method: &str,
    path: &str,
    params: &[(String, String)],
    now: Millis,
) -> Signed {
    let in_query = matches!(method, "GET" | "DELETE");
    let encoded = encode(params);
    let (query, body, kind) = match (in_query, version) {
        (true, _) => (encoded.as_str(), Vec::new(), None),
        (false, Version::V5) => {
            let object: serde_json::Map<_, _> =
                params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            ("", serde_json::to_vec(&object).expect("an object"), Some("application/json"))
        }
        (false, _) => ("", encoded.clone().into_bytes(), Some("application/x-www-form-urlencoded")),
    };
    signed(keys, version, method, path, query, body, kind, now)
}

/// Signs a request with any body.
#[expect(clippy::too_many_arguments, reason = "the parts of a request")]
pub(crate) fn signed(
    keys: &Keys,
    version: Version,
    method: &str,
    path: &str,
    query: &str,
    body: Vec<u8>,
    kind: Option<&str>,
    now: Millis,
) -> Signed {
    let date = date(now);
    let text = String::from_utf8_lossy(&body).into_owned();
    let params = if query.is_empty() { text.as_str() } else { query };
    let lines = match version {
        Version::V1 => format!("{method}\n{}\n{path}\n{params}", keys.host),
        Version::V2 => format!("{date}\n{method}\n{}\n{path}\n{params}", keys.host),
        Version::V5 => {
            format!("{date}\n{method}\n{}\n{path}\n{query}\n{}\n{}", keys.host, sha512(&body), sha512(b""))
        }
    };
    let mut headers = vec![
        ("host".to_owned(), keys.host.clone()),
        ("authorization".to_owned(), authorization(keys, version, &lines)),
    ];
    if version != Version::V1 {
        headers.push(("date".to_owned(), date));
    }
    if let Some(kind) = kind {
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Signed { method: method.to_owned(), target, headers, body }
}

/// Parameters as the functions above take them.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
