//! constraint_3 at its worst: a handler panics. The program's own wiring words the answer, so that no client takes it for leave to
//! let somebody in.

use countersign::{
    config::{Config, Settings},
    doors,
    serve::{Server, Shutdown},
    services::Services,
    telemetry::Registry,
    tls::Tls,
};
use duo_api::{Closed, routes};
use std::time::Duration;
use types::World;

async fn panicking() -> &'static str {
    // As a panic unwinds, but without the hook's report of each of some hundred.
    std::panic::resume_unwind(Box::new("s3cret of a handler"))
}

/// The program's parts over a scratch directory, its routes replaced by `router` where one is given.
async fn served(router: Option<axum::Router>, test: impl AsyncFn(&str, &reqwest::Client)) {
    let scratch = tempfile::tempdir().unwrap();
    let values = [
        ("COUNTERSIGN_DATA__DIR".to_owned(), scratch.path().display().to_string()),
        ("COUNTERSIGN_SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ];
    let config = Config::from_settings(&Settings::read(None, values).unwrap()).unwrap();
    let (world, registry, shutdown) = (World::real(), Registry::new(), Shutdown::new());
    let (_reload, reload) = tokio::sync::watch::channel(0);
    let tls = Tls::start(&config, &world, &registry, &shutdown, reload).await.unwrap_or_else(|error| panic!("{error}"));
    let server = Server::bind(&config, &tls, registry, &world).await.unwrap_or_else(|error| panic!("{error}"));
    let base = format!("https://localhost:{}", server.addresses()[0].port());
    let services = Services::open(&config, &world, Vec::new()).await.unwrap();
    let mut application = doors::application(&config, &services, || true, &shutdown).unwrap();
    if let Some(router) = router {
        application.router = router;
    }
    let serving = tokio::spawn(server.run(application, shutdown.clone()));
    let authority = std::fs::read(tls.ca_file().unwrap()).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().timeout(Duration::from_secs(20));
    test(&base, &client.build().unwrap()).await;
    shutdown.begin();
    serving.await.unwrap();
}

#[tokio::test]
async fn constraint_3_a_panic_at_a_sign_in_is_a_denial_with_a_200() {
    let router = routes().map(|route| route.path).collect::<std::collections::BTreeSet<_>>();
    let router =
        router.into_iter().fold(axum::Router::new(), |router, path| router.route(path, axum::routing::any(panicking)));
    served(Some(router), async |base, client| {
        let mut denied = 0;
        for route in routes() {
            let path = route.path.replace(['{', '}'], "");
            let method = reqwest::Method::from_bytes(route.method.http().as_str().as_bytes()).unwrap();
            let answer = client.request(method, format!("{base}{path}")).send().await.unwrap();
            let (status, kind) =
                (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap().to_owned());
            let body = answer.bytes().await.unwrap();
            let text = String::from_utf8_lossy(&body).into_owned();
            assert!(!text.contains("s3cret"), "{path}: {text}");
            match route.closed {
                Closed::Deny(_) => {
                    assert_eq!(status, 200, "{path}: {text}");
                    assert!(text.contains("deny") && text.contains("OK") && !text.contains("allow"), "{path}: {text}");
                    assert_eq!(kind == "application/bson", path.ends_with(".bson"), "{path}: {kind}");
                    denied += 1;
                }
                Closed::Error => {
                    assert!(status >= 400 && status != 401 && text.contains("message_detail"), "{path}: {text}")
                }
            }
        }
        assert!(denied >= 12, "{denied}");
    })
    .await;
}

/// The web clients read other answers than the envelope: no token, no redirect, and at the health check a failure that says so.
#[tokio::test]
async fn a_panic_at_a_web_clients_endpoint_signs_nobody_in() {
    let paths = ["/oauth/v1/health_check", "/oauth/v1/authorize", "/oauth/v1/token"];
    let router =
        paths.into_iter().fold(axum::Router::new(), |router, path| router.route(path, axum::routing::any(panicking)));
    served(Some(router), async |base, client| {
        for path in paths {
            let answer = client.post(format!("{base}{path}")).send().await.unwrap();
            let health = path.ends_with("health_check");
            assert_eq!(answer.status().as_u16(), if health { 500 } else { 400 }, "{path}");
            assert!(!answer.headers().contains_key("location") && !answer.headers().contains_key("set-cookie"));
            let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(
                if health { &body["stat"] } else { &body["error"] },
                if health { "FAIL" } else { "server_error" }
            );
            assert!(!body.to_string().contains("s3cret") && body.get("id_token").is_none(), "{path}: {body}");
        }
    })
    .await;
}

/// A body that the program itself refuses is no fault of the server's, and no way in: not at a sign-in, not elsewhere.
#[tokio::test]
async fn a_body_past_the_programs_limit_is_refused_or_denied_at_every_route() {
    served(None, async |base, client| {
        for route in routes().filter(|route| route.method != duo_api::Verb::Get) {
            let path = route.path.replace(['{', '}'], "");
            let method = reqwest::Method::from_bytes(route.method.http().as_str().as_bytes()).unwrap();
            let body = vec![b'a'; 300 * 1024];
            let answer = client.request(method, format!("{base}{path}")).body(body).send().await.unwrap();
            let status = answer.status().as_u16();
            let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
            match route.closed {
                Closed::Deny(_) => {
                    assert!(status == 200 && text.contains("deny") || status == 400, "{path}: {status} {text}")
                }
                Closed::Error => assert!((400..500).contains(&status) && status != 401, "{path}: {status} {text}"),
            }
            assert!(!text.contains("allow"), "{path}: {text}");
        }
    })
    .await;
}
