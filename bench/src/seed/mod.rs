//! Fills a database with a population, fast: rows in the order of their keys, straight into the tables.
//!
//! The store would take a transaction for each user; a million of them is half an hour of commits that nobody wants to
//! measure. What is written is what the store would write: seeds and secrets are sealed by the tenants' own keys.

pub(crate) mod postgres;
pub(crate) mod sqlite;
mod tables;

use crate::population::{self, Domain, Person, Population, Stream, USED_COUNTER};
use anyhow::{Context, Result};
use keys::{KeyRing, TenantKeys};
use std::sync::Arc;
use store::{engine::Value, fields, values};
pub(crate) use tables::{Into, TABLES};
use types::{Clock, Millis, World};

/// The rows of a tenant and of its users.
pub(crate) struct Rows {
    ring: KeyRing,
    world: World,
    now: Millis,
    public_key: Vec<u8>,
    credential: Vec<u8>,
}

/// Settings of every tenant: pushes are measured from browsers that nobody has signed in with yet.
const SETTINGS: &str = r#"{"push_in_new_browsers":true}"#;

/// One row and where it goes.
pub(crate) type Row = (Into, Vec<Value>);

impl Rows {
    /// Rows whose secrets are sealed under `ring`; all authenticators have one key, whose public half this is, and all
    /// passkeys another, which `credential` is about.
    pub(crate) fn new(ring: KeyRing, public_key: Vec<u8>, credential: Vec<u8>, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        // Nonces by chance, but without asking the system a million times for twelve bytes.
        let random = Arc::new(Stream::new(Domain::Nonce, now.as_u64()));
        Self { ring, world: World { clock, random }, now, public_key, credential }
    }

    /// All rows of one tenant, into `out`.
    pub(crate) fn of_tenant(&self, population: Population, tenant: u64, out: &mut Vec<Row>) -> Result<()> {
        let id = population::tenant_id(tenant);
        let ikey = population::ikey(tenant);
        let wrapped = self.ring.create_tenant_key(id, 1, &self.world)?;
        let keys = self.ring.open_tenant_keys(id, std::slice::from_ref(&wrapped))?;
        let secret = keys.seal(
            fields::integration_secret(&ikey),
            population::skey(tenant).as_bytes(),
            self.world.random.as_ref(),
        )?;
        let name = format!("Tenant {tenant}");
        out.push((Into::Tenant, values![id, name, population::api_host(tenant), self.now, SETTINGS]));
        out.push((Into::TenantKey, values![id, i64::from(wrapped.version), wrapped.root, wrapped.bytes, self.now]));
        out.push((Into::IntegrationKey, values![ikey.as_str(), id]));
        out.push((Into::Integration, values![id, ikey, "Bench", "authapi", secret, false, "simple", "{}", self.now]));
        let first = tenant * population.each();
        for user in first..first + population.each() {
            self.of_user(&keys, population.person(user), out)?;
        }
        Ok(())
    }

    fn of_user(&self, keys: &TenantKeys, person: Person, out: &mut Vec<Row>) -> Result<()> {
        let (tenant, user, token) = (person.tenant_id(), person.user_id(), person.token_id());
        let seed = keys.seal(fields::token_seed(&token), &person.seed(), self.world.random.as_ref())?;
        let name = person.name();
        let email = format!("{name}@bench.test");
        out.push((
            Into::Users,
            values![
                tenant,
                user,
                name.as_str(),
                "Bench User",
                "Bench",
                "User",
                email,
                "",
                "active",
                0_i64,
                self.now,
                "{}",
                i64::from(person.has_passkey())
            ],
        ));
        out.push((Into::UserName, values![tenant, name, user, 0_i64]));
        out.push((
            Into::Token,
            values![tenant, token, "t6", person.serial(), seed, 6_i64, 30_i64, USED_COUNTER, 0_i64, self.now, self.now],
        ));
        if person.has_phone() {
            let phone = person.phone_id();
            let key = self.public_key.clone();
            out.push((
                Into::Phone,
                values![
                    tenant,
                    phone,
                    "",
                    "",
                    "mobile",
                    "google android",
                    "",
                    0_i64,
                    0_i64,
                    key,
                    "bench",
                    0_i64,
                    self.now
                ],
            ));
            out.push((Into::UserPhone, values![tenant, user, phone]));
        }
        if person.has_passkey() {
            let (passkey, credential) = (person.passkey_id(), self.credential.clone());
            let none = "00000000-0000-0000-0000-000000000000";
            out.push((
                Into::Passkey,
                values![
                    tenant,
                    passkey,
                    user,
                    person.credential_id().to_vec(),
                    credential,
                    "Bench passkey",
                    none,
                    "internal",
                    0_i64,
                    false,
                    false,
                    true,
                    "none",
                    "",
                    self.now
                ],
            ));
        }
        out.push((Into::UserToken, values![tenant, user, token]));
        Ok(())
    }
}

/// The table of a row.
pub(crate) fn table(into: Into) -> Result<&'static tables::Table> {
    TABLES.get(into as usize).context("a row without a table")
}
