//! The Universal Prompt as a web application goes through it: every form of its requests, and the token that says what happened.

use crate::{
    house::{House, Reply, each_engine, on_engine, patient},
    support::{
        organisation::{Organisation, application},
        web_client::{FORMS, FormOf, Sent, WebClient, claims_of, post},
    },
};
use auth::{
    Factor,
    sign_in::{Browser, Done, Step},
};
use axum::{body::Body, extract::ConnectInfo};
use countersign_duo_api::Door;
use countersign_e2e::engines::Engine;
use directory::IntegrationFields;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use types::{SecretString, SignInId};

pub(crate) const STATE: &str = "qD8fW2mKpZr5tYvNcXbGhJkLsA4e7u9iO3R6";
pub(crate) const HEALTH_CHECK: &str = "/oauth/v1/health_check";
pub(crate) const TOKEN: &str = "/oauth/v1/token";

/// A new web application of an organisation.
pub(crate) async fn web_client(house: &House, of: &Organisation) -> WebClient {
    let fields = IntegrationFields::default();
    WebClient::new(application(&house.directory, (of.id, &of.name), &of.host, "websdk", fields).await)
}

/// Sends a request as a browser or a library does.
pub(crate) async fn send(house: &House, sent: &Sent) -> Reply {
    let mut request = Request::builder().method(sent.method).uri(&sent.target).header("host", &sent.host);
    if let Some(kind) = sent.kind {
        request = request.header("content-type", kind);
    }
    let request = request
        .header("accept", "text/html,*/*;q=0.8")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 50_000))));
    let Ok(request) = request.body(Body::from(sent.body.clone())) else { panic!("{sent:?} is no request") };
    let reply = Reply::of(&house.router, request).await;
    assert_secured(&reply, &sent.target);
    reply
}

/// What holds for every answer.
fn assert_secured(reply: &Reply, what: &str) {
    let header = |name: &str| reply.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    assert_eq!(header("cache-control"), "no-store", "{what}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{what}");
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{what}");
    assert!(!reply.status.is_server_error() || reply.value["stat"] == "FAIL", "{what}: {reply:?}");
    assert_ne!(reply.status, StatusCode::UNAUTHORIZED, "{what}");
}

/// A sign-in that was opened in a browser.
pub(crate) struct AtPage {
    pub(crate) id: SignInId,
    pub(crate) cookie: String,
}

/// Reads where `authorize` sent the browser; none where it sent it nowhere.
pub(crate) fn at_page(reply: &Reply) -> Option<AtPage> {
    let location = reply.headers.get("location")?.to_str().unwrap();
    assert_eq!(reply.status, StatusCode::FOUND, "{reply:?}");
    let id: SignInId = location.strip_prefix("/sign-in/").expect("the page").parse().unwrap();
    let cookies: Vec<&str> = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let [cookie] = cookies[..] else { panic!("{cookies:?}") };
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax");
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!(name, auth::sign_in::cookie_name(id, true));
    assert!(name.starts_with("__Host-"));
    Some(AtPage { id, cookie: value.to_owned() })
}

/// Comes back from the page to the application, by a bypass code of the organisation's person.
pub(crate) async fn pass(house: &House, of: &Organisation, page: &AtPage) -> String {
    let browser = Browser { origin: format!("https://{}", of.host), ..Browser::default() };
    let sign_in = house.auth.sign_in(of.id, page.id, &page.cookie).await.unwrap();
    let factor = Factor::Passcode(SecretString::new(of.bypass_code.clone()));
    match house.auth.attempt(&sign_in, &browser, factor, None).await.unwrap() {
        Step::Allowed => {}
        Step::Refused(outcome) => panic!("{}: {}", outcome.status, outcome.message),
        Step::Waiting { .. } | Step::Sent { .. } | Step::Proved => panic!("not a passcode"),
    }
    match house.auth.finish_sign_in(&sign_in, &browser).await.unwrap().kind {
        Done::Application { location } => location,
        Done::Session { .. } | Done::Grant { .. } => panic!("not an application's sign-in"),
    }
}

