use super::*;
use proptest::prelude::*;
use types::{Millis, World};

fn around() -> Surroundings {
    let (world, _) = World::made(Millis(1_794_651_630_405), 5);
    Surroundings { world, public_url: None, data_dir: None }
}

const FILE: &str = r#"
[carriers.mail]
kind = "smtp"
host = "127.0.0.1"
port = 25
security = "plain"
from = "mfa@example.com"

[carriers.spare]
kind = "smtp"
receipt_seconds = 10
host = "127.0.0.1"
security = "plain"
from = "mfa@example.com"
user = "u"
password = "s3cret"

[[routes]]
kind = "email"
carriers = ["spare", "mail"]
"#;

#[tokio::test]
async fn carriers_are_set_up_and_those_that_did_not_change_stay() {
    let gateway = Gateway::read(FILE).unwrap();
    let first = gateway.set_up(&[], &around()).unwrap();
    let names: Vec<&str> = first.iter().map(|carrier| carrier.channel.name()).collect();
    assert_eq!(names, ["mail", "spare"]);
    assert_eq!((first[0].receipt, first[1].receipt), (None, Some(Duration::from_secs(10))));
    assert_eq!(gateway.table().routes[0].carriers, ["spare", "mail"]);
    let changed = Gateway::read(&FILE.replace("port = 25", "port = 26").replace("receipt_seconds = 10", "")).unwrap();
    let second = changed.set_up(&first, &around()).unwrap();
    assert!(!Arc::ptr_eq(&first[0].channel, &second[0].channel), "it is reached otherwise");
    assert!(Arc::ptr_eq(&first[1].channel, &second[1].channel), "its connections need not go");
    assert_eq!(second[1].receipt, None);
}

#[tokio::test]
async fn mistakes_are_named_and_no_secret_is_quoted() {
    for (from, to, wanted) in [
        ("kind = \"smtp\"", "kind = \"smqp\"", "carrier mail: `kind` must be one of"),
        ("kind = \"smtp\"", "", "carrier mail: `kind` is missing"),
        ("[carriers.mail]", "[carriers.\"a b\"]", "carrier a b: a name has"),
        ("receipt_seconds = 10", "receipt_seconds = 0", "carrier spare: `receipt_seconds`"),
        ("password = ", "pasword = ", "carrier spare: unknown field `pasword`"),
        ("password = \"s3cret\"", "password = 7", "carrier spare: expected a string"),
        ("port = 25", "port = \"s3cret\"", "carrier mail: expected u16"),
        ("security = \"plain\"", "security = \"s3cret\"", "carrier mail: expected one of `starttls`, `tls`, `plain`"),
        ("carriers = [\"spare\", \"mail\"]", "carriers = \"s3cret\"", "expected a sequence"),
        ("\"spare\", \"mail\"", "\"sparse\"", "route 1: there is no carrier sparse"),
        ("\"spare\", \"mail\"", "", "route 1: `carriers` names nobody"),
        ("kind = \"email\"", "kind = \"sms\"", "route 1: spare doesn't carry sms"),
        ("kind = \"email\"", "kind = \"email\"\nthen = \"voice\"", "route 1: `then`"),
        ("kind = \"email\"", "kind = \"email\"\nprefixes = [\"+49\"]", "route 1: a prefix"),
        ("kind = \"email\"", "kind = \"email\"\ncost = -1.0", "route 1: `cost`"),
        ("kind = \"email\"", "kind = \"email\"\nper_second = 0", "route 1: `per_second`"),
        ("[[routes]]", "[[ruotes]]", "unknown field `ruotes`"),
        ("password = \"s3cret\"", "password = \"s3cret", "line 16"),
    ] {
        assert!(FILE.contains(from), "{from}");
        let text = FILE.replacen(from, to, 1);
        let error = match Gateway::read(&text) {
            Ok(gateway) => gateway.set_up(&[], &around()).err().expect(to).to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(wanted), "{error:?} for {to:?}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "\\PC{0,200}|(\\[carriers\\.[a-z]{1,3}\\]\n|kind = \"smtp\"\n|[a-z_]{1,9} = [0-9\"]{1,4}\n|\\[\\[routes\\]\\]\n){0,8}") {
        let _ = Gateway::read(&text);
    }
}

#[tokio::test]
async fn a_carrier_whose_password_file_has_changed_is_set_up_anew() {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "s3cret\n").unwrap();
    let file = FILE.replace("password = \"s3cret\"", &format!("password_file = \"{}\"", password.display()));
    let gateway = Gateway::read(&file).unwrap();
    let first = gateway.set_up(&[], &around()).unwrap();
    let second = gateway.set_up(&first, &around()).unwrap();
    assert!(Arc::ptr_eq(&first[1].channel, &second[1].channel));
    std::fs::write(&password, "0ther\n").unwrap();
    let third = gateway.set_up(&second, &around()).unwrap();
    assert!(!Arc::ptr_eq(&second[1].channel, &third[1].channel), "it signs in with another");
    assert!(Arc::ptr_eq(&second[0].channel, &third[0].channel), "the other needs no new connection");
}
