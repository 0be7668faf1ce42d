//! Alarms of the guards: who reads numbers or the log as nobody should. Each stands in the administrator log under [`GUARD`], in the same
//! transaction as what it stops, and whoever listens hears of it at once.

use crate::{
    engine::StoreError,
    scope::{Store, Tenant, Tx},
};
use tokio::sync::broadcast;
use types::TenantId;

/// Who writes alarms into the administrator log.
pub const GUARD: &str = "guard";
/// Alarms that may wait for a slow listener.
const WAITING: usize = 256;

/// Something that people must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Whose.
    pub tenant: TenantId,
    /// What happened, as it stands in the administrator log: `numbers_refused`, `log_canary_read`, …
    pub what: &'static str,
    /// Who did it: an integration key, a user's id, an administrator's name; empty where nobody is known.
    pub who: String,
}

/// Those who listen.
pub(crate) struct Alarms(broadcast::Sender<Alarm>);

impl Default for Alarms {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }
}

impl Store {
    /// Every alarm from now on, as far as this process raises it.
    #[must_use]
    pub fn alarms(&self) -> broadcast::Receiver<Alarm> {
        self.all_alarms().0.subscribe()
    }
}

impl Tenant<'_> {
    /// Raises an alarm: one line in the administrator log, one in the server's, one for whoever listens. `detail` is JSON without a number.
    pub async fn raise(&self, what: &'static str, who: &str, detail: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.log_act(self.store.world(), GUARD, what, who, detail).await?;
        tx.commit().await?;
        self.heard(what, who);
        Ok(())
    }

    /// Stops somebody from reading, with an alarm if they were not stopped before. Every node hears of it.
    pub async fn stop_reader(&self, who: &str, reason: &'static str) -> Result<(), StoreError> {
        let world = self.store.world();
        let mut tx = self.begin().await?;
        if !tx.freeze(who, reason, world.now()).await? {
            return Ok(());
        }
        tx.log_act(world, GUARD, "reader_frozen", who, &format!(r#"{{"reason":"{reason}"}}"#)).await?;
        changed(&mut tx, who).await?;
        tx.commit().await?;
        self.heard("reader_frozen", who);
        Ok(())
    }

    /// Lets somebody read again, and up to `rows` rows of the log in one hour until `until`, in the name of `actor`.
    pub async fn release_reader(
        &self,
        actor: &str,
        who: &str,
        rows: i64,
        until: types::Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.release(who, rows, until).await?;
        let detail = format!(r#"{{"rows_an_hour":{rows},"until":{}}}"#, until.0);
        tx.log_act(self.store.world(), actor, "reader_release", who, &detail).await?;
        changed(&mut tx, who).await?;
        tx.commit().await
    }

    /// Makes a number a canary, or an ordinary one again, by its mark, in the name of `actor`. Whether that is news. Every node hears of it.
    pub async fn set_canary_number(&self, actor: &str, mark: &[u8; 32], canary: bool) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let news = if canary { tx.add_canary_number(mark).await? } else { tx.remove_canary_number(mark).await? };
        let action = if canary { "canary_number_add" } else { "canary_number_remove" };
        tx.log_act(self.store.world(), actor, action, "", "{}").await?;
        tx.notify(format!("tenant:{}", self.id)).await?;
        tx.commit().await?;
        self.store.forget_keys(self.id);
        Ok(news)
    }

    fn heard(&self, what: &'static str, who: &str) {
        // No tenant here: with the line's own time it would say when somebody's number was looked at.
        tracing::warn!(what, "an alarm: see countersign admin alerts");
        metrics::counter!("countersign_guard_alerts_total", "what" => what).increment(1);
        let _ = self.store.all_alarms().0.send(Alarm { tenant: self.id, what, who: who.to_owned() });
    }
}

/// What is kept of an integration is read anew.
async fn changed(tx: &mut Tx, who: &str) -> Result<(), StoreError> {
    tx.notify(format!("application:{who}")).await
}
