//! Where a tenant has a directory, a password is right if the directory takes it. The directory is played here, on this machine.

use crate::{
    support::{House, SEED, each_engine},
    visit::{Visit, allowed, code, new_browser},
};
use countersign_auth::{
    AuthError, Factor,
    sign_in::{Done, Level, Purpose, Step},
    user_directory::{DirectorySettings, Found, InvalidDirectory},
};
use futures_util::future::join_all;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use types::{SecretString, UserId};

const ON: &str = r#"{"passwords": true}"#;
const RIGHT: &str = "right of the directory";
const SERVICE: &str = "cn=service";

/// One entry: its id, and its password.
type Entries = Arc<Mutex<HashMap<String, (Vec<u8>, String)>>>;

/// A directory that knows binds and searches for one equality.
struct Fake {
    port: u16,
    entries: Entries,
    searches: Arc<AtomicUsize>,
    binds: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Fake {
    async fn start(people: &[(&str, &str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let entries: Entries = Arc::default();
        for (name, id, password) in people {
            put(&entries, name, id, password);
        }
        let (searches, binds) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let of = (Arc::clone(&entries), Arc::clone(&searches), Arc::clone(&binds));
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (entries, searches, binds) = of.clone();
                connections.spawn(talk(stream, entries, searches, binds));
            }
        });
        Self { port, entries, searches, binds, serving }
    }

    fn asked(&self) -> (usize, usize) {
        (self.searches.swap(0, Ordering::SeqCst), self.binds.swap(0, Ordering::SeqCst))
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn put(entries: &Entries, name: &str, id: &str, password: &str) {
    entries.lock().unwrap().insert(name.to_owned(), (id.as_bytes().to_vec(), password.to_owned()));
}

/// Tag, content and what is left; lengths of one or two octets.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, first) = (*octets.first()?, usize::from(*octets.get(1)?));
    let (start, length) = match first {
        0x81 => (3, usize::from(*octets.get(2)?)),
        0x82 => (4, usize::from(*octets.get(2)?) << 8 | usize::from(*octets.get(3)?)),
        short => (2, short),
    };
    Some((tag, octets.get(start..start + length)?, &octets[start + length..]))
}

fn put_element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = if length < 0x80 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [head, content.to_vec()].concat()
}

fn message(id: &[u8], operation: Vec<u8>) -> Vec<u8> {
    put_element(0x30, &[put_element(0x02, id), operation].concat())
}

fn result(id: &[u8], tag: u8, code: u8) -> Vec<u8> {
    let parts = [put_element(0x0a, &[code]), put_element(0x04, b""), put_element(0x04, b"")].concat();
    message(id, put_element(tag, &parts))
}

