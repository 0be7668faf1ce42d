//! What people let applications know that aren't the organisation's own, where no page of consent was between.

use crate::{
    programs::{introspected, text},
    support::House,
};
use sso::{
    GrantType, SsoError,
    manage::MadeParty,
    tokens::{Granted, Typist},
};

const SESSION: &str = "__Host-countersign-session";

/// A device that somebody has connected; what it asked for, and the access token that it got.
async fn connected(house: &House, client: &MadeParty, user: types::UserId) -> String {
    let asked = house.post("/oidc/device_authorization", &[("scope", "openid email")], Some(client)).await.json();
    let browser = house.browser();
    let typed = browser.post("/oidc/device", &[("user_code", &text(&asked, "user_code"))]).await;
    let path = typed.location().to_owned();
    // Whoever says yes has proved who they are after the code was typed.
    house.minute();
    let (other, _) = house.signed_in(user).await;
    let cookie = other.cookies.lock().unwrap()[SESSION].clone();
    browser.put(SESSION, &cookie);
    assert_eq!(browser.get(&path).await.status, 200);
    let session = house.auth.session(house.tenant, &cookie).await.unwrap().unwrap();
    let id = path.rsplit('/').next().unwrap();
    let token = house.auth.page_token(&session, &cookie, &format!("device {id}")).await.unwrap();
    let said = browser.post(&path, &[("token", &token), ("decision", "allow")]).await;
    assert_eq!(said.status, 200, "{said:?}");
    let code = text(&asked, "device_code");
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.as_str())];
    text(&house.post("/oidc/token", &form, Some(client)).await.json(), "access_token")
}

#[tokio::test]
async fn a_connected_device_stands_in_its_persons_list_and_can_be_taken_out() {
    let house = House::new().await;
    let user = house.user("alice").await;
    let of = async |first_party| {
        house
            .client(|client| {
                (client.first_party, client.grant_types) = (first_party, vec![GrantType::DeviceCode]);
            })
            .await
    };
    let (own, strange) = (of(true).await, of(false).await);
    connected(&house, &own, user).await;
    // Of the organisation's own nobody is asked, so there is nothing to take back.
    assert!(house.sso.consents(house.tenant, user).await.unwrap().is_empty());
    let token = connected(&house, &strange, user).await;
    assert_eq!(introspected(&house, &strange, &token).await["active"], true);
    let given = house.sso.consents(house.tenant, user).await.unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!(
        (given[0].ikey.as_str(), given[0].scopes.as_slice()),
        (strange.ikey.as_str(), ["email", "openid"].map(str::to_owned).as_slice())
    );
    assert!(house.sso.withdraw(house.tenant, user, &strange.ikey).await.unwrap());
    assert_eq!(introspected(&house, &strange, &token).await["active"], false);
}

#[tokio::test]
async fn a_device_is_not_allowed_on_a_consent_that_was_taken_back_meanwhile() {
    let house = House::new().await;
    let user = house.user("alice").await;
    let strange =
        house.client(|client| (client.first_party, client.grant_types) = (false, vec![GrantType::DeviceCode])).await;
    connected(&house, &strange, user).await;
    let asked = house.post("/oidc/device_authorization", &[("scope", "openid email")], Some(&strange)).await.json();
    let grants = house.sso.grants();
    let request =
        grants.device_request(house.tenant, &text(&asked, "user_code"), Typist::Counted).await.unwrap().unwrap();
    let party = house.sso.party_of(house.tenant, &strange.ikey).await.unwrap().unwrap();
    let (_, session) = house.signed_in(user).await;
    let allow = async |scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let granted = Granted { client_id: strange.key.clone(), scopes, ..Granted::default() };
        grants.allow_device(&party, &request, (user, session), granted).await
    };
    assert!(house.sso.withdraw(house.tenant, user, &strange.ikey).await.unwrap());
    assert!(matches!(allow(&["email"]).await, Err(SsoError::Over)));
    // Nothing was decided by that; and what needs no consent hangs on none.
    assert!(allow(&[]).await.unwrap());
}
