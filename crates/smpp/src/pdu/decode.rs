//! Octets → PDU.

use super::{
    ANSWER, Address, Bind, HEADER, Header, Malformed, Message, Pdu, Role, Tlvs, command, frame_length, read::Reader,
    tlv,
};

/// Reads one whole PDU: `frame` is exactly as long as its first field says.
///
/// # Errors
/// The length is wrong, or the body isn't what the command asks for. Optional parameters are never at fault ([`Tlvs`]), and neither is
/// the body of an answer that reports an error: most SMSCs leave it out, some don't.
pub fn decode(frame: &[u8]) -> Result<(Header, Pdu<'_>), Malformed> {
    if frame_length(frame)? != Some(frame.len()) {
        return Err(Malformed::Length);
    }
    let header = Header::read(frame)?;
    let mut body = Reader::new(frame.get(HEADER..).unwrap_or_default());
    let pdu = match header.command {
        command::BIND_RECEIVER => Pdu::Bind(bind(Role::Receiver, &mut body)?),
        command::BIND_TRANSMITTER => Pdu::Bind(bind(Role::Transmitter, &mut body)?),
        command::BIND_TRANSCEIVER => Pdu::Bind(bind(Role::Transceiver, &mut body)?),
        command::SUBMIT_SM => Pdu::Submit(message(body)?),
        command::DELIVER_SM => Pdu::Deliver(message(body)?),
        command::DATA_SM => Pdu::Data(data(body)?),
        command::UNBIND => Pdu::Unbind,
        command::ENQUIRE_LINK => Pdu::EnquireLink,
        command::OUTBIND | command::ALERT_NOTIFICATION => Pdu::Ignored(header.command),
        command::GENERIC_NACK => Pdu::GenericNack,
        other if other & ANSWER != 0 => answer(other & !ANSWER, body).unwrap_or(Pdu::Unknown(other)),
        other => Pdu::Unknown(other),
    };
    Ok((header, pdu))
}

fn answer(request: u32, mut body: Reader<'_>) -> Option<Pdu<'_>> {
    let mut text = || if body.is_empty() { &[] } else { body.cstring().unwrap_or_default() };
    Some(match request {
        command::BIND_RECEIVER => bind_answer(Role::Receiver, body),
        command::BIND_TRANSMITTER => bind_answer(Role::Transmitter, body),
        command::BIND_TRANSCEIVER => bind_answer(Role::Transceiver, body),
        command::SUBMIT_SM => Pdu::SubmitAnswer(text()),
        command::DATA_SM => Pdu::DataAnswer(text()),
        command::DELIVER_SM => Pdu::DeliverAnswer,
        command::UNBIND => Pdu::UnbindAnswer,
        command::ENQUIRE_LINK => Pdu::EnquireLinkAnswer,
        _ => return None,
    })
}

fn bind<'a>(role: Role, body: &mut Reader<'a>) -> Result<Bind<'a>, Malformed> {
    let bind = Bind {
        role,
        system_id: body.cstring()?,
        password: body.cstring()?,
        system_type: body.cstring()?,
        interface_version: body.u8()?,
    };
    // addr_ton, addr_npi, address_range: which addresses a receiver serves. This client leaves it to the SMSC.
    body.u8()?;
    body.u8()?;
    body.cstring()?;
    Ok(bind)
}

fn bind_answer(role: Role, mut body: Reader<'_>) -> Pdu<'_> {
    let system_id = body.cstring().unwrap_or_default();
    let version = Tlvs::new(body.rest()).octet(tlv::SC_INTERFACE_VERSION);
    Pdu::BindAnswer(role, system_id, version)
}

fn address<'a>(body: &mut Reader<'a>) -> Result<Address<'a>, Malformed> {
    Ok(Address { ton: body.u8()?, npi: body.u8()?, text: body.cstring()? })
}

fn message(mut body: Reader<'_>) -> Result<Message<'_>, Malformed> {
    let service_type = body.cstring()?;
    let source = address(&mut body)?;
    let destination = address(&mut body)?;
    let esm_class = body.u8()?;
    // protocol_id, priority_flag, schedule_delivery_time
    body.u8()?;
    body.u8()?;
    body.cstring()?;
    let validity_period = body.cstring()?;
    let registered_delivery = body.u8()?;
    // replace_if_present_flag
    body.u8()?;
    let data_coding = body.u8()?;
    // sm_default_msg_id
    body.u8()?;
    let length = body.u8()?;
    let short_message = body.take(length.into())?;
    Ok(Message {
        service_type,
        source,
        destination,
        esm_class,
        validity_period,
        registered_delivery,
        data_coding,
        short_message,
        tlvs: Tlvs::new(body.rest()),
    })
}

fn data(mut body: Reader<'_>) -> Result<Message<'_>, Malformed> {
    let service_type = body.cstring()?;
    let source = address(&mut body)?;
    let destination = address(&mut body)?;
    let esm_class = body.u8()?;
    let registered_delivery = body.u8()?;
    let data_coding = body.u8()?;
    Ok(Message {
        service_type,
        source,
        destination,
        esm_class,
        validity_period: &[],
        registered_delivery,
        data_coding,
        short_message: &[],
        tlvs: Tlvs::new(body.rest()),
    })
}
