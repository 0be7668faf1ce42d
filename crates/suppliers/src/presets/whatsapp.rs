//! WhatsApp: Meta's Cloud API, codes by authentication templates only.
//!
//! Sources: Meta's pages "Authentication templates" (the code stands twice, in the text and behind the button; at most 15 characters),
//! "Error codes" (15 May 2026), "Webhooks: status messages", "Validating payloads", "No storage". Texts are not carried: outside of the 24 hours
//! after a person's own message only templates are. Messages stay at Meta for up to 30 days until they are delivered, one hour where
//! the number is set to "no storage"; there is nothing to delete one by one.

use crate::{
    driver::InvalidDriver,
    letter::{Class, Kind, Progress},
    place::{Place, Pointer},
    recipe::{Answer, Auth, InboundAt, Languages, Receipts, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    signature::Signature,
};
use serde::Deserialize;
use serde_json::json;

/// A carrier of `kind = "whatsapp"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The sender, as Meta numbers it.
    phone_number_id: String,
    access_token: Secret,
    /// Signs the webhooks.
    app_secret: Secret,
    /// What Meta's GET must know when the webhook is registered.
    verify_token: Secret,
    /// The template's name.
    template: String,
    /// The languages that it is approved in; the first for everybody else.
    languages: Vec<String>,
    /// `v23.0`.
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let base = super::base(self.base_url.as_deref(), "https://graph.facebook.com")?;
        let version = self.version.as_deref().unwrap_or("v23.0");
        if !version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') || version.starts_with('.') {
            return Err(InvalidDriver::Setting("version is like v23.0"));
        }
        if self.languages.is_empty() {
            return Err(InvalidDriver::Setting("a template has at least one language"));
        }
        let (number, template) = (super::segment(&self.phone_number_id)?, super::segment(&self.template)?);
        let code = json!([{"type": "text", "text": "{code}"}]);
        let body = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "{to}", "type": "template",
            "template": {
                "name": template,
                "language": {"code": "{language}"},
                "components": [
                    {"type": "body", "parameters": code},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
                ],
            },
        });
        let recipe = Recipe {
            prepare: None,
            send: Step::post(&format!("{base}/{version}/{number}/messages"), body, Auth::Bearer(self.access_token))?,
            answer: Answer {
                id: Some(Place::at("/messages/0/id")),
                code: vec![Place::at("/error/code")],
                classes: classes(),
                ..Answer::default()
            },
            // 132001: the template doesn't exist in this language.
            languages: Some(Languages { known: self.languages, missing: vec!["132001"] }),
            receipts: Some(Receipts {
                each: Some(Pointer::new("/entry/*/changes/*/value/statuses/*")),
                id: Some(Pointer::new("/id")),
                state: Pointer::new("/status"),
                states: table(&[
                    (&["sent"], Progress::Sent),
                    (&["delivered", "read"], Progress::Delivered),
                    (&["failed"], Progress::Undelivered),
                ]),
                code: vec![Pointer::new("/errors/0/code")],
                classes: classes(),
                signature: Signature::meta(self.app_secret),
                inbound: Some(InboundAt {
                    each: Some(Pointer::new("/entry/*/changes/*/value/messages/*")),
                    from: Pointer::new("/from"),
                    to: None,
                    text: Pointer::new("/text/body"),
                }),
            }),
            one_address: true,
            forget: None,
        };
        Ok(Made { recipe, kind: Kind::WhatsApp, from: None, verify_token: Some(self.verify_token) })
    }
}

/// Meta, "Error codes". Those that say that nobody can be reached there are followed by another channel.
fn classes() -> std::collections::BTreeMap<String, Class> {
    table(&[
        // Not on WhatsApp, terms not accepted, too old a client; the number is the sender's own.
        (&["131026", "131021"], Class::BadAddress),
        // Meta decided not to deliver; part of an experiment; the policy.
        (&["131049", "130472", "368", "131048"], Class::Blocked),
        (&["130497"], Class::Region),
        (&["131050"], Class::OptedOut),
        (&["4", "80007", "130429", "131056", "133016"], Class::Throttled),
        // Sign-in, permission, payment, registration, template missing, paused, disabled or filled wrongly, window closed.
        (
            &[
                "0", "3", "10", "190", "200", "131005", "131030", "131031", "131042", "131045", "131047", "132000",
                "132001", "132005", "132007", "132012", "132015", "132016", "133010", "134011",
            ],
            Class::Account,
        ),
        (&["1", "2", "131000", "131016", "131057", "133004"], Class::Supplier),
    ])
}
