//! Sinch: the SMS REST API (`/xms/v1/{service plan}/batches`).
//!
//! Sources: sinch-sdk-node affb35e (`packages/sms/src/models/v1`, `packages/sdk-client/src/utils/authorization.helper.ts`); Sinch's
//! pages "Delivery report statuses" and "Callbacks". The API has nothing to redact or delete a message that was sent.

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

/// A carrier of `kind = "sinch"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    service_plan_id: String,
    token: Secret,
    /// `us`, `eu`, `br`, `au`, `ca`.
    #[serde(default)]
    region: Option<String>,
    from: String,
    /// Of the service plan's HMAC setting; with it, callbacks must be signed.
    #[serde(default)]
    webhook_secret: Option<Secret>,
    #[serde(default)]
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let region = super::segment(self.region.as_deref().unwrap_or("us"))?;
        let base = super::base(self.base_url.as_deref(), &format!("https://{region}.sms.api.sinch.com"))?;
        let plan = super::segment(&self.service_plan_id)?;
        let body = json!({
            "from": "{from_digits}", "to": ["{to_digits}"], "body": "{text}", "type": "mt_text", "expire_at": "{expires}",
            "delivery_report": "per_recipient", "callback_url": "{callback}",
        });
        let recipe = Recipe {
            prepare: None,
            send: Step::post(&format!("{base}/xms/v1/{plan}/batches"), body, Auth::Bearer(self.token))?,
            answer: Answer { id: Some(Place::at("/id")), code: vec![Place::at("/code")], ..Answer::default() },
            languages: None,
            receipts: Some(Receipts {
                each: None,
                id: Some(Pointer::new("/batch_id")),
                state: Pointer::new("/status"),
                states: table(&[
                    (&["Queued"], Progress::Queued),
                    (&["Dispatched"], Progress::Sent),
                    (&["Delivered"], Progress::Delivered),
                    (&["Failed", "Expired"], Progress::Undelivered),
                    (&["Rejected", "Aborted", "Cancelled", "Deleted"], Progress::Failed),
                ]),
                code: vec![Pointer::new("/code")],
                classes: table(&[
                    (&["402"], Class::BadAddress),
                    (&["403"], Class::Supplier),
                    (&["404"], Class::Unreachable),
                    (&["406", "Expired"], Class::Expired),
                    (&["408"], Class::Blocked),
                    (&["410", "413"], Class::Account),
                    (&["412"], Class::Region),
                ]),
                signature: self.webhook_secret.map_or(Signature::None, Signature::Sinch),
                inbound: Some(InboundAt {
                    each: None,
                    from: Pointer::new("/from"),
                    to: Some(Pointer::new("/to")),
                    text: Pointer::new("/body"),
                }),
            }),
            one_address: false,
            forget: None,
        };
        Ok(Made::sms(recipe, self.from))
    }
}
