//! Tokens that are worth nothing without a key: DPoP, and the FAPI switch that asks for it.

use crate::{
    programs::{Program, introspected, key, proof, redeeming, text},
    support::{Answer, CALLBACK, HOST, House, ISSUER, authorize, query},
};
use axum::body::Body;
use countersign_oidc::ClientCertificates;
use http::{Request, header};
use jose::{Algorithm, SigningKey};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use sso::{
    ClientAuth, GrantType, Kind, Leaf, TokenFormat,
    manage::{self, MadeParty},
};
use std::time::Duration;

async fn nonce(house: &House, client: &MadeParty, signer: &SigningKey) -> String {
    let program = Program {
        client: Some(client),
        proof: Some(proof(house, signer, "/oidc/token", &json!({}))),
        ..Program::default()
    };
    let answer = program.post(house, "/oidc/token", &redeeming("x")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"use_dpop_nonce".into()));
    answer.header("dpop-nonce").to_owned()
}

async fn redeemed(house: &House, client: &MadeParty, code: &str, proof: String) -> Answer {
    let program = Program { client: Some(client), proof: Some(proof), ..Program::default() };
    program.post(house, "/oidc/token", &redeeming(code)).await
}

async fn userinfo(house: &House, scheme: &str, token: &str, proof: Option<String>) -> Answer {
    let mut request = Request::get("/oidc/userinfo")
        .header(header::HOST, HOST)
        .header(header::AUTHORIZATION, format!("{scheme} {token}"));
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    house.ask(request.body(Body::empty()).unwrap()).await
}

fn for_token(house: &House, signer: &SigningKey, token: &str) -> String {
    let ath = jose::base64url(&jose::sha256(token.as_bytes()));
    proof(house, signer, "/oidc/userinfo", &json!({"htm": "GET", "ath": ath}))
}

