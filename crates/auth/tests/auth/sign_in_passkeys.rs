//! Passkeys at a sign-in: lies, races, copies, and whose they are.

use crate::{
    account_house::SOON,
    soft_passkey::{ORIGIN, SoftPasskey},
    support::{SEED, each_engine},
    visit::{Visit, allowed, code, refusal, to_application},
};
use countersign_auth::{
    AuthError, Verdict,
    sign_in::{Browser, Done, SignInState},
};
use futures_util::future::join_all;
use serde_json::json;

#[test]
fn a_phishing_page_gets_no_signature_that_counts_and_is_named() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::application(house, "ana").await;
        let step = visit.passkey_from(&key, "https://api-acme.example.test.evil.example", 0).await;
        assert_eq!(refusal(&step), "deny");
        assert!(matches!(visit.finish().await, Err(AuthError::NoSignIn)));
        let alerts = house.acts().await;
        let alert = alerts.iter().find(|act| act.action == "aitm_detected").expect("an alert");
        assert!(alert.detail.contains("api-acme.example.test.evil.example"), "{}", alert.detail);
    });
}

#[test]
fn related_origins_are_those_that_the_tenant_names() {
    const SETTINGS: &str = r#"{"related_origins": ["https://login.acme-group.test"]}"#;
    each_engine(SETTINGS, async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::application(house, "ana").await;
        assert!(allowed(&visit.passkey_from(&key, "https://login.acme-group.test", 0).await));
        for origin in
            ["https://login.acme-group.test.evil.example", "http://login.acme-group.test", "https://acme-group.test"]
        {
            let visit = Visit::application(house, "ana").await;
            assert_eq!(refusal(&visit.passkey_from(&key, origin, 0).await), "deny", "{origin}");
        }
        // A page that is reached by another name than the tenant's begins no ceremony.
        for origin in
            ["https://evil.example", "http://api-acme.example.test", "https://api-acme.example.test.evil.example", ""]
        {
            let mut visit = Visit::application(house, "ana").await;
            visit.browser.origin = origin.to_owned();
            let options = house.auth.passkey_options(&visit.sign_in().await, &visit.browser).await;
            assert!(matches!(options, Err(AuthError::Refused(_))), "{origin}");
        }
    });
}

#[test]
fn a_hundred_answers_to_one_challenge_and_one_is_looked_at() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::application(house, "ana").await;
        let sign_in = visit.sign_in().await;
        let options = house.auth.passkey_options(&sign_in, &visit.browser).await.unwrap();
        let answer = key.sign(&options, ORIGIN, 0);
        let steps = join_all((0..100).map(|_| house.auth.passkey_answer(&sign_in, &visit.browser, &answer))).await;
        // Whoever comes when it is decided is told so; none but one was counted.
        assert!(steps.iter().any(|step| allowed(step.as_ref().unwrap())));
        let logged = house.logged().await;
        assert_eq!(logged.iter().filter(|(_, result, _)| result == "success").count(), 1);
        // The same answer in another sign-in.
        let other = Visit::application(house, "ana").await;
        house.auth.passkey_options(&other.sign_in().await, &other.browser).await.unwrap();
        let step = house.auth.passkey_answer(&other.sign_in().await, &other.browser, &answer).await.unwrap();
        assert_eq!(refusal(&step), "deny");
        // And without a challenge.
        let step = house.auth.passkey_answer(&other.sign_in().await, &other.browser, &answer).await.unwrap();
        assert_eq!(refusal(&step), "stale");
    });
}

#[test]
fn a_hundred_redeem_one_code_and_one_wins() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::application(house, "ana").await;
        assert!(allowed(&visit.passkey(&key).await));
        let (code, app) = (visit.duo_code().await, house.app().await);
        let redeemed = join_all((0..100).map(|_| house.auth.redeem(&app, &code, crate::visit::BACK))).await;
        assert_eq!(redeemed.iter().filter(|redeemed| redeemed.is_ok()).count(), 1);
    });
}

#[test]
fn a_hundred_finish_one_sign_in_and_one_session_is_opened() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::portal(house, None).await;
        assert!(allowed(&visit.passkey(&key).await));
        let finished = join_all((0..100).map(|_| visit.finish())).await;
        assert_eq!(finished.iter().filter(|finished| finished.is_ok()).count(), 1);
        let sessions = house.store.tenant(house.tenant).sessions_of_user(user, house.world.now()).await.unwrap();
        assert_eq!(sessions.len(), 1);
    });
}

#[test]
fn a_copy_of_a_passkey_is_suspended() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let key = SoftPasskey::register(house, user, &["usb"]).await;
        let own = Visit::portal(house, None).await;
        assert!(allowed(&own.passkey_from(&key, ORIGIN, 6).await));
        let Done::Session { cookie, .. } = own.finish().await.unwrap().kind else { panic!("no session") };
        assert!(house.is_open(&cookie).await);
        let visit = Visit::application(house, "ana").await;
        assert!(allowed(&visit.passkey_from(&key, ORIGIN, 7).await));
        let visit = Visit::application(house, "ana").await;
        assert_eq!(refusal(&visit.passkey_from(&key, ORIGIN, 7).await), "deny");
        let row = house.store.tenant(house.tenant).passkey(key.id).await.unwrap().unwrap();
        assert_eq!((row.suspended_reason.as_str(), row.counter), ("clone_suspected", 7));
        assert!(house.acts().await.iter().any(|act| act.action == "passkey_suspend"));
        assert!(!house.is_open(&cookie).await, "it may be that of the copy");
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("somebody may have a copy of it"), "{}", notice.text.expose());
        let choices = Visit::application(house, "ana").await.choices().await;
        assert!(!choices.enroll && choices.verdict == Verdict::Deny, "nor may who has the copy enrol another");
    });
}

