//! The pages of other doors, drawn: what such a door would answer with stands behind `/leaf/{name}`, with the text of the query in it.

use crate::support::{Answer, House};
use axum::{
    Router,
    extract::{Path, RawQuery},
    response::{IntoResponse as _, Response},
    routing::get,
};
use html5ever::{driver::ParseOpts, parse_document, tendril::TendrilSink as _};
use http::{HeaderValue, StatusCode, header};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use sso::{DeviceEnd, DeviceQuestion, Leaf};
use std::time::Duration;

/// Those that are pages as all others are.
pub(crate) const PLAIN: [&str; 15] = [
    "refused",
    "failed",
    "limited",
    "sign-out",
    "signed-out",
    "signed-out-missed",
    "signing-out",
    "open",
    "device-code",
    "device-code-wrong",
    "device",
    "device-connected",
    "device-refused",
    "device-over",
    "device-gone",
];
/// Those that may do more: frames of applications, a form that leads to one.
const FURTHER: [&str; 2] = ["signed-out-framed", "carry"];

fn leaf(name: &str, text: &str) -> Leaf {
    let refused =
        |ours, wait| Leaf::Refused { word: "invalid_request", detail: "The client_id is missing.", ours, wait };
    let signed_out = |frames, missed, next, goes_on| Leaf::SignedOut { frames, missed, next, goes_on };
    let text = || text.to_owned();
    match name {
        "refused" => refused(false, None),
        "failed" => refused(true, None),
        "limited" => refused(false, Some(Duration::from_secs(7))),
        "sign-out" => Leaf::SignOut {
            app: Some(text()),
            action: "/oidc/logout".to_owned(),
            fields: vec![("state", text()), ("token", "a token".to_owned())],
            leads_to: None,
        },
        "signed-out" => signed_out(Vec::new(), Vec::new(), None, false),
        "signed-out-missed" => signed_out(Vec::new(), vec![text()], Some("/account".to_owned()), false),
        "signed-out-framed" => signed_out(
            vec![format!("https://app.example/front?{}", text())],
            Vec::new(),
            Some("/apps".to_owned()),
            true,
        ),
        "signing-out" => Leaf::SigningOut { next: "/saml/farewell/x?go".to_owned() },
        "open" => Leaf::Open { app: text(), next: "/saml/start/x".to_owned() },
        "device-code" => Leaf::DeviceCode { action: "/oidc/device", typed: text(), wrong: false },
        "device-code-wrong" => Leaf::DeviceCode { action: "/oidc/device", typed: String::new(), wrong: true },
        "device" => Leaf::Device(Box::new(DeviceQuestion {
            action: "/oidc/device/x".to_owned(),
            token: "a token".to_owned(),
            username: text(),
            app: text(),
            scopes: vec!["openid".to_owned(), text()],
            minutes: 3,
            from: Some("192.0.2.9".to_owned()),
            agent: text(),
            code: "BCDF-GHJK".to_owned(),
        })),
        "device-connected" => Leaf::DeviceEnd(DeviceEnd::Connected),
        "device-refused" => Leaf::DeviceEnd(DeviceEnd::Refused),
        "device-over" => Leaf::DeviceEnd(DeviceEnd::Over),
        "device-gone" => Leaf::DeviceEnd(DeviceEnd::Gone),
        "carry" => Leaf::Carry { action: "https://app.example/acs".to_owned(), fields: vec![("RelayState", text())] },
        _ => Leaf::DeviceEnd(DeviceEnd::NotSignedIn),
    }
}

/// Another door's routes.
pub(crate) fn door() -> Router {
    Router::new().route("/leaf/{name}", get(answer))
}

async fn answer(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let text = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "text");
    let mut response = leaf(&name, &text.map_or("Wiki".into(), |(_, text)| text)).into_response();
    sso::headers::guard(response.headers_mut());
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static("kept=1; Path=/"));
    if name == "limited" {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    }
    response
}

