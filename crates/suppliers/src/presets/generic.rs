//! Any other gateway that takes a request for a message: playSMS, Kannel's `sendsms`, a supplier without a preset. The recipe is the
//! administrator's.

use crate::{
    driver::InvalidDriver,
    letter::Kind,
    recipe::{Answer, Forget, Receipts, Recipe, Step},
    settings::Made,
};
use serde::Deserialize;

/// A carrier of `kind = "http"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `{from}` in the templates.
    #[serde(default)]
    from: Option<String>,
    /// What sends a message.
    request: Step,
    /// What comes back.
    #[serde(default)]
    answer: Answer,
    /// What comes later.
    #[serde(default)]
    receipts: Option<Receipts>,
    /// How a message is deleted or redacted.
    #[serde(default)]
    forget: Option<Forget>,
    /// Whether addresses may begin with `http://` beyond this machine: a gateway in the own network.
    #[serde(default)]
    pub(crate) allow_plain_http: bool,
}

impl Settings {
    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        if self.forget.is_some() && self.answer.id.is_none() {
            return Err(InvalidDriver::Setting("a message that is to be forgotten needs an id: answer.id"));
        }
        let recipe = Recipe {
            prepare: None,
            send: self.request,
            answer: self.answer,
            languages: None,
            receipts: self.receipts,
            one_address: false,
            forget: self.forget,
        };
        Ok(Made { recipe, kind: Kind::Sms, from: self.from, verify_token: None })
    }
}
