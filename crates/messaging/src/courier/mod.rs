//! Takes messages, applies the limits, picks the carrier and keeps the log.
//!
//! One transaction before a message leaves: its limits are spent, and its rows in the log and in the queue are written, so that nothing
//! leaves unseen and nothing is lost, also when the process dies. One after: what the carrier said.
//!
//! - [`admit`]: whether it may go. [`fleet`]: which carriers may take it. [`carry`]: how it gets from one to the next.
//! - [`queueing`] and [`worker`]: what waits. [`watch`]: what may still happen to a message that was taken. [`reports`]: receipts.

mod admit;
mod canary;
mod carry;
mod deletions;
mod fleet;
mod gate;
mod limits;
mod note;
mod queueing;
mod reports;
mod sealing;
mod watch;
mod worker;

pub(crate) use deletions::Words;
pub use fleet::{CarrierState, RouteHealth};
pub(crate) use limits::written_to;
pub use reports::{Delivery, Report, Reported};

use crate::{
    CallAnswer, CallAnswers, Carrier, Changed, Channel, ChannelKind, Links, Outgoing, SendError, Standing, State,
    WebPush,
    admission::{Doorkeeper, opt_out},
    house::House,
    log,
    queue::shelf::Shelf,
    routing::{Table, health::Health},
};
use admit::Admission;
use carry::Trip;
use fleet::{Cuts, Fleet, Pace, Resting};
use fraud::Blocked;
use queueing::Later;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, RwLock, atomic::AtomicUsize},
    time::Duration,
};
use store::{Store, StoreError};
use tokio::sync::{OnceCell, broadcast, mpsc, watch as watch_channel};
use types::{E164, MessageId, Millis, TenantId, UserId};
use watch::Watched;

/// So many days a receipt is still understood: carriers report for up to three.
const RECEIPT_DAYS: i64 = 3;
/// The same for a receipt that comes with a ticket.
pub(crate) const RECEIPT_LIFE: Duration = Duration::from_secs(RECEIPT_DAYS.unsigned_abs() * 86_400);

/// So many changes may wait for a slow listener before it misses the oldest.
const CHANGES: usize = 4096;

/// Takes messages, applies the limits, picks the carrier and keeps the log.
pub struct Courier {
    desk: Arc<Desk>,
    web_push: Option<WebPush>,
}

pub(crate) struct Desk {
    store: Arc<Store>,
    door: Doorkeeper,
    fleet: RwLock<Arc<Fleet>>,
    links: Links,
    answers: CallAnswers,
    changes: broadcast::Sender<Changed>,
    house: OnceCell<House>,
    book: log::book::LogBook,
    shelf: Arc<Shelf>,
    /// The keys of what suppliers are still to forget.
    deletion_keys: Arc<Shelf>,
    cuts: watch_channel::Sender<Cuts>,
    cuts_known: OnceCell<()>,
    health: Mutex<Health>,
    pace: Mutex<Pace>,
    resting: Mutex<Resting>,
    watched: Mutex<Watched>,
    later: Mutex<Later>,
    ready: mpsc::UnboundedSender<Trip>,
    waiting: AtomicUsize,
    is_idle: bool,
}

/// How a courier works.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The routes; where there are none for a kind, its carriers serve it in their order.
    pub table: Table,
    /// Where the keys of queued messages stand: beside the database, in no backup of it. Without it what is under way when the process ends
    /// is lost, and reported as lost.
    pub queue_keys: Option<PathBuf>,
    /// It takes messages and sends none, and no carrier is connected to: another process with the same `queue_keys` takes them over when this
    /// one ends. [`Courier::deliver`] then says no more than that the message is queued.
    pub is_idle: bool,
}

impl Courier {
    /// A courier with these ways out and no routes; what is under way when the process ends is lost.
    #[must_use]
    pub fn new(store: Arc<Store>, channels: Vec<Arc<dyn Channel>>) -> Self {
        let shelves = [Shelf::in_memory(store.world().clone()), Shelf::in_memory(store.world().clone())];
        let carriers = channels.into_iter().map(Carrier::new).collect();
        Self::start(store, carriers, Table::default(), shelves, false)
    }

    /// A courier with these carriers. Touches the disk where it is told where keys stand.
    pub fn open(store: Arc<Store>, carriers: Vec<Carrier>, options: Options) -> io::Result<Self> {
        let in_memory = || Shelf::in_memory(store.world().clone());
        let shelves = match &options.queue_keys {
            // Who sends nothing has nothing deleted.
            Some(path) if options.is_idle => [Shelf::open(path, store.world().clone())?, in_memory()],
            Some(path) => {
                let queue = Shelf::open(path, store.world().clone())?;
                [queue, Shelf::open(&path.join("deletions"), store.world().clone())?]
            }
            None => [in_memory(), in_memory()],
        };
        Ok(Self::start(store, carriers, options.table, shelves, options.is_idle))
    }

