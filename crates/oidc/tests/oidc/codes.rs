//! Codes and refresh tokens: RFC 9700 §2 and §4, and the classes of flaws that others had.

use crate::{
    programs::{code, introspected, redeeming, refreshed, text, tokens},
    support::{CALLBACK, CHALLENGE, House, VERIFIER, authorize},
};
use auth::{account::Strength, sign_in::Level};
use futures_util::future::join_all;
use sso::{ClientAuth, Kind, TokenFormat, manage};
use std::time::Duration;

/// RFC 9700 §4.5.
#[tokio::test]
async fn code_replay_ends_everything_that_came_of_the_code() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        let house = House::new().await;
        let client = house.client(|client| client.access_token_format = format).await;
        let user = house.user("alice").await;
        let code = code(&house, &client, user, &[]).await;
        let first = house.post("/oidc/token", &redeeming(&code), Some(&client)).await.json();
        assert_eq!(introspected(&house, &client, &text(&first, "access_token")).await["active"], true);
        let second = house.post("/oidc/token", &redeeming(&code), Some(&client)).await;
        assert_eq!((second.status.as_u16(), &second.json()["error"]), (400, &"invalid_grant".into()));
        assert_eq!(introspected(&house, &client, &text(&first, "access_token")).await["active"], false);
        assert_eq!(refreshed(&house, &client, &text(&first, "refresh_token")).await.json()["error"], "invalid_grant");
        assert_eq!(house.get("/oidc/userinfo", &text(&first, "access_token")).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_redeem_one_code_one_wins_and_keeps_nothing() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let code = code(&house, &client, user, &[]).await;
    let form = redeeming(&code);
    let answers = join_all((0..100).map(|_| house.post("/oidc/token", &form, Some(&client)))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.json()["error"] == "invalid_grant"));
    let token = text(&won[0].json(), "access_token");
    assert_eq!(introspected(&house, &client, &token).await["active"], false);
}

/// RFC 9700 §4.14.2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_race_of_a_hundred_one_wins_and_the_family_ends() {
    let house = House::new().await;
    let client = house.client(|client| client.auth_method = ClientAuth::ClientSecretBasic).await;
    let user = house.user("alice").await;
    let first = tokens(&house, &client, user).await;
    let token = text(&first, "refresh_token");
    let answers = join_all((0..100).map(|_| refreshed(&house, &client, &token))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    let next = text(&won[0].json(), "refresh_token");
    assert_eq!(refreshed(&house, &client, &next).await.json()["error"], "invalid_grant");
    for token in [text(&first, "access_token"), text(&won[0].json(), "access_token")] {
        assert_eq!(introspected(&house, &client, &token).await["active"], false);
    }
}

