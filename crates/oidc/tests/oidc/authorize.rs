//! The way of a sign-in through this door.

use crate::support::{CALLBACK, House, ISSUER, VERIFIER, authorize, claims};
use http::Method;
use serde_json::json;
use sso::{ClientAuth, Leaf, OidcClient};

#[tokio::test]
async fn discovery_says_what_works_and_names_the_tenant_whatever_the_host_header_adds() {
    let house = House::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let browser = house.browser();
        let hostile = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
        let answer = browser.send(Method::GET, path, None, &hostile).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("cache-control").contains("max-age"));
        assert!(!answer.body.contains("evil"), "{}", answer.body);
        let said = answer.json();
        assert_eq!(said["issuer"], ISSUER);
        assert_eq!(said["response_types_supported"], json!(["code"]));
        assert_eq!(said["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(said["authorization_response_iss_parameter_supported"], true);
        for (member, value) in said.as_object().unwrap() {
            if member.ends_with("_endpoint") || member == "jwks_uri" {
                assert!(value.as_str().unwrap().starts_with(&format!("{ISSUER}/oidc/")), "{member}: {value}");
            }
            // What is promised is there: a route that wants something else than this GET, and no 404.
            if let Some(path) = value.as_str().and_then(|url| url.strip_prefix(ISSUER)).filter(|path| !path.is_empty())
            {
                assert_ne!(browser.get(path).await.status, http::StatusCode::NOT_FOUND, "{path}");
            }
        }
        let text = answer.body;
        // A program that keeps no secret gets tokens and gives them back; it asks nothing about them, and nothing is signed by nothing.
        for (member, public) in [("token", true), ("revocation", true), ("introspection", false)] {
            let methods = said[format!("{member}_endpoint_auth_methods_supported")].as_array().unwrap();
            assert_eq!(methods.contains(&"none".into()), public, "{member}: {methods:?}");
        }
        for (member, value) in said.as_object().unwrap().iter().filter(|(member, _)| member.contains("_alg_")) {
            assert!(!value.as_array().unwrap().contains(&"none".into()), "{member}: {value}");
        }
        for never in ["HS512", "implicit", "\"token\"", "id_token token", "fragment", "plain"] {
            assert!(!text.contains(&format!("\"{never}\"")), "{never}");
        }
    }
    let jwks = house.browser().get("/oidc/jwks").await;
    assert!(jwks.header("cache-control").contains("max-age=900"), "{jwks:?}");
    let keys = jwks.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 3);
    for key in &keys {
        for private in ["d", "p", "q", "k"] {
            assert!(key.get(private).is_none(), "{key}");
        }
    }
}

