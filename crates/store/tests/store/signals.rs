//! Streams of security events, and the outbox that is written with what happened.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{SignalRow, StreamRow, Tx};
use futures_util::future::join_all;
use std::{collections::HashSet, time::Duration};
use types::{Millis, StreamId};

fn stream(site: &Site, method: &str, events: &str) -> StreamRow {
    StreamRow {
        id: site.id(),
        ikey: "DIRECEIVER0000000000".to_owned(),
        method: method.to_owned(),
        endpoint: if method == "push" { "https://app.example/events" } else { "" }.to_owned(),
        credential: None,
        events: events.to_owned(),
        subject: "iss_sub".to_owned(),
        description: String::new(),
        status: "enabled".to_owned(),
        created: NOW,
        updated: NOW,
    }
}

async fn made(site: &Site, method: &str, events: &str) -> StreamRow {
    let row = stream(site, method, events);
    assert!(site.write(async |tx| tx.insert_signal_stream(&row, 10).await).await);
    row
}

/// Takes of what is due at most `limit`, as a node does.
async fn take(site: &Site, now: Millis, until: Millis, limit: i64) -> Vec<SignalRow> {
    let mut taken = Vec::new();
    for row in site.store.signals_in_turn(now, 100, limit).await.unwrap() {
        let got = async |tx: &mut Tx| tx.take_signal(row.stream, row.id, row.due, until).await;
        if site.write_as(row.tenant, got).await {
            taken.push(SignalRow { tries: row.tries + 1, ..row });
        }
    }
    taken
}

async fn waiting(site: &Site, stream: StreamId) -> Vec<String> {
    let rows = site.a().waiting_signals(stream, 100).await.unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

#[test]
fn a_session_that_ends_is_told_once_to_each_stream_that_wants_it() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let wants = made(site, "push", " session-revoked credential-change ").await.id;
        let other = made(site, "push", " credential-change ").await.id;
        let polls = made(site, "poll", " session-revoked ").await.id;
        let sessions = [site.new_session(user), site.new_session(user), site.new_session(user)];
        site.write(async |tx| {
            for session in &sessions {
                tx.insert_session(session).await?;
            }
            assert!(tx.end_session(sessions[0].id, user, NOW).await?);
            assert!(!tx.end_session(sessions[0].id, user, NOW).await?, "it has ended");
            Ok(())
        })
        .await;
        assert_eq!(waiting(site, wants).await, ["session-revoked"]);
        let left = site.write(async |tx| tx.sign_out_everywhere(user, Some(sessions[1].id), NOW).await).await;
        assert_eq!(left, 1);
        assert_eq!(waiting(site, wants).await.len(), 2);
        assert_eq!(waiting(site, polls).await.len(), 2);
        assert!(waiting(site, other).await.is_empty());
        let taken = take(site, NOW, NOW + Duration::from_secs(60), 100).await;
        assert!(taken.iter().all(|row| row.stream == wants && row.tenant == site.a && row.tries == 1));
        let ids: HashSet<_> = taken.iter().map(|row| row.id.uuid()).collect();
        assert_eq!(ids, HashSet::from([sessions[0].id.uuid(), sessions[2].id.uuid()]));
        assert!(taken.iter().all(|row| row.user_id == Some(user)));
    });
}

#[test]
fn what_is_rolled_back_is_told_to_nobody() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let wants = made(site, "push", " session-revoked ").await.id;
        let session = site.new_session(user);
        site.write(async |tx| tx.insert_session(&session).await).await;
        let mut tx = site.a().begin().await.unwrap();
        assert!(tx.end_session(session.id, user, NOW).await.unwrap());
        drop(tx);
        assert!(waiting(site, wants).await.is_empty());
    });
}

