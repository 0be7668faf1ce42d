//! The last line of a text: what is read from it stands there as it was read; names of every kind never make a second such line.
#![no_main]

use countersign_messaging::text::{origin_bound, sign_in_code};
use countersign_types::SecretString;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(read) = origin_bound::parse(text) {
        let mut line = format!("@{} #{}", read.host, read.code);
        if let Some(embedded) = read.embedded {
            line.push_str(" @");
            line.push_str(embedded);
        }
        assert!(text.ends_with(&line));
    }
    let code = SecretString::new("123456".to_owned());
    if let Ok(made) = sign_in_code(text, text, Some(text), "login.example", &code) {
        assert!(origin_bound::parse(made.expose()).is_some_and(|read| read.host == "login.example"));
        assert_eq!(made.expose().matches(['@', '#']).count(), 2);
    }
});
