//! The one way to a telephone number of the directory.
//!
//! A number is opened for one of four reasons, each with its own bound, and nowhere else: [`keys::TenantKeys::open`] refuses the column, and
//! `clippy.toml` lets nobody but this file call what opens it.
//!
//! - **A message** goes out ([`Tenant::number_to_send`]): the number goes to the carrier and to nobody who asked. The engine says which
//!   people's sign-ins it has just admitted ([`Broker::live`]), and each of these opens one number of that person; so the bound grows with
//!   the load by itself. What has no live sign-in behind it takes of the tenant's few.
//! - **An administrator's program** is shown it ([`Tenant::numbers_to_show`]): so many a minute, counted in the store and so on every
//!   node. Whoever goes on asking is stopped, with an alarm.
//! - **It is compared** with one that the caller has ([`Tenant::has_number`]): nothing but yes or no comes of it.
//! - **It is sealed anew** under a newer key ([`number_again`]): nothing comes of it but another sealed value.

use crate::{engine::StoreError, fields, limits::Limit, phones::PhoneRow, scope::Tenant};
use keys::{Field, KeyError, TenantKeys};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use types::{E164, Millis, PhoneId, Random, SecretBytes, TenantId, UserId};

/// So many numbers of a tenant are shown, or opened without a live sign-in, in a minute.
pub const A_MINUTE: i64 = 20;
/// Whoever may read in bulk reads the directory so often in a day …
const PASSES: i64 = 24;
/// … and so many numbers in any case.
pub const BULK: i64 = 5_000;
/// Refusals in a minute after which whoever asks is stopped. A client that waits as it is told makes six.
const PATIENCE: i64 = 10;
/// An admitted sign-in opens a number for so long.
const LIVE: Duration = Duration::from_secs(60);
/// Sign-ins of one person that may wait to open a number: the page asks more than once.
const AT_ONCE: u8 = 3;
/// People with a live sign-in that are known at once; above it numbers are opened out of the tenant's few.
const MOST_LIVE: usize = 1_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Why a number was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// The phone has none.
    #[error("the phone has no number")]
    None,
    /// Too many were asked for.
    #[error("too many numbers were asked for")]
    TooMany {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The store failed, or what is in it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for NumberError {
    fn from(error: KeyError) -> Self {
        Self::Store(error.into())
    }
}

/// Who wants to be shown numbers.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// An integration's key, or an administrator's name.
    pub who: &'a str,
    /// Whether they were given leave to read the directory's numbers in bulk: then the directory once an hour, on the average of a day.
    pub in_bulk: bool,
}

/// What lives in memory: whose sign-ins are live, and what the rest has used up.
#[derive(Default)]
pub struct Broker {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: HashMap<(TenantId, UserId), Live>,
    /// Of each tenant: since when it is counted, and how many.
    others: HashMap<TenantId, (Millis, i64)>,
    swept: Millis,
}

struct Live {
    phones: Vec<PhoneId>,
    left: u8,
    until: Millis,
}

