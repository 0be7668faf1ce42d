//! A policy's sections and a tenant's settings, as somebody stored them.
#![no_main]

use countersign_auth::{
    Settings,
    policy::{Layer, Method, Policies},
};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|text: &str| {
    if let Ok(layer) = Layer::parse("fuzzed", text) {
        let policies = Policies { global: Some(Arc::new(layer)), ..Policies::default() };
        let applied = policies.applied(&[]);
        let _ = (applied.new_user(), applied.user_auth(), applied.remember(), applied.allows(Method::Push));
        let _ = (applied.network(None), applied.network("192.0.2.1".parse().ok()), applied.network("::1".parse().ok()));
    }
    if let Ok(settings) = Settings::parse(text) {
        assert!(settings.threshold() > 0);
        let _ = (settings.lockout_length(), settings.sms_life(), settings.log_retention(), settings.pending_deletion());
    }
});
