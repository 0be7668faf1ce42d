//! Streams of security events, and the outbox that is written with what happened.

use crate::support::{NOW, Site, each_engine};
use countersign_store::StreamRow;
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
        let taken = site.store.take_signals(NOW, NOW + Duration::from_secs(60), 100).await.unwrap();
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
        let taken = join_all((0..20).map(|_| site.store.take_signals(NOW, later, 5))).await;
        let taken: Vec<_> = taken.into_iter().flat_map(Result::unwrap).collect();
        let ids: HashSet<_> = taken.iter().map(|row| row.id.uuid()).collect();
        assert_eq!(ids.len(), taken.len(), "one was taken twice");
        // On PostgreSQL two who look at the same rows get what the first has left; the rest is due still.
        let rest = site.store.take_signals(NOW, later, 100).await.unwrap();
        assert_eq!(taken.len() + rest.len(), 40);
        assert!(site.store.take_signals(NOW, later, 100).await.unwrap().is_empty());
        assert!(!site.store.signals_due(NOW).await.unwrap());
        let again = site.store.take_signals(later, later + Duration::from_secs(60), 1).await.unwrap();
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
        assert!(site.store.take_signals(far, far, 10).await.unwrap().is_empty());
        set("enabled").await;
        assert_eq!(site.store.take_signals(NOW, far, 10).await.unwrap().len(), 2);
        set("disabled").await;
        happen().await;
        assert!(waiting(site, row.id).await.is_empty());
        let told = site.write(async |tx| tx.signal_stream(row.id, site.id(), "verification", "{}", NOW).await).await;
        assert!(!told, "nobody listens");
    });
}

#[test]
fn a_stream_is_its_clients_and_its_tenants_and_they_are_few() {
    each_engine(async |site| {
        let row = made(site, "poll", " session-revoked ").await;
        let foreign = StreamRow { ikey: "DIOTHER0000000000000".to_owned(), ..row.clone() };
        assert!(!site.write(async |tx| tx.change_signal_stream(&foreign, NOW).await).await);
        assert!(!site.write(async |tx| tx.delete_signal_stream(row.id, &foreign.ikey).await).await);
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
