//! What a transaction that is known before it begins promises, the same on every engine.

use crate::{
    apart::new_queued,
    support::{NOW, Site, each_engine},
};
use countersign_store::{
    DeviceGrantRow, GrantFamilyRow, GrantTokenRow, MessageRow, Outcome, Plan, Planned, StoreError,
    engine::{Played, Script, Statement, Step, Type},
    limits::Limit,
    values,
};
use futures_util::{FutureExt as _, future::join_all};
use std::time::Duration;
use types::{Millis, UserId};

const DAY: Duration = Duration::from_secs(86_400);

static NONSENSE: Statement =
    Statement::new("test_nonsense_in_a_script", "INSERT INTO tenant (id) VALUES ($1)", &[Type::Id]);

type Put<'a> = Box<dyn Fn(&mut Plan<'_>) -> Planned + 'a>;

fn family(site: &Site) -> GrantFamilyRow {
    GrantFamilyRow {
        id: site.id(),
        user_id: None,
        ikey: "DICLIENT000000000000".to_owned(),
        session_id: None,
        detail: vec![1; 40],
        created: NOW,
        expires: Millis(NOW.0 + 60_000),
        revoked_at: None,
    }
}

fn device(user: UserId) -> DeviceGrantRow {
    DeviceGrantRow {
        digest: vec![5; 32],
        user_code: vec![5; 32],
        ikey: "DICLIENT000000000000".to_owned(),
        state: "allowed".to_owned(),
        sealed: vec![2; 40],
        user_id: Some(user),
        session_id: None,
        next_poll: NOW,
        pause: 5,
        created: NOW,
        expires: Millis(NOW.0 + 60_000),
    }
}

async fn state(site: &Site, message: &MessageRow) -> Option<String> {
    site.a().message(message.id).await.unwrap().map(|row| row.state)
}

#[test]
fn all_of_it_is_done_or_nothing() {
    each_engine(async |site| {
        let limit = Limit { max: 2, window: DAY };
        let send = async |cost| {
            let message = site.new_message(NOW.day(), "sms");
            let mut plan = site.a().plan();
            let first = plan.spend([1; 32], limit, 1, NOW);
            let second = plan.spend([2; 32], limit, cost, NOW);
            plan.insert_message(&message);
            plan.queue_message(&new_queued(site.a, message.id));
            let outcome = plan.commit().await.unwrap();
            (outcome, first, second, state(site, &message).await.is_some())
        };
        // More than there ever is: not even asked.
        let (outcome, _, second, stands) = send(3).await;
        assert!(matches!(outcome, Outcome::RolledBack(step) if step == second) && !stands);
        let (outcome, first, second, stands) = send(2).await;
        assert!(
            matches!(outcome, Outcome::Committed(changes) if changes.made(first) && changes.made(second)) && stands
        );
        // The second has nothing left, so the first is given back, each time.
        for _ in 0..3 {
            let (outcome, _, second, stands) = send(1).await;
            assert!(matches!(outcome, Outcome::RolledBack(step) if step == second) && !stands);
        }
        let mut tx = site.a().begin().await.unwrap();
        assert!(tx.spend([1; 32], limit, 1, NOW).await.unwrap(), "it was not given back");
    });
}

