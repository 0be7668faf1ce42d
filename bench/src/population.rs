//! Who lives in the database that is measured: every id, name and secret follows from a number, so nothing has to be read
//! back to know it.

use std::fmt::Write as _;
use types::{Id, Kind, Millis, PasskeyId, PhoneId, Random, TenantId, TokenId, UserId};

/// The oldest id; the others follow a second after each other.
const BEGAN: Millis = Millis(1_700_000_000_000);

/// Every so many users one has an authenticator beside the token.
const PHONE_EVERY: u64 = 10;
/// And as many have a passkey; nobody has both.
const PASSKEY_EVERY: u64 = 10;
const FIRST_PASSKEY: u64 = 5;

/// The step that every token was last used in, long ago. A token that never was would grow by its first login, and the pages
/// of a freshly filled database have no room: each login would split one, which no database in use does.
pub(crate) const USED_COUNTER: i64 = 1 << 25;

/// So many tenants with so many users each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Population {
    /// Tenants.
    pub(crate) tenants: u64,
    /// Users of all tenants together: a multiple of `tenants`.
    pub(crate) users: u64,
}

/// One user: the tenant's number and the user's number within all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// From 0.
    pub(crate) tenant: u64,
    /// From 0, through all tenants.
    pub(crate) user: u64,
}

impl Population {
    /// Users of one tenant.
    pub(crate) fn each(self) -> u64 {
        (self.users / self.tenants.max(1)).max(1)
    }

    /// The user with this number.
    pub(crate) fn person(self, user: u64) -> Person {
        let user = user % self.users.max(1);
        Person { tenant: user / self.each(), user }
    }

    /// The `n`th of a walk that meets every user once before it meets one again, in an order without a pattern that a
    /// database could use.
    pub(crate) fn walk(self, n: u64) -> Person {
        self.person(walk(n, self.users))
    }

    /// The same over the users who have an authenticator.
    pub(crate) fn walk_phones(self, n: u64) -> Person {
        self.person(walk(n, self.phones()) * PHONE_EVERY)
    }

    /// The same over the users who have a passkey.
    pub(crate) fn walk_passkeys(self, n: u64) -> Person {
        let passkeys = (self.users.saturating_sub(FIRST_PASSKEY)).div_ceil(PASSKEY_EVERY).max(1);
        self.person(walk(n, passkeys) * PASSKEY_EVERY + FIRST_PASSKEY)
    }

    /// How many have an authenticator.
    pub(crate) fn phones(self) -> u64 {
        self.users.div_ceil(PHONE_EVERY)
    }
}

