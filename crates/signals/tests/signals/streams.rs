//! Streams, as their receivers change them.

use crate::support::House;
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn of_changes_at_once_none_undoes_another() {
    let house = House::new().await;
    let client = house.client(&["ssf.manage"]).await;
    let id = house.stream(&client, &json!({ "method": "urn:ietf:rfc:8936" })).await.to_string();
    for round in 0..10 {
        let description = format!("round {round}");
        let (status, format) = if round % 2 == 0 { ("disabled", "email") } else { ("enabled", "iss_sub") };
        let named = json!({ "stream_id": id, "description": description });
        let formatted = json!({ "stream_id": id, "format": format });
        let turned = json!({ "stream_id": id, "status": status });
        let done = tokio::join!(
            house.ask(&client, Method::PATCH, "/ssf/stream", &named),
            house.ask(&client, Method::POST, "/ssf/status", &turned),
            house.ask(&client, Method::PATCH, "/ssf/stream", &formatted),
        );
        assert!([&done.0, &done.1, &done.2].iter().all(|answer| answer.0 == StatusCode::OK), "{done:?}");
        let query = format!("?stream_id={id}");
        let (_, stream) = house.ask(&client, Method::GET, &format!("/ssf/stream{query}"), &Value::Null).await;
        assert_eq!((&stream["description"], &stream["format"]), (&json!(description), &json!(format)));
        let (_, stood) = house.ask(&client, Method::GET, &format!("/ssf/status{query}"), &Value::Null).await;
        assert_eq!(stood["status"], status);
    }
}

#[tokio::test]
async fn a_change_names_what_it_changes_and_a_replacement_all() {
    let house = House::new().await;
    let client = house.client(&["ssf.manage"]).await;
    let push = json!({
        "method": "urn:ietf:rfc:8935", "endpoint_url": "http://127.0.0.1:9/a", "authorization_header": "Bearer x",
    });
    let stream = house.stream(&client, &push).await;
    let id = stream.to_string();
    let credential =
        async || house.store.tenant(house.tenant).signal_stream(stream).await.unwrap().unwrap().credential.is_some();
    let send = async |method: Method, more: Value| {
        let mut body = json!({ "stream_id": id });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.ask(&client, method, "/ssf/stream", &body).await
    };
    let (_, said) = send(Method::PATCH, json!({ "description": "mine", "format": "email" })).await;
    assert_eq!((&said["description"], &said["format"]), (&json!("mine"), &json!("email")));
    assert_eq!(said["delivery"], json!({ "method": push["method"], "endpoint_url": push["endpoint_url"] }));
    assert!(said["events_delivered"].as_array().unwrap().len() == 1 && credential().await);
    // The same address keeps what is sent there, another one doesn't get it.
    let to = |url: &str| json!({ "delivery": { "method": "urn:ietf:rfc:8935", "endpoint_url": url } });
    send(Method::PATCH, to("http://127.0.0.1:9/a")).await;
    assert!(credential().await);
    send(Method::PATCH, to("http://127.0.0.1:9/b")).await;
    assert!(!credential().await);
    for wrong in [
        json!({ "format": "phone" }),
        json!({ "description": "a\u{7}" }),
        json!({ "delivery": { "method": "mail" } }),
        to("http://app.example/"),
        to("https://a:b@app.example/"),
    ] {
        assert_eq!(send(Method::PATCH, wrong.clone()).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let (_, said) = send(Method::PUT, json!({})).await;
    assert_eq!((&said["description"], &said["format"]), (&json!(""), &json!("iss_sub")));
    assert_eq!((&said["events_delivered"], &said["delivery"]["method"]), (&json!([]), &json!("urn:ietf:rfc:8936")));
    // Somebody else's is none.
    let other = house.client(&["ssf.manage"]).await;
    let body = json!({ "stream_id": id, "status": "disabled", "description": "theirs" });
    for (method, path) in [(Method::PATCH, "/ssf/stream"), (Method::PUT, "/ssf/stream"), (Method::POST, "/ssf/status")]
    {
        assert_eq!(house.ask(&other, method, path, &body).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(send(Method::PATCH, json!({})).await.1["description"], "");
}
