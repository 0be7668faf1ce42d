//! Requests that belong to no call: the trunk asks whether we live. Nothing is kept of them.

use crate::{dialog::ALLOW, message::Message};
use types::World;

/// The answer, to requests that get one.
pub(super) fn answer(request: &Message, world: &World) -> Option<Message> {
    let (status, reason) = match request.method()? {
        "ACK" => return None,
        "OPTIONS" => (200, "OK"),
        "BYE" | "CANCEL" | "UPDATE" | "INFO" | "PRACK" => (481, "Call does not exist"),
        // Inside a dialog that is gone, or a call for us: nobody calls us.
        "INVITE" if request.tag("To").is_some() => (481, "Call does not exist"),
        "INVITE" => (404, "Not Found"),
        _ => (405, "Method Not Allowed"),
    };
    let tag = data_encoding::HEXLOWER.encode(&world.bytes::<8>());
    let mut response = Message::response_to(request, status, reason, &tag);
    response.push("Allow", ALLOW);
    if status == 200 {
        response.push("Accept", "application/sdp");
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse_datagram;
    use types::Millis;

    fn status(method: &str, to: &str) -> Option<u16> {
        let text = format!(
            "{method} sip:us@h SIP/2.0\r\nVia: SIP/2.0/UDP t;branch=z9hG4bK1\r\nFrom: <sip:t@h>;tag=1\r\nTo: {to}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
        );
        let answer = answer(&parse_datagram(text.as_bytes()).unwrap(), &World::made(Millis(0), 1).0)?;
        assert!(answer.tag("To").is_some_and(|tag| !tag.is_empty()));
        assert_eq!(answer.header("Via"), Some("SIP/2.0/UDP t;branch=z9hG4bK1"));
        answer.status()
    }

    #[test]
    fn each_request_gets_what_it_asks_for() {
        for (method, to, expected) in [
            ("OPTIONS", "<sip:us@h>", Some(200)),
            ("INVITE", "<sip:us@h>", Some(404)),
            ("INVITE", "<sip:us@h>;tag=x", Some(481)),
            ("BYE", "<sip:us@h>;tag=x", Some(481)),
            ("CANCEL", "<sip:us@h>", Some(481)),
            ("MESSAGE", "<sip:us@h>", Some(405)),
            ("ACK", "<sip:us@h>", None),
        ] {
            assert_eq!(status(method, to), expected, "{method}");
        }
    }
}
