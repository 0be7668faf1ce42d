//! What attackers do at a sign-in: flood, guess, ask who is there, and look for a door that was forgotten.

use crate::{
    soft_passkey::SoftPasskey,
    support::{SEED, approve, each_engine},
    visit::{Visit, allowed, code, new_browser, refusal, to_application},
};
use countersign_auth::{
    Answer, Begun, Client, Factor, Hints, Subject, Verdict,
    sign_in::{Choices, Done, Hidden, Step},
};
use std::time::Duration;
use types::SecretString;

/// All factors but passkeys and codes that an administrator gave.
pub(crate) fn weaker(passcode: &str) -> [Factor; 5] {
    let recovery = Factor::Recovery(SecretString::new("ABCDE-FGHJK-MNPQR".to_owned()));
    [Factor::Push, Factor::Phone, Factor::Sms, code(passcode), recovery]
}

/// F1: a bot with the right password floods from a known browser; the victim approves whatever a tap can approve.
#[test]
fn f1_a_flood_gets_three_prompts_and_no_approval() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let browser = house.known_browser("ana", user).await;
        let (mut delivered, mut approved) = (0, 0);
        for _ in 0..200 {
            let visit = Visit::open(house, Some("ana"), to_application(), browser.clone()).await;
            if let Ok((id, _)) = visit.push().await {
                delivered += 1;
                approved += usize::from(allowed(&visit.answer(&device, id, Answer::Approve(None)).await));
            }
            house.clock.advance(Duration::from_secs(18));
        }
        assert!((1..=3).contains(&delivered), "{delivered} prompts were delivered");
        assert_eq!(approved, 0);
    });
}

/// F2: the victim types whatever digits somebody reads out on the telephone; the attacker's browser isn't known.
#[test]
fn f2_a_victim_who_types_every_code_is_never_asked() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (mut delivered, mut approved) = (0, 0);
        for _ in 0..50 {
            let visit = Visit::application(house, "ana").await;
            if let Ok((id, digits)) = visit.push().await {
                delivered += 1;
                let _ = device.answer(house, id, approve(&digits)).await;
                approved += usize::from(allowed(&visit.follow().await));
            }
            house.clock.advance(Duration::from_secs(40));
        }
        assert_eq!((delivered, approved), (0, 0));
    });
}

#[test]
fn wrong_codes_in_a_browser_lock_out_at_every_door() {
    each_engine(r#"{"lockout_threshold": 5}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        for n in 0..5 {
            let visit = Visit::application(house, "ana").await;
            let status = if n == 4 { "locked_out" } else { "deny" };
            assert_eq!(refusal(&visit.attempt(code("000000")).await), status);
        }
        let visit = Visit::application(house, "ana").await;
        assert_eq!(visit.choices().await.verdict, Verdict::Deny);
        assert_eq!(refusal(&visit.attempt(code(&house.totp())).await), "locked_out");
        assert!(!house.passcode("ana", &house.totp()).await.allow);
        // At their own pages a stranger isn't told.
        let visit = Visit::portal(house, Some("ana")).await;
        assert_eq!(visit.choices().await.verdict, Verdict::Challenge);
        assert_eq!(refusal(&visit.attempt(code(&house.totp())).await), "deny");
    });
}

/// At the person's own pages no password stands before the guesses: they must not shut the owner out, and must not go on for ever.
#[test]
fn strangers_lock_nobody_out_and_soon_guess_in_vain() {
    each_engine(r#"{"lockout_threshold": 3}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        for _ in 0..12 {
            let visit = Visit::portal(house, Some("ana")).await;
            assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
        }
        let right = house.totp();
        let stranger = Visit::portal(house, Some("ana")).await;
        assert_eq!(refusal(&stranger.attempt(code(&right)).await), "deny", "no more guesses today");
        let visit = Visit::application(house, "ana").await;
        assert!(allowed(&visit.attempt(code(&right)).await), "where a password was asked for");
        let known = visit.finish().await.unwrap().known;
        house.next_step();
        let browser = countersign_auth::sign_in::Browser { known, ..new_browser() };
        let own = Visit::open(house, Some("ana"), countersign_auth::sign_in::Purpose::Portal, browser).await;
        assert!(allowed(&own.attempt(code(&house.totp())).await), "in a browser of their own");
        house.clock.advance(Duration::from_secs(86_400));
        let stranger = Visit::portal(house, Some("ana")).await;
        assert!(allowed(&stranger.attempt(code(&house.totp())).await), "another day");
    });
}

