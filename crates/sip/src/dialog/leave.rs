//! How a call is left, in whatever state it is.

use super::{
    Action, Dialog, Hop, Pending, State, Time,
    peer::Peer,
    timers::{GIVE_UP, Repeat},
};
use crate::{event::Cause, message::Message};

impl Dialog {
    /// Tells the owner, and does what the state asks for.
    pub(super) fn leave(&mut self, cause: Cause, now: Time) {
        self.end(cause);
        match self.state {
            // Before any response there is nothing that a CANCEL could meet (RFC 3261 §9.1): the INVITE goes on, and whatever is answered
            // is cancelled, or acknowledged and left.
            State::Calling | State::Over => {}
            State::Proceeding => self.cancel(now),
            State::Answered => {
                self.state = State::Over;
                if let Some(peer) = self.peer.clone() {
                    self.say_goodbye(&peer, now);
                }
            }
        }
    }

    pub(super) fn cancel(&mut self, now: Time) {
        if self.cancelled || self.settled {
            return;
        }
        self.cancelled = true;
        // All but the method is the INVITE's (RFC 3261 §9.1).
        let mut cancel = Message::request("CANCEL".to_owned(), self.setup.target.clone());
        for name in ["Via", "Max-Forwards", "From", "To", "Call-ID"] {
            cancel.push(name, self.invite.header(name).unwrap_or_default());
        }
        cancel.push("CSeq", format!("{} CANCEL", self.cseq));
        cancel.push("User-Agent", super::build::AGENT);
        let branch = self.branch.clone();
        self.ask(cancel, branch, Hop::Trunk, now);
        // Where the CANCEL is answered but the INVITE never is.
        let mut repeat = Repeat::invite(now, false);
        repeat.until = now + GIVE_UP;
        self.repeat = Some(repeat);
    }

    /// Sends a BYE to somebody who answered.
    pub(super) fn say_goodbye(&mut self, peer: &Peer, now: Time) {
        self.cseq += 1;
        self.credentials.begin();
        self.send_bye(peer, now);
    }

    fn send_bye(&mut self, peer: &Peer, now: Time) {
        let branch = self.new_branch();
        let mut bye = self.in_dialog(peer, "BYE", self.cseq, &branch);
        let uri = match &bye.start {
            crate::message::Start::Request { uri, .. } => uri.text().to_owned(),
            crate::message::Start::Response { .. } => String::new(),
        };
        for (name, value) in self.credentials.headers(&self.setup.account, "BYE", &uri, &self.world) {
            bye.push(name, value);
        }
        self.ask(bye, branch, peer.hop(self.is_datagram()), now);
    }

    fn ask(&mut self, message: Message, branch: String, hop: Hop, now: Time) {
        self.out.push(Action::Send(message.to_bytes(), hop.clone()));
        let repeat = Repeat::request(now, self.is_datagram());
        self.pending.push(Pending { branch, message, hop, repeat });
    }

    /// A response to a CANCEL or a BYE.
    pub(super) fn answered_request(&mut self, response: &Message, branch: &str, status: u16, now: Time) {
        let (Ok((_, method)), true) = (response.cseq(), status >= 200) else { return };
        let is_it = |one: &Pending| one.branch == branch && one.message.method() == Some(method);
        let Some(place) = self.pending.iter().position(is_it) else { return };
        self.pending.swap_remove(place);
        if method == "BYE"
            && matches!(status, 401 | 407)
            && self.credentials.challenged(response, &self.setup.account).is_ok()
            && let Some(peer) = self.peer.clone()
        {
            self.cseq += 1;
            self.send_bye(&peer, now);
        }
    }
}
