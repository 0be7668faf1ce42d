//! The life of a push and of a call.

use crate::support::{SEED, approve, each_engine};
use countersign_auth::{Answer, Begun, Factor, Progress};
use messaging::CallBehavior;
use std::time::Duration;
use types::SecretString;

#[test]
fn a_push_is_approved_by_the_code_and_by_nothing_less() {
    each_engine(r#"{"prompt_spacing": 0}"#, async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        assert_eq!(code.len(), 6);
        assert!(device.answer(house, id, approve(&code)).await.unwrap());
        assert!(house.finish(id).await.allow);

        let (id, _) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        device.answer(house, id, Answer::Approve(None)).await.unwrap();
        assert!(!house.finish(id).await.allow, "a tap approves nothing");
    });
}

#[test]
fn denied_reported_and_timed_out() {
    each_engine(r#"{"prompt_spacing": 0}"#, async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (id, _) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        device.answer(house, id, Answer::Deny).await.unwrap();
        let denied = house.finish(id).await;
        assert_eq!((denied.allow, denied.status.as_str()), (false, "deny"));

        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        house.clock.advance(Duration::from_secs(61));
        assert!(!device.answer(house, id, approve(&code)).await.unwrap(), "too late");
        let late = house.finish(id).await;
        assert_eq!((late.allow, late.status.as_str()), (false, "timeout"));

        let (id, _) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        device.answer(house, id, Answer::Fraud).await.unwrap();
        let fraud = house.finish(id).await;
        assert_eq!((fraud.allow, fraud.status.as_str()), (false, "fraud"));
    });
}

#[test]
fn another_device_can_not_answer() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.user("ana").await, house.user("bob").await);
        house.authenticator(ana).await;
        let other = house.authenticator(bob).await;
        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        assert!(other.answer(house, id, approve(&code)).await.is_err());
    });
}

#[test]
fn a_state_is_told_once_and_there_is_an_end_to_questions() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        let app = house.app().await;
        let Begun::Pending(id) = house.begin("ana", Factor::Push, true).await.unwrap() else { panic!("no push") };
        // The client of duo-wire.md §0, 2: it asks twenty times and takes no end for a yes.
        let mut ended = None;
        for question in 1..=20 {
            if let Progress::Finished(outcome) = house.auth.wait(&app, id, Duration::from_millis(1)).await.unwrap() {
                ended = Some((question, outcome.allow));
                break;
            }
        }
        let (question, allow) = ended.expect("an end before the twentieth question");
        assert!(question < 20 && !allow);
    });
}

#[test]
fn what_was_told_and_forgotten_is_not_told_again_at_once() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        let app = house.app().await;
        let Begun::Pending(id) = house.begin("ana", Factor::Push, true).await.unwrap() else { panic!("no push") };
        house.clock.advance(Duration::from_secs(10));
        // Nobody has asked before, as after a restart or on another node: the question waits, and is not answered "still waiting".
        let waiting = house.auth.wait(&app, id, Duration::from_secs(60));
        assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    });
}

#[test]
fn an_unknown_attempt_and_one_of_another_application_are_denied() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        let (id, _) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        house.add_application("DIBBBBBBBBBBBBBBBBBB", "{}").await;
        let other = house.auth.applications().get("DIBBBBBBBBBBBBBBBBBB").await.unwrap().unwrap();
        let unknown = "0196c3a1-0000-7000-8000-000000000000".parse().unwrap();
        for id in [id, unknown] {
            let told = house.auth.wait(&other, id, Duration::from_secs(5)).await.unwrap();
            assert!(matches!(told, Progress::Finished(outcome) if !outcome.allow));
        }
    });
}

#[test]
fn an_asynchronous_passcode_is_answered_by_its_txid() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let right = Factor::Passcode(SecretString::new(house.totp()));
        let Begun::Pending(id) = house.begin("ana", right, true).await.unwrap() else { panic!("no txid") };
        assert!(house.finish(id).await.allow);
        let wrong = Factor::Passcode(SecretString::new("000000".to_owned()));
        let Begun::Pending(id) = house.begin("ana", wrong, true).await.unwrap() else { panic!("no txid") };
        assert!(!house.finish(id).await.allow);
    });
}

#[test]
fn a_call_is_approved_by_the_two_digits_on_the_screen() {
    each_engine(r#"{"prompt_spacing": 0}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        let app = house.app().await;
        house.print.on_calls(CallBehavior::Press(SecretString::new("1".to_owned())));
        let Begun::Pending(id) = house.begin("ana", Factor::Phone, true).await.unwrap() else { panic!("no call") };
        assert!(!house.auth.finish(&app, id).await.unwrap().allow, "1 approves nothing");
    });
}

#[test]
fn a_stop_answers_who_waits() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        let (id, _) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        let app = house.app().await;
        let waiting = house.auth.wait(&app, id, Duration::from_secs(60));
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            house.auth.stop();
        };
        let (told, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(5), waiting), stopping);
        assert!(matches!(told.expect("an answer at once").unwrap(), Progress::Waiting { .. }));
    });
}

#[test]
fn an_approval_is_redeemed_once_by_a_hundred_who_ask() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        assert!(device.answer(house, id, approve(&code)).await.unwrap());
        let asked = futures_util::future::join_all((0..100).map(|_| house.finish(id))).await;
        assert_eq!(asked.iter().filter(|outcome| outcome.allow).count(), 1);
    });
}

#[test]
fn a_push_goes_with_the_code_of_its_own_prompt() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        let app = house.app().await;
        let hints = countersign_auth::Hints { trusted_token: None, shows_code: true };
        let subject = countersign_auth::Subject::Name("ana".to_owned());
        let client = countersign_auth::Client::default();
        let preauth = house.auth.preauth(&app, &subject, &client, &hints).await.unwrap();
        assert!(preauth.offer.is_some());
        // Another who is at the same place and doesn't name the offer gets no prompt that its code would approve.
        let Begun::Finished(refused) = house.begin("ana", Factor::Push, false).await.unwrap() else {
            panic!("a prompt")
        };
        assert!(!refused.allow);
    });
}
