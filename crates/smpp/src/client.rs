//! The client: carries messages and receipts over the binds that are kept up for it (`binds.rs`).

use crate::{
    Config, Receipt, Status, Validity,
    binds::{self, Line},
    join::Joiner,
    pace::Pace,
    pdu::{Address, Message, Tlvs},
    receipt,
    session::{Hears, Submitted as Fate},
    split::{self, Part, TooLong},
    status::Class,
    track::Tracker,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use types::{SecretString, World};

/// How often a message goes again that the SMSC couldn't take for a reason of the moment.
const TRIES: u32 = 3;

/// Who is told what a carrier says by itself. Called on the session's task: it must return at once.
pub trait Handler: Send + Sync {
    /// A receipt, once for each state that a message comes to. `false`: it can't be kept now, and the SMSC is asked to send it again.
    fn receipt(&self, receipt: Receipt) -> bool;

    /// Somebody wrote: the numbers as the SMSC gives them.
    fn inbound(&self, from: &str, to: &str, text: SecretString);
}

/// A text on its way out.
pub struct Submit<'a> {
    /// The sender: a number with or without `+`, a short code, or a name of at most 11 characters.
    pub from: &'a str,
    /// The number; a leading `+` is not sent.
    pub to: &'a str,
    /// What it says.
    pub text: &'a str,
    /// After this it must not be delivered any more: a code's life.
    pub valid_for: Duration,
    /// Whether a receipt is asked for (`registered_delivery` 1).
    pub registered: bool,
    /// How long it may wait for its turn while the carrier is too slow for what is asked of it.
    pub patience: Duration,
}

/// A text that the SMSC has taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submitted {
    /// Its id, by which [`Receipt::message`] names it: that of its first part, in canonical form ([`receipt::canonical`]). Empty where
    /// the SMSC gave none.
    pub id: String,
    /// How many short messages it became.
    pub segments: usize,
}

/// Why a text was not submitted.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum SubmitError {
    /// There is no bind, or it broke before anything was sent. Nobody has seen the text.
    #[error("there is no bind to the SMSC")]
    NotSent,
    /// The SMSC asks for patience, longer than [`Submit::patience`]. It hasn't taken the text.
    #[error("the SMSC asks for patience")]
    Throttled,
    /// The SMSC refused it. Of a long text, parts may have been taken.
    #[error("the SMSC refused the message: {0}")]
    Refused(Status),
    /// It was sent, and no answer came: it may or may not arrive.
    #[error("the SMSC gave no answer")]
    Unknown,
    /// Nothing was sent.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// How a bind stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// No connection yet, or none any more; the next try is due.
    Unreachable,
    /// Connected, and refused for this reason.
    Refused(Status),
    /// Bound.
    Bound,
    /// Stopped from this side.
    Stopped,
}

/// A carrier's SMSC, to which binds are kept up for as long as this lives.
pub struct Client {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

impl Client {
    /// Begins to connect, and goes on until [`stop`](Self::stop) or drop. Called inside a tokio runtime.
    #[must_use]
    pub fn start(config: Config, world: World, handler: Arc<dyn Handler>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let [low, high] = world.bytes();
        let shared = Arc::new(Shared {
            pace: Pace::new(config.per_second),
            tracker: Mutex::new(Tracker::new(config.ids)),
            joiner: Mutex::default(),
            transmitter: Line::default(),
            receiver: Line::default(),
            reference: Mutex::new(u16::from_le_bytes([low, high])),
            config,
            world,
            handler,
        });
        tokio::spawn(binds::supervise(Arc::clone(&shared), stopped.clone()));
        tokio::spawn(binds::sweep(Arc::clone(&shared), stopped));
        Self { shared, stop }
    }

    /// Whether texts can be submitted now.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.shared.transmitter.session().is_some()
    }

    /// How the bind stands that submits.
    #[must_use]
    pub fn standing(&self) -> Standing {
        *self.shared.transmitter.standing.borrow()
    }

    /// Waits until it stands so.
    pub async fn wait_for(&self, standing: Standing) {
        let _ = self.shared.transmitter.standing.subscribe().wait_for(|now| *now == standing).await;
    }

    /// Submits a text, in as many parts as it needs.
    ///
    /// "Too fast" makes it wait for its turn and slows everything down; it is no failure before [`Submit::patience`] ends. Otherwise it
    /// returns within patience and three response timers.
    ///
    /// # Errors
    /// [`SubmitError`]. After [`SubmitError::NotSent`] and [`SubmitError::Throttled`] nobody has seen the text.
    pub async fn submit(&self, submit: &Submit<'_>) -> Result<Submitted, SubmitError> {
        self.shared.submit(submit).await
    }

