//! What an SMSC says of a message that it took: receipts, in all the shapes that they come in.
//!
//! The optional parameters are read first, then the text of SMPP 3.4's appendix B and its kin. Of that text only the id, the state and
//! the error are taken: `text:`, where SMSCs repeat the first words of the message, is cut off before anything else is looked at, and
//! nothing here keeps, returns or prints it.

use crate::{
    pdu::{Message, tlv},
    split::UDHI,
};
use serde::Deserialize;
use zeroize::Zeroizing;

/// `esm_class`: this is a receipt (SMPP 3.4 §5.2.12).
pub const RECEIPT: u8 = 0x04;
/// `esm_class`: this is a word on the way, not the end.
const INTERMEDIATE: u8 = 0x20;
/// The bits of `esm_class` that say what kind of message this is.
const KIND: u8 = 0x3C;

/// How much of a receipt's text is looked at: its fields take some 120 octets.
const MAX_TEXT: usize = 512;
/// The longest id that is taken.
const MAX_ID: usize = 64;

/// How far a message came (SMPP 3.4 §5.2.28).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// On its way.
    EnRoute,
    /// Somebody read it on the person's behalf: not the end.
    Accepted,
    /// The telephone has it.
    Delivered,
    /// Its validity ended before it could be delivered.
    Expired,
    /// Taken back.
    Deleted,
    /// It can't be delivered.
    Undeliverable,
    /// Refused on the way.
    Rejected,
    /// The SMSC doesn't know.
    Unknown,
}

impl State {
    /// Whether nothing more can come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::EnRoute | Self::Accepted | Self::Unknown)
    }

    /// As SMPP's receipts write it: `DELIVRD`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnRoute => "ENROUTE",
            Self::Accepted => "ACCEPTD",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Rejected => "REJECTD",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The value of `message_state`; 0 and 9 are SMPP 5.0's.
    const fn from_octet(octet: u8) -> Option<Self> {
        Some(match octet {
            0 | 1 => Self::EnRoute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            7 => Self::Unknown,
            8 | 9 => Self::Rejected,
            _ => return None,
        })
    }

    /// `DELIVRD`, `delivered`, `Delivrd`: the first five letters tell them all apart.
    fn from_text(text: &[u8]) -> Self {
        let start = text.get(..5).unwrap_or(text).to_ascii_uppercase();
        match &*start {
            b"DELIV" => Self::Delivered,
            b"EXPIR" => Self::Expired,
            b"DELET" => Self::Deleted,
            b"UNDEL" | b"FAILE" => Self::Undeliverable,
            b"ACCEP" | b"ACKED" | b"ACK" => Self::Accepted,
            b"REJEC" | b"SKIPP" => Self::Rejected,
            b"ENROU" | b"BUFFE" | b"SCHED" | b"SENT" => Self::EnRoute,
            _ => Self::Unknown,
        }
    }
}

/// How the ids of receipts are written, compared with those that `submit_sm_resp` gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptIds {
    /// In the same way, or decimal for hexadecimal, or the other way round: whichever is known, and was sent to that number.
    #[default]
    Auto,
    /// In the same way.
    AsIs,
    /// In hexadecimal; the answer's was decimal.
    Hex,
    /// In decimal; the answer's was hexadecimal.
    Decimal,
}

impl ReceiptIds {
    /// What the answer's id may have been, in canonical form ([`canonical`]), the likeliest first.
    #[must_use]
    pub fn forms(self, id: &str) -> Vec<String> {
        let id = canonical(id);
        let to_hex = || id.parse::<u128>().ok().map(|number| format!("{number:x}"));
        let to_decimal = || u128::from_str_radix(&id, 16).ok().map(|number| number.to_string());
        let mut forms: Vec<String> = match self {
            Self::AsIs => vec![id],
            Self::Hex => vec![to_decimal().unwrap_or(id)],
            Self::Decimal => vec![to_hex().unwrap_or(id)],
            Self::Auto => {
                let others = [to_hex(), to_decimal()];
                std::iter::once(id).chain(others.into_iter().flatten()).collect()
            }
        };
        forms.dedup();
        forms
    }
}

/// An id as it is compared: lower case, and a number without leading zeros, which some SMSCs add in receipts.
#[must_use]
pub fn canonical(id: &str) -> String {
    let id = id.trim().to_ascii_lowercase();
    if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return id;
    }
    match id.trim_start_matches('0') {
        "" if !id.is_empty() => "0".to_owned(),
        number => number.to_owned(),
    }
}

/// What a receipt says. It has no place for a number or a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The message's id, as it stands there: 1 to 64 printable ASCII characters.
    pub id: String,
    /// How far the message came.
    pub state: State,
    /// The network's error, where there is one: at most 8 letters and digits, whose meaning is the carrier's.
    pub error: Option<String>,
}

