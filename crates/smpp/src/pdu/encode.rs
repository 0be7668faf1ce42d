//! PDU → octets.

use super::{ANSWER, Address, HEADER, Message, Pdu, Role, command, tlv};
use crate::Status;

impl Role {
    const fn command(self) -> u32 {
        match self {
            Self::Transmitter => command::BIND_TRANSMITTER,
            Self::Receiver => command::BIND_RECEIVER,
            Self::Transceiver => command::BIND_TRANSCEIVER,
        }
    }
}

impl Pdu<'_> {
    /// `command_id`.
    #[must_use]
    pub const fn command(&self) -> u32 {
        match self {
            Self::Bind(bind) => bind.role.command(),
            Self::BindAnswer(role, ..) => ANSWER | role.command(),
            Self::Submit(_) => command::SUBMIT_SM,
            Self::SubmitAnswer(_) => ANSWER | command::SUBMIT_SM,
            Self::Deliver(_) => command::DELIVER_SM,
            Self::DeliverAnswer => ANSWER | command::DELIVER_SM,
            Self::Data(_) => command::DATA_SM,
            Self::DataAnswer(_) => ANSWER | command::DATA_SM,
            Self::EnquireLink => command::ENQUIRE_LINK,
            Self::EnquireLinkAnswer => ANSWER | command::ENQUIRE_LINK,
            Self::Unbind => command::UNBIND,
            Self::UnbindAnswer => ANSWER | command::UNBIND,
            Self::GenericNack => command::GENERIC_NACK,
            Self::Ignored(command) | Self::Unknown(command) => *command,
        }
    }

    /// Appends the PDU to `out`. A text that holds a NUL ends there, and a short message is cut at 255 octets: whoever words a message
    /// splits it before ([`crate::split`]).
    pub fn encode(&self, status: Status, sequence: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.command().to_be_bytes());
        out.extend_from_slice(&status.0.to_be_bytes());
        out.extend_from_slice(&sequence.to_be_bytes());
        debug_assert_eq!(out.len() - start, HEADER);
        self.body(out);
        let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
        if let Some(field) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *field = length.to_be_bytes();
        }
    }

    /// At least as many octets as [`encode`](Self::encode) writes.
    #[must_use]
    pub fn room(&self) -> usize {
        const FIXED: usize = HEADER + 32;
        match self {
            Self::Bind(bind) => FIXED + bind.system_id.len() + bind.password.len() + bind.system_type.len(),
            Self::BindAnswer(_, text, _) | Self::SubmitAnswer(text) | Self::DataAnswer(text) => FIXED + text.len(),
            Self::Submit(message) | Self::Deliver(message) | Self::Data(message) => {
                FIXED
                    + message.service_type.len()
                    + message.source.text.len()
                    + message.destination.text.len()
                    + message.validity_period.len()
                    + message.short_message.len()
                    + message.tlvs.as_bytes().len()
            }
            _ => FIXED,
        }
    }

    fn body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bind(bind) => {
                cstring(out, bind.system_id);
                cstring(out, bind.password);
                cstring(out, bind.system_type);
                out.extend_from_slice(&[bind.interface_version, 0, 0, 0]);
            }
            Self::BindAnswer(_, system_id, version) => {
                cstring(out, system_id);
                if let Some(version) = version {
                    tlv::put(out, tlv::SC_INTERFACE_VERSION, &[*version]);
                }
            }
            Self::SubmitAnswer(id) | Self::DataAnswer(id) => cstring(out, id),
            // "message_id: this field is unused and is set to NULL" (§4.6.2).
            Self::DeliverAnswer => out.push(0),
            Self::Submit(it) | Self::Deliver(it) => message(out, it),
            Self::Data(it) => {
                addresses(out, it);
                out.extend_from_slice(&[it.registered_delivery, it.data_coding]);
                out.extend_from_slice(it.tlvs.as_bytes());
            }
            Self::EnquireLink
            | Self::EnquireLinkAnswer
            | Self::Unbind
            | Self::UnbindAnswer
            | Self::GenericNack
            | Self::Ignored(_)
            | Self::Unknown(_) => {}
        }
    }
}

fn cstring(out: &mut Vec<u8>, text: &[u8]) {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    out.extend_from_slice(text.get(..end).unwrap_or(text));
    out.push(0);
}

fn address(out: &mut Vec<u8>, address: &Address<'_>) {
    out.extend_from_slice(&[address.ton, address.npi]);
    cstring(out, address.text);
}

/// Service type, both addresses and `esm_class`.
fn addresses(out: &mut Vec<u8>, message: &Message<'_>) {
    cstring(out, message.service_type);
    address(out, &message.source);
    address(out, &message.destination);
    out.push(message.esm_class);
}

fn message(out: &mut Vec<u8>, message: &Message<'_>) {
    addresses(out, message);
    // protocol_id, priority_flag, schedule_delivery_time: at once, and nothing special.
    out.extend_from_slice(&[0, 0, 0]);
    cstring(out, message.validity_period);
    let length = u8::try_from(message.short_message.len()).unwrap_or(u8::MAX);
    // Then replace_if_present_flag, data_coding, sm_default_msg_id, sm_length.
    out.extend_from_slice(&[message.registered_delivery, 0, message.data_coding, 0, length]);
    out.extend_from_slice(message.short_message.get(..length.into()).unwrap_or(message.short_message));
    out.extend_from_slice(message.tlvs.as_bytes());
}