async fn shown(house: &House, name: &str, text: &str) -> Answer {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("text", text).finish();
    house.browser().get(&format!("/leaf/{name}?{query}")).await
}

/// Elements and attributes.
fn walk(node: &Handle, see: &mut impl FnMut(&str, &[(String, String)], bool)) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attrs: Vec<_> = attrs.borrow().iter().map(|at| (at.name.local.to_string(), at.value.to_string())).collect();
        see(&name.local, &attrs, node.children.borrow().is_empty());
    }
    for child in node.children.borrow().iter() {
        walk(child, see);
    }
}

#[tokio::test]
async fn whatever_a_door_puts_on_a_page_is_a_text() {
    let house = House::new().await;
    for hostile in [
        "\"><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "</form><form action=https://evil.example>",
        "</title><svg onload=alert(1)>",
        "{{ 7*7 }}{% raw %}",
        "\u{202e}gnp.exe\u{2066}",
    ] {
        for name in PLAIN.into_iter().chain(FURTHER) {
            let (answer, usual) = (shown(&house, name, hostile).await, shown(&house, name, "Wiki").await);
            let count = |answer: &Answer| {
                let dom = parse_document(RcDom::default(), ParseOpts::default()).one(answer.text().as_str());
                assert!(dom.errors.borrow().is_empty(), "{name}: {:?}", dom.errors.borrow());
                let mut elements = Vec::new();
                walk(&dom.document, &mut |tag, attrs, empty| {
                    assert!(tag != "script" || empty, "{name}: inline script");
                    assert!(!attrs.iter().any(|(name, _)| name.starts_with("on")), "{name}: {attrs:?}");
                    elements.push(tag.to_owned());
                });
                elements
            };
            assert_eq!(count(&answer), count(&usual), "{name}: {hostile}");
            // It lets nothing more in; an address that isn't one is in no policy at all.
            let (policy, usual) = (answer.header("content-security-policy"), usual.header("content-security-policy"));
            assert!(
                policy == usual || policy == usual.replace("frame-src https://app.example; ", ""),
                "{name}: {policy}"
            );
        }
    }
    let carried = shown(&house, "carry", "a\"b<c>&").await.text();
    assert!(carried.contains("action=\"https://app.example/acs\""), "{carried}");
    assert!(carried.contains("name=\"RelayState\" value=\"a&#34;b&#60;c&#62;&#38;\""), "{carried}");
}

#[tokio::test]
async fn a_drawn_page_keeps_its_doors_status_and_cookies_and_may_do_what_it_needs() {
    let house = House::new().await;
    let limited = shown(&house, "limited", "").await;
    assert_eq!((limited.status, limited.header("set-cookie")), (StatusCode::TOO_MANY_REQUESTS, "kept=1; Path=/"));
    let framed = shown(&house, "signed-out-framed", "a").await;
    let policy = framed.header("content-security-policy");
    assert!(policy.contains("; frame-src https://app.example;") && policy.contains("form-action 'self';"), "{policy}");
    // The address that a frame is loaded from is the application's, and says nothing of the page.
    assert_eq!(framed.header("referrer-policy"), "same-origin");
    let carry = shown(&house, "carry", "a").await;
    let policy = carry.header("content-security-policy");
    assert!(!policy.contains("form-action") && !policy.contains("frame-src"), "{policy}");
    assert_eq!(carry.header("referrer-policy"), "strict-origin");
    for answer in [&framed, &carry] {
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // Another language is asked for at the whole address.
    let refused = house.browser().get("/leaf/refused?client_id=a&lang=fr&x=%22").await.text();
    assert!(
        refused.contains("lang=\"fr\"") && refused.contains("href=\"/leaf/refused?client_id=a&#38;x=%22&#38;lang=ar\"")
    );
}

#[tokio::test]
async fn a_page_of_nobodys_host_is_drawn_without_a_look() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.host = "nobody.example.test";
    let page = browser.get("/leaf/refused").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("<code>invalid_request</code>") && !page.text().contains("Acme"));
}
