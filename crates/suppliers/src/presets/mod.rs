//! One file for each supplier: its settings, and the recipe that they come to. Where a fact was found stands beside it.
//!
//! What each supplier is asked to forget:
//!
//! | supplier | in the message | afterwards |
//! |---|---|---|
//! | Vonage | | Redact API, after the final receipt |
//! | Plivo | `log=false`: text not kept, the number's last three digits neither | |
//! | Sinch, Infobip, Bird, AWS SNS | | nothing of the kind in their APIs |
//! | WhatsApp | | nothing by message; the number's "no storage" setting |
//! | Telegram | `ttl`: deleted if unread | revoked after the last moment of the code |
//! | any other | what its templates say | what its templates say |

pub mod bird;
pub mod generic;
pub mod infobip;
pub mod plivo;
pub mod sinch;
pub mod sns;
pub mod telegram;
pub mod twilio;
pub mod vonage;
pub mod whatsapp;

use crate::{
    driver::InvalidDriver,
    recipe::{Answer, Receipts},
    secret::Secret,
    settings::Settings,
    signature::Signature,
};
use std::sync::OnceLock;

/// The beginning of a preset's addresses: the supplier's own, or the configured one.
fn base(configured: Option<&str>, own: &str) -> Result<String, InvalidDriver> {
    let base = configured.unwrap_or(own).trim_end_matches('/');
    if base.contains(['{', '}', '?', '#', ' ']) {
        return Err(InvalidDriver::Setting("base_url must be a plain address"));
    }
    Ok(base.to_owned())
}

/// A name that stands in a path or in a host.
fn segment(text: &str) -> Result<&str, InvalidDriver> {
    let fits =
        (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if fits {
        Ok(text)
    } else {
        Err(InvalidDriver::Setting("an account's name holds something else than letters, digits, - and _"))
    }
}

/// Answers and receipts of every preset that has receipts, made once from settings that mean nothing.
pub(crate) fn for_fuzzing() -> &'static [(Answer, Receipts)] {
    static ALL: OnceLock<Vec<(Answer, Receipts)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let tables = [
            ("vonage", serde_json::json!({"api_key": "k", "api_secret": "s", "from": "Acme", "signature_secret": "x"})),
            ("sinch", serde_json::json!({"service_plan_id": "p", "token": "t", "region": "eu", "from": "Acme"})),
            ("infobip", serde_json::json!({"base_url": "https://x.api.infobip.com", "api_key": "k", "from": "Acme"})),
            ("plivo", serde_json::json!({"auth_id": "MA1", "auth_token": "t", "from": "Acme"})),
            (
                "bird",
                serde_json::json!({"workspace_id": "w", "channel_id": "c", "access_key": "k", "signing_key": "x"}),
            ),
            (
                "whatsapp",
                serde_json::json!({"phone_number_id": "1", "access_token": "t", "app_secret": "a", "verify_token": "v",
                "template": "login", "languages": ["en_US"]}),
            ),
            ("telegram", serde_json::json!({"token": "t"})),
        ];
        let read = |(kind, table): (&str, serde_json::Value)| {
            let recipe = Settings::read(kind, table)?.ok()?.made().ok()?.recipe;
            Some((recipe.answer, recipe.receipts?))
        };
        tables.into_iter().filter_map(read).collect()
    })
}

/// What every answer may mean: those of the presets above, and Twilio's.
pub(crate) fn answers_for_fuzzing() -> &'static [Answer] {
    static ALL: OnceLock<Vec<Answer>> = OnceLock::new();
    ALL.get_or_init(|| for_fuzzing().iter().map(|(answer, _)| answer.clone()).chain([twilio::answer()]).collect())
}

/// Every kind of signature, under one key.
pub(crate) fn signatures_for_fuzzing(key: Secret) -> Vec<Signature> {
    vec![
        Signature::meta(key.clone()),
        Signature::Basic { user: "u".to_owned(), password: key.clone() },
        Signature::Vonage(key.clone()),
        Signature::Sinch(key.clone()),
        Signature::Plivo(key.clone()),
        Signature::Bird(key.clone()),
        Signature::Telegram(key),
    ]
}

#[cfg(test)]
mod tests;
