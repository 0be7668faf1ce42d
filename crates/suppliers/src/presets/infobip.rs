//! Infobip: SMS API 3 (`POST /sms/3/messages`).
//!
//! Sources: infobip-api-python-client 5419238 (`api/sms_api.py`, `models/sms_*.py`); Infobip's pages "Response status and error
//! codes" and "Quickstart". The API has nothing to redact or delete a message; the account's data retention can be shortened on request.

use crate::{
    driver::InvalidDriver,
    letter::{Class, Progress},
    place::{Place, Pointer},
    recipe::{Answer, Auth, Expect, InboundAt, Receipts, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    signature::Signature,
};
use serde::Deserialize;
use serde_json::json;

/// A carrier of `kind = "infobip"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The account's own address, `https://xxxxx.api.infobip.com`.
    base_url: String,
    api_key: Secret,
    from: String,
    /// Name and password that Infobip's webhooks were told, where they were.
    #[serde(default)]
    webhook_user: Option<String>,
    #[serde(default)]
    webhook_password: Option<Secret>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let base = super::base(Some(&self.base_url), "")?;
        let signature = match (self.webhook_user, self.webhook_password) {
            (Some(user), Some(password)) => Signature::Basic { user, password },
            (None, None) => Signature::None,
            _ => return Err(InvalidDriver::Setting("webhook_user and webhook_password come together")),
        };
        let body = json!({"messages": [{
            "sender": "{from_digits}",
            "destinations": [{"to": "{to_digits}"}],
            "content": {"text": "{text}"},
            "options": {"validityPeriod": {"amount": "{minutes:number}", "timeUnit": "MINUTES"}},
            "webhooks": {"delivery": {"url": "{callback}", "intermediateReport": true}, "contentType": "application/json"},
        }]});
        let key = Secret::new(format!("App {}", self.api_key.expose()));
        let auth = Auth::Header { name: "authorization".to_owned(), value: key };
        let recipe = Recipe {
            prepare: None,
            send: Step::post(&format!("{base}/sms/3/messages"), body, auth)?,
            answer: Answer {
                success: vec![Expect {
                    at: Some(Place::at("/messages/0/status/groupName")),
                    is: ["PENDING", "ACCEPTED", "DELIVERED"].map(str::to_owned).to_vec(),
                    begins: None,
                }],
                id: Some(Place::at("/messages/0/messageId")),
                segments: Some(Place::at("/messages/0/details/messageCount")),
                code: vec![Place::at("/messages/0/status/name"), Place::at("/errorCode")],
                again: Vec::new(),
                classes: table(&[
                    (&["REJECTED_PREFIX_MISSING", "MISSING_TO", "REJECTED_INVALID_DESTINATION"], Class::BadAddress),
                    (&["REJECTED_NETWORK", "REJECTED_ROUTE_NOT_AVAILABLE"], Class::Region),
                    (&["REJECTED_DND"], Class::OptedOut),
                    (&["REJECTED_DESTINATION", "REJECTED_FLOODING_FILTER", "REJECTED_BLOCKED"], Class::Blocked),
                    (
                        &[
                            "REJECTED_SOURCE",
                            "REJECTED_SENDER",
                            "REJECTED_NOT_ENOUGH_CREDITS",
                            "REJECTED_PREPAID_PACKAGE_EXPIRED",
                            "REJECTED_DESTINATION_NOT_REGISTERED",
                            "E401",
                            "E403",
                        ],
                        Class::Account,
                    ),
                    (&["REJECTED_SYSTEM_ERROR"], Class::Supplier),
                    (&["E429"], Class::Throttled),
                ]),
            },
            languages: None,
            receipts: Some(Receipts {
                each: Some(Pointer::new("/results/*")),
                id: Some(Pointer::new("/messageId")),
                state: Pointer::new("/status/groupName"),
                states: table(&[
                    (&["ACCEPTED"], Progress::Queued),
                    (&["PENDING"], Progress::Sent),
                    (&["DELIVERED"], Progress::Delivered),
                    (&["UNDELIVERABLE", "EXPIRED"], Progress::Undelivered),
                    (&["REJECTED"], Progress::Failed),
                ]),
                code: vec![Pointer::new("/error/name")],
                classes: table(&[
                    (
                        &["EC_ABSENT_SUBSCRIBER", "EC_ABSENT_SUBSCRIBER_SM", "EC_SUBSCRIBER_BUSY_FOR_MT_SMS"],
                        Class::Unreachable,
                    ),
                    (
                        &["EC_UNKNOWN_SUBSCRIBER", "EC_UNIDENTIFIED_SUBSCRIBER", "EC_ILLEGAL_SUBSCRIBER"],
                        Class::BadAddress,
                    ),
                    (&["EC_CALL_BARRED", "EC_FACILITY_NOT_SUPPORTED", "EC_ANTISPAM_REJECT"], Class::Blocked),
                    (&["EC_MESSAGE_EXPIRED", "EXPIRED"], Class::Expired),
                    (&["REJECTED"], Class::Blocked),
                ]),
                signature,
                inbound: Some(InboundAt {
                    each: Some(Pointer::new("/results/*")),
                    from: Pointer::new("/from"),
                    to: Some(Pointer::new("/to")),
                    text: Pointer::new("/text"),
                }),
            }),
            one_address: false,
            forget: None,
        };
        Ok(Made::sms(recipe, self.from))
    }
}