#[test]
fn anothers_passkey_serves_nobody_else() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.user("ana").await, house.user("bob").await);
        let of_ana = SoftPasskey::register(house, ana, &["internal"]).await;
        let of_bob = SoftPasskey::register(house, bob, &["internal"]).await;
        let visit = Visit::application(house, "ana").await;
        assert_eq!(refusal(&visit.passkey(&of_bob).await), "deny");
        // At their own pages: the name that was typed holds, whether somebody has it or not.
        for name in ["ana", "nobody"] {
            let visit = Visit::portal(house, Some(name)).await;
            assert_eq!(refusal(&visit.passkey(&of_bob).await), "deny", "{name}");
            assert_eq!(visit.sign_in().await.state(), SignInState::Open);
        }
        // A signature in which the authenticator names another person.
        let mut liar = of_ana;
        liar.user = bob;
        let visit = Visit::application(house, "ana").await;
        assert_eq!(refusal(&visit.passkey(&liar).await), "deny");
    });
}

#[test]
fn without_a_password_the_user_must_be_verified() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let mut key = SoftPasskey::register(house, user, &["internal"]).await;
        key.flags = 0x01;
        let visit = Visit::portal(house, None).await;
        assert_eq!(refusal(&visit.passkey(&key).await), "deny");
    });
}

#[test]
fn whoever_may_not_sign_in_may_not_with_a_passkey_either() {
    each_engine(r#"{"lockout_threshold": 3}"#, async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::portal(house, None).await;
        house.set_status(user, "disabled").await;
        assert_eq!(refusal(&visit.passkey(&key).await), "deny");
        let visit = Visit::application(house, "ana").await;
        let choices = visit.choices().await;
        assert!(choices.verdict == Verdict::Deny && !choices.passkey);
        house.set_status(user, "active").await;
        assert!(allowed(&Visit::application(house, "ana").await.passkey(&key).await));
    });
}

#[test]
fn policy_can_shut_out_a_kind_of_passkey() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let platform = SoftPasskey::register(house, user, &["internal", "hybrid"]).await;
        let roaming = SoftPasskey::register(house, user, &["usb", "nfc"]).await;
        house.global_policy(r#"{"authentication_methods":{"blocked_auth_list":["webauthn-platform"]}}"#).await;
        let visit = Visit::application(house, "ana").await;
        let options = house.auth.passkey_options(&visit.sign_in().await, &visit.browser).await.unwrap();
        assert_eq!(options["allowCredentials"].as_array().map(Vec::len), Some(1));
        assert_eq!(refusal(&visit.passkey(&platform).await), "deny");
        assert!(allowed(&visit.passkey(&roaming).await));
    });
}

#[test]
fn garbage_is_no_answer() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::application(house, "ana").await;
        let huge = vec![b' '; 100_000];
        let unknown = json!({ "id": "AQID", "rawId": "AQID", "type": "public-key", "response":
            { "authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA" } })
        .to_string();
        for (answer, status) in [
            (&b""[..], "deny"),
            (b"{}", "deny"),
            (b"null", "deny"),
            (&huge, "deny"),
            (unknown.as_bytes(), "unknown_passkey"),
        ] {
            let sign_in = visit.sign_in().await;
            house.auth.passkey_options(&sign_in, &visit.browser).await.unwrap();
            let step = house.auth.passkey_answer(&sign_in, &visit.browser, answer).await.unwrap();
            assert_eq!(refusal(&step), status);
        }
    });
}

/// Its own prompts were suspended; a sign-in that can't be phished resumes them.
#[test]
fn a_passkey_resumes_prompts() {
    each_engine(r#"{"weaker_with_passkey": true, "push_in_new_browsers": true}"#, async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        let visit = Visit::application(house, "ana").await;
        for _ in 0..3 {
            assert!(visit.push().await.is_ok());
            house.clock.advance(std::time::Duration::from_secs(90));
        }
        assert!(visit.push().await.is_err());
        assert!(!visit.choices().await.push, "suspended");
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        assert!(allowed(&visit.passkey(&key).await));
        assert!(Visit::application(house, "ana").await.push().await.is_ok());
    });
}

/// A6: whatever the browser says of itself, the account decides.
#[test]
fn nobody_is_talked_down_to_a_weaker_factor() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        SoftPasskey::register(house, user, &["internal"]).await;
        house.token(user, "t6", SEED).await;
        house.authenticator(user).await;
        house.phone(user, "+15035550100").await;
        house.bypass(user, "123456789", None).await;
        let known = house.known_browser("ana", user).await;
        let agents = [
            "",
            "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Safari/605.1.15",
            "curl/8",
            "Links (2.8; Linux)",
        ];
        for agent in agents {
            for browser in [crate::visit::new_browser(), known.clone()] {
                let browser = Browser { user_agent: agent.to_owned(), ..browser };
                let visit = Visit::open(house, Some("ana"), to_application(), browser).await;
                let choices = visit.choices().await;
                assert!(choices.passkey && choices.devices.is_empty(), "{agent}");
                assert!(!choices.push && !choices.passcode && !choices.sms && !choices.phone && !choices.recovery);
                for factor in crate::sign_in_defence::weaker(&house.totp()) {
                    assert_eq!(refusal(&visit.attempt(factor).await), "not_offered", "{agent}");
                }
                assert_eq!(refusal(&visit.attempt(code("123456789")).await), "not_offered");
            }
        }
        assert!(house.outbox.take().is_empty(), "nothing was sent");
    });
}
