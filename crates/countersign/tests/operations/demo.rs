//! The demo's show, line by line. What it prints for real clients is tested with them (`e2e/test_demo.py`).

use super::support::{countersign, run};

/// Who, with what, and what they are told.
const SHOW: &[(&str, &str, &str)] = &[
    ("anna", "passcode of a TOTP token", "allow  Success."),
    ("anna", "the same passcode again", "deny   This passcode has already been used."),
    ("anna", "a wrong passcode", "deny   Incorrect passcode."),
    ("ben", "passcode of an HOTP token", "allow  Success."),
    ("ben", "passcode four presses further on", "allow  Success."),
    ("ben", "a passcode that was passed over", "deny   Incorrect passcode."),
    ("chris", "touch of a YubiKey", "allow  Success."),
    ("chris", "the same touch again", "deny   This passcode has already been used."),
    ("dora", "push; the six digits typed on the device", "allow  Success."),
    ("emil", "push; denied on the device", "deny   Login request denied."),
    ("fay", "push; \"it wasn't me\"", "deny   Login request reported as fraudulent."),
    ("fay", "push; somebody tries it once more", "deny   Login requests to your device are suspended."),
    ("gus", "SMS, please", "deny   New SMS passcodes sent."),
    ("gus", "passcode of the message", "allow  Success."),
    ("gus", "the same passcode again", "deny   Incorrect passcode."),
    ("hana", "call; the two digits of the screen pressed", "allow  Success."),
    ("lena", "her sign-in page, opened by somebody else", "deny   "),
    ("lena", "passcode on the web application's page", "allow  Success."),
    ("lena", "what her browser brought back, a second time", "deny   invalid_grant"),
    ("ivan", "bypass code", "allow  Success."),
    ("ivan", "the same bypass code again", "deny   Incorrect passcode."),
    ("jan", "ten wrong passcodes, the last of which:", "deny   Incorrect passcode. Your account has been locked out."),
    ("jan", "the right passcode, too late", "deny   Your account is locked out."),
    ("kim", "nothing yet: the account is disabled", "deny   Your account is disabled."),
];

#[test]
fn every_login_is_answered_as_it_should_be_and_nothing_is_left_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = countersign(temporary.path(), &["demo", "--exit"]);
    let (ok, text) = run(command.env("TMPDIR", temporary.path()));
    assert!(ok, "{text}");
    let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("  ✓") || line.starts_with("  ✗")).collect();
    assert_eq!(shown.len(), SHOW.len(), "{text}");
    for (line, (who, asked, told)) in shown.iter().zip(SHOW) {
        let rest = line.strip_prefix("  ✓ ").unwrap_or_else(|| panic!("{line}"));
        let (head, tail) = rest.split_once(asked).unwrap_or_else(|| panic!("no {asked} in {line}"));
        assert_eq!((head.trim(), tail.trim_start().starts_with(told)), (*who, true), "{line}");
    }
    for message in ["┌ SMS to +12025550143", "passcodes: ", "┌ call to +12025550177"] {
        assert!(text.contains(message), "no {message} in {text}");
    }
    assert!(text.ends_with("24 of 24 logins were answered as they should be.\n"), "{text}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "the scratch directory is still there");
}

#[test]
fn a_directory_that_holds_something_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine"), "x").unwrap();
    let named = directory.path().to_str().unwrap();
    let (ok, text) = run(&mut countersign(directory.path(), &["demo", "--exit", "--directory", named]));
    assert!(!ok && text.contains("is not empty"), "{text}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
