//! Signing out: who is asked, where a browser goes on to, and who is told.

use crate::support::{Browser, CALLBACK, House, ISSUER, NAME, VERIFIER, claims, query};
use http::{Method, StatusCode};
use sso::{Leaf, manage::MadeParty};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

const BYE: &str = "https://app.example/bye";
const SESSION: &str = "__Host-countersign-session";

async fn id_token(house: &House, browser: &Browser<'_>, client: &MadeParty) -> String {
    let back = browser.authorize(client, &[]).await.back(CALLBACK);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", back["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    house.post("/oidc/token", &form, Some(client)).await.json()["id_token"].as_str().unwrap().to_owned()
}

fn logout(params: &[(&str, &str)]) -> String {
    format!("/oidc/logout?{}", query(params))
}

#[tokio::test]
async fn the_hint_of_this_session_signs_out_and_leads_back() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, session) = house.signed_in(user).await;
    let hint = id_token(&house, &browser, &client).await;
    let path = logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "a&b")]);
    assert_eq!(browser.get(&path).await.location(), "https://app.example/bye?state=a%26b");
    assert!(!browser.has(SESSION));
    assert!(house.auth.session_by_id(house.tenant, session).await.unwrap().is_none());
    // Nobody is signed in any more: the same leads on, and changes nothing.
    assert_eq!(browser.get(&path).await.location(), "https://app.example/bye?state=a%26b");
}

#[tokio::test]
async fn a_link_on_anybodys_page_signs_nobody_out() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, session) = house.signed_in(user).await;
    let (other, _) = house.signed_in(house.user("bob").await).await;
    let foreign = id_token(&house, &other, &client).await;
    for params in [
        vec![],
        vec![("client_id", client.key.as_str())],
        vec![("client_id", client.key.as_str()), ("post_logout_redirect_uri", BYE)],
        // The id token of somebody else.
        vec![("id_token_hint", foreign.as_str())],
    ] {
        let question = browser.get(&logout(&params)).await;
        assert_eq!(question.status, StatusCode::OK, "{params:?}");
        assert!(!question.token().is_empty() && question.header("x-frame-options") == "DENY");
        assert!(question.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    // The form from elsewhere, without a token, with another's: nothing.
    let site = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    browser.send(Method::POST, "/oidc/logout", Some("token=x".to_owned()), &site).await.location();
    browser.post("/oidc/logout", &[("token", "x")]).await.is_page();
    let theirs = other.get("/oidc/logout").await;
    browser.post("/oidc/logout", &[("token", theirs.token())]).await.is_page();
    assert!(house.auth.session_by_id(house.tenant, session).await.unwrap().is_some());
    // The person says yes.
    let params = [("client_id", client.key.as_str()), ("post_logout_redirect_uri", BYE)];
    let question = browser.get(&logout(&params)).await;
    let Some(Leaf::SignOut { app, leads_to, .. }) = &question.leaf else { panic!("{question:?}") };
    assert_eq!((app.as_deref(), leads_to.as_deref()), (Some(NAME), Some("https://app.example")));
    let token = question.token();
    let said = [("client_id", client.key.as_str()), ("post_logout_redirect_uri", BYE), ("token", token)];
    assert_eq!(browser.post("/oidc/logout", &said).await.location(), BYE);
    assert!(house.auth.session_by_id(house.tenant, session).await.unwrap().is_none());
}

#[tokio::test]
async fn signing_out_is_no_way_to_lead_people_astray() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, session) = house.signed_in(user).await;
    let hint = id_token(&house, &browser, &client).await;
    for bad in [
        "https://evil.example/",
        "https://app.example/bye/",
        "https://app.example/bye?x=1",
        "https://app.example/bye#x",
        "https://app.example.evil.example/bye",
        "https://app.example@evil.example/bye",
        "HTTPS://app.example/bye",
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        // A redirect address is none for signing out.
        CALLBACK,
    ] {
        browser.get(&logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", bad)])).await.is_page();
        browser.get(&logout(&[("client_id", &client.key), ("post_logout_redirect_uri", bad)])).await.is_page();
        house.browser().get(&logout(&[("client_id", &client.key), ("post_logout_redirect_uri", bad)])).await.is_page();
    }
    // Without a client that registered it, no address is one.
    browser.get(&logout(&[("post_logout_redirect_uri", BYE)])).await.is_page();
    // A hint that isn't one, one for another client, one of another tenant.
    let second = house.client(|_| {}).await;
    for params in [
        vec![("id_token_hint", "a.b.c"), ("post_logout_redirect_uri", BYE)],
        vec![("id_token_hint", hint.as_str()), ("client_id", second.key.as_str())],
    ] {
        browser.get(&logout(&params)).await.is_page();
    }
    assert!(house.auth.session_by_id(house.tenant, session).await.unwrap().is_some());
}