/// A step that has no divisor in common with the number of places visits all of them; near the golden section, neighbours
/// in the walk are far apart.
fn walk(n: u64, places: u64) -> u64 {
    let places = places.max(1);
    let mut step = (places as f64 * 0.618_033_988_75) as u64 | 1;
    while greatest_common_divisor(step, places) != 1 {
        step += 2;
    }
    (u128::from(n) * u128::from(step) % u128::from(places)) as u64
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The id of a tenant.
pub(crate) fn tenant_id(tenant: u64) -> TenantId {
    id(Domain::Tenant, tenant)
}

/// The host name of a tenant's API.
pub(crate) fn api_host(tenant: u64) -> String {
    format!("api-{tenant:08x}.bench.test")
}

/// The key of a tenant's one integration: `DI` and 18 characters.
pub(crate) fn ikey(tenant: u64) -> String {
    text("DI", 18, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Domain::Ikey, tenant)
}

/// Its secret: 40 characters.
pub(crate) fn skey(tenant: u64) -> String {
    text("", 40, b"abcdefghijklmnopqrstuvwxyzABCDEF", Domain::Skey, tenant)
}

impl Person {
    /// The tenant's id.
    pub(crate) fn tenant_id(self) -> TenantId {
        tenant_id(self.tenant)
    }

    /// The user's id.
    pub(crate) fn user_id(self) -> UserId {
        id(Domain::User, self.user)
    }

    /// The name, in the form in which it is looked up.
    pub(crate) fn name(self) -> String {
        format!("user{:09}", self.user)
    }

    /// The id of the user's token.
    pub(crate) fn token_id(self) -> TokenId {
        id(Domain::Token, self.user)
    }

    /// The token's serial number.
    pub(crate) fn serial(self) -> String {
        format!("T{:011}", self.user)
    }

    /// Whether the user has an authenticator.
    pub(crate) fn has_phone(self) -> bool {
        self.user.is_multiple_of(PHONE_EVERY)
    }

    /// Its id.
    pub(crate) fn phone_id(self) -> PhoneId {
        id(Domain::Phone, self.user)
    }

    /// Whether the user has a passkey.
    pub(crate) fn has_passkey(self) -> bool {
        self.user % PASSKEY_EVERY == FIRST_PASSKEY
    }

    /// Its id.
    pub(crate) fn passkey_id(self) -> PasskeyId {
        id(Domain::Passkey, self.user)
    }

    /// The id that the passkey's authenticator gave it.
    pub(crate) fn credential_id(self) -> [u8; 16] {
        let mut id = [0; 16];
        Stream::new(Domain::Credential, self.user).fill(&mut id);
        id
    }

    /// The token's seed.
    pub(crate) fn seed(self) -> [u8; 20] {
        let mut seed = [0; 20];
        Stream::new(Domain::Seed, self.user).fill(&mut seed);
        seed
    }
}

/// What a number is turned into: the same number must not give the same bytes twice.
#[derive(Clone, Copy)]
pub(crate) enum Domain {
    Tenant = 1,
    Ikey,
    Skey,
    User,
    Token,
    Phone,
    Seed,
    Nonce,
    Log,
    Passkey,
    Credential,
}

fn id<K: Kind>(domain: Domain, n: u64) -> Id<K> {
    let at = Millis(BEGAN.0 + i64::try_from(n).unwrap_or(0) * 1000);
    Id::new(at, &Stream::new(domain, n))
}

fn text(prefix: &str, length: usize, alphabet: &[u8; 32], domain: Domain, n: u64) -> String {
    let mut bytes = [0_u8; 40];
    Stream::new(domain, n).fill(&mut bytes);
    let mut out = prefix.to_owned();
    for byte in bytes.iter().take(length) {
        let place = usize::from(byte & 31);
        let _ = write!(out, "{}", char::from(alphabet.get(place).copied().unwrap_or(b'A')));
    }
    out
}

/// Bytes that follow from a number: good enough to look like chance, and fast. No secret of anybody hangs on them.
pub(crate) struct Stream(std::sync::atomic::AtomicU64);

impl Stream {
    /// The stream of `n` in `domain`.
    pub(crate) fn new(domain: Domain, n: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(mix(n ^ ((domain as u64) << 56))))
    }

    /// The next 64 bits.
    pub(crate) fn next(&self) -> u64 {
        mix(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed))
    }
}

impl Random for Stream {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}

/// The finishing step of SplitMix64: every bit of the result hangs on every bit of `x`.
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const SMALL: Population = Population { tenants: 10, users: 1000 };

    #[test]
    fn a_walk_meets_everybody_once_in_a_lap() {
        let met: HashSet<u64> = (0..SMALL.users).map(|n| SMALL.walk(n).user).collect();
        assert_eq!(met.len(), 1000);
        assert_eq!(SMALL.walk(0), SMALL.walk(1000), "the next lap is the same");
    }

    #[test]
    fn a_person_is_of_one_tenant_and_ids_follow_from_numbers() {
        let person = SMALL.person(999);
        assert_eq!(person.tenant, 9);
        assert_eq!(person.user_id(), SMALL.person(999).user_id());
        assert_ne!(person.user_id().uuid(), person.token_id().uuid());
        assert_ne!(person.seed(), SMALL.person(998).seed());
        // Clustered tables are filled in the order of their keys.
        assert!((1..1000).all(|n| SMALL.person(n - 1).user_id().uuid() < SMALL.person(n).user_id().uuid()));
        assert!((1..10).all(|n| tenant_id(n - 1).uuid() < tenant_id(n).uuid()));
    }

    #[test]
    fn keys_have_the_form_of_duos() {
        assert_eq!((ikey(7).len(), &ikey(7)[..2], skey(7).len()), (20, "DI", 40));
        let all: HashSet<_> = (0..1000).map(ikey).collect();
        assert_eq!(all.len(), 1000);
    }
}
