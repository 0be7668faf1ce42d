//! Sign-ins in a browser: every factor to its end, and whose they are.

use crate::{
    soft_passkey::SoftPasskey,
    support::{SEED, approve, each_engine},
    visit::{BACK, Visit, allowed, code, code_in, new_browser, refusal, to_application},
};
use countersign_auth::{
    Answer, AuthError, Factor, Verdict,
    account::Strength,
    sign_in::{ChoiceKind, Done, Hidden, Purpose, SignInState, Step},
};
use messaging::CallBehavior;
use std::time::Duration;
use types::SecretString;

#[test]
fn a_passkey_signs_in_to_an_application_and_the_application_learns_who() {
    each_engine(r#"{"brand": "Acme"}"#, async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal", "hybrid"]).await;
        // The name as the application writes it: it comes back byte for byte.
        let visit = Visit::application(house, "Ana@corp.example").await;
        let choices = visit.choices().await;
        assert_eq!(choices.verdict, Verdict::Challenge);
        assert_eq!(choices.best, ChoiceKind::Passkey);
        assert!(allowed(&visit.passkey(&key).await));
        let done = visit.finish().await.unwrap();
        let Done::Application { location } = done.kind else { panic!("no application") };
        assert!(location.ends_with("&state=a%20state%20of%20the%20application%27s%20own"), "{location}");
        assert!(done.known.is_some());
        let code = code_in(&location);
        let redeemed = house.auth.redeem(&*house.app().await, &code, BACK).await.unwrap();
        assert_eq!(redeemed.username, "Ana@corp.example");
        assert_eq!((redeemed.user, redeemed.user_name.as_str()), (Some(user), "ana"));
        assert_eq!((redeemed.factor.as_str(), redeemed.status.as_str()), ("webauthn_credential", "allow"));
        assert_eq!(redeemed.nonce.as_deref(), Some("a nonce"));
        assert_eq!(redeemed.auth_device, "Ana's key");
        assert_eq!(redeemed.ip, new_browser().client.ip);
        assert_eq!(redeemed.txid, visit.id.to_string());
        assert_eq!(visit.sign_in().await.state(), SignInState::Redeemed);
        let logged = house.logged().await;
        assert_eq!(logged, [("webauthn_credential".to_owned(), "success".to_owned(), "user_approved".to_owned())]);
    });
}

#[test]
fn a_passcode_and_a_bypass_code() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.bypass(user, "123456789", Some(1)).await;
        let visit = Visit::application(house, "ana").await;
        assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        assert_eq!(visit.redeem().await.unwrap().factor, "hardware_token");

        let visit = Visit::application(house, "ana").await;
        assert!(allowed(&visit.attempt(code("123456789")).await));
        let done = visit.finish().await.unwrap();
        assert!(done.known.is_none(), "what an administrator gave away says nothing of the browser");
    });
}

#[test]
fn a_push_is_approved_by_the_code_on_the_page() {
    each_engine(r#"{"push_approval": "tap"}"#, async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let browser = house.known_browser("ana", user).await;
        let visit = Visit::open(house, Some("ana"), to_application(), browser).await;
        let choices = visit.choices().await;
        assert!(choices.push && choices.best == ChoiceKind::Push && choices.wait == 0);
        let (id, _) = visit.push().await.unwrap_or_else(|outcome| panic!("{}", outcome.message));
        assert!(visit.choices().await.wait > 0, "the page counts down");
        // Applications without a page may take a tap here; a page never does.
        let step = visit.answer(&device, id, Answer::Approve(None)).await;
        assert_eq!(refusal(&step), "deny");
        house.clock.advance(Duration::from_secs(31));
        assert!(allowed(&visit.approved_push(&device).await));
        let redeemed = visit.redeem().await.unwrap();
        assert_eq!((redeemed.factor.as_str(), redeemed.reason.as_str()), ("duo_push", "user_approved"));
        assert_eq!(redeemed.auth_device, "test device");
    });
}

#[test]
fn it_was_not_me_ends_the_sign_in() {
    each_engine(r#"{"push_in_new_browsers": true}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let device = house.authenticator(user).await;
        let visit = Visit::application(house, "ana").await;
        let (id, _) = visit.push().await.unwrap_or_else(|outcome| panic!("{}", outcome.message));
        assert_eq!(refusal(&visit.answer(&device, id, Answer::Fraud).await), "fraud");
        assert_eq!(visit.sign_in().await.state(), SignInState::Denied);
        assert_eq!(refusal(&visit.attempt(code(&house.totp())).await), "deny");
        assert!(matches!(visit.finish().await, Err(AuthError::NoSignIn)));
    });
}