#[test]
fn strangers_send_so_many_messages_and_no_more() {
    each_engine("{}", async |house| {
        for n in 0..15 {
            let (name, number) = (format!("person{n}"), format!("+150355501{n:02}"));
            let user = house.user(&name).await;
            house.phone(user, &number).await;
            let visit = Visit::portal(house, Some(&name)).await;
            assert!(matches!(visit.attempt(Factor::Sms).await, Step::Sent { .. }));
            // They are not waited for: each that leaves is waited for here, so that none is counted that is still on its way.
            let came = house.outbox.wait_for(&number, Duration::from_secs(if n < 10 { 20 } else { 0 })).await;
            assert_eq!(came.is_some(), n < 10, "{n}");
        }
    });
}

/// What a stranger sees of an account.
fn seen(choices: &Choices) -> String {
    format!(
        "{:?} {:?} {:?} {} {} {} {} {} {} {} {} {} {} {:?}",
        choices.verdict,
        choices.best,
        choices.hidden,
        choices.enroll,
        choices.passkey,
        choices.push,
        choices.passcode,
        choices.sms,
        choices.phone,
        choices.recovery,
        choices.devices.len(),
        choices.wait,
        choices.sms_wait,
        choices.message,
    )
}

fn told(step: &Step) -> String {
    match step {
        Step::Allowed => "allowed".to_owned(),
        Step::Proved => "proved".to_owned(),
        Step::Refused(outcome) => format!("{} {}", outcome.status, outcome.message),
        Step::Waiting { message, .. } => format!("waiting {message}"),
        Step::Sent { message, wait } => format!("sent {message} {wait}"),
    }
}

#[test]
fn nobody_learns_at_the_persons_own_pages_who_is_there() {
    each_engine(r#"{"lockout_threshold": 3}"#, async |house| {
        let all = house.user("all").await;
        house.token(all, "t6", SEED).await;
        house.authenticator(all).await;
        house.phone(all, "+15035550100").await;
        let passkey = house.user("passkey").await;
        SoftPasskey::register(house, passkey, &["internal"]).await;
        house.user("empty").await;
        let off = house.user("off").await;
        house.token(off, "t6", SEED).await;
        house.set_status(off, "disabled").await;
        let free = house.user("free").await;
        house.set_status(free, "bypass").await;
        let mut accounts = Vec::new();
        for name in ["nobody", "all", "passkey", "empty", "off", "free"] {
            let visit = Visit::portal(house, None).await;
            let mut sign_in = visit.sign_in().await;
            house.auth.name_user(&mut sign_in, name).await.unwrap();
            let mut lines = vec![seen(&visit.choices().await)];
            assert_eq!(visit.sign_in().await.username(), Some(name));
            for factor in weaker("000000") {
                lines.push(told(&visit.attempt(factor).await));
            }
            for _ in 0..5 {
                lines.push(told(&visit.attempt(code("000001")).await));
            }
            let options = house.auth.passkey_options(&visit.sign_in().await, &visit.browser).await.unwrap();
            lines.push(format!("{:?}", options["allowCredentials"].as_array().map(Vec::len)));
            accounts.push((name, lines));
        }
        let (_, nobody) = accounts.remove(0);
        for (name, account) in accounts {
            assert_eq!(account, nobody, "{name}");
        }
    });
}

#[test]
fn a_name_is_given_once() {
    each_engine("{}", async |house| {
        house.user("ana").await;
        house.user("bob").await;
        for first in ["ana", "nobody"] {
            let visit = Visit::portal(house, None).await;
            let mut sign_in = visit.sign_in().await;
            let mut same_moment = visit.sign_in().await;
            house.auth.name_user(&mut sign_in, first).await.unwrap();
            house.auth.name_user(&mut sign_in, first).await.unwrap();
            assert!(house.auth.name_user(&mut sign_in, "bob").await.is_err(), "{first}");
            assert!(house.auth.name_user(&mut same_moment, "bob").await.is_err(), "{first}");
            assert!(house.auth.name_user(&mut visit.sign_in().await, "bob").await.is_err(), "{first}");
        }
        // The application has said who it is.
        let visit = Visit::application(house, "ana").await;
        assert!(house.auth.name_user(&mut visit.sign_in().await, "bob").await.is_err());
    });
}

#[test]
fn strangers_can_not_fill_the_log() {
    each_engine("{}", async |house| {
        let visit = Visit::portal(house, Some("nobody")).await;
        for _ in 0..60 {
            assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
        }
        assert_eq!(house.logged().await.len(), 30);
    });
}

