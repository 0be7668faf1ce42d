//! A person's own pages: walked through, and tried by whoever has stolen a cookie or a link.

use crate::{
    support::{Answer, Browser, House},
    tour::Stop,
};
use http::StatusCode;
use std::time::Duration;

/// A time step of a token, so that the next code is another.
const STEP: Duration = Duration::from_secs(30);
const NUMBER: &str = "+12025550171";

/// Signs ana in to her own pages by a token's passcode.
pub(crate) async fn signed_in(browser: &Browser<'_>) {
    let base = browser.get("/account/sign-in").await.location().to_owned();
    browser.submit(&base, &format!("{base}/name"), &[("username", "ana")]).await;
    prove(browser, &base).await;
}

/// Types the token's passcode, and goes where that leads.
async fn prove(browser: &Browser<'_>, base: &str) -> String {
    browser.house.clock.advance(STEP);
    let (path, code) = (format!("{base}/passcode"), browser.house.totp());
    let right = browser.submit(&path, &path, &[("code", &code)]).await;
    assert!(right.location().ends_with("/done"), "{}", right.text());
    browser.get(right.location()).await.location().to_owned()
}

/// A step-up that was asked for on `page`; where it led back to.
pub(crate) async fn stepped_up(browser: &Browser<'_>, page: &str) -> String {
    let shown = browser.get(page).await;
    let text = shown.text();
    let action = text.split_once("name=\"action\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let id = text.split_once("name=\"id\" value=\"").map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
    let mut fields = vec![("token", shown.token()), ("action", action)];
    fields.extend(id.map(|id| ("id", id)));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let base = browser.post("/account/step-up", &fields).await.location().to_owned();
    assert!(base.starts_with("/sign-in/"), "{base}");
    prove(browser, &base).await
}

/// All of these pages.
pub(crate) async fn tour(settings: &str, language: &'static str) -> Vec<Stop> {
    // She is a reader of the message log too.
    let settings = settings.replacen('{', r#"{"log_readers":["Ana"],"#, 1).replace(",}", "}");
    let house = House::with(&crate::tour::with_passwords(&settings), "VPN").await;
    let ana = house.user("ana").await;
    house.token(ana).await;
    house.phone(ana, NUMBER, "Ana’s phone").await;
    let browser = Browser { language, ..house.browser() };
    let mut stops = Vec::new();
    let mut add = |name: &'static str, answer: Answer| {
        assert!(!answer.text().is_empty(), "{name}: {} to {}", answer.status, answer.location());
        stops.push(Stop { name, answer });
    };
    let (code, _) = house.auth.activation(house.tenant, ana, None, Duration::from_secs(600)).await.unwrap();
    let link = format!("/activate/{}/{}", house.tenant, code.expose());
    add("enrolment link", browser.get(&link).await);
    let page = browser.get(&link).await.text();
    let watch = page.split_once("data-watch=\"").unwrap().1.split('"').next().unwrap().to_owned();
    add("not yet", browser.submit(&link, &format!("{link}/follow"), &[("watch", &watch)]).await);

    signed_in(&browser).await;
    let ticket = house.auth.binding_ticket(house.tenant, crate::session::id_of(&browser)).await.unwrap();
    let bind = format!("/session/bind?with={}&return_to=%2Faccount", ticket.expose());
    add("binding", browser.get(&bind).await);
    add("unbound", browser.get("/session/unbound").await);
    add("account", browser.get("/account").await);
    add("add", browser.get("/account/add").await);
    add("passkey, after a fresh sign-in", browser.get("/account/add/passkey").await);
    assert_eq!(stepped_up(&browser, "/account/add/passkey").await, "/account/add/passkey");
    add("passkey", browser.get("/account/add/passkey").await);
    assert_eq!(stepped_up(&browser, "/account/add/authenticator").await, "/account/add/authenticator");
    add("authenticator", browser.get("/account/add/authenticator").await);
    add("authenticator’s code", browser.submit("/account/add/authenticator", "/account/add/authenticator", &[]).await);
    add("recovery codes", browser.get("/account/recovery-codes").await);
    assert_eq!(stepped_up(&browser, "/account/recovery-codes").await, "/account/recovery-codes");
    add("new recovery codes", browser.submit("/account/recovery-codes", "/account/recovery-codes", &[]).await);
    add("own password, after a fresh sign-in", browser.get("/account/password").await);
    assert_eq!(stepped_up(&browser, "/account/password").await, "/account/password");
    add("own password", browser.get("/account/password").await);
    let weak = browser.submit("/account/password", "/account/password", &[("password", "password1234")]).await;
    add("a password that is guessed", weak);
    add("account, done", browser.get("/account?done=codes").await);
    signed_in(&Browser { language, ..house.browser() }).await;
    add("message log, after a fresh sign-in", browser.get("/account/messages").await);
    assert_eq!(stepped_up(&browser, "/account/messages").await, "/account/messages");
    add("message log", browser.get("/account/messages").await);
    add("no applications", browser.get("/apps").await);
    crate::apps::fill(&house).await;
    add("applications", browser.get("/apps").await);
    add("no such application", browser.get("/apps?q=nothing").await);
    add("consent", crate::apps::asked(&browser).await);
    add("sessions", browser.get("/account/sessions").await);
    add("report", browser.get("/account/report").await);

    house.auth.settle(Duration::from_secs(5)).await;
    let undo = undo_link(&house, NUMBER).await;
    add("undo", browser.get(&undo).await);
    add("undone", browser.submit(&undo, &undo, &[("do", "undo")]).await);
    add("undone before", browser.get(&undo).await);
    stops
}

