//! Any bytes as form and as JSON body, and every getter over what was read: no panic, and limits kept.
#![no_main]

use countersign_duo_api::wire::{Limits, LogPage, LogPages, OffsetPage, OldLogPage, PUSHINFO_MAX, PageLimits, Params};
use countersign_types::Millis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::DEFAULT;
    for params in [Params::from_urlencoded(data, &limits), Params::from_json(data, &limits)].into_iter().flatten() {
        let names: Vec<String> = params.names().map(str::to_owned).collect();
        assert!(names.len() <= limits.params);
        for name in &names {
            assert!(!name.is_empty() && name.len() <= limits.name);
            let _ = (params.text(name), params.required(name), params.bool(name), params.int(name, -5..=300));
            let _ = (params.nested(name), params.with_prefix(name));
            if let Ok(Some(list)) = params.list(name, 50) {
                assert!(list.len() <= 50);
            }
            if let Ok(Some(pairs)) = params.pairs(name, PUSHINFO_MAX) {
                assert!(pairs.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() <= PUSHINFO_MAX);
            }
        }
        let now = Millis(1_795_291_200_000);
        if let Ok(page) = OffsetPage::read(&params, PageLimits::OBJECTS) {
            assert!((1..=300).contains(&page.limit));
        }
        for pages in [LogPages::AUTHENTICATION, LogPages::ITEMS, LogPages::EVENTS] {
            if let Ok(page) = LogPage::read(&params, pages, now) {
                assert!(page.from <= page.to && (1..=1000).contains(&page.limit));
            }
        }
        let _ = OldLogPage::read(&params, now);
    }
});