#[tokio::test]
async fn dpop_replay_and_a_token_without_its_key_are_refused() {
    let house = House::new().await;
    let client = house.client(|client| client.dpop_required = true).await;
    let user = house.user("alice").await;
    let (signer, _) = key(Algorithm::Es256);
    let nonce = nonce(&house, &client, &signer).await;
    let code = crate::programs::code(&house, &client, user, &[]).await;
    let used = proof(&house, &signer, "/oidc/token", &json!({"nonce": nonce}));
    let first = redeemed(&house, &client, &code, used.clone()).await;
    assert_eq!(first.json()["token_type"], "DPoP");
    let (access, refresh) = (text(&first.json(), "access_token"), text(&first.json(), "refresh_token"));
    // The proof again, for something else.
    let again = Program { client: Some(&client), proof: Some(used), ..Program::default() };
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(again.post(&house, "/oidc/token", &form).await.json()["error"], "invalid_dpop_proof");
    // Whoever has heard a request to a resource says it again.
    let heard = for_token(&house, &signer, &access);
    assert_eq!(userinfo(&house, "DPoP", &access, Some(heard.clone())).await.status, 200);
    let replayed = userinfo(&house, "DPoP", &access, Some(heard)).await;
    assert_eq!((replayed.status.as_u16(), &replayed.json()["error"]), (401, &"invalid_dpop_proof".into()));
    assert!(
        replayed.headers.get_all("www-authenticate").iter().any(|line| line.to_str().unwrap().starts_with("DPoP "))
    );
    // The token without its key, as a bearer token, with another key, with another token's proof.
    assert_eq!(userinfo(&house, "DPoP", &access, Some(for_token(&house, &signer, &access))).await.status, 200);
    let (thief, _) = key(Algorithm::Es256);
    for (scheme, proof) in [
        ("Bearer", None),
        ("DPoP", None),
        ("Bearer", Some(for_token(&house, &signer, &access))),
        ("DPoP", Some(for_token(&house, &thief, &access))),
        ("DPoP", Some(for_token(&house, &signer, "another"))),
        ("DPoP", Some(proof(&house, &signer, "/oidc/userinfo", &json!({"htm": "GET"})))),
        (
            "DPoP",
            Some(proof(
                &house,
                &signer,
                "/oidc/token",
                &json!({"htm": "GET", "ath": jose::base64url(&jose::sha256(access.as_bytes()))}),
            )),
        ),
    ] {
        let answer = userinfo(&house, scheme, &access, proof).await;
        assert_eq!(answer.status, 401, "{scheme}");
        assert!(
            answer.headers.get_all("www-authenticate").iter().any(|line| line.to_str().unwrap().starts_with("DPoP "))
        );
    }
    let told = introspected(&house, &client, &access).await;
    assert_eq!(
        (&told["token_type"], &told["cnf"]["jkt"]),
        (&"DPoP".into(), &signer.jwk().unwrap().thumbprint().into())
    );
    // None at all.
    assert_eq!(house.post("/oidc/token", &form, Some(&client)).await.json()["error"], "invalid_dpop_proof");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_is_worth_nothing_without_it() {
    let certificate = || {
        let pair = KeyPair::generate().unwrap();
        CertificateParams::new(vec!["client.example".to_owned()]).unwrap().self_signed(&pair).unwrap().der().to_vec()
    };
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        let house = House::new().await;
        let (own, other) = (certificate(), certificate());
        let client =
            house.client(|client| (client.access_token_format, client.certificate_bound) = (format, true)).await;
        let code = crate::programs::code(&house, &client, house.user("alice").await, &[]).await;
        let program = Program { client: Some(&client), certificates: vec![own.clone()], ..Program::default() };
        let access = text(&program.post(&house, "/oidc/token", &redeeming(&code)).await.json(), "access_token");
        let told = introspected(&house, &client, &access).await;
        assert_eq!(told["cnf"]["x5t#S256"], jose::certificate_thumbprint(&own));
        let ask = async |certificates: Vec<Vec<u8>>, header: Option<&str>| {
            let mut request = Request::get("/oidc/userinfo")
                .header(header::HOST, HOST)
                .header(header::AUTHORIZATION, format!("Bearer {access}"));
            if let Some(name) = header {
                request = request.header(name, data_encoding::BASE64.encode(&own));
            }
            if !certificates.is_empty() {
                request = request.extension(ClientCertificates(certificates.into()));
            }
            house.ask(request.body(Body::empty()).unwrap()).await
        };
        assert_eq!(ask(vec![own.clone()], None).await.status, 200);
        for (certificates, header) in [
            (vec![], None),
            (vec![other.clone()], None),
            // The one that the other end has is the first; what comes after it is what it is issued by.
            (vec![other, own.clone()], None),
            (vec![], Some("x-client-cert")),
            (vec![], Some("x-ssl-cert")),
        ] {
            let refused = ask(certificates, header).await;
            assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &"invalid_token".into()));
        }
        assert_eq!(ask(vec![own.clone()], None).await.status, 200);
    }
}

