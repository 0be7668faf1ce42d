//! Files: kept for good under their own hash, packed for whom it is welcome, and nothing beside them.

use crate::support::House;
use axum::body::Body;
use http::Method;

#[tokio::test]
async fn a_file_is_kept_for_good_under_its_hash_and_asked_for_under_another() {
    let house = House::new().await;
    let browser = house.browser();
    let page = browser.go("/account/sign-in").await.text();
    let path =
        page.split("href=\"").find(|rest| rest.contains("page.css")).unwrap().split('"').next().unwrap().to_owned();
    let packed = browser.get(&path).await;
    assert_eq!((packed.status.as_u16(), packed.header("content-encoding")), (200, "gzip"));
    assert_eq!(packed.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((packed.header("content-type"), packed.header("vary")), ("text/css; charset=utf-8", "accept-encoding"));
    let mut request = browser.request(Method::GET, &path).body(Body::empty()).unwrap();
    request.headers_mut().remove("accept-encoding");
    let plain = browser.send(request).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.text().contains("--accent") && plain.body.len() > packed.body.len());
    let old = browser.get("/assets/0123456789abcdef/page.css").await;
    assert_eq!((old.status.as_u16(), old.header("cache-control")), (200, "no-cache"));
    for absent in [
        "/assets/x/nothing.css",
        "/assets/x/../Cargo.toml",
        "/assets/x/%2e%2e/Cargo.toml",
        "/assets/x//etc/passwd",
        "/assets/x/",
        "/brand/x/style.css",
        "/brand/x/logo.png",
        "/brand/x/nothing",
    ] {
        assert_eq!(browser.get(absent).await.status, 404, "{absent}");
    }
}

#[tokio::test]
async fn a_tenants_look_is_a_file_of_its_own() {
    let house =
        House::with(r##"{"page":{"accent":"#7a2e8c","background":"#102030"},"logo":"iVBORw0KGgo="}"##, "VPN").await;
    let page = house.browser().go("/account/sign-in").await.text();
    for end in ["style.css", "logo.png"] {
        let path = page.split('"').find(|part| part.starts_with("/brand/") && part.ends_with(end)).unwrap();
        let file = house.browser().get(path).await;
        assert_eq!(
            (file.status.as_u16(), file.header("cache-control")),
            (200, "public, max-age=31536000, immutable"),
            "{path}"
        );
        assert!(file.header("content-security-policy").contains("sandbox"), "{path}");
        // Another tenant has none of it.
        let elsewhere = crate::support::Browser { host: crate::support::OTHER_HOST, ..house.browser() };
        assert_eq!(elsewhere.get(path).await.status, 404);
    }
}
