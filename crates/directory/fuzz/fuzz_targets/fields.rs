//! Fields of settings and integrations: a name and JSON.
#![no_main]

use countersign_directory::{INTEGRATION_FIELDS, IntegrationFields, SETTINGS_FIELDS, SettingsFields};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let Ok(value) = serde_json::from_slice(input.1) else { return };
    let at = usize::from(input.0);
    let _ = SettingsFields::default().set(SETTINGS_FIELDS[at % SETTINGS_FIELDS.len()].0, &value);
    let _ = IntegrationFields::default().set(INTEGRATION_FIELDS[at % INTEGRATION_FIELDS.len()].0, &value);
});