#[tokio::test]
async fn applications_are_told_in_frames_of_theirs_and_of_nobody_elses() {
    let house = House::new().await;
    let client =
        house.client(|client| client.frontchannel_logout_uri = Some("https://app.example/front?a=1".to_owned())).await;
    let user = house.user("alice").await;
    let (browser, _) = house.signed_in(user).await;
    let hint = id_token(&house, &browser, &client).await;
    let sid = claims(&hint)["sid"].as_str().unwrap().to_owned();
    let page = browser.get(&logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
    assert_eq!(page.status, StatusCode::OK);
    let frame = format!("https://app.example/front?a=1&iss=https%3A%2F%2Flogin.acme.test&sid={sid}");
    let next = Some(BYE.to_owned());
    let leaf = Leaf::SignedOut { frames: vec![frame], missed: Vec::new(), next, goes_on: true };
    assert_eq!(page.leaf, Some(leaf));
}

#[tokio::test]
async fn who_has_no_place_among_the_frames_is_named_unless_told_behind() {
    for (clients, behind, named) in [(50, false, 0), (51, false, 1), (51, true, 0)] {
        let house = House::new().await;
        let (browser, _) = house.signed_in(house.user("alice").await).await;
        let mut hint = String::new();
        for _ in 0..clients {
            let client = house.client(|client| {
                client.frontchannel_logout_uri = Some("https://app.example/front".to_owned());
                client.backchannel_logout_uri = behind.then(|| "http://127.0.0.1:9/back".to_owned());
            });
            hint = id_token(&house, &browser, &client.await).await;
        }
        let page = browser.get(&logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
        let Some(Leaf::SignedOut { frames, missed, next, goes_on }) = page.leaf else { panic!("{page:?}") };
        assert_eq!((frames.len(), next.as_deref()), (50, Some(BYE)));
        assert_eq!((missed, goes_on), (vec![NAME.to_owned(); named], named == 0));
    }
}

/// An application behind the browser's back that gives these answers, one to each request: its address, what it has heard, and when.
async fn application(
    answers: &'static [&'static str],
) -> (String, Arc<Mutex<Vec<String>>>, mpsc::UnboundedReceiver<()>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://127.0.0.1:{}/back", listener.local_addr().unwrap().port());
    let record = Arc::clone(&heard);
    let (told, is_told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let mut buffer = [0; 4096];
            while !text.contains("logout_token=")
                || !text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    let length = head
                        .lines()
                        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                    body.len() >= length.unwrap().parse::<usize>().unwrap()
                })
            {
                let read = stream.read(&mut buffer).await.unwrap();
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            record.lock().unwrap().push(text);
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            told.send(()).unwrap();
        }
    });
    (uri, heard, is_told)
}

