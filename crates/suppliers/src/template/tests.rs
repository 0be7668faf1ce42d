use super::*;
use proptest::prelude::*;
use std::time::Duration;
use types::SecretString;

fn letter(text: &str) -> Letter {
    Letter {
        to: "+15035550100".parse().unwrap(),
        content: Content::Text(SecretString::new(text.to_owned())),
        from: None,
        callback: Some("https://mfa.example/telephony/x/abc?d=%d".to_owned()),
        validity: Duration::from_secs(90),
        language: "de-AT".to_owned(),
    }
}

fn values(letter: &Letter) -> Values<'_> {
    Values {
        letter: Some(letter),
        from: Some("+4930123"),
        language: None,
        request: None,
        id: Some("a/b"),
        now: Millis(1_794_651_630_405),
    }
}

fn filled(template: &str) -> Option<String> {
    Template::parse(template).unwrap().fill(&values(&letter("Grüße")))
}

#[test]
fn variables_stand_for_their_values() {
    assert_eq!(filled("{to} {to_digits} {{x}}").as_deref(), Some("+15035550100 15035550100 {x}"));
    assert_eq!(
        filled("{from}|{from_digits}|{seconds}|{minutes}|{millis}").as_deref(),
        Some("+4930123|4930123|90|2|90000")
    );
    assert_eq!(filled("{expires}").as_deref(), Some("2026-11-14T10:22:00Z"));
    assert_eq!(filled("{text} {encoding} {language}").as_deref(), Some("Grüße text de-AT"));
    assert_eq!(filled("{code}"), None, "a text has no code");
    assert_eq!(filled("{request}"), None);
}

#[test]
fn what_is_no_template() {
    for (text, wanted) in [
        ("{to", InvalidTemplate::Brace),
        ("to}", InvalidTemplate::Brace),
        ("{password}", InvalidTemplate::Unknown),
        ("{TO}", InvalidTemplate::Unknown),
        ("{{{to}", InvalidTemplate::Unknown),
        ("{seconds:number} s", InvalidTemplate::Number),
    ] {
        let wanted = if text == "{{{to}" { None } else { Some(wanted) };
        assert_eq!(Template::parse(text).err(), wanted, "{text}");
    }
}

#[test]
fn only_the_configuration_names_a_host() {
    let check = |text: &str, plain| Template::parse(text).unwrap().check_address(plain).is_ok();
    for good in ["https://sms.example/{to}", "https://sms.example", "http://127.0.0.1:9/x", "http://localhost/{to}"] {
        assert!(check(good, false), "{good}");
    }
    assert!(check("http://10.0.0.5:13013/cgi-bin/sendsms", true));
    for bad in [
        "https://{from}/",
        "{text}",
        "https://sms.example{to}",
        "https://{to}.example/",
        "ftp://x/",
        "//x/",
        "https://user@x.example/",
        "https:///x",
        "https://",
    ] {
        assert!(!check(bad, true), "{bad}");
    }
    assert!(!check("http://sms.example/", false));
    assert!(!check("http://127.0.0.1.example/", false));
}

#[test]
fn numbers_and_gaps_in_json() {
    let shape = Shape::try_from(serde_json::json!({
        "to": ["{to}"], "code": "{code}", "ttl": "{seconds:number}", "fixed": true, "deep": {"gone": "{request}"}
    }))
    .unwrap();
    let letter = letter("x");
    let value = shape.fill(&values(&letter)).unwrap();
    assert_eq!(value.to_string(), r#"{"to":["+15035550100"],"ttl":90,"fixed":true}"#);
    let deep = (0..40).fold(serde_json::json!("{to}"), |inner, _| serde_json::json!([inner]));
    assert_eq!(Shape::try_from(deep).err(), Some(InvalidTemplate::Deep));
}

#[test]
fn a_value_never_climbs_out_of_its_segment() {
    let template = Template::parse("https://sms.example/m/{id}").unwrap();
    for (id, wanted) in [
        ("a/b", Some("https://sms.example/m/a%2Fb")),
        ("..", None),
        (".", None),
        ("a?b#c", Some("https://sms.example/m/a%3Fb%23c")),
    ] {
        let values = Values { letter: None, from: None, language: None, request: None, id: Some(id), now: Millis(0) };
        assert_eq!(template.fill_url(&values).as_deref(), wanted, "{id}");
    }
}

proptest! {
    #[test]
    fn no_text_becomes_a_template(text in "\\PC{0,60}") {
        // A message that looks like a template is a value, and is filled in as it is.
        let letter = letter(&text);
        prop_assert_eq!(Template::parse("{text}").unwrap().fill(&values(&letter)), Some(text));
    }

    #[test]
    fn no_value_leaves_its_json_text(text in any::<String>()) {
        let shape = Shape::try_from(serde_json::json!({"a": "{text}", "b": ["<{text}>"]})).unwrap();
        let letter = letter(&text);
        let bytes = serde_json::to_vec(&shape.fill(&values(&letter)).unwrap()).unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(read, serde_json::json!({"a": text, "b": [format!("<{text}>")]}));
    }

    #[test]
    fn no_value_leaves_its_place_in_an_address(text in any::<String>()) {
        let letter = letter(&text);
        let template = Template::parse("https://sms.example/a/{text}/b").unwrap();
        if let Some(filled) = template.fill_url(&values(&letter)) {
            let url = url::Url::parse(&filled).unwrap();
            prop_assert_eq!(url.host_str(), Some("sms.example"));
            prop_assert_eq!(url.query(), None);
            prop_assert_eq!(url.fragment(), None);
            prop_assert_eq!(url.path_segments().unwrap().count(), 3);
        }
    }

    #[test]
    fn nothing_makes_the_parser_panic(text in "[{}a-z:_]{0,40}|\\PC{0,40}") {
        if let Ok(template) = Template::parse(&text) {
            let letter = letter("x");
            let _ = template.fill(&values(&letter));
            let _ = template.check_address(true);
        }
    }
}
