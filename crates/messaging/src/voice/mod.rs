//! Calls over the organisation's own SIP trunk.
//!
//! All sounds of a call are made before it is placed; nothing is spoken to whoever doesn't answer, and nothing secret to whoever answers
//! and presses no key. So a trunk has seen no code as long as nobody has answered: what goes wrong before that may go over another
//! carrier with the same code.

mod hold;
mod host;
mod keys;
mod prepare;

pub use host::{CallEvent, CallFacts, CallHost};
pub(crate) use keys::from_keys;

use crate::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, ErrorClass, Links, Outgoing, SendError, Ticket,
};
use hold::Placed;
use sip::{CallError, Cause, Event, StartError, Trunk};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use types::World;
use voice::Speech;

/// A trunk that says nothing at all for so long is taken to ring: the courier wants an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// When all calls are taken, another try makes sense after this.
const BUSY: Duration = Duration::from_secs(3);
/// A trunk that can't be started, or a synthesiser that isn't there, is tried again after this.
const AGAIN: Duration = Duration::from_secs(10);

/// The channel: one trunk.
pub struct Sip {
    name: String,
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    config: sip::Config,
    world: World,
    speech: Speech,
    trunk: OnceLock<Trunk>,
    speaks: AtomicBool,
    slots: Arc<Semaphore>,
    longest: Duration,
    links: OnceLock<Links>,
}

impl Sip {
    /// A trunk under a name. It is connected when the courier takes the channel. `calls` go on at once at most, each for `longest` at most.
    #[must_use]
    pub fn new(name: &str, config: sip::Config, speech: Speech, calls: usize, longest: Duration, world: World) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            config,
            world,
            speech,
            trunk: OnceLock::new(),
            speaks: AtomicBool::new(false),
            slots: Arc::new(Semaphore::new(calls)),
            longest,
            links: OnceLock::new(),
        };
        Self { name: name.to_owned(), inner: Arc::new(inner) }
    }
}

impl Channel for Sip {
    fn name(&self) -> &str {
        &self.name
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == ChannelKind::Voice
    }

    fn is_ready(&self) -> bool {
        self.inner.speaks.load(Ordering::Relaxed) && self.inner.trunk.get().is_some_and(Trunk::is_up)
    }

    fn reports(&self, kind: ChannelKind) -> bool {
        kind == ChannelKind::Voice
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(self.inner.place(message))
    }

    fn connect(&self, links: &Links) {
        if self.inner.links.set(links.clone()).is_ok() {
            let inner = Arc::downgrade(&self.inner);
            tokio::spawn(start(inner));
        }
    }
}

/// Starts the trunk and tries the synthesiser, until both are there or the channel is gone.
async fn start(inner: std::sync::Weak<Inner>) {
    let mut said = false;
    loop {
        let Some(channel) = inner.upgrade() else { return };
        let spoken = channel.speech.check().await;
        if let Err(error) = &spoken
            && !said
        {
            tracing::error!(carrier = channel.name, %error, "no calls are possible: nothing can be spoken");
        }
        channel.speaks.store(spoken.is_ok(), Ordering::Relaxed);
        let started = channel.start().await;
        if let Err(error) = &started
            && !said
        {
            tracing::error!(carrier = channel.name, %error, "no calls are possible: the trunk can't be used");
        }
        if spoken.is_ok() && started.is_ok() {
            return;
        }
        said = true;
        drop(channel);
        tokio::time::sleep(AGAIN).await;
    }
}

impl Inner {
    async fn start(&self) -> Result<(), StartError> {
        if self.trunk.get().is_none() {
            let trunk = Trunk::start(self.config.clone(), self.world.clone()).await?;
            // Only the one task comes here.
            let _ = self.trunk.set(trunk);
        }
        Ok(())
    }

    async fn place(self: &Arc<Self>, message: &Outgoing) -> Result<Accepted, SendError> {
        let Address::Number(number, extension) = &message.to else { return Err(SendError::Mismatch) };
        if !matches!(message.content, Content::Call(_) | Content::Twiml(_)) {
            return Err(SendError::Mismatch);
        }
        let extension = crate::twilio::dialled(extension).ok_or(SendError::Refused(ErrorClass::BadAddress))?;
        let (Some(trunk), Some(links)) = (self.trunk.get(), self.links.get()) else { return Err(SendError::Down) };
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.map_err(|_| SendError::Throttled { retry_after: BUSY })?;
        let talk = prepare::prepare(&self.speech, message, self.longest).await?;
        let under_way = links.calling().begin(message.tenant, message.txid, message.id);
        let mut call = trunk.call(number.expose(), &[]).await.map_err(refused)?;
        let id = call.id().to_owned();
        let placed = |answered| Placed {
            channel: Arc::clone(self),
            links: links.clone(),
            facts: CallFacts {
                tenant: message.tenant,
                message: message.id,
                call: id.clone(),
                from: message.terms.from.clone().or_else(|| self.config.from.clone()).unwrap_or_default(),
                to: number.clone(),
            },
            txid: message.txid,
            extension: extension.clone(),
            talk,
            answered,
            under_way,
            _slot: slot,
        };
        // Who doesn't want it any more is heard at once when it is held.
        let first = tokio::time::timeout(PATIENCE, call.event()).await.unwrap_or(Some(Event::Ringing));
        match first {
            Some(Event::Ended(Cause::Busy | Cause::NoAnswer | Cause::Declined)) | None => {
                let cause = if let Some(Event::Ended(cause)) = first { cause } else { Cause::Lost };
                placed(false).ended(cause);
            }
            // Nobody has answered, so nobody has heard anything.
            Some(Event::Ended(cause)) => return Err(not_taken(cause)),
            Some(event) => {
                tokio::spawn(placed(event == Event::Answered).hold(call));
            }
        }
        Ok(Accepted { receipt: id, segments: 1 })
    }
}

fn refused(error: CallError) -> SendError {
    match error {
        CallError::Number => SendError::Refused(ErrorClass::BadAddress),
        CallError::Header => SendError::Refused(ErrorClass::Other),
        CallError::Ports => SendError::Throttled { retry_after: BUSY },
        CallError::Unreachable | CallError::Stopped => SendError::Down,
    }
}

fn not_taken(cause: Cause) -> SendError {
    match cause {
        Cause::NotFound => SendError::Refused(ErrorClass::BadAddress),
        _ => SendError::Down,
    }
}
