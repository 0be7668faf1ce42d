//! The canary's beacons: what they make of what browsers send, and who can't speak for a page.

use crate::support::{Answer, Browser, HOST, House, IKEY, ORIGIN, id_of};
use axum::body::Body;
use countersign_web::{Pages, WebOptions};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use messaging::{Courier, Print};
use std::{sync::Arc, time::Duration};
use store::Span;
use tower::ServiceExt as _;
use types::Millis;

const BEACON_HOST: &str = "beacon.example.test";
const PHISH: &str = "https://login.acme-sso.test";
const HONEST: [(&str, &str); 2] = [("origin", ORIGIN), ("sec-fetch-site", "same-site")];
const FOREIGN: [(&str, &str); 2] = [("origin", PHISH), ("sec-fetch-site", "cross-site")];
/// Longer than any test takes: who waits so long has waited for nothing.
const LONG: Duration = Duration::from_secs(600);

/// A house whose pages have beacons; a code waits for them so long.
async fn house(settings: &str, patience: Duration) -> House {
    let mut house = House::with(settings, "VPN").await;
    let courier = Arc::new(Courier::new(Arc::clone(&house.store), vec![Arc::new(Print::quiet())]));
    let options = auth::Options { beacons: Some(patience), ..auth::Options::default() };
    house.auth = auth::Auth::start_with(Arc::clone(&house.store), courier, options);
    let options = WebOptions { beacon_host: Some(BEACON_HOST.to_owned()), ..WebOptions::default() };
    house.sso = sso::Sso::start(std::sync::Arc::clone(&house.auth), sso::Options::default());
    house.router = Pages::new(&house.sso, options).unwrap().router();
    house
}

/// A person with a token at an application: their browser, the sign-in's path, and the path of its beacons without their kind.
async fn arrive<'h>(house: &'h House, name: &str) -> (Browser<'h>, String, String) {
    let user = house.user(name).await;
    house.token(user).await;
    again(house, name).await
}

async fn again<'h>(house: &'h House, name: &str) -> (Browser<'h>, String, String) {
    let (browser, base) = house.at_application(name).await;
    let stem = stem(&browser.go(&base).await.text()).unwrap();
    (browser, base, stem)
}

/// Where a page's beacons are.
fn stem(page: &str) -> Option<String> {
    let after = page.split_once(&format!("https://{BEACON_HOST}"))?.1;
    Some(after.split_once('.')?.0.to_owned())
}