/// W8: with passkeys only, no door takes anything else.
#[test]
fn passkey_only_shuts_every_door() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.authenticator(user).await;
        house.phone(user, "+15035550100").await;
        house.bypass(user, "123456789", None).await;
        let free = house.user("free").await;
        house.set_status(free, "bypass").await;
        house.global_policy(r#"{"new_user":{"new_user_behavior":"no-mfa"}}"#).await;
        // They have all this from before.
        house.settings(r#"{"passkey_only": true, "weaker_with_passkey": true, "push_in_new_browsers": true}"#).await;
        let app = house.app().await;
        for name in ["ana", "free", "nobody"] {
            let subject = Subject::Name(name.to_owned());
            let preauth = house.auth.preauth(&app, &subject, &Client::default(), &Hints::default()).await.unwrap();
            assert!(matches!(preauth.decision.verdict, Verdict::Deny | Verdict::Enroll), "{name}");
            for code in [house.totp(), "123456789".to_owned()] {
                assert!(!house.passcode(name, &code).await.allow, "{name}");
            }
            for factor in [Factor::Push, Factor::Phone, Factor::Sms, Factor::Auto] {
                match house.begin(name, factor, true).await {
                    Ok(Begun::Pending(id)) => assert!(!house.finish(id).await.allow, "{name}"),
                    Ok(Begun::Finished(outcome)) => assert!(!outcome.allow, "{name}"),
                    Err(_) => {}
                }
            }
            let mut steps = Vec::new();
            for visit in [Visit::application(house, name).await, Visit::portal(house, Some(name)).await] {
                for factor in weaker(&house.totp()) {
                    steps.push(visit.attempt(factor).await);
                }
                steps.push(visit.attempt(code("123456789")).await);
                assert!(visit.finish().await.is_err(), "{name}");
            }
            assert!(!steps.iter().any(|step| matches!(step, Step::Allowed | Step::Waiting { .. } | Step::Sent { .. })));
        }
        assert!(house.outbox.take().is_empty(), "nothing was sent");
        assert_eq!(Visit::application(house, "ana").await.choices().await.hidden, Hidden::PasskeyOnly);
        // And a passkey opens them.
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        assert!(allowed(&Visit::application(house, "ana").await.passkey(&key).await));
    });
}

#[test]
fn a_passkey_alone_is_no_reason_to_enrol_and_no_way_in_without_a_browser() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        SoftPasskey::register(house, user, &["internal"]).await;
        let app = house.app().await;
        let subject = Subject::Name("ana".to_owned());
        let ask = async || house.auth.preauth(&app, &subject, &Client::default(), &Hints::default()).await.unwrap();
        let preauth = ask().await;
        assert_eq!(preauth.decision.verdict, Verdict::Deny);
        assert!(preauth.decision.message.contains("browser") && preauth.enroll_url.is_none());
        let Begun::Finished(outcome) = house.begin("ana", Factor::Auto, false).await.unwrap() else {
            panic!("a prompt")
        };
        assert!(!outcome.allow && outcome.message.contains("browser"));
        // An administrator's code is a way in there, as ever.
        house.bypass(user, "123456789", Some(1)).await;
        assert_eq!(ask().await.decision.verdict, Verdict::Challenge);
        assert!(house.passcode("ana", "123456789").await.allow);
        // With a token beside it the old doors go on as before.
        house.token(user, "t6", SEED).await;
        assert_eq!(ask().await.decision.verdict, Verdict::Challenge);
        assert!(house.passcode("ana", &house.totp()).await.allow);
    });
}

/// W5: an access pass opens the person's own pages, to register a passkey, and no application.
#[test]
fn an_access_pass_is_for_no_application() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let pass = house.access_pass(user).await;
        let typed = || Factor::Recovery(SecretString::new(pass.clone()));
        let visit = Visit::application(house, "ana").await;
        assert!(!visit.choices().await.recovery);
        assert_eq!(refusal(&visit.attempt(typed()).await), "not_offered");
        assert_eq!(refusal(&visit.attempt(code(&pass)).await), "deny");
        let Begun::Finished(outcome) = house.begin("ana", code(&pass), false).await.unwrap() else { panic!("pending") };
        assert!(!outcome.allow);
        assert!(house.begin("ana", typed(), false).await.is_err());

        let visit = Visit::portal(house, Some("ana")).await;
        assert!(allowed(&visit.attempt(typed()).await));
        let Done::Session { cookie, .. } = visit.finish().await.unwrap().kind else { panic!("no session") };
        let session = house.auth.session(house.tenant, cookie.expose()).await.unwrap().expect("a session");
        assert_eq!(session.strength(), countersign_auth::account::Strength::AccessPass);
        let visit = Visit::portal(house, Some("ana")).await;
        assert_eq!(refusal(&visit.attempt(typed()).await), "deny", "once");
    });
}