/// The code in the address that the browser came back to.
pub(crate) fn code_in(location: &str, name: &str) -> String {
    let (_, query) = location.split_once('?').unwrap();
    let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {location}")).to_owned()
}

/// A code for the person of `of` at `client`.
pub(crate) async fn code(house: &House, of: &Organisation, client: &WebClient) -> String {
    let request = client.sign(&client.request("Alfa.Person", STATE, house.world.now()));
    let request =
        if of.name == "alfa" { request } else { client.sign(&client.request(&of.username, STATE, house.world.now())) };
    let reply = send(house, &client.authorize(&request, &[])).await;
    let page = at_page(&reply).unwrap_or_else(|| panic!("{reply:?}"));
    code_in(&pass(house, of, &page).await, "duo_code")
}

/// A name for an assertion that wasn't used in this process.
pub(crate) fn jti() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:0>36}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Redeems a code.
pub(crate) async fn redeem(house: &House, client: &WebClient, form: FormOf, code: &str) -> Reply {
    let assertion = client.sign(&client.assertion(TOKEN, &jti(), house.world.now()));
    send(house, &post(&client.host, TOKEN, form, &client.redemption(code, &assertion))).await
}

/// The claims of the id token in an answer, verified as a library does.
pub(crate) fn token(reply: &Reply, client: &WebClient) -> Value {
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let body = reply.value.as_object().unwrap();
    for name in ["id_token", "access_token", "expires_in", "token_type"] {
        assert!(body.contains_key(name), "{name}");
    }
    assert_eq!(body["token_type"], "Bearer");
    assert!(body["expires_in"].as_i64().is_some_and(|seconds| seconds > 0));
    assert!(body["access_token"].as_str().unwrap().len() >= 43);
    let claims = claims_of(body["id_token"].as_str().unwrap(), &client.keys.skey).expect("signed by HS512");
    assert_eq!(claims["iss"], format!("https://{}{TOKEN}", client.host));
    assert_eq!(claims["aud"], client.keys.ikey.as_str());
    claims
}

