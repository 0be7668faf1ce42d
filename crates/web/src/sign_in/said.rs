//! What the engine says, in the person's language.
//!
//! The engine's words are Duo's, in English, because old clients show them as they are. A text of its that isn't here is said as one that
//! is always true; the log has the reason.

use crate::texts::Words;
use auth::Outcome;

/// The engine's text and ours.
const SAID: &[(&str, &str)] = &[
    ("Incorrect passcode. Please try again.", "said-wrong-passcode"),
    ("Incorrect password. Please try again.", "said-wrong-password"),
    ("Passwords can't be checked at the moment. Please try again later.", "said-no-directory"),
    ("The provider can't be asked at the moment. Please try again later, or choose another way.", "provider-away"),
    ("The provider signed nobody in. Please try again, or choose another way.", "provider-refused"),
    ("The provider's answer can't be used. Please try again, or ask your administrator.", "provider-not-taken"),
    ("This way to the provider is over. Please start it again.", "provider-over"),
    ("Your account at the provider isn't known here. Please ask your administrator to link it.", "provider-unknown"),
    ("Incorrect code. Please try again.", "said-wrong-passcode"),
    ("Incorrect passcode. Your account has been locked out.", "said-wrong-passcode-locked"),
    ("This passcode has already been used. Please generate a new passcode and try again.", "said-used-passcode"),
    ("Your account is locked out.", "said-locked"),
    ("Your account is disabled.", "said-disabled"),
    ("Your account is not permitted to access this application.", "said-not-permitted"),
    ("Nothing that your account signs in with can be used now.", "said-nothing-left"),
    ("Access from your network is not permitted.", "said-network"),
    ("Too many messages were sent to this phone. Please try again later.", "said-too-many-messages"),
    ("The SMS passcodes could not be sent. Please try another factor.", "said-message-failed"),
    (
        "Login requests to your device are suspended. Please use another factor or ask your administrator.",
        "said-prompts-suspended",
    ),
    ("Login requests to your device are suspended. Please choose another way.", "said-prompts-suspended"),
    (
        "A login request is already waiting on your device. If you did not start it, report it there.",
        "said-prompt-open",
    ),
    ("Please wait half a minute before the next login request.", "said-prompts-close"),
    ("Login timed out.", "said-timed-out"),
    ("Login request not found or expired.", "said-timed-out"),
    ("Login request denied.", "said-denied"),
    ("Login request reported as fraudulent.", "said-fraud"),
    ("Incorrect verification code. Please try again.", "said-wrong-digits"),
    ("No keypress detected. Please try again.", "said-no-key"),
    ("The request could not be delivered. Please try another factor.", "said-undelivered"),
    ("This login request was already used.", "said-used"),
    ("The service is restarting. Please try again.", "said-restarting"),
    ("Too many tries. Please start the sign-in again.", "said-used"),
    ("This browser isn't known yet. Please choose another way for the first time.", "hidden-new-browser"),
    ("Your account signs in with a passkey.", "hidden-passkey"),
    ("This application asks for a stronger proof. Please use a passkey.", "hidden-too-weak"),
    ("Your organisation accepts passkeys only. Please ask your administrator for one.", "hidden-passkey-only"),
];

/// The key for a refusal.
pub(super) fn key_of(outcome: &Outcome) -> &'static str {
    match outcome.status.as_str() {
        "canary" => return "said-canary",
        "unknown_passkey" => return "passkey-unknown",
        "stale" if !outcome.message.contains("provider") => return "passkey-refused",
        _ => {}
    }
    let known = SAID.iter().find(|(theirs, _)| *theirs == outcome.message).map(|(_, ours)| *ours);
    known.unwrap_or(match outcome.status.as_str() {
        "locked_out" => "said-locked",
        "timeout" => "said-timed-out",
        "fraud" => "said-fraud",
        "not_offered" => "said-not-offered",
        _ => "said-unknown",
    })
}

/// A refusal in words.
pub(super) fn refusal(words: &Words, outcome: &Outcome) -> String {
    words.say(key_of(outcome))
}

/// A verdict's message in words.
pub(super) fn verdict(words: &Words, message: &str) -> String {
    refusal(words, &Outcome::deny("deny", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_one_that_the_engine_still_says() {
        let mut engine = String::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../auth/src"))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    engine.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        for (theirs, _) in SAID {
            assert!(theirs.len() > 10 && engine.contains(theirs), "{theirs}");
        }
    }
}
