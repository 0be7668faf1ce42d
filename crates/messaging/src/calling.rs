//! The calls that this process has under way, so that they end when nobody waits for them any more.

use crate::{CallHost, Courier};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;
use types::{AttemptId, MessageId, TenantId};
use uuid::Uuid;

/// The calls under way, by the attempt and the message that each belongs to. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Calling(Arc<Mutex<Names>>);

/// Whose call each name is, and what ends it.
type Names = HashMap<Uuid, (TenantId, Arc<Notify>)>;

/// A call that is under way, until it is dropped.
pub(crate) struct UnderWay {
    all: Calling,
    names: Vec<Uuid>,
    over: Arc<Notify>,
}

impl Calling {
    /// A call begins.
    pub(crate) fn begin(&self, tenant: TenantId, attempt: Option<AttemptId>, message: MessageId) -> UnderWay {
        let over = Arc::new(Notify::new());
        let names: Vec<Uuid> = attempt.map(|id| id.uuid()).into_iter().chain([message.uuid()]).collect();
        self.map().extend(names.iter().map(|name| (*name, (tenant, Arc::clone(&over)))));
        UnderWay { all: self.clone(), names, over }
    }

    /// Whose it is.
    fn find(&self, name: Uuid) -> Option<TenantId> {
        self.map().get(&name).map(|(tenant, _)| *tenant)
    }

    /// Whether there was one to end.
    fn over(&self, name: Uuid) -> bool {
        self.map().get(&name).inspect(|(_, over)| over.notify_one()).is_some()
    }

    fn map(&self) -> std::sync::MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// Waits until nobody wants the call any more.
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut map = self.all.map();
        for name in &self.names {
            // Another call for the same attempt may have taken the place.
            if map.get(name).is_some_and(|(_, over)| Arc::ptr_eq(over, &self.over)) {
                map.remove(name);
            }
        }
    }
}

impl Courier {
    /// Whose attempt it is that a call is under way for in this process; `None` where there is no such call.
    #[must_use]
    pub fn calling(&self, attempt: AttemptId) -> Option<TenantId> {
        self.desk().links().calling().find(attempt.uuid())
    }

    /// An attempt has ended, however: a call for it that is under way in this process is hung up.
    pub fn call_over(&self, attempt: AttemptId) {
        self.desk().links().calling().over(attempt.uuid());
    }

    /// Hangs up the call that a tenant's message became, if it is under way in this process; whether it was.
    pub fn hang_up(&self, tenant: TenantId, message: MessageId) -> bool {
        let calling = self.desk().links().calling();
        let name = crate::log::day_id(message).uuid();
        calling.find(name) == Some(tenant) && calling.over(name)
    }

    /// From now on `host` asks the documents of calls that programs have described, and hears how they go.
    pub fn serve_calls(&self, host: Arc<dyn CallHost>) {
        self.desk().links().serve_calls(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Millis, World};

    #[tokio::test]
    async fn a_call_hears_that_nobody_wants_it() {
        let (world, _) = World::made(Millis(0), 1);
        let attempt = AttemptId::new(Millis(0), world.random.as_ref());
        let tenant = TenantId::new(Millis(0), world.random.as_ref());
        let message = |n| MessageId::new(Millis(n), world.random.as_ref());
        let calling = Calling::default();
        assert!(!calling.over(attempt.uuid()));
        let call = calling.begin(tenant, Some(attempt), message(1));
        assert_eq!(calling.find(attempt.uuid()), Some(tenant));
        // Also before anybody waits.
        assert!(calling.over(attempt.uuid()));
        call.over().await;
        let (other, none) = (message(2), message(3));
        let second = calling.begin(tenant, Some(attempt), other);
        drop(call);
        assert_eq!(calling.find(attempt.uuid()), Some(tenant), "the second call is still there");
        assert!(calling.over(other.uuid()) && !calling.over(none.uuid()));
        second.over().await;
        drop(second);
        assert!(calling.find(attempt.uuid()).is_none() && calling.find(other.uuid()).is_none());
    }
}