#[tokio::test]
async fn a_public_clients_refresh_token_stays_with_its_key() {
    let house = House::new().await;
    let client = house.client(|client| client.auth_method = ClientAuth::None).await;
    let user = house.user("alice").await;
    let (signer, _) = key(Algorithm::EdDsa);
    let (thief, _) = key(Algorithm::EdDsa);
    let code = crate::programs::code(&house, &client, user, &[]).await;
    let ask = async |signer: Option<&SigningKey>, form: &[(&str, &str)]| {
        let mut form = form.to_vec();
        form.push(("client_id", &client.key));
        let mut nonce = String::new();
        loop {
            let proof = signer.map(|signer| proof(&house, signer, "/oidc/token", &json!({ "nonce": nonce })));
            let answer = Program { proof, ..Program::default() }.post(&house, "/oidc/token", &form).await;
            if answer.status != 400 || answer.json()["error"] != "use_dpop_nonce" {
                return answer;
            }
            nonce = answer.header("dpop-nonce").to_owned();
        }
    };
    let first = ask(Some(&signer), &redeeming(&code)).await.json();
    let refresh = text(&first, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(ask(Some(&thief), &form).await.json()["error"], "invalid_grant");
    assert_eq!(ask(None, &form).await.json()["error"], "invalid_grant");
    // A wrong key used nothing up.
    assert_eq!(ask(Some(&signer), &form).await.json()["token_type"], "DPoP");
}

#[tokio::test]
async fn a_proof_is_fresh_for_this_method_and_address_with_a_nonce_of_this_server() {
    let house = House::new().await;
    let client = house.client(|client| client.dpop_required = true).await;
    let (signer, _) = key(Algorithm::Es256);
    let nonce = nonce(&house, &client, &signer).await;
    let now = house.world.now().seconds();
    for (more, error) in [
        (json!({}), "use_dpop_nonce"),
        (json!({"nonce": "mine"}), "use_dpop_nonce"),
        (json!({"nonce": nonce, "htm": "GET"}), "invalid_dpop_proof"),
        (json!({"nonce": nonce, "htu": format!("https://{HOST}/oidc/par")}), "invalid_dpop_proof"),
        (json!({"nonce": nonce, "htu": "https://login.other.test/oidc/token"}), "invalid_dpop_proof"),
        (json!({"nonce": nonce, "iat": now - 120}), "invalid_dpop_proof"),
        (json!({"nonce": nonce, "iat": now + 11}), "invalid_dpop_proof"),
        (json!({"nonce": nonce, "jti": ""}), "invalid_dpop_proof"),
        (
            json!({"nonce": nonce, "iat": now - 119, "htu": format!("https://{}:443/oidc/token?x#y", HOST.to_uppercase())}),
            "invalid_grant",
        ),
    ] {
        let answer = redeemed(&house, &client, "csco_x", proof(&house, &signer, "/oidc/token", &more)).await;
        assert_eq!(answer.json()["error"], error, "{more}");
    }
    let form = query(&redeeming("x"));
    let two = Request::post("/oidc/token")
        .header(header::HOST, HOST)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(
            header::AUTHORIZATION,
            format!(
                "Basic {}",
                data_encoding::BASE64
                    .encode(format!("{}:{}", client.key, client.secret.as_ref().unwrap().expose()).as_bytes())
            ),
        )
        .header("dpop", proof(&house, &signer, "/oidc/token", &json!({ "nonce": nonce })))
        .header("dpop", proof(&house, &signer, "/oidc/token", &json!({ "nonce": nonce })));
    assert_eq!(house.ask(two.body(Body::from(form)).unwrap()).await.json()["error"], "invalid_dpop_proof");
    house.clock.advance(Duration::from_secs(600));
    let old = redeemed(&house, &client, "x", proof(&house, &signer, "/oidc/token", &json!({ "nonce": nonce }))).await;
    assert_eq!(old.json()["error"], "use_dpop_nonce");
}

struct Fapi {
    house: House,
    client: MadeParty,
    signer: SigningKey,
}

impl Fapi {
    async fn new() -> Self {
        let house = House::new().await;
        let (signer, set) = key(Algorithm::Es256);
        let client = house
            .client(|client| {
                (client.fapi, client.dpop_required, client.require_par) = (true, true, true);
                client.auth_method = ClientAuth::PrivateKeyJwt;
                client.jwks = Some(set);
                client.id_token_alg = "ES256".to_owned();
                client.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
            })
            .await;
        Self { house, client, signer }
    }

    async fn post(&self, path: &str, form: &[(&str, &str)], proof: Option<String>) -> Answer {
        let now = self.house.world.now().seconds();
        let claims = json!({
            "iss": self.client.key, "sub": self.client.key, "aud": ISSUER, "iat": now, "exp": now + 30,
            "jti": jose::base64url(&self.house.world.bytes::<12>()),
        });
        let assertion = self.signer.sign_jwt(Some("JWT"), &claims).unwrap();
        let mut form = form.to_vec();
        form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        form.push(("client_assertion", &assertion));
        Program { proof, ..Program::default() }.post(&self.house, path, &form).await
    }

    async fn push(&self, more: &[(&str, &str)]) -> Answer {
        let address = authorize(&self.client, more);
        let pairs = crate::support::parameters(address.split_once('?').unwrap().1);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post("/oidc/par", &pairs, None).await
    }
}

#[tokio::test]
async fn a_fapi_client_pushes_its_request_and_its_tokens_are_bound() {
    let fapi = Fapi::new().await;
    let house = &fapi.house;
    let user = house.user("alice").await;
    let (browser, _) = house.signed_in(user).await;
    // In the open: refused, and the way back is not known to be asked for by this client.
    assert!(browser.authorize(&fapi.client, &[]).await.status.is_client_error());
    assert_eq!(
        fapi.push(&[("code_challenge", ""), ("code_challenge_method", "")]).await.json()["error"],
        "invalid_request"
    );
    assert_eq!(fapi.push(&[("redirect_uri", "https://evil.example/cb")]).await.json()["error"], "invalid_request");
    assert_eq!(fapi.push(&[("request_uri", "urn:x")]).await.json()["error"], "invalid_request");
    let pushed = fapi.push(&[]).await;
    assert_eq!((pushed.status.as_u16(), &pushed.json()["expires_in"]), (201, &90.into()));
    let uri = text(&pushed.json(), "request_uri");
    let address =
        |uri: &str| format!("/oidc/authorize?{}", query(&[("client_id", &fapi.client.key), ("request_uri", uri)]));
    let back = browser.get(&address(&uri)).await.back(CALLBACK);
    assert_eq!(back["iss"], ISSUER);
    // Once, and only ours.
    assert!(browser.get(&address(&uri)).await.status.is_client_error());
    assert!(browser.get(&address("https://evil.example/request")).await.status.is_client_error());
    let bare = fapi.post("/oidc/token", &redeeming(&back["code"]), None).await;
    assert_eq!(bare.json()["error"], "invalid_dpop_proof");
    let (holder, _) = key(Algorithm::Es256);
    let first = fapi
        .post("/oidc/token", &redeeming(&back["code"]), Some(proof(house, &holder, "/oidc/token", &json!({}))))
        .await;
    let nonce = first.header("dpop-nonce").to_owned();
    let with = |signer: &SigningKey| proof(house, signer, "/oidc/token", &json!({ "nonce": nonce }));
    let (rsa, _) = key(Algorithm::Rs256);
    let weak = fapi.post("/oidc/token", &redeeming(&back["code"]), Some(with(&rsa))).await;
    assert_eq!(weak.json()["error"], "invalid_dpop_proof");
    let tokens = fapi.post("/oidc/token", &redeeming(&back["code"]), Some(with(&holder))).await.json();
    assert_eq!(tokens["token_type"], "DPoP");
    // FAPI 2.0 §5.3.2.1: refresh tokens don't turn.
    let refresh = text(&tokens, "refresh_token");
    for _ in 0..2 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let again = fapi.post("/oidc/token", &form, Some(with(&holder))).await;
        assert_eq!(again.status, 200, "{again:?}");
        assert_eq!(again.json().get("refresh_token"), None::<&Value>);
    }
}

