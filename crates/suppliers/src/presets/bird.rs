//! Bird: the Channels API, an SMS channel of a workspace.
//!
//! Sources: docs.bird.com, "Sending SMS messages", "Message status and interactions", "Verifying a webhook subscription". The sender
//! is the channel's. Webhooks belong to the workspace: one address for all messages, always signed. The API can't delete a channel's
//! message.

use crate::{
    driver::InvalidDriver,
    letter::{Class, Kind, Progress},
    place::{Place, Pointer},
    recipe::{Answer, Auth, InboundAt, Receipts, Recipe, Step, table},
    secret::Secret,
    settings::Made,
    signature::Signature,
};
use serde::Deserialize;
use serde_json::json;

/// A carrier of `kind = "bird"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    workspace_id: String,
    channel_id: String,
    access_key: Secret,
    /// Of the webhook subscriptions `sms.outbound` and `sms.inbound`; without it there are no receipts.
    #[serde(default)]
    signing_key: Option<Secret>,
    #[serde(default)]
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        let base = super::base(self.base_url.as_deref(), "https://api.bird.com")?;
        let (workspace, channel) = (super::segment(&self.workspace_id)?, super::segment(&self.channel_id)?);
        let url = format!("{base}/workspaces/{workspace}/channels/{channel}/messages");
        let body = json!({
            "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "{to}"}]},
            "body": {"type": "text", "text": {"text": "{text}"}},
        });
        let key = Secret::new(format!("AccessKey {}", self.access_key.expose()));
        let recipe = Recipe {
            prepare: None,
            send: Step::post(&url, body, Auth::Header { name: "authorization".to_owned(), value: key })?,
            answer: Answer { id: Some(Place::at("/id")), code: vec![Place::at("/code")], ..Answer::default() },
            languages: None,
            receipts: self.signing_key.map(|key| Receipts {
                each: None,
                id: Some(Pointer::new("/payload/id")),
                state: Pointer::new("/payload/status"),
                states: table(&[
                    (&["accepted", "processing"], Progress::Queued),
                    (&["sent"], Progress::Sent),
                    (&["delivered"], Progress::Delivered),
                    (&["delivery_failed"], Progress::Undelivered),
                    (&["sending_failed", "rejected"], Progress::Failed),
                ]),
                code: vec![Pointer::new("/payload/failure/code")],
                classes: table(&[(&["delivery_failed"], Class::Unreachable)]),
                signature: Signature::Bird(key),
                inbound: Some(InboundAt {
                    each: None,
                    from: Pointer::new("/payload/sender/contact/identifierValue"),
                    to: Some(Pointer::new("/payload/channelId")),
                    text: Pointer::new("/payload/body/text/text"),
                }),
            }),
            one_address: true,
            forget: None,
        };
        Ok(Made { recipe, kind: Kind::Sms, from: None, verify_token: None })
    }
}
