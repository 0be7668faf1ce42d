//! A directory that each test plays itself.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use types::{Millis, SecretString, World};

use super::*;
use crate::ldap::{Security, ber};

const PATIENCE: Duration = Duration::from_secs(5);

/// What the server answers to a message: its id, its operation's tag and content.
type Answers = Arc<dyn Fn(u32, u8, &[u8]) -> Vec<u8> + Send + Sync>;

async fn serve(answers: Answers) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, Arc::clone(&answers)));
        }
    });
    port
}

async fn talk(mut stream: TcpStream, answers: Answers) {
    let mut received = Vec::new();
    while stream.read_buf(&mut received).await.is_ok_and(|count| count > 0) {
        while let Some((_, start, length)) =
            ber::head(&received).unwrap().filter(|(_, start, length)| received.len() >= start + length)
        {
            let message: Vec<u8> = received.drain(..start + length).collect();
            let mut reader = ber::Reader::new(&message[start..]);
            let id = reader.number(ber::INTEGER).unwrap();
            let (tag, content) = reader.any().unwrap();
            if stream.write_all(&answers(id, tag, content)).await.is_err() {
                return;
            }
        }
    }
}

fn message(id: u32, tag: u8, content: &[u8]) -> Vec<u8> {
    let mut inner = Vec::new();
    ber::put_number(&mut inner, ber::INTEGER, id);
    ber::put(&mut inner, tag, content);
    let mut out = Vec::new();
    ber::put(&mut out, ber::SEQUENCE, &inner);
    out
}

fn result(id: u32, tag: u8, code: u32, text: &str) -> Vec<u8> {
    let mut content = Vec::new();
    ber::put_number(&mut content, ber::ENUMERATED, code);
    ber::put(&mut content, ber::OCTETS, b"");
    ber::put(&mut content, ber::OCTETS, text.as_bytes());
    message(id, tag, &content)
}

fn entry(id: u32, dn: &str) -> Vec<u8> {
    let mut values = Vec::new();
    ber::put(&mut values, ber::OCTETS, b"a@example.com");
    let mut attribute = Vec::new();
    ber::put(&mut attribute, ber::OCTETS, b"mail");
    ber::put(&mut attribute, ber::SET, &values);
    let mut list = Vec::new();
    ber::put(&mut list, ber::SEQUENCE, &attribute);
    let mut content = Vec::new();
    ber::put(&mut content, ber::OCTETS, dn.as_bytes());
    ber::put(&mut content, ber::SEQUENCE, &list);
    message(id, 0x64, &content)
}

/// A directory with one person, `cn=alice`, whose password is `right`; our account's is `service`.
fn ordinary(id: u32, tag: u8, content: &[u8]) -> Vec<u8> {
    match tag {
        0x60 => {
            let mut bind = ber::Reader::new(content);
            bind.number(ber::INTEGER).unwrap();
            let dn = bind.text().unwrap();
            let password = bind.expect(0x80).unwrap();
            let right = matches!((dn, password), ("cn=service", b"service") | ("cn=alice", b"right"));
            if right {
                result(id, 0x61, 0, "")
            } else {
                result(id, 0x61, 49, "AcceptSecurityContext error, data 52e, v1")
            }
        }
        0x63 => {
            let asked = content.windows(5).any(|window| window == b"alice");
            let found = if asked { entry(id, "cn=alice") } else { Vec::new() };
            [found, result(id, 0x65, 0, "")].concat()
        }
        _ => Vec::new(),
    }
}

fn settings(port: u16) -> Settings {
    Settings {
        servers: vec![Server { host: "127.0.0.1".to_owned(), port, security: Security::Clear }],
        authorities: Authorities::System,
        account: ("cn=service".to_owned(), SecretString::new("service".to_owned())),
        search: Search {
            base: "dc=example".to_owned(),
            scope: Scope::Subtree,
            filter: Filter::parse("(uid={user})").unwrap(),
            attributes: vec!["mail".to_owned()],
        },
        patience: PATIENCE,
        connections: 4,
    }
}

fn directory(settings: Settings) -> Directory {
    Directory::new(settings, World::made(Millis(0), 1).0).unwrap()
}

