//! Wakes authenticators: a push says "look", and the device asks what there is by its own signed request.
//!
//! Nobody waits for a push. It is sent after the commit, beside the request that caused it, and its failure changes nothing: a
//! device also asks by itself.

use crate::{Auth, AuthError, VerifiedDevice};
use messaging::{
    Courier,
    web_push::{InvalidSubscription, Push, PushError, Subscription, Urgency, VapidKey},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use store::{PushSubscriptionRow, Store, StoreError, fields};
use tokio::sync::Semaphore;
use types::{AttemptId, PhoneId, TenantId, UserId, World};

/// The name of the tenant's secret that its pushes are signed with.
const VAPID: &str = "vapid";
/// Pushes under way at once on this node; what comes on top is left out.
const AT_ONCE: usize = 256;
/// So many refusals in a row end a subscription.
const REFUSALS: i64 = 8;
/// How long a notice waits for a device that is away.
const NOTICE_LIFE: Duration = Duration::from_secs(86_400);
/// How long a notice is tried while the push service is away.
const NOTICE_PATIENCE: Duration = Duration::from_secs(120);

/// What an authenticator is told of its owner's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountNotice {
    /// An authenticator or a passkey was added.
    Added,
    /// One was removed.
    Removed,
    /// An addition was undone.
    Undone,
    /// A way to recover the account was made or used.
    Recovery,
}

impl AccountNotice {
    /// As the device reads it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Undone => "undone",
            Self::Recovery => "recovery",
        }
    }
}

/// What pushes are sent with.
#[derive(Clone)]
pub(crate) struct Waker {
    store: Arc<Store>,
    courier: Arc<Courier>,
    world: World,
    room: Arc<Semaphore>,
    keys: Arc<quick_cache::sync::Cache<TenantId, Arc<VapidKey>>>,
}

/// A push on its way to one device.
struct Look {
    message: Value,
    urgency: Urgency,
    life: Duration,
    patience: Duration,
    topic: &'static str,
}

impl Waker {
    pub(crate) fn new(store: &Arc<Store>, courier: &Arc<Courier>) -> Self {
        Self {
            store: Arc::clone(store),
            courier: Arc::clone(courier),
            world: store.world().clone(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            keys: Arc::new(quick_cache::sync::Cache::new(4_096)),
        }
    }

    fn spawn(&self, tenant: TenantId, phone: PhoneId, look: Look) {
        if self.courier.web_push().is_none() {
            return;
        }
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            count("left_out");
            return;
        };
        let waker = self.clone();
        tokio::spawn(async move {
            waker.wake(tenant, phone, &look).await;
            drop(place);
        });
    }

    /// Waits until no push is under way, at most `patience`. Whether none is.
    pub(crate) async fn done(&self, patience: Duration) -> bool {
        let all = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        tokio::time::timeout(patience, self.room.acquire_many(all)).await.is_ok()
    }

    async fn wake(&self, tenant: TenantId, phone: PhoneId, look: &Look) {
        let row = match self.store.tenant(tenant).push_subscription(phone).await {
            Ok(Some(row)) => row,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "an authenticator was not woken"),
        };
        match self.push(tenant, &row, look).await {
            Ok(outcome) => {
                count(word(&outcome));
                if let Err(error) = self.note(tenant, &row, &outcome).await {
                    tracing::warn!(%error, "the end of a push was not noted");
                }
            }
            Err(error) => tracing::warn!(%error, "an authenticator was not woken"),
        }
    }

    async fn push(
        &self,
        tenant: TenantId,
        row: &PushSubscriptionRow,
        look: &Look,
    ) -> Result<Result<(), PushError>, AuthError> {
        let Some(web_push) = self.courier.web_push() else { return Ok(Ok(())) };
        let scope = self.store.tenant(tenant);
        let Some(of_tenant) = scope.row().await? else { return Ok(Ok(())) };
        let opened = scope.open(fields::push_subscription(&row.phone_id), &row.sealed).await?;
        let Ok(to) = Subscription::read(opened.expose()) else { return Ok(Err(PushError::Gone)) };
        let key = self.key(tenant).await?;
        let message = look.message.to_string();
        let push = Push {
            message: message.as_bytes(),
            urgency: look.urgency,
            life: look.life,
            patience: look.patience,
            topic: look.topic,
        };
        Ok(web_push.push(&to, &key, &format!("https://{}", of_tenant.api_host), &push).await)
    }

    /// Keeps what a push showed of its subscription: only of the one that was tried, because the device may have another by now.
    async fn note(
        &self,
        tenant: TenantId,
        row: &PushSubscriptionRow,
        outcome: &Result<(), PushError>,
    ) -> Result<(), AuthError> {
        let mut tx = match outcome {
            Ok(()) if row.failures == 0 => return Ok(()),
            // The service was away, or is full: the subscription is as good as before.
            Err(PushError::Unavailable) => return Ok(()),
            _ => self.store.tenant(tenant).begin().await?,
        };
        match outcome {
            Ok(()) => tx.push_worked(row.phone_id).await.map(drop)?,
            Err(PushError::Gone | PushError::Subscription(_)) => {
                tx.drop_push_subscription(row.phone_id, &row.sealed).await?;
            }
            Err(_) => {
                let failures = tx.push_failed(row.phone_id, &row.sealed).await?;
                if failures.is_some_and(|failures| failures >= REFUSALS) {
                    tx.drop_push_subscription(row.phone_id, &row.sealed).await?;
                }
            }
        }
        Ok(tx.commit().await?)
    }

    /// The key that the tenant's pushes are signed with, made when it is first asked for.
    async fn key(&self, tenant: TenantId) -> Result<Arc<VapidKey>, AuthError> {
        const DAMAGED: AuthError = AuthError::Damaged("key for push services");
        if let Some(key) = self.keys.get(&tenant) {
            return Ok(key);
        }
        let scope = self.store.tenant(tenant);
        let sealed = match scope.secret(VAPID).await? {
            Some(sealed) => sealed,
            None => {
                let made = VapidKey::generate(&self.world).map_err(|_| DAMAGED)?;
                let field = fields::tenant_secret(VAPID);
                let keys = scope.keys().await?;
                let sealed = keys.seal(field, made.expose(), self.world.random.as_ref()).map_err(StoreError::from)?;
                let mut tx = scope.begin().await?;
                let won = tx.insert_secret(VAPID, &sealed, self.world.now()).await?;
                tx.commit().await?;
                // Two who ask first at once: one key stays, and both use it.
                if won { sealed } else { scope.secret(VAPID).await?.ok_or(DAMAGED)? }
            }
        };
        let opened = scope.open(fields::tenant_secret(VAPID), &sealed).await?;
        let key = Arc::new(VapidKey::read(&opened).map_err(|_| DAMAGED)?);
        self.keys.insert(tenant, Arc::clone(&key));
        Ok(key)
    }
}

