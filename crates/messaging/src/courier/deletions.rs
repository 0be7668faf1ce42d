//! What suppliers are still to be asked to forget, kept so that a restart forgets none of it.
//!
//! A supplier's id of a message is sealed under a key of the ten minutes in which it was noted, on a [`Shelf`] of its own beside the queue's
//! keys: those may not live as long as a deletion takes. Rows are written beside the messages and not before them; who dies in that
//! moment leaves a message to the supplier's own retention.

use super::{Desk, carry::KeyUse, worker::Uninherited};
use crate::{house::house, queue::shelf::Shelf};
use std::{collections::HashMap, io, sync::Arc, time::Duration};
use store::{Store, SupplierDeletionRow};
use suppliers::Ledger;
use tokio::sync::mpsc;
use types::{MessageId, Millis};

/// So many are written in one transaction.
const TOGETHER: usize = 256;
/// In units of ten minutes: nobody tries longer than a day and a message's life.
const LIFE: i64 = 2 * 144;
/// So many rows that nobody can open are removed in one go.
const LEFT: i64 = 500;

/// What is said of a message, by the supplier's id.
pub(super) enum Word {
    Keep {
        carrier: String,
        id: String,
        delay: Duration,
    },
    Done {
        carrier: String,
        id: String,
    },
    /// It was taken over, and stands in the store already.
    Known {
        carrier: String,
        id: String,
        row: Vec<u8>,
        key: KeyUse,
    },
}

/// Where the carriers' words go.
#[derive(Clone)]
pub(crate) struct Words(mpsc::UnboundedSender<Word>);

impl Words {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Word>) {
        let (words, heard) = mpsc::unbounded_channel();
        (Self(words), heard)
    }

    /// Words that nobody hears.
    #[cfg(test)]
    pub(crate) fn unheard() -> Self {
        Self::new().0
    }

    /// For one carrier.
    pub(crate) fn of(&self, carrier: &str) -> Arc<dyn Ledger> {
        Arc::new(OfCarrier { carrier: carrier.to_owned(), words: self.clone() })
    }

    fn say(&self, word: Word) {
        // After the end nobody listens: what is kept then is taken over by the next.
        let _ = self.0.send(word);
    }
}

struct OfCarrier {
    carrier: String,
    words: Words,
}

impl Ledger for OfCarrier {
    fn keep(&self, id: &str, delay: Duration) {
        self.words.say(Word::Keep { carrier: self.carrier.clone(), id: id.to_owned(), delay });
    }

    fn done(&self, id: &str) {
        self.words.say(Word::Done { carrier: self.carrier.clone(), id: id.to_owned() });
    }
}

/// A row that stands, or is about to.
struct Standing {
    row: Vec<u8>,
    _key: KeyUse,
}

/// Writes what is said, in the order in which it is said, until nobody can say anything more.
pub(super) async fn write(store: Arc<Store>, shelf: Arc<Shelf>, mut heard: mpsc::UnboundedReceiver<Word>) {
    let mut standing: HashMap<(String, String), Standing> = HashMap::new();
    let mut words = Vec::new();
    while heard.recv_many(&mut words, TOGETHER).await > 0 {
        let (mut added, mut done): (Vec<SupplierDeletionRow>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
        for word in words.drain(..) {
            match word {
                Word::Known { carrier, id, row, key } => {
                    standing.insert((carrier, id), Standing { row, _key: key });
                }
                Word::Keep { carrier, id, .. } if standing.contains_key(&(carrier.clone(), id.clone())) => {}
                Word::Keep { carrier, id, delay } => match sealed(&store, &shelf, &carrier, &id, delay).await {
                    Ok((row, key)) => {
                        standing.insert((carrier, id), Standing { row: row.id.clone(), _key: key });
                        added.push(row);
                    }
                    Err(error) => tracing::error!(%error, "what a supplier is to forget is not kept over a restart"),
                },
                Word::Done { carrier, id } => {
                    let Some(gone) = standing.remove(&(carrier, id)) else { continue };
                    match added.iter().position(|row| row.id == gone.row) {
                        Some(place) => _ = added.swap_remove(place),
                        None => done.push(gone.row),
                    }
                }
            }
        }
        if (!added.is_empty() || !done.is_empty())
            && let Err(error) = store.note_supplier_deletions(&added, &done).await
        {
            tracing::error!(%error, "what suppliers are to forget is not kept over a restart");
        }
    }
}

async fn sealed(
    store: &Store,
    shelf: &Arc<Shelf>,
    carrier: &str,
    id: &str,
    delay: Duration,
) -> io::Result<(SupplierDeletionRow, KeyUse)> {
    let (now, row): (Millis, [u8; 16]) = (store.world().now(), store.world().bytes());
    let name = shelf.key_for(now).await?;
    let key = KeyUse::counted(Arc::clone(shelf), name);
    let plain = [(now + delay).0.to_be_bytes().as_slice(), id.as_bytes()].concat();
    let sealed = shelf.seal(&name, house(), MessageId::from_bytes(row), &plain).map_err(io::Error::other)?;
    let row = SupplierDeletionRow {
        id: row.to_vec(),
        holder: shelf.holder().to_vec(),
        key_id: name.to_vec(),
        carrier: carrier.to_owned(),
        until: store::ten_minutes(now + delay) + LIFE,
        sealed,
    };
    Ok((row, key))
}

impl Desk {
    /// Takes over what dead processes were to see to.
    pub(super) async fn inherit_deletions(&self) -> Result<(), Uninherited> {
        let shelf = Arc::clone(&self.deletion_keys);
        let blocking = tokio::task::spawn_blocking(move || {
            let dead = shelf.dead()?;
            for one in &dead {
                shelf.inherit(one)?;
            }
            io::Result::Ok(dead)
        });
        for dead in blocking.await.map_err(io::Error::other)?? {
            for row in self.store.take_over_supplier_deletions(&dead.name, self.deletion_keys.holder()).await? {
                self.take_up(row);
            }
            let shelf = Arc::clone(&self.deletion_keys);
            tokio::task::spawn_blocking(move || shelf.bury(dead)).await.map_err(io::Error::other)??;
        }
        Ok(())
    }

    /// Goes on with a row of a dead process. One that nobody can open, or whose carrier is gone, stands until its time is over.
    fn take_up(&self, row: SupplierDeletionRow) {
        let Some(name) = self.deletion_keys.hold(&row.key_id) else { return };
        let key = KeyUse::counted(Arc::clone(&self.deletion_keys), name);
        let Ok(id) = <[u8; 16]>::try_from(row.id.as_slice()) else { return };
        let Ok(plain) = self.deletion_keys.open_sealed(&row.key_id, house(), MessageId::from_bytes(id), &row.sealed)
        else {
            return;
        };
        let Some((due, id)) = plain.split_first_chunk::<8>() else { return };
        let Ok(id) = std::str::from_utf8(id) else { return };
        let Some(channel) = self.named(&row.carrier) else { return };
        let delay = Millis(i64::from_be_bytes(*due)).since(self.now());
        self.links.deletions().say(Word::Known { carrier: row.carrier, id: id.to_owned(), row: row.id, key });
        channel.forget_later(id, delay);
    }

    /// Removes the rows whose time is over: their keys are gone.
    pub(super) async fn purge_deletions(&self) -> Result<(), store::StoreError> {
        self.store.purge_supplier_deletions(store::ten_minutes(self.now()), LEFT).await.map(drop)
    }
}
