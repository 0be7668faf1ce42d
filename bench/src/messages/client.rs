//! The `smpp` crate's client with nothing above it.

use super::{AT_ONCE, PATIENCE, Seen, WINDOW, Watch, number, text};
use anyhow::{Result, bail};
use futures_util::{StreamExt as _, stream};
use smpp::{Client, Config, Handler, Receipt, Standing, State, Submit};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};
use types::{SecretString, World};

/// Counts receipts.
struct Counts {
    delivered: AtomicUsize,
    wanted: usize,
    all: Notify,
}

impl Handler for Counts {
    fn receipt(&self, receipt: Receipt) -> bool {
        if receipt.state == State::Delivered && self.delivered.fetch_add(1, Ordering::Relaxed) + 1 == self.wanted {
            self.all.notify_one();
        }
        true
    }

    fn inbound(&self, _: &str, _: &str, _: SecretString) {}
}

pub(super) async fn run(port: u16, count: usize) -> Result<Seen> {
    let counts = Arc::new(Counts { delivered: AtomicUsize::new(0), wanted: count, all: Notify::new() });
    let mut config =
        Config::new("127.0.0.1".to_owned(), port, "bench".to_owned(), SecretString::new("bench".to_owned()));
    config.window = WINDOW;
    let client = Client::start(config, World::real(), counts.clone());
    timeout(PATIENCE, client.wait_for(Standing::Bound)).await?;
    let watch = Watch::start()?;
    let client = &client;
    let done: Vec<_> = stream::iter(0..count)
        .map(|n| async move {
            let (to, text) = (number(n), text(n));
            let submit = Submit {
                from: "Bench",
                to: &to,
                text: &text,
                valid_for: Duration::from_secs(600),
                registered: true,
                patience: PATIENCE,
            };
            client.submit(&submit).await
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    if let Some(Err(error)) = done.iter().find(|done| done.is_err()) {
        bail!("a message was not taken: {error}");
    }
    timeout(PATIENCE, counts.all.notified()).await?;
    watch.stop(Duration::ZERO)
}