#[tokio::test]
async fn a_refresh_token_turns_with_each_use_and_an_old_one_ends_the_family() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let first = tokens(&house, &client, user).await;
    let mut token = text(&first, "refresh_token");
    let stolen = token.clone();
    for _ in 0..3 {
        house.minute();
        let answer = refreshed(&house, &client, &token).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let next = answer.json();
        assert_ne!(text(&next, "refresh_token"), token);
        token = text(&next, "refresh_token");
        let less = [("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", "email")];
        let narrowed = house.post("/oidc/token", &less, Some(&client)).await.json();
        assert_eq!(narrowed["scope"], "email");
        token = text(&narrowed, "refresh_token");
    }
    let more = [("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", "openid groups")];
    assert_eq!(house.post("/oidc/token", &more, Some(&client)).await.json()["error"], "invalid_scope");
    assert_eq!(refreshed(&house, &client, &stolen).await.json()["error"], "invalid_grant");
    assert_eq!(refreshed(&house, &client, &token).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_ends_idle_and_in_the_end_in_any_case() {
    let house = House::new().await;
    let client = house
        .client(|client| {
            (client.refresh_idle_seconds, client.refresh_token_seconds, client.offline) = (3600, 3 * 3600, true);
        })
        .await;
    let user = house.user("alice").await;
    let idle = text(&tokens(&house, &client, user).await, "refresh_token");
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(refreshed(&house, &client, &idle).await.status, 400);
    let mut token = text(&tokens(&house, &client, user).await, "refresh_token");
    for hour in 0..4 {
        house.clock.advance(Duration::from_secs(3590));
        let answer = refreshed(&house, &client, &token).await;
        assert_eq!(answer.status == 200, hour < 3, "{hour}: {answer:?}");
        if answer.status == 200 {
            token = text(&answer.json(), "refresh_token");
        }
    }
}

/// authentik CVE-2024-23647; RFC 9700 §4.8.2.
#[tokio::test]
async fn pkce_downgrade_both_ways_is_refused() {
    let house = House::new().await;
    let user = house.user("alice").await;
    let client = house.client(|client| client.pkce_required = false).await;
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    let with = |code: &str, verifier: &str| {
        let mut form = redeeming(code).map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        form.retain(|(name, _)| name != "code_verifier");
        if !verifier.is_empty() {
            form.push(("code_verifier".to_owned(), verifier.to_owned()));
        }
        form
    };
    for (asked, verifier, right) in [
        (&[][..], VERIFIER, true),
        (&[][..], "", false),
        (&[][..], "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", false),
        // By `plain` the challenge would be its own verifier.
        (&[][..], CHALLENGE, false),
        (&bare[..], VERIFIER, false),
        (&bare[..], "", true),
    ] {
        let code = code(&house, &client, user, asked).await;
        let form = with(&code, verifier);
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = house.post("/oidc/token", &form, Some(&client)).await;
        assert_eq!(answer.status == 200, right, "{asked:?} {verifier}: {answer:?}");
        if !right {
            assert_eq!(answer.json()["error"], "invalid_grant");
            // And the code is used up.
            let again = house.post("/oidc/token", &redeeming(&code), Some(&client)).await;
            assert_eq!(again.json()["error"], "invalid_grant");
        }
    }
    let (browser, _) = house.signed_in(user).await;
    for method in ["plain", "s256", ""] {
        let answer = browser.get(&authorize(&client, &[("code_challenge_method", method)])).await;
        assert_eq!(answer.back(CALLBACK)["error"], "invalid_request", "{method}");
    }
}

#[tokio::test]
async fn a_code_is_one_clients_for_one_address_and_one_minute() {
    let house = House::new().await;
    let (client, other, user) = (house.client(|_| {}).await, house.client(|_| {}).await, house.user("alice").await);
    let stolen = code(&house, &client, user, &[]).await;
    let answer = house.post("/oidc/token", &redeeming(&stolen), Some(&other)).await;
    assert_eq!(answer.json()["error"], "invalid_grant");
    // Another's try costs the client nothing.
    assert_eq!(house.post("/oidc/token", &redeeming(&stolen), Some(&client)).await.status, 200);
    let moved = code(&house, &client, user, &[]).await;
    let mut form = redeeming(&moved);
    form[2].1 = "https://app.example/cb2";
    assert_eq!(house.post("/oidc/token", &form, Some(&client)).await.json()["error"], "invalid_grant");
    let late = code(&house, &client, user, &[]).await;
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(house.post("/oidc/token", &redeeming(&late), Some(&client)).await.json()["error"], "invalid_grant");
    let early = code(&house, &client, user, &[]).await;
    house.clock.advance(Duration::from_millis(59_999));
    assert_eq!(house.post("/oidc/token", &redeeming(&early), Some(&client)).await.status, 200);
}

/// Zitadel GHSA-6mq3-xmgp-pjm5: a token cut at eighty characters still counted.
#[tokio::test]
async fn truncated_and_extended_tokens_are_none() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        let house = House::new().await;
        let client = house.client(|client| client.access_token_format = format).await;
        let first = tokens(&house, &client, house.user("alice").await).await;
        let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
        let changed = |token: &str| {
            let cut = (1..token.len()).rev().step_by(if token.len() > 100 { 37 } else { 1 });
            let mut all: Vec<String> = cut.map(|at| token[..at].to_owned()).collect();
            all.extend(["A", " ", ".", "=", "%00"].map(|more| format!("{token}{more}")));
            all.push(format!("A{token}"));
            all.push(token.to_uppercase());
            all
        };
        for wrong in changed(&access) {
            assert_eq!(introspected(&house, &client, &wrong).await["active"], false, "{wrong}");
        }
        for wrong in changed(&refresh) {
            assert_eq!(refreshed(&house, &client, &wrong).await.json()["error"], "invalid_grant", "{wrong}");
        }
        // One kind is not another.
        assert_eq!(refreshed(&house, &client, &access).await.status, 400);
        assert_eq!(introspected(&house, &client, &refresh).await["active"], false);
        assert_eq!(introspected(&house, &client, &access).await["active"], true);
        assert_eq!(refreshed(&house, &client, &refresh).await.status, 200);
    }
}

