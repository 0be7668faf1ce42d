//! A relying party's settings: whatever is read is looked at without panic.
#![no_main]

use countersign_sso::Settings;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(settings) = serde_json::from_str::<Settings>(text) {
        let _ = settings.check("https://app.example/metadata");
    }
});
