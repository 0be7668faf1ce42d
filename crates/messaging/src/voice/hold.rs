//! A call that was placed, until its end.

use super::{CallEvent, CallFacts, CallHost, Inner, prepare::Talk};
use crate::{Answer, CallAnswer, Delivery, ErrorClass, Links, Report, calling::UnderWay};
use sip::{Call, Cause, Event};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::time::Instant;
use types::AttemptId;
use voice::{
    Dialogue, Outcome, SipLine,
    twiml::{Document, Ended, Fetch, FetchError, Fetched, Limits, Request, Run},
};

/// An extension is pressed within this time.
const DIALLING: Duration = Duration::from_secs(20);

/// A call that was placed.
pub(super) struct Placed {
    pub(super) channel: Arc<Inner>,
    pub(super) links: Links,
    pub(super) facts: CallFacts,
    pub(super) txid: Option<AttemptId>,
    /// Keys to press when it is answered.
    pub(super) extension: String,
    pub(super) talk: Talk,
    /// It was answered at once.
    pub(super) answered: bool,
    /// It is known to be under way as long as this lasts.
    pub(super) under_way: UnderWay,
    /// Its place among the calls that may go on at once.
    pub(super) _slot: tokio::sync::OwnedSemaphorePermit,
}

impl Placed {
    /// Waits for an answer, has the conversation, and says what came of it. When the attempt ends elsewhere, the call is hung up.
    pub(super) async fn hold(self, mut call: Call) {
        self.heard(CallEvent::Ringing);
        if !self.answered {
            let hand = call.hand();
            let cause = tokio::select! {
                cause = answer(&mut call) => cause,
                () = self.under_way.over() => {
                    hand.hang_up();
                    Some(Cause::HungUp)
                }
            };
            if let Some(cause) = cause {
                return self.ended(cause);
            }
        }
        self.heard(CallEvent::Answered);
        self.report(Delivery::Delivered, ErrorClass::None, "answered");
        let began = Instant::now();
        // Dropping the call hangs up.
        let outcome = tokio::select! {
            outcome = self.talk(call) => outcome,
            () = self.under_way.over() => None,
        };
        self.heard(CallEvent::Completed(began.elapsed()));
        if let Some(outcome) = outcome {
            self.announce(outcome);
        }
    }

    /// The call is over before anybody answered.
    pub(super) fn ended(&self, cause: Cause) {
        let (event, delivery, answer) = match cause {
            Cause::Busy | Cause::Declined => (CallEvent::Busy, Delivery::Undelivered, Some(Answer::Busy)),
            Cause::NoAnswer => (CallEvent::NoAnswer, Delivery::Undelivered, Some(Answer::NoAnswer)),
            Cause::HungUp => (CallEvent::Canceled, Delivery::Failed, None),
            _ => (CallEvent::Failed, Delivery::Failed, Some(Answer::Failed)),
        };
        let class = match cause {
            Cause::NotFound => ErrorClass::BadAddress,
            Cause::Busy | Cause::Declined | Cause::NoAnswer | Cause::HungUp => ErrorClass::Unreachable,
            Cause::Forbidden => ErrorClass::Account,
            _ => ErrorClass::Supplier,
        };
        self.heard(event);
        self.report(delivery, class, cause.name());
        if let Some(answer) = answer {
            self.announce(answer);
        }
    }

    async fn talk(&self, call: Call) -> Option<Answer> {
        let mut call = call;
        if !self.extension.is_empty() && !dial(&mut call, &self.extension).await {
            return Some(Answer::NoAnswer);
        }
        let mut line = SipLine::new(call);
        match &self.talk {
            Talk::Dialogue(dialogue) => spoken(dialogue, &mut line).await,
            Talk::Twiml(document) => {
                self.run(document, &mut line).await;
                None
            }
        }
    }

    async fn run(&self, document: &Document, line: &mut SipLine) {
        let fetch = Behind { host: self.links.call_host(), facts: &self.facts };
        let limits = Limits { time: self.channel.longest, ..Limits::default() };
        let run = Run { speech: &self.channel.speech, fetch: &fetch, limits };
        let ended = run.call(line, document, None).await;
        let word = match ended {
            Ended::Completed | Ended::HungUp => return,
            Ended::Limit => "limit",
            Ended::Fetch(_) => "fetch",
            Ended::Document(_) => "document",
            Ended::Sound => "sound",
        };
        tracing::info!(carrier = self.channel.name, reason = word, "a call that a program described ended early");
    }

    fn heard(&self, event: CallEvent) {
        if let Some(host) = self.links.call_host() {
            host.heard(&self.facts, event);
        }
    }

    fn report(&self, delivery: Delivery, class: ErrorClass, raw: &str) {
        let report = Report { id: self.facts.call.clone(), delivery, class, raw: raw.to_owned() };
        self.links.report(&self.channel.name, report);
    }

    fn announce(&self, answer: Answer) {
        if let Some(txid) = self.txid {
            self.links.answers().announce(CallAnswer { tenant: self.facts.tenant, txid, answer });
        }
    }
}

async fn spoken(dialogue: &Dialogue, line: &mut SipLine) -> Option<Answer> {
    match dialogue.hold(line).await {
        Outcome::Keys(keys) => Some(Answer::Keys(keys)),
        Outcome::Fraud => Some(Answer::Fraud),
        Outcome::Silence => Some(Answer::NoAnswer),
        Outcome::Told | Outcome::Said => None,
    }
}

/// Waits until somebody answers; how it ended if nobody does.
async fn answer(call: &mut Call) -> Option<Cause> {
    loop {
        match call.event().await {
            Some(Event::Answered) => return None,
            Some(Event::Ended(cause)) => return Some(cause),
            None => return Some(Cause::Lost),
            Some(_) => {}
        }
    }
}

/// Presses an extension, and waits until it was sent. Whether the call still stands.
async fn dial(call: &mut Call, extension: &str) -> bool {
    let _ = call.send_digits(extension);
    let sent = async {
        loop {
            match call.event().await {
                Some(Event::Played) => return true,
                Some(Event::Ended(_)) | None => return false,
                Some(_) => {}
            }
        }
    };
    tokio::time::timeout(DIALLING, sent).await.unwrap_or(true)
}

/// Asks on behalf of one call. Where nobody stands behind calls, nothing is asked.
struct Behind<'a> {
    host: Option<Arc<dyn CallHost>>,
    facts: &'a CallFacts,
}

impl Fetch for Behind<'_> {
    fn fetch<'a>(&'a self, request: Request) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        match &self.host {
            Some(host) => host.fetch(self.facts, request),
            None => Box::pin(std::future::ready(Err(FetchError::Forbidden))),
        }
    }
}
