//! A passcode login: preauth, then auth with the code that the user's token shows.

use super::{
    connection::{Connection, Target},
    load::Work,
    sign::{Date, Signer, totp},
};
use crate::population::{Person, Population};
use anyhow::{Result, bail};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use types::World;

/// Seconds of a step.
const PERIOD: i64 = 30;

/// Which step's code of each user is used up.
pub(crate) struct Codes {
    population: Population,
    used: Vec<AtomicI64>,
}

impl Codes {
    /// All codes are unused.
    pub(crate) fn new(population: Population) -> Arc<Self> {
        let used = (0..population.users).map(|_| AtomicI64::new(0)).collect();
        Arc::new(Self { population, used })
    }

    /// A user at or behind the `n`th of the walk who has an unused code now, with its step.
    fn take(&self, n: u64, now: i64) -> Result<(Person, i64)> {
        let current = now.div_euclid(PERIOD);
        for n in n..n + 64 {
            let person = self.population.walk(n);
            let Some(used) = usize::try_from(person.user).ok().and_then(|place| self.used.get(place)) else { break };
            let took = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                // A token shows the next code soon enough; the server accepts it within its window.
                let step = current.max(used + 1);
                (step <= current + 1).then_some(step)
            });
            if let Ok(before) = took {
                return Ok((person, current.max(before + 1)));
            }
        }
        bail!("too few users for this rate: every code is used up")
    }
}

/// A worker with its connection.
pub(crate) struct Logins {
    target: Target,
    connection: Connection,
    codes: Arc<Codes>,
    world: World,
    date: Date,
}

impl Logins {
    /// So many workers, each connected.
    pub(crate) async fn workers(target: &Target, codes: &Arc<Codes>, count: usize) -> Result<Vec<Self>> {
        let mut workers = Vec::with_capacity(count);
        for _ in 0..count {
            workers.push(Self {
                target: target.clone(),
                connection: target.connect().await?,
                codes: Arc::clone(codes),
                world: World::real(),
                date: Date::default(),
            });
        }
        Ok(workers)
    }

    async fn login(&mut self, n: u64) -> Result<()> {
        let now = self.world.now();
        let (person, step) = self.codes.take(n, now.seconds())?;
        let signer = Signer::new(person.tenant);
        let date = self.date.at(now)?;
        let name = person.name();
        let body = format!(r#"{{"hostname":"host.bench.test","ipaddr":"192.0.2.17","username":"{name}"}}"#);
        let answer = self.connection.ask(&signer.post("/auth/v2/preauth", &body, date)).await?;
        if answer.status != 200 || !answer.body.contains(r#""result":"auth""#) {
            bail!("preauth: {} {}", answer.status, answer.body);
        }
        let code = totp(&person.seed(), step);
        let body = format!(
            r#"{{"factor":"passcode","hostname":"host.bench.test","ipaddr":"192.0.2.17","passcode":"{code}","username":"{name}"}}"#
        );
        let answer = self.connection.ask(&signer.post("/auth/v2/auth", &body, date)).await?;
        if answer.status != 200 || !answer.body.contains(r#""result":"allow""#) {
            bail!("auth: {} {}", answer.status, answer.body);
        }
        Ok(())
    }
}

impl Work for Logins {
    async fn work(&mut self, n: u64) -> Result<Option<Duration>> {
        let done = self.login(n).await;
        if done.is_err() {
            // What is left of a broken exchange must not answer the next request.
            self.connection = self.target.connect().await?;
        }
        done.map(|()| None)
    }
}

/// Asks preauth for one user of each tenant from `first` on, so that the server has met them.
pub(crate) struct Meets(pub(crate) Logins);

impl Work for Meets {
    async fn work(&mut self, n: u64) -> Result<Option<Duration>> {
        let population = self.0.codes.population;
        let person = population.person(n % population.tenants * population.each());
        let signer = Signer::new(person.tenant);
        let body = format!(r#"{{"username":"{}"}}"#, person.name());
        let date = self.0.date.at(self.0.world.now())?;
        let answer = self.0.connection.ask(&signer.post("/auth/v2/preauth", &body, date)).await?;
        if answer.status != 200 || !answer.body.contains(r#""result":"auth""#) {
            bail!("preauth: {} {}", answer.status, answer.body);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_taken_twice_and_none_of_the_far_future() {
        let codes = Codes::new(Population { tenants: 1, users: 10 });
        let mut taken = std::collections::HashSet::new();
        for n in 0..20 {
            let (person, step) = codes.take(n, 3000).unwrap();
            assert!((100..=101).contains(&step));
            assert!(taken.insert((person.user, step)), "{n}");
        }
        assert!(codes.take(20, 3000).is_err());
        assert!(codes.take(20, 3030).is_ok());
    }
}
