//! The open connections: how many there may be, how long each may keep quiet, and which one makes room.
//!
//! Duo's clients let a user in when they can't connect (`failmode=safe`), so a server that is full is a way around the
//! second factor. Hence nobody is turned away while any connection merely waits: the one that has been quiet the
//! longest is closed instead. Only connections with a request under way are never closed for room, and a request is
//! under way once it is here whole: one whose body doesn't come holds no place that another needs.
//!
//! No connection has a timer of its own. Each keeps its state and the tick it entered it in one atomic number, and one
//! [`Connections::sweep`] closes those that stayed too long.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// How often the sweep runs, and the unit in which it measures: a limit is kept to within one of these.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// The TLS handshake.
    Handshake = 0,
    /// Nothing has been sent yet.
    Fresh = 1,
    /// A request's headers are arriving.
    Reading = 2,
    /// A request is worked on.
    Busy = 3,
    /// The last request is answered.
    Quiet = 4,
    /// A request's body is arriving.
    Body = 5,
}

impl State {
    const fn from_bits(bits: u64) -> Self {
        match bits & 0xff {
            0 => Self::Handshake,
            1 => Self::Fresh,
            2 => Self::Reading,
            3 => Self::Busy,
            4 => Self::Quiet,
            _ => Self::Body,
        }
    }
}

/// What a connection is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    None = 0,
    /// Send the answer that is under way, if any, then close.
    Finish = 1,
    /// Close at once, unless a request is under way; then as [`Order::Finish`].
    Close = 2,
    /// Close at once, whatever is under way.
    Abort = 3,
}

/// How long each state may last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the handshake.
    pub(crate) handshake: Duration,
    /// For headers, and for a first byte.
    pub(crate) header: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
}

/// A client address as it is counted: an IPv4 address, or an IPv6 /64, which is what one customer has.
fn counted(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

/// One connection's place in the table.
pub(crate) struct Entry {
    /// The tick of the last change, shifted by eight, and the [`State`].
    state: AtomicU64,
    order: AtomicU8,
    told: Notify,
    address: Option<IpAddr>,
    /// Where it stands in the table, or [`GONE`]; changed under the table's lock only.
    index: AtomicUsize,
}

const GONE: usize = usize::MAX;

impl Entry {
    fn new(now: u64, address: Option<IpAddr>, index: usize) -> Self {
        Self {
            state: AtomicU64::new(now << 8),
            order: AtomicU8::new(Order::None as u8),
            told: Notify::new(),
            address,
            index: AtomicUsize::new(index),
        }
    }

    fn state(&self) -> (State, u64) {
        let bits = self.state.load(Ordering::Relaxed);
        (State::from_bits(bits), bits >> 8)
    }

    fn order(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::None,
            1 => Order::Finish,
            2 => Order::Close,
            _ => Order::Abort,
        }
    }

    fn tell(&self, order: Order) {
        if self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8 {
            self.told.notify_one();
        }
    }
}

#[derive(Default)]
struct Table {
    entries: Vec<Arc<Entry>>,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Every connection has a request under way.
    Full,
    /// So has every connection from this address.
    FullForAddress,
}

/// The table of open connections.
pub(crate) struct Connections {
    table: Mutex<Table>,
    tick: AtomicU64,
    most: usize,
    most_per_address: usize,
}