impl Auth {
    /// The key that a browser subscribes to a tenant's pushes with (65 bytes, base64url); none where this server sends no pushes.
    pub async fn push_key(&self, tenant: TenantId) -> Result<Option<String>, AuthError> {
        if self.courier.web_push().is_none() {
            return Ok(None);
        }
        if self.store.tenant(tenant).row().await?.is_none() {
            return Err(AuthError::Refused("no such organisation"));
        }
        Ok(Some(self.waker.key(tenant).await?.public()))
    }

    /// Where a device takes its pushes from now on (the JSON of a browser's subscription), or that it takes none.
    pub async fn set_subscription(
        &self,
        device: &VerifiedDevice,
        subscription: Option<&[u8]>,
    ) -> Result<(), AuthError> {
        let scope = self.store.tenant(device.tenant());
        let phone = device.phone();
        let sealed = match subscription {
            None => None,
            Some(json) => {
                let web_push = self.courier.web_push().ok_or(AuthError::Refused("this server sends no pushes"))?;
                let read = web_push.read(json).map_err(|error| match error {
                    InvalidSubscription::Malformed => AuthError::Refused("not a push subscription"),
                    InvalidSubscription::Host => AuthError::Refused("not a push service that this server sends to"),
                })?;
                let keys = scope.keys().await?;
                let field = fields::push_subscription(&phone);
                Some(keys.seal(field, &read.to_json(), self.world.random.as_ref()).map_err(StoreError::from)?)
            }
        };
        let mut tx = scope.begin().await?;
        self.first_time(device, &mut tx).await?;
        match sealed {
            Some(sealed) => {
                if !tx.set_push_subscription(phone, &sealed, self.world.now()).await? {
                    return Err(AuthError::NoDevice);
                }
            }
            None => tx.delete_push_subscription(phone).await.map(drop)?,
        }
        Ok(tx.commit().await?)
    }

    /// Wakes the device that a request waits on.
    pub(crate) fn wake(&self, tenant: TenantId, phone: PhoneId, attempt: AttemptId) {
        let look = Look {
            message: json!({ "look": attempt.to_string() }),
            urgency: Urgency::High,
            life: crate::ATTEMPT_LIFE,
            patience: crate::ATTEMPT_LIFE / 2,
            topic: "look",
        };
        self.waker.spawn(tenant, phone, look);
    }

    /// Tells a user's authenticators that something of the account has changed. It returns at once; whether a device hears of it is
    /// the push service's affair.
    pub async fn notify_authenticators(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: AccountNotice,
    ) -> Result<(), AuthError> {
        for (_, phone) in self.store.tenant(tenant).phones_of_users(&[user]).await? {
            if phone.public_key.is_some() {
                let look = Look {
                    message: json!({ "notice": kind.as_str() }),
                    urgency: Urgency::Normal,
                    life: NOTICE_LIFE,
                    patience: NOTICE_PATIENCE,
                    topic: "notice",
                };
                self.waker.spawn(tenant, phone.id, look);
            }
        }
        Ok(())
    }
}

const fn word(outcome: &Result<(), PushError>) -> &'static str {
    match outcome {
        Ok(()) => "taken",
        Err(PushError::Gone) => "gone",
        Err(PushError::Unavailable) => "unavailable",
        Err(_) => "refused",
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("countersign_web_pushes_total", "outcome" => outcome).increment(1);
}