/// Has a session end of which this application is owed word, and lets time pass until that is owed no more.
async fn until_nothing_is_owed(house: &House, uri: String) {
    let client = house.client(|client| client.backchannel_logout_uri = Some(uri)).await;
    let user = house.user("alice").await;
    let (browser, session) = house.signed_in(user).await;
    id_token(house, &browser, &client).await;
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.end_session(session, user, house.world.now()).await.unwrap());
    tx.commit().await.unwrap();
    let owed = async {
        while let Some(row) = house.store.logouts_in_turn(types::Millis(i64::MAX), 1, 1).await.unwrap().first() {
            let now = house.world.now();
            let patience = std::time::Duration::from_secs(150);
            // What is on its way is put off for 200 seconds, what was refused for fewer.
            if row.due > now && row.due < now + patience {
                house.clock.advance(patience);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), owed).await.unwrap();
}

#[tokio::test]
async fn an_application_that_is_being_put_in_place_anew_hears_of_the_end_when_it_is_there_again() {
    let house = House::new().await;
    let (uri, heard, _told) = application(&[
        "404 Not Found",
        "403 Forbidden",
        "401 Unauthorized",
        "405 Not Allowed",
        "404 Not Found",
        "410 Gone",
        "429 Wait",
        "200 OK",
    ])
    .await;
    until_nothing_is_owed(&house, uri).await;
    assert_eq!(heard.lock().unwrap().len(), 8);
}

#[tokio::test]
async fn an_application_that_says_five_times_that_it_can_not_take_it_is_left_alone() {
    let house = House::new().await;
    let (uri, heard, _told) = application(&["400 No"; 9]).await;
    until_nothing_is_owed(&house, uri).await;
    assert_eq!(heard.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn whatever_ends_a_session_is_told_behind_and_tried_until_it_is_heard() {
    let house = House::new().await;
    let (uri, heard, mut is_told) = application(&["503 No", "200 OK"]).await;
    let client = house.client(|client| client.backchannel_logout_uri = Some(uri.clone())).await;
    let user = house.user("alice").await;
    let (browser, session) = house.signed_in(user).await;
    let hint = id_token(&house, &browser, &client).await;
    // Ended by somebody else, in the store, as the command line does it.
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.end_session(session, user, house.world.now()).await.unwrap());
    tx.commit().await.unwrap();
    is_told.recv().await.unwrap();
    // The first try failed; it is due again a little later, and then it is heard.
    let late = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            house.clock.advance(std::time::Duration::from_secs(3));
            if let Ok(Some(())) = tokio::time::timeout(std::time::Duration::from_millis(200), is_told.recv()).await {
                break;
            }
        }
    });
    late.await.unwrap();
    let heard = heard.lock().unwrap().clone();
    let tokens: Vec<&str> = heard.iter().map(|text| text.split_once("logout_token=").unwrap().1).collect();
    let said = claims(tokens[1]);
    let first = claims(tokens[0]);
    assert_eq!((said["jti"].clone(), said["iss"].as_str()), (first["jti"].clone(), Some(ISSUER)));
    assert_eq!(said["sid"], claims(&hint)["sid"]);
    assert_eq!((&said["sub"], &said["aud"]), (&claims(&hint)["sub"], &claims(&hint)["aud"]));
    assert!(said["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert!(said.get("nonce").is_none());
    let header = data_encoding::BASE64URL_NOPAD.decode(tokens[1].split('.').next().unwrap().as_bytes()).unwrap();
    assert!(String::from_utf8(header).unwrap().contains("\"logout+jwt\""));
    // Nothing is owed any more.
    tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while house.store.logouts_due(types::Millis(i64::MAX)).await.unwrap() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_end_is_owed_only_to_who_was_signed_in_to() {
    let house = House::new().await;
    let user = house.user("alice").await;
    let (browser, session) = house.signed_in(user).await;
    let client = house.client(|client| client.backchannel_logout_uri = Some("https://app.invalid/x".to_owned())).await;
    house.client(|client| client.backchannel_logout_uri = Some("https://app.invalid/y".to_owned())).await;
    id_token(&house, &browser, &client).await;
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.end_session(session, user, house.world.now()).await.unwrap());
    // Rolled back: nothing is owed of an end that wasn't.
    drop(tx);
    assert!(!house.store.logouts_due(types::Millis(i64::MAX)).await.unwrap());
}