    fn start(store: Arc<Store>, carriers: Vec<Carrier>, table: Table, shelves: [Shelf; 2], is_idle: bool) -> Self {
        let [shelf, deletion_keys] = shelves.map(Arc::new);
        let answers = CallAnswers::new();
        let (deletions, deleted) = Words::new();
        let (links, hearing) = Links::new(answers.clone(), deletions);
        tokio::spawn(deletions::write(Arc::clone(&store), Arc::clone(&deletion_keys), deleted));
        let (ready, readied) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            store,
            door: Doorkeeper::default(),
            fleet: RwLock::new(Arc::new(Fleet { carriers: Vec::new(), table: Table::default() })),
            links,
            answers,
            changes: broadcast::Sender::new(CHANGES),
            house: OnceCell::new(),
            book: log::book::LogBook::new(),
            shelf,
            deletion_keys,
            cuts: watch_channel::Sender::new(Cuts::new()),
            cuts_known: OnceCell::new(),
            health: Mutex::default(),
            pace: Mutex::default(),
            resting: Mutex::default(),
            watched: Mutex::default(),
            later: Mutex::default(),
            ready,
            waiting: AtomicUsize::new(0),
            is_idle,
        });
        desk.set_fleet(carriers, table);
        worker::start(&desk, hearing, readied, is_idle);
        Self { desk, web_push: None }
    }

    /// Also wakes authenticators.
    #[must_use]
    pub fn with_web_push(mut self, web_push: WebPush) -> Self {
        self.web_push = Some(web_push);
        self
    }

    /// What wakes authenticators; without one they only ask by themselves.
    #[must_use]
    pub const fn web_push(&self) -> Option<&WebPush> {
        self.web_push.as_ref()
    }

    /// Whether a carrier for this kind is configured.
    #[must_use]
    pub fn carries(&self, kind: ChannelKind) -> bool {
        self.desk.fleet().carriers.iter().any(|carrier| carrier.channel.carries(kind))
    }

    /// The carriers as they are now.
    #[must_use]
    pub fn carriers(&self) -> Vec<Carrier> {
        self.desk.fleet().carriers.clone()
    }

    /// Exchanges carriers and routes. What is under way goes on with those that it has.
    pub fn set_routes(&self, carriers: Vec<Carrier>, table: Table) {
        self.desk.set_fleet(carriers, table);
    }

    /// The routes as they are now.
    #[must_use]
    pub fn routes(&self) -> Table {
        self.desk.fleet().table.clone()
    }

    /// How the carriers are, as an operator asks.
    #[must_use]
    pub fn carrier_states(&self) -> Vec<CarrierState> {
        self.desk.carrier_states()
    }

    /// Sends a message: `Ok` when a supplier has taken it. It is carried to its end even if the caller goes away, through another
    /// carrier where the first one fails.
    ///
    /// [`SendError::Limited`] and [`SendError::Throttled`] say after what time another try makes sense.
    pub async fn deliver(&self, message: Outgoing) -> Result<(), SendError> {
        let desk = Arc::clone(&self.desk);
        let kind = message.kind()?;
        let done = tokio::spawn(async move { desk.deliver(message).await });
        let done = done.await.unwrap_or(Err(SendError::Unavailable));
        count_outcome(kind, &done);
        done
    }

    /// Takes a message for sending: `Ok` with the id that it has in the log, when it stands durably in the queue. What becomes of it
    /// is said by [`changes`](Self::changes) and [`standing`](Self::standing). [`SendError::Throttled`] where too many wait already.
    ///
    /// A message with a [`Renewal`](crate::Renewal) loses it when the process ends: what a carrier may have seen then goes to no other.
    pub async fn enqueue(&self, message: Outgoing) -> Result<MessageId, SendError> {
        let (desk, kind) = (Arc::clone(&self.desk), message.kind()?);
        // Carried on although the caller goes away: else a row could be in the queue that nobody here knows of.
        let done = tokio::spawn(async move { desk.enqueue(message).await });
        let done = done.await.unwrap_or(Err(SendError::Unavailable));
        if let Err(error) = &done {
            count_error(kind, error);
        }
        done
    }

    /// Takes a message back while it waits. `false` where it doesn't wait (any more).
    pub async fn cancel(&self, tenant: TenantId, message: MessageId) -> Result<bool, SendError> {
        Ok(self.desk.take_back(tenant, log::day_id(message)).await?)
    }

    /// How a message stands; `None` where the tenant has no such message, or its log has forgotten it.
    pub async fn standing(&self, tenant: TenantId, message: MessageId) -> Result<Option<Standing>, StoreError> {
        let row = self.desk.store.tenant(tenant).message(log::day_id(message)).await?;
        Ok(row.as_ref().map(Standing::of))
    }

    /// A code of a message was entered rightly: that says more about the way it went than any receipt. Without the message's id the
    /// newest of this user's that a code is waited for counts.
    pub fn verified(&self, tenant: TenantId, user: Option<UserId>, message: Option<MessageId>) {
        let message = message.map(log::day_id);
        self.desk.entered(tenant, user, message);
        self.desk.door.verified(tenant, user, message, self.desk.now());
    }

    /// What the rules against fraud block for a tenant at the moment, on this node.
    #[must_use]
    pub fn blocks(&self, tenant: TenantId) -> Vec<Blocked> {
        self.desk.door.blocks(tenant, self.desk.now())
    }

    /// Notes that a number wants no texts of a tenant, or takes that back; whether it is news.
    pub async fn set_opted_out(&self, tenant: TenantId, number: &E164, out: bool) -> Result<bool, StoreError> {
        opt_out::set(&self.desk.store, tenant, number, out, self.desk.now()).await
    }

    /// Whether a number wants no texts of a tenant.
    pub async fn is_opted_out(&self, tenant: TenantId, number: &E164) -> Result<bool, StoreError> {
        let scope = self.desk.store.tenant(tenant);
        scope.is_opted_out(&opt_out::mark(&scope.keys().await?, number)).await
    }

    /// Every message that moves on, from now on, as far as this node hears of it.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.desk.changes.subscribe()
    }

    /// Cuts a carrier off, on every node within seconds: nothing goes through it any more, codes that wait for its receipt are worded anew
    /// for another, and the others that went through it and can still be entered count no more.
    pub async fn cut(&self, carrier: &str, reason: &str) -> Result<(), StoreError> {
        self.desk.store.cut_carrier(carrier, reason).await?;
        self.desk.read_cuts().await
    }

    /// Lets a carrier work again.
    pub async fn restore(&self, carrier: &str) -> Result<(), StoreError> {
        self.desk.store.restore_carrier(carrier).await?;
        self.desk.read_cuts().await
    }

    /// How calls end, from now on, as far as this node hears of it.
    #[must_use]
    pub fn call_answers(&self) -> broadcast::Receiver<CallAnswer> {
        self.desk.answers.subscribe()
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }
}

