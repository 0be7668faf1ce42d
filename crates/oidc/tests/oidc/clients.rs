//! Who asks: each way in which a client shows who it is, and each in which it doesn't.

use crate::{
    programs::{Program, code, key, redeeming},
    support::{CALLBACK, House, ISSUER},
};
use http::StatusCode;
use jose::{Algorithm, SigningKey};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use sso::{ClientAuth, GrantType, manage::MadeParty, party::TlsClient};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn claims(house: &House, client: &MadeParty, more: &Value) -> Value {
    let now = house.world.now().seconds();
    let jti = jose::base64url(&house.world.bytes::<12>());
    let mut claims =
        json!({"iss": client.key, "sub": client.key, "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60});
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn with_assertion(house: &House, assertion: &str) -> (u16, Value) {
    let form =
        [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION), ("client_assertion", assertion)];
    let answer = Program::default().post(house, "/oidc/token", &form).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn a_client_uses_the_one_method_that_is_set_for_it() {
    let house = House::new().await;
    for method in [ClientAuth::ClientSecretBasic, ClientAuth::ClientSecretPost] {
        let client = house
            .client(|client| (client.auth_method, client.grant_types) = (method, vec![GrantType::ClientCredentials]))
            .await;
        let secret = client.secret.as_ref().unwrap().expose();
        let own = [("grant_type", "client_credentials")];
        let posted = [own[0], ("client_id", &client.key), ("client_secret", secret)];
        let basic = house.post("/oidc/token", &own, Some(&client)).await;
        let post = house.post("/oidc/token", &posted, None).await;
        assert_eq!(basic.status == 200, method == ClientAuth::ClientSecretBasic, "{basic:?}");
        assert_eq!(post.status == 200, method == ClientAuth::ClientSecretPost, "{post:?}");
        for refused in [basic, post].iter().filter(|answer| answer.status != 200) {
            assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &"invalid_client".into()));
            assert!(refused.header("www-authenticate").starts_with("Basic "));
        }
        // Both at once, and neither.
        let both = house.post("/oidc/token", &posted, Some(&client)).await;
        assert_eq!((both.status.as_u16(), &both.json()["error"]), (400, &"invalid_request".into()));
        let none = house.post("/oidc/token", &[own[0], ("client_id", &client.key)], None).await;
        assert_eq!(none.json()["error"], "invalid_client");
        for wrong in [&secret[..secret.len() - 1], &format!("{secret}A"), "", "x"] {
            let form = [own[0], ("client_id", &client.key), ("client_secret", wrong)];
            assert_eq!(house.post("/oidc/token", &form, None).await.json()["error"], "invalid_client");
        }
        let elsewhere = [("client_id", "somebody else"), own[0]];
        assert_eq!(house.post("/oidc/token", &elsewhere, Some(&client)).await.status, 401);
    }
}

#[tokio::test]
async fn a_client_of_another_tenant_is_nobody_here() {
    let house = House::new().await;
    let other = house.client_at(house.other, |client| client.grant_types = vec![GrantType::ClientCredentials]).await;
    let form = [("grant_type", "client_credentials")];
    assert_eq!(house.post("/oidc/token", &form, Some(&other)).await.json()["error"], "invalid_client");
    let there = Program { client: Some(&other), host: Some(crate::support::OTHER_HOST), ..Program::default() };
    assert_eq!(there.post(&house, "/oidc/token", &form).await.status, 200);
}

#[tokio::test]
async fn private_key_jwt_is_once_for_this_issuer_and_by_the_set_algorithm() {
    let house = House::new().await;
    let (signer, set) = key(Algorithm::Es256);
    let client = house
        .client(|client| {
            client.auth_method = ClientAuth::PrivateKeyJwt;
            client.grant_types = vec![GrantType::ClientCredentials];
            client.jwks = Some(set);
        })
        .await;
    let sign = |more: Value| signer.sign_jwt(Some("JWT"), &claims(&house, &client, &more)).unwrap();
    let good = sign(json!({}));
    assert_eq!(with_assertion(&house, &good).await.0, 200);
    // RFC 7523 §3: seen before.
    assert_eq!(with_assertion(&house, &good).await, (401, with_assertion(&house, "x").await.1));
    let now = house.world.now().seconds();
    for wrong in [
        json!({"aud": "https://evil.example"}),
        // CVE-2025-27370: an audience that another server may have asked for.
        json!({"aud": format!("{ISSUER}/oidc/token")}),
        json!({"aud": [ISSUER, "https://evil.example"]}),
        json!({"iss": "x"}),
        json!({"sub": "x"}),
        json!({"exp": now - 11}),
        json!({"exp": now + 7300}),
        json!({"nbf": now + 60}),
        json!({"jti": ""}),
        json!({"jti": null}),
        json!({"exp": null}),
    ] {
        let (status, body) = with_assertion(&house, &sign(wrong.clone())).await;
        assert_eq!((status, &body["error"]), (401, &"invalid_client".into()), "{wrong}");
    }
    let body = claims(&house, &client, &json!({}));
    // alg confusion: the public key as a secret; `none`; another's key; a key in the header.
    let public = signer.jwk().unwrap().to_value().to_string();
    let (stranger, _) = key(Algorithm::Es256);
    let none = format!("{}.{}.", jose::base64url(br#"{"alg":"none"}"#), jose::base64url(body.to_string().as_bytes()));
    for forged in [
        SigningKey::hmac(public.as_bytes()).unwrap().sign_jwt(None, &body).unwrap(),
        none,
        stranger.sign_jwt(None, &body).unwrap(),
        stranger.sign_with_jwk("JWT", &body).unwrap(),
        signer.sign_jwt(Some("at+jwt"), &body).unwrap(),
    ] {
        assert_eq!(with_assertion(&house, &forged).await.1["error"], "invalid_client");
    }
    // Within a minute of replays the time of the first is over; its `jti` is kept as long as it would count.
    house.clock.advance(Duration::from_secs(69));
    assert_eq!(with_assertion(&house, &good).await.0, 401);
}

#[tokio::test]
async fn client_secret_jwt_is_signed_with_the_secret_and_nothing_else() {
    let house = House::new().await;
    let client = house
        .client(|client| {
            (client.auth_method, client.grant_types) =
                (ClientAuth::ClientSecretJwt, vec![GrantType::ClientCredentials]);
        })
        .await;
    let secret = client.secret.as_ref().unwrap().expose();
    let signer = SigningKey::hmac(secret.as_bytes()).unwrap();
    let body = || claims(&house, &client, &json!({}));
    let good = signer.sign_jwt(None, &body()).unwrap();
    assert_eq!(with_assertion(&house, &good).await.0, 200);
    // RFC 7523 §3: seen before, also in another assertion by the same name.
    let renewed = claims(
        &house,
        &client,
        &json!({ "jti": crate::support::claims(&good)["jti"], "exp": house.world.now().seconds() + 90 }),
    );
    let neighbour = house
        .client(|client| {
            (client.auth_method, client.grant_types) =
                (ClientAuth::ClientSecretJwt, vec![GrantType::ClientCredentials]);
        })
        .await;
    let theirs = SigningKey::hmac(neighbour.secret.as_ref().unwrap().expose().as_bytes()).unwrap();
    let (by_key, _) = key(Algorithm::Es256);
    let unsigned = |alg: &str| {
        let head = json!({ "alg": alg, "typ": "JWT" }).to_string();
        format!("{}.{}.", jose::base64url(head.as_bytes()), jose::base64url(body().to_string().as_bytes()))
    };
    for (why, wrong) in [
        ("a replay", good),
        ("a replay of its name", signer.sign_jwt(None, &renewed).unwrap()),
        ("a key", by_key.sign_jwt(None, &body()).unwrap()),
        ("another secret", SigningKey::hmac(&[b'x'; 40]).unwrap().sign_jwt(None, &body()).unwrap()),
        ("another client's secret", theirs.sign_jwt(None, &body()).unwrap()),
        ("a part of the secret", SigningKey::hmac(&secret.as_bytes()[1..]).unwrap().sign_jwt(None, &body()).unwrap()),
        ("nothing", unsigned("none")),
        ("nothing", unsigned("None")),
        ("nothing, by the right name", unsigned("HS256")),
    ] {
        let (status, said) = with_assertion(&house, &wrong).await;
        assert_eq!((status, &said["error"]), (401, &json!("invalid_client")), "{why}");
    }
    // None of them has used anything up.
    assert_eq!(with_assertion(&house, &signer.sign_jwt(None, &body()).unwrap()).await.0, 200);
}

#[tokio::test]
async fn a_public_client_is_held_by_pkce_and_may_do_little_else() {
    let house = House::new().await;
    let client = house.client(|client| client.auth_method = ClientAuth::None).await;
    let code = code(&house, &client, house.user("alice").await, &[]).await;
    let mut form = redeeming(&code).to_vec();
    form.push(("client_id", &client.key));
    let tokens = house.post("/oidc/token", &form, None).await;
    assert_eq!(tokens.header("access-control-allow-origin"), "*");
    let access = tokens.json()["access_token"].as_str().unwrap().to_owned();
    let asked = [("token", access.as_str()), ("client_id", client.key.as_str())];
    assert_eq!(house.post("/oidc/introspect", &asked, None).await.json()["error"], "invalid_client");
    let own = [("grant_type", "client_credentials"), ("client_id", client.key.as_str())];
    assert_eq!(house.post("/oidc/token", &own, None).await.json()["error"], "unauthorized_client");
    assert_eq!(house.post("/oidc/revoke", &asked, None).await.status, 200);
    assert_eq!(house.get("/oidc/userinfo", &access).await.status, 401);
}

fn self_signed() -> Vec<u8> {
    let pair = KeyPair::generate().unwrap();
    CertificateParams::new(vec!["client.example".to_owned()]).unwrap().self_signed(&pair).unwrap().der().to_vec()
}

#[tokio::test]
async fn self_signed_tls_client_auth_takes_the_registered_certificate() {
    let house = House::new().await;
    let (own, other) = (self_signed(), self_signed());
    let x5c = data_encoding::BASE64.encode(&own);
    let client = house
        .client(|client| {
            client.auth_method = ClientAuth::SelfSignedTlsClientAuth;
            client.grant_types = vec![GrantType::ClientCredentials];
            client.certificate_bound = true;
            client.access_token_format = sso::TokenFormat::Jwt;
            client.jwks = Some(json!({"keys": [{"kty": "EC", "x5c": [x5c]}]}));
        })
        .await;
    let form = [("grant_type", "client_credentials"), ("client_id", client.key.as_str())];
    for (certificates, right) in
        [(vec![own.clone()], true), (vec![other.clone()], false), (vec![other, own.clone()], false), (vec![], false)]
    {
        let program = Program { certificates, ..Program::default() };
        let answer = program.post(&house, "/oidc/token", &form).await;
        assert_eq!(answer.status == 200, right, "{answer:?}");
        if right {
            let said = crate::support::claims(answer.json()["access_token"].as_str().unwrap());
            assert_eq!(said["cnf"]["x5t#S256"], jose::certificate_thumbprint(&own));
        }
    }
    // A header is no certificate.
    let request = http::Request::post("/oidc/token")
        .header("host", crate::support::HOST)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-client-cert", data_encoding::BASE64.encode(&own))
        .header("client-cert", format!(":{}:", data_encoding::BASE64.encode(&own)))
        .body(axum::body::Body::from(crate::support::query(&form)))
        .unwrap();
    assert_eq!(house.ask(request).await.status, 401);
}

#[tokio::test]
async fn tls_client_auth_takes_the_name_from_the_authority_that_is_set() {
    let house = House::new().await;
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (right, wrong) = (authority("right"), authority("wrong"));
    let issued = |by: &CertifiedIssuer<'_, KeyPair>, name: &str| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(&KeyPair::generate().unwrap(), by).unwrap().der().to_vec()
    };
    let client = house
        .client(|client| {
            client.auth_method = ClientAuth::TlsClientAuth;
            client.grant_types = vec![GrantType::ClientCredentials];
            client.tls = TlsClient {
                authorities: Some(right.pem()),
                san_dns: Some("client.example".to_owned()),
                ..TlsClient::default()
            };
        })
        .await;
    let form = [("grant_type", "client_credentials"), ("client_id", client.key.as_str())];
    for (certificate, good) in [
        (issued(&right, "client.example"), true),
        (issued(&right, "other.example"), false),
        (issued(&right, "client.example.evil.example"), false),
        (issued(&wrong, "client.example"), false),
        (self_signed(), false),
        (b"no certificate".to_vec(), false),
    ] {
        let program = Program { certificates: vec![certificate], ..Program::default() };
        assert_eq!(program.post(&house, "/oidc/token", &form).await.status == 200, good);
    }
}

#[tokio::test]
async fn no_mistake_of_a_client_is_an_error_of_ours() {
    let house = House::new().await;
    let client = house.client(|_| {}).await;
    let long = "x".repeat(60_000);
    for form in [
        vec![],
        vec![("grant_type", "")],
        vec![("grant_type", "password")],
        vec![("grant_type", "implicit")],
        vec![("grant_type", "authorization_code")],
        vec![("grant_type", "authorization_code"), ("code", "x"), ("code", "y")],
        vec![("grant_type", "authorization_code"), ("code", &long)],
        vec![("grant_type", "refresh_token"), ("refresh_token", "csrt_x")],
        vec![("grant_type", "refresh_token"), ("refresh_token", "x"), ("scope", "\"\u{7f}")],
        vec![("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", "x")],
        vec![("grant_type", "authorization_code"), ("code", "a.b.c"), ("resource", "x"), ("redirect_uri", CALLBACK)],
    ] {
        for path in ["/oidc/token", "/oidc/introspect", "/oidc/revoke", "/oidc/par", "/oidc/device_authorization"] {
            for program in [None, Some(&client)] {
                let answer = house.post(path, &form, program).await;
                assert!(answer.status.is_client_error(), "{path} {form:?}: {answer:?}");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert!(answer.json()["error"].is_string());
            }
        }
    }
}

/// A place where a client publishes its keys: counts who asks, and answers what is put there.
async fn publisher(answer: Arc<Mutex<(u16, Value)>>) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let (status, body) = answer.lock().unwrap().clone();
        std::future::ready((StatusCode::from_u16(status).unwrap(), body.to_string()))
    };
    let app = axum::Router::new().route("/jwks", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (uri, asked)
}

#[tokio::test]
async fn strangers_do_not_make_keys_be_fetched_as_often_as_they_like() {
    let house = House::new().await;
    let (signer, set) = key(Algorithm::Es256);
    let (stranger, _) = key(Algorithm::Es256);
    let answer = Arc::new(Mutex::new((500, json!({}))));
    let (uri, asked) = publisher(Arc::clone(&answer)).await;
    let client = house
        .client(|client| {
            client.auth_method = ClientAuth::PrivateKeyJwt;
            client.grant_types = vec![GrantType::ClientCredentials];
            client.jwks_uri = Some(uri);
        })
        .await;
    // A hundred of which each names another key, all at once, at a host that fails.
    let forged = async || {
        let all = (0..100).map(|_| {
            let header = json!({ "alg": "ES256", "kid": jose::base64url(&house.world.bytes::<9>()) }).to_string();
            let body = claims(&house, &client, &json!({})).to_string();
            let text = format!("{}.{}.AAAA", jose::base64url(header.as_bytes()), jose::base64url(body.as_bytes()));
            let house = &house;
            async move { with_assertion(house, &text).await.0 }
        });
        assert!(futures_util::future::join_all(all).await.iter().all(|status| *status == 401));
        asked.swap(0, Ordering::SeqCst)
    };
    let good = async || {
        let assertion = signer.sign_jwt(Some("JWT"), &claims(&house, &client, &json!({}))).unwrap();
        with_assertion(&house, &assertion).await.0
    };
    assert_eq!(forged().await, 1);
    assert_eq!((forged().await, good().await), (0, 401));
    // It is there again, and asked again after a short while.
    *answer.lock().unwrap() = (200, set);
    house.clock.advance(Duration::from_secs(15));
    assert_eq!((good().await, asked.swap(0, Ordering::SeqCst)), (200, 1));
    assert_eq!(forged().await, 0);
    house.minute();
    assert_eq!(forged().await, 1);
    // It fails again, for longer than its keys are fresh: the client is who it was.
    *answer.lock().unwrap() = (500, json!({}));
    house.clock.advance(Duration::from_secs(3601));
    assert_eq!((forged().await, good().await), (1, 200));
    let wrong = stranger.sign_jwt(Some("JWT"), &claims(&house, &client, &json!({}))).unwrap();
    assert_eq!(with_assertion(&house, &wrong).await.0, 401);
}