async fn talk(mut stream: TcpStream, entries: Entries, searches: Arc<AtomicUsize>, binds: Arc<AtomicUsize>) {
    let mut received = Vec::new();
    while stream.read_buf(&mut received).await.is_ok_and(|count| count > 0) {
        while let Some((_, content, rest)) = element(&received) {
            let (_, id, operation) = element(content).unwrap();
            let (tag, asked, _) = element(operation).unwrap();
            let answer = match tag {
                0x60 => {
                    let (_, _, rest) = element(asked).unwrap();
                    let (_, dn, rest) = element(rest).unwrap();
                    let (_, password, _) = element(rest).unwrap();
                    let dn = String::from_utf8(dn.to_vec()).unwrap();
                    let right = match dn.strip_prefix("uid=") {
                        Some(name) => {
                            entries.lock().unwrap().get(name).is_some_and(|(_, own)| own.as_bytes() == password)
                        }
                        None => dn == SERVICE && password == b"service",
                    };
                    if dn != SERVICE {
                        binds.fetch_add(1, Ordering::SeqCst);
                    }
                    result(id, 0x61, if right { 0 } else { 49 })
                }
                0x63 => {
                    searches.fetch_add(1, Ordering::SeqCst);
                    let found = entries.lock().unwrap().iter().find_map(|(name, (id, _))| {
                        let wanted = put_element(0x04, name.as_bytes());
                        asked.windows(wanted.len()).any(|window| window == wanted).then(|| (name.clone(), id.clone()))
                    });
                    let entry = found.map(|(name, own)| {
                        let values = put_element(0x31, &put_element(0x04, &own));
                        let attribute = put_element(0x30, &[put_element(0x04, b"entryUUID"), values].concat());
                        let list = if own.is_empty() { put_element(0x30, b"") } else { put_element(0x30, &attribute) };
                        let dn = put_element(0x04, format!("uid={name}").as_bytes());
                        message(id, put_element(0x64, &[dn, list].concat()))
                    });
                    [entry.unwrap_or_default(), result(id, 0x65, 0)].concat()
                }
                _ => Vec::new(),
            };
            let left = rest.to_vec();
            received = left;
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

fn settings(port: u16) -> DirectorySettings {
    DirectorySettings {
        servers: vec![format!("ldap-local://127.0.0.1:{port}")],
        base: "dc=example".to_owned(),
        filter: "(uid={user})".to_owned(),
        account: SERVICE.to_owned(),
        authorities: None,
        id_attribute: "entryUUID".to_owned(),
    }
}

async fn set(house: &House, port: u16) {
    let password = SecretString::new("service".to_owned());
    let row = house.auth.directory_row(house.tenant, &settings(port), &password, "operator").await.unwrap();
    assert!(!String::from_utf8_lossy(&row.secret).contains("service"), "it is sealed");
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    tx.set_user_directory(&row).await.unwrap();
    tx.commit().await.unwrap();
}

fn password(text: &str) -> Factor {
    Factor::Password(SecretString::new(text.to_owned()))
}

async fn at_app<'h>(house: &'h House, name: &str) -> Visit<'h> {
    let purpose = Purpose::SingleSignOn { return_to: "/oidc/continue/x".to_owned(), level: Level::Multi, fresh: false };
    Visit::open(house, Some(name), purpose, new_browser()).await
}

async fn tried(house: &House, name: &str, text: &str) -> Step {
    at_app(house, name).await.attempt(password(text)).await
}

fn said(step: &Step) -> &str {
    match step {
        Step::Refused(outcome) => &outcome.message,
        _ => "let in",
    }
}

const WRONG: &str = "Incorrect password. Please try again.";

/// Somebody with a token.
async fn person(house: &House, name: &str) -> UserId {
    let user = house.person(name).await;
    house.token(user, "t6", SEED).await;
    user
}

#[test]
fn the_directorys_password_and_a_passcode_are_two() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        let fake = Fake::start(&[("ana", "id-1", RIGHT)]).await;
        set(house, fake.port).await;
        let visit = at_app(house, "ana").await;
        assert_eq!(said(&visit.attempt(password("wrong")).await), WRONG);
        assert!(matches!(visit.attempt(password(RIGHT)).await, Step::Proved));
        assert!(visit.finish().await.is_err(), "it opens nothing by itself");
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        let Done::Session { cookie, .. } = visit.finish().await.unwrap().kind else { panic!("a session") };
        let session = house.auth.session(house.tenant, cookie.expose()).await.unwrap().unwrap();
        assert_eq!(session.level(), Level::Multi);
        let amr: Vec<_> = session.amr().iter().map(ToString::to_string).collect();
        assert!(["otp", "pwd", "mfa"].iter().all(|word| amr.iter().any(|has| has == word)), "{amr:?}");
    });
}

#[test]
fn where_there_is_a_directory_no_other_password_counts() {
    each_engine(ON, async |house| {
        let user = person(house, "ana").await;
        let own = SecretString::new("vexed otter climbs 42".to_owned());
        let row = house.auth.hash_password(house.tenant, user, &own).await.unwrap().row("helpdesk", house.world.now());
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.set_password(&row).await.unwrap();
        tx.commit().await.unwrap();
        assert!(house.auth.takes_passwords(house.tenant).await.unwrap());
        assert!(matches!(tried(house, "ana", own.expose()).await, Step::Proved));
        let fake = Fake::start(&[("ana", "id-1", RIGHT)]).await;
        set(house, fake.port).await;
        assert!(!house.auth.takes_passwords(house.tenant).await.unwrap(), "nobody is asked to choose another one");
        assert_eq!(said(&tried(house, "ana", own.expose()).await), WRONG);
        assert!(matches!(tried(house, "ana", RIGHT).await, Step::Proved));
    });
}

/// Whoever's name is typed, the directory is asked the same, and the answers are the same: also while it is away.
#[test]
fn nobody_learns_who_has_an_account_here_or_there() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        let disabled = person(house, "carla").await;
        house.set_status(disabled, "disabled").await;
        person(house, "bob").await;
        let fake = Fake::start(&[("ana", "id-1", RIGHT), ("carla", "id-2", RIGHT), ("dan", "id-3", RIGHT)]).await;
        set(house, fake.port).await;
        // Not there, disabled here, only there, nowhere; and wrong.
        for (name, text) in [("bob", RIGHT), ("carla", RIGHT), ("dan", RIGHT), ("nobody", RIGHT), ("ana", "wrong")] {
            fake.asked();
            assert_eq!(said(&tried(house, name, text).await), WRONG, "{name}");
            assert_eq!(fake.asked(), (1, 1), "{name}");
        }
        let gone = fake.port;
        drop(fake);
        set(house, gone).await;
        let mut answers = Vec::new();
        for name in ["ana", "bob", "carla", "dan", "nobody"] {
            answers.push(said(&tried(house, name, RIGHT).await).to_owned());
        }
        assert!(answers.iter().all(|said| said.starts_with("Passwords can't be checked")), "{answers:?}");
    });
}