impl Desk {
    pub(crate) const fn links(&self) -> &Links {
        &self.links
    }

    pub(crate) fn answers(&self) -> &CallAnswers {
        &self.answers
    }

    pub(crate) fn now(&self) -> Millis {
        self.store.world().now()
    }

    pub(crate) async fn house(&self) -> Result<&House, StoreError> {
        self.house.get_or_try_init(|| House::open(&self.store)).await
    }

    /// The carrier of that name.
    pub(crate) fn named(&self, carrier: &str) -> Option<Arc<dyn Channel>> {
        self.fleet().carriers.iter().find(|it| it.channel.name() == carrier).map(|it| Arc::clone(&it.channel))
    }

    async fn deliver(self: &Arc<Self>, mut message: Outgoing) -> Result<(), SendError> {
        let kind = message.kind()?;
        if self.is_idle {
            return self.enqueue(message).await.map(drop);
        }
        self.know_cuts().await?;
        message.id = log::day_id(message.id);
        let ways = self.ways(&message, kind, &[])?;
        // All are cut off; nothing is written of it, as of anything that may not go.
        let candidate = ways.candidates.into_iter().next().ok_or(SendError::Cut)?;
        let until = self.until(&message);
        let carrier = candidate.channel.name();
        let (key, queued) = self.sealed_for_queue(&message, until, Some(carrier)).await?;
        let row = self.admit(&message, Admission { kind, carrier, state: State::Queued, queued: &queued }).await?;
        let trip =
            Trip { message, kind, row, key, until, seen: Vec::new(), unfit: Vec::new(), wordings: 0, only: None };
        if let Err(refused) = self.passes_gate(&trip.message).await {
            return self.finish(&trip, refused).await;
        }
        self.carry(trip, candidate, Some(carry::NOW)).await
    }
}

fn count_outcome(kind: ChannelKind, done: &Result<(), SendError>) {
    match done {
        Ok(()) => {
            metrics::counter!("countersign_messages_total", "channel" => kind.as_str(), "outcome" => "taken")
                .increment(1);
        }
        Err(error) => count_error(kind, error),
    }
}

fn count_error(kind: ChannelKind, error: &SendError) {
    let outcome = match error {
        SendError::Limited { .. } => "limited",
        error => error.class().as_str(),
    };
    metrics::counter!("countersign_messages_total", "channel" => kind.as_str(), "outcome" => outcome).increment(1);
}

/// When a receipt by the supplier's id is forgotten: at the end of a day, because the moment would tell when the message went.
const fn receipt_expiry(now: Millis) -> Millis {
    Millis(now.day().saturating_add(RECEIPT_DAYS + 1).saturating_mul(86_400_000))
}

#[cfg(test)]
mod in_time_tests;
#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod ways_tests;
