//! Takes the metadata into use: at the start, when its file changes, and on SIGHUP; and has people's passkeys judged by it.

use super::{FidoError, Mark, Source, day};
use crate::{
    config::Fido,
    serve::{Shutdown, signals::Reload},
    telemetry::Registry,
};
use auth::{Auth, AuthError, METADATA, ROLLED_BACK, WalkedTo};
use std::{sync::Arc, time::Duration};
use types::Millis;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);
/// How often passkeys are judged again by the same metadata: a report may begin to hold on a day to come.
const JUDGE: Duration = Duration::from_secs(86_400);
/// Between two rounds of that, so that sign-ins go first.
const PAUSE: Duration = Duration::from_millis(100);

const SERIAL: &str = "fido_metadata_serial";
const NEXT_UPDATE: &str = "fido_metadata_next_update_timestamp_seconds";
const OVERDUE: &str = "fido_metadata_overdue";
const FAILURES: &str = "fido_metadata_failures_total";
const JUDGED: &str = "fido_passkeys_judged_total";

/// What a look came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Looked {
    /// Whether other metadata is in use from now on.
    pub taken: bool,
    /// Whether there was something new that was refused, or couldn't be taken yet.
    pub refused: bool,
    /// Passkeys that were suspended.
    pub suspended: usize,
    /// Passkeys that were restored.
    pub restored: usize,
}

/// Looks after the metadata in use.
pub struct Keeper {
    source: Source,
    auth: Arc<Auth>,
    registry: Arc<Registry>,
    /// The files as they were when they were last read to an end.
    seen: Option<Mark>,
    /// When passkeys are to be judged next; none while there is no metadata.
    judge: Option<Millis>,
}

impl Keeper {
    /// For these files; reads nothing yet.
    #[must_use]
    pub fn new(fido: &Fido, auth: &Arc<Auth>, registry: &Arc<Registry>) -> Self {
        registry.describe(SERIAL, "The issue of FIDO's metadata in use; 0: none.");
        registry.describe(NEXT_UPDATE, "When the next issue is due, in seconds since the epoch.");
        registry.describe(OVERDUE, "1 when the next issue was due before today, or there is no metadata in use.");
        registry.describe(FAILURES, "Metadata files that were refused or couldn't be read.");
        registry.describe(JUDGED, "Passkeys that were suspended, or restored, by the metadata.");
        Self {
            source: Source::new(fido),
            auth: Arc::clone(auth),
            registry: Arc::clone(registry),
            seen: None,
            judge: None,
        }
    }

    /// Reads the files when they have changed, or `told` to. What is wrong is in the log, and the metadata before stays in use.
    pub async fn load(&mut self, told: bool) -> Looked {
        let mark = self.source.mark();
        if !told && self.seen == Some(mark) {
            return Looked::default();
        }
        let file = self.source.path().display().to_string();
        match self.take().await {
            Ok(()) => {
                self.seen = Some(mark);
                self.judge = Some(self.auth.world().now());
                let (serial, models, next) = self
                    .auth
                    .metadata()
                    .map_or((0, 0, Millis(0)), |metadata| (metadata.serial(), metadata.len(), metadata.next_update()));
                tracing::info!(file, serial, models, next_update = day(next), "the authenticators' metadata is in use");
                Looked { taken: true, ..Looked::default() }
            }
            Err(error) => {
                if error.is_of_the_file() {
                    self.seen = Some(mark);
                }
                self.registry.counter(FAILURES, Vec::new()).fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let before = self.auth.metadata().map_or(0, |metadata| metadata.serial());
                tracing::error!(
                    file, %error, in_use = before,
                    "the authenticators' metadata was not taken; what was in use before stays in use (0: none)"
                );
                Looked { refused: true, ..Looked::default() }
            }
        }
    }

    async fn take(&self) -> Result<(), FidoError> {
        let (source, now) = (self.source.clone(), self.auth.world().now());
        let read = tokio::task::spawn_blocking(move || source.read(now)).await;
        let metadata = read.map_err(|_| FidoError::BrokenOff)??;
        let serial = metadata.serial();
        match self.auth.accept_metadata(Arc::new(metadata)).await {
            Err(AuthError::Refused(ROLLED_BACK)) => {
                let accepted = self.auth.store().metadata_serial(METADATA).await?;
                Err(FidoError::RolledBack { serial, accepted: accepted.map_or(0, |accepted| accepted.serial) })
            }
            done => Ok(done?),
        }
    }

    /// One look: at the files, at the day of the next issue, and, when it is time, at people's passkeys.
    pub async fn look(&mut self, told: bool, shutdown: &Shutdown) -> Looked {
        let mut looked = self.load(told).await;
        let now = self.auth.world().now();
        let metadata = self.auth.metadata();
        let overdue = metadata.as_ref().is_none_or(|metadata| metadata.is_overdue(now));
        self.registry.gauge(OVERDUE, f64::from(u8::from(overdue)));
        self.registry.gauge(SERIAL, metadata.as_ref().map_or(0, |metadata| metadata.serial()) as f64);
        let Some(metadata) = metadata else { return looked };
        self.registry.gauge(NEXT_UPDATE, metadata.next_update().seconds() as f64);
        if self.judge.is_some_and(|due| due <= now) {
            if overdue {
                tracing::warn!(
                    next_update = day(metadata.next_update()),
                    "the authenticators' metadata is overdue: it proves no make any more; fetch the next issue"
                );
            }
            if self.walk(&mut looked, shutdown).await {
                self.judge = Some(now + JUDGE);
            }
        }
        looked
    }

    /// Has all passkeys judged. Whether that came to an end.
    async fn walk(&self, looked: &mut Looked, shutdown: &Shutdown) -> bool {
        let mut from: Option<WalkedTo> = None;
        let mut whole = true;
        loop {
            match self.auth.apply_metadata(from).await {
                Ok(round) => {
                    looked.suspended += round.suspended;
                    looked.restored += round.restored;
                    whole &= round.failed == 0;
                    self.count("suspended", round.suspended);
                    self.count("restored", round.restored);
                    from = round.next;
                }
                Err(error) => {
                    tracing::error!(%error, "people's passkeys were not all judged by the metadata; tried again in a minute");
                    return false;
                }
            }
            if from.is_none() {
                return whole;
            }
            if shutdown.sleep(PAUSE).await {
                return false;
            }
        }
    }

    fn count(&self, what: &'static str, by: usize) {
        if by > 0 {
            let counter = self.registry.counter(JUDGED, vec![metrics::Label::new("as", what)]);
            counter.fetch_add(u64::try_from(by).unwrap_or(0), std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Looks until the stop.
    pub async fn keep(mut self, shutdown: Shutdown, mut reload: Reload) {
        let mut told = false;
        loop {
            self.look(told, &shutdown).await;
            told = tokio::select! {
                stopping = shutdown.sleep(LOOK) => if stopping { return } else { false },
                changed = reload.changed() => changed.is_ok(),
            };
        }
    }
}