#[test]
fn whoever_reports_a_prompt_has_no_known_browsers_any_more() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let browser = house.known_browser("ana", user).await;
        let (cookie, _) = house.session(user, Strength::Passkey).await;
        let visit = Visit::open(house, Some("ana"), to_application(), browser.clone()).await;
        let (id, _) = visit.push().await.unwrap_or_else(|outcome| panic!("{}", outcome.message));
        assert!(house.is_open(&cookie).await);
        visit.answer(&device, id, Answer::Fraud).await;
        assert!(!house.is_open(&cookie).await, "whoever it was may have been in one");
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.resume_prompts(user).await.unwrap());
        tx.commit().await.unwrap();
        house.clock.advance(Duration::from_secs(60));
        let visit = Visit::open(house, Some("ana"), to_application(), browser).await;
        let choices = visit.choices().await;
        assert!(!choices.push && choices.hidden == Hidden::NewBrowser);
    });
}

#[test]
fn a_call_shows_two_digits_on_the_page() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        house.print.on_calls(CallBehavior::Silence);
        let visit = Visit::application(house, "ana").await;
        let Step::Waiting { code: Some(pair), .. } = visit.attempt(Factor::Phone).await else { panic!("no call") };
        assert_eq!(pair.expose().len(), 2);
        house.clock.advance(Duration::from_secs(61));
        assert_eq!(refusal(&visit.follow().await), "timeout");
        house.print.on_calls(CallBehavior::PressExpected);
        // The person may have pressed the digits before the page is told that they are called.
        let step = visit.attempt(Factor::Phone).await;
        assert!(matches!(step, Step::Waiting { .. } | Step::Allowed), "{}", refusal(&step));
        assert!(allowed(&visit.follow().await));
        assert_eq!(visit.redeem().await.unwrap().factor, "phone_call");
    });
}

#[test]
fn a_call_ends_when_another_factor_decides() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        house.token(user, "t6", SEED).await;
        house.print.on_calls(CallBehavior::Silence);
        let visit = Visit::application(house, "ana").await;
        let Step::Waiting { attempt, .. } = visit.attempt(Factor::Phone).await else { panic!("no call") };
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        let row = house.store.tenant(house.tenant).attempt(attempt).await.unwrap().unwrap();
        assert_eq!((row.status.as_str(), row.reason.as_str()), ("deny", "user_cancelled"));
        // The sign-in is what the passcode made it.
        assert_ne!(visit.redeem().await.unwrap().factor, "phone_call");
    });
}

/// The six digits of the last message to a number.
async fn texted(house: &crate::support::House) -> String {
    let message = house.outbox.wait_for("+15035550100", Duration::from_secs(5)).await.unwrap();
    let read = messaging::text::origin_bound::parse(message.text.expose()).unwrap();
    assert_eq!(read.host, "api-acme.example.test");
    assert_eq!(read.code.len(), 6);
    read.code.to_owned()
}

#[test]
fn a_code_by_message_is_bound_to_its_sign_in_and_its_browser() {
    each_engine(r#"{"lockout_threshold": 100}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        let visit = Visit::application(house, "ana").await;
        assert!(matches!(visit.attempt(Factor::Sms).await, Step::Sent { wait: 30, .. }));
        assert!(visit.choices().await.sms_wait > 0);
        let right = texted(house).await;
        // S1: the right code in another browser, and at a door without one.
        let other = Visit::application(house, "ana").await;
        assert_eq!(refusal(&other.attempt(code(&right)).await), "deny");
        assert!(!house.passcode("ana", &right).await.allow);
        assert!(allowed(&visit.attempt(code(&right)).await));
        assert_eq!(visit.redeem().await.unwrap().factor, "sms_passcode");
        // Used.
        let again = Visit::application(house, "ana").await;
        assert_eq!(refusal(&again.attempt(code(&right)).await), "deny");
    });
}

