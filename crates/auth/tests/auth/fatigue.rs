//! Nobody is worn down.

use crate::support::{approve, each_engine};
use countersign_auth::{Answer, Progress};
use std::time::Duration;

/// F1: a bot with the right password floods; the victim approves whatever a tap can approve.
#[test]
fn f1_a_flood_gets_three_prompts_and_no_approval() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (mut delivered, mut approved) = (0, 0);
        for _ in 0..200 {
            if let Ok((id, _)) = house.push("ana").await {
                delivered += 1;
                let _ = device.answer(house, id, Answer::Approve(None)).await;
                let told = house.auth.wait(&*house.app().await, id, Duration::from_millis(10)).await.unwrap();
                approved += usize::from(matches!(told, Progress::Finished(outcome) if outcome.allow));
            }
            house.clock.advance(Duration::from_secs(18));
        }
        assert!(delivered <= 3, "{delivered} prompts were delivered");
        assert_eq!(approved, 0);
    });
}

#[test]
fn one_prompt_at_a_time_and_room_between() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        let refused = house.push("ana").await.expect_err("one is open");
        assert!(refused.message.contains("already waiting"), "{}", refused.message);
        assert!(device.answer(house, id, approve(&code)).await.unwrap());
        assert!(house.push("ana").await.expect_err("too close").message.contains("half a minute"));
        house.clock.advance(Duration::from_secs(30));
        assert!(house.push("ana").await.is_ok());
    });
}

/// F4: somebody types the wrong code twice, and gets in at the third.
#[test]
fn f4_two_slips_and_still_in() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        for _ in 0..2 {
            let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
            let wrong = if code == "000000" { "000001" } else { "000000" };
            device.answer(house, id, approve(wrong)).await.unwrap();
            house.clock.advance(Duration::from_secs(31));
        }
        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        assert!(device.answer(house, id, approve(&code)).await.unwrap());
        assert!(house.finish(id).await.allow);
    });
}

#[test]
fn fraud_suspends_at_once_and_an_administrator_resumes() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (id, _) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        device.answer(house, id, Answer::Fraud).await.unwrap();
        house.clock.advance(Duration::from_secs(3600));
        assert!(house.push("ana").await.expect_err("suspended").message.contains("suspended"));
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.resume_prompts(user).await.unwrap());
        tx.commit().await.unwrap();
        assert!(house.push("ana").await.is_ok());
    });
}

/// Nobody waits for the attempts (the attacker closes each connection): they count all the same.
#[test]
fn prompts_that_nobody_waits_for_count_too() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        for _ in 0..3 {
            assert!(house.push("ana").await.is_ok());
            house.clock.advance(Duration::from_secs(90));
            tokio::time::sleep(Duration::from_millis(1500)).await;
        }
        assert!(house.push("ana").await.expect_err("suspended").message.contains("suspended"));
    });
}

/// The rule holds also where housekeeping can't keep up: what ran out is counted when the next prompt is asked for.
#[test]
fn what_ran_out_is_counted_at_the_next_prompt() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.authenticator(user).await;
        for _ in 0..3 {
            assert!(house.push("ana").await.is_ok());
            house.clock.advance(Duration::from_secs(90));
        }
        let refused = house.push("ana").await.expect_err("suspended");
        assert!(refused.message.contains("suspended"), "{}", refused.message);
        assert!(house.push("ana").await.is_err());
    });
}