    /// Unbinds and stops. What is on its way may come to its end first.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        for line in [&self.shared.transmitter, &self.shared.receiver] {
            let mut standing = line.standing.subscribe();
            let _ = timeout(self.shared.config.response * 3, standing.wait_for(|now| *now == Standing::Stopped)).await;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// What a client's submits and its binds have in common.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) world: World,
    pub(crate) handler: Arc<dyn Handler>,
    pace: Pace,
    pub(crate) tracker: Mutex<Tracker>,
    joiner: Mutex<Joiner>,
    /// The transceiver, too.
    pub(crate) transmitter: Line,
    pub(crate) receiver: Line,
    reference: Mutex<u16>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    async fn submit(&self, submit: &Submit<'_>) -> Result<Submitted, SubmitError> {
        let reference = {
            let mut reference = lock(&self.reference);
            *reference = reference.wrapping_add(1);
            *reference
        };
        let config = &self.config;
        let parts = split::split(submit.text, config.alphabet, config.concatenation, reference)?;
        let coding = parts.alphabet.data_coding();
        let deadline = Instant::now() + submit.patience;
        let Some((first, rest)) = parts.parts.split_first() else { return Err(SubmitError::NotSent) };
        // The first part alone: what is wrong with the number or the sender shows there, and nobody gets half a text.
        let mut ids = vec![self.part(submit, coding, first, deadline).await?];
        let rest = rest.iter().map(|part| self.part(submit, coding, part, deadline));
        for part in futures_util::future::join_all(rest).await {
            match part {
                Ok(id) => ids.push(id),
                Err(refused @ SubmitError::Refused(_)) => return Err(refused),
                // The person may see a part of it.
                Err(_) => return Err(SubmitError::Unknown),
            }
        }
        if submit.registered {
            lock(&self.tracker).taken(&ids, submit.to.as_bytes(), &mut |receipt| self.handler.receipt(receipt));
        }
        let id = ids.first().map(|id| receipt::canonical(id)).unwrap_or_default();
        Ok(Submitted { id, segments: parts.segments })
    }

    /// One part, as often as it takes; gives its id.
    async fn part(
        &self,
        submit: &Submit<'_>,
        data_coding: u8,
        part: &Part,
        deadline: Instant,
    ) -> Result<String, SubmitError> {
        let mut tries = 0;
        loop {
            let session = self.transmitter.session().ok_or(SubmitError::NotSent)?;
            let turn = async {
                let permit = session.window.acquire().await.map_err(|_| SubmitError::NotSent)?;
                sleep_until(self.pace.turn(Instant::now())).await;
                Ok::<_, SubmitError>(permit)
            };
            let permit = timeout_at(deadline, turn).await.map_err(|_| SubmitError::Throttled)??;
            let (source, validity) = (self.config.numbering_of(submit.from), self.validity(submit));
            let message = Message {
                service_type: self.config.service_type.as_bytes(),
                source: Address { ton: source.ton, npi: source.npi, text: digits(submit.from) },
                destination: Address {
                    ton: self.config.destination.ton,
                    npi: self.config.destination.npi,
                    text: digits(submit.to),
                },
                esm_class: part.esm_class,
                validity_period: validity.as_bytes(),
                registered_delivery: submit.registered.into(),
                data_coding,
                short_message: &part.short_message,
                tlvs: Tlvs::new(&part.tlvs),
            };
            let sent = Instant::now();
            let (status, id) = match session.submit(message).await {
                Fate::Answered(status, id) => (status, id),
                Fate::NotSent => return Err(SubmitError::NotSent),
                Fate::Unknown => return Err(SubmitError::Unknown),
            };
            drop(permit);
            match status.class() {
                Class::Ok => {
                    self.pace.taken(Instant::now());
                    return Ok(id);
                }
                Class::Throttled => self.pace.throttled(sent, Instant::now()),
                Class::Temporary => {
                    tries += 1;
                    if status == Status::RINVBNDSTS {
                        // The SMSC has forgotten the bind: a new one is made, and this text has been seen by nobody.
                        session.close();
                        return Err(SubmitError::NotSent);
                    }
                    if tries == TRIES || timeout_at(deadline, sleep(Duration::from_millis(200) * tries)).await.is_err()
                    {
                        return Err(SubmitError::Refused(status));
                    }
                }
                Class::Address | Class::Account | Class::Refused => return Err(SubmitError::Refused(status)),
            }
        }
    }

    fn validity(&self, submit: &Submit<'_>) -> String {
        match self.config.validity {
            Validity::None => String::new(),
            form => form.text(submit.valid_for, self.world.now()),
        }
    }
}

fn digits(number: &str) -> &[u8] {
    number.strip_prefix('+').unwrap_or(number).as_bytes()
}

impl Hears for Shared {
    fn delivered(&self, message: &Message<'_>) -> Status {
        if let Some(said) = receipt::read(message, self.config.unmarked_receipts) {
            let tell = &mut |receipt| self.handler.receipt(receipt);
            if !lock(&self.tracker).receipt(said, message.source.text, Instant::now(), tell) {
                return Status::RX_T_APPN;
            }
        } else if receipt::is_marked(message) {
            tracing::warn!(host = %self.config.host, "a receipt names no message");
        } else {
            let text = lock(&self.joiner).take(message, Instant::now());
            if let Some(text) = text {
                let from = String::from_utf8_lossy(message.source.text);
                let to = String::from_utf8_lossy(message.destination.text);
                self.handler.inbound(&from, &to, text);
            }
        }
        Status::ROK
    }
}
