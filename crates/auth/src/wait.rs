//! How far an attempt is: a waiter sleeps until there is something new, and there is an end in bounded time.
//!
//! Released versions of duo_unix let a user in when the server has answered twenty polls without an end (duo-wire.md §0, 2). So
//! a state is told once, the next question blocks, and whatever happens (unknown id, lost database, restart) ends in an answer.

use crate::{Application, Auth, AuthError, Outcome, Progress, attempt::result, ending::End};
use std::time::Duration;
use store::attempts::AttemptRow;
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use types::AttemptId;

/// The slow poll beside the notices: a lost notice delays an answer by so much.
const SAFETY_NET: Duration = Duration::from_secs(2);
/// More questions than this about one attempt end it.
const QUESTIONS: u32 = 12;
/// What was told is remembered in memory, and may be forgotten: after a restart, on another node, under a flood. The state of an
/// attempt that is older than this is then taken for told, so that no client collects twenty answers by asking forgetful nodes.
const YOUNG: Duration = Duration::from_secs(3);

/// What an attempt's client has been told.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    sequence: i64,
    questions: u32,
}

impl Auth {
    /// Waits for something new about an attempt, at most `patience`. An attempt of another application is as unknown as one
    /// that never was, and what is unknown is denied.
    pub async fn wait(&self, app: &Application, id: AttemptId, patience: Duration) -> Result<Progress, AuthError> {
        let deadline = Instant::now() + patience;
        let mut notices = self.store.engine().notices();
        let mut stopping = self.stopping.subscribe();
        let notice = crate::ending::notice(id);
        let remembered = self.told.get(&id);
        let told = remembered.unwrap_or_default();
        loop {
            let attempt = match self.find(app, id).await {
                Ok(Some(attempt)) => Some(attempt),
                Ok(None) => {
                    return Ok(Progress::Finished(Outcome::deny("deny", "Login request not found or expired.")));
                }
                // The database may come back while there is time.
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => None,
            };
            if let Some(attempt) = attempt {
                if attempt.result != result::PENDING {
                    self.told.remove(&id);
                    return self.finished(app, &attempt).await.map(Progress::Finished);
                }
                let now = self.world.now();
                if now >= attempt.expires || told.questions >= QUESTIONS {
                    return self.time_out(app, attempt).await;
                }
                let out_of_time = Instant::now() >= deadline || self.is_stopping();
                let news = attempt.sequence > told.sequence && (remembered.is_some() || now < attempt.created + YOUNG);
                if news || out_of_time {
                    self.told.insert(id, Told { sequence: attempt.sequence, questions: told.questions + 1 });
                    return self.waiting(app, &attempt).await;
                }
            }
            let sleep =
                SAFETY_NET.min(deadline.saturating_duration_since(Instant::now())).max(Duration::from_millis(5));
            let wake = tokio::time::sleep(sleep);
            tokio::pin!(wake);
            loop {
                tokio::select! {
                    () = &mut wake => break,
                    _ = stopping.changed() => break,
                    heard = notices.recv() => match heard {
                        Ok(heard) if heard == notice => break,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => break,
                        // No notices any more: only the slow poll is left.
                        Err(RecvError::Closed) => { wake.await; break }
                    },
                }
            }
        }
    }

    /// Waits for the end, for clients that take no other answer.
    pub async fn finish(&self, app: &Application, id: AttemptId) -> Result<Outcome, AuthError> {
        loop {
            match self.wait(app, id, crate::ATTEMPT_LIFE).await? {
                Progress::Finished(outcome) => return Ok(outcome),
                Progress::Waiting { .. } if self.is_stopping() => {
                    return Ok(Outcome::deny("deny", "The service is restarting. Please try again."));
                }
                Progress::Waiting { .. } => {}
            }
        }
    }

    async fn find(&self, app: &Application, id: AttemptId) -> Result<Option<AttemptRow>, AuthError> {
        let found = self.store.tenant(app.tenant).attempt(id).await?;
        Ok(found.filter(|attempt| attempt.ikey == app.ikey))
    }

    async fn time_out(&self, app: &Application, attempt: AttemptRow) -> Result<Progress, AuthError> {
        let end = if self.world.now() >= attempt.expires { End::TimedOut } else { End::NoAnswer };
        self.end(app, &attempt, end).await?;
        // Somebody else may have ended it a moment before: their word counts.
        let ended = self.find(app, attempt.id).await?.filter(|ended| ended.result != result::PENDING);
        Ok(Progress::Finished(match ended {
            Some(ended) => self.finished(app, &ended).await?,
            None => Outcome::deny("timeout", "Login timed out."),
        }))
    }

    async fn finished(&self, app: &Application, attempt: &AttemptRow) -> Result<Outcome, AuthError> {
        let mut outcome = Self::outcome(attempt);
        if !outcome.allow {
            return Ok(outcome);
        }
        // An approval is redeemed once: a second one who asks by the same id is not let in.
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        if !tx.deliver_attempt(attempt.id, self.world.now()).await? {
            return Ok(Outcome::deny("deny", "This login request was already used."));
        }
        tx.commit().await?;
        if attempt.factor == "duo_push"
            && attempt.reason == "user_approved"
            && let Some(holder) = self.login.find(app.tenant, store::login::Who::Id(attempt.user_id)).await?
        {
            outcome.trusted_token = self.trust(app, &holder).await?;
        }
        Ok(outcome)
    }

    async fn waiting(&self, app: &Application, attempt: &AttemptRow) -> Result<Progress, AuthError> {
        let code = self.context(app, attempt).await?.code;
        let message = match (attempt.status.as_str(), code.as_str()) {
            ("pushed", "") => "Pushed a login request to your device...".to_owned(),
            ("pushed", code) => format!("Pushed a login request to your device. To approve it, type {code} there..."),
            ("calling" | "answered", "") => "Calling your phone...".to_owned(),
            ("calling" | "answered", code) => format!("Calling your phone. To approve, press {code} on it..."),
            _ => "Waiting...".to_owned(),
        };
        Ok(Progress::Waiting { status: attempt.status.clone(), message })
    }
}