#[test]
fn a_code_by_message_dies_after_five_tries_and_after_five_minutes() {
    each_engine(r#"{"lockout_threshold": 100}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        let visit = Visit::application(house, "ana").await;
        visit.attempt(Factor::Sms).await;
        let right = texted(house).await;
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            assert_eq!(refusal(&visit.attempt(code(wrong)).await), "deny");
        }
        assert_eq!(refusal(&visit.attempt(code(&right)).await), "deny", "the sixth try");

        house.clock.advance(Duration::from_secs(60));
        let visit = Visit::application(house, "ana").await;
        visit.attempt(Factor::Sms).await;
        let right = texted(house).await;
        house.clock.advance(Duration::from_secs(301));
        assert_eq!(refusal(&visit.attempt(code(&right)).await), "deny", "too old");
    });
}

#[test]
fn a_sign_in_is_its_browsers_and_its_tenants() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let visit = Visit::application(house, "ana").await;
        let other = Visit::application(house, "ana").await;
        let found = house.auth.sign_in(house.tenant, visit.id, other.secret.expose()).await;
        assert!(matches!(found, Err(AuthError::NoSignIn)), "another browser");
        for secret in ["", "x", "cssi_000000000000000000000000000000000000"] {
            assert!(matches!(house.auth.sign_in(house.tenant, visit.id, secret).await, Err(AuthError::NoSignIn)));
        }
        let stranger = house.another_tenant().await;
        let found = house.auth.sign_in(stranger, visit.id, visit.secret.expose()).await;
        assert!(matches!(found, Err(AuthError::NoSignIn)), "another tenant");
        house.clock.advance(Duration::from_secs(15 * 60));
        assert!(matches!(visit.find().await, Err(AuthError::NoSignIn)), "its time is over");
    });
}

#[test]
fn a_code_is_redeemed_once_in_time_by_its_application_for_its_address() {
    each_engine(r#"{"lockout_threshold": 100}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.add_application("DIBBBBBBBBBBBBBBBBBB", "{}").await;
        let app = house.app().await;
        let other = house.auth.applications().get("DIBBBBBBBBBBBBBBBBBB").await.unwrap().unwrap();
        let fresh = async || {
            house.next_step();
            let visit = Visit::application(house, "ana").await;
            assert!(allowed(&visit.attempt(code(&house.totp())).await));
            visit.duo_code().await
        };
        let refused = async |app, code: &str, uri: &str| {
            matches!(house.auth.redeem(app, code, uri).await, Err(AuthError::Refused(_)))
        };
        let first = fresh().await;
        assert!(refused(&other, &first, BACK).await, "another client's");
        assert!(house.auth.redeem(&app, &first, BACK).await.is_ok());
        assert!(refused(&app, &first, BACK).await, "replayed");
        let second = fresh().await;
        assert!(refused(&app, &second, "https://app.example/back").await, "another address");
        assert!(refused(&app, &second, BACK).await, "used up by that");
        let third = fresh().await;
        house.clock.advance(Duration::from_secs(120));
        assert!(refused(&app, &third, BACK).await, "too old");
        for garbage in ["", "csac_", "csac_000000000000000000000000000000000000", &"x".repeat(5000)] {
            assert!(refused(&app, garbage, BACK).await);
        }
        let fourth = fresh().await;
        house.set_status(user, "disabled").await;
        assert!(refused(&app, &fourth, BACK).await, "disabled meanwhile");
    });
}

#[test]
fn nothing_is_opened_that_leads_elsewhere() {
    each_engine("{}", async |house| {
        let app = house.app().await;
        for redirect_uri in
            ["javascript:alert(1)", "//evil.example", "https://a.example/#x", "https://a.example/\r\nX: y"]
        {
            let purpose = Purpose::Application {
                redirect_uri: redirect_uri.to_owned(),
                state: String::new(),
                nonce: None,
                duo_code: false,
            };
            let opened = house.auth.open_sign_in(&app, Some("ana"), purpose, &new_browser()).await;
            assert!(matches!(opened, Err(AuthError::Refused(_))), "{redirect_uri}");
        }
    });
}

