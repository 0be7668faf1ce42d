//! The requests that we send.

use super::{Action, Bytes, Dialog, Hop, Time, hex, peer::Peer, timers::Repeat};
use crate::{config::Transport, message::Message};

/// What we answer to.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
/// The name of this program.
pub(crate) const AGENT: &str = "Countersign";

/// The value of a `Via` of ours.
pub(crate) fn via(transport: Transport, sent_by: &str, branch: &str) -> String {
    let name = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
    };
    format!("SIP/2.0/{name} {sent_by};branch={branch};rport")
}

impl Dialog {
    /// The value of `Contact`: where requests of the other side reach us.
    pub(super) fn contact(&self) -> String {
        let transport = match self.setup.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:countersign@{}{transport}>", self.setup.sent_by)
    }

    pub(super) fn new_branch(&self) -> String {
        // The cookie says that branches are unique (RFC 3261 §8.1.1.7).
        format!("z9hG4bK{}", hex(&self.world.bytes::<12>()))
    }

    /// Sends the INVITE, with answers to the challenges that have come.
    pub(super) fn send_invite(&mut self, now: Time) {
        self.cseq += 1;
        self.branch = self.new_branch();
        let mut invite = Message::request("INVITE".to_owned(), self.setup.target.clone());
        invite.push("Via", via(self.setup.transport, &self.setup.sent_by, &self.branch));
        invite.push("Max-Forwards", "70");
        invite.push("From", format!("{};tag={}", self.setup.from, self.tag));
        invite.push("To", format!("<{}>", self.setup.target.text()));
        invite.push("Call-ID", &*self.setup.call_id);
        invite.push("CSeq", format!("{} INVITE", self.cseq));
        invite.push("Contact", self.contact());
        let uri = self.setup.target.text();
        for (name, value) in self.credentials.headers(&self.setup.account, "INVITE", uri, &self.world) {
            invite.push(name, value);
        }
        invite.push("Allow", ALLOW);
        invite.push("User-Agent", AGENT);
        for (name, value) in &self.setup.headers {
            invite.push(name, &**value);
        }
        invite.push("Content-Type", "application/sdp");
        invite.body = self.local.offer().into_bytes();
        self.invite = invite;
        self.repeat = Some(Repeat::invite(now, self.is_datagram()));
        self.send_again();
    }

    pub(super) fn send_again(&mut self) {
        self.out.push(Action::Send(self.invite.to_bytes(), Hop::Trunk));
    }

    /// The ACK of a refusal: it belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
    pub(super) fn acknowledge_refusal(&mut self, response: &Message) {
        let mut ack = Message::request("ACK".to_owned(), self.setup.target.clone());
        for name in ["Via", "Max-Forwards", "From"] {
            ack.push(name, self.invite.header(name).unwrap_or_default());
        }
        ack.push("To", response.header("To").unwrap_or_default());
        ack.push("Call-ID", &*self.setup.call_id);
        ack.push("CSeq", format!("{} ACK", self.cseq));
        let bytes = ack.to_bytes();
        self.out.push(Action::Send(bytes.clone(), Hop::Trunk));
        self.acks.push((self.branch.clone(), bytes, Hop::Trunk));
    }

    /// The ACK of an answer: a request of its own that takes the dialog's way (RFC 3261 §13.2.2.4), with the INVITE's credentials.
    pub(super) fn acknowledge_answer(&mut self, peer: &Peer) -> (Bytes, Hop) {
        let branch = self.new_branch();
        let mut ack = self.in_dialog(peer, "ACK", self.cseq, &branch);
        for name in ["Authorization", "Proxy-Authorization"] {
            for value in self.invite.all(name) {
                ack.push(name, value);
            }
        }
        let hop = peer.hop(self.is_datagram());
        let bytes = ack.to_bytes();
        self.out.push(Action::Send(bytes.clone(), hop.clone()));
        (bytes, hop)
    }

    /// A request inside the dialog.
    pub(super) fn in_dialog(&self, peer: &Peer, method: &str, cseq: u32, branch: &str) -> Message {
        let (target, routes) = peer.way();
        let mut request = Message::request(method.to_owned(), target);
        request.push("Via", via(self.setup.transport, &self.setup.sent_by, branch));
        request.push("Max-Forwards", "70");
        for route in routes {
            request.push("Route", format!("<{}>", route.text()));
        }
        request.push("From", format!("{};tag={}", self.setup.from, self.tag));
        request.push("To", peer.address.as_str());
        request.push("Call-ID", &*self.setup.call_id);
        request.push("CSeq", format!("{cseq} {method}"));
        request.push("User-Agent", AGENT);
        request
    }
}
