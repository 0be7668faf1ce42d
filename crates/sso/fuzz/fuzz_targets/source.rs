//! What an administrator writes for a claim: what is taken is written as what is taken again.
#![no_main]

use countersign_sso::claims::{Source, Template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(template) = text.parse::<Template>() {
        assert_eq!(template.to_string().parse::<Template>().as_ref(), Ok(&template));
    }
    if let Ok(source) = text.parse::<Source>() {
        let written = serde_json::to_string(&source).unwrap();
        assert_eq!(serde_json::from_str::<Source>(&written).unwrap(), source);
    }
});
