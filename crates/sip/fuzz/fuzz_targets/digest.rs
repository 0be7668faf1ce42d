//! A challenge: what can be answered is answered in one line.
#![no_main]

use countersign_sip::{
    digest::{Account, Challenge, Credentials},
    message::{Message, Uri},
};
use countersign_types::{Millis, SecretString, World};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &str| {
    if Challenge::parse(value).is_err() {
        return;
    }
    let request = Message::request("INVITE".to_owned(), Uri::parse("sip:a@b").unwrap());
    let mut response = Message::response_to(&request, 401, "No", "tag");
    response.push("WWW-Authenticate", value);
    let account =
        Account { user: "u\"s\\er".to_owned(), password: Some(SecretString::new("secret".to_owned())), realm: None };
    let mut credentials = Credentials::default();
    credentials.challenged(&response, &account).unwrap();
    let (world, _) = World::made(Millis(0), 1);
    for (_, header) in credentials.headers(&account, "INVITE", "sip:a@b", &world) {
        assert!(!header.contains(['\r', '\n']));
    }
});