async fn tried(directory: &Directory, name: &str, password: &str) -> Result<Outcome, LdapError> {
    directory.authenticate(name, &SecretString::new(password.to_owned())).await
}

const WRONG: Result<Outcome, LdapError> = Ok(Outcome::Refused(Refusal::Wrong));

#[tokio::test]
async fn right_and_wrong() {
    let directory = directory(settings(serve(Arc::new(ordinary)).await));
    directory.check().await.unwrap();
    for _ in 0..3 {
        let Ok(Outcome::Allowed(entry)) = tried(&directory, "alice", "right").await else { panic!() };
        assert_eq!(entry.dn, "cn=alice");
        assert_eq!(entry.texts("MAIL").collect::<Vec<_>>(), ["a@example.com"]);
        assert_eq!(tried(&directory, "alice", "wrong").await, WRONG);
        assert_eq!(tried(&directory, "bob", "right").await, WRONG);
    }
    assert_eq!(directory.find("bob").await, Ok(None));
}

#[tokio::test]
async fn an_empty_password_is_never_sent() {
    // A server that lets everybody in who binds, as many do for an empty password.
    let open = |id, tag, content: &[u8]| {
        if tag == 0x60 { result(id, 0x61, 0, "") } else { ordinary(id, tag, content) }
    };
    let directory = directory(settings(serve(Arc::new(open)).await));
    assert_eq!(tried(&directory, "alice", "").await, WRONG);
    assert_eq!(tried(&directory, "", "right").await, WRONG);
    assert_eq!(tried(&directory, "alice", &"x".repeat(2_000)).await, WRONG);
    assert!(matches!(tried(&directory, "alice", "x").await, Ok(Outcome::Allowed(_))));
}

#[tokio::test]
async fn an_entry_without_a_name_binds_nobody() {
    let nameless = |id, tag, content: &[u8]| match tag {
        0x63 => [entry(id, ""), result(id, 0x65, 0, "")].concat(),
        0x60 => result(id, 0x61, 0, ""),
        _ => ordinary(id, tag, content),
    };
    let directory = directory(settings(serve(Arc::new(nameless)).await));
    assert_eq!(tried(&directory, "alice", "x").await, WRONG);
}

#[tokio::test]
async fn several_entries_are_nobody() {
    for code in [0, 4] {
        let twins = move |id, tag, content: &[u8]| match tag {
            0x63 => [entry(id, "cn=a"), entry(id, "cn=b"), result(id, 0x65, code, "")].concat(),
            _ => ordinary(id, tag, content),
        };
        let directory = directory(settings(serve(Arc::new(twins)).await));
        assert_eq!(tried(&directory, "alice", "right").await, Err(LdapError::Ambiguous));
    }
}

#[tokio::test]
async fn referrals_are_not_followed() {
    let elsewhere = |id, tag, content: &[u8]| match tag {
        0x63 => [message(id, 0x73, b"\x04\x16ldap://evil.example/dc"), result(id, 0x65, 10, "")].concat(),
        _ => ordinary(id, tag, content),
    };
    let directory = directory(settings(serve(Arc::new(elsewhere)).await));
    assert_eq!(tried(&directory, "alice", "right").await, Err(LdapError::Result(10)));
}

#[tokio::test]
async fn reasons_of_active_directory() {
    for (data, refusal) in [
        ("52e", Refusal::Wrong),
        ("525", Refusal::Wrong),
        ("533", Refusal::Disabled),
        ("701", Refusal::Disabled),
        ("775", Refusal::Locked),
        ("532", Refusal::PasswordExpired),
        ("773", Refusal::PasswordExpired),
    ] {
        let text = format!("80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data {data}, v4563");
        let says = move |id, tag, content: &[u8]| match tag {
            0x60 if !content.ends_with(b"service") => result(id, 0x61, 49, &text),
            _ => ordinary(id, tag, content),
        };
        let directory = directory(settings(serve(Arc::new(says)).await));
        assert_eq!(tried(&directory, "alice", "x").await, Ok(Outcome::Refused(refusal)), "{data}");
    }
}

