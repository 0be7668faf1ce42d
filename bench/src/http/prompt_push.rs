//! A push from the page: the browser asks for it, the authenticator that waits is told, its owner types the digits, the page's stream
//! says so, and the browser goes back to the application.

use super::{
    connection::{Connection, Target},
    load::Work,
    page::{Visit, between, to_path},
    sign::device,
};
use crate::{population::Population, report::Times};
use anyhow::{Context, Result, bail};
use aws_lc_rs::signature::EcdsaKeyPair;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

const FORM: &str = "application/x-www-form-urlencoded";
/// How long the person takes, so that the page's stream stands when the answer comes.
const PERSON: Duration = Duration::from_millis(200);
/// So long before the push the authenticator has begun to wait.
const AHEAD: Duration = Duration::from_millis(50);

/// A worker: a browser with its page and its stream, and an authenticator.
pub(crate) struct PagePushes {
    visit: Visit,
    device: Connection,
    key: Arc<EcdsaKeyPair>,
    population: Population,
    notified: Arc<Mutex<Times>>,
}

impl PagePushes {
    /// So many workers. Into `notified` go the times from the browser's request to what the authenticator is told.
    pub(crate) async fn workers(
        target: &Target,
        population: Population,
        key: &Arc<EcdsaKeyPair>,
        notified: &Arc<Mutex<Times>>,
        count: usize,
    ) -> Result<Vec<Self>> {
        let mut workers = Vec::with_capacity(count);
        for _ in 0..count {
            workers.push(Self {
                visit: Visit::new(target).await?,
                device: target.connect().await?,
                key: Arc::clone(key),
                population,
                notified: Arc::clone(notified),
            });
        }
        Ok(workers)
    }

    /// Gives the time from the authenticator's answer to the browser's redirect to the application.
    async fn push(&mut self, n: u64) -> Result<Duration> {
        let person = self.population.walk_phones(n);
        let who = (person.tenant_id(), person.phone_id());
        let begun = self.visit.arrive(person.tenant, &person.name()).await?;
        let Self { visit, device: phone, key, notified, .. } = self;
        let ask = device(key, who, visit.world.now(), ("GET", "/authenticator/v1/requests?wait=20"), "")?;
        let path = format!("{}/push", begun.path);
        let form = begun.post(&path, FORM, &format!("token={}&device=", begun.token));
        let told = async {
            let told = phone.ask(&ask).await?;
            anyhow::Ok((Instant::now(), told))
        };
        let sent = async {
            sleep(AHEAD).await;
            let sent = Instant::now();
            let answer = visit.browser.ask(&form).await?;
            to_path(&answer, 303)?;
            Ok(sent)
        };
        let ((at, told), sent) = tokio::try_join!(told, sent)?;
        let txid = between(&told.body, "\"id\":\"", "\"");
        let txid = txid.with_context(|| format!("no request: {} {}", told.status, told.body))?.to_owned();
        notified.lock().unwrap_or_else(PoisonError::into_inner).add(at - sent);

        let page = visit.browser.ask(&begun.get(&path, "text/html")).await?;
        let digits = between(&page.body, "class=\"digits\"", "</p>").context("no digits on the page")?;
        // What stands in the tag itself ends with the first bracket; in the groups only digits are digits.
        let code: String = digits.split_once('>').unwrap_or_default().1.chars().filter(char::is_ascii_digit).collect();
        let mut stream = visit.target.connect().await?;
        let events = begun.get(&format!("{}/events", begun.path), "text/event-stream");
        let heard = async { stream.listen(&events, "data: ").await };
        let approved = async {
            sleep(PERSON).await;
            let path = format!("/authenticator/v1/requests/{txid}");
            let said = format!(r#"{{"answer":"approve","code":"{code}"}}"#);
            let answer = device(key, who, visit.world.now(), ("POST", &path), &said)?;
            let sent = Instant::now();
            let answer = phone.ask(&answer).await?;
            if answer.status != 200 || !answer.body.contains(r#""accepted":true"#) {
                bail!("the approval did not count: {} {}", answer.status, answer.body);
            }
            Ok(sent)
        };
        let (event, sent) = tokio::try_join!(heard, approved)?;
        if !event.contains("\"state\":\"allowed\"") {
            bail!("the page was told: {event}");
        }
        let next = between(&event, "\"next\":\"", "\"").context("the page leads nowhere")?;
        let code = visit.leave(&begun, next).await?;
        let took = sent.elapsed();
        visit.redeem(&begun, &code).await?;
        Ok(took)
    }
}

impl Work for PagePushes {
    async fn work(&mut self, n: u64) -> Result<Option<Duration>> {
        let done = self.push(n).await;
        if done.is_err() {
            self.visit.begin_anew().await?;
            self.device = self.visit.target.connect().await?;
        }
        done.map(Some)
    }
}
