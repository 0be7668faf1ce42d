//! Who is pushed to, and who not.

use crate::support::{Client, House};
use axum::{Router, routing};
use directory::{IntegrationFields, IntegrationPatch};
use http::StatusCode;
use serde_json::json;
use sso::{Kind, manage};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::SignalRow;
use types::{StreamId, UserId};

/// A receiver that takes whatever comes, and how much that was.
async fn receiver() -> (String, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let take = move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(StatusCode::ACCEPTED)
    };
    let app = Router::new().route("/events", routing::post(take));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, heard)
}

async fn tell(house: &House, user: UserId) {
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    tx.tell(&house.world, "session-revoked", user, "{}").await.unwrap();
    tx.commit().await.unwrap();
}

/// What waits for the stream once the deliverer has tried it, or has nothing left to try.
async fn tried(house: &House, stream: StreamId) -> Vec<SignalRow> {
    let look = async {
        loop {
            let rows = house.store.tenant(house.tenant).waiting_signals(stream, 10).await.unwrap();
            // What is on its way is put off for minutes, what failed for seconds.
            let soon = house.world.now() + Duration::from_secs(60);
            if rows.iter().all(|row| row.tries > 0 && row.due > house.world.now() && row.due < soon) {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.unwrap()
}

async fn may(house: &House, client: &Client, what: &str, may: bool) {
    let scope = house.directory.tenant(house.tenant, "admin");
    if what == "enabled" {
        let fields = IntegrationFields::default().with("enabled", may).unwrap();
        let patch = IntegrationPatch { fields, ..IntegrationPatch::default() };
        scope.change_integration(&client.made.ikey, &patch).await.unwrap();
    } else {
        let (_, mut settings) = manage::read(&scope, &client.made.ikey).await.unwrap();
        let Kind::Oidc(oidc) = &mut settings.kind else { unreachable!() };
        oidc.scopes = if may { vec![what.to_owned()] } else { vec!["reports".to_owned()] };
        manage::change(&scope, &client.made.ikey, None, &settings, Vec::new()).await.unwrap();
    }
    house.sso.auth().applications().forget(&client.made.ikey);
}

#[tokio::test]
async fn an_application_that_is_off_or_may_not_hear_any_more_is_told_nothing_until_it_may_again() {
    for what in ["enabled", "ssf.manage"] {
        let house = House::new().await;
        let (client, user) = (house.client(&["ssf.manage"]).await, house.user("ana", "ana@acme.test").await);
        let (url, heard) = receiver().await;
        let stream = house.stream(&client, &json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": url })).await;
        tell(&house, user).await;
        assert!(tried(&house, stream).await.is_empty());
        assert_eq!(heard.load(Ordering::SeqCst), 1);
        may(&house, &client, what, false).await;
        tell(&house, user).await;
        let waiting = tried(&house, stream).await;
        assert_eq!((heard.load(Ordering::SeqCst), waiting.len()), (1, 1), "{what}");
        may(&house, &client, what, true).await;
        house.clock.advance(Duration::from_secs(120));
        assert!(tried(&house, stream).await.is_empty());
        assert_eq!(heard.load(Ordering::SeqCst), 2, "{what}");
    }
}

#[tokio::test]
async fn who_may_read_goes_on_being_told_when_it_may_manage_no_more() {
    let house = House::new().await;
    let (client, user) = (house.client(&["ssf.manage"]).await, house.user("ana", "ana@acme.test").await);
    let (url, heard) = receiver().await;
    let stream = house.stream(&client, &json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": url })).await;
    may(&house, &client, "ssf.read", true).await;
    tell(&house, user).await;
    assert!(tried(&house, stream).await.is_empty());
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}
