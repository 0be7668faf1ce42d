//! Our signature against the supplier's own library.

use crate::support::python;
use messaging::signature;
use std::{
    io::Write as _,
    process::{Command, Stdio},
};
use types::SecretString;

const SCRIPT: &str = r#"
import json, sys
from twilio.request_validator import RequestValidator
for case in json.load(sys.stdin):
    validator = RequestValidator(case["token"])
    params = dict(case["form"])
    print(json.dumps([validator.compute_signature(case["url"], params),
                      validator.validate(case["url"], params, case["signature"])]))
"#;

/// Token, address, form.
type Case = (&'static str, &'static str, Vec<(&'static str, &'static str)>);

#[test]
fn the_suppliers_own_validator_agrees() {
    let cases: Vec<Case> = vec![
        (
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            vec![
                ("CallSid", "CA1234567890ABCDE"),
                ("Digits", "1234"),
                ("From", "+14158675309"),
                ("To", "+18005551212"),
            ],
        ),
        ("token", "https://mfa.example.com/telephony/twilio/status/abc_-1", vec![("MessageSid", "SM1"), ("Body", "")]),
        ("token", "https://mfa.example.com:8443/x", vec![("b", "2"), ("a", "1"), ("B", "3"), ("A", "é ü 漢 😀 & = +")]),
        ("ключ", "http://127.0.0.1/x", vec![]),
    ];
    let sign = |token: &str, url: &str, form: &[(&str, &str)]| {
        let form: Vec<(String, String)> = form.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        signature::sign(&SecretString::new(token.to_owned()), url, &form)
    };
    let input: Vec<serde_json::Value> = cases
        .iter()
        .map(|(token, url, form)| {
            serde_json::json!({ "token": token, "url": url, "form": form, "signature": sign(token, url, form) })
        })
        .collect();
    let mut child =
        Command::new(python()).args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(&input).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), cases.len());
    for (line, (token, url, form)) in lines.lines().zip(&cases) {
        let (theirs, valid): (String, bool) = serde_json::from_str(line).unwrap();
        assert_eq!(theirs, sign(token, url, form), "{url}");
        assert!(valid, "{url}");
    }
}