#[tokio::test]
async fn a_code_becomes_tokens_that_say_who_when_how_and_for_whom() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    let back = browser.authorize(&client, &[]).await.back(CALLBACK);
    assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("the state", ISSUER));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", back["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = house.post("/oidc/token", &form, Some(&client)).await;
    let tokens = answer.json();
    let said = claims(tokens["id_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")));
    assert_eq!(said["iss"], ISSUER);
    assert_eq!((&said["aud"], &said["azp"]), (&json!(client.key), &json!(client.key)));
    assert_eq!(
        (said["sub"].as_str().unwrap(), said["nonce"].as_str().unwrap()),
        (user.to_string().as_str(), "the nonce")
    );
    assert_eq!(said["acr"], "phr");
    assert!(said["amr"].as_array().unwrap().contains(&json!("mfa")));
    assert_eq!(said["auth_time"], crate::support::NOW.seconds());
    assert!(said["sid"].is_string() && said["at_hash"].is_string() && said["c_hash"].is_string());
    // What the scopes grant is told at userinfo, not here.
    assert!(said.get("email").is_none());
    let userinfo = house.get("/oidc/userinfo", tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!((&userinfo["sub"], &userinfo["email"]), (&said["sub"], &json!("alice@acme.test")));
    assert!(userinfo.get("name").is_none(), "the scope profile was not asked for: {userinfo}");
    // The same code once more: nothing, and what it gave is over.
    let again = house.post("/oidc/token", &form, Some(&client)).await;
    assert_eq!(again.json()["error"], "invalid_grant");
    let after = house.get("/oidc/userinfo", tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(after.status, http::StatusCode::UNAUTHORIZED);
    assert!(after.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn claims_are_told_where_they_were_asked_for() {
    let house = House::new().await;
    let client = house.client(|client| client.userinfo_alg = Some("ES256".to_owned())).await;
    let user = house.user("alice").await;
    let (browser, _) = house.signed_in(user).await;
    let wishes = r#"{"id_token":{"email":{"essential":true},"auth_time":null,"sub":null,"iss":null},"userinfo":{"given_name":null}}"#;
    let back = browser.authorize(&client, &[("claims", wishes), ("scope", "openid")]).await.back(CALLBACK);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", back["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = house.post("/oidc/token", &form, Some(&client)).await.json();
    let said = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!((&said["email"], &said["iss"]), (&json!("alice@acme.test"), &json!(ISSUER)));
    let userinfo = house.get("/oidc/userinfo", tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.header("content-type"), "application/jwt");
    let userinfo = claims(&userinfo.body);
    assert_eq!((&userinfo["given_name"], &userinfo["aud"]), (&json!("Alice"), &json!(client.key)));
    assert!(userinfo.get("email").is_none());
}

#[tokio::test]
async fn who_is_nobody_here_signs_in_and_the_request_waits_for_this_browser_alone() {
    let house = House::new().await;
    let client = house.client(|_| {}).await;
    let browser = house.browser();
    let sent = browser.authorize(&client, &[("ui_locales", "fr-CA en")]).await;
    assert!(sent.location().starts_with("/sign-in/") && sent.location().ends_with("?lang=fr-CA"), "{sent:?}");
    let name = browser.cookies.lock().unwrap().keys().find(|name| name.contains("countersign-so-")).cloned().unwrap();
    assert!(name.starts_with("__Host-"));
    // Given up: the application hears that nobody signed in.
    let id = {
        let user = house.user("alice").await;
        let (other, _) = house.signed_in(user).await;
        let kept = other
            .send(
                Method::POST,
                "/oidc/authorize",
                Some(authorize(&client, &[]).split_once('?').unwrap().1.to_owned()),
                &[],
            )
            .await;
        let path = kept.location().to_owned();
        // Another browser with the same address gets a page, whoever is signed in there.
        let (thief, _) = house.signed_in(user).await;
        thief.get(&path).await.is_page();
        assert!(other.get(&path).await.back(CALLBACK).contains_key("code"));
        // And once only.
        other.get(&path).await.is_page();
        path
    };
    browser.get(&id).await.is_page();
}

#[tokio::test]
async fn a_sign_in_that_was_given_up_is_told_to_the_application() {
    let house = House::new().await;
    let client = house.client(|_| {}).await;
    let browser = house.browser();
    let form = authorize(&client, &[]).split_once('?').unwrap().1.to_owned();
    let kept = browser.send(Method::POST, "/oidc/authorize", Some(form), &[]).await;
    let path = format!("{}?tried", kept.location());
    let back = browser.get(&path).await.back(CALLBACK);
    assert_eq!((back["error"].as_str(), back["iss"].as_str()), ("access_denied", ISSUER));
    browser.get(&path).await.is_page();
}

#[tokio::test]
async fn a_hundred_who_come_back_at_once_get_one_code() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    let form = authorize(&client, &[]).split_once('?').unwrap().1.to_owned();
    let kept = browser.send(Method::POST, "/oidc/authorize", Some(form), &[]).await;
    let path = kept.location().to_owned();
    let all = futures_util::future::join_all((0..100).map(|_| browser.get(&path))).await;
    let codes = all.iter().filter(|answer| answer.header("location").contains("code=")).count();
    assert_eq!(codes, 1);
}

#[tokio::test]
async fn prompt_none_tells_a_stranger_nothing_that_it_doesnt_tell_everybody() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let nobody = house.browser().authorize(&client, &[("prompt", "none")]).await;
    assert_eq!(nobody.back(CALLBACK)["error"], "login_required");
    // A session that is over, one of another tenant, one that is none: the same, letter for letter.
    let garbage = house.browser();
    garbage.put("__Host-countersign-session", "nonsense.x");
    let same = garbage.authorize(&client, &[("prompt", "none")]).await;
    assert_eq!(same.location(), nobody.location());
    let (browser, session) = house.signed_in(user).await;
    assert!(browser.authorize(&client, &[("prompt", "none")]).await.back(CALLBACK).contains_key("code"));
    // Who is signed in and isn't whom the application means: the same again.
    let hinted = [("prompt", "none"), ("max_age", "0")];
    assert_eq!(browser.authorize(&client, &hinted).await.location(), nobody.location());
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    tx.end_session(session, user, house.world.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(browser.authorize(&client, &[("prompt", "none")]).await.location(), nobody.location());
    // And no cookie is left by asking.
    assert!(!nobody.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_age_and_a_prompt_ask_for_a_fresh_proof() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    house.minute();
    for more in [[("prompt", "login")], [("prompt", "select_account")], [("max_age", "59")], [("max_age", "0")]] {
        let sent = browser.authorize(&client, &more).await;
        assert!(sent.location().starts_with("/sign-in/"), "{more:?}: {sent:?}");
    }
    assert!(browser.authorize(&client, &[("max_age", "61")]).await.back(CALLBACK).contains_key("code"));
    // A level that the session doesn't reach is signed in to; one that nobody has is refused.
    let sent = browser.authorize(&client, &[("acr_values", "phrh")]).await;
    assert!(sent.location().starts_with("/sign-in/"));
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["urn:other"]}}}"#;
    let back = browser.authorize(&client, &[("claims", essential)]).await.back(CALLBACK);
    assert_eq!(back["error"], "unmet_authentication_requirements");
    assert!(browser.authorize(&client, &[("acr_values", "urn:other phr")]).await.back(CALLBACK).contains_key("code"));
}

