//! Requests that wait for one browser and are answered once.

use crate::{
    house::{OTHER_HOST, Site},
    support::each_engine,
};
use countersign_sso::{HELD_LIFE, LONGEST_HELD, SsoError, ToAgree};
use std::sync::Arc;

#[test]
fn a_request_waits_for_its_browser_and_for_no_other() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        site.other_tenant().await;
        let party = site.party().await;
        let mut browser = site.browser();
        let visit = browser.visit("/oidc/authorize").await;
        let (scopes, came) = (["openid".to_owned()], house.world.now());
        let agree = ToAgree { scopes: &scopes, goes_to: "https://app.example/cb" };
        let held = site.sso.hold(&visit, &party, b"the request", "/oidc/continue/", Some(agree)).await.unwrap();
        let id = held.id.to_string();
        let found = async |browser: &crate::house::Browser| {
            site.sso.held(&browser.visit("/oidc/continue/x").await, &id).await.unwrap()
        };
        // Whoever knows the address alone, such as somebody who was sent it by who made it, has nothing.
        assert!(found(&browser).await.is_none());
        assert!(found(&site.signed_in().await).await.is_none());
        browser.jar.insert(held.cookie_name.clone(), held.secret.expose().to_owned());
        let pending = found(&browser).await.unwrap();
        assert_eq!((pending.request.as_slice(), pending.created), (b"the request".as_slice(), came));
        assert_eq!((pending.scopes, pending.return_to), (scopes.to_vec(), format!("/oidc/continue/{id}")));
        assert_eq!(pending.goes_to, "https://app.example/cb");
        assert_eq!(pending.party.ikey(), site.app.ikey);

        // The cookie of another request of the same browser opens it neither, nor does it at another tenant's host.
        let other = site.sso.hold(&visit, &party, b"another", "/oidc/continue/", None).await.unwrap();
        let mut swapped = site.browser();
        swapped.jar.insert(held.cookie_name.clone(), other.secret.expose().to_owned());
        assert!(found(&swapped).await.is_none());
        let mut elsewhere = browser.clone();
        elsewhere.host = OTHER_HOST;
        assert!(found(&elsewhere).await.is_none());
        for wrong in ["", "x", "00000000-0000-0000-0000-000000000000"] {
            assert!(site.sso.held(&browser.visit("/").await, wrong).await.unwrap().is_none());
        }
        house.clock.advance(HELD_LIFE);
        assert!(found(&browser).await.is_none());
        assert!(!site.sso.release(&visit, held.id).await.unwrap());
    });
}

#[test]
fn of_a_hundred_releases_one_wins() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let party = site.party().await;
        let mut browser = site.browser();
        let visit = browser.visit("/oidc/authorize").await;
        let held = site.sso.hold(&visit, &party, b"x", "/oidc/continue/", None).await.unwrap();
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (sso, visit, id) = (Arc::clone(&site.sso), visit.clone(), held.id);
            tries.spawn(async move { sso.release(&visit, id).await.unwrap() });
        }
        let won = tries.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
        // What was answered waits no longer.
        browser.jar.insert(held.cookie_name.clone(), held.secret.expose().to_owned());
        assert!(site.sso.held(&browser.visit("/").await, &held.id.to_string()).await.unwrap().is_none());
    });
}

#[test]
fn what_is_too_long_or_leads_elsewhere_isnt_held() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let party = site.party().await;
        let visit = site.browser().visit("/").await;
        let long = vec![b'x'; LONGEST_HELD + 1];
        assert!(site.sso.hold(&visit, &party, &long, "/oidc/continue/", None).await.is_err());
        for door in ["", "https://evil.example/", "//evil.example/", "/\\evil.example/"] {
            assert!(site.sso.hold(&visit, &party, b"x", door, None).await.is_err(), "{door}");
        }
    });
}

#[test]
fn strangers_are_counted_by_their_network() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let party = site.party().await;
        let visit = site.browser().visit("/").await;
        let from = |ip: String| {
            let mut visit = visit.clone();
            visit.browser.client.ip = Some(ip.parse().unwrap());
            visit
        };
        let hold = async |ip: String| site.sso.hold(&from(ip), &party, b"x", "/oidc/continue/", None).await;
        // One who rents a network of IPv6 has 2^64 addresses.
        for n in 0..300 {
            assert!(hold(format!("2001:4860:1:2:{n:x}::1")).await.is_ok(), "{n}");
        }
        let limited = |error: SsoError| matches!(error, SsoError::Auth(auth::AuthError::Limited { .. }));
        assert!(limited(hold("2001:4860:1:2:ffff::1".to_owned()).await.err().unwrap()));
        // What is answered without being held counts alike.
        assert!(limited(site.sso.count_stranger(&from("2001:4860:1:2::7".to_owned())).await.err().unwrap()));
        assert!(hold("2001:4860:1:3::1".to_owned()).await.is_ok());
        assert!(hold("::ffff:192.0.2.1".to_owned()).await.is_ok());
    });
}
