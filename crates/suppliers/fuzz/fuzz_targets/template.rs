//! Templates: whatever is one can be checked as an address, and what isn't is refused.
#![no_main]

use countersign_suppliers::template::Template;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(template) = Template::parse(text) {
        let _ = template.check_address(true);
    }
});
