//! The text prompt of terminal clients.

use auth::{Capability, Device, Preauth};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A prompt's text, and which factor each choice stands for.
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) factors: Map<String, Value>,
}

/// The menu for `username`. The best factor stands first and is the one that automatic clients take.
pub(crate) fn prompt(username: &str, preauth: &Preauth) -> Prompt {
    let mut factors = Map::new();
    let mut lines = String::new();
    let mut number = 0;
    for (capability, name) in [(Capability::Push, "push"), (Capability::Phone, "phone"), (Capability::Sms, "sms")] {
        for (place, device) in (1..).zip(&preauth.devices) {
            if !device.capabilities.contains(&capability) {
                continue;
            }
            number += 1;
            // The client sends the word back as it is, so it can name the offer whose code this prompt shows.
            let factor = match (capability, &preauth.offer) {
                (Capability::Push, Some(offer)) => format!("{name}{place}.{}", offer.attempt),
                _ => format!("{name}{place}"),
            };
            if number == 1 {
                factors.insert("default".to_owned(), factor.clone().into());
            }
            factors.insert(number.to_string(), factor.into());
            // Writing to a String does not fail.
            let _ = writeln!(lines, " {number}. {}", line(capability, device, preauth));
        }
    }
    let username = printable(username);
    let text = if number == 0 {
        format!("Two-factor sign-in for {username}\n\nPasscode: ")
    } else {
        format!(
            "Two-factor sign-in for {username}\n\nType a passcode, or the number of one of these:\n\n{lines}\nPasscode or option (1-{number}): "
        )
    };
    Prompt { text, factors }
}

fn line(capability: Capability, device: &Device, preauth: &Preauth) -> String {
    let display = printable(&device.display);
    match (capability, &preauth.offer) {
        (Capability::Push, Some(offer)) => {
            format!("Push to {display} (to approve it, type {} there)", offer.code.expose())
        }
        (Capability::Push, None) => format!("Push to {display}"),
        (Capability::Phone, _) => format!("Phone call to {display}"),
        _ => match &device.next_code {
            Some(digit) => format!("SMS passcodes to {display} (next code starts with: {digit})"),
            None => format!("SMS passcodes to {display}"),
        },
    }
}

/// What a terminal may be sent: names come from people, and an escape sequence in one must not reach it.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
