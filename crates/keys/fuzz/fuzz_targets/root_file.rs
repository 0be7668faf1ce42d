//! The text of a root-key file.
#![no_main]

use countersign_keys::FileRoot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(ids) = FileRoot::ids_in(text) {
        assert!(!ids.is_empty() && ids.iter().all(|id| id.starts_with("file:") && id.len() == 21));
        let mut distinct = ids.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len());
    }
});
