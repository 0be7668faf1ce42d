//! What the INVITE was answered.

use super::{Action, Dialog, State, Time, peer::Peer, timers::GIVE_UP};
use crate::{
    event::{Cause, Event},
    message::Message,
    sdp::{Mismatch, Plan, Session},
};

impl Dialog {
    pub(super) fn response(&mut self, response: &Message, now: Time) {
        let (Some(status), Ok((_, method)), Ok(via)) = (response.status(), response.cseq(), response.via()) else {
            return;
        };
        let branch = via.branch().unwrap_or_default();
        if method != "INVITE" {
            self.answered_request(response, branch, status, now);
        } else if branch == self.branch {
            match status {
                100..=199 => self.provisional(response, status, now),
                200..=299 => self.success(response, now),
                _ => self.refusal(response, status, now),
            }
        } else if status >= 300 {
            self.repeat_ack(branch);
        }
    }

    fn repeat_ack(&mut self, branch: &str) {
        if let Some((_, bytes, hop)) = self.acks.iter().find(|(one, ..)| one == branch) {
            self.out.push(Action::Send(bytes.clone(), hop.clone()));
        }
    }

    fn provisional(&mut self, response: &Message, status: u16, now: Time) {
        if !matches!(self.state, State::Calling | State::Proceeding) || self.settled {
            return;
        }
        self.state = State::Proceeding;
        if self.ended {
            self.cancel(now);
            return;
        }
        self.repeat = None;
        self.patience = None;
        if status == 180 && !self.rung {
            self.rung = true;
            self.event(Event::Ringing);
        }
        if status > 100 && response.has_body("application/sdp") {
            // What can't be read or taken here may still be right in the answer.
            if let Ok(plan) = self.session(response) {
                self.agree(plan);
                if !self.early {
                    self.early = true;
                    self.event(Event::EarlyMedia);
                }
            }
        }
    }

    fn session(&mut self, response: &Message) -> Result<Plan, Mismatch> {
        let session = Session::parse(&response.body).map_err(|_| Mismatch)?;
        self.local.answered(&session)
    }

    fn success(&mut self, response: &Message, now: Time) {
        self.repeat = None;
        self.patience = None;
        self.ring = None;
        let Some(peer) = Peer::of(response, &self.setup.target) else {
            self.settled = true;
            self.state = State::Over;
            self.end(Cause::NotAcceptable);
            return;
        };
        // The answer comes again until its ACK has arrived; and where the INVITE was forked, others may answer, too (RFC 3261 §13.2.2.4).
        if let Some((_, bytes, hop)) = self.acks.iter().find(|(tag, ..)| *tag == peer.tag) {
            self.out.push(Action::Send(bytes.clone(), hop.clone()));
            return;
        }
        if self.acks.len() >= 16 {
            return;
        }
        let (bytes, hop) = self.acknowledge_answer(&peer);
        self.acks.push((peer.tag.clone(), bytes, hop));
        if self.peer.is_some() {
            self.say_goodbye(&peer, now);
            return;
        }
        self.peer = Some(peer.clone());
        self.settled = true;
        self.linger = now + GIVE_UP;
        // A CANCEL that the answer has overtaken needs no further repetition.
        self.pending.clear();
        self.state = State::Answered;
        if self.ended {
            self.state = State::Over;
            self.say_goodbye(&peer, now);
            return;
        }
        // The answer may have come early, and needn't be said again.
        let agreed = if response.has_body("application/sdp") {
            self.session(response).map(Some)
        } else if self.agreed {
            Ok(None)
        } else {
            Err(Mismatch)
        };
        match agreed {
            Ok(plan) => {
                let held = plan.as_ref().map_or(self.held, |plan| !plan.send);
                self.held = false;
                self.event(Event::Answered);
                match plan {
                    Some(plan) => self.agree(plan),
                    None if held => {
                        self.held = true;
                        self.event(Event::Held);
                    }
                    None => {}
                }
                self.out.push(Action::Talk);
            }
            Err(Mismatch) => self.leave(Cause::NotAcceptable, now),
        }
    }

    fn refusal(&mut self, response: &Message, status: u16, now: Time) {
        if self.settled {
            self.repeat_ack(&self.branch.clone());
            return;
        }
        self.repeat = None;
        self.patience = None;
        self.acknowledge_refusal(response);
        let authorized = self.credentials.is_used();
        if matches!(status, 401 | 407)
            && !self.ended
            && self.credentials.challenged(response, &self.setup.account).is_ok()
        {
            self.state = State::Calling;
            self.patience = Some(now + self.setup.patience);
            self.send_invite(now);
            return;
        }
        self.state = State::Over;
        self.settled = true;
        self.linger = if self.is_datagram() { now + GIVE_UP } else { now };
        self.end(Cause::of_status(status, authorized));
    }
}
