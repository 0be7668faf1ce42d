//! kill -9 under load, a hundred times: no acknowledged login is lost, and no code is accepted twice in the whole history.
//!
//! Clients sign in over HTTPS in a loop while the program is killed; on PostgreSQL the database is killed too in every tenth round.
//! What a client was told is what it knows: a login that was answered is acknowledged, one whose answer never came is open and is
//! sent again after the start. At the end, every code has been accepted exactly once: by an answer, or by a row of the log whose
//! answer was lost.

use crate::{
    program::{Caller, House, Site, each_engine},
    support::{
        database::Database,
        organisation::application,
        signing::{Keys, Version, pairs},
    },
};
use auth::otp::hotp;
use countersign_e2e::postgres::Postgres;
use directory::{IntegrationFields, NewTenant, NewToken, NewUser, Seed, SettingsFields};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use types::{TenantId, World};

/// People with a counter's token, each signing in as fast as they can.
const PEOPLE: usize = 6;
/// How often the program is killed.
const VARIABLE: &str = "COUNTERSIGN_TEST_KILLS";

fn rounds() -> usize {
    std::env::var(VARIABLE).map_or(100, |text| text.parse().unwrap())
}

/// Somebody's token and what is known of its codes.
struct Person {
    name: String,
    seed: Vec<u8>,
    /// The counter of the code to be tried next.
    next: u64,
    /// Whether that code was sent before, and its answer never came.
    open: bool,
    /// Logins that were answered with an allow.
    acknowledged: u64,
    /// Logins that were accepted while the answer was lost.
    lost_answers: u64,
    /// Answers that could have let a code in a second time, and didn't.
    replays_refused: u64,
}

/// A round's load.
#[derive(Default)]
struct Load {
    /// Logins that were acknowledged in it.
    answered: AtomicUsize,
    /// Whether the program is gone.
    over: AtomicBool,
}

/// What a passcode was answered.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Allowed,
    Spent,
    Wrong,
    /// A denial because of the outage, or no answer at all.
    Nothing,
}

async fn passcode(caller: &Caller, keys: &Keys, name: &str, code: &str) -> Told {
    signed_passcode(caller, keys, Version::V5, name, code).await
}

async fn signed_passcode(caller: &Caller, keys: &Keys, version: Version, name: &str, code: &str) -> Told {
    let params = pairs(&[("username", name), ("factor", "passcode"), ("passcode", code)]);
    let Some((status, body)) = caller.call(keys, version, ("POST", "/auth/v2/auth"), &params).await else {
        return Told::Nothing;
    };
    let said = body["response"]["status_msg"].as_str().unwrap_or_default();
    assert!(status < 500 && status != 401, "{status} {body}");
    match body["response"]["result"].as_str() {
        Some("allow") => Told::Allowed,
        _ if said.contains("already been used") => Told::Spent,
        _ if said.contains("Incorrect") => Told::Wrong,
        Some("deny") if said.contains("unavailable") || said.contains("restarting") => Told::Nothing,
        // The same signed request within a second, after its answer was lost.
        None if status == 403 => Told::Nothing,
        _ => panic!("{status} {body}"),
    }
}

impl Person {
    fn code(&self, counter: u64) -> String {
        hotp(&self.seed, counter, 6)
    }