/// The path of the link in the notice that came last.
async fn undo_link(house: &House, number: &str) -> String {
    let message = house.outbox.wait_for(number, Duration::from_secs(5)).await.unwrap();
    let text = message.text.expose().to_owned();
    let code = text.split("/undo/").nth(1).unwrap_or_else(|| panic!("no link in {text}"));
    format!("/undo/{}", code.split_whitespace().next().unwrap())
}

async fn with_ana() -> House {
    let house = House::new().await;
    let ana = house.user("ana").await;
    house.token(ana).await;
    house
}

#[tokio::test]
async fn nobody_is_shown_anything_without_a_session() {
    let house = with_ana().await;
    let stranger = house.browser();
    for page in
        ["", "/add", "/add/passkey", "/add/authenticator", "/remove?id=x", "/recovery-codes", "/sessions", "/report"]
    {
        let answer = stranger.get(&format!("/account{page}")).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account/sign-in"), "{page}");
    }
    for (page, fields) in [
        ("/add/authenticator", vec![]),
        ("/add/passkey/options", vec![]),
        ("/remove", vec![("id", "x")]),
        ("/recovery-codes", vec![]),
        ("/sessions", vec![("others", "yes")]),
        ("/step-up", vec![("action", "remove")]),
        ("/report", vec![]),
        ("/sign-out", vec![]),
    ] {
        let answer = stranger.post(&format!("/account{page}"), &fields).await;
        assert_eq!(answer.location(), "/account/sign-in", "{page}");
    }
}

#[tokio::test]
async fn a_stolen_session_adds_and_removes_nothing() {
    let house = with_ana().await;
    let owner = house.browser();
    signed_in(&owner).await;
    // The owner steps up meanwhile: that helps the owner's browser and no other.
    stepped_up(&owner, "/account/recovery-codes").await;
    let thief = house.browser();
    let stolen = owner.jar.lock().unwrap().get("__Host-countersign-session").unwrap().clone();
    thief.jar.lock().unwrap().insert("__Host-countersign-session".to_owned(), stolen);
    let shown = thief.get("/account").await;
    assert_eq!(shown.status, StatusCode::OK);
    let token = shown.token();
    for page in ["/account/add/authenticator", "/account/recovery-codes"] {
        let answer = thief.post(page, &[("token", &token)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, page));
    }
    let options = thief.post("/account/add/passkey/options", &[("token", &token)]).await;
    assert_eq!(options.status, StatusCode::FORBIDDEN);
    let text = shown.text();
    let id = text.split_once("/account/remove?id=").unwrap().1.split('"').next().unwrap().to_owned();
    let removed = thief.post("/account/remove", &[("token", &token), ("id", &id)]).await;
    assert_eq!(removed.location(), format!("/account/remove?id={id}"));
    // And what the owner has stepped up for serves once.
    assert!(owner.submit("/account/recovery-codes", "/account/recovery-codes", &[]).await.text().contains("<code>"));
    let again = owner.post("/account/recovery-codes", &[("token", &token)]).await;
    assert_eq!(again.location(), "/account/recovery-codes");
}