#[tokio::test]
async fn our_own_account_refused_is_another_matter() {
    let mut settings = settings(serve(Arc::new(ordinary)).await);
    settings.account.1 = SecretString::new("old".to_owned());
    let directory = directory(settings);
    assert_eq!(tried(&directory, "alice", "right").await, Err(LdapError::Account));
    assert_eq!(directory.check().await, Err(LdapError::Account));
}

/// What isn't LDAP, or too much of it: an error, soon, and in little memory.
#[tokio::test]
async fn hostile_answers() {
    let nested = |id| {
        let mut deep = vec![0x04, 0];
        for _ in 0..10_000 {
            let mut outer = Vec::new();
            ber::put(&mut outer, 0x30, &deep);
            deep = outer;
        }
        message(id, 0x64, &deep)
    };
    let hostile: [Answers; 7] = [
        Arc::new(|_, _, _: &[u8]| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Arc::new(|_, _, _: &[u8]| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0]),
        Arc::new(|_, _, _: &[u8]| vec![0x30, 0x80, 0, 0]),
        Arc::new(|id, _, _: &[u8]| result(id + 1, 0x61, 0, "")),
        Arc::new(|id, _, _: &[u8]| result(id, 0x65, 0, "")),
        Arc::new(|_, _, _: &[u8]| vec![0x30, 0]),
        Arc::new(move |id, tag, content: &[u8]| if tag == 0x63 { nested(id) } else { ordinary(id, tag, content) }),
    ];
    for (number, answers) in hostile.into_iter().enumerate() {
        let directory = directory(settings(serve(answers).await));
        assert_eq!(tried(&directory, "alice", "right").await, Err(LdapError::Protocol), "{number}");
    }
    // Entries without end.
    let endless = |id, tag, content: &[u8]| match tag {
        0x63 => (0..300).flat_map(|_| entry(id, "cn=a")).collect(),
        _ => ordinary(id, tag, content),
    };
    let directory = directory(settings(serve(Arc::new(endless)).await));
    assert_eq!(tried(&directory, "alice", "right").await, Err(LdapError::Protocol));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_no_longer_than_set() {
    let directory = directory(Settings {
        patience: Duration::from_millis(100),
        ..settings(serve(Arc::new(|_, _, _: &[u8]| Vec::new())).await)
    });
    assert_eq!(tried(&directory, "alice", "right").await, Err(LdapError::TimedOut));
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_gone() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut settings = settings(serve(Arc::new(ordinary)).await);
    settings.servers.insert(0, Server { host: "127.0.0.1".to_owned(), port: gone, security: Security::Clear });
    assert!(matches!(tried(&directory(settings), "alice", "right").await, Ok(Outcome::Allowed(_))));
}

#[tokio::test]
async fn octets_before_tls_and_a_refused_start_tls() {
    let injected: Answers = Arc::new(|id, _, _: &[u8]| [result(id, 0x78, 0, ""), result(2, 0x61, 0, "")].concat());
    let refused: Answers = Arc::new(|id, _, _: &[u8]| result(id, 0x78, 2, ""));
    for (answers, error) in [(injected, LdapError::Protocol), (refused, LdapError::Tls)] {
        let mut settings = settings(serve(answers).await);
        settings.servers[0].security = Security::StartTls;
        assert_eq!(tried(&directory(settings), "alice", "right").await, Err(error));
    }
}

#[test]
fn settings_that_are_refused() {
    let refused = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings(1);
        change(&mut settings);
        Directory::new(settings, World::made(Millis(0), 1).0).map(drop).unwrap_err()
    };
    let clear = LdapError::Settings("clear text to another machine");
    for host in ["ldap.example", "10.0.0.1", "127.0.0.1.example", "0.0.0.0", "::"] {
        assert_eq!(refused(&|settings| settings.servers[0].host = host.to_owned()), clear, "{host}");
    }
    assert!(matches!(refused(&|settings| settings.servers.clear()), LdapError::Settings(_)));
    assert!(matches!(refused(&|settings| settings.account.0.clear()), LdapError::Settings(_)));
    let pem = Authorities::Pem(b"nothing".to_vec());
    assert!(matches!(refused(&|settings| settings.authorities = pem.clone()), LdapError::Settings(_)));
}