/// authentik CVE-2025-53942: each grant asks again.
#[tokio::test]
async fn a_disabled_or_locked_or_deleted_user_gets_nothing_from_any_grant() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        for state in ["disabled", "locked", "deleted", "gone"] {
            let house = House::new().await;
            let client = house.client(|client| (client.access_token_format, client.offline) = (format, true)).await;
            let user = house.user("alice").await;
            let first = tokens(&house, &client, user).await;
            let code = code(&house, &client, user, &[]).await;
            let access = text(&first, "access_token");
            assert_eq!(house.get("/oidc/userinfo", &access).await.status, 200);
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            match state {
                "disabled" => drop(tx.set_user_status(user, "disabled").await.unwrap()),
                "locked" => drop(tx.lock_user(user, house.world.now()).await.unwrap()),
                "deleted" => drop(tx.mark_user_deleted(user, house.world.now()).await.unwrap()),
                _ => drop(tx.delete_user(user).await.unwrap()),
            }
            tx.commit().await.unwrap();
            assert_eq!(introspected(&house, &client, &access).await["active"], false, "{state}");
            assert_eq!(house.get("/oidc/userinfo", &access).await.status, 401, "{state}");
            let answer = house.post("/oidc/token", &redeeming(&code), Some(&client)).await;
            assert_eq!(answer.json()["error"], "invalid_grant", "{state}");
            let answer = refreshed(&house, &client, &text(&first, "refresh_token")).await;
            assert_eq!(answer.json()["error"], "invalid_grant", "{state}");
        }
    }
}

#[tokio::test]
async fn a_person_who_was_locked_out_has_what_they_had_when_that_ends() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let first = tokens(&house, &client, user).await;
    let scope = house.directory.tenant(house.tenant, "helpdesk");
    assert!(scope.lock_user(user).await.unwrap());
    assert_eq!(refreshed(&house, &client, &text(&first, "refresh_token")).await.status, 400);
    scope.unlock_user(user).await.unwrap();
    assert_eq!(refreshed(&house, &client, &text(&first, "refresh_token")).await.status, 200);
}

#[tokio::test]
async fn what_depends_on_a_session_ends_with_it_and_offline_access_does_not() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    for (scope, stays) in [("openid email", false), ("openid email offline_access", true)] {
        let (browser, session) = house.signed_in(user).await;
        let back = browser.authorize(&client, &[("scope", scope)]).await.back(CALLBACK);
        let first = house.post("/oidc/token", &redeeming(&back["code"]), Some(&client)).await.json();
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.end_session(session, user, house.world.now()).await.unwrap());
        tx.commit().await.unwrap();
        let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
        assert_eq!(introspected(&house, &client, &access).await["active"], stays, "{scope}");
        assert_eq!(refreshed(&house, &client, &refresh).await.status == 200, stays, "{scope}");
    }
}

