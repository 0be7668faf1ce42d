//! Vonage: the SMS API with a key and a secret, or the Messages API with an application.
//!
//! Sources: vonage-python-sdk b308cb1 (`sms/`, `messages/`, `jwt/`); Vonage's pages "Redact API", "Signed webhooks", "Signing
//! messages", "SMS: troubleshooting" (states and codes of the SMS API and of its receipts).

use crate::{
    driver::InvalidDriver,
    letter::{Class, Progress},
    place::{Place, Pointer},
    recipe::{Answer, Auth, Expect, Forget, Receipts, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    signature::{Application, Signature},
};
use serde::Deserialize;
use serde_json::json;

/// A carrier of `kind = "vonage"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    api_key: String,
    api_secret: Secret,
    /// Number or sender id.
    from: String,
    /// Checks callbacks; without it there are no receipts.
    #[serde(default)]
    signature_secret: Option<Secret>,
    /// With both the Messages API is used.
    #[serde(default)]
    application_id: Option<String>,
    #[serde(default)]
    private_key: Option<Secret>,
    /// Of messages; `https://rest.nexmo.com` (SMS API) or `https://api.nexmo.com` (Messages API).
    #[serde(default)]
    base_url: Option<String>,
    /// Of the Redact API; `https://api.nexmo.com`.
    #[serde(default)]
    redact_url: Option<String>,
    /// Whether the account has the Redact API; Vonage enables it on request.
    #[serde(default = "yes")]
    redact: bool,
}

const fn yes() -> bool {
    true
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let application = match (self.application_id, &self.private_key) {
            (Some(id), Some(key)) => Some(Application::new(id, key)?),
            (None, None) => None,
            _ => return Err(InvalidDriver::Setting("application_id and private_key come together")),
        };
        let basic = Auth::Basic { user: self.api_key, password: self.api_secret };
        let api = super::base(self.redact_url.as_deref(), "https://api.nexmo.com")?;
        // "Redact a specific message": POST /v1/redact/transaction. It doesn't reach the short-lived logs of a few weeks.
        let product = if application.is_some() { "messages" } else { "sms" };
        let redact = json!({"id": "{id}", "product": product, "type": "outbound"});
        let forget = Step::post(&format!("{api}/v1/redact/transaction"), redact, basic.clone())?;
        let forget = self.redact.then_some(Forget { step: forget, gone: Vec::new(), late: false });
        let is_messages = application.is_some();
        let mut recipe = match application {
            Some(application) => {
                messages(&super::base(self.base_url.as_deref(), "https://api.nexmo.com")?, Auth::Jwt(application))?
            }
            None => sms(&super::base(self.base_url.as_deref(), "https://rest.nexmo.com")?, basic)?,
        };
        recipe.forget = forget;
        recipe.receipts = self.signature_secret.map(|secret| {
            let signature = Signature::Vonage(secret);
            if is_messages { messages_receipts(signature) } else { sms_receipts(signature) }
        });
        Ok(Made::sms(recipe, self.from))
    }
}

fn sms(base: &str, auth: Auth) -> Result<Recipe, InvalidDriver> {
    // `ttl` in milliseconds. `callback` is limited to 100 characters, which is why all receipts come to one short address.
    let fields = [
        ("from", "{from_digits}"),
        ("to", "{to_digits}"),
        ("text", "{text}"),
        ("type", "{encoding}"),
        ("ttl", "{millis}"),
        ("callback", "{callback}"),
    ];
    Ok(Recipe {
        prepare: None,
        send: Step::form(&format!("{base}/sms/json"), &fields, auth)?,
        answer: Answer {
            success: vec![Expect { at: Some(Place::at("/messages/0/status")), is: vec!["0".to_owned()], begins: None }],
            // Each part has an id of its own; the first stands for all.
            id: Some(Place::at("/messages/0/message-id")),
            segments: Some(Place::at("/message-count")),
            code: vec![Place::at("/messages/0/status")],
            again: Vec::new(),
            classes: table(&[
                (&["1", "10"], Class::Throttled),
                (&["5"], Class::Supplier),
                (&["6", "22", "33"], Class::BadAddress),
                (&["7"], Class::Blocked),
                (&["4", "8", "9", "11", "14", "15", "23", "29", "32"], Class::Account),
            ]),
        },
        languages: None,
        receipts: None,
        one_address: true,
        forget: None,
    })
}

fn messages(base: &str, auth: Auth) -> Result<Recipe, InvalidDriver> {
    let body = json!({
        "message_type": "text", "channel": "sms", "from": "{from_digits}", "to": "{to_digits}", "text": "{text}",
        "ttl": "{seconds:number}", "webhook_url": "{callback}", "webhook_version": "v1",
    });
    Ok(Recipe {
        prepare: None,
        send: Step::post(&format!("{base}/v1/messages"), body, auth)?,
        answer: Answer { id: Some(Place::at("/message_uuid")), code: vec![Place::at("/title")], ..Answer::default() },
        languages: None,
        receipts: None,
        one_address: false,
        forget: None,
    })
}

fn sms_receipts(signature: Signature) -> Receipts {
    Receipts {
        each: None,
        id: Some(Pointer::new("/messageId")),
        state: Pointer::new("/status"),
        states: table(&[
            (&["accepted", "buffered"], Progress::Sent),
            (&["delivered"], Progress::Delivered),
            (&["expired", "failed"], Progress::Undelivered),
            (&["rejected"], Progress::Failed),
        ]),
        code: vec![Pointer::new("/err-code")],
        classes: table(&[
            (&["2", "3", "7", "12"], Class::Unreachable),
            (&["4", "6", "13", "14"], Class::Blocked),
            (&["5", "9", "11"], Class::BadAddress),
            (&["8"], Class::Supplier),
            (&["15", "39"], Class::Account),
            (&["expired"], Class::Expired),
        ]),
        signature,
        inbound: Some(crate::recipe::InboundAt {
            each: None,
            from: Pointer::new("/msisdn"),
            to: Some(Pointer::new("/to")),
            text: Pointer::new("/text"),
        }),
    }
}

/// Messages API, "Status webhook": `submitted`, `delivered`, `rejected`, `undeliverable`.
fn messages_receipts(signature: Signature) -> Receipts {
    Receipts {
        each: None,
        id: Some(Pointer::new("/message_uuid")),
        state: Pointer::new("/status"),
        states: table(&[
            (&["submitted"], Progress::Sent),
            (&["delivered", "read"], Progress::Delivered),
            (&["undeliverable"], Progress::Undelivered),
            (&["rejected"], Progress::Failed),
        ]),
        code: vec![Pointer::new("/error/title")],
        classes: table(&[(&["undeliverable"], Class::Unreachable), (&["rejected"], Class::Blocked)]),
        signature,
        inbound: None,
    }
}