#[test]
fn steps_depend_on_those_before_them() {
    each_engine(async |site| {
        let messages: Vec<_> = (0..2).map(|_| site.new_message(NOW.day(), "sms")).collect();
        site.write(async |tx| {
            for message in &messages {
                tx.insert_message(message).await?;
            }
            tx.set_message_state(messages[1].id, &messages[1].state, "sent", "", None).await.map(drop)
        })
        .await;
        let mut notices = site.store.engine().notices();
        for (message, from) in messages.iter().zip([messages[0].state.as_str(), "sent"]) {
            for again in [false, true] {
                let mut plan = site.a().plan();
                let first = plan.set_message_state(message.id, &messages[0].state, "failed", "", None);
                let second = plan.set_message_state(message.id, "sent", "failed", "", None);
                plan.unless(second, &[first]);
                // Both conditions are of steps that may have been passed over themselves.
                let lost = plan.set_message_state(message.id, "failed", "lost", "", None);
                plan.after(lost, &[first, second]);
                plan.notify_after(&[lost], format!("lost from {from}"));
                let Outcome::Committed(changes) = plan.commit().await.unwrap() else { panic!("rolled back") };
                let direct = from != "sent";
                assert_eq!(
                    [first, second, lost].map(|step| changes.made(step)),
                    [direct && !again, !direct && !again, !again],
                    "{from} {again}"
                );
            }
            assert_eq!(state(site, message).await.as_deref(), Some("lost"));
            let heard = tokio::time::timeout(Duration::from_secs(20), async {
                loop {
                    let notice = notices.recv().await.unwrap();
                    if notice.starts_with("lost from") {
                        return notice;
                    }
                }
            });
            assert_eq!(heard.await.unwrap(), format!("lost from {from}"));
        }
    });
}

#[test]
fn a_required_step_that_is_passed_over_requires_nothing() {
    each_engine(async |site| {
        let message = site.new_message(NOW.day(), "sms");
        let mut plan = site.a().plan();
        let moved = plan.set_message_state(message.id, "queued", "sent", "", None);
        let gone = plan.unqueue_message(message.id);
        plan.after(gone, &[moved]);
        plan.require(gone);
        plan.insert_message(&message);
        assert!(matches!(plan.commit().await.unwrap(), Outcome::Committed(_)));
        assert!(state(site, &message).await.is_some());
    });
}

#[test]
fn one_that_fails_spoils_no_other_of_its_group() {
    each_engine(async |site| {
        let taken = site.new_message(NOW.day(), "sms");
        site.write(async |tx| tx.insert_message(&taken).await).await;
        let done = join_all((0..60).map(async |n: usize| {
            let message = site.new_message(NOW.day(), "sms");
            let mut plan = site.a().plan();
            plan.queue_message(&new_queued(site.a, message.id));
            plan.insert_message(if n.is_multiple_of(3) { &taken } else { &message });
            (n, plan.commit().await, message.id)
        }))
        .await;
        for (n, done, id) in done {
            assert_eq!(matches!(done, Err(StoreError::Duplicate)), n.is_multiple_of(3), "{n}: {done:?}");
            // What was done before the failure is undone.
            let mut tx = site.a().begin().await.unwrap();
            assert_eq!(tx.unqueue_message(id).await.unwrap(), !n.is_multiple_of(3), "{n}");
        }
    });
}

#[test]
fn a_statement_that_fails_is_an_error_and_nothing_is_written() {
    each_engine(async |site| {
        let message = site.new_message(NOW.day(), "sms");
        let mut script = Script::default();
        script.steps.push(Step::new((&NONSENSE, values![site.a])));
        let error = site.store.engine().play(script).await.unwrap_err();
        assert!(matches!(error, StoreError::Statement { statement: "test_nonsense_in_a_script", .. }), "{error}");
        // The engine goes on.
        assert!(
            matches!(site.store.engine().play(Script::default()).await.unwrap(), Played::Committed(rows) if rows.is_empty())
        );
        site.write(async |tx| tx.insert_message(&message).await).await;
    });
}