#[test]
fn of_many_who_take_each_event_has_one_and_comes_back_until_it_is_done() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let stream = made(site, "push", " credential-change ").await.id;
        for _ in 0..40 {
            site.write(async |tx| tx.signal(site.id(), "credential-change", user, "{}", NOW).await).await;
        }
        let later = NOW + Duration::from_secs(60);
        assert!(site.store.signals_due(NOW).await.unwrap());
        let taken = join_all((0..20).map(|_| take(site, NOW, later, 5))).await;
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        let ids: HashSet<_> = taken.iter().map(|row| row.id.uuid()).collect();
        assert_eq!(ids.len(), taken.len(), "one was taken twice");
        // Two who look at the same rows get what the first has left; the rest is due still.
        let rest = take(site, NOW, later, 100).await;
        assert_eq!(taken.len() + rest.len(), 40);
        assert!(take(site, NOW, later, 100).await.is_empty());
        assert!(!site.store.signals_due(NOW).await.unwrap());
        let again = take(site, later, later + Duration::from_secs(60), 1).await;
        assert_eq!(again[0].tries, 2);
        site.write(async |tx| {
            assert!(tx.signal_done(stream, again[0].id).await?);
            assert!(!tx.signal_done(stream, again[0].id).await?);
            assert!(tx.signal_later(stream, taken[0].id, NOW).await.is_ok());
            Ok(())
        })
        .await;
        assert_eq!(waiting(site, stream).await.len(), 39);
    });
}

#[test]
fn each_organisation_has_its_turn_and_in_it_each_receiver() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let other = site.id();
        let deaf = made(site, "push", " credential-change ").await.id;
        let there = made(site, "push", " session-revoked ").await.id;
        let far = stream(site, "push", " session-revoked ");
        let at = |second: i64| NOW - Duration::from_secs(1000) + Duration::from_secs(second.unsigned_abs());
        for second in 0..40 {
            site.write(async |tx| tx.signal(site.id(), "credential-change", user, "{}", at(second)).await).await;
        }
        site.write(async |tx| tx.signal(site.id(), "session-revoked", user, "{}", at(50)).await).await;
        site.write_as(site.b, async |tx| {
            assert!(tx.insert_signal_stream(&far, 10).await?);
            tx.signal(site.id(), "session-revoked", other, "{}", at(60)).await
        })
        .await;
        let in_turn = async |each, limit| {
            let rows = site.store.signals_in_turn(NOW, each, limit).await.unwrap();
            rows.into_iter().map(|row| (row.stream, row.due)).collect::<Vec<_>>()
        };
        let right = [(deaf, at(0)), (far.id, at(60)), (there, at(50)), (deaf, at(1)), (deaf, at(2))];
        assert_eq!(in_turn(16, 5).await, right);
        assert_eq!(in_turn(16, 100).await.len(), 18);
        assert_eq!(in_turn(1, 100).await, right[..3]);
        // Given back, it is as it was; a stream that was paused meanwhile stays so.
        let [first, second] = &take(site, at(1), NOW, 100).await[..] else { panic!("not two") };
        assert_eq!(in_turn(1, 100).await[0], (deaf, at(2)));
        let (a, b) = (first.clone(), second.clone());
        site.write(async |tx| {
            assert!(tx.give_signal_back(deaf, a.id, a.due).await?);
            assert!(!tx.take_signal(deaf, a.id, NOW, NOW).await?, "it isn't due then");
            assert!(tx.take_signal(deaf, a.id, a.due, NOW).await?);
            tx.give_signal_back(deaf, a.id, a.due).await
        })
        .await;
        let row = site.store.signals_in_turn(NOW, 1, 1).await.unwrap().remove(0);
        assert_eq!((row.id, row.tries), (first.id, 0));
        let paused = StreamRow { status: "paused".to_owned(), id: deaf, ..stream(site, "push", " credential-change ") };
        site.write(async |tx| {
            assert!(tx.change_signal_stream(&paused, NOW).await?);
            tx.give_signal_back(deaf, b.id, b.due).await?;
            tx.signal_later(deaf, b.id, b.due).await
        })
        .await;
        assert!(in_turn(100, 100).await.iter().all(|(stream, _)| *stream != deaf));
    });
}

