//! No key makes itself, or another, more than it is.

use super::house::House;
use crate::door::Verb;
use serde_json::json;

const NONE: (u32, &str) = (40_301, "This integration can't give permissions that it doesn't have.");

async fn refused(house: &House, ikey: &str, verb: Verb, path: &str, params: serde_json::Value) {
    let error = house.call_by(ikey, verb, path, params).await.unwrap_err();
    assert_eq!((error.code(), error.detail()), NONE, "{path}");
}

#[tokio::test]
async fn a_key_gives_no_grant_that_it_does_not_hold() {
    let house = House::new().await;
    let weak = house.key(&["integrations"]).await;
    let new = json!({ "name": "n", "type": "adminapi", "adminapi_write_resource": "1" });
    refused(&house, &weak, Verb::Post, "/admin/v3/integrations", new.clone()).await;
    let own = format!("/admin/v3/integrations/{weak}");
    refused(&house, &weak, Verb::Post, &own, json!({ "adminapi_write_resource": true })).await;
    refused(&house, &weak, Verb::Post, &own, json!({ "adminapi_allow_to_set_permissions": 1 })).await;
    // What it holds it may give; who may give everything, may.
    let same = json!({ "name": "n", "type": "adminapi", "adminapi_integrations": "1", "adminapi_read_log": "0" });
    house.call_by(&weak, Verb::Post, "/admin/v3/integrations", same).await.unwrap();
    let strong = house.key(&["integrations", "allow_to_set_permissions"]).await;
    house.call_by(&strong, Verb::Post, "/admin/v3/integrations", new).await.unwrap();
}

#[tokio::test]
async fn a_key_does_not_take_over_a_stronger_one() {
    let house = House::new().await;
    let weak = house.key(&["integrations"]).await;
    let stronger = format!("/admin/v1/integrations/{}", house.ikey);
    for (verb, path) in [(Verb::Get, format!("{stronger}/skey")), (Verb::Post, stronger)] {
        let asked = house.call_by(&weak, verb, &path, json!({ "reset_secret_key": "1" })).await;
        assert_eq!(asked.unwrap_err().code(), 40_301, "{path}");
    }
    // Nor the other way round: who had two administrators' keys would be two administrators.
    let weaker = format!("/admin/v1/integrations/{weak}");
    assert_eq!(house.refused(Verb::Get, &format!("{weaker}/skey"), json!({})).await.0, 40_301);
    assert_eq!(house.refused(Verb::Post, &weaker, json!({ "reset_secret_key": "1" })).await.0, 40_301);
    let secret = house.get(&format!("/admin/v1/integrations/{}/skey", house.ikey), json!({})).await;
    assert_eq!(secret["secret_key"].as_str().map(str::len), Some(40));
}

#[tokio::test]
async fn a_secret_is_shown_when_it_is_made_and_nowhere_by_the_way() {
    let house = House::new().await;
    let made = house.post("/admin/v3/integrations", json!({ "name": "n", "type": "unix" })).await;
    let ikey = made["integration_key"].as_str().unwrap();
    assert_eq!(made["secret_key"].as_str().map(str::len), Some(40));
    let shown = house.get(&format!("/admin/v3/integrations/{ikey}"), json!({})).await;
    assert!(shown.get("secret_key").is_none());
    let list = house.get("/admin/v3/integrations", json!({})).await;
    assert!(list.as_array().unwrap().iter().all(|one| one.get("secret_key").is_none()));
    let reset = house.post(&format!("/admin/v3/integrations/{ikey}"), json!({ "reset_secret_key": "1" })).await;
    assert_ne!(reset["secret_key"], made["secret_key"]);
}

#[tokio::test]
async fn what_nobody_enforces_is_not_accepted() {
    let house = House::new().await;
    let new = json!({ "name": "n", "type": "adminapi", "networks_for_api_access": "192.0.2.0/24" });
    let refusal = house.refused(Verb::Post, "/admin/v3/integrations", new).await;
    assert_eq!(refusal, (40_002, "networks_for_api_access".to_owned()));
}
