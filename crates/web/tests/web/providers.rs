//! Providers, as browsers go there and come back: with their own cookies, without them, and with somebody else's address.

use crate::{
    abroad::SamlProvider,
    support::{Answer, Browser, HOST, House, OTHER_HOST, id_of},
};
use auth::providers::{ClientAuthentication, LinkBy, Metadata, ProviderSettings, Speaks};
use axum::body::Body;
use http::{Method, Request, header};
use serde_json::json;
use store::ProviderLinkRow;
use types::UserId;

fn oidc(name: &str) -> ProviderSettings {
    ProviderSettings {
        name: name.to_owned(),
        speaks: Speaks::Oidc {
            issuer: "https://corp.op.example".to_owned(),
            client_id: "countersign".to_owned(),
            authentication: ClientAuthentication::None,
            scopes: Vec::new(),
            algorithms: vec!["ES256".to_owned()],
            userinfo: false,
        },
        user_name: None,
        email: None,
        domains: vec!["corp.example".to_owned()],
        link_by: LinkBy::Nothing,
        create: false,
        trust: Vec::new(),
        always_ask: false,
    }
}

async fn set(house: &House, key: &str, settings: &ProviderSettings, whose: (UserId, &str)) {
    let row = house.auth.provider_row(house.tenant, key, settings, None, "operator").await.unwrap();
    let link = ProviderLinkRow {
        provider: key.to_owned(),
        subject: whose.1.to_owned(),
        user_id: whose.0,
        created: house.world.now(),
        made_by: "operator".to_owned(),
    };
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.insert_provider(&row).await.unwrap() && tx.insert_provider_link(&link).await.unwrap());
    tx.commit().await.unwrap();
}

/// The address that a page goes on to by itself; the same that its link leads to.
fn onward(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let address = answer.header("refresh").strip_prefix("0;url=").unwrap().to_owned();
    let linked = address.replace('&', "&#38;");
    assert!(answer.text().contains(&format!("href=\"{linked}\"")), "{}", answer.text());
    address
}

async fn portal(browser: &Browser<'_>) -> String {
    browser.get("/account/sign-in").await.location().to_owned()
}

#[tokio::test]
async fn there_and_back_in_one_browser_and_in_no_other() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    set(&house, "corp", &oidc("Corp <b>& Sons</b>"), (user, "u1")).await;
    let browser = house.browser();
    let base = portal(&browser).await;
    let page = browser.get(&base).await.text();
    assert!(page.contains("Corp &#60;b&#62;&#38; Sons") && !page.contains("<b>"), "{page}");
    let answer = browser.submit(&base, &format!("{base}/provider/corp"), &[]).await;
    let address = onward(&answer);
    assert!(address.starts_with("https://corp.op.example/authorize?"), "{address}");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("form-action 'self'; ") && !policy.contains("op.example"), "{policy}");
    let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
    let back = format!("/upstream/oidc/corp?{query}");
    // Somebody else's browser, without a sign-in and with one of its own; another tenant's host.
    let thief = house.browser();
    assert_eq!(thief.get(&back).await.status, 403);
    portal(&thief).await;
    assert_eq!(thief.get(&back).await.status, 403);
    let elsewhere = Browser { host: OTHER_HOST, ..house.browser() };
    assert_eq!(elsewhere.get(&back).await.status, 410);
    // Its own.
    let answer = browser.get(&back).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, base.as_str()), "{}", answer.text());
    let page = browser.get(&base).await.text();
    assert!(page.contains(">ana<") && page.contains("name=\"code\"") && !page.contains("/provider/corp"), "{page}");
    assert_eq!(browser.get(&back).await.status, 410, "once");
    let answer = browser.submit(&base, &format!("{base}/passcode"), &[("code", &house.totp())]).await;
    assert_eq!(answer.location(), format!("{base}/done"));
    assert_eq!(browser.get(answer.location()).await.status, 303);
}

