//! The login path: who somebody is and what they hold, and the record of an authentication. Both work on batches.

use crate::{
    auth_log::{self, AuthLogRow},
    batch::{Batcher, Touches},
    engine::{Engine, Row, Statement, StoreError, Type, Value},
    groups::GroupRow,
    phones::PhoneRow,
    scope::{Record, Tx},
    tokens::TokenRow,
    users::UserRow,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use types::{
    BypassId, Id, Kind, Millis, PasskeyId, PhoneId, RecoveryId, SmsCodeId, TenantId, TokenId, UserId, UserName,
};

/// The largest batch; also the most that one failure can hold back.
const BATCH: usize = 256;
/// Writing lanes on PostgreSQL; a user's authentications always take the same one, so that they are decided in order.
const LANES: usize = 2;

/// Whom to look up.
#[derive(Clone, Debug)]
pub enum Who {
    /// By a normalised name or alias.
    Name(UserName),
    /// By id.
    Id(UserId),
}

/// A user with what they can authenticate with.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The user.
    pub user: UserRow,
    /// The groups the user is in.
    pub groups: Vec<GroupRow>,
    /// Phones, in the order of their making.
    pub phones: Vec<PhoneRow>,
    /// Tokens, in the order of their making.
    pub tokens: Vec<TokenRow>,
}

macro_rules! holder_statements {
    ($name:literal, $input:literal, $type:expr, $user:literal, $from:literal) => {
        [
            Statement::new(
                concat!("login_user_by_", $name),
                concat!(
                    "WITH input(tenant, n, ", $input, ") AS (VALUES ($1, $2, $3)) SELECT input.n, u.id, u.username, u.realname, \
                     u.firstname, u.lastname, u.email, u.notes, u.status, u.failures, u.locked_at, u.deleted_at, u.last_login, \
                     u.created, u.attributes, u.passkeys FROM input ", $from, " CROSS JOIN users u \
                     WHERE u.tenant = input.tenant AND u.id = ", $user
                ),
                &[Type::Id, Type::Int, $type],
            ),
            Statement::new(
                concat!("login_tokens_by_", $name),
                concat!(
                    "WITH input(tenant, n, ", $input, ") AS (VALUES ($1, $2, $3)) SELECT input.n, t.id, t.type, t.serial, t.seed, \
                     t.digits, t.period, t.counter, t.drift, t.last_used, t.created FROM input ", $from, " CROSS JOIN user_token l \
                     CROSS JOIN token t WHERE l.tenant = input.tenant AND l.user_id = ", $user,
                    " AND t.tenant = l.tenant AND t.id = l.token_id"
                ),
                &[Type::Id, Type::Int, $type],
            ),
            Statement::new(
                concat!("login_phones_by_", $name),
                concat!(
                    "WITH input(tenant, n, ", $input, ") AS (VALUES ($1, $2, $3)) SELECT input.n, p.id, p.number, p.tail, \
                     p.extension, p.name, p.type, p.platform, p.model, p.predelay, p.postdelay, p.public_key, p.device_name, \
                     p.last_seen, p.sms_sent, p.last_used, p.created FROM input ", $from, " CROSS JOIN user_phone l \
                     CROSS JOIN phone p WHERE l.tenant = input.tenant AND l.user_id = ", $user,
                    " AND p.tenant = l.tenant AND p.id = l.phone_id"
                ),
                &[Type::Id, Type::Int, $type],
            ),
            Statement::new(
                concat!("login_groups_by_", $name),
                concat!(
                    "WITH input(tenant, n, ", $input, ") AS (VALUES ($1, $2, $3)) SELECT input.n, g.id, g.name, g.description, \
                     g.status, g.created FROM input ", $from, " CROSS JOIN membership l CROSS JOIN groups g \
                     WHERE l.tenant = input.tenant AND l.user_id = ", $user, " AND g.tenant = l.tenant AND g.id = l.group_id"
                ),
                &[Type::Id, Type::Int, $type],
            ),
        ]
    };
}

// Joins in the order in which they are written: from the input to the user to what hangs on it.
static BY_NAME: [Statement; 4] = holder_statements!(
    "name",
    "name",
    Type::Text,
    "k.user_id AND k.tenant = input.tenant AND k.name = input.name",
    "CROSS JOIN user_name k"
);
static BY_ID: [Statement; 4] = holder_statements!("id", "user_id", Type::Id, "input.user_id", "");