impl Broker {
    /// A person's sign-in was admitted: it may open one number, of one of these phones, within a minute.
    pub fn live<'p>(
        &self,
        tenant: TenantId,
        user: UserId,
        phones: impl IntoIterator<Item = &'p PhoneRow>,
        now: Millis,
    ) {
        self.admit(tenant, user, phones, now, |left, _| left.saturating_add(1).min(AT_ONCE));
    }

    /// Something was done to a person's account, and they must hear of it on each of these phones.
    pub fn notice<'p>(
        &self,
        tenant: TenantId,
        user: UserId,
        phones: impl IntoIterator<Item = &'p PhoneRow>,
        now: Millis,
    ) {
        self.admit(tenant, user, phones, now, |left, phones| left.saturating_add(phones));
    }

    fn admit<'p>(
        &self,
        tenant: TenantId,
        user: UserId,
        phones: impl IntoIterator<Item = &'p PhoneRow>,
        now: Millis,
        more: impl Fn(u8, u8) -> u8,
    ) {
        let phones: Vec<PhoneId> =
            phones.into_iter().filter(|phone| phone.number.is_some()).map(|phone| phone.id).collect();
        if phones.is_empty() {
            return;
        }
        let mut state = self.state();
        state.sweep(now);
        if state.live.len() >= MOST_LIVE {
            return;
        }
        let many = u8::try_from(phones.len()).unwrap_or(u8::MAX);
        let entry = state.live.entry((tenant, user)).or_insert(Live { phones: Vec::new(), left: 0, until: now });
        let left = if entry.until > now { entry.left } else { 0 };
        *entry = Live { left: more(left, many), phones, until: now + LIVE };
    }

    /// Takes leave for one number; whether there was any.
    fn spend(&self, tenant: TenantId, user: Option<UserId>, phone: PhoneId, now: Millis) -> bool {
        let mut state = self.state();
        if let Some(live) = user.and_then(|user| state.live.get_mut(&(tenant, user)))
            && live.until > now
            && live.left > 0
            && live.phones.contains(&phone)
        {
            live.left -= 1;
            return true;
        }
        let (since, spent) = state.others.entry(tenant).or_insert((now, 0));
        if now.since(*since) >= MINUTE {
            (*since, *spent) = (now, 0);
        }
        *spent += 1;
        *spent <= A_MINUTE
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets what is over, once in a while.
    fn sweep(&mut self, now: Millis) {
        if now.since(self.swept) < LIVE {
            return;
        }
        self.swept = now;
        self.live.retain(|_, live| live.until > now);
        self.others.retain(|_, (since, _)| now.since(*since) < MINUTE);
    }
}

