//! Defence M5 at the door: what an Admin API client is given of telephone numbers.

use super::house::House;
use crate::door::Verb;
use serde_json::{Value, json};
use store::{GUARD, Span};
use types::Millis;

fn number(place: usize) -> String {
    format!("+1503555{:04}", 100 + place)
}

async fn phones(house: &House, many: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for place in 0..many {
        let made = house.post("/admin/v1/phones", json!({ "number": number(place), "type": "mobile" })).await;
        assert_eq!(made["number"], json!(number(place)), "what a call sets comes back");
        ids.push(made["phone_id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn alarms(house: &House) -> Vec<String> {
    let span = Span::new(Millis(0), Millis(i64::MAX), 1000);
    let acts = house.scope().rows().admin_log(&span).await.unwrap();
    let mut alarms: Vec<_> = acts.into_iter().filter(|act| act.actor == GUARD).map(|act| act.action).collect();
    alarms.sort();
    alarms
}

async fn is_on(house: &House, ikey: &str) -> bool {
    // What the notice does that comes with the change.
    house.door.auth.applications().forget(ikey);
    house.door.auth.applications().get(ikey).await.unwrap().unwrap().enabled
}

#[tokio::test]
async fn m5_a_stolen_key_is_given_twenty_numbers_and_then_nothing() {
    let house = House::new().await;
    let ids = phones(&house, 40).await;
    let stolen = house.key(&["read_resource", "write_resource"]).await;
    let one = async |id: &String| house.call_by(&stolen, Verb::Get, &format!("/admin/v1/phones/{id}"), json!({})).await;
    let (mut given, mut refused) = (0, 0);
    while is_on(&house, &stolen).await {
        match one(&ids[given + refused]).await {
            Ok(answer) => {
                assert_eq!(answer.response()["number"], json!(number(given)));
                given += 1;
            }
            Err(error) => {
                assert_eq!((error.code(), error.retry_after()), (42_901, Some(60)));
                refused += 1;
            }
        }
    }
    assert_eq!((given, refused), (20, 10));
    assert_eq!(alarms(&house).await, ["numbers_refused", "reader_frozen"]);
    assert!(is_on(&house, &house.ikey).await, "the other keys work");
    house.scope().rows().release_reader("admin", &stolen, 0, Millis(0)).await.unwrap();
    assert!(is_on(&house, &stolen).await);
}

#[tokio::test]
async fn m5_lists_show_four_digits_unless_the_key_was_given_more() {
    let house = House::new().await;
    let ids = phones(&house, 25).await;
    let user = house.user("alice").await.id;
    house.post(&format!("/admin/v1/users/{user}/phones"), json!({ "phone_id": ids[3] })).await;
    let weak = house.key(&["read_resource", "write_resource"]).await;
    let paths = ["/admin/v1/phones".to_owned(), format!("/admin/v1/users/{user}/phones")];
    let get = async |path: &str, params: Value| {
        house.call_by(&weak, Verb::Get, path, params).await.unwrap().response().clone()
    };
    for _ in 0..5 {
        for path in &paths {
            for phone in get(path, json!({ "limit": 100 })).await.as_array().unwrap() {
                assert!(phone["number"].as_str().unwrap().starts_with("XXX-XXX-0"), "{phone}");
            }
        }
        for shown in
            [&get("/admin/v1/users", json!({})).await[0], &get(&format!("/admin/v1/users/{user}"), json!({})).await]
        {
            assert_eq!(shown["phones"][0]["number"], "XXX-XXX-0103");
        }
        // A change that isn't of the number opens none.
        let path = format!("/admin/v1/phones/{}", ids[3]);
        let changed = house.call_by(&weak, Verb::Post, &path, json!({ "name": "n" })).await.unwrap();
        assert_eq!(changed.response()["number"], "XXX-XXX-0103");
        let same = house.call_by(&weak, Verb::Post, &path, json!({ "number": number(3) })).await.unwrap();
        assert_eq!(same.response()["number"], json!(number(3)));
    }
    assert_eq!(alarms(&house).await, Vec::<String>::new());
    // With the grant: whole pages, and an alarm that says that somebody does so.
    for _ in 0..2 {
        let page = house.get("/admin/v1/phones", json!({ "limit": 100 })).await;
        assert_eq!(page.as_array().unwrap().iter().filter(|phone| phone["number"] == json!(number(7))).count(), 1);
    }
    assert_eq!(alarms(&house).await, ["numbers_in_bulk"]);
}

#[tokio::test]
async fn m5_a_search_for_numbers_is_no_way_round() {
    let house = House::new().await;
    phones(&house, 30).await;
    let weak = house.key(&["read_resource"]).await;
    let search =
        async |place| house.call_by(&weak, Verb::Get, "/admin/v1/phones", json!({ "number": number(place) })).await;
    for place in 0..20 {
        assert_eq!(search(place).await.unwrap().response()[0]["number"], json!(number(place)));
    }
    assert_eq!(search(20).await.unwrap_err().code(), 42_901);
    assert_eq!(search(9_000).await.unwrap().response(), &json!([]), "nobody has it");
}
