//! The peers: the essential statements of a passcode login in the least code that runs them, on the same database.
//!
//! Essential are: find the user and the token by name, move the token's counter on under its condition, append the log row,
//! and make it durable. Once each; no second look-up, no phones, no groups, no channel between threads.

use crate::{
    bare::{Seen, log_row},
    population::{Person, Population, USED_COUNTER},
    report::Times,
};
use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use rusqlite::{Connection, OptionalExtension};
use std::{path::Path, time::Duration};
use store::AuthLogRow;
use tokio::time::Instant;
use types::{Millis, World};
use uuid::Uuid;

const FIND: &str = "SELECT u.id, u.status, u.failures, t.id, t.seed, t.counter FROM user_name n \
     JOIN users u ON u.tenant = n.tenant AND u.id = n.user_id JOIN user_token l ON l.tenant = u.tenant AND l.user_id = u.id \
     JOIN token t ON t.tenant = l.tenant AND t.id = l.token_id WHERE n.tenant = ?1 AND n.name = ?2";
const ADVANCE: &str = "UPDATE token SET counter = ?3, last_used = ?4 WHERE tenant = ?1 AND id = ?2 AND counter < ?3";
const LOG: &str = "INSERT INTO auth_log (tenant, id, at, user_id, username, ikey, factor, result, reason, ip, device, detail) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// `rusqlite`: one thread, groups of `size` logins in one durable transaction.
pub(crate) fn sqlite(path: &Path, population: Population, size: usize, length: Duration) -> Result<Seen> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;",
    )?;
    let (mut find, mut advance, mut log) =
        (connection.prepare(FIND)?, connection.prepare(ADVANCE)?, connection.prepare(LOG)?);
    let world = World::real();
    let (began, mut times, mut n) = (Instant::now(), Times::default(), 0_u64);
    // Behind those of the bare engine, which has used the same database.
    let base = USED_COUNTER + (1 << 22);
    while began.elapsed() < length {
        let one = Instant::now();
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..size {
            let person = population.walk(n);
            n += 1;
            let now = world.now();
            let tenant = person.tenant_id();
            let found: Option<(Vec<u8>, String, i64, Vec<u8>)> = find
                .query_row((tenant.as_bytes(), person.name()), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
                .optional()?;
            let Some((user, _, _, token)) = found else { bail!("a seeded user is missing") };
            if advance.execute((tenant.as_bytes(), &token, base + i64::try_from(n)?, now.0))? != 1 {
                bail!("an authentication was not won");
            }
            let row = row_of(person, now, n);
            log.execute(rusqlite::params![
                tenant.as_bytes(),
                row.id.as_bytes(),
                row.at.0,
                user,
                row.username,
                row.ikey,
                row.factor,
                row.result,
                row.reason,
                row.ip,
                row.device,
                row.detail
            ])?;
        }
        connection.execute_batch("COMMIT")?;
        times.add(one.elapsed());
    }
    Ok(Seen { logins: n, took: began.elapsed(), times })
}

fn row_of(person: Person, now: Millis, n: u64) -> AuthLogRow {
    log_row(person, person.token_id().to_string(), now, n | 1 << 40)
}

const PG_FIND: &str = "SELECT u.id, u.status, u.failures, t.id, t.seed, t.counter \
     FROM UNNEST($1::uuid[], $2::text[]) AS input(tenant, name) JOIN user_name n ON n.tenant = input.tenant AND n.name = input.name \
     JOIN users u ON u.tenant = n.tenant AND u.id = n.user_id JOIN user_token l ON l.tenant = u.tenant AND l.user_id = u.id \
     JOIN token t ON t.tenant = l.tenant AND t.id = l.token_id";
const PG_ADVANCE: &str = "UPDATE token SET counter = input.counter, last_used = input.now \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS input(tenant, id, counter, now) \
     WHERE token.tenant = input.tenant AND token.id = input.id AND token.counter < input.counter";
const PG_LOG: &str = "INSERT INTO auth_log (tenant, id, at, user_id, username, ikey, factor, result, reason, ip, device, detail) \
     SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], \
     $9::text[], $10::text[], $11::text[], $12::text[])";

/// `tokio-postgres`: so many connections, each with batches of `size` logins as three statements over arrays.
pub(crate) async fn postgres(
    url: &str,
    population: Population,
    connections: u64,
    size: usize,
    length: Duration,
) -> Result<Seen> {
    let began = Instant::now();
    let lanes = (0..connections).map(|lane| postgres_lane(url, population, lane, connections, size, length));
    let mut times = Times::default();
    let mut logins = 0;
    for seen in try_join_all(lanes).await? {
        logins += seen.logins;
        times.join(&seen.times);
    }
    Ok(Seen { logins, took: began.elapsed(), times })
}

async fn postgres_lane(
    url: &str,
    population: Population,
    lane: u64,
    lanes: u64,
    size: usize,
    length: Duration,
) -> Result<Seen> {
    let mut client = crate::seed::postgres::connect(url).await?;
    let (find, advance, log) =
        (client.prepare(PG_FIND).await?, client.prepare(PG_ADVANCE).await?, client.prepare(PG_LOG).await?);
    let world = World::real();
    let (began, mut times, mut n) = (Instant::now(), Times::default(), 0_u64);
    let base = USED_COUNTER + (1 << 22);
    while began.elapsed() < length {
        let one = Instant::now();
        // Lanes take users in turn, so that no two of them touch the same one.
        let people: Vec<Person> = (n..n + size as u64).map(|n| population.walk(n * lanes + lane)).collect();
        n += size as u64;
        let now = world.now();
        let tenants: Vec<Uuid> = people.iter().map(|person| person.tenant_id().uuid()).collect();
        let names: Vec<String> = people.iter().map(|person| person.name()).collect();
        let tokens: Vec<Uuid> = people.iter().map(|person| person.token_id().uuid()).collect();
        let counter = base + i64::try_from(n)?;
        let (counters, nows) = (vec![counter; size], vec![now.0; size]);
        if client.query(&find, &[&tenants, &names]).await?.len() != size {
            bail!("a seeded user is missing");
        }
        let rows: Vec<AuthLogRow> =
            (0..).zip(&people).map(|(i, person)| row_of(*person, now, (n + i) * lanes + lane)).collect();
        let texts = |of: fn(&AuthLogRow) -> &String| rows.iter().map(|row| of(row).as_str()).collect::<Vec<_>>();
        let transaction = client.transaction().await?;
        if transaction.execute(&advance, &[&tenants, &tokens, &counters, &nows]).await? != size as u64 {
            bail!("an authentication was not won");
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
        let users: Vec<Uuid> = people.iter().map(|person| person.user_id().uuid()).collect();
        transaction
            .execute(
                &log,
                &[
                    &tenants,
                    &ids,
                    &nows,
                    &users,
                    &texts(|row| &row.username),
                    &texts(|row| &row.ikey),
                    &texts(|row| &row.factor),
                    &texts(|row| &row.result),
                    &texts(|row| &row.reason),
                    &texts(|row| &row.ip),
                    &texts(|row| &row.device),
                    &texts(|row| &row.detail),
                ],
            )
            .await?;
        transaction.commit().await?;
        times.add(one.elapsed());
    }
    Ok(Seen { logins: n, took: began.elapsed(), times })
}
