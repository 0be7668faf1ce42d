//! How a carrier's SMSC is reached, and what it likes.

use crate::{
    receipt::ReceiptIds,
    split::{Alphabet, Concatenation},
    tls::Tls,
    validity::Validity,
};
use serde::Deserialize;
use std::time::Duration;
use types::SecretString;

/// How to bind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One connection for both directions. Where the SMSC doesn't know this command (SMPP 3.3), it becomes a [`Mode::Pair`] by itself.
    #[default]
    Transceiver,
    /// A transmitter and a receiver, each on its own connection.
    Pair,
}

/// Type of number and numbering plan (SMPP 3.4 §5.2.5, §5.2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbering {
    /// Type of number: 0 unknown, 1 international, 2 national, 3 network specific, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 E.164.
    pub npi: u8,
}

/// A carrier's SMSC.
#[derive(Clone)]
pub struct Config {
    /// A name or an address.
    pub host: String,
    /// 2775 by custom, 3550 with TLS.
    pub port: u16,
    /// SMPP itself encrypts nothing: without this, whoever is on the way reads codes and passwords.
    pub tls: Option<Tls>,
    /// The account.
    pub system_id: String,
    /// Its password. The standard allows 8 octets; longer ones are sent as they are.
    pub password: SecretString,
    /// Mostly empty.
    pub system_type: String,
    /// Mostly empty.
    pub service_type: String,
    /// How to bind.
    pub mode: Mode,
    /// How many submits may wait for their answer at once: 1 to 1,000.
    pub window: u16,
    /// Messages per second that are never exceeded.
    pub per_second: Option<u32>,
    /// When nothing has come for so long, the SMSC is asked whether it is still there.
    pub enquire_link: Duration,
    /// How long an answer may take; connecting, too.
    pub response: Duration,
    /// How the parts of a long text say that they belong together.
    pub concatenation: Concatenation,
    /// What texts are written in, where they can be.
    pub alphabet: Alphabet,
    /// How ids are written in receipts.
    pub ids: ReceiptIds,
    /// Whether this SMSC sends receipts without marking them as such. Then anybody who can send a text message to the sender's
    /// number can forge one.
    pub unmarked_receipts: bool,
    /// How a message's validity is written.
    pub validity: Validity,
    /// The sender's; by its form where `None`: alphanumeric (5, 0), `+` and digits (1, 1), digits (0, 1).
    pub source: Option<Numbering>,
    /// The recipient's; (1, 1) by custom.
    pub destination: Numbering,
}

impl Config {
    /// What most SMSCs take.
    #[must_use]
    pub fn new(host: String, port: u16, system_id: String, password: SecretString) -> Self {
        Self {
            host,
            port,
            tls: None,
            system_id,
            password,
            system_type: String::new(),
            service_type: String::new(),
            mode: Mode::default(),
            window: 10,
            per_second: None,
            enquire_link: Duration::from_secs(30),
            response: Duration::from_secs(10),
            concatenation: Concatenation::default(),
            alphabet: Alphabet::default(),
            ids: ReceiptIds::default(),
            unmarked_receipts: false,
            validity: Validity::default(),
            source: None,
            destination: Numbering { ton: 1, npi: 1 },
        }
    }

    /// The numbering of a sender.
    #[must_use]
    pub fn numbering_of(&self, sender: &str) -> Numbering {
        let digits = sender.strip_prefix('+').unwrap_or(sender);
        self.source.unwrap_or(if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Numbering { ton: 5, npi: 0 }
        } else if digits.len() < sender.len() {
            Numbering { ton: 1, npi: 1 }
        } else {
            Numbering { ton: 0, npi: 1 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_numbering() {
        let mut config = Config::new(String::new(), 2775, String::new(), SecretString::new(String::new()));
        assert_eq!(config.numbering_of("Acme"), Numbering { ton: 5, npi: 0 });
        assert_eq!(config.numbering_of("+15035550100"), Numbering { ton: 1, npi: 1 });
        assert_eq!(config.numbering_of("72345"), Numbering { ton: 0, npi: 1 });
        config.source = Some(Numbering { ton: 3, npi: 0 });
        assert_eq!(config.numbering_of("Acme"), Numbering { ton: 3, npi: 0 });
    }
}