/// The word of a refusal at the token endpoint.
pub(crate) fn refused(reply: &Reply) -> &str {
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{reply:?}");
    assert!(reply.value["error_description"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(reply.value.get("id_token").is_none());
    reply.value["error"].as_str().unwrap()
}

#[test]
fn a_person_signs_in_and_the_application_is_told_in_every_form() {
    each_engine(patient(), async |house| {
        let mut client = web_client(house, &house.a).await;
        for (n, form) in FORMS.into_iter().enumerate() {
            client.host = if n % 2 == 0 { house.a.host.clone() } else { format!("{}:8443", house.a.host) };
            let now = house.world.now();
            let health = client.sign(&client.assertion(HEALTH_CHECK, &jti(), now));
            let params = crate::support::signing::pairs(&[
                ("client_id", client.keys.ikey.as_str()),
                ("client_assertion", health.as_str()),
            ]);
            let reply = send(house, &post(&client.host, HEALTH_CHECK, form, &params)).await;
            assert_eq!(reply.value, json!({ "stat": "OK", "response": { "timestamp": now.seconds() } }), "{form:?}");

            let request = client.sign(&client.request("Alfa.Person", STATE, now));
            let page = at_page(&send(house, &client.authorize(&request, &[("nonce", &STATE[..20])])).await).unwrap();
            let back = pass(house, &house.a, &page).await;
            let (before, after) = (format!("{}&duo_code=", client.redirect_uri), format!("&state={STATE}"));
            assert!(back.starts_with(&before) && back.ends_with(&after), "{back}");
            house.clock.advance(Duration::from_secs(5));
            let reply = redeem(house, &client, form, &code_in(&back, "duo_code")).await;
            let claims = token(&reply, &client);
            assert_eq!(claims["preferred_username"], "Alfa.Person", "byte for byte");
            assert_eq!(claims["nonce"], STATE[..20]);
            assert_eq!(claims["iat"], house.world.now().seconds());
            assert!(claims["exp"].as_i64().unwrap() > house.world.now().seconds());
            assert_eq!(claims["auth_time"], now.seconds());
            assert_eq!(claims["auth_result"]["result"], "allow");
            let context = &claims["auth_context"];
            assert_eq!(context["user"]["name"], "alfa.person");
            assert_eq!(context["user"]["key"], house.a.user.to_string());
            assert_eq!(context["user"]["groups"], json!(["alfa staff"]));
            assert_eq!(context["application"], json!({ "name": "alfa websdk", "key": client.keys.ikey }));
            assert_eq!(context["factor"], "bypass_code");
            assert_eq!(context["access_device"]["ip"], "192.0.2.7");
            assert_eq!(context["access_device"]["browser"], "Firefox");
            assert_eq!(context["email"], "mail@alfa.example.test");
        }
    });
}

#[test]
fn what_the_client_left_out_has_its_default() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let mut request = client.request("alfa.person", STATE, house.world.now());
        for name in ["iss", "aud", "use_duo_code_attribute"] {
            request.as_object_mut().unwrap().remove(name);
        }
        let page = at_page(&send(house, &client.authorize(&client.sign(&request), &[])).await).unwrap();
        let code = code_in(&pass(house, &house.a, &page).await, "code");
        // Vaultwarden names no client_id here.
        let assertion = client.sign(&client.assertion(TOKEN, &jti(), house.world.now()));
        let mut params = client.redemption(&code, &assertion);
        params.retain(|(name, _)| name != "client_id");
        let claims = token(&send(house, &post(&client.host, TOKEN, FormOf::Body, &params)).await, &client);
        assert!(claims.get("nonce").is_none());
        // C# writes it so, and names the endpoint as the audience.
        let mut request = client.request("alfa.person", STATE, house.world.now());
        request["use_duo_code_attribute"] = "true".into();
        request["aud"] = format!("https://{}/oauth/v1/authorize", client.host).into();
        let page = at_page(&send(house, &client.authorize(&client.sign(&request), &[])).await).unwrap();
        code_in(&pass(house, &house.a, &page).await, "duo_code");
        // Postman's collection posts, and its users may choose HS256.
        let request = crate::support::web_client::jwt(
            &json!({ "alg": "HS256" }),
            &client.request("alfa.person", STATE, house.world.now()),
            &client.keys.skey,
        );
        let params = crate::support::signing::pairs(&[
            ("client_id", client.keys.ikey.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("request", request.as_str()),
        ]);
        let reply = send(house, &post(&client.host, "/oauth/v1/authorize", FormOf::Body, &params)).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
        assert!(reply.headers["location"].to_str().unwrap().starts_with("/sign-in/"));
    });
}

#[test]
fn by_http_on_the_machine_itself_the_cookie_is_one_that_a_browser_takes_there() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let request = client.sign(&client.request(&house.a.username, STATE, house.world.now()));
        let door = Door::new(Arc::clone(&house.auth), Vec::new(), Duration::from_millis(300));
        let plain = countersign_duo_api::plain_router(&Arc::new(door));
        let sent = client.authorize(&request, &[]);
        let by_http = Request::get(&sent.target).header("host", &sent.host).body(Body::empty()).unwrap();
        let reply = Reply::of(&plain, by_http).await;
        assert_eq!(reply.status, StatusCode::FOUND, "{reply:?}");
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("countersign-si-") && !cookie.contains("Secure"), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax"), "{cookie}");
        assert!(at_page(&send(house, &sent).await).is_some(), "by https it is as ever");
    });
}

#[test]
fn of_a_hundred_who_redeem_one_code_one_gets_a_token() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let code = code(house, &house.a, &client).await;
        let tries = (0..100).map(|_| redeem(house, &client, FormOf::Body, &code));
        let replies = futures_util::future::join_all(tries).await;
        let (won, lost): (Vec<&Reply>, Vec<&Reply>) = replies.iter().partition(|reply| reply.status == StatusCode::OK);
        assert_eq!((won.len(), lost.len()), (1, 99));
        for reply in lost {
            assert_eq!(refused(reply), "invalid_grant");
        }
    });
}