#[test]
fn guesses_by_strangers_end_before_the_directory_counts_them() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        let fake = Fake::start(&[("ana", "id-1", RIGHT)]).await;
        set(house, fake.port).await;
        let guesses = join_all((0..40).map(|_| tried(house, "ana", "wrong"))).await;
        assert!(guesses.iter().all(|step| matches!(step, Step::Refused(_))));
        fake.asked();
        assert_eq!(said(&tried(house, "ana", RIGHT).await), WRONG, "strangers are listened to no more");
        assert_eq!(fake.asked(), (1, 1), "and the directory was asked for somebody else");
    });
}

/// A name in the directory goes to somebody else when its owner has left: the account here doesn't.
#[test]
fn an_account_is_proved_by_its_entry_and_by_no_other_of_that_name() {
    each_engine(ON, async |house| {
        let (ana, bob) = (person(house, "ana").await, person(house, "bob").await);
        let fake = Fake::start(&[("ana", "id-1", RIGHT), ("bob", "id-1", RIGHT)]).await;
        set(house, fake.port).await;
        assert!(matches!(tried(house, "ana", RIGHT).await, Step::Proved));
        assert_eq!(said(&tried(house, "bob", RIGHT).await), WRONG, "one entry, two accounts");
        put(&fake.entries, "ana", "id-2", "of the successor");
        assert_eq!(said(&tried(house, "ana", "of the successor").await), WRONG);
        put(&fake.entries, "bob", "", RIGHT);
        assert_eq!(said(&tried(house, "bob", RIGHT).await), WRONG, "an entry without an id");
        let found = house.auth.check_directory(house.tenant, Some("bob")).await.unwrap();
        assert!(matches!(found, Some(Found::WithoutId { .. })));
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.unlink_directory(ana).await.unwrap() && !tx.unlink_directory(bob).await.unwrap());
        tx.commit().await.unwrap();
        assert!(matches!(tried(house, "ana", "of the successor").await, Step::Proved));
    });
}

#[test]
fn of_many_who_prove_an_account_first_all_are_the_same_one() {
    each_engine(ON, async |house| {
        let user = person(house, "ana").await;
        let fake = Fake::start(&[("ana", "id-1", RIGHT)]).await;
        set(house, fake.port).await;
        // As many as strangers may try on a day.
        let steps = join_all((0..20).map(|_| tried(house, "ana", RIGHT))).await;
        assert!(
            steps.iter().all(|step| matches!(step, Step::Proved)),
            "{:?}",
            steps.iter().map(said).collect::<Vec<_>>()
        );
        let linked = house.store.tenant(house.tenant).directory_link(user).await.unwrap();
        assert_eq!(linked.as_deref(), Some(b"id-1".as_slice()));
        // A hundred entries at once for one account: one is it.
        let other = house.person("bob").await;
        let wins = join_all((0..100_u8).map(async |number| {
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            let won = tx.link_directory(other, &[number; 16], house.world.now()).await.unwrap();
            tx.commit().await.unwrap();
            won
        }));
        assert_eq!(wins.await.into_iter().filter(|won| *won).count(), 1);
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.delete_user(user).await.unwrap());
        tx.commit().await.unwrap();
        assert!(
            house.store.tenant(house.tenant).directory_link(user).await.unwrap().is_none(),
            "it goes with the user"
        );
    });
}

#[test]
fn another_tenants_directory_lets_nobody_in_here() {
    each_engine(ON, async |house| {
        let user = person(house, "ana").await;
        let fake = Fake::start(&[("ana", "id-1", RIGHT)]).await;
        set(house, fake.port).await;
        let other = house.other_tenant().await;
        let scope = house.store.tenant(other);
        assert!(scope.user_directory().await.unwrap().is_none());
        assert!(house.auth.check_directory(other, None).await.unwrap().is_none());
        assert!(matches!(tried(house, "ana", RIGHT).await, Step::Proved));
        assert!(scope.directory_link(user).await.unwrap().is_none());
        // What was sealed for one tenant is of no use to another.
        let row = house.store.tenant(house.tenant).user_directory().await.unwrap().unwrap();
        let mut tx = scope.begin().await.unwrap();
        tx.set_user_directory(&row).await.unwrap();
        tx.commit().await.unwrap();
        assert!(house.auth.check_directory(other, None).await.is_err());
    });
}

#[test]
fn a_directory_that_refuses_our_account_lets_nobody_in() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        let fake = Fake::start(&[("ana", "id-1", RIGHT)]).await;
        let old = SecretString::new("old".to_owned());
        let row = house.auth.directory_row(house.tenant, &settings(fake.port), &old, "operator").await.unwrap();
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.set_user_directory(&row).await.unwrap();
        tx.commit().await.unwrap();
        assert!(said(&tried(house, "ana", RIGHT).await).starts_with("Passwords can't be checked"));
        let error = house.auth.check_directory(house.tenant, None).await.unwrap_err();
        assert!(matches!(error, AuthError::Directory(InvalidDirectory::Directory(_))), "{error}");
        // The new password counts at once.
        set(house, fake.port).await;
        assert!(matches!(tried(house, "ana", RIGHT).await, Step::Proved));
    });
}