#[test]
fn the_persons_own_pages_open_a_session_once() {
    each_engine(r#"{"brand": "Acme"}"#, async |house| {
        let user = house.user("ana").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        // No name at all: the passkey says who.
        let visit = Visit::portal(house, None).await;
        let choices = visit.choices().await;
        assert!(choices.passkey && !choices.passcode && !choices.sms && !choices.recovery);
        assert!(allowed(&visit.passkey(&key).await));
        let Done::Session { cookie, .. } = visit.finish().await.unwrap().kind else { panic!("no session") };
        let session = house.auth.session(house.tenant, cookie.expose()).await.unwrap().expect("a session");
        assert_eq!((session.user(), session.strength()), (user, Strength::Passkey));
        assert!(matches!(visit.finish().await, Err(AuthError::NoSignIn)), "once");

        // A step-up inside it, and what it gives.
        let purpose = Purpose::StepUp {
            session: session.id(),
            action: "add-passkey".to_owned(),
            return_to: "/account/passkeys".to_owned(),
        };
        let visit = Visit::open(house, None, purpose, new_browser()).await;
        assert_eq!(visit.sign_in().await.username(), Some("ana"));
        assert!(allowed(&visit.passkey(&key).await));
        let Done::Grant { return_to, .. } = visit.finish().await.unwrap().kind else { panic!("no grant") };
        assert_eq!(return_to, "/account/passkeys");
    });
}

#[test]
fn a_step_up_needs_a_session_and_takes_no_administrators_code() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.bypass(user, "123456789", None).await;
        let visit = Visit::portal(house, Some("ana")).await;
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        let Done::Session { cookie, .. } = visit.finish().await.unwrap().kind else { panic!("no session") };
        let session = house.auth.session(house.tenant, cookie.expose()).await.unwrap().expect("a session");
        let step_up =
            |session| Purpose::StepUp { session, action: "remove".to_owned(), return_to: "/account".to_owned() };
        let visit = Visit::open(house, None, step_up(session.id()), new_browser()).await;
        assert_eq!(refusal(&visit.attempt(code("123456789")).await), "deny");
        house.next_step();
        assert!(allowed(&visit.attempt(code(&house.totp())).await));

        house.auth.sign_out(&session).await.unwrap();
        let portal = house.auth.portal(house.tenant).await.unwrap();
        let opened = house.auth.open_sign_in(&portal, None, step_up(session.id()), &new_browser()).await;
        assert!(matches!(opened, Err(AuthError::NoSignIn)));
    });
}

#[test]
fn whoever_needs_no_factor_passes_at_an_application_and_nowhere_else() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.set_status(user, "bypass").await;
        let visit = Visit::application(house, "ana").await;
        assert_eq!(visit.choices().await.verdict, Verdict::Allow);
        let redeemed = visit.redeem().await.unwrap();
        assert_eq!((redeemed.status.as_str(), redeemed.factor.as_str()), ("bypass", "not_available"));

        // Anybody could type that name.
        let visit = Visit::portal(house, Some("ana")).await;
        assert_eq!(visit.choices().await.verdict, Verdict::Challenge);
        assert!(matches!(visit.finish().await, Err(AuthError::NoSignIn)));
        assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
    });
}

#[test]
fn a_remembered_browser_passes_where_policy_says_so() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.add_application("DICCCCCCCCCCCCCCCCCC", r#"{"trusted_device_days": 7}"#).await;
        let app = house.auth.applications().get("DICCCCCCCCCCCCCCCCCC").await.unwrap().unwrap();
        let open = async |browser: &countersign_auth::sign_in::Browser| {
            let opened = house.auth.open_sign_in(&app, Some("ana"), to_application(), browser).await.unwrap();
            house.auth.sign_in(house.tenant, opened.id, opened.browser.expose()).await.unwrap()
        };
        let mut browser = new_browser();
        let sign_in = open(&browser).await;
        assert_eq!(
            house.auth.choices(&sign_in, &browser).await.unwrap().remember,
            Some(Duration::from_secs(7 * 86_400))
        );
        assert!(matches!(house.auth.remember(&sign_in).await, Err(AuthError::NoSignIn)), "nothing is proved yet");
        assert!(allowed(&house.auth.attempt(&sign_in, &browser, code(&house.totp()), None).await.unwrap()));
        let (cookie, life) = house.auth.remember(&sign_in).await.unwrap().expect("a cookie");
        assert_eq!(life, Duration::from_secs(7 * 86_400));

        browser.trusted = Some(cookie);
        let sign_in = open(&browser).await;
        assert_eq!(house.auth.choices(&sign_in, &browser).await.unwrap().verdict, Verdict::Allow);
        house.auth.finish_sign_in(&sign_in, &browser).await.unwrap();
        assert!(house.auth.remember(&sign_in).await.unwrap().is_none(), "a cookie doesn't prolong itself");
        // Another person in the same browser.
        house.user("bob").await;
        let opened = house.auth.open_sign_in(&app, Some("bob"), to_application(), &browser).await.unwrap();
        let sign_in = house.auth.sign_in(house.tenant, opened.id, opened.browser.expose()).await.unwrap();
        assert_eq!(house.auth.choices(&sign_in, &browser).await.unwrap().verdict, Verdict::Enroll);
    });
}