#[tokio::test]
async fn nobody_is_sent_by_a_form_of_somebody_elses() {
    let house = House::new().await;
    let user = house.user("ana").await;
    set(&house, "corp", &oidc("Corp"), (user, "u1")).await;
    let browser = house.browser();
    let base = portal(&browser).await;
    let place = format!("{base}/provider/corp");
    assert_eq!(browser.post(&place, &[("token", "x")]).await.status, 403);
    let mut request = browser.request(Method::POST, &place).body(Body::from("token=x")).unwrap();
    request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(browser.send(request).await.status, 403);
    assert_eq!(browser.get(&place).await.status, 200, "a link shows the page");
    let answer = browser.submit(&base, &format!("{base}/provider/nobody"), &[]).await;
    assert_eq!(answer.location(), base);
    for (path, status) in [
        ("/upstream/oidc/corp", 400),
        ("/upstream/oidc/corp?state=x&code=y", 410),
        ("/upstream/oidc/corp?state=x&state=x&code=y", 400),
        ("/upstream/saml/finish?state=x", 410),
        ("/upstream/saml/acs", 405),
    ] {
        assert_eq!(browser.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_name_leads_by_its_domain_whether_anybody_has_it_or_not() {
    let house = House::new().await;
    let user = house.user("ana@corp.example").await;
    set(&house, "corp", &oidc("Corp"), (user, "u1")).await;
    for (name, goes) in [("ana@corp.example", true), ("nobody@corp.example", true), ("ana@other.example", false)] {
        let browser = house.browser();
        let base = portal(&browser).await;
        let answer = browser.submit(&base, &format!("{base}/name"), &[("username", name)]).await;
        if goes {
            let address = onward(&answer);
            assert!(address.contains(&format!("login_hint={}", name.replace('@', "%40"))), "{address}");
        } else {
            assert_eq!(answer.location(), base);
        }
    }
    // Where it gives no answer that is said, with the other ways.
    house.abroad.set_away(true);
    house.clock.advance(std::time::Duration::from_secs(100_000));
    let browser = house.browser();
    let base = portal(&browser).await;
    let answer = browser.submit(&base, &format!("{base}/name"), &[("username", "ana@corp.example")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("can’t be reached") && answer.text().contains("data-passkey"), "{}", answer.text());
}

#[tokio::test]
async fn what_another_sites_form_brings_waits_for_its_own_browser() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let provider = SamlProvider::new("idp");
    let speaks = Speaks::Saml {
        entity_id: provider.entity_id.clone(),
        metadata: Metadata::Kept(provider.metadata()),
        name_id_format: None,
        subject: None,
    };
    set(&house, "idp", &ProviderSettings { speaks, ..oidc("Partner") }, (user, "n-1")).await;
    let browser = house.browser();
    let base = portal(&browser).await;
    let address = onward(&browser.submit(&base, &format!("{base}/provider/idp"), &[]).await);
    let (said, state) = provider.asked(&address, "n-1");
    let metadata = browser.get("/upstream/saml/metadata").await;
    assert_eq!(metadata.header("content-type"), "application/samlmetadata+xml");
    for part in [&said.audience, &said.recipient, "use=\"encryption\"", "AuthnRequestsSigned=\"true\""] {
        assert!(metadata.text().contains(part), "{part}");
    }
    assert!(address.contains("&Signature="), "{address}");
    let response = provider.response(&said, &house.clock);
    // As a browser posts it: no cookies, and from elsewhere.
    let post = |state: &str, response: &str| {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("SAMLResponse", response)
            .append_pair("RelayState", state)
            .finish();
        Request::post("/upstream/saml/acs")
            .header(header::HOST, HOST)
            .header(header::ORIGIN, "https://idp.example")
            .header("sec-fetch-site", "cross-site")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    };
    assert_eq!(browser.send(post("nobody's", &response)).await.status, 410);
    let answer = browser.send(post(&state, &response)).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(answer.headers.get(header::SET_COOKIE).is_none());
    let finish = answer.location().to_owned();
    assert!(finish.starts_with("/upstream/saml/finish?state="), "{finish}");
    assert_eq!(browser.send(post(&state, &response)).await.status, 410, "the first that came stays");
    assert_eq!(house.browser().get(&finish).await.status, 403, "another browser");
    let answer = browser.get(&finish).await;
    assert_eq!(answer.location(), base, "{}", answer.text());
    assert_eq!(browser.get(&finish).await.status, 410);
    let page = browser.get(&base).await.text();
    assert!(page.contains(">ana<") && page.contains("name=\"code\""), "{page}");
    let secret = browser.jar.lock().unwrap()[&auth::sign_in::cookie_name(id_of(&base), true)].clone();
    let sign_in = house.auth.sign_in(house.tenant, id_of(&base), &secret).await;
    assert_eq!(sign_in.unwrap().user(), Some(user));
    // A form that is none, or too large, is refused before anything is kept.
    let mut other = post(&state, &response);
    other.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(browser.send(other).await.status, 400);
    assert_eq!(browser.send(post(&state, &"x".repeat(300 * 1024))).await.status, 413);
}