async fn ask(house: &House, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri(path).header(header::HOST, host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = house.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn beacon(house: &House, stem: &str, kind: &str, headers: &[(&str, &str)]) -> Answer {
    ask(house, BEACON_HOST, &format!("{stem}.{kind}"), headers).await
}

/// What stands in the row: the state, and the host.
async fn state(house: &House, base: &str) -> (String, String) {
    let row = house.store.tenant(house.tenant).sign_in(id_of(base)).await.unwrap().unwrap();
    (row.canary, row.canary_host)
}

/// The canary's lines in the administrator log: act and detail.
async fn told(house: &House) -> Vec<(String, String)> {
    let span = Span::new(Millis(0), house.world.now() + Duration::from_secs(60), 1000);
    let acts = house.store.tenant(house.tenant).admin_log(&span).await.unwrap();
    acts.into_iter().filter(|act| act.actor == "canary").map(|act| (act.action, act.detail)).collect()
}

async fn type_code(house: &House, browser: &Browser<'_>, base: &str) -> Answer {
    let page = format!("{base}/passcode");
    browser.submit(&page, &page, &[("code", &house.totp())]).await
}

fn is_in(answer: &Answer) -> bool {
    answer.location().ends_with("/done")
}

#[tokio::test]
async fn pages_that_take_a_code_carry_beacons_and_others_dont() {
    let house = house("{}", Duration::ZERO).await;
    let (browser, base, stem) = arrive(&house, "ana").await;
    assert!(stem.starts_with(&format!("/beacon/{}/{}/", house.tenant, id_of(&base))), "{stem}");
    for page in [base.clone(), format!("{base}/passcode"), format!("{base}/recovery")] {
        let answer = browser.go(&page).await;
        let text = answer.text();
        for kind in ["css", "js"] {
            assert!(
                text.contains(&format!("\"https://{BEACON_HOST}{stem}.{kind}\" crossorigin=\"anonymous\"")),
                "{text}"
            );
        }
        let policy = answer.header("content-security-policy");
        for directive in ["script-src 'self'", "style-src 'self'"] {
            assert!(policy.contains(&format!("{directive} https://{BEACON_HOST};")), "{policy}");
        }
    }
    // A stranger to the sign-in is shown none.
    assert!(!house.browser().go(&base).await.text().contains(BEACON_HOST));
    // Where everything is over there is nothing to guard.
    assert!(is_in(&type_code(&house, &browser, &base).await));
    assert!(!browser.get(&base).await.text().contains(BEACON_HOST));

    let off = self::house(r#"{"canary": "off"}"#, Duration::ZERO).await;
    let user = off.user("ana").await;
    off.token(user).await;
    let (browser, base) = off.at_application("ana").await;
    assert!(!browser.go(&base).await.text().contains(BEACON_HOST));
}

#[tokio::test]
async fn what_each_beacon_reports() {
    let house = house("{}", Duration::ZERO).await;
    let user = house.user("ana").await;
    house.token(user).await;
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Headers<'_>, &str, &str)] = &[
        (&HONEST, "ok", ""),
        (&FOREIGN, "alert", "login.acme-sso.test"),
        (&[("origin", PHISH)], "alert", "login.acme-sso.test"),
        (&[("origin", "null"), ("sec-fetch-site", "cross-site")], "alert", "unknown"),
        (&[("sec-fetch-site", "cross-site")], "alert", "unknown"),
        (&[("origin", ORIGIN), ("sec-fetch-site", "cross-site")], "alert", "unknown"),
        (&[("origin", ORIGIN)], "unclear", ""),
        (&[("sec-fetch-site", "same-site")], "unclear", ""),
        (&[], "unclear", ""),
        (&[("x-evilginx", "evil.test"), HONEST[0], HONEST[1]], "alert", "evil.test"),
        (&[("origin", "https://<script>"), ("sec-fetch-site", "cross-site")], "alert", "?script?"),
    ];
    for (headers, expected, host) in cases {
        for kind in ["css", "js", "font"] {
            let (_, base, stem) = again(&house, "ana").await;
            let answer = beacon(&house, &stem, kind, headers).await;
            assert!(answer.status.is_success(), "{headers:?}");
            assert_eq!(state(&house, &base).await, ((*expected).to_owned(), (*host).to_owned()), "{kind} {headers:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_for_the_pages_own_origin_and_keeps_nothing() {
    let house = house("{}", Duration::ZERO).await;
    let (_, _, stem) = arrive(&house, "ana").await;
    for (headers, kind) in [(HONEST, "css"), (HONEST, "js"), (FOREIGN, "css"), (FOREIGN, "js"), (FOREIGN, "font")] {
        let answer = beacon(&house, &stem, kind, &headers).await;
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    // Where the page was seen under its own name, nothing more is asked for.
    assert!(beacon(&house, &stem, "css", &HONEST).await.text().is_empty());
    assert!(beacon(&house, &stem, "css", &FOREIGN).await.text().contains("@font-face"));
    // No page stands under the beacons' host, and no beacon under a tenant's.
    assert_eq!(ask(&house, BEACON_HOST, "/account/sign-in", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&house, HOST, &format!("{stem}.css"), &HONEST).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_speaks_for_anothers_page() {
    let house = house("{}", Duration::ZERO).await;
    let (_, base, own) = arrive(&house, "ana").await;
    let (_, _, others) = again(&house, "ana").await;
    let (tenant, id) = (house.tenant.to_string(), id_of(&base).to_string());
    let tag = own.rsplit_once('/').unwrap().1;
    let other_tag = others.rsplit_once('/').unwrap().1;
    let stranger = house.store.tenant_of_host(crate::support::OTHER_HOST).await.unwrap().unwrap();
    let theirs = house.auth.beacon_tag(stranger, id_of(&base)).await.unwrap();
    let wrong = [
        format!("/beacon/{tenant}/{id}/{other_tag}.css"),
        format!("/beacon/{tenant}/{id}/{theirs}.css"),
        format!("/beacon/{tenant}/{id}/{}.css", tag.to_ascii_lowercase()),
        format!("/beacon/{tenant}/{id}/{}.css", &tag[..20]),
        format!("/beacon/{tenant}/{id}/{tag}A.css"),
        format!("/beacon/{tenant}/{id}/.css"),
        format!("/beacon/{tenant}/{id}/{tag}"),
        format!("/beacon/{tenant}/{id}/{tag}.html"),
        format!("/beacon/{tenant}/{id}/%ff%00.css"),
        format!("/beacon/{tenant}/x/{tag}.css"),
        format!("/beacon/{id}/{id}/{tag}.css"),
        format!("/beacon/{stranger}/{id}/{tag}.css"),
    ];
    for path in &wrong {
        for headers in [HONEST, FOREIGN] {
            let answer = ask(&house, BEACON_HOST, path, &headers).await;
            assert!(answer.status.is_client_error() && answer.body.len() < 200, "{path}: {}", answer.status);
        }
    }
    for host in ["evil.test", "beacon.example.test.evil.test", ""] {
        ask(&house, host, &format!("{own}.css"), &FOREIGN).await;
    }
    // A tag that another tenant's keys made for this id reaches their rows only, and there it isn't.
    let crossed = ask(&house, BEACON_HOST, &format!("/beacon/{stranger}/{id}/{theirs}.css"), &FOREIGN).await;
    assert!(!crossed.headers.contains_key(header::SET_COOKIE));
    assert_eq!(state(&house, &base).await, (String::new(), String::new()));
    assert!(told(&house).await.is_empty());
    beacon(&house, &own, "css", &HONEST).await;
    assert_eq!(state(&house, &base).await.0, "ok");
}

#[tokio::test]
async fn an_alert_stays_and_may_learn_a_name() {
    let house = house("{}", Duration::ZERO).await;
    let (_, base, stem) = arrive(&house, "ana").await;
    beacon(&house, &stem, "css", &HONEST).await;
    beacon(&house, &stem, "css", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(state(&house, &base).await, ("alert".to_owned(), "unknown".to_owned()));
    beacon(&house, &stem, "css", &HONEST).await;
    beacon(&house, &stem, "font", &FOREIGN).await;
    for _ in 0..20 {
        beacon(&house, &stem, "js", &HONEST).await;
        beacon(&house, &stem, "js", &[("origin", "https://another.test")]).await;
        beacon(&house, &stem, "js", &[]).await;
    }
    assert_eq!(state(&house, &base).await, ("alert".to_owned(), "login.acme-sso.test".to_owned()));
    let told = told(&house).await;
    assert_eq!(told.len(), 2, "without the name, and with it: {told:?}");
    assert!(told.iter().all(|(action, _)| action == "aitm_detected"));
    let named: Vec<_> = told.iter().filter(|(_, detail)| detail.contains("login.acme-sso.test")).collect();
    assert!(named.len() == 1 && named[0].1.contains(IKEY), "{told:?}");
}

#[tokio::test]
async fn beacons_of_a_hundred_at_once_make_one_alert() {
    let house = house("{}", Duration::ZERO).await;
    let (_, base, stem) = arrive(&house, "ana").await;
    let all = (0..100).map(|n| {
        let (house, stem) = (&house, &stem);
        async move { beacon(house, stem, "js", if n % 2 == 0 { &HONEST } else { &FOREIGN }).await }
    });
    futures_util::future::join_all(all).await;
    assert_eq!(state(&house, &base).await.0, "alert");
    assert_eq!(told(&house).await.len(), 1);
}

#[tokio::test]
async fn what_comes_after_the_end() {
    let house = house("{}", Duration::ZERO).await;
    let (browser, base, stem) = arrive(&house, "ana").await;
    assert!(is_in(&type_code(&house, &browser, &base).await));
    let before = state(&house, &base).await;
    beacon(&house, &stem, "css", &HONEST).await;
    assert_eq!(state(&house, &base).await, before, "leave that comes late is none");
    // An alarm that comes late is still one, while anything can be made of the sign-in; then it is history.
    house.clock.advance(Duration::from_secs(3600));
    beacon(&house, &stem, "css", &FOREIGN).await;
    assert_eq!(state(&house, &base).await, before);
    let (browser, base, stem) = again(&house, "ana").await;
    assert!(is_in(&type_code(&house, &browser, &base).await));
    beacon(&house, &stem, "js", &FOREIGN).await;
    assert_eq!(state(&house, &base).await, ("alert".to_owned(), "login.acme-sso.test".to_owned()));
}

#[tokio::test]
async fn a_kits_mark_on_any_page_is_an_alert_at_once() {
    let house = house(r#"{"canary": "enforce"}"#, Duration::ZERO).await;
    let (browser, base, stem) = arrive(&house, "ana").await;
    beacon(&house, &stem, "css", &HONEST).await;
    let marked =
        browser.request(Method::GET, &base).header("x-evilginx", "login.evil.test").body(Body::empty()).unwrap();
    assert_eq!(browser.send(marked).await.status, StatusCode::OK);
    assert_eq!(state(&house, &base).await, ("alert".to_owned(), "login.evil.test".to_owned()));
    assert!(!is_in(&type_code(&house, &browser, &base).await));
    // Whoever isn't the sign-in's browser says nothing about it.
    let (_, base, _) = again(&house, "ana").await;
    let stranger = house.browser();
    let marked = stranger.request(Method::GET, &base).header("x-evilginx", "evil.test").body(Body::empty()).unwrap();
    stranger.send(marked).await;
    assert_eq!(state(&house, &base).await.0, "");
}

#[tokio::test]
async fn enforced_no_code_is_taken_without_a_beacon_and_the_wait_is_for_one_under_way() {
    let house = house(r#"{"canary": "enforce"}"#, Duration::ZERO).await;
    let (browser, base, stem) = arrive(&house, "ana").await;
    assert!(!is_in(&type_code(&house, &browser, &base).await), "none came");
    assert_eq!(told(&house).await.len(), 1);
    assert_eq!(told(&house).await[0].0, "beacon_missing");
    beacon(&house, &stem, "css", &[("origin", ORIGIN)]).await;
    assert_eq!(state(&house, &base).await.0, "unclear");
    assert!(!is_in(&type_code(&house, &browser, &base).await), "it doesn't say enough");
    beacon(&house, &stem, "js", &HONEST).await;
    assert!(is_in(&type_code(&house, &browser, &base).await), "the page was reloaded, and the code is good still");

    let house = self::house(r#"{"canary": "enforce"}"#, LONG).await;
    let (browser, base, stem) = arrive(&house, "ana").await;
    let late = async {
        tokio::task::yield_now().await;
        beacon(&house, &stem, "css", &HONEST).await;
    };
    let (answer, ()) = tokio::join!(type_code(&house, &browser, &base), late);
    assert!(is_in(&answer));
    assert!(told(&house).await.is_empty());
}

#[tokio::test]
async fn observed_a_missing_beacon_is_told_once_and_before_the_code() {
    let house = house("{}", Duration::ZERO).await;
    let (browser, base, stem) = arrive(&house, "ana").await;
    let page = format!("{base}/passcode");
    let wrong = browser.submit(&page, &page, &[("code", "000000")]).await;
    assert!(!is_in(&wrong));
    assert_eq!(state(&house, &base).await.0, "missing");
    assert!(is_in(&type_code(&house, &browser, &base).await));
    let first = told(&house).await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].0, "beacon_missing");
    // It may still come, and say worse.
    beacon(&house, &stem, "css", &FOREIGN).await;
    assert_eq!(state(&house, &base).await.1, "login.acme-sso.test");
    assert_eq!(told(&house).await.len(), 2);
}