/// Reads a `deliver_sm` or `data_sm` as a receipt: `None` if it isn't one, or names no message.
///
/// What isn't marked as a receipt, by `esm_class` or by the parameter `receipted_message_id` beside a state, is one only where `unmarked`
/// says that this SMSC doesn't mark them: anybody can write a text message that looks like a receipt.
#[must_use]
pub fn read(message: &Message<'_>, unmarked: bool) -> Option<Said> {
    let tlvs = message.tlvs;
    let named = tlvs.get(tlv::RECEIPTED_MESSAGE_ID).and_then(id);
    let marked = matches!(message.esm_class & KIND, RECEIPT | INTERMEDIATE);
    if !marked && named.is_none() && !unmarked {
        return None;
    }
    let text = text_of(message);
    let stated = tlvs.octet(tlv::MESSAGE_STATE).and_then(State::from_octet);
    let worded = field(&text, &["stat", "status", "state"]).map(State::from_text);
    // Kannel's own test SMSC names a message in every text that it hands over.
    if !marked && stated.is_none() && worded.is_none() {
        return None;
    }
    let state = stated.or(worded).unwrap_or(State::Unknown);
    // A word on the way is never the end, whatever it says.
    let on_the_way = message.esm_class & KIND == INTERMEDIATE && state.is_final();
    Some(Said {
        id: named.or_else(|| field(&text, &["id", "message_id", "msgid"]).and_then(id))?,
        state: if on_the_way { State::EnRoute } else { state },
        error: field(&text, &["err", "error"]).and_then(error).or_else(|| network_error(message)),
    })
}

/// Whether this is marked as a receipt: then it is never what a person wrote, also where it can't be read.
#[must_use]
pub const fn is_marked(message: &Message<'_>) -> bool {
    message.esm_class & KIND != 0
}

/// The receipt's own words: printable ASCII, without what it repeats of the message. Erased when dropped: it may be a person's text.
fn text_of(message: &Message<'_>) -> Zeroizing<Vec<u8>> {
    let mut octets = match message.short_message {
        [] => message.tlvs.get(tlv::MESSAGE_PAYLOAD).unwrap_or_default(),
        short => short,
    };
    if message.esm_class & UDHI != 0 {
        let header = octets.first().map_or(0, |&length| usize::from(length) + 1);
        octets = octets.get(header..).unwrap_or_default();
    }
    let narrow = |octet: &u8| if octet.is_ascii_graphic() { *octet } else { b' ' };
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_TEXT));
    if message.data_coding == 8 {
        let wide = octets.chunks_exact(2).take(MAX_TEXT);
        text.extend(wide.map(|pair| if let [0, low] = pair { narrow(low) } else { b' ' }));
    } else {
        text.extend(octets.iter().take(MAX_TEXT).map(narrow));
    }
    if let Some((start, _)) = position(&text, "text") {
        // What is cut off is overwritten when the whole is.
        text.truncate(start);
    }
    text
}

/// Where `key` stands as a word of its own that `:` or `=` follows, and where its value begins.
fn position(text: &[u8], key: &str) -> Option<(usize, usize)> {
    let mut word = true;
    for start in 0..text.len() {
        let rest = text.get(start..)?;
        if word
            && let Some((head, tail)) = rest.split_at_checked(key.len())
            && head.eq_ignore_ascii_case(key.as_bytes())
        {
            let spaces = tail.iter().take_while(|&&octet| octet == b' ').count();
            if let Some(b':' | b'=') = tail.get(spaces) {
                return Some((start, start + key.len() + spaces + 1));
            }
        }
        word = rest.first().is_some_and(|octet| !octet.is_ascii_alphanumeric() && *octet != b'_');
    }
    None
}

/// The value of the first of `keys` that is there, up to the next space.
fn field<'a>(text: &'a [u8], keys: &[&str]) -> Option<&'a [u8]> {
    let (_, value) = keys.iter().find_map(|key| position(text, key))?;
    let value = text.get(value..)?.trim_ascii_start();
    let end = value.iter().position(|octet| matches!(octet, b' ' | b',' | b';')).unwrap_or(value.len());
    value.get(..end).filter(|value| !value.is_empty())
}

fn id(octets: &[u8]) -> Option<String> {
    // As a C-octet string, as an octet string, and padded.
    let octets = octets.split(|&octet| octet == 0).next()?.trim_ascii();
    let printable = !octets.is_empty() && octets.len() <= MAX_ID && octets.iter().all(u8::is_ascii_graphic);
    if printable { String::from_utf8(octets.to_vec()).ok() } else { None }
}

fn error(octets: &[u8]) -> Option<String> {
    if octets.len() > 8 || !octets.iter().all(u8::is_ascii_alphanumeric) || octets.iter().all(|&octet| octet == b'0') {
        return None;
    }
    String::from_utf8(octets.to_vec()).ok()
}

fn network_error(message: &Message<'_>) -> Option<String> {
    match *message.tlvs.get(tlv::NETWORK_ERROR_CODE)? {
        [_, 0, 0] => None,
        [_, high, low] => Some(u16::from_be_bytes([high, low]).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
