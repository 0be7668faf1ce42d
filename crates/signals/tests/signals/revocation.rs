//! Whoever may say so ends everything of one person.

use crate::support::{Client, House};
use http::{Method, StatusCode};
use serde_json::json;

async fn revoke(house: &House, client: &Client, email: &str) -> StatusCode {
    let body = json!({ "sub_id": { "format": "email", "email": email } });
    house.ask(client, Method::POST, "/global-token-revocation", &body).await.0
}

#[tokio::test]
async fn a_person_is_found_by_an_address_whose_letters_are_written_otherwise() {
    let house = House::new().await;
    let client = house.client(&["global_token_revocation"]).await;
    let (ana, eve) = (house.user("ana", "Ana@Acme.test").await, house.user("eve", "\u{c9}ve@acme.test").await);
    for asked in ["ana@acme.test", "ANA@ACME.TEST", "Ana@Acme.test"] {
        let (session, other) = (house.session(ana).await, house.session(eve).await);
        assert_eq!(revoke(&house, &client, asked).await, StatusCode::NO_CONTENT, "{asked}");
        assert!(!house.lasts(session).await && house.lasts(other).await, "{asked}");
    }
    let session = house.session(eve).await;
    for nobody in ["ana@acme.tes", "na@acme.test", "%@acme.test", "_na@acme.test", "\u{e9}ve@acme.test", ""] {
        assert_eq!(revoke(&house, &client, nobody).await, StatusCode::NOT_FOUND, "{nobody}");
    }
    assert!(house.lasts(session).await);
    assert_eq!(revoke(&house, &client, "\u{c9}VE@acme.test").await, StatusCode::NO_CONTENT);
    assert!(!house.lasts(session).await);
}

#[tokio::test]
async fn nobodys_sessions_end_where_an_address_is_several_peoples() {
    let house = House::new().await;
    let client = house.client(&["global_token_revocation"]).await;
    let first = house.session(house.user("ana", "Ana@acme.test").await).await;
    let second = house.session(house.user("bob", "ana@acme.test").await).await;
    // Also where it is letter for letter one's own: who asks may have folded it.
    for asked in ["ana@acme.test", "Ana@acme.test", "ANA@acme.test"] {
        assert_eq!(revoke(&house, &client, asked).await, StatusCode::UNPROCESSABLE_ENTITY, "{asked}");
    }
    assert!(house.lasts(first).await && house.lasts(second).await);
}
