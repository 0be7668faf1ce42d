//! Plivo: the Message API.
//!
//! Sources: plivo-python a0cd323 (`resources/messages.py`, `utils/`); Plivo's pages "Send a message", "Message status callbacks",
//! "Messaging: error codes", and "data storage preferences": `log=false` keeps no text and stores the number without its last three
//! digits. A message can't be deleted ("Cannot delete a Message resource").

use crate::{
    driver::InvalidDriver,
    letter::{Class, Progress},
    place::{Place, Pointer},
    recipe::{Answer, Auth, InboundAt, Receipts, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    signature::Signature,
};
use serde::Deserialize;
use serde_json::json;

/// A carrier of `kind = "plivo"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    auth_id: String,
    /// Signs in, and checks callbacks.
    auth_token: Secret,
    from: String,
    #[serde(default)]
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let base = super::base(self.base_url.as_deref(), "https://api.plivo.com")?;
        let account = super::segment(&self.auth_id)?.to_owned();
        let body = json!({
            "src": "{from_digits}", "dst": "{to_digits}", "text": "{text}", "type": "sms", "log": "false",
            "message_expiry": "{seconds:number}", "url": "{callback}", "method": "POST",
        });
        let auth = Auth::Basic { user: account.clone(), password: self.auth_token.clone() };
        let recipe = Recipe {
            prepare: None,
            send: Step::post(&format!("{base}/v1/Account/{account}/Message/"), body, auth)?,
            answer: Answer { id: Some(Place::at("/message_uuid/0")), ..Answer::default() },
            languages: None,
            receipts: Some(Receipts {
                each: None,
                id: Some(Pointer::new("/MessageUUID")),
                state: Pointer::new("/Status"),
                states: table(&[
                    (&["queued"], Progress::Queued),
                    (&["sent"], Progress::Sent),
                    (&["delivered", "read"], Progress::Delivered),
                    (&["undelivered"], Progress::Undelivered),
                    (&["failed"], Progress::Failed),
                ]),
                code: vec![Pointer::new("/ErrorCode")],
                classes: table(&[
                    (&["20"], Class::Supplier),
                    (&["30", "100", "451"], Class::Blocked),
                    (&["40", "900", "910"], Class::Account),
                    (&["50", "90"], Class::BadAddress),
                    (&["70", "80"], Class::Unreachable),
                    (&["200"], Class::OptedOut),
                    (&["420"], Class::Expired),
                    (&["450"], Class::Region),
                ]),
                signature: Signature::Plivo(self.auth_token),
                inbound: Some(InboundAt {
                    each: None,
                    from: Pointer::new("/From"),
                    to: Some(Pointer::new("/To")),
                    text: Pointer::new("/Text"),
                }),
            }),
            one_address: false,
            forget: None,
        };
        Ok(Made::sms(recipe, self.from))
    }
}