#[test]
fn somebody_new_enrols_and_goes_on_in_the_same_sign_in() {
    each_engine(r#"{"push_in_new_browsers": true}"#, async |house| {
        let visit = Visit::application(house, "new").await;
        let choices = visit.choices().await;
        assert!(choices.enroll && choices.best == ChoiceKind::None);
        let sign_in = visit.sign_in().await;
        let enrolment = house.auth.enroll_here(&sign_in, &visit.browser).await.unwrap().expect("a code");
        let device = crate::support::Device::activate(house, enrolment.expose()).await.unwrap();
        assert!(allowed(&visit.approved_push(&device).await));
        assert_eq!(visit.redeem().await.unwrap().username, "new");
        // Nobody enrols at the person's own pages: no first factor stands before them.
        house.user("ana").await;
        let visit = Visit::portal(house, Some("ana")).await;
        assert!(!visit.choices().await.enroll);
        assert!(house.auth.enroll_here(&visit.sign_in().await, &visit.browser).await.unwrap().is_none());
    });
}

#[test]
fn a_push_needs_a_known_browser() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.user("ana").await, house.user("bob").await);
        house.authenticator(ana).await;
        let device = house.authenticator(bob).await;
        let visit = Visit::application(house, "ana").await;
        let choices = visit.choices().await;
        assert!(!choices.push && choices.devices.is_empty() && choices.hidden == Hidden::NewBrowser);
        assert_eq!(visit.push().await.expect_err("a new browser").status, "not_offered");
        // Bob's browser is not Ana's, even when both have used it.
        let browser = house.known_browser("bob", bob).await;
        let visit = Visit::open(house, Some("ana"), to_application(), browser.clone()).await;
        assert!(!visit.choices().await.push);
        let mut visit = Visit::open(house, Some("bob"), to_application(), browser).await;
        assert!(allowed(&visit.approved_push(&device).await));
        visit.browser.known = visit.finish().await.unwrap().known;
        let cookie = visit.browser.known.clone().unwrap();
        assert_eq!(cookie.expose().split('.').count(), 1, "one person, one secret");
        house.clock.advance(Duration::from_secs(181 * 86_400));
        let visit = Visit::open(house, Some("bob"), to_application(), visit.browser).await;
        assert!(!visit.choices().await.push, "not for ever");
    });
}

#[test]
fn given_up() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let visit = Visit::application(house, "ana").await;
        let to = house.auth.cancel_sign_in(&visit.sign_in().await).await.unwrap().expect("an address");
        assert!(to.starts_with("https://app.example/back?x=1&error=access_denied&state="), "{to}");
        assert_eq!(refusal(&visit.attempt(code(&house.totp())).await), "deny");
    });
}

#[test]
fn an_approval_is_told_to_all_who_follow() {
    each_engine(r#"{"push_in_new_browsers": true}"#, async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let visit = Visit::application(house, "ana").await;
        let (id, digits) = visit.push().await.unwrap_or_else(|outcome| panic!("{}", outcome.message));
        assert!(device.answer(house, id, approve(&digits)).await.unwrap());
        let told = futures_util::future::join_all((0..10).map(|_| visit.follow())).await;
        assert!(told.iter().all(allowed));
        assert!(visit.redeem().await.is_ok());
    });
}

#[test]
fn links_lead_to_the_port_that_browsers_use() {
    each_engine("{}", async |house| {
        let code = SecretString::new("ABCDEFGHJKMNPQRSTVWX".to_owned());
        let options = countersign_auth::Options { public_port: 8443, ..countersign_auth::Options::default() };
        let courier = std::sync::Arc::clone(house.auth.courier());
        let auth = countersign_auth::Auth::start_with(std::sync::Arc::clone(&house.store), courier, options);
        let link = auth.activation_url("api-acme.example.test", house.tenant, &code);
        assert!(link.starts_with("https://api-acme.example.test:8443/activate/"), "{link}");
        let link = house.auth.activation_url("api-acme.example.test", house.tenant, &code);
        assert!(link.starts_with("https://api-acme.example.test/activate/"), "{link}");
    });
}
