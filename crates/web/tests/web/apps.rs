//! The applications that somebody may open, and what they let them know.

use crate::{
    account::signed_in,
    support::{Answer, Browser, House, NOW, OTHER_HOST},
};
use auth::{account::Strength, sign_in::Browser as Known};
use http::StatusCode;
use serde_json::{Value, json};
use sso::{Ask, Stand, ToAgree};
use store::{IntegrationRow, RelyingPartyRow, fields};
use types::{Normalization, UserName};

const PNG: &str = "data:image/png;base64,iVBORw0KGgo=";
const WIKI: &str = "DISSOWIKI00000000000";
const NOTES: &str = "DISSONOTES0000000000";

/// An application that signs people in here.
async fn party(house: &House, ikey: &str, name: &str, kind: &str, key: &str, settings: &Value) {
    let scope = house.store.tenant(house.tenant);
    let keys = scope.keys().await.unwrap();
    let secret = keys.seal(fields::integration_secret(ikey), &[b'k'; 40], house.world.random.as_ref()).unwrap();
    let row = IntegrationRow {
        ikey: ikey.to_owned(),
        name: name.to_owned(),
        r#type: kind.to_owned(),
        secret,
        signature_v1: false,
        normalization: "simple".to_owned(),
        policy: None,
        settings: "{}".to_owned(),
        created: NOW,
    };
    let party = RelyingPartyRow {
        ikey: ikey.to_owned(),
        protocol: if kind == "forward-auth" { "forward" } else { kind }.to_owned(),
        key: key.to_owned(),
        settings: settings.to_string(),
        secret: None,
        created: NOW,
        updated: NOW,
    };
    let mut tx = scope.begin().await.unwrap();
    tx.insert_integration(&row).await.unwrap();
    tx.insert_relying_party(&party).await.unwrap();
    tx.commit().await.unwrap();
}

/// A wiki of the organisation's own and a client that isn't.
pub(crate) async fn fill(house: &House) {
    let wiki = json!({
        "tile": {"about": "What we know", "icon": PNG},
        "forward": {"origin": "https://wiki.example", "level": "single"},
    });
    party(house, WIKI, "Wiki <b>", "forward-auth", "wiki.example", &wiki).await;
    let notes = json!({"oidc": {
        "redirect_uris": ["https://gitlab.example/cb", "https://notes.example/cb", "org.notes.app:/cb"],
        "client_uri": "https://gitlab.example",
        "initiate_login_uri": "https://notes.example/begin",
        "first_party": false,
        "policy_uri": "https://notes.example/privacy",
        "tos_uri": "javascript:alert(1)",
        "level": "single",
    }});
    party(house, NOTES, "Notes", "oidc", "notes", &notes).await;
}

/// A request of the client's that waits for consent.
async fn held(browser: &Browser<'_>, scopes: &[&str]) -> String {
    held_for(browser, scopes, "https://notes.example/cb").await
}

async fn held_for(browser: &Browser<'_>, scopes: &[&str], goes_to: &str) -> String {
    let house = browser.house;
    let party = house.sso.party_of(house.tenant, NOTES).await.unwrap().unwrap();
    let visit = visit(browser).await;
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let agree = ToAgree { scopes: &scopes, goes_to };
    let held = house.sso.hold(&visit, &party, b"a request", "/oidc/continue/", Some(agree)).await.unwrap();
    browser.jar.lock().unwrap().insert(held.cookie_name, held.secret.expose().to_owned());
    held.id.to_string()
}

async fn visit(browser: &Browser<'_>) -> sso::Visit {
    let request = browser.request(http::Method::GET, "/oidc/authorize").body(()).unwrap();
    let (parts, ()) = request.into_parts();
    browser.house.sso.visit(&parts).await.unwrap().unwrap()
}

/// The page that asks.
pub(crate) async fn asked(browser: &Browser<'_>) -> Answer {
    let id = held(browser, &["openid", "email", "offline_access", "calendar.read"]).await;
    browser.get(&format!("/consent/{id}")).await
}

async fn with_ana() -> House {
    let house = House::new().await;
    let ana = house.user("ana").await;
    house.token(ana).await;
    fill(&house).await;
    house
}

