use super::*;
use crate::message::{Start, parse_datagram};
use proptest::prelude::*;
use types::Millis;

fn challenge(value: &str) -> Challenge {
    Challenge::parse(value).unwrap()
}

fn proof(header: &str) -> &str {
    header.split("response=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// The examples of RFC 7616 §3.9.1.
#[test]
fn the_published_answers_come_out() {
    let password = SecretString::new("Circle of Life".to_owned());
    let asked = Asked {
        method: "GET",
        uri: "/dir/index.html",
        count: 1,
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    };
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let challenge = challenge(&format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        ));
        let header = answer(&challenge, "Mufasa", &password, &asked);
        assert_eq!(proof(&header), expected);
        assert!(header.contains("nc=00000001") && header.contains(&format!("algorithm={algorithm}")));
        assert!(header.contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""));
    }
}

/// RFC 2617 §3.5 without `qop`, computed by hand from RFC 2069's formula with the shell's `md5sum`.
#[test]
fn without_protection_the_old_form_is_answered() {
    let challenge = challenge("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"");
    let asked = Asked { method: "GET", uri: "/dir/index.html", count: 1, cnonce: "unused" };
    let header = answer(&challenge, "Mufasa", &SecretString::new("Circle Of Life".to_owned()), &asked);
    assert_eq!(proof(&header), "670fd8c2df070c60b045671b8b24ff02");
    assert!(!header.contains("nc=") && !header.contains("cnonce") && !header.contains("algorithm"));
}

#[test]
fn challenges_that_cannot_be_answered_are_refused() {
    for value in [
        "Basic realm=\"x\"",
        "Digest nonce=\"x\"",
        "Digest realm=\"x\"",
        "Digest realm=\"x\", nonce=\"\"",
        "Digest realm=\"x\", nonce=\"y\", algorithm=MD4",
        "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
        "Digest realm=\"x\", realm=\"z\", nonce=\"y\"",
        "Digest realm=\"x, nonce=\"y\"",
        "Digest",
    ] {
        assert!(Challenge::parse(value).is_err(), "{value}");
    }
    assert!(Challenge::parse(&format!("Digest realm=\"x\", nonce=\"{}\"", "n".repeat(600))).is_err());
    let odd = challenge("digest  NONCE = \"a\\\"b\" ,realm=r, stale=TRUE, unknown=1");
    assert_eq!((odd.nonce.as_str(), odd.realm.as_str(), odd.stale), ("a\"b", "r", true));
}

fn response(status: u16, header: &str) -> Message {
    let text = format!(
        "SIP/2.0 {status} No\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{header}\r\n\r\n"
    );
    let message = parse_datagram(text.as_bytes()).unwrap();
    assert!(matches!(message.start, Start::Response { .. }));
    message
}

fn account() -> Account {
    Account { user: "u".to_owned(), password: Some(SecretString::new("p".to_owned())), realm: None }
}

#[test]
fn a_wrong_password_is_tried_once_and_a_stale_nonce_again() {
    let (world, _) = World::made(Millis(0), 1);
    let mut credentials = Credentials::default();
    let first = response(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", qop=\"auth\"");
    assert!(credentials.challenged(&first, &account()).is_ok());
    let sent = credentials.headers(&account(), "INVITE", "sip:b@h", &world);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].0 == "Authorization" && sent[0].1.contains("nc=00000001"));
    let stale = response(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"2\", stale=true, qop=\"auth\"");
    assert!(credentials.challenged(&stale, &account()).is_ok());
    let again = response(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"3\", qop=\"auth\"");
    assert_eq!(credentials.challenged(&again, &account()), Err(Refused));
}

#[test]
fn a_proxy_and_a_server_each_get_their_answer_and_counts_go_up() {
    let (world, _) = World::made(Millis(0), 1);
    let mut credentials = Credentials::default();
    let proxy = response(407, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"1\", qop=\"auth\"");
    let server = response(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"2\", qop=\"auth\", algorithm=SHA-256");
    credentials.challenged(&proxy, &account()).unwrap();
    credentials.headers(&account(), "INVITE", "sip:b@h", &world);
    credentials.challenged(&server, &account()).unwrap();
    let sent = credentials.headers(&account(), "INVITE", "sip:b@h", &world);
    assert!(sent[0].0 == "Proxy-Authorization" && sent[0].1.contains("nc=00000002"));
    assert!(sent[1].0 == "Authorization" && sent[1].1.contains("nc=00000001"));
    assert_ne!(sent[0].1.split("cnonce").nth(1), sent[1].1.split("cnonce").nth(1));
}

#[test]
fn servers_that_go_on_asking_are_left() {
    let mut credentials = Credentials::default();
    let mut rounds = 0;
    loop {
        let header = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{rounds}\", stale=true");
        if credentials.challenged(&response(401, &header), &account()).is_err() {
            break;
        }
        rounds += 1;
    }
    assert_eq!(rounds, MAX_ROUNDS);
    // The next request of the call may be challenged again.
    credentials.begin();
    assert!(
        credentials.challenged(&response(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"x\""), &account()).is_ok()
    );
}

#[test]
fn only_the_realm_that_is_set_gets_an_answer() {
    let account = Account { realm: Some("mine".to_owned()), ..account() };
    let mut credentials = Credentials::default();
    let foreign = response(407, "Proxy-Authenticate: Digest realm=\"other\", nonce=\"1\"");
    assert_eq!(credentials.challenged(&foreign, &account), Err(Refused));
    let mine = response(407, "Proxy-Authenticate: Digest realm=\"mine\", nonce=\"1\"");
    assert_eq!(credentials.challenged(&mine, &account), Ok(()));
    let without = Account { password: None, ..account };
    assert_eq!(Credentials::default().challenged(&mine, &without), Err(Refused));
}

#[test]
fn the_topmost_that_we_can_is_taken() {
    let mut credentials = Credentials::default();
    let both = response(
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", algorithm=SHA3\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"2\", \
         algorithm=SHA-256, qop=auth\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"3\", algorithm=MD5",
    );
    credentials.challenged(&both, &account()).unwrap();
    assert_eq!(credentials.held[0].challenge.algorithm, Algorithm::Sha256);
}

proptest! {
    /// Whatever a server asks: nothing breaks, and what is answered is one line that reads as what was asked.
    #[test]
    fn nothing_breaks_the_reader(value in "(Digest )?([a-z]{1,9}=\"?[ -~]{0,20}\"?,? ?){0,6}") {
        if let Ok(challenge) = Challenge::parse(&value) {
            let asked = Asked { method: "INVITE", uri: "sip:a@b", count: 7, cnonce: "c" };
            let header = answer(&challenge, "us\"er", &SecretString::new("secret".to_owned()), &asked);
            prop_assert!(!header.contains(['\r', '\n']) && !header.contains("secret"));
            prop_assert_eq!(Challenge::parse(&header).map(|again| (again.realm, again.nonce)), Ok((challenge.realm, challenge.nonce)));
        }
    }
}
