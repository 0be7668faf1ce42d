//! Keys for SRTP inside the SDP: `a=crypto` (RFC 4568).

use crate::srtp::{MASTER, Suite};
use types::{SecretBytes, World};

/// A key for one direction.
#[derive(Clone)]
pub struct Crypto {
    /// Names the line: an answer has the tag of what it chose.
    pub tag: u32,
    /// The suite.
    pub suite: Suite,
    /// Master key and salt.
    pub master: SecretBytes,
}

const SUITES: [(&str, Suite); 2] =
    [("AES_CM_128_HMAC_SHA1_80", Suite::Tag80), ("AES_CM_128_HMAC_SHA1_32", Suite::Tag32)];

impl Crypto {
    /// A new key.
    #[must_use]
    pub fn make(tag: u32, suite: Suite, world: &World) -> Self {
        Self { tag, suite, master: SecretBytes::new(world.bytes::<MASTER>().to_vec()) }
    }

    /// What stands behind `a=crypto:`. `None` for what we can't do: another suite, a key identifier in the packets, parameters of the
    /// session that would have to be kept (§6.3: whoever doesn't know one must not take the line).
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?;
        if tag.len() > 9 || !tag.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let suite = words.next()?;
        let (_, suite) = SUITES.into_iter().find(|(name, _)| suite.eq_ignore_ascii_case(name))?;
        let inline = words.next()?.strip_prefix("inline:")?;
        // Key, lifetime and identifier; several keys would need identifiers.
        let (key, extras) = inline.split_once('|').unwrap_or((inline, ""));
        if extras.contains([':', ';']) {
            return None;
        }
        if !words.all(|parameter| parameter.eq_ignore_ascii_case("KDR=0") || parameter.starts_with("WSH=")) {
            return None;
        }
        let key = key.trim_end_matches('=');
        let master = data_encoding::BASE64_NOPAD.decode(key.as_bytes()).ok()?;
        let master = SecretBytes::new(master);
        (master.expose().len() == MASTER).then_some(Self { tag: tag.parse().ok()?, suite, master })
    }

    /// The whole line's value.
    #[must_use]
    pub fn to_text(&self) -> String {
        let name = SUITES.iter().find(|(_, suite)| *suite == self.suite).map_or("", |(name, _)| name);
        format!("{} {name} inline:{}", self.tag, data_encoding::BASE64.encode(self.master.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::Millis;

    proptest! {
        #[test]
        fn nothing_breaks_the_reader(value in "[0-9]{0,3} (AES_CM_128_HMAC_SHA1_(80|32)|[A-Z]{1,5}) (inline:)?[A-Za-z0-9+/=|:^]{0,50}( [A-Z]{3}=[0-9])?") {
            if let Some(read) = Crypto::parse(&value) {
                prop_assert_eq!(read.master.expose().len(), MASTER);
                prop_assert!(Crypto::parse(&read.to_text()).is_some());
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let (world, _) = World::made(Millis(0), 3);
        for suite in [Suite::Tag80, Suite::Tag32] {
            let made = Crypto::make(7, suite, &world);
            let read = Crypto::parse(&made.to_text()).unwrap();
            assert_eq!((read.tag, read.suite), (7, suite));
            assert!(read.master.ct_eq(made.master.expose()));
        }
    }

    /// The lines of RFC 4568's examples (§4.1, §5.1, §6.2): those that we take and those that we don't.
    #[test]
    fn lines_with_more_than_we_can_are_passed_over() {
        const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
        for good in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20"),
            format!("1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^20 WSH=64"),
            format!("2 aes_cm_128_hmac_sha1_32 inline:{KEY} KDR=0"),
        ] {
            assert!(Crypto::parse(&good).is_some(), "{good}");
        }
        for bad in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} FEC_ORDER=FEC_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}"),
            format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            "1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ=".to_owned(),
            "1 AES_CM_128_HMAC_SHA1_80".to_owned(),
            String::new(),
        ] {
            assert!(Crypto::parse(&bad).is_none(), "{bad}");
        }
    }
}