#[tokio::test]
async fn a_form_of_another_session_does_nothing() {
    let house = with_ana().await;
    let (one, other) = (house.browser(), house.browser());
    signed_in(&one).await;
    signed_in(&other).await;
    let token = other.get("/account").await.token();
    for page in ["/account/sessions", "/account/report", "/account/sign-out", "/account/step-up", "/account/rename"] {
        let answer = one.post(page, &[("token", &token), ("others", "yes"), ("action", "remove")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}");
        assert_eq!(one.post(page, &[("others", "yes")]).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    assert_eq!(other.get("/account").await.status, StatusCode::OK);
    let ended = one.submit("/account/sessions", "/account/sessions", &[("others", "yes")]).await;
    assert_eq!(ended.location(), "/account/sessions");
    assert_eq!(other.get("/account").await.location(), "/account/sign-in");
    let out = one.submit("/account", "/account/sign-out", &[]).await;
    assert_eq!(out.location(), "/account/sign-in");
    assert_eq!(one.get("/account").await.location(), "/account/sign-in");
}

#[tokio::test]
async fn a_step_up_leads_back_here_and_nowhere_else() {
    let house = with_ana().await;
    let browser = house.browser();
    signed_in(&browser).await;
    let token = browser.get("/account").await.token();
    for (action, id) in [
        ("remove", "//evil.example"),
        ("remove", "x&id=y"),
        ("remove", "../.."),
        ("https://evil.example", "x"),
        ("", "x"),
        ("remove", &"x".repeat(65)),
    ] {
        let answer = browser.post("/account/step-up", &[("token", &token), ("action", action), ("id", id)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{action} {id}");
    }
}

#[tokio::test]
async fn links_open_at_their_own_organisation_only_and_looking_spends_nothing() {
    let house = with_ana().await;
    let user = house.user("ben").await;
    let (code, _) = house.auth.activation(house.tenant, user, None, Duration::from_secs(600)).await.unwrap();
    let link = format!("/activate/{}/{}", house.tenant, code.expose());
    let browser = house.browser();
    for _ in 0..3 {
        assert_eq!(browser.get(&link).await.status, StatusCode::OK);
    }
    let elsewhere = Browser { host: crate::support::OTHER_HOST, ..house.browser() };
    assert_eq!(elsewhere.get(&link).await.status, StatusCode::GONE);
    let token = browser.get(&link).await.token();
    for (path, fields) in [
        (format!("{link}/options"), vec![]),
        (format!("{link}/passkey"), vec![]),
        (format!("{link}/follow"), vec![("watch", "00")]),
    ] {
        assert_eq!(browser.post(&path, &fields).await.status, StatusCode::FORBIDDEN, "{path} without its token");
        let mut fields = fields;
        fields.push(("token", &token));
        assert!(!elsewhere.post(&path, &fields).await.status.is_success(), "{path}");
    }
    for garbage in ["x", "AAAAAAAAAAAAAAAAAAAA", "%00", &"A".repeat(500)] {
        let answer = browser.get(&format!("/activate/{}/{garbage}", house.tenant)).await;
        assert!(answer.status.is_client_error(), "{garbage}: {}", answer.status);
        assert!(browser.get(&format!("/undo/{garbage}")).await.status.is_client_error(), "{garbage}");
    }
    // Another device uses the code; the page that showed it goes on, once, and only with what it showed.
    let page = browser.get(&link).await.text();
    let watch = page.split_once("data-watch=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let key = [[4_u8].as_slice(), &[7; 64]].concat();
    house.auth.activate(house.tenant, code.expose(), &key, "Ben’s phone").await.unwrap();
    let follow = format!("{link}/follow");
    let guessed = browser.post(&follow, &[("token", &token), ("watch", "00")]).await;
    assert_eq!(guessed.location(), "/account/sign-in");
    let on = browser.post(&follow, &[("token", &token), ("watch", &watch)]).await;
    assert!(on.location().starts_with("/session/bind?with="), "{}", on.text());
    assert!(on.location().ends_with("&return_to=%2Faccount%2Fadd"), "{}", on.location());
    assert_eq!(browser.get("/account").await.location(), "/account/add");
    let thief = house.browser();
    let late = thief.post(&follow, &[("token", &token), ("watch", &watch)]).await;
    assert_eq!(late.location(), "/account/sign-in");
}