#[tokio::test]
async fn a_pushed_request_is_one_clients_and_ends_soon() {
    let fapi = Fapi::new().await;
    let house = &fapi.house;
    let other = house.client(|_| {}).await;
    let (browser, _) = house.signed_in(house.user("alice").await).await;
    let address = |client: &MadeParty, uri: &str| {
        format!("/oidc/authorize?{}", query(&[("client_id", &client.key), ("request_uri", uri)]))
    };
    let uri = text(&fapi.push(&[]).await.json(), "request_uri");
    assert!(browser.get(&address(&other, &uri)).await.status.is_client_error());
    assert!(browser.get(&address(&fapi.client, &uri)).await.back(CALLBACK).contains_key("code"));
    let late = text(&fapi.push(&[]).await.json(), "request_uri");
    house.clock.advance(Duration::from_secs(90));
    assert!(browser.get(&address(&fapi.client, &late)).await.status.is_client_error());
}

#[tokio::test]
async fn a_request_object_is_its_clients_for_this_server_and_all_that_counts() {
    let house = House::new().await;
    let (signer, set) = key(Algorithm::Es256);
    // A second key of its own, by which it is not to sign.
    let (unwanted, further) = key(Algorithm::EdDsa);
    let all = json!({ "keys": [set["keys"][0], further["keys"][0]] });
    let client = house
        .client(|client| {
            (client.jwks, client.require_signed_request) = (Some(all), true);
            client.request_object_alg = Some("ES256".to_owned());
        })
        .await;
    let (browser, _) = house.signed_in(house.user("alice").await).await;
    let now = house.world.now().seconds();
    let object = |more: Value| {
        let mut claims = json!({
            "iss": client.key, "aud": ISSUER, "exp": now + 60, "nbf": now, "client_id": client.key, "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid", "state": "signed", "nonce": "n", "max_age": 600,
            "code_challenge": crate::support::CHALLENGE, "code_challenge_method": "S256", "claims": {"id_token": {}},
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let ask = async |request: &str| {
        browser
            .get(&format!(
                "/oidc/authorize?{}",
                query(&[
                    ("client_id", &client.key),
                    ("request", request),
                    ("state", "open"),
                    ("scope", "openid groups")
                ])
            ))
            .await
    };
    let typ = Some("oauth-authz-req+jwt");
    let back = ask(&signer.sign_jwt(typ, &object(json!({}))).unwrap()).await.back(CALLBACK);
    assert_eq!(back["state"], "signed");
    let open = browser.authorize(&client, &[]).await;
    open.is_page();
    assert!(matches!(open.leaf, Some(Leaf::Refused { word: "invalid_request", .. })), "{open:?}");
    let mut undated = object(json!({}));
    undated.as_object_mut().unwrap().retain(|name, _| name != "exp" && name != "iat");
    let mut dated = undated.clone();
    dated["iat"] = now.into();
    assert!(ask(&signer.sign_jwt(typ, &dated).unwrap()).await.back(CALLBACK).contains_key("code"));
    let (stranger, _) = key(Algorithm::Es256);
    let none = format!(
        "{}.{}.",
        jose::base64url(br#"{"alg":"none"}"#),
        jose::base64url(object(json!({})).to_string().as_bytes())
    );
    for wrong in [
        stranger.sign_jwt(typ, &object(json!({}))).unwrap(),
        signer.sign_jwt(Some("at+jwt"), &object(json!({}))).unwrap(),
        signer.sign_jwt(typ, &object(json!({"aud": "https://evil.example"}))).unwrap(),
        signer.sign_jwt(typ, &object(json!({"iss": "x"}))).unwrap(),
        signer.sign_jwt(typ, &object(json!({"client_id": "x"}))).unwrap(),
        signer.sign_jwt(typ, &object(json!({"exp": now - 11}))).unwrap(),
        signer.sign_jwt(typ, &object(json!({"iat": now - 3700}))).unwrap(),
        signer.sign_jwt(typ, &undated).unwrap(),
        signer.sign_jwt(typ, &object(json!({"request_uri": "https://evil.example"}))).unwrap(),
        signer.sign_jwt(typ, &object(json!({"state": ["a"]}))).unwrap(),
        none,
        // The public key in the place of a secret, as a JWK and as the set in which it stands.
        SigningKey::hmac(set["keys"][0].to_string().as_bytes()).unwrap().sign_jwt(typ, &object(json!({}))).unwrap(),
        SigningKey::hmac(set.to_string().as_bytes()).unwrap().sign_jwt(typ, &object(json!({}))).unwrap(),
        unwanted.sign_jwt(typ, &object(json!({}))).unwrap(),
        stranger.sign_with_jwk("oauth-authz-req+jwt", &object(json!({}))).unwrap(),
        "x".to_owned(),
    ] {
        // On a page of ours: where the answer would go stands in what isn't believed.
        let refused = ask(&wrong).await;
        refused.is_page();
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(
            matches!(refused.leaf, Some(Leaf::Refused { word: "invalid_request_object", ours: false, .. })),
            "{wrong}"
        );
        let pushed = [("request", wrong.as_str()), ("client_id", client.key.as_str())];
        let refused = house.post("/oidc/par", &pushed, Some(&client)).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]),
            (400, &"invalid_request_object".into()),
            "{wrong}"
        );
    }
    // The second key is its own, where no algorithm is set.
    let scope = house.directory.tenant(house.tenant, "admin");
    let (_, mut settings) = manage::read(&scope, &client.ikey).await.unwrap();
    let Kind::Oidc(oidc) = &mut settings.kind else { panic!("another protocol") };
    oidc.request_object_alg = None;
    manage::change(&scope, &client.ikey, None, &settings, Vec::new()).await.unwrap();
    house.sso.auth().applications().forget(&client.ikey);
    assert!(ask(&unwanted.sign_jwt(typ, &object(json!({}))).unwrap()).await.back(CALLBACK).contains_key("code"));
}

/// A public client has shown nothing, and each of these would write a row.
#[tokio::test]
async fn what_strangers_have_written_down_is_limited_by_network() {
    let house = House::new().await;
    let public = house
        .client(|client| {
            client.auth_method = ClientAuth::None;
            client.grant_types = vec![GrantType::AuthorizationCode, GrantType::DeviceCode];
        })
        .await;
    let (signer, _) = key(Algorithm::Es256);
    let id = ("client_id", public.key.as_str());
    let address = authorize(&public, &[]);
    let pushed = crate::support::parameters(address.split_once('?').unwrap().1);
    let pushed: Vec<_> = pushed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let redeeming = [redeeming("csco_x").as_slice(), &[id]].concat();
    for (path, form, good) in
        [("/oidc/par", pushed, 201), ("/oidc/device_authorization", vec![id], 200), ("/oidc/token", redeeming, 400)]
    {
        let ask = async |from: &str| {
            let from: std::net::SocketAddr = from.parse().unwrap();
            let mut request = Request::post(path)
                .header(header::HOST, HOST)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .extension(axum::extract::ConnectInfo(from));
            if path == "/oidc/token" {
                let nonce = house.sso.grants().dpop_nonce(house.tenant).await.unwrap();
                request = request.header("dpop", proof(&house, &signer, path, &json!({ "nonce": nonce })));
            }
            house.ask(request.body(Body::from(query(&form))).unwrap()).await
        };
        for n in 0..300 {
            let answer = ask(&format!("[2001:4860:1:2::{n:x}]:443")).await;
            assert_eq!(answer.status.as_u16(), good, "{path} {n} {answer:?}");
        }
        let refused = ask("[2001:4860:1:2:ffff::1]:443").await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]),
            (503, &"temporarily_unavailable".into()),
            "{path}"
        );
        assert_eq!(ask("192.0.2.1:443").await.status.as_u16(), good, "{path}");
        // Who shows a secret isn't a stranger.
        let client = house.client(|client| client.grant_types.push(GrantType::DeviceCode)).await;
        let answer = house.post("/oidc/device_authorization", &[], Some(&client)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        house.minute();
    }
}
