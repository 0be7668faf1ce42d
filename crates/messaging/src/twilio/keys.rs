//! The table of a carrier of kind `twilio`.

use super::{Retry, Twilio, TwilioConfig};
use crate::{Channel, Outgoing, Surroundings, gateway};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    account_sid: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
    from: String,
    voice_from: Option<String>,
    base_url: Option<String>,
}

/// Sets the carrier up.
pub(crate) fn from_keys(name: &str, keys: toml::Table, around: &Surroundings) -> Result<Arc<dyn Channel>, String> {
    let keys: Keys = gateway::keys_of(keys)?;
    let token = gateway::secret("token", keys.token, keys.token_file.as_deref())?.ok_or("`token` is missing")?;
    let config = TwilioConfig {
        base_url: keys.base_url.unwrap_or_else(|| "https://api.twilio.com".to_owned()),
        account_sid: keys.account_sid,
        token,
        from: keys.from,
        voice_from: keys.voice_from,
        public_url: around.public_url.clone(),
        validity: Outgoing::VALID_FOR,
        retry: Retry::default(),
    };
    let twilio = Twilio::new(config, around.world.clone()).map_err(|error| error.to_string())?;
    Ok(Arc::new(twilio.named(name)))
}
