//! A canary's row, written beside a message's ([`crate::log::canary`]).

use super::Desk;
use crate::{
    Outgoing, State,
    log::{self, canary},
};
use keys::{Part, TenantKeys, segment};
use store::{MessageRow, StoreError};
use types::{MessageId, Millis};

impl Desk {
    /// A canary, where one is due with this message: it looks like a message of the same kind that a limit has refused. None for a tenant
    /// whose log isn't sealed: nothing in it is worth stealing.
    pub(super) async fn canary(
        &self,
        message: &Outgoing,
        log_key: Option<&str>,
        keys: &TenantKeys,
    ) -> Result<Option<MessageRow>, StoreError> {
        let Some(log_key) = log_key else { return Ok(None) };
        let world = self.store.world();
        if !self.book.wants_canary(message.tenant, world) {
            return Ok(None);
        }
        let day = message.id.made_at().day();
        let Some(key) = self.book.key(&self.store, message.tenant, day, log_key).await? else { return Ok(None) };
        let id = log::day_id(MessageId::new(Millis(day.saturating_mul(86_400_000)), world.random.as_ref()));
        let words = log::Sent { at: self.now(), canary: true, ..log::Sent::default() };
        let mut sealed = key.seal(id, Part::Sent, &words.encode())?;
        sealed.extend(segment::blank(Part::Receipt));
        let channel = message.kind().map_or("sms", crate::ChannelKind::as_str);
        Ok(Some(MessageRow {
            id,
            day,
            channel: channel.to_owned(),
            supplier: String::new(),
            purpose: message.purpose.as_str().to_owned(),
            state: State::Failed.as_str().to_owned(),
            billing_class: "none".to_owned(),
            error_class: "limit-pause".to_owned(),
            user_mark: canary::mark(keys, id).to_vec(),
            receipt: None,
            sealed: Some(sealed),
            txid: None,
        }))
    }
}