impl Connections {
    /// An empty table.
    #[must_use]
    pub(crate) fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self { table: Mutex::default(), tick: AtomicU64::new(0), most, most_per_address })
    }

    /// Takes a connection in, from an address that counts against its share (`None` for a trusted proxy).
    ///
    /// # Errors
    /// When there is no room and nobody who could make some.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Refused> {
        let address = address.map(counted);
        let mut table = self.table();
        if let Some(address) = address
            && table.by_address.get(&address).is_some_and(|count| *count >= self.most_per_address)
            && !make_room(&mut table, Some(address))
        {
            return Err(Refused::FullForAddress);
        }
        if table.entries.len() >= self.most && !make_room(&mut table, None) {
            return Err(Refused::Full);
        }
        let entry = Arc::new(Entry::new(self.tick.load(Ordering::Relaxed), address, table.entries.len()));
        table.entries.push(entry.clone());
        if let Some(address) = address {
            *table.by_address.entry(address).or_default() += 1;
        }
        drop(table);
        Ok(Place { entry, connections: self.clone() })
    }

    /// Closes the connection that has been quiet the longest, if any is quiet: for when the process runs out of
    /// something else (files).
    pub(crate) fn close_one(&self) -> bool {
        make_room(&mut self.table(), None)
    }

    /// How many are open.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.table().entries.len()
    }

    /// Whether none is open.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives every connection the same order.
    pub(crate) fn tell_all(&self, order: Order) {
        for entry in &self.table().entries {
            entry.tell(order);
        }
    }

    /// One tick passes: whoever stayed in a state for longer than `patience` allows is told to close.
    pub(crate) fn sweep(&self, patience: Patience) {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        let ticks = |length: Duration| u64::try_from(length.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        let (handshake, header, idle) = (ticks(patience.handshake), ticks(patience.header), ticks(patience.idle));
        for entry in &self.table().entries {
            let (state, since) = entry.state();
            let (allowed, order) = match state {
                // Both have an end of their own, with an answer: the request's time, and the body's.
                State::Busy | State::Body => continue,
                State::Handshake => (handshake, Order::Close),
                State::Fresh | State::Reading => (header, Order::Close),
                // A client that takes no answer would never finish: the second order is to close.
                State::Quiet if entry.order() == Order::None => (idle, Order::Finish),
                State::Quiet => (idle.saturating_add(header), Order::Close),
            };
            if now.saturating_sub(since) > allowed {
                entry.tell(order);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while the lock is held; were it to, the table would still be whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the connection that has waited the longest (of `address`, if given) to close, and stops counting it.
fn make_room(table: &mut Table, address: Option<IpAddr>) -> bool {
    let quietest = table
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| address.is_none() || entry.address == address)
        .map(|(index, entry)| (entry.state(), index))
        .filter(|((state, _), _)| *state != State::Busy)
        .min_by_key(|((_, since), _)| *since)
        .map(|(_, index)| index);
    let Some(index) = quietest else { return false };
    let entry = remove(table, index);
    // A quiet connection may still be sending its last answer.
    entry.tell(if entry.state().0 == State::Quiet { Order::Finish } else { Order::Close });
    true
}

fn remove(table: &mut Table, index: usize) -> Arc<Entry> {
    let entry = table.entries.swap_remove(index);
    entry.index.store(GONE, Ordering::Relaxed);
    if let Some(moved) = table.entries.get(index) {
        moved.index.store(index, Ordering::Relaxed);
    }
    if let Some(address) = entry.address
        && let Some(count) = table.by_address.get_mut(&address)
    {
        *count -= 1;
        if *count == 0 {
            table.by_address.remove(&address);
        }
    }
    entry
}

/// A connection's hold on its place; dropping it frees the place.
pub(crate) struct Place {
    entry: Arc<Entry>,
    connections: Arc<Connections>,
}

impl Place {
    /// Notes that the connection is now in `state`.
    pub(crate) fn enter(&self, state: State) {
        let tick = self.connections.tick.load(Ordering::Relaxed);
        self.entry.state.store(tick << 8 | state as u64, Ordering::Relaxed);
    }

    /// Notes that bytes have arrived: a connection that waited is reading a request now.
    pub(crate) fn bytes_arrived(&self) {
        if matches!(self.entry.state().0, State::Fresh | State::Quiet) {
            self.enter(State::Reading);
        }
    }

    /// What the connection is doing.
    #[must_use]
    pub(crate) fn state(&self) -> State {
        self.entry.state().0
    }

    /// Whether the connection is to close when it can.
    pub(crate) fn is_to_close(&self) -> bool {
        self.entry.order() != Order::None
    }

    /// Waits for an order above `known`.
    pub(crate) async fn ordered(&self, known: Order) -> Order {
        loop {
            let order = self.entry.order();
            if order > known {
                return order;
            }
            self.entry.told.notified().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        let index = self.entry.index.load(Ordering::Relaxed);
        if index != GONE {
            remove(&mut table, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { handshake: Duration::from_secs(1), header: Duration::from_secs(2), idle: Duration::from_secs(5) };

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn order(place: &Place) -> Order {
        place.entry.order()
    }

    fn sweeps(connections: &Connections, length: Duration) {
        for _ in 0..=length.as_millis() / TICK.as_millis() {
            connections.sweep(PATIENCE);
        }
    }

    #[test]
    fn each_state_has_its_own_patience() {
        let connections = Connections::new(10, 10);
        let place = |state| {
            let place = connections.admit(None).unwrap_or_else(|_| panic!("room"));
            place.enter(state);
            place
        };
        let (handshake, fresh, reading) = (place(State::Handshake), place(State::Fresh), place(State::Reading));
        let (busy, quiet, body) = (place(State::Busy), place(State::Quiet), place(State::Body));
        sweeps(&connections, PATIENCE.handshake);
        assert_eq!(order(&handshake), Order::Close);
        assert_eq!(order(&fresh), Order::None);
        sweeps(&connections, Duration::from_secs(1));
        assert_eq!((order(&fresh), order(&reading), order(&quiet)), (Order::Close, Order::Close, Order::None));
        sweeps(&connections, Duration::from_secs(3));
        assert_eq!(order(&quiet), Order::Finish);
        sweeps(&connections, Duration::from_secs(2));
        assert_eq!(order(&quiet), Order::Close, "who takes no answer is closed in the end");
        assert_eq!((order(&busy), order(&body)), (Order::None, Order::None));
    }

    #[test]
    fn bytes_turn_waiting_into_reading_and_nothing_else() {
        let connections = Connections::new(10, 10);
        let place = connections.admit(None).unwrap_or_else(|_| panic!("room"));
        for (before, after) in [
            (State::Handshake, State::Handshake),
            (State::Fresh, State::Reading),
            (State::Reading, State::Reading),
            (State::Busy, State::Busy),
            (State::Quiet, State::Reading),
            (State::Body, State::Body),
        ] {
            place.enter(before);
            place.bytes_arrived();
            assert_eq!(place.state(), after);
        }
    }

    #[test]
    fn a_full_table_closes_the_one_that_was_quiet_the_longest_and_never_a_busy_one() {
        let connections = Connections::new(3, 10);
        let first = connections.admit(ip("192.0.2.1")).unwrap_or_else(|_| panic!("room"));
        first.enter(State::Busy);
        sweeps(&connections, TICK);
        let second = connections.admit(ip("192.0.2.2")).unwrap_or_else(|_| panic!("room"));
        second.enter(State::Quiet);
        sweeps(&connections, TICK);
        let third = connections.admit(ip("192.0.2.3")).unwrap_or_else(|_| panic!("room"));
        let fourth = connections.admit(ip("192.0.2.4")).unwrap_or_else(|_| panic!("room"));
        assert_eq!((order(&first), order(&second), order(&third)), (Order::None, Order::Finish, Order::None));
        assert_eq!(connections.len(), 3);
        third.enter(State::Busy);
        fourth.enter(State::Busy);
        assert_eq!(connections.admit(ip("192.0.2.5")).err(), Some(Refused::Full));
        drop((first, second, third, fourth));
        assert!(connections.is_empty());
        assert!(connections.table().by_address.is_empty());
    }

    #[test]
    fn one_address_makes_room_among_its_own_only() {
        let connections = Connections::new(100, 2);
        let other = connections.admit(ip("198.51.100.1")).unwrap_or_else(|_| panic!("room"));
        // One customer's /64 is one address; so is an IPv4 address written as IPv6.
        let first = connections.admit(ip("2001:db8::1")).unwrap_or_else(|_| panic!("room"));
        let second = connections.admit(ip("2001:db8::ffff")).unwrap_or_else(|_| panic!("room"));
        second.enter(State::Busy);
        let third = connections.admit(ip("2001:db8::2")).unwrap_or_else(|_| panic!("room"));
        assert_eq!((order(&other), order(&first), order(&second)), (Order::None, Order::Close, Order::None));
        third.enter(State::Busy);
        assert_eq!(connections.admit(ip("2001:db8::3")).err(), Some(Refused::FullForAddress));
        assert!(connections.admit(ip("2001:db8:0:1::3")).is_ok());
        let _mapped = connections.admit(ip("::ffff:198.51.100.1")).unwrap_or_else(|_| panic!("room"));
        assert_eq!(connections.table().by_address.get(&ip("198.51.100.1").expect("an address")), Some(&2));
        for _ in 0..5 {
            assert!(connections.admit(None).is_ok(), "a trusted proxy has no share");
        }
    }

    #[test]
    fn a_body_that_does_not_come_makes_room() {
        let connections = Connections::new(2, 10);
        let (first, second) = (connections.admit(None), connections.admit(None));
        let (first, second) = (first.unwrap_or_else(|_| panic!("room")), second.unwrap_or_else(|_| panic!("room")));
        first.enter(State::Busy);
        second.enter(State::Body);
        let _third = connections.admit(None).unwrap_or_else(|_| panic!("room"));
        assert_eq!((order(&first), order(&second)), (Order::None, Order::Close));
    }

    #[tokio::test]
    async fn an_order_given_before_anyone_waits_is_heard() {
        let connections = Connections::new(10, 10);
        let place = connections.admit(None).unwrap_or_else(|_| panic!("room"));
        connections.tell_all(Order::Finish);
        assert_eq!(place.ordered(Order::None).await, Order::Finish);
        connections.tell_all(Order::Abort);
        connections.tell_all(Order::Close);
        assert_eq!(place.ordered(Order::Finish).await, Order::Abort, "orders only grow");
    }
}
