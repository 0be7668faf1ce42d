//! The sound of all calls: one thread that sends a packet of each call every 20 ms.
//!
//! A thread and not a task, because a task waits behind whatever else the runtime has to do, and a person hears that. The calls are spread
//! over the slots of a wheel, so that their packets don't leave in one burst.

mod frames;
mod stream;
mod wheel;

pub(crate) use stream::Stream;

use crate::sdp::Plan;
use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};
use wheel::Wheel;

/// Which stream.
pub(crate) type StreamId = u64;

/// What a stream is told.
pub(crate) enum Order {
    Add(StreamId, Box<Stream>),
    /// Where and how it sends from now on.
    Plan(StreamId, Box<Plan>),
    /// The other side's packets come from here, and not from where its description says.
    Remote(StreamId, SocketAddr),
    /// What is to be played may be heard from now on.
    Talk(StreamId),
    Play(StreamId, Arc<[i16]>),
    Digits(StreamId, String),
    Stop(StreamId),
    Remove(StreamId),
}

/// The thread's door. The thread ends with the last of them.
#[derive(Clone)]
pub(crate) struct Pacer(mpsc::Sender<Order>);

impl Pacer {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (orders, received) = mpsc::channel();
        thread::Builder::new().name("sip-sound".to_owned()).spawn(move || run(&received))?;
        Ok(Self(orders))
    }

    /// Never waits.
    pub(crate) fn tell(&self, order: Order) {
        let _ = self.0.send(order);
    }
}

/// Where the system lets us (CAP_SYS_NICE, `LimitNICE=` of the service), the thread goes before what can wait: somebody hears it.
const PRIORITY: i32 = -11;

fn run(orders: &mpsc::Receiver<Order>) {
    // On Linux this is the thread's own, not the process's.
    let _ = rustix::process::setpriority_process(None, PRIORITY);
    let mut wheel = Wheel::new(now());
    loop {
        let order = match wheel.next() {
            None => orders.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            Some(due) => orders.recv_timeout(due.saturating_duration_since(now())),
        };
        match order {
            Ok(order) => wheel.obey(order, now()),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        wheel.turn(now());
    }
}

/// Tokio's clock, for deadlines; it works on any thread.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