#[tokio::test]
async fn people_see_what_they_may_open_and_find_it() {
    let house = with_ana().await;
    let browser = house.browser();
    let begun = browser.get("/apps").await;
    assert!(begun.location().starts_with("/sign-in/"), "{}", begun.location());
    signed_in(&browser).await;
    let page = browser.get("/apps").await.text();
    assert!(page.contains("Wiki &#60;b&#62;") && page.contains("href=\"https://wiki.example\""), "{page}");
    assert!(page.contains("https://notes.example/begin?iss=https%3A%2F%2Fapi-acme.example.test"), "{page}");
    let icon = page.split("src=\"").find(|rest| rest.starts_with("/apps/icon/")).unwrap().split('"').next().unwrap();
    let file = browser.get(icon).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "image/png"));
    assert!(file.header("content-security-policy").contains("sandbox"));
    let elsewhere = Browser { host: OTHER_HOST, ..house.browser() };
    assert_eq!(elsewhere.get(icon).await.status, StatusCode::NOT_FOUND, "another tenant");
    for wrong in [format!("/apps/icon/{WIKI}/00"), format!("/apps/icon/{NOTES}/00"), "/apps/icon/x/y".to_owned()] {
        assert_eq!(browser.get(&wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let found = browser.get("/apps?q=WHAT%20we").await.text();
    assert!(found.contains("wiki.example") && !found.contains("notes.example"));
    let hostile = browser.get("/apps?q=%22%3E%3Cscript%3E").await.text();
    assert!(!hostile.contains("<script>") && hostile.contains("data-apps-none>"));
    // What is turned off is seen by nobody.
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    let off = store::IntegrationChange { settings: Some(r#"{"enabled":false}"#.to_owned()), ..Default::default() };
    assert!(tx.change_integration(WIKI, &off).await.unwrap());
    tx.commit().await.unwrap();
    house.auth.applications().forget_tenant(house.tenant);
    let denied = browser.get("/apps").await;
    assert!(!denied.text().contains("wiki.example") && denied.text().contains("notes.example"));
}

#[tokio::test]
async fn consent_is_asked_remembered_and_can_be_refused() {
    let house = with_ana().await;
    let browser = house.browser();
    signed_in(&browser).await;
    let page = asked(&browser).await;
    let text = page.text();
    assert!(text.contains("Notes") && text.contains("calendar.read") && text.contains("https://notes.example/privacy"));
    assert!(!text.contains("javascript:"), "{text}");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    let ask = Ask { scopes: vec!["openid".to_owned(), "email".to_owned()], ..Ask::default() };
    let party = house.sso.party_of(house.tenant, NOTES).await.unwrap().unwrap();
    let stand = async || house.sso.stand(&visit(&browser).await, &party, &ask).await.unwrap();
    assert!(matches!(stand().await, Stand::Consent(_)));

    let id = held(&browser, &["openid", "email"]).await;
    let path = format!("/consent/{id}");
    // Not by a page of another site, not without the token, not by another browser, not at another tenant.
    assert_eq!(browser.post(&path, &[("answer", "allow")]).await.status, StatusCode::FORBIDDEN);
    let token = browser.get(&path).await.token();
    let stranger = house.browser();
    signed_in(&stranger).await;
    assert_eq!(stranger.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(stranger.post(&path, &[("answer", "allow"), ("token", &token)]).await.status, StatusCode::FORBIDDEN);
    let elsewhere = Browser { host: OTHER_HOST, ..house.browser() };
    elsewhere.jar.lock().unwrap().clone_from(&browser.jar.lock().unwrap());
    assert_eq!(elsewhere.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&path, &[("answer", "perhaps"), ("token", &token)]).await.status, StatusCode::BAD_REQUEST);

    let denied = browser.post(&path, &[("answer", "deny"), ("token", &token)]).await;
    assert_eq!(denied.header("refresh"), format!("0;url=/oidc/continue/{id}"));
    assert!(matches!(stand().await, Stand::Consent(_)));
    let allowed = browser.post(&path, &[("answer", "allow"), ("token", &token)]).await;
    assert_eq!(allowed.header("refresh"), format!("0;url=/oidc/continue/{id}"));
    assert!(matches!(stand().await, Stand::Signed(_)));
    // Taken back, it is asked for again. Not by a page of another site.
    let shown = browser.get("/apps").await;
    assert!(shown.text().contains("email, openid") && shown.text().contains(NOTES));
    assert_eq!(browser.post("/apps", &[("ikey", NOTES)]).await.status, StatusCode::FORBIDDEN);
    assert!(matches!(stand().await, Stand::Signed(_)));
    let token = shown.token();
    assert_eq!(browser.post("/apps", &[("ikey", NOTES), ("token", &token)]).await.location(), "/apps");
    assert!(!browser.get("/apps").await.text().contains(NOTES));
    assert!(matches!(stand().await, Stand::Consent(_)));
    // Whoever isn't signed in any more goes back to the door.
    browser.jar.lock().unwrap().remove("__Host-countersign-session");
    assert_eq!(browser.get(&path).await.location(), format!("/oidc/continue/{id}"));
}

/// A program's name and page are its own words; where the answer goes isn't.
#[tokio::test]
async fn the_page_of_consent_names_the_address_that_the_answer_goes_to() {
    let house = with_ana().await;
    let browser = house.browser();
    signed_in(&browser).await;
    for (address, shown) in [
        ("https://notes.example/cb?x=1", "https://notes.example<"),
        ("http://127.0.0.1:4321/cb", "http://127.0.0.1:4321<"),
        ("https://gitlab.example@evil.example/cb", "https://evil.example<"),
        ("org.notes.app:/cb", "org.notes.app:<"),
    ] {
        let id = held_for(&browser, &["openid"], address).await;
        let page = browser.get(&format!("/consent/{id}")).await.text();
        assert!(page.contains(shown), "{address}: {page}");
        assert!(!page.contains("gitlab.example"), "{address}: {page}");
    }
}

/// Whoever can make a provider say something opens applications by it, and learns and changes nothing of the person's own.
#[tokio::test]
async fn a_session_by_a_providers_word_opens_applications_and_none_of_the_persons_own_pages() {
    let house = with_ana().await;
    let browser = house.browser();
    signed_in(&browser).await;
    let path = format!("/consent/{}", held(&browser, &["openid", "email"]).await);
    let token = browser.get(&path).await.token();
    browser.post(&path, &[("answer", "allow"), ("token", &token)]).await;
    let own = browser.get("/apps").await;
    assert!(own.text().contains(NOTES));
    let name = UserName::new("ana", Normalization::None).unwrap();
    let user = house.store.tenant(house.tenant).user_by_name(&name).await.unwrap().unwrap().id;
    let opened = house.auth.open_session(house.tenant, user, Strength::Provider, &Known::default()).await.unwrap();
    browser.jar.lock().unwrap().insert("__Host-countersign-session".to_owned(), opened.0.expose().to_owned());
    let apps = browser.get("/apps").await;
    assert_eq!(apps.status, StatusCode::OK);
    assert!(apps.text().contains("wiki.example") && !apps.text().contains(NOTES), "{}", apps.text());
    let pages =
        ["", "/sessions", "/add", "/add/passkey", "/add/authenticator", "/recovery-codes", "/password", "/messages"];
    for page in pages {
        let answer = browser.get(&format!("/account{page}")).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/account/sign-in"), "/account{page}");
    }
    let token = apps.token();
    for (path, fields) in [
        ("/account/sessions", vec![("others", "1")]),
        ("/account/step-up", vec![("action", "add-passkey")]),
        ("/account/report", vec![]),
        ("/apps", vec![("ikey", NOTES)]),
    ] {
        let fields: Vec<_> = fields.into_iter().chain([("token", token.as_str())]).collect();
        assert_eq!(browser.post(path, &fields).await.location(), "/account/sign-in", "{path}");
    }
    assert_eq!(house.sso.consents(house.tenant, user).await.unwrap().len(), 1);
    // A proof of the person's own makes it one of theirs.
    signed_in(&browser).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert!(browser.get("/apps").await.text().contains(NOTES));
}
