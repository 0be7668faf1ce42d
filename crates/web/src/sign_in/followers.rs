//! Who follows a prompt's state: one stream for a sign-in, and so many in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::oneshot;
use types::SignInId;

/// Streams at once on this node. Whoever finds no place asks by single requests.
const MOST: usize = 20_000;

/// The streams.
#[derive(Default)]
pub(crate) struct Followers(Mutex<Streams>);

#[derive(Default)]
struct Streams {
    open: HashMap<SignInId, (u64, oneshot::Sender<()>)>,
    next: u64,
}

impl Followers {
    /// A place for a stream about this sign-in. The one that was there before ends: it is the same browser's, loaded anew. None when
    /// all places are taken.
    pub(super) fn enter(self: &Arc<Self>, id: SignInId) -> Option<Place> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.open.len() >= MOST && !streams.open.contains_key(&id) {
            return None;
        }
        streams.next += 1;
        let number = streams.next;
        let (hold, replaced) = oneshot::channel();
        streams.open.insert(id, (number, hold));
        Some(Place { followers: Arc::clone(self), id, number, replaced })
    }

    fn leave(&self, id: SignInId, number: u64) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.open.get(&id).is_some_and(|(holder, _)| *holder == number) {
            streams.open.remove(&id);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap().open.len()
    }
}

/// A stream's place, given back when it is dropped.
pub(super) struct Place {
    followers: Arc<Followers>,
    id: SignInId,
    number: u64,
    replaced: oneshot::Receiver<()>,
}

impl Place {
    /// Ends when another stream about the same sign-in was opened.
    pub(super) async fn replaced(&mut self) {
        let _ = (&mut self.replaced).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.followers.leave(self.id, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn the_later_stream_ends_the_earlier_and_places_are_given_back() {
        let followers = Arc::new(Followers::default());
        let id = |number: u128| SignInId::from_uuid(uuid(number));
        let mut first = followers.enter(id(1)).unwrap();
        assert!(first.replaced().now_or_never().is_none());
        let mut second = followers.enter(id(1)).unwrap();
        assert!(first.replaced().now_or_never().is_some());
        assert!(second.replaced().now_or_never().is_none());
        drop(first);
        assert_eq!(followers.len(), 1);
        drop(second);
        assert_eq!(followers.len(), 0);
        let all: Vec<_> = (0..MOST as u128).map(|number| followers.enter(id(number)).unwrap()).collect();
        assert!(followers.enter(id(u128::MAX)).is_none() && followers.enter(id(5)).is_some());
        drop(all);
    }

    fn uuid(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }
}