    /// Signs in until the program is gone.
    async fn sign_in(mut self, caller: Caller, keys: Keys, load: Arc<Load>) -> Self {
        while !load.over.load(Ordering::Relaxed) {
            let code = self.code(self.next);
            match passcode(&caller, &keys, &self.name, &code).await {
                Told::Allowed => {
                    load.answered.fetch_add(1, Ordering::Relaxed);
                    self.acknowledged += 1;
                    self.next += 1;
                    self.open = false;
                    // At once again, as a thief who looked on would.
                    if self.next.is_multiple_of(4) {
                        self.replay(&caller, &keys).await;
                    }
                }
                Told::Spent => {
                    assert!(self.open, "{}: a code that was never sent before is spent", self.name);
                    self.lost_answers += 1;
                    self.next += 1;
                    self.open = false;
                }
                Told::Wrong => panic!("{}: the code of counter {} is wrong", self.name, self.next),
                Told::Nothing => {
                    self.open = true;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        self
    }

    /// Sends the last code that was accepted again.
    async fn replay(&mut self, caller: &Caller, keys: &Keys) {
        let Some(last) = self.next.checked_sub(1) else { return };
        // With another signature than the login had, or the same request within one second would be refused for that.
        match signed_passcode(caller, keys, Version::V2, &self.name, &self.code(last)).await {
            Told::Allowed => panic!("{}: the code of counter {last} was accepted twice", self.name),
            Told::Spent | Told::Wrong => self.replays_refused += 1,
            Told::Nothing => {}
        }
    }
}

/// An organisation where nobody is locked out, with its people.
async fn people(house: &House, count: usize, timed: usize) -> (TenantId, Keys, Vec<Person>, Vec<Person>) {
    let settings = SettingsFields::default().with("lockout_threshold", 9999).unwrap();
    let host = "api-kill.example.test".to_owned();
    let new = NewTenant { name: "kill".to_owned(), api_host: host.clone(), settings, ..NewTenant::default() };
    let id = house.directory.create_tenant(&new, "setup").await.unwrap().id;
    let keys = application(&house.directory, (id, "kill"), &host, "authapi", IntegrationFields::default()).await;
    let scope = house.directory.tenant(id, "setup");
    let (mut by_counter, mut by_time) = (Vec::new(), Vec::new());
    for n in 0..count + timed {
        let seed = Seed::generate(&World::real());
        let (name, serial) = (format!("person{n}"), format!("serial{n}"));
        let timed = n >= count;
        let token = if timed {
            NewToken::Totp { serial, seed: seed.clone(), digits: 6, step: 30 }
        } else {
            NewToken::Hotp { serial, seed: seed.clone(), digits: 6, next: 0 }
        };
        let user = scope.create_user(&NewUser { username: name.clone(), ..NewUser::default() }).await.unwrap().id;
        let token = scope.create_token(&token).await.unwrap().id;
        scope.attach_token(user, token).await.unwrap();
        let list = if timed { &mut by_time } else { &mut by_counter };
        list.push(Person {
            name,
            seed: seed.bytes().expose().to_vec(),
            next: 0,
            open: false,
            acknowledged: 0,
            lost_answers: 0,
            replays_refused: 0,
        });
    }
    (id, keys, by_counter, by_time)
}

/// The TOTP code of the present step.
fn totp(person: &Person) -> String {
    hotp(&person.seed, u64::try_from(World::real().now().seconds() / 30).unwrap(), 6)
}

/// Successful rows of the log, by name.
fn logged(database: &Database) -> BTreeMap<String, u64> {
    let lines = database.query("SELECT username, COUNT(*) FROM auth_log WHERE result = 'success' GROUP BY username");
    lines
        .iter()
        .map(|line| {
            let (name, count) = line.split_once('|').unwrap();
            (name.to_owned(), count.parse().unwrap())
        })
        .collect()
}

#[test]
fn no_acknowledged_login_is_lost_and_no_code_accepted_twice_over_a_hundred_kills() {
    each_engine(true, async |site, server| hundred_kills(site, server).await);
}

async fn hundred_kills(site: &Site, server: Option<&'static Postgres>) {
    let rounds = rounds();
    let house = site.open().await;
    let (_, keys, mut by_counter, by_time) = people(&house, PEOPLE, rounds).await;
    drop(house);
    // What a TOTP code was told in its round, and the code.
    let mut timed: Vec<(String, String, usize)> = Vec::new();
    for (round, of_round) in by_time.iter().enumerate() {
        let mut program = site.serve(&[]).await;
        let caller = program.caller();
        // What was acknowledged before the kill is refused after it.
        for person in &mut by_counter {
            person.replay(&caller, &keys).await;
        }
        if let Some((name, code, allowed)) = timed.last_mut() {
            let again = passcode(&caller, &keys, name, code).await;
            *allowed += usize::from(again == Told::Allowed);
            assert!(*allowed <= 1, "{name}: a TOTP code was accepted on both sides of a kill");
        }
        let under_way = Arc::new(Load::default());
        let tasks: Vec<_> = by_counter
            .drain(..)
            .map(|person| tokio::spawn(person.sign_in(caller.clone(), keys.clone(), Arc::clone(&under_way))))
            .collect();
        // The same TOTP code from three sides at once.
        let code = totp(of_round);
        let three = [(); 3].map(|()| {
            let (caller, keys, name, code) = (caller.clone(), keys.clone(), of_round.name.clone(), code.clone());
            tokio::spawn(async move { passcode(&caller, &keys, &name, &code).await })
        });
        // Once everybody is at it; then a moment that is another one each time, so that the kill falls into every part of a login.
        for _ in 0..2000 {
            if under_way.answered.load(Ordering::Relaxed) >= 2 * PEOPLE {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis((round as u64 * 37) % 80)).await;
        match server {
            // The database first, so that the program meets its absence before its own end.
            Some(server) if round % 10 == 9 => {
                server.kill9().unwrap();
                tokio::time::sleep(Duration::from_millis(30)).await;
                program.kill9();
                server.restart().unwrap();
            }
            _ => program.kill9(),
        }
        under_way.over.store(true, Ordering::Relaxed);
        for task in tasks {
            by_counter.push(task.await.unwrap());
        }
        let mut allowed = 0;
        for one in three {
            allowed += usize::from(one.await.unwrap() == Told::Allowed);
        }
        assert!(allowed <= 1, "{}: a TOTP code was accepted {allowed} times at once", of_round.name);
        timed.push((of_round.name.clone(), code, allowed));
    }
    // The last open logins find their answer, then everything is counted.
    let mut program = site.serve(&[]).await;
    for person in &mut by_counter {
        while person.open {
            match passcode(&program.caller(), &keys, &person.name, &person.code(person.next)).await {
                Told::Allowed => person.acknowledged += 1,
                Told::Spent => person.lost_answers += 1,
                other => panic!("{}: {other:?}", person.name),
            }
            person.next += 1;
            person.open = false;
        }
    }
    program.kill9();
    let rows = logged(&site.database);
    let (mut acknowledged, mut lost, mut refused) = (0, 0, 0);
    for person in &by_counter {
        let in_log = rows.get(&person.name).copied().unwrap_or(0);
        assert_eq!(person.next, person.acknowledged + person.lost_answers, "{}", person.name);
        assert_eq!(in_log, person.next, "{}: each code stands in the log exactly once", person.name);
        acknowledged += person.acknowledged;
        lost += person.lost_answers;
        refused += person.replays_refused;
    }
    for (name, _, allowed) in &timed {
        let in_log = rows.get(name).copied().unwrap_or(0);
        assert!(in_log <= 1, "{name}: one TOTP code stands in the log {in_log} times");
        assert!(in_log >= *allowed as u64, "{name}: an acknowledged login isn't in the log");
    }
    let timed_in = timed.iter().filter(|(_, _, allowed)| *allowed == 1).count();
    println!(
        "{rounds} kills: {acknowledged} acknowledged, {lost} accepted with the answer lost, {refused} replays refused, {timed_in} TOTP"
    );
    // The load was a load: something was acknowledged in most rounds, and kills did fall into the middle of logins.
    assert!(acknowledged > rounds as u64 * 2, "{acknowledged} in {rounds} rounds");
    assert!(refused > rounds as u64 * 2 && timed_in > rounds / 3, "{refused} {timed_in}");
}
