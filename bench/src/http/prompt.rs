//! The whole prompt by passkey: authorize, the page, the ceremony, the way back, the token. Seven requests.

use super::{
    connection::Target,
    load::Work,
    page::{Visit, between},
};
use crate::{passkey::Passkey, population::Population};
use anyhow::{Context, Result, bail};
use std::{sync::Arc, time::Duration};

const JSON: &str = "application/json";

/// A worker with its connections.
pub(crate) struct Prompts {
    visit: Visit,
    passkey: Arc<Passkey>,
    population: Population,
}

impl Prompts {
    /// So many workers, each connected.
    pub(crate) async fn workers(
        target: &Target,
        population: Population,
        passkey: &Arc<Passkey>,
        count: usize,
    ) -> Result<Vec<Self>> {
        let mut workers = Vec::with_capacity(count);
        for _ in 0..count {
            workers.push(Self { visit: Visit::new(target).await?, passkey: Arc::clone(passkey), population });
        }
        Ok(workers)
    }

    async fn prompt(&mut self, n: u64) -> Result<()> {
        let person = self.population.walk_passkeys(n);
        let begun = self.visit.arrive(person.tenant, &person.name()).await?;
        let options = begun.post(&format!("{}/passkey/options", begun.path), JSON, "{}");
        let options = self.visit.browser.ask(&options).await?;
        let challenge = between(&options.body, "\"challenge\":\"", "\"");
        let challenge = challenge.with_context(|| format!("options: {} {}", options.status, options.body))?;
        let answer = self.passkey.assertion(&person.credential_id(), begun.host(), challenge)?;
        let answer = begun.post(&format!("{}/passkey", begun.path), JSON, &answer);
        let answer = self.visit.browser.ask(&answer).await?;
        if answer.status != 200 {
            bail!("passkey: {} {}", answer.status, answer.body);
        }
        let next = between(&answer.body, "\"next\":\"", "\"").context("the page leads nowhere")?;
        let code = self.visit.leave(&begun, next).await?;
        self.visit.redeem(&begun, &code).await
    }
}

impl Work for Prompts {
    async fn work(&mut self, n: u64) -> Result<Option<Duration>> {
        let done = self.prompt(n).await;
        if done.is_err() {
            self.visit.begin_anew().await?;
        }
        done.map(|()| None)
    }
}
