//! The prompt at work: each factor by plain forms, the wait, the end.

use crate::support::{BACK, House, approve, id_of, words_of};
use auth::{
    Answer as Said,
    sign_in::{Purpose, cookie_name},
};
use axum::body::Body;
use http::{Method, header};
use http_body_util::BodyExt as _;
use std::time::Duration;

/// The digits that a page shows.
fn digits(html: &str) -> String {
    let shown = html.split_once("class=\"digits\"").unwrap().1.split("</p>").next().unwrap();
    words_of(shown).chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn a_passcode_leads_back_to_the_application() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    let page = browser.get(&base).await;
    assert!(page.text().contains("to continue to VPN") && page.text().contains("<bdi>ana</bdi>"));
    let path = format!("{base}/passcode");
    let wrong = browser.submit(&base, &path, &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("That passcode isn’t right."), "{}", wrong.text());
    let empty = browser.submit(&base, &path, &[("code", "  ")]).await;
    assert!(empty.text().contains("Type the passcode."));
    let code = house.totp();
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let right = browser.submit(&base, &path, &[("code", &spaced)]).await;
    assert_eq!((right.status.as_u16(), right.location()), (303, format!("{base}/done").as_str()));
    let done = browser.get(right.location()).await;
    assert_eq!(done.status, 303);
    assert!(done.location().starts_with(&format!("{BACK}&duo_code=")) && done.location().ends_with("&state=a%20state"));
    // The browser is known from now on, by a cookie that no script can read.
    let cookie = done
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|c| c.to_str().unwrap())
        .find(|c| c.contains("-kb="))
        .unwrap();
    assert!(
        cookie.starts_with("__Host-countersign-kb=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn a_push_shows_its_digits_and_the_page_follows_it_to_its_end() {
    let house = House::with(r#"{"push_in_new_browsers":true}"#, "VPN").await;
    let user = house.user("ana").await;
    let device = house.authenticator(user, "Ana’s phone").await;
    let (browser, base) = house.at_application("ana").await;
    assert!(browser.get(&base).await.text().contains("A request is sent to Ana’s phone."));
    let sent = browser.submit(&base, &format!("{base}/push"), &[("device", "")]).await;
    assert_eq!((sent.status.as_u16(), sent.location()), (303, format!("{base}/push").as_str()));
    let page = browser.get(sent.location()).await.text();
    let code = digits(&page);
    assert_eq!(code.len(), 6);
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\" content=\"4\"></noscript>"));
    assert!(page.contains(&format!("The digits are {}", code.chars().map(String::from).collect::<Vec<_>>().join(" "))));
    // Loaded again, it is the same prompt.
    assert_eq!(digits(&browser.get(sent.location()).await.text()), code);
    assert!(browser.get(&format!("{base}/events?once")).await.text().contains(r#""state":"waiting""#));
    let events =
        browser.stream(browser.request(Method::GET, &format!("{base}/events")).body(Body::empty()).unwrap()).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut events = events.into_body();
    assert_eq!(events.frame().await.unwrap().unwrap().into_data().unwrap(), "retry: 1000\n\n");
    let id = device.waiting(&house).await;
    assert!(device.answer(&house, id, approve(&code)).await);
    let news = events.frame().await.unwrap().unwrap().into_data().unwrap();
    let news = std::str::from_utf8(&news).unwrap();
    assert!(
        news.starts_with("data: {") && news.contains(r#""state":"allowed""#) && news.contains(&format!("{base}/done")),
        "{news}"
    );
    assert!(events.frame().await.is_none(), "the stream ends with the attempt");
    // And without script, the page that loads itself again leads on.
    assert_eq!(browser.get(&format!("{base}/push")).await.location(), format!("{base}/done"));
    assert!(browser.get(&format!("{base}/done")).await.location().starts_with(BACK));
}

#[tokio::test]
async fn a_refused_push_says_why_and_another_way_is_open() {
    let house = House::with(r#"{"push_in_new_browsers":true,"prompt_spacing":0}"#, "VPN").await;
    let user = house.user("ana").await;
    house.token(user).await;
    let device = house.authenticator(user, "phone").await;
    for (said, text) in [
        (Said::Deny, "The request was denied on your device."),
        (Said::Fraud, "The request was reported as not yours."),
    ] {
        let (browser, base) = house.at_application("ana").await;
        browser.submit(&base, &format!("{base}/push"), &[("device", "")]).await;
        let id = device.waiting(&house).await;
        assert!(device.answer(&house, id, said).await);
        assert!(browser.get(&format!("{base}/events?once")).await.text().contains(text));
        let page = browser.get(&format!("{base}/push")).await;
        assert!(page.status == 422 || page.status == 403, "{}", page.status);
    }
}

#[tokio::test]
async fn streams_end_when_the_server_stops_and_when_another_takes_their_place() {
    let house = House::with(r#"{"push_in_new_browsers":true}"#, "VPN").await;
    let user = house.user("ana").await;
    house.authenticator(user, "phone").await;
    let (browser, base) = house.at_application("ana").await;
    browser.submit(&base, &format!("{base}/push"), &[("device", "")]).await;
    let open = async || {
        let request = browser.request(Method::GET, &format!("{base}/events")).body(Body::empty()).unwrap();
        let mut body = browser.stream(request).await.into_body();
        body.frame().await.unwrap().unwrap();
        body
    };
    let mut first = open().await;
    let mut second = open().await;
    assert!(first.frame().await.is_none());
    house.auth.stop();
    while let Some(frame) = second.frame().await {
        assert_eq!(frame.unwrap().into_data().unwrap(), ": waiting\n\n");
    }
}

#[tokio::test]
async fn a_message_brings_a_code_that_is_typed_in_the_same_browser() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.phone(user, "+12025550143", "").await;
    let (browser, base) = house.at_application("ana").await;
    let sent = browser.submit(&base, &format!("{base}/sms"), &[("device", "")]).await;
    assert_eq!(sent.location(), format!("{base}/sms"));
    let page = browser.get(sent.location()).await.text();
    assert!(
        page.contains("We have sent a code")
            && page.contains("data-wait=\"30\"")
            && page.contains("autocomplete=\"one-time-code\""),
        "{page}"
    );
    assert!(!page.contains("2025550143"), "no number on the page");
    let text = house.outbox.take().last().unwrap().text.expose().to_owned();
    let code = text.rsplit('#').next().unwrap().trim().to_owned();
    let (elsewhere, other) = house.at_application("ana").await;
    let stolen = elsewhere.submit(&other, &format!("{other}/passcode"), &[("code", &code)]).await;
    assert_eq!(stolen.status, 422);
    let wrong = browser
        .submit(&format!("{base}/sms"), &format!("{base}/passcode"), &[("code", "000000"), ("from", "sms")])
        .await;
    assert!(
        wrong.text().contains("Type the code from the message") && wrong.text().contains("That passcode isn’t right")
    );
    let right =
        browser.submit(&format!("{base}/sms"), &format!("{base}/passcode"), &[("code", &code), ("from", "sms")]).await;
    assert_eq!(right.location(), format!("{base}/done"));
}

#[tokio::test]
async fn at_ones_own_pages_a_session_begins() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let browser = house.browser();
    let base = browser.get("/account/sign-in").await.location().to_owned();
    let page = browser.get(&base).await.text();
    assert!(page.contains("autocomplete=\"username webauthn\"") && page.contains("data-passkey "), "{page}");
    let named = browser.submit(&base, &format!("{base}/name"), &[("username", " ana ")]).await;
    assert_eq!(named.location(), base);
    let right =
        browser.submit(&format!("{base}/passcode"), &format!("{base}/passcode"), &[("code", &house.totp())]).await;
    let done = browser.get(right.location()).await;
    assert!(done.location().starts_with("/session/bind?with=") && done.location().ends_with("&return_to=%2Faccount"));
    let jar = browser.jar.lock().unwrap().clone();
    assert!(jar.contains_key("__Host-countersign-session") && jar.contains_key("__Host-countersign-kb"));
    assert!(!jar.keys().any(|name| name.contains("-si-")), "the sign-in's own cookie is taken back");
}

#[tokio::test]
async fn who_gives_up_is_shown_the_way_back_and_the_sign_in_is_over() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    let cancelled = browser.submit(&base, &format!("{base}/cancel"), &[]).await;
    assert!(cancelled.text().contains("Sign-in cancelled") && cancelled.text().contains("error=access_denied"));
    let again = browser.get(&base).await;
    assert_eq!(again.status, 403);
    let portal = browser.get("/account/sign-in").await.location().to_owned();
    browser.submit(&portal, &format!("{portal}/name"), &[("username", "ana")]).await;
    let other = browser.submit(&portal, &format!("{portal}/cancel"), &[]).await;
    assert_eq!(other.location(), "/account/sign-in");
}

#[tokio::test]
async fn passkey_options_come_for_the_script_and_a_wrong_answer_is_told() {
    let house = House::new().await;
    let browser = house.browser();
    let base = browser.get("/account/sign-in").await.location().to_owned();
    let token = browser.get(&base).await.token();
    let ask = |path: String, body: &'static str| {
        let request = browser
            .request(Method::POST, &path)
            .header("content-type", "application/json")
            .header("x-form-token", &token);
        browser.send(request.body(Body::from(body)).unwrap())
    };
    let options = ask(format!("{base}/passkey/options"), "{}").await;
    assert_eq!(
        (options.status.as_u16(), options.header("content-type")),
        (200, "application/json"),
        "{}",
        options.text()
    );
    assert!(options.text().contains("\"rpId\":\"api-acme.example.test\"") && options.text().contains("\"challenge\""));
    let refused =
        ask(format!("{base}/passkey"), r#"{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}"#).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("\"error\":\"") && refused.text().contains("\"kind\":\""), "{}", refused.text());
    let late = ask(format!("{base}/passkey"), "{}").await;
    assert!(late.text().contains("\"kind\":\"stale\""), "{}", late.text());
}

#[tokio::test]
async fn a_sign_in_that_is_too_old_says_so() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    let token = browser.get(&base).await.token();
    house.clock.advance(Duration::from_secs(16 * 60));
    let page = browser.get(&base).await;
    assert_eq!(page.status, 410);
    assert!(page.text().contains("This sign-in is over"));
    let late = browser.post(&format!("{base}/passcode"), &[("token", &token), ("code", "123456")]).await;
    assert_eq!(late.status, 410);
    assert!(id_of(&base).to_string().len() == 36);
}

#[tokio::test]
async fn a_name_that_an_application_has_guessed_wrongly_can_be_changed() {
    let house = House::new().await;
    let (dora, ben) = (house.user("dora").await, house.user("ben").await);
    house.token(dora).await;
    house.token(ben).await;
    let browser = house.browser();
    let base = browser.open_sso("dora").await;
    let page = browser.get(&base).await;
    assert!(page.text().contains("dora") && page.text().contains("Not you?"), "{}", page.text());
    let other = browser.submit(&base, &format!("{base}/other"), &[]).await;
    let next = other.location().to_owned();
    assert!(next.starts_with("/sign-in/") && next != base, "{next}");
    // It asks for the name, knows nothing of the guess, and goes on for the same request.
    let asked = browser.get(&next).await.text();
    assert!(asked.contains("name=\"username\"") && !asked.contains("dora"), "{asked}");
    let named = browser.submit(&next, &format!("{next}/name"), &[("username", "ben")]).await;
    assert_eq!(named.location(), next);
    assert!(browser.get(&next).await.text().contains("ben"));
    // The first one is given up.
    assert_eq!(browser.get(&base).await.status, 403);
    let secret = browser.jar.lock().unwrap()[&cookie_name(id_of(&next), true)].clone();
    let sign_in = house.auth.sign_in(house.tenant, id_of(&next), &secret).await.unwrap();
    assert!(matches!(sign_in.purpose(), Purpose::SingleSignOn { return_to, .. } if return_to == "/oidc/continue/x"));
    // Where the application says who it is, rather than guess, nobody else signs in.
    let (browser, base) = house.at_application("dora").await;
    assert!(!browser.get(&base).await.text().contains("Not you?"));
    assert_eq!(browser.submit(&base, &format!("{base}/other"), &[]).await.location(), base);
    assert_eq!(browser.get(&base).await.status, 200);
}
