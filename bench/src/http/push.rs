//! A push login: preauth offers a code, auth sends the request, the device approves it with the code, the waiter wakes.

use super::{
    connection::{Answer, Connection, Target},
    load::Work,
    sign::{Date, Signer, device},
};
use crate::population::{Person, Population};
use anyhow::{Context, Result, bail};
use aws_lc_rs::signature::EcdsaKeyPair;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use types::World;

/// How long the person takes, so that the waiter waits when the answer comes.
const PERSON: Duration = Duration::from_millis(200);

/// A worker with two connections: the application's and the device's.
pub(crate) struct Pushes {
    target: Target,
    application: Connection,
    device: Connection,
    key: Arc<EcdsaKeyPair>,
    population: Population,
    world: World,
    date: Date,
}

impl Pushes {
    /// So many workers, each connected.
    pub(crate) async fn workers(
        target: &Target,
        population: Population,
        key: &Arc<EcdsaKeyPair>,
        count: usize,
    ) -> Result<Vec<Self>> {
        let mut workers = Vec::with_capacity(count);
        for _ in 0..count {
            workers.push(Self {
                target: target.clone(),
                application: target.connect().await?,
                device: target.connect().await?,
                key: Arc::clone(key),
                population,
                world: World::real(),
                date: Date::default(),
            });
        }
        Ok(workers)
    }

    /// Gives the time from the answer being sent to the waiter knowing it.
    async fn push(&mut self, n: u64) -> Result<Duration> {
        let person = self.population.walk_phones(n);
        let signer = Signer::new(person.tenant);
        let date = self.date.at(self.world.now())?.to_owned();
        let name = person.name();
        let body = format!(r#"{{"client_supports_verified_push":"1","username":"{name}"}}"#);
        let offer = ok(self.application.ask(&signer.post("/auth/v2/preauth", &body, &date)).await?)?;
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {name} in {value}"))
        };
        let (txid, code) = (text(&offer, "txid")?, text(&offer, "verification_code")?);
        let body = format!(r#"{{"async":"1","device":"auto","factor":"push","txid":"{txid}","username":"{name}"}}"#);
        let begun = ok(self.application.ask(&signer.post("/auth/v2/auth", &body, &date)).await?)?;
        let txid = text(&begun, "txid")?;

        let status = signer.get("/auth/v2/auth_status", &format!("txid={txid}"), &date);
        let Self { application, device: phone, key, world, .. } = self;
        let waiter = async {
            loop {
                let state = ok(application.ask(&status).await?)?;
                match state.get("result").and_then(Value::as_str) {
                    Some("waiting") => {}
                    Some("allow") => return Ok(Instant::now()),
                    _ => bail!("auth_status: {state}"),
                }
            }
        };
        let answer = async {
            sleep(PERSON).await;
            approve(phone, key, world, person, &txid, &code).await
        };
        let (woken, sent) = tokio::try_join!(waiter, answer)?;
        Ok(woken - sent)
    }
}

/// The device looks what waits and answers; gives when the answer was sent.
async fn approve(
    phone: &mut Connection,
    key: &EcdsaKeyPair,
    world: &World,
    person: Person,
    txid: &str,
    code: &str,
) -> Result<Instant> {
    let who = (person.tenant_id(), person.phone_id());
    let ask = device(key, who, world.now(), ("GET", "/authenticator/v1/requests?wait=0"), "")?;
    let waiting = phone.ask(&ask).await?;
    if waiting.status != 200 || !waiting.body.contains(txid) {
        bail!("the device was not asked: {} {}", waiting.status, waiting.body);
    }
    let path = format!("/authenticator/v1/requests/{txid}");
    let said = format!(r#"{{"answer":"approve","code":"{code}"}}"#);
    let answer = device(key, who, world.now(), ("POST", &path), &said)?;
    let sent = Instant::now();
    let answer = phone.ask(&answer).await?;
    if answer.status != 200 || !answer.body.contains(r#""accepted":true"#) {
        bail!("the approval did not count: {} {}", answer.status, answer.body);
    }
    Ok(sent)
}

fn ok(answer: Answer) -> Result<Value> {
    let value: Value = serde_json::from_str(&answer.body).with_context(|| format!("status {}", answer.status))?;
    match value.get("response") {
        Some(response) if answer.status == 200 => Ok(response.clone()),
        _ => bail!("{} {value}", answer.status),
    }
}

impl Work for Pushes {
    async fn work(&mut self, n: u64) -> Result<Option<Duration>> {
        let done = self.push(n).await;
        if done.is_err() {
            self.application = self.target.connect().await?;
            self.device = self.target.connect().await?;
        }
        done.map(Some)
    }
}
