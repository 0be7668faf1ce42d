//! Protocol data units, both ways: `PDU → octets` and `octets → PDU`, without copying.
//!
//! The codec knows the wire only. What is read borrows from the buffer it was read from, so nothing of a message stays behind
//! when that buffer is erased; nothing here has `Debug`.

mod decode;
mod encode;
mod read;
pub mod tlv;

pub use self::{decode::decode, tlv::Tlvs};
use crate::Status;

/// The octets of a header: length, command, status, sequence number (SMPP 3.4 §3.2).
pub const HEADER: usize = 16;

/// The longest PDU that is read, in octets: the longest message payload and room for the rest. Longer ones end the session before any
/// of it is looked at.
pub const MAX_PDU: usize = 65_536 + 2_048;

/// The bit that makes an answer of a command.
pub(crate) const ANSWER: u32 = 0x8000_0000;

pub(crate) mod command {
    pub(crate) const GENERIC_NACK: u32 = 0x8000_0000;
    pub(crate) const BIND_RECEIVER: u32 = 0x01;
    pub(crate) const BIND_TRANSMITTER: u32 = 0x02;
    pub(crate) const SUBMIT_SM: u32 = 0x04;
    pub(crate) const DELIVER_SM: u32 = 0x05;
    pub(crate) const UNBIND: u32 = 0x06;
    pub(crate) const BIND_TRANSCEIVER: u32 = 0x09;
    pub(crate) const OUTBIND: u32 = 0x0B;
    pub(crate) const ENQUIRE_LINK: u32 = 0x15;
    pub(crate) const ALERT_NOTIFICATION: u32 = 0x0102;
    pub(crate) const DATA_SM: u32 = 0x0103;
}

/// Why octets are no PDU. It never repeats them.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Malformed {
    /// `command_length` is less than a header or more than [`MAX_PDU`], or isn't the length of what was given.
    #[error("a PDU's length is out of range")]
    Length,
    /// The body ends in the middle of a field.
    #[error("a PDU's body ends in the middle of a field")]
    Short,
    /// A text has no end within 256 octets.
    #[error("a text in a PDU has no end")]
    Unterminated,
}

/// What a PDU is, and which request it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// `command_id`.
    pub command: u32,
    /// `command_status`; zero in requests.
    pub status: Status,
    /// `sequence_number`: an answer has its request's.
    pub sequence: u32,
}

impl Header {
    /// Whether it answers something.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        self.command & ANSWER != 0
    }

    /// Reads the header of a frame, whose length is the first field's business ([`frame_length`]).
    ///
    /// # Errors
    /// Fewer than 16 octets.
    pub fn read(frame: &[u8]) -> Result<Self, Malformed> {
        let (header, _) = frame.split_first_chunk::<HEADER>().ok_or(Malformed::Short)?;
        let [_, _, _, _, c0, c1, c2, c3, s0, s1, s2, s3, n0, n1, n2, n3] = *header;
        Ok(Self {
            command: u32::from_be_bytes([c0, c1, c2, c3]),
            status: Status(u32::from_be_bytes([s0, s1, s2, s3])),
            sequence: u32::from_be_bytes([n0, n1, n2, n3]),
        })
    }
}

/// How long the PDU is that begins here, as soon as four octets of it have come; `None` before.
///
/// # Errors
/// [`Malformed::Length`]: from here on nothing that comes can be understood.
pub fn frame_length(start: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some((length, _)) = start.split_first_chunk() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Malformed::Length)?;
    if (HEADER..=MAX_PDU).contains(&length) { Ok(Some(length)) } else { Err(Malformed::Length) }
}

/// What a bind is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Submits only.
    Transmitter,
    /// Hears only.
    Receiver,
    /// Both.
    Transceiver,
}

/// Who wants to be bound (SMPP 3.4 §4.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Bind<'a> {
    /// For what.
    pub role: Role,
    /// Whose account: at most 15 octets.
    pub system_id: &'a [u8],
    /// At most 8 octets by the standard; more is sent where it is configured, because many SMSCs take it.
    pub password: &'a [u8],
    /// Mostly empty.
    pub system_type: &'a [u8],
    /// `0x34` for SMPP 3.4.
    pub interface_version: u8,
}

/// Somebody's number or name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// Type of number: 1 international, 3 network specific, 5 alphanumeric (§5.2.5).
    pub ton: u8,
    /// Numbering plan: 1 E.164 (§5.2.6).
    pub npi: u8,
    /// At most 20 octets; digits without `+`, or a name.
    pub text: &'a [u8],
}

/// A short message, on its way out (`submit_sm`) or in (`deliver_sm`, `data_sm`).
#[derive(Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Mostly empty.
    pub service_type: &'a [u8],
    /// From whom.
    pub source: Address<'a>,
    /// To whom.
    pub destination: Address<'a>,
    /// What kind of message this is (§5.2.12): [`crate::receipt::RECEIPT`], [`crate::split::UDHI`].
    pub esm_class: u8,
    /// Until when the SMSC tries (§7.1.1); empty for its own default.
    pub validity_period: &'a [u8],
    /// 1: a receipt, please, however it ends.
    pub registered_delivery: u8,
    /// How `short_message` is to be read (§5.2.19).
    pub data_coding: u8,
    /// At most 254 octets.
    pub short_message: &'a [u8],
    /// The rest.
    pub tlvs: Tlvs<'a>,
}

/// A PDU.
#[derive(Clone, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// `bind_transmitter`, `bind_receiver`, `bind_transceiver`.
    Bind(Bind<'a>),
    /// Its answer: the SMSC's name and the version it speaks.
    BindAnswer(Role, &'a [u8], Option<u8>),
    /// `submit_sm`.
    Submit(Message<'a>),
    /// Its answer: the message's id, empty when it wasn't taken.
    SubmitAnswer(&'a [u8]),
    /// `deliver_sm`.
    Deliver(Message<'a>),
    /// Its answer.
    DeliverAnswer,
    /// `data_sm`: without the fields it doesn't have.
    Data(Message<'a>),
    /// Its answer.
    DataAnswer(&'a [u8]),
    /// `enquire_link`.
    EnquireLink,
    /// Its answer.
    EnquireLinkAnswer,
    /// `unbind`.
    Unbind,
    /// Its answer.
    UnbindAnswer,
    /// `generic_nack`: the header's status says why.
    GenericNack,
    /// `outbind` and `alert_notification`: nothing to answer, nothing to do.
    Ignored(u32),
    /// A command that this codec doesn't know.
    Unknown(u32),
}

#[cfg(test)]
mod tests;