impl Tenant<'_> {
    /// Opens a phone's number for one message that is about to go out to `user`, who has the phone.
    ///
    /// [`NumberError::TooMany`] where no sign-in of theirs is live and the tenant's few of this minute are used up.
    pub async fn number_to_send(&self, phone: &PhoneRow, user: Option<UserId>) -> Result<E164, NumberError> {
        let sealed = phone.number.as_ref().ok_or(NumberError::None)?;
        let now = self.store.world().now();
        if !self.store.numbers().spend(self.id, user, phone.id, now) {
            if self.counted("first", "", 1, MINUTE).await? {
                self.raise("numbers_without_a_sign_in", "", "{}").await?;
            }
            return Err(NumberError::TooMany { retry_after: MINUTE });
        }
        self.number(&phone.id, sealed).await
    }

    /// Takes leave for `many` numbers that somebody is to be shown, or that they cause to be told to a carrier. All or none.
    ///
    /// [`NumberError::TooMany`] where there is no leave: with a line in the administrator log, an alarm at the first in a minute, and
    /// the end of all reading for whoever goes on.
    pub async fn spend_numbers(&self, asker: Asker<'_>, many: usize) -> Result<(), NumberError> {
        let wanted = i64::try_from(many).unwrap_or(i64::MAX);
        if wanted == 0 {
            return Ok(());
        }
        let (name, whose, limit) = match asker.in_bulk {
            false => ("shown", "", Limit { max: A_MINUTE, window: MINUTE }),
            true => {
                let all = self.phones(crate::Slice { offset: 0, limit: 1 }).await?.total;
                ("in bulk", asker.who, Limit { max: (PASSES * all).max(BULK), window: DAY })
            }
        };
        let now = self.store.world().now();
        let bucket = self.bucket(name, whose).await?;
        let mut tx = self.begin().await?;
        let may = tx.spend(bucket, limit, wanted, now).await?;
        tx.commit().await?;
        if may {
            if asker.in_bulk && self.counted("bulk begun", asker.who, 1, DAY).await? {
                self.raise("numbers_in_bulk", asker.who, "{}").await?;
            }
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let detail = format!(r#"{{"asked":{wanted}}}"#);
        tx.log_act(self.store.world(), asker.who, "numbers_refused", "", &detail).await?;
        tx.commit().await?;
        if self.counted("refused first", asker.who, 1, MINUTE).await? {
            self.raise("numbers_refused", asker.who, &detail).await?;
        }
        if !self.counted("refused", asker.who, PATIENCE - 1, MINUTE).await? {
            self.stop_reader(asker.who, "numbers").await?;
        }
        Err(NumberError::TooMany { retry_after: limit.window.min(MINUTE) })
    }

    /// The numbers of these phones, to be shown; `None` where a phone has none.
    pub async fn numbers_to_show(
        &self,
        asker: Asker<'_>,
        phones: &[PhoneRow],
    ) -> Result<Vec<Option<E164>>, NumberError> {
        self.spend_numbers(asker, phones.iter().filter(|phone| phone.number.is_some()).count()).await?;
        let mut numbers = Vec::with_capacity(phones.len());
        for phone in phones {
            numbers.push(match &phone.number {
                Some(sealed) => Some(self.number(&phone.id, sealed).await?),
                None => None,
            });
        }
        for number in numbers.iter().flatten() {
            if self.is_canary_number(number).await? {
                self.raise("number_canary_read", asker.who, "{}").await?;
            }
        }
        Ok(numbers)
    }

    /// Whether a phone has this number.
    pub async fn has_number(&self, phone: &PhoneRow, number: &E164) -> Result<bool, NumberError> {
        let Some(sealed) = &phone.number else { return Ok(false) };
        Ok(self.number(&phone.id, sealed).await? == *number)
    }

    /// The keyed mark of a number that is a canary.
    pub async fn canary_mark(&self, number: &E164) -> Result<[u8; 32], StoreError> {
        Ok(self.keys().await?.digest(fields::CANARY_NUMBER, &[number.expose().as_bytes()]))
    }

    /// Whether a number is one of the tenant's canaries: it is nobody's, and stands in the directory to be stolen.
    pub async fn is_canary_number(&self, number: &E164) -> Result<bool, StoreError> {
        let kept = self.store.canaries_of(self).await?;
        if kept.is_empty() {
            return Ok(false);
        }
        let marks = self.keys().await?.digest_candidates(fields::CANARY_NUMBER, &[number.expose().as_bytes()]);
        Ok(marks.iter().any(|mark| kept.iter().any(|kept| kept == mark)))
    }

    /// Whether something may happen once more in a window of its own.
    async fn counted(&self, name: &str, whose: &str, max: i64, window: Duration) -> Result<bool, StoreError> {
        let bucket = self.bucket(name, whose).await?;
        let mut tx = self.begin().await?;
        let may = tx.spend(bucket, Limit { max, window }, 1, self.store.world().now()).await?;
        tx.commit().await?;
        Ok(may)
    }

    async fn bucket(&self, name: &str, whose: &str) -> Result<[u8; 32], StoreError> {
        Ok(self.keys().await?.digest(fields::LIMIT, &[b"numbers", name.as_bytes(), whose.as_bytes()]))
    }

    async fn number(&self, phone: &PhoneId, sealed: &[u8]) -> Result<E164, NumberError> {
        let opened = match opened(&self.keys().await?, fields::phone_number(phone), sealed) {
            // The keys were rotated a moment ago.
            Err(KeyError::UnknownVersion(_)) => {
                self.store.forget_keys(self.id);
                opened(&self.keys().await?, fields::phone_number(phone), sealed)?
            }
            done => done?,
        };
        let number = std::str::from_utf8(opened.expose()).ok().and_then(|text| text.parse().ok());
        number.ok_or(NumberError::Store(StoreError::Damaged("number")))
    }
}

/// A number, sealed anew under the key that encrypts now.
pub fn number_again(
    keys: &TenantKeys,
    phone: &PhoneId,
    sealed: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let field = fields::phone_number(phone);
    keys.seal(field, opened(keys, field, sealed)?.expose(), random)
}

#[expect(clippy::disallowed_methods, reason = "this file is the one place that opens numbers")]
fn opened(keys: &TenantKeys, field: Field<'_>, sealed: &[u8]) -> Result<SecretBytes, KeyError> {
    keys.open_guarded(field, sealed)
}
