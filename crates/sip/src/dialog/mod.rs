//! The signalling of one call (RFC 3261 §9, §12–§15, §17), without I/O and without a clock: messages and times go in, actions come out.
//!
//! ```text
//! Calling ──1xx──► Proceeding ──2xx──► Answered ──BYE──► Over
//!    │                 │                                   ▲
//!    └──3xx–6xx, no answer, hung up (then CANCEL, or BYE where the answer was faster)
//! ```
//!
//! To hang up is said at once to the call's owner; what remains to be sent for it goes on until [`Dialog::is_done`].

mod build;
mod invite;
mod leave;
mod peer;
mod request;
mod timers;

pub(crate) use build::{AGENT, ALLOW, via};

use crate::{
    config::Transport,
    digest::{Account, Credentials},
    event::{Cause, Event},
    message::{Message, Uri},
    sdp::{Local, Plan},
};
use peer::Peer;
use std::{collections::VecDeque, net::SocketAddr, time::Duration};
use timers::Repeat;
use types::World;
use zeroize::Zeroizing;

/// Time since the trunk was started.
pub(crate) type Time = Duration;

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hop {
    /// To the trunk.
    Trunk,
    /// To another place that a dialog's route names. Over a connection everything goes to the trunk.
    Named(String, u16),
    /// Back where a request came from.
    Back(SocketAddr),
}

/// A message as it is sent. Who is called stands in it: it is wiped when it is dropped.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// What is to be done.
pub(crate) enum Action {
    /// Send this.
    Send(Bytes, Hop),
    /// Tell the owner.
    Event(Event),
    /// Send and hear sound so from now on.
    Media(Box<Plan>),
    /// What is to be played may begin.
    Talk,
}

/// What a call is made of.
pub(crate) struct Setup {
    pub(crate) transport: Transport,
    /// `host:port`, where responses reach us.
    pub(crate) sent_by: String,
    pub(crate) call_id: String,
    /// Whom the INVITE is for.
    pub(crate) target: Uri,
    /// `<sip:…>`, without a tag.
    pub(crate) from: String,
    pub(crate) account: Account,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) ring: Duration,
    pub(crate) patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    Answered,
    Over,
}

/// A request of ours that waits for its response.
struct Pending {
    branch: String,
    message: Message,
    hop: Hop,
    repeat: Repeat,
}

/// A response that was sent, in case the request comes again.
struct Served {
    branch: String,
    method: String,
    bytes: Bytes,
    hop: Hop,
}

/// A re-INVITE that was answered and waits for its ACK.
struct Renewal {
    cseq: u32,
    bytes: Bytes,
    hop: Hop,
    repeat: Repeat,
    /// The offer was ours, so the ACK has the answer.
    offered: bool,
}

/// One call's signalling.
pub(crate) struct Dialog {
    setup: Setup,
    world: World,
    local: Local,
    credentials: Credentials,
    state: State,
    /// The owner has been told the end.
    ended: bool,
    tag: String,
    cseq: u32,
    /// The INVITE that was sent last.
    invite: Message,
    branch: String,
    repeat: Option<Repeat>,
    /// No final response to the INVITE can come any more.
    settled: bool,
    cancelled: bool,
    rung: bool,
    early: bool,
    held: bool,
    /// Sound was agreed upon, by an early answer.
    agreed: bool,
    patience: Option<Time>,
    ring: Option<Time>,
    peer: Option<Peer>,
    /// The ACKs that were sent, by the branch of the response that each answers.
    acks: Vec<(String, Bytes, Hop)>,
    pending: Vec<Pending>,
    served: VecDeque<Served>,
    renewal: Option<Renewal>,
    linger: Time,
    out: Vec<Action>,
}

impl Dialog {
    /// Begins: the INVITE is among the first actions.
    pub(crate) fn start(setup: Setup, local: Local, world: World, now: Time) -> Self {
        let tag = hex(&world.bytes::<8>());
        let mut dialog = Self {
            invite: Message::request("INVITE".to_owned(), setup.target.clone()),
            patience: Some(now + setup.patience),
            ring: Some(now + setup.ring),
            setup,
            world,
            local,
            credentials: Credentials::default(),
            state: State::Calling,
            ended: false,
            tag,
            cseq: 0,
            branch: String::new(),
            repeat: None,
            settled: false,
            cancelled: false,
            rung: false,
            early: false,
            held: false,
            agreed: false,
            peer: None,
            acks: Vec::new(),
            pending: Vec::new(),
            served: VecDeque::new(),
            renewal: None,
            linger: now,
            out: Vec::new(),
        };
        dialog.send_invite(now);
        dialog
    }

    /// A message with this call's Call-ID has come.
    pub(crate) fn receive(&mut self, message: &Message, from: SocketAddr, now: Time) {
        if message.status().is_some() {
            self.response(message, now);
        } else {
            self.request(message, from, now);
        }
    }

    /// The owner hangs up.
    pub(crate) fn hang_up(&mut self, now: Time) {
        self.leave(Cause::HungUp, now);
    }

    /// The connection to the trunk broke. A call that is answered goes on: its sound takes another way.
    pub(crate) fn connection_lost(&mut self) {
        if matches!(self.state, State::Calling | State::Proceeding) {
            self.end(Cause::Lost);
            self.state = State::Over;
            self.settled = true;
            self.repeat = None;
            self.pending.clear();
        }
    }

    /// What is to be done now.
    pub(crate) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.out)
    }

    /// Nothing of this call will be sent any more, and what still comes needs no answer.
    pub(crate) fn is_done(&self, now: Time) -> bool {
        self.ended && self.settled && self.pending.is_empty() && self.renewal.is_none() && now >= self.linger
    }

    /// Tells the owner that it is over; the second time, nothing.
    fn end(&mut self, cause: Cause) {
        if !self.ended {
            self.ended = true;
            self.patience = None;
            self.ring = None;
            self.out.push(Action::Event(Event::Ended(cause)));
        }
    }

    fn event(&mut self, event: Event) {
        if !self.ended {
            self.out.push(Action::Event(event));
        }
    }

    const fn is_datagram(&self) -> bool {
        matches!(self.setup.transport, Transport::Udp)
    }

    /// A plan has been agreed upon. Tells of hold and its end once the call is answered.
    fn agree(&mut self, plan: Plan) {
        let held = !plan.send;
        self.agreed = true;
        self.out.push(Action::Media(Box::new(plan)));
        if self.state == State::Answered && held != self.held {
            self.event(if held { Event::Held } else { Event::Resumed });
        }
        self.held = held;
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests;