#[tokio::test]
async fn an_application_that_isnt_the_organisations_own_asks_the_person() {
    let house = House::new().await;
    let (client, user) = (house.client(|client| client.first_party = false).await, house.user("alice").await);
    let (browser, session) = house.signed_in(user).await;
    assert_eq!(browser.authorize(&client, &[("prompt", "none")]).await.back(CALLBACK)["error"], "consent_required");
    let asked = browser.authorize(&client, &[]).await;
    let id = asked.location().strip_prefix("/consent/").unwrap_or_else(|| panic!("{asked:?}")).to_owned();
    // Back without having agreed.
    let back = browser.get(&format!("/oidc/continue/{id}")).await.back(CALLBACK);
    assert_eq!(back["error"], "access_denied");
    // Agreed: then the code comes.
    let party = house.sso.party(house.tenant, sso::Protocol::Oidc, &client.key).await.unwrap().unwrap();
    let asked = browser.authorize(&client, &[]).await;
    let id = asked.location().strip_prefix("/consent/").unwrap().to_owned();
    house.clock.advance(std::time::Duration::from_secs(1));
    let signed = sso::SignedIn {
        tenant: house.tenant,
        user,
        username: "alice".to_owned(),
        session,
        auth_time: crate::support::NOW,
        level: auth::sign_in::Level::PhishingResistant,
        amr: Vec::new(),
        strength: auth::account::Strength::Passkey,
    };
    house.sso.agree(&signed, &party, &["openid".to_owned(), "email".to_owned()]).await.unwrap();
    assert!(browser.get(&format!("/oidc/continue/{id}")).await.back(CALLBACK).contains_key("code"));
    // Agreed to before, it isn't asked again; but prompt=consent asks.
    assert!(browser.authorize(&client, &[]).await.back(CALLBACK).contains_key("code"));
    assert!(browser.authorize(&client, &[("prompt", "consent")]).await.location().starts_with("/consent/"));
}

#[tokio::test]
async fn an_answer_is_posted_where_that_was_asked_for() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    let posted = browser.authorize(&client, &[("response_mode", "form_post")]).await;
    assert_eq!(posted.status, http::StatusCode::OK);
    let Some(Leaf::Carry { action, fields }) = &posted.leaf else { panic!("{posted:?}") };
    assert_eq!((action.as_str(), fields[0].0), (CALLBACK, "code"));
    for mode in ["fragment", "query.jwt", "web_message"] {
        let back = browser.authorize(&client, &[("response_mode", mode)]).await.back(CALLBACK);
        assert_eq!(back["error"], "invalid_request", "{mode}");
    }
}

#[tokio::test]
async fn a_disabled_user_or_client_gets_nothing() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    let back = browser.authorize(&client, &[]).await.back(CALLBACK);
    let directory = house.directory.tenant(house.tenant, "test");
    let patch = directory::UserPatch { status: Some(directory::Status::Disabled), ..directory::UserPatch::default() };
    directory.change_user(user, &patch).await.unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", back["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(house.post("/oidc/token", &form, Some(&client)).await.json()["error"], "invalid_grant");
    let sent = browser.authorize(&client, &[("prompt", "none")]).await;
    assert_eq!(sent.back(CALLBACK)["error"], "login_required");
}

#[tokio::test]
async fn a_native_program_comes_back_to_the_port_that_it_got() {
    let house = House::new().await;
    let native = |client: &mut OidcClient| {
        client.auth_method = ClientAuth::None;
        client.redirect_uris = vec!["http://127.0.0.1/cb".to_owned()];
    };
    let (client, user) = (house.client(native).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    let to = "http://127.0.0.1:49152/cb";
    let back = browser.authorize(&client, &[("redirect_uri", to)]).await.back(to);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client.key.as_str()),
        ("code", back["code"].as_str()),
        ("redirect_uri", to),
        ("code_verifier", VERIFIER),
    ];
    assert!(house.post("/oidc/token", &form, None).await.json()["id_token"].is_string());
    browser.authorize(&client, &[("redirect_uri", "http://127.0.0.1:49152/other")]).await.is_page();
    // Without PKCE, a client that can't keep a secret gets nothing.
    let open = [("redirect_uri", to), ("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(browser.authorize(&client, &open).await.back(to)["error"], "invalid_request");
}