#[test]
fn one_address_opens_so_many_sign_ins_and_no_more() {
    each_engine("{}", async |house| {
        let portal = house.auth.portal(house.tenant).await.unwrap();
        let open = async |browser| {
            house.auth.open_sign_in(&portal, None, countersign_auth::sign_in::Purpose::Portal, &browser).await
        };
        for _ in 0..300 {
            open(new_browser()).await.unwrap();
        }
        assert!(matches!(open(new_browser()).await, Err(countersign_auth::AuthError::Limited { .. })));
        let mut elsewhere = new_browser();
        elsewhere.client.ip = Some("192.0.2.8".parse().unwrap());
        assert!(open(elsewhere).await.is_ok());
        house.clock.advance(Duration::from_secs(60));
        assert!(open(new_browser()).await.is_ok());
    });
}

/// An account whose passkeys were suspended, or whose owner kept nothing but recovery codes, isn't new: who has its password may not
/// enrol, also where new users are let in without a factor.
#[test]
fn who_has_enrolled_before_is_nobody_new() {
    each_engine("{}", async |house| {
        let ana = house.user("ana").await;
        let key = SoftPasskey::register(house, ana, &["internal"]).await;
        let bea = house.user("bea").await;
        let (scope, now) = (house.store.tenant(house.tenant), house.world.now());
        let code_of_bea = "ABCD-EFGH-JKMN-PQRS";
        let digest = scope
            .keys()
            .await
            .unwrap()
            .digest(store::fields::RECOVERY, &[bea.as_bytes(), code_of_bea.replace('-', "").as_bytes()]);
        let mut tx = scope.begin().await.unwrap();
        assert!(tx.suspend_passkey(key.id, "revoked", now).await.unwrap());
        tx.insert_recovery(&store::RecoveryRow {
            id: types::RecoveryId::new(now, house.world.random.as_ref()),
            user_id: bea,
            kind: "code".to_owned(),
            digest: digest.to_vec(),
            expires: None,
            used_at: None,
            created: now,
            created_by: "user".to_owned(),
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
        house.user("new").await;
        for policy in [None, Some(r#"{"new_user":{"new_user_behavior":"no-mfa"}}"#)] {
            if let Some(policy) = policy {
                house.global_policy(policy).await;
            }
            let app = house.app().await;
            for (name, first) in [("ana", false), ("bea", false), ("new", true)] {
                let visit = Visit::application(house, name).await;
                let denied = visit.choices().await.verdict == Verdict::Deny;
                assert_eq!(denied, !first, "{name} {policy:?}");
                let code = house.auth.enroll_here(&visit.sign_in().await, &visit.browser).await.unwrap();
                assert_eq!(code.is_some(), first && policy.is_none(), "{name} {policy:?}");
                let subject = Subject::Name(name.to_owned());
                let preauth = house.auth.preauth(&app, &subject, &Client::default(), &Hints::default()).await.unwrap();
                assert_eq!(preauth.decision.verdict == Verdict::Deny, !first, "{name} {policy:?}");
                assert_eq!(preauth.enroll_url.is_some(), first && policy.is_none(), "{name} {policy:?}");
            }
        }
        // The way back is a recovery code at their own pages.
        let visit = Visit::portal(house, Some("bea")).await;
        let step = visit.attempt(Factor::Recovery(SecretString::new(code_of_bea.to_owned()))).await;
        assert!(allowed(&step), "{}", told(&step));
    });
}

/// Each name has its own guesses; a list of names must not multiply them, nor must the addresses of one IPv6 customer.
#[test]
fn a_list_of_names_gives_no_more_guesses() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let at = |ip: String| countersign_auth::sign_in::Browser {
            client: Client { ip: Some(ip.parse().unwrap()), ..Client::default() },
            ..new_browser()
        };
        let portal = || countersign_auth::sign_in::Purpose::Portal;
        for n in 0..100 {
            let (name, browser) = (format!("person{n}"), at(format!("2001:db8:1:2::{n}")));
            let visit = Visit::open(house, Some(&name), portal(), browser).await;
            assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
        }
        let neighbour = Visit::open(house, Some("ana"), portal(), at("2001:db8:1:2:3::1".to_owned())).await;
        assert_eq!(refusal(&neighbour.attempt(code(&house.totp())).await), "deny");
        let elsewhere = Visit::open(house, Some("ana"), portal(), at("2001:db8:1:3::1".to_owned())).await;
        assert!(allowed(&elsewhere.attempt(code(&house.totp())).await));
    });
}