// The user is asked for by a scalar subquery, not by EXISTS: PostgreSQL would make a join of that and may then look for all users of the
// token's tenant instead of the one.
static ADVANCE: Statement = Statement::new(
    "login_advance_counter",
    "WITH input(tenant, token, user_id, counter, drift, now, threshold) AS (VALUES ($1, $2, $3, $4, $5, $6, $7)) \
     UPDATE token SET counter = input.counter, drift = input.drift, last_used = input.now FROM input \
     WHERE token.tenant = input.tenant AND token.id = input.token AND token.counter < input.counter \
     AND (SELECT u.failures FROM users u WHERE u.tenant = input.tenant AND u.id = input.user_id) < input.threshold \
     RETURNING token.tenant, token.id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int, Type::Int, Type::Int],
);
static SPEND_BYPASS: Statement = Statement::new(
    "login_spend_bypass_code",
    "WITH input(tenant, user_id, id, now, threshold) AS (VALUES ($1, $2, $3, $4, $5)) \
     UPDATE bypass_code SET uses_left = bypass_code.uses_left - 1 FROM input \
     WHERE bypass_code.tenant = input.tenant AND bypass_code.user_id = input.user_id AND bypass_code.id = input.id \
     AND (bypass_code.uses_left IS NULL OR bypass_code.uses_left > 0) \
     AND (bypass_code.expires IS NULL OR bypass_code.expires > input.now) \
     AND (SELECT u.failures FROM users u WHERE u.tenant = input.tenant AND u.id = input.user_id) < input.threshold \
     RETURNING bypass_code.tenant, bypass_code.id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
static SPEND_SMS: Statement = Statement::new(
    "login_spend_sms_code",
    "WITH input(tenant, phone, id, user_id, now, threshold) AS (VALUES ($1, $2, $3, $4, $5, $6)) \
     UPDATE sms_code SET used_at = input.now FROM input \
     WHERE sms_code.tenant = input.tenant AND sms_code.phone_id = input.phone AND sms_code.id = input.id \
     AND sms_code.used_at IS NULL AND (sms_code.expires IS NULL OR sms_code.expires > input.now) \
     AND (SELECT u.failures FROM users u WHERE u.tenant = input.tenant AND u.id = input.user_id) < input.threshold \
     RETURNING sms_code.tenant, sms_code.id",
    &[Type::Id, Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
// An authenticator without a counter says 0 each time; then its ceremony, which is taken once, is what a replay fails on.
static SPEND_PASSKEY: Statement = Statement::new(
    "login_advance_passkey",
    "WITH input(tenant, passkey, user_id, counter, backed_up, now, threshold) AS (VALUES ($1, $2, $3, $4, $5, $6, $7)) \
     UPDATE passkey SET counter = input.counter, backed_up = input.backed_up, last_used = input.now FROM input \
     WHERE passkey.tenant = input.tenant AND passkey.id = input.passkey AND passkey.user_id = input.user_id \
     AND passkey.suspended_at IS NULL AND (passkey.counter < input.counter OR (passkey.counter = 0 AND input.counter = 0)) \
     AND (SELECT u.failures FROM users u WHERE u.tenant = input.tenant AND u.id = input.user_id) < input.threshold \
     RETURNING passkey.tenant, passkey.id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int, Type::Int, Type::Int],
);
static SPEND_RECOVERY: Statement = Statement::new(
    "login_spend_recovery",
    "WITH input(tenant, user_id, id, now, threshold) AS (VALUES ($1, $2, $3, $4, $5)) \
     UPDATE recovery SET used_at = input.now FROM input \
     WHERE recovery.tenant = input.tenant AND recovery.user_id = input.user_id AND recovery.id = input.id \
     AND recovery.used_at IS NULL AND (recovery.expires IS NULL OR recovery.expires > input.now) \
     AND (SELECT u.failures FROM users u WHERE u.tenant = input.tenant AND u.id = input.user_id) < input.threshold \
     RETURNING recovery.tenant, recovery.id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
static COUNT_FAILURE: Statement = Statement::new(
    "login_count_failure",
    "WITH input(tenant, user_id, now, threshold) AS (VALUES ($1, $2, $3, $4)) \
     UPDATE users SET failures = users.failures + 1, \
     locked_at = CASE WHEN users.failures + 1 >= input.threshold THEN input.now ELSE users.locked_at END FROM input \
     WHERE users.tenant = input.tenant AND users.id = input.user_id AND users.failures < input.threshold \
     RETURNING users.tenant, users.id, users.failures",
    &[Type::Id, Type::Id, Type::Int, Type::Int],
);
static CLEAR_FAILURES: Statement = Statement::new(
    "login_clear_failures",
    "WITH input(tenant, user_id, threshold) AS (VALUES ($1, $2, $3)) UPDATE users SET failures = 0, locked_at = NULL FROM input \
     WHERE users.tenant = input.tenant AND users.id = input.user_id AND users.failures < input.threshold RETURNING users.id",
    &[Type::Id, Type::Id, Type::Int],
);

static END_LOCKOUT: Statement = Statement::new(
    "login_end_lockout",
    "UPDATE users SET failures = 0, locked_at = NULL WHERE tenant = $1 AND id = $2 AND locked_at = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &END_LOCKOUT,
    &BY_NAME[0],
    &BY_NAME[1],
    &BY_NAME[2],
    &BY_NAME[3],
    &BY_ID[0],
    &BY_ID[1],
    &BY_ID[2],
    &BY_ID[3],
    &ADVANCE,
    &SPEND_BYPASS,
    &SPEND_SMS,
    &SPEND_PASSKEY,
    &SPEND_RECOVERY,
    &COUNT_FAILURE,
    &CLEAR_FAILURES,
];

/// What must be spent for an authentication to count, each at most once.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// The counter of a token moves on to the step or count of the code.
    Counter {
        /// The token.
        token: TokenId,
        /// TOTP step, HOTP counter or Yubico counter of the code.
        counter: i64,
        /// How many steps the token's clock is ahead.
        drift: i64,
    },
    /// A bypass code loses one use.
    Bypass(BypassId),
    /// A passcode that was sent is used up.
    Sms(PhoneId, SmsCodeId),
    /// A passkey has signed: it is the user's, not suspended, and its counter moves on (or has always been 0).
    Passkey {
        /// The passkey.
        passkey: PasskeyId,
        /// The signature counter of this signature.
        counter: i64,
        /// Whether it is copied to other devices by now.
        backed_up: bool,
    },
    /// A recovery code or an access pass is used up.
    Recovery(RecoveryId),
    /// The code was wrong: a failure is counted.
    Wrong,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The proof was spent by this authentication and no other.
    Won,
    /// The proof was right but spent before: a replay. It is counted as a failure.
    Spent,
    /// The code was wrong; so many failures now.
    Failed(i64),
    /// Too many failures before this one: the code was not looked at.
    LockedOut,
}

/// One authentication to be recorded.
pub struct Authentication {
    /// Whose.
    pub tenant: TenantId,
    /// By whom.
    pub user: UserId,
    /// What must be spent.
    pub proof: Proof,
    /// The failures that were seen when the user was read; zero saves a write.
    pub failures_seen: i64,
    /// From this count on the user is locked out.
    pub threshold: i64,
    /// Now.
    pub now: Millis,
    /// Makes the log row for the outcome.
    pub log: Box<dyn FnOnce(Recorded) -> AuthLogRow + Send>,
}

impl Authentication {
    fn touches(&self) -> Touches {
        let spent = match self.proof {
            Proof::Counter { token, .. } => token.uuid().as_u128(),
            // Two users of one phone hold the same code.
            Proof::Sms(_, code) => code.uuid().as_u128(),
            Proof::Passkey { passkey, .. } => passkey.uuid().as_u128(),
            Proof::Bypass(_) | Proof::Recovery(_) | Proof::Wrong => 0,
        };
        [self.user.uuid().as_u128(), spent]
    }
}

/// The login path of one store.
pub struct Login {
    readers: Vec<Batcher<(TenantId, Who), Option<Holder>>>,
    writers: Vec<Batcher<Authentication, Recorded>>,
}

impl Login {
    /// Starts the lanes; needs a Tokio runtime.
    #[must_use]
    pub fn start(engine: &Arc<dyn Engine>) -> Self {
        // SQLite has one writer and few readers; a second lane on PostgreSQL uses a second of its processes.
        let lanes = if engine.name() == "sqlite" { 1 } else { LANES };
        let reader = || {
            let engine = Arc::clone(engine);
            Batcher::start(
                BATCH,
                |_| [0, 0],
                move |batch| {
                    let engine = Arc::clone(&engine);
                    async move { find_holders(engine.as_ref(), &batch).await }
                },
            )
        };
        let writer = || {
            let engine = Arc::clone(engine);
            Batcher::start(BATCH, Authentication::touches, move |batch| {
                let engine = Arc::clone(&engine);
                async move { record_authentications(engine.as_ref(), batch).await }
            })
        };
        Self {
            readers: std::iter::repeat_with(reader).take(lanes).collect(),
            writers: std::iter::repeat_with(writer).take(lanes).collect(),
        }
    }

    /// The user with devices and groups.
    pub async fn find(&self, tenant: TenantId, who: Who) -> Result<Option<Holder>, StoreError> {
        lane(&self.readers, tenant.uuid().as_u128())?.ask((tenant, who)).await
    }

    /// Records an authentication durably and says whether its proof was the one that counted.
    pub async fn record(&self, authentication: Authentication) -> Result<Recorded, StoreError> {
        lane(&self.writers, authentication.user.uuid().as_u128())?.ask(authentication).await
    }
}

fn lane<T>(lanes: &[T], key: u128) -> Result<&T, StoreError> {
    // The low half of an id is chance only in its upper part; mix both.
    let mixed = (key ^ (key >> 64) ^ (key >> 40)) as usize;
    lanes.get(mixed % lanes.len().max(1)).ok_or_else(|| StoreError::Unavailable("no lane".to_owned()))
}

/// Reads many users at once.
pub async fn find_holders(engine: &dyn Engine, batch: &[(TenantId, Who)]) -> Result<Vec<Option<Holder>>, StoreError> {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for (n, (tenant, who)) in (0_i64..).zip(batch) {
        match who {
            Who::Name(name) => names.extend([(*tenant).into(), n.into(), name.as_str().into()]),
            Who::Id(id) => ids.extend([(*tenant).into(), n.into(), (*id).into()]),
        }
    }
    let mut calls: Vec<(&'static Statement, Vec<Value>)> = Vec::with_capacity(8);
    for (statements, params) in [(&BY_NAME, names), (&BY_ID, ids)] {
        if !params.is_empty() {
            calls.extend(statements.iter().map(|statement| (statement, params.clone())));
        }
    }
    let mut holders: Vec<Option<Holder>> = batch.iter().map(|_| None).collect();
    let mut answers = engine.read(calls).await?.into_iter();
    while let (Some(users), Some(tokens), Some(phones), Some(groups)) =
        (answers.next(), answers.next(), answers.next(), answers.next())
    {
        each(users, |n, user: UserRow| {
            if let Some(place) = holders.get_mut(n) {
                *place = Some(Holder { user, groups: Vec::new(), phones: Vec::new(), tokens: Vec::new() });
            }
        })?;
        each(tokens, |n, token: TokenRow| {
            if let Some(to) = holder(&mut holders, n) {
                to.tokens.push(token)
            }
        })?;
        each(phones, |n, phone: PhoneRow| {
            if let Some(to) = holder(&mut holders, n) {
                to.phones.push(phone)
            }
        })?;
        each(groups, |n, group: GroupRow| {
            if let Some(to) = holder(&mut holders, n) {
                to.groups.push(group)
            }
        })?;
    }
    Ok(holders)
}

fn holder(holders: &mut [Option<Holder>], n: usize) -> Option<&mut Holder> {
    holders.get_mut(n).and_then(Option::as_mut)
}

/// Reads rows that begin with the number of their request.
fn each<T: Record>(rows: Vec<Row>, mut take: impl FnMut(usize, T)) -> Result<(), StoreError> {
    for row in rows {
        let mut columns = row.read();
        let n = usize::try_from(columns.take::<i64>()?).unwrap_or(usize::MAX);
        take(n, T::from_columns(&mut columns)?);
    }
    Ok(())
}

/// In one order on every node: two batches that took the locks of the same rows in turn would stop each other.
fn in_order<K: Ord>(batch: &[Authentication], key: impl Fn(&Authentication) -> K) -> Vec<&Authentication> {
    let mut ordered: Vec<_> = batch.iter().collect();
    ordered.sort_unstable_by_key(|one| key(one));
    ordered
}

/// Records many authentications in one transaction. No two of them may be of the same user or token.
///
/// Each wins or loses by a conditional update, so one that fails spoils no other. When this returns, all are durable.
pub async fn record_authentications(
    engine: &dyn Engine,
    batch: Vec<Authentication>,
) -> Result<Vec<Recorded>, StoreError> {
    let mut tx = engine.begin().await?;
    let (mut counters, mut bypass, mut sms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut passkeys, mut recovery) = (Vec::new(), Vec::new());
    for one in in_order(&batch, |one| (one.touches()[1], one.user)) {
        let (tenant, user, now, threshold) = (one.tenant, one.user, one.now, one.threshold);
        match one.proof {
            Proof::Counter { token, counter, drift } => {
                counters.extend(crate::values![tenant, token, user, counter, drift, now, threshold]);
            }
            Proof::Bypass(id) => bypass.extend(crate::values![tenant, user, id, now, threshold]),
            Proof::Sms(phone, id) => sms.extend(crate::values![tenant, phone, id, user, now, threshold]),
            Proof::Passkey { passkey, counter, backed_up } => {
                passkeys.extend(crate::values![tenant, passkey, user, counter, backed_up, now, threshold]);
            }
            Proof::Recovery(id) => recovery.extend(crate::values![tenant, user, id, now, threshold]),
            Proof::Wrong => {}
        }
    }
    let mut spent: HashSet<(TenantId, u128)> = HashSet::with_capacity(batch.len());
    for (statement, params) in [
        (&ADVANCE, counters),
        (&SPEND_BYPASS, bypass),
        (&SPEND_SMS, sms),
        (&SPEND_PASSKEY, passkeys),
        (&SPEND_RECOVERY, recovery),
    ] {
        if !params.is_empty() {
            for row in tx.run(statement, params).await? {
                let mut columns = row.read();
                spent.insert((columns.take()?, columns.take::<Id<AnyKind>>()?.uuid().as_u128()));
            }
        }
    }
    let won = |one: &Authentication| {
        let id = match one.proof {
            Proof::Counter { token, .. } => token.uuid(),
            Proof::Bypass(id) => id.uuid(),
            Proof::Sms(_, id) => id.uuid(),
            Proof::Passkey { passkey, .. } => passkey.uuid(),
            Proof::Recovery(id) => id.uuid(),
            Proof::Wrong => return false,
        };
        spent.contains(&(one.tenant, id.as_u128()))
    };
    let (mut lost, mut clear) = (Vec::new(), Vec::new());
    for one in in_order(&batch, |one| one.user) {
        if !won(one) {
            lost.extend(crate::values![one.tenant, one.user, one.now, one.threshold]);
        } else if one.failures_seen > 0 {
            clear.extend(crate::values![one.tenant, one.user, one.threshold]);
        }
    }
    let mut failures: HashMap<(TenantId, UserId), i64> = HashMap::new();
    if !lost.is_empty() {
        for row in tx.run(&COUNT_FAILURE, lost).await? {
            let mut columns = row.read();
            failures.insert((columns.take()?, columns.take()?), columns.take()?);
        }
    }
    if !clear.is_empty() {
        tx.run(&CLEAR_FAILURES, clear).await?;
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut logs = Vec::new();
    for one in batch {
        let outcome = match (won(&one), failures.get(&(one.tenant, one.user)), one.proof) {
            (true, ..) => Recorded::Won,
            (false, None, _) => Recorded::LockedOut,
            (false, Some(count), Proof::Wrong) => Recorded::Failed(*count),
            (false, Some(_), _) => Recorded::Spent,
        };
        logs.push(Value::from(one.tenant));
        logs.extend((one.log)(outcome).values());
        outcomes.push(outcome);
    }
    tx.run(&auth_log::INSERT_SET, logs).await?;
    tx.commit().await?;
    Ok(outcomes)
}

impl Tx {
    /// Ends the lock-out that began at `locked_at`, and no later one.
    pub async fn end_lockout(&mut self, user: UserId, locked_at: Millis) -> Result<bool, StoreError> {
        self.changed(&END_LOCKOUT, crate::values![user, locked_at]).await
    }
}

/// For ids whose kind doesn't matter here.
enum AnyKind {}
impl Kind for AnyKind {
    const PREFIX: &'static str = "";
    const NAME: &'static str = "any";
}