#[test]
fn what_is_planned_reaches_nothing_of_another_tenant() {
    each_engine(async |site| {
        let (message, user) = (site.new_message(NOW.day(), "sms"), site.user("narroway").await);
        let session = site.new_session(user);
        let later = Millis(NOW.0 + 60_000);
        site.write(async |tx| {
            tx.insert_message(&message).await?;
            tx.insert_session(&session).await?;
            tx.insert_device_grant(&device(user)).await?;
            tx.queue_message(&new_queued(site.a, message.id)).await
        })
        .await;
        let family = family(site);
        let mut plan = site.a().plan();
        plan.insert_grant_family(&family);
        for digest in [1, 2] {
            plan.insert_grant_token(&GrantTokenRow {
                digest: vec![digest; 32],
                kind: "refresh".to_owned(),
                family: family.id,
                generation: 0,
                detail: None,
                expires: later,
                used_at: None,
            });
        }
        plan.commit().await.unwrap();
        // What a plan can do to what is there. Each gets something of its owner's done, and nothing of anybody else's.
        let puts: [(&str, Put<'_>); 10] = [
            ("add_receipt", Box::new(|it| it.add_receipt(message.id, b"receipt", later))),
            ("set_message_sealed", Box::new(|it| it.set_message_sealed(message.id, vec![9; 64]))),
            ("set_message_state", Box::new(|it| it.set_message_state(message.id, &message.state, "sent", "", None))),
            ("unqueue_message", Box::new(|it| it.unqueue_message(message.id))),
            ("hold_session", Box::new(|it| it.hold_session(session.id, user, NOW))),
            ("redeem_device_grant", Box::new(|it| it.redeem_device_grant(&[5; 32], NOW))),
            (
                "prolong_grant_token",
                Box::new(|it| it.prolong_grant_token(&[1; 32], "refresh", Millis(later.0 + 1), NOW)),
            ),
            ("spend_grant_token", Box::new(|it| it.spend_grant_token(&[2; 32], "refresh", NOW))),
            ("settle_grant_family", Box::new(|it| it.settle_grant_family(family.id, &[9; 40], later))),
            ("revoke_grant_family", Box::new(|it| it.revoke_grant_family(family.id, NOW))),
        ];
        for (name, put) in &puts {
            assert!(!site.made(site.b, put).await, "{name} reached another tenant's");
        }
        assert_eq!(site.a().message(message.id).await.unwrap().as_ref(), Some(&message));
        for (name, put) in &puts {
            assert!(site.made(site.a, put).await, "{name} did nothing");
        }
        // A limit is each tenant's own.
        let limit = Limit { max: 1, window: DAY };
        for tenant in [site.a, site.b] {
            assert!(site.made(tenant, |it| it.spend([8; 32], limit, 1, NOW)).await);
            assert!(!site.made(tenant, |it| it.spend([8; 32], limit, 1, NOW)).await);
        }
    });
}

#[test]
fn who_has_gone_away_before_his_turn_has_done_nothing() {
    each_engine(async |site| {
        let messages = [site.new_message(NOW.day(), "sms"), site.new_message(NOW.day(), "sms")];
        // SQLite's writer is busy with this one.
        let tx = site.a().begin().await.unwrap();
        let mut plan = site.a().plan();
        plan.insert_message(&messages[0]);
        assert!(plan.commit().now_or_never().is_none(), "it waits, and is dropped");
        tx.commit().await.unwrap();
        // This one comes behind it.
        let mut plan = site.a().plan();
        plan.insert_message(&messages[1]);
        plan.commit().await.unwrap();
        assert_eq!(state(site, &messages[0]).await, None);
        assert!(state(site, &messages[1]).await.is_some());
    });
}

#[test]
fn of_a_hundred_who_spend_the_last_one_wins() {
    each_engine(async |site| {
        let limit = Limit { max: 1, window: DAY };
        let outcomes = join_all((0..100).map(async |_| {
            let mut plan = site.a().plan();
            plan.spend([7; 32], limit, 1, Millis(NOW.0));
            plan.commit().await.unwrap()
        }))
        .await;
        assert_eq!(outcomes.iter().filter(|it| matches!(it, Outcome::Committed(_))).count(), 1);
    });
}

#[test]
fn readers_who_wait_for_each_other_see_what_was_there_before_they_asked() {
    each_engine(async |site| {
        for round in 0..20 {
            let message = site.new_message(NOW.day(), "sms");
            let mut plan = site.a().plan();
            plan.insert_message(&message);
            plan.commit().await.unwrap();
            // Many at once: several of them are read in one snapshot.
            let found = join_all((0..100).map(async |_| site.a().message(message.id).await.unwrap())).await;
            assert!(found.iter().all(Option::is_some), "{round}");
        }
    });
}
