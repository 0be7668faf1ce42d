//! Requests as clients sign them: Duo's signature version 5 (what duo_client 5 sends), and our authenticator's.

use crate::population;
use anyhow::Result;
use aws_lc_rs::{digest, hmac, rand::SystemRandom, signature::EcdsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use std::fmt::Write as _;
use types::{Millis, PhoneId, TenantId};

/// An integration that signs.
pub(crate) struct Signer {
    host: String,
    ikey: String,
    key: hmac::Key,
}

/// The current second as the `Date` header has it; made once a second.
#[derive(Default)]
pub(crate) struct Date {
    second: i64,
    text: String,
}

impl Date {
    /// The text for `now`.
    pub(crate) fn at(&mut self, now: Millis) -> Result<&str> {
        if now.seconds() != self.second || self.text.is_empty() {
            self.second = now.seconds();
            let time = jiff::Timestamp::from_second(now.seconds())?;
            self.text = time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        }
        Ok(&self.text)
    }
}

impl Signer {
    /// The one integration of a tenant.
    pub(crate) fn new(tenant: u64) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA512, population::skey(tenant).as_bytes());
        Self { host: population::api_host(tenant), ikey: population::ikey(tenant), key }
    }

    /// `POST path` with a JSON body.
    pub(crate) fn post(&self, path: &str, body: &str, date: &str) -> Vec<u8> {
        self.request("POST", path, "", body, date)
    }

    /// `GET path?query`, the query's parameters escaped and in order.
    pub(crate) fn get(&self, path: &str, query: &str, date: &str) -> Vec<u8> {
        self.request("GET", path, query, "", date)
    }

    fn request(&self, method: &str, path: &str, query: &str, body: &str, date: &str) -> Vec<u8> {
        let mut text = String::with_capacity(1024);
        let lines = [date, method, &self.host, path, query];
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&sha512(body));
        text.push('\n');
        // No x-duo- headers.
        text.push_str(&sha512(""));
        let signature = HEXLOWER.encode(hmac::sign(&self.key, text.as_bytes()).as_ref());
        let credentials = BASE64.encode(format!("{}:{signature}", self.ikey).as_bytes());
        text.clear();
        let mark = if query.is_empty() { "" } else { "?" };
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "{method} {path}{mark}{query} HTTP/1.1\r\nHost: {}\r\nDate: {date}\r\nAuthorization: Basic {credentials}\r\n",
            self.host
        );
        if !body.is_empty() {
            let _ = write!(text, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        text.push_str("\r\n");
        text.push_str(body);
        text.into_bytes()
    }
}

fn sha512(text: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA512, text.as_bytes()).as_ref())
}

/// A request of an authenticator.
pub(crate) fn device(
    key: &EcdsaKeyPair,
    (tenant, phone): (TenantId, PhoneId),
    now: Millis,
    (method, path): (&str, &str),
    body: &str,
) -> Result<Vec<u8>> {
    let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
    let signed = format!("countersign-device-v1\n{method}\n{path}\n{}\n{hash}", now.0);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes())?;
    let signature = BASE64URL_NOPAD.encode(signature.as_ref());
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Countersign-Device {tenant}.{phone}.{}.{signature}\r\n",
        super::connection::NAME,
        now.0
    );
    if !body.is_empty() {
        let _ = write!(text, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    text.push_str("\r\n");
    text.push_str(body);
    Ok(text.into_bytes())
}

/// The six digits of a TOTP token (RFC 6238 over SHA-1) in a step.
pub(crate) fn totp(seed: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let hash = hmac::sign(&key, &step.to_be_bytes());
    let hash = hash.as_ref();
    let at = usize::from(hash.last().copied().unwrap_or(0) & 15);
    let four = hash.get(at..at + 4).unwrap_or_default();
    let number = four.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6238_appendix_b_in_six_digits() {
        assert_eq!(totp(b"12345678901234567890", 59 / 30), "287082");
        assert_eq!(totp(b"12345678901234567890", 1_111_111_109 / 30), "081804");
    }

    #[test]
    fn a_date_is_as_duo_client_writes_it() {
        let mut date = Date::default();
        assert_eq!(date.at(Millis(1_795_291_200_000)).unwrap(), "Sat, 21 Nov 2026 20:00:00 +0000");
        assert_eq!(date.at(Millis(1_795_291_201_000)).unwrap(), "Sat, 21 Nov 2026 20:00:01 +0000");
    }

    #[test]
    fn a_request_is_whole() {
        let text = String::from_utf8(Signer::new(3).post("/auth/v2/preauth", "{}", "D")).unwrap();
        assert!(text.starts_with("POST /auth/v2/preauth HTTP/1.1\r\nHost: api-00000003.bench.test\r\nDate: D\r\n"));
        assert!(text.ends_with("Content-Length: 2\r\n\r\n{}"));
    }
}
