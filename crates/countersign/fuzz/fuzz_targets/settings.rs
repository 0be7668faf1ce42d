//! Any text as configuration file: no panic, and what is accepted is printed as a file that is accepted too.
#![no_main]

use std::path::Path;

use countersign::config::{Config, Settings, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Secrets' files would be read from the machine.
    if text.contains("_file") {
        return;
    }
    if let Ok(settings) = Settings::parse(Path::new("fuzz.toml"), text) {
        let _ = Config::from_settings(&settings);
        let printed = print::effective(&settings);
        assert!(Settings::parse(Path::new("printed.toml"), &printed).is_ok(), "{printed}");
    }
});
