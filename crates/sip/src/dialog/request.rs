//! What the other side asks in a call: to hang up, to hold, to go on, whether we live.

use super::{Action, Dialog, Hop, Renewal, Served, State, Time, build::ALLOW, timers::Repeat};
use crate::{event::Cause, message::Message, sdp::Session};
use std::net::SocketAddr;

/// The most responses that are kept for requests that come again.
const MAX_SERVED: usize = 8;

impl Dialog {
    pub(super) fn request(&mut self, request: &Message, from: SocketAddr, now: Time) {
        let (Some(method), Ok((cseq, _)), Ok(via)) = (request.method(), request.cseq(), request.via()) else { return };
        if method == "ACK" {
            self.acknowledged(request, cseq, now);
            return;
        }
        let branch = via.branch().unwrap_or_default();
        if let Some(served) = self.served.iter().find(|one| one.branch == branch && one.method == method) {
            self.out.push(Action::Send(served.bytes.clone(), served.hop.clone()));
            return;
        }
        let ours = request.tag("To").is_some_and(|tag| tag == self.tag);
        let theirs = request.tag("From").unwrap_or_default();
        let answer = match &mut self.peer {
            Some(peer) if ours && peer.tag == theirs => {
                if method == "CANCEL" {
                    // Whatever it is about has had its final response.
                    (200, "OK")
                } else if peer.cseq.is_some_and(|last| cseq <= last) {
                    (500, "Out of order")
                } else {
                    peer.cseq = Some(cseq);
                    self.in_order(request, method, cseq, branch, from, now);
                    return;
                }
            }
            _ => (481, "Call does not exist"),
        };
        let response = self.reply(request, answer.0, answer.1);
        self.serve(response, method, branch, from);
    }

    fn in_order(&mut self, request: &Message, method: &str, cseq: u32, branch: &str, from: SocketAddr, now: Time) {
        // Session timers are the other side's own affair: we let it refresh and ask for nothing (RFC 4028 §8).
        let unknown: Vec<&str> = request
            .all("Require")
            .flat_map(crate::message::split_list)
            .filter(|one| !one.eq_ignore_ascii_case("timer"))
            .take(8)
            .collect();
        let response = if !unknown.is_empty() {
            let mut response = self.reply(request, 420, "Bad Extension");
            response.push("Unsupported", unknown.join(", "));
            response
        } else {
            match method {
                "BYE" => {
                    self.state = State::Over;
                    self.renewal = None;
                    self.end(Cause::Completed);
                    self.linger = self.linger.max(now + super::timers::GIVE_UP);
                    self.reply(request, 200, "OK")
                }
                "INVITE" | "UPDATE" if self.state == State::Over => self.reply(request, 481, "Call does not exist"),
                "INVITE" | "UPDATE" if self.renewal.is_some() => {
                    let mut response = self.reply(request, 500, "Another is under way");
                    response.push("Retry-After", "1");
                    response
                }
                "INVITE" | "UPDATE" => self.renew(request, method, cseq, from, now),
                "OPTIONS" => {
                    let mut response = self.reply(request, 200, "OK");
                    response.push("Allow", ALLOW);
                    response.push("Accept", "application/sdp");
                    response
                }
                _ => {
                    let mut response = self.reply(request, 405, "Method Not Allowed");
                    response.push("Allow", ALLOW);
                    response
                }
            }
        };
        self.serve(response, method, branch, from);
    }

    /// A re-INVITE or an UPDATE: hold, its end, another place for the sound, or only a sign of life.
    fn renew(&mut self, request: &Message, method: &str, cseq: u32, from: SocketAddr, now: Time) -> Message {
        let offered = !request.has_body("application/sdp");
        let body = if !offered {
            let answer = Session::parse(&request.body).ok();
            match answer.and_then(|offer| self.local.answer(&offer, &self.world).ok()) {
                Some((text, plan)) => {
                    self.agree(plan);
                    Some(text)
                }
                None => return self.reply(request, 488, "Not Acceptable Here"),
            }
        } else if method == "INVITE" {
            Some(self.local.offer())
        } else {
            None
        };
        if let (Some(peer), Some(target)) = (&mut self.peer, request.contact()) {
            peer.target = target;
        }
        let mut response = self.reply(request, 200, "OK");
        response.push("Contact", self.contact());
        response.push("Allow", ALLOW);
        if let Some(body) = body {
            response.push("Content-Type", "application/sdp");
            response.body = body.into_bytes();
        }
        if method == "INVITE" {
            let repeat = Repeat::answer(now);
            self.renewal = Some(Renewal { cseq, bytes: response.to_bytes(), hop: Hop::Back(from), repeat, offered });
        }
        response
    }

    fn acknowledged(&mut self, ack: &Message, cseq: u32, now: Time) {
        let from_peer = self.peer.as_ref().is_some_and(|peer| ack.tag("From").is_some_and(|tag| tag == peer.tag));
        let Some(renewal) = self.renewal.take_if(|renewal| from_peer && renewal.cseq == cseq) else { return };
        if !renewal.offered || self.ended {
            return;
        }
        match Session::parse(&ack.body).ok().and_then(|answer| self.local.answered(&answer).ok()) {
            Some(plan) => self.agree(plan),
            None => self.leave(Cause::NotAcceptable, now),
        }
    }

    fn reply(&self, request: &Message, status: u16, reason: &str) -> Message {
        Message::response_to(request, status, reason, &self.tag)
    }

    fn serve(&mut self, response: Message, method: &str, branch: &str, from: SocketAddr) {
        let bytes = response.to_bytes();
        let hop = Hop::Back(from);
        self.out.push(Action::Send(bytes.clone(), hop.clone()));
        if self.served.len() == MAX_SERVED {
            self.served.pop_front();
        }
        self.served.push_back(Served { branch: branch.to_owned(), method: method.to_owned(), bytes, hop });
    }
}
