//! Following a prompt or a call to its end.

use super::{SignIn, Step, decide::Proven};
use crate::{Auth, AuthError, DeviceId, Outcome, attempt::result, ending::End};
use std::time::Duration;
use store::{attempts::AttemptRow, login::Who};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

/// The slow look beside the notices: a lost notice delays an answer by so much.
const SAFETY_NET: Duration = Duration::from_secs(2);

impl Auth {
    /// Waits at most `patience` until the sign-in's prompt or call has ended, and gives its end; [`Step::Waiting`] where it hasn't.
    ///
    /// Any number may follow, on any node: an approval is taken once, and all of them are told.
    pub async fn follow(&self, sign_in: &SignIn, patience: Duration) -> Result<Step, AuthError> {
        let deadline = Instant::now() + patience;
        let mut notices = self.store.engine().notices();
        let mut stopping = self.stopping.subscribe();
        loop {
            let row = match self.still_open(sign_in).await? {
                Ok(row) => row,
                Err(step) => return Ok(step),
            };
            let attempt = match row.attempt {
                Some(id) => self.store.tenant(sign_in.tenant()).attempt(id).await?,
                None => None,
            };
            let Some(attempt) = attempt.filter(|attempt| attempt.ikey == sign_in.app.ikey) else {
                return Ok(Step::Refused(Outcome::deny("deny", "Login request not found or expired.")));
            };
            if attempt.result != result::PENDING {
                return self.attempt_ended(sign_in, &attempt).await;
            }
            if self.world.now() >= attempt.expires {
                self.end(&sign_in.app, &attempt, End::TimedOut).await?;
                continue;
            }
            if Instant::now() >= deadline || self.is_stopping() {
                return self.waiting_step(sign_in, attempt.id).await;
            }
            let wake = tokio::time::sleep_until(deadline.min(Instant::now() + SAFETY_NET));
            tokio::pin!(wake);
            let notice = crate::ending::notice(attempt.id);
            loop {
                tokio::select! {
                    () = &mut wake => break,
                    _ = stopping.changed() => break,
                    heard = notices.recv() => match heard {
                        Ok(heard) if heard != notice => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                        // No notices any more: only the slow look is left.
                        Err(RecvError::Closed) => { wake.await; break }
                    },
                }
            }
        }
    }

    /// What the end of a prompt or a call means for its sign-in.
    pub(crate) async fn attempt_ended(&self, sign_in: &SignIn, attempt: &AttemptRow) -> Result<Step, AuthError> {
        let outcome = Self::outcome(attempt);
        if attempt.result == result::FRAUD {
            // "It wasn't me": nothing else is tried in this sign-in.
            self.deny(sign_in).await?;
        }
        if !outcome.allow {
            return Ok(Step::Refused(outcome));
        }
        let holder = self.login.find(sign_in.tenant(), Who::Id(attempt.user_id)).await?;
        let device = match (&holder, attempt.phone_id) {
            (Some(holder), Some(id)) => super::attempt::device_name(holder, DeviceId::Phone(id)),
            _ => String::new(),
        };
        let proven = Proven {
            user: Some(attempt.user_id),
            factor: &attempt.factor,
            reason: &attempt.reason,
            status: "allow",
            message: &outcome.message,
            device,
            txid: Some(attempt.id.to_string()),
            assurance: None,
        };
        // The approval is taken and the sign-in decided at once, or neither is.
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        if tx.deliver_attempt(attempt.id, self.world.now()).await?
            && let Some(allowed) = self.allow(&mut tx, sign_in, proven).await?
        {
            tx.commit().await?;
            self.tell_allowed(sign_in, allowed).await;
            return Ok(Step::Allowed);
        }
        drop(tx);
        match self.come_to(sign_in).await? {
            Ok(_) => Ok(Step::Refused(Outcome::deny("deny", "This login request was already used."))),
            Err(step) => Ok(step),
        }
    }
}
