//! Telegram: its Gateway API, codes of our own.
//!
//! Source: core.telegram.org/gateway/api. First `checkSendAbility`, which is shown the number and no code, and whose `request_id` makes
//! the message itself free; then `sendVerificationMessage` with our code (4 to 8 digits). An unread message is deleted when its time has come
//! (`ttl`), and revoked when the code is no longer needed.

use crate::{
    driver::InvalidDriver,
    letter::{Class, Kind, Progress},
    place::{Place, Pointer},
    recipe::{Answer, Auth, Expect, Forget, Receipts, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    signature::Signature,
};
use serde::Deserialize;
use serde_json::json;

/// A carrier of `kind = "telegram"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Signs in, and checks reports.
    token: Secret,
    /// A verified channel of the same account.
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let base = super::base(self.base_url.as_deref(), "https://gatewayapi.telegram.org")?;
        let step = |method: &str, body: serde_json::Value| {
            Step::post(&format!("{base}/{method}"), body, Auth::Bearer(self.token.clone()))
        };
        let answer = || Answer {
            success: vec![Expect { at: Some(Place::at("/ok")), is: vec!["true".to_owned()], begins: None }],
            id: Some(Place::at("/result/request_id")),
            code: vec![Place::at("/error")],
            classes: table(&[
                (&["PHONE_NUMBER_INVALID", "PHONE_NUMBER_NOT_FOUND", "PHONE_NUMBER_NOT_AVAILABLE"], Class::BadAddress),
                (
                    &["ACCESS_TOKEN_INVALID", "ACCESS_TOKEN_REQUIRED", "BALANCE_NOT_ENOUGH", "SENDER_USERNAME_INVALID"],
                    Class::Account,
                ),
                (&["FLOOD_WAIT"], Class::Throttled),
            ]),
            ..Answer::default()
        };
        let message = json!({
            "phone_number": "{to}", "request_id": "{request}", "code": "{code}", "ttl": "{seconds:number}",
            "sender_username": "{from}", "callback_url": "{callback}",
        });
        let recipe = Recipe {
            prepare: Some((step("checkSendAbility", json!({"phone_number": "{to}"}))?, answer())),
            send: step("sendVerificationMessage", message)?,
            answer: answer(),
            languages: None,
            receipts: Some(Receipts {
                each: None,
                id: Some(Pointer::new("/request_id")),
                state: Pointer::new("/delivery_status/status"),
                states: table(&[
                    (&["sent"], Progress::Sent),
                    (&["delivered", "read"], Progress::Delivered),
                    (&["expired", "revoked"], Progress::Undelivered),
                ]),
                code: Vec::new(),
                classes: table(&[(&["expired"], Class::Expired), (&["revoked"], Class::Expired)]),
                signature: Signature::Telegram(self.token.clone()),
                inbound: None,
            }),
            one_address: false,
            forget: Some(Forget {
                step: step("revokeVerificationMessage", json!({"request_id": "{id}"}))?,
                gone: vec![400],
                // A code that has arrived may not have been read yet.
                late: true,
            }),
        };
        Ok(Made { recipe, kind: Kind::Telegram, from: self.from, verify_token: None })
    }
}
