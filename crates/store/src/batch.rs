//! Batches that form by themselves: what arrives while the engine is busy goes to it together.
//!
//! No timer: one waiting request is a batch of one, sent at once. Under load the engine's own speed makes batches grow, which
//! is what makes it fast (one commit, one statement for many logins).

use crate::engine::StoreError;
use std::{
    collections::{HashSet, VecDeque},
    future::Future,
};
use tokio::sync::{mpsc, oneshot};

/// So many requests may wait; past that the caller is told at once.
const QUEUE: usize = 16_384;

/// What a request touches: two requests that share one don't go in the same batch.
pub(crate) type Touches = [u128; 2];

type Asked<Q, A> = (Q, oneshot::Sender<Result<A, StoreError>>);

/// Hands requests of type `Q` to one worker, many at a time, and their answers back.
pub(crate) struct Batcher<Q, A> {
    queue: mpsc::Sender<Asked<Q, A>>,
}

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// Starts the worker. `run` gets at most `max` requests, none of which touch the same thing, and gives as many answers in
    /// the same order, or one error for all.
    pub(crate) fn start<F, R>(max: usize, touches: fn(&Q) -> Touches, run: R) -> Self
    where
        R: Fn(Vec<Q>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<A>, StoreError>> + Send,
    {
        let (queue, mut asked) = mpsc::channel::<Asked<Q, A>>(QUEUE);
        tokio::spawn(async move {
            let mut waiting = VecDeque::new();
            loop {
                if waiting.is_empty() {
                    match asked.recv().await {
                        Some(first) => waiting.push_back(first),
                        None => return,
                    }
                }
                while waiting.len() < max
                    && let Ok(more) = asked.try_recv()
                {
                    waiting.push_back(more);
                }
                let (requests, replies) = cut(&mut waiting, touches);
                answer(run(requests).await, replies);
            }
        });
        Self { queue }
    }

    /// Waits for the answer to one request.
    pub(crate) async fn ask(&self, request: Q) -> Result<A, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .try_send((request, reply))
            .map_err(|_| StoreError::Unavailable("too many requests wait for the database".to_owned()))?;
        answer.await.map_err(|_| StoreError::Unavailable("the database's queue has ended".to_owned()))?
    }
}

type Cut<Q, A> = (Vec<Q>, Vec<oneshot::Sender<Result<A, StoreError>>>);

/// Takes from `waiting` what can go together; the rest stays in its order.
fn cut<Q, A>(waiting: &mut VecDeque<Asked<Q, A>>, touches: fn(&Q) -> Touches) -> Cut<Q, A> {
    let mut touched = HashSet::with_capacity(waiting.len() * 2);
    let (mut requests, mut replies) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
    for _ in 0..waiting.len() {
        let Some((request, reply)) = waiting.pop_front() else { break };
        let mine = touches(&request);
        let free = !mine.iter().any(|one| *one != 0 && touched.contains(one));
        // One that must wait marks what it touches too: nothing may overtake it.
        touched.extend(mine);
        if free {
            requests.push(request);
            replies.push(reply);
        } else {
            waiting.push_back((request, reply));
        }
    }
    (requests, replies)
}

fn answer<A>(done: Result<Vec<A>, StoreError>, replies: Vec<oneshot::Sender<Result<A, StoreError>>>) {
    match done {
        Ok(answers) => {
            // A caller that has gone away hears nothing, and a missing answer drops its sender, which is an error there.
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer));
            }
        }
        Err(error) => {
            let text = error.to_string();
            for reply in replies {
                let _ = reply.send(Err(StoreError::Unavailable(text.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_touches_the_same_waits_in_order() {
        let mut waiting: VecDeque<_> =
            [1_u128, 2, 1, 3, 1].into_iter().map(|n| (n, oneshot::channel::<Result<(), StoreError>>().0)).collect();
        let (first, _) = cut(&mut waiting, |n| [*n, 0]);
        assert_eq!(first, [1, 2, 3]);
        let (second, _) = cut(&mut waiting, |n| [*n, 0]);
        assert_eq!(second, [1]);
        assert_eq!(waiting.len(), 1);
    }
}