#[tokio::test]
async fn what_depends_on_a_session_ends_when_nobody_uses_that_and_its_application_is_told() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        let house = House::new().await;
        let client = house
            .client(|client| {
                client.access_token_format = format;
                client.access_token_seconds = 7200;
                client.backchannel_logout_uri = Some("https://app.invalid/x".to_owned());
            })
            .await;
        let user = house.user("alice").await;
        let code = code(&house, &client, user, &[]).await;
        let mut last = house.post("/oidc/token", &redeeming(&code), Some(&client)).await.json();
        for _ in 0..2 {
            house.clock.advance(Duration::from_secs(14 * 60));
            // A program's refresh is nobody's use.
            last = refreshed(&house, &client, &text(&last, "refresh_token")).await.json();
        }
        let access = text(&last, "access_token");
        assert_eq!(introspected(&house, &client, &access).await["active"], true);
        house.clock.advance(Duration::from_secs(2 * 60));
        let answer = refreshed(&house, &client, &text(&last, "refresh_token")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"invalid_grant".into()));
        assert_eq!(introspected(&house, &client, &access).await["active"], false);
        assert_eq!(house.get("/oidc/userinfo", &access).await.status, 401);
        house.auth.end_unused_sessions().await.unwrap();
        // Nobody is at that address, so it stays owed.
        let far = types::Millis(i64::MAX);
        assert_eq!(house.store.logouts_in_turn(far, 10, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_refresh_token_ends_where_what_was_proved_is_not_enough_any_more() {
    for act in ["level", "policy", "passkeys first"] {
        let house = House::new().await;
        let client = house.client(|_| {}).await;
        let user = house.user("alice").await;
        let settings = async |settings: &str| {
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            assert!(tx.set_tenant("Acme", settings, None).await.unwrap());
            tx.commit().await.unwrap();
            house.auth.applications().forget_tenant(house.tenant);
        };
        // By a passcode, where that is taken of people with a passkey, too.
        settings(r#"{"weaker_with_passkey": true}"#).await;
        let browser = house.browser();
        let known = auth::sign_in::Browser::default();
        let opened = house.auth.open_session(house.tenant, user, Strength::Otp, &known).await;
        browser.put("__Host-countersign-session", opened.unwrap().0.expose());
        let back = browser.authorize(&client, &[("scope", "openid offline_access")]).await.back(CALLBACK);
        let first = house.post("/oidc/token", &redeeming(&back["code"]), Some(&client)).await.json();
        let next = refreshed(&house, &client, &text(&first, "refresh_token")).await.json();
        let (access, refresh) = (text(&next, "access_token"), text(&next, "refresh_token"));
        match act {
            "level" => {
                let scope = house.directory.tenant(house.tenant, "helpdesk");
                let (row, mut settings) = manage::read(&scope, &client.ikey).await.unwrap();
                let Kind::Oidc(oidc) = &mut settings.kind else { panic!("another protocol") };
                oidc.level = Level::PhishingResistant;
                manage::change(&scope, &client.ikey, Some(&row.key), &settings, Vec::new()).await.unwrap();
                house.auth.applications().forget(&client.ikey);
            }
            "policy" => {
                let _ = house.policy(r#"{"authentication_methods":{"blocked_auth_list":["hardware-token"]}}"#).await;
            }
            _ => settings("{}").await,
        }
        let answer = refreshed(&house, &client, &refresh).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"invalid_grant".into()), "{act}");
        assert_eq!(introspected(&house, &client, &access).await["active"], false, "{act}: the grant has ended");
    }
}

#[tokio::test]
async fn where_other_networks_are_denied_what_was_granted_inside_is_good_everywhere() {
    let house = House::new().await;
    let client = house.client(|_| {}).await;
    let user = house.user("alice").await;
    let policy = house
        .policy(r#"{"authorized_networks":{"mfa_required":{"ip_list":["192.0.2.0/24"]},"deny_other_access":true}}"#)
        .await;
    let (mut browser, _) = house.signed_in(user).await;
    let ask = [("scope", "openid offline_access")];
    browser.from = Some("198.51.100.1:443".parse().unwrap());
    assert_eq!(browser.authorize(&client, &ask).await.back(CALLBACK)["error"], "access_denied");
    browser.from = Some("192.0.2.1:443".parse().unwrap());
    let back = browser.authorize(&client, &ask).await.back(CALLBACK);
    // The application asks from wherever it stands.
    let first = house.post("/oidc/token", &redeeming(&back["code"]), Some(&client)).await.json();
    let next = refreshed(&house, &client, &text(&first, "refresh_token")).await.json();
    let access = text(&next, "access_token");
    assert_eq!(introspected(&house, &client, &access).await["active"], true);
    assert_eq!(house.get("/oidc/userinfo", &access).await.status, 200);
    // What stands after the networks in the rules' order is asked all the same.
    let deny =
        r#"{"authorized_networks":{"deny_other_access":true},"authentication_policy":{"user_auth_behavior":"deny"}}"#;
    let change = store::PolicyChange { sections: Some(deny.to_owned()), ..store::PolicyChange::default() };
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.change_policy(policy, &change).await.unwrap());
    tx.commit().await.unwrap();
    house.auth.applications().forget_tenant(house.tenant);
    assert_eq!(introspected(&house, &client, &access).await["active"], false);
    assert_eq!(refreshed(&house, &client, &text(&next, "refresh_token")).await.json()["error"], "invalid_grant");
}
