//! The login path's own statements on an engine, without HTTP, TLS, signatures or rules: what is left for those to spoil.
//!
//! One login here is what a passcode login asks of the store: the holder is read twice (preauth and auth are two requests)
//! and the authentication is recorded once.

use crate::{
    counting::{Counting, Counts},
    population::{Domain, Person, Population, Stream, USED_COUNTER},
    report::Times,
};
use anyhow::{Context, Result, bail};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{
    AuthLogRow,
    engine::Engine,
    login::{Authentication, Holder, Login, Proof, Recorded, Who, find_holders, record_authentications},
};
use tokio::time::Instant;
use types::{LogId, Millis, UserName, World};

/// A bare engine with the people in it.
pub(crate) struct Bare {
    engine: Arc<dyn Engine>,
    counts: Arc<Counts>,
    population: Population,
    world: World,
    /// The next place in the walk through the population.
    next: AtomicU64,
    /// What tokens' counters are set to: far behind any TOTP step of today, so that the same users can log in over HTTPS later.
    counter: AtomicI64,
}

/// What a measurement gave.
pub(crate) struct Seen {
    pub(crate) logins: u64,
    pub(crate) took: Duration,
    pub(crate) times: Times,
}

impl Seen {
    pub(crate) fn rate(&self) -> f64 {
        self.logins as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

impl Bare {
    pub(crate) fn new(inner: Arc<dyn Engine>, population: Population) -> Self {
        let counts = Arc::new(Counts::default());
        Self {
            engine: Arc::new(Counting { inner, counts: Arc::clone(&counts) }),
            counts,
            population,
            world: World::real(),
            next: AtomicU64::new(0),
            counter: AtomicI64::new(USED_COUNTER + 1),
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Batches of one size, one after the other, for `length`.
    pub(crate) async fn batches(&self, size: usize, length: Duration) -> Result<Seen> {
        let began = Instant::now();
        let mut times = Times::default();
        let mut logins = 0;
        while began.elapsed() < length {
            let one = Instant::now();
            let people: Vec<Person> = (0..size).map(|_| self.draw()).collect();
            let asked: Vec<_> = people.iter().map(|person| (person.tenant_id(), who(*person))).collect();
            find_holders(self.engine.as_ref(), &asked).await?;
            let holders = find_holders(self.engine.as_ref(), &asked).await?;
            let mut batch = Vec::with_capacity(size);
            for (person, holder) in people.iter().zip(&holders) {
                batch.push(self.authentication(*person, holder.as_ref().context("a seeded user is missing")?)?);
            }
            let recorded = record_authentications(self.engine.as_ref(), batch).await?;
            if recorded.len() != size || recorded.iter().any(|one| *one != Recorded::Won) {
                bail!("not every authentication won");
            }
            logins += size as u64;
            times.add(one.elapsed());
        }
        Ok(Seen { logins, took: began.elapsed(), times })
    }

    /// So many at the same time, through the lanes that the server uses, for `length`.
    pub(crate) async fn lanes(self: &Arc<Self>, parallel: usize, length: Duration) -> Result<Seen> {
        let login = Arc::new(Login::start(&self.engine));
        let began = Instant::now();
        let tasks: Vec<_> = (0..parallel)
            .map(|_| {
                let (bare, login) = (Arc::clone(self), Arc::clone(&login));
                tokio::spawn(async move {
                    let mut times = Times::default();
                    while began.elapsed() < length {
                        let one = Instant::now();
                        bare.one(&login).await?;
                        times.add(one.elapsed());
                    }
                    Ok::<_, anyhow::Error>(times)
                })
            })
            .collect();
        let mut times = Times::default();
        for task in tasks {
            times.join(&task.await??);
        }
        Ok(Seen { logins: times.count() as u64, took: began.elapsed(), times })
    }

    async fn one(&self, login: &Login) -> Result<()> {
        let person = self.draw();
        login.find(person.tenant_id(), who(person)).await?;
        let holder = login.find(person.tenant_id(), who(person)).await?.context("a seeded user is missing")?;
        match login.record(self.authentication(person, &holder)?).await? {
            Recorded::Won => Ok(()),
            other => bail!("an authentication was not won: {other:?}"),
        }
    }

    fn draw(&self) -> Person {
        self.population.walk(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn authentication(&self, person: Person, holder: &Holder) -> Result<Authentication> {
        let token = holder.tokens.first().context("a seeded token is missing")?;
        let now = self.world.now();
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        let row = log_row(person, token.id.to_string(), now, counter.unsigned_abs());
        Ok(Authentication {
            tenant: person.tenant_id(),
            user: person.user_id(),
            proof: Proof::Counter { token: token.id, counter, drift: 0 },
            failures_seen: 0,
            threshold: 10,
            now,
            log: Box::new(move |_| row),
        })
    }
}

fn who(person: Person) -> Who {
    Who::Name(UserName::from_store(person.name()))
}

/// A log row as a passcode login writes it.
pub(crate) fn log_row(person: Person, device: String, now: Millis, n: u64) -> AuthLogRow {
    AuthLogRow {
        id: LogId::new(now, &Stream::new(Domain::Log, n ^ now.as_u64().rotate_left(20))),
        at: now,
        user_id: Some(person.user_id()),
        username: person.name(),
        ikey: crate::population::ikey(person.tenant),
        factor: "hardware_token".to_owned(),
        result: "success".to_owned(),
        reason: "valid_passcode".to_owned(),
        ip: "192.0.2.17".to_owned(),
        device,
        detail: r#"{"rule":"default","application":"Bench","hostname":"host.bench.test"}"#.to_owned(),
    }
}