#[test]
fn a_paused_stream_keeps_and_a_disabled_one_forgets() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let row = made(site, "push", " credential-change ").await;
        let set = async |status: &str| {
            let row = StreamRow { status: status.to_owned(), ..row.clone() };
            assert!(site.write(async |tx| tx.change_signal_stream(&row, NOW).await).await);
        };
        let happen = async || {
            site.write(async |tx| tx.signal(site.id(), "credential-change", user, "{}", NOW).await).await;
        };
        happen().await;
        set("paused").await;
        happen().await;
        let far = NOW + Duration::from_secs(864_000);
        assert!(take(site, far, far, 10).await.is_empty());
        set("enabled").await;
        assert_eq!(take(site, NOW, far, 10).await.len(), 2);
        set("disabled").await;
        happen().await;
        assert!(waiting(site, row.id).await.is_empty());
        let told = site.write(async |tx| tx.signal_stream(row.id, site.id(), "verification", "{}", NOW).await).await;
        assert!(!told, "nobody listens");
    });
}

#[test]
fn of_many_who_change_a_stream_at_once_each_reads_what_the_one_before_has_left() {
    each_engine(async |site| {
        let row = made(site, "poll", " session-revoked ").await;
        join_all((0..20).map(async |turn| {
            site.write(async |tx| {
                let mut row = tx.hold_signal_stream(row.id, &row.ikey, NOW).await?.unwrap();
                row.description.push('x');
                if turn == 10 {
                    row.status = "paused".to_owned();
                }
                tx.change_signal_stream(&row, NOW).await
            })
            .await
        }))
        .await;
        let read = site.a().signal_stream(row.id).await.unwrap().unwrap();
        assert_eq!((read.description.len(), read.status.as_str()), (20, "paused"));
    });
}

#[test]
fn a_stream_is_its_clients_and_its_tenants_and_they_are_few() {
    each_engine(async |site| {
        let row = made(site, "poll", " session-revoked ").await;
        let foreign = StreamRow { ikey: "DIOTHER0000000000000".to_owned(), ..row.clone() };
        assert!(!site.write(async |tx| tx.change_signal_stream(&foreign, NOW).await).await);
        assert!(!site.write(async |tx| tx.delete_signal_stream(row.id, &foreign.ikey).await).await);
        let held =
            async |tx: &mut Tx, ikey: &str| tx.hold_signal_stream(row.id, ikey, NOW).await.map(|row| row.is_some());
        assert!(site.write(async |tx| held(tx, &row.ikey).await).await);
        assert!(!site.write(async |tx| held(tx, &foreign.ikey).await).await);
        assert!(!site.write_as(site.b, async |tx| held(tx, &row.ikey).await).await);
        assert!(!site.write_as(site.b, async |tx| tx.change_signal_stream(&row, NOW).await).await);
        assert!(!site.write_as(site.b, async |tx| tx.delete_signal_stream(row.id, &row.ikey).await).await);
        let user = site.user("narroway").await;
        let event = site.id();
        site.write(async |tx| tx.signal(event, "session-revoked", user, "{}", NOW).await).await;
        site.write_as(site.b, async |tx| {
            tx.signal(site.id(), "session-revoked", user, "{}", NOW).await?;
            tx.tell(&site.world, "session-revoked", user, "{}").await?;
            tx.tell_credential(&site.world, user, "passkey", "create").await?;
            assert!(!tx.signal_stream(row.id, site.id(), "verification", "{}", NOW).await?);
            assert!(!tx.signal_done(row.id, event).await?);
            assert!(!tx.signal_later(row.id, event, NOW).await?);
            Ok(())
        })
        .await;
        assert!(site.b().waiting_signals(row.id, 10).await.unwrap().is_empty());
        assert_eq!(waiting(site, row.id).await, ["session-revoked"], "its own event, and no other");
        assert!(site.b().signal_stream(row.id).await.unwrap().is_none());
        assert!(site.b().signal_streams().await.unwrap().is_empty());
        assert_eq!(site.a().signal_stream(row.id).await.unwrap(), Some(row.clone()));
        let more = stream(site, "poll", " session-revoked ");
        assert!(!site.write(async |tx| tx.insert_signal_stream(&more, 1).await).await, "one is the most");
        assert_eq!(site.a().signal_streams().await.unwrap(), std::slice::from_ref(&row));
        assert!(site.write(async |tx| tx.delete_signal_stream(row.id, &row.ikey).await).await);
        let old = site.store.purge_signals(Millis(NOW.0 + 1), 10).await.unwrap();
        assert_eq!(old, 0);
    });
}
