//! A lock-out holds on every way in, and every way in counts to it.

use crate::{
    house::{House, Reply, each_engine, patient},
    support::signing::{Version, pairs},
};
use auth::Answer;
use countersign_duo_api::{Closed, routes};
use directory::SettingsFields;
use std::time::Duration;
use types::SecretString;

fn strict() -> SettingsFields {
    patient().with("lockout_threshold", 4).unwrap()
}

/// A way to sign in: the route, the version, and its parameters with `NAME` and `CODE` in them.
type Way = (&'static str, Version, &'static [(&'static str, &'static str)]);

/// Every route at which a code can be tried, each in all its forms.
const CODES: &[Way] = &[
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "passcode"), ("passcode", "CODE")]),
    (
        "/auth/v2/auth",
        Version::V2,
        &[("username", "NAME"), ("factor", "passcode"), ("passcode", "CODE"), ("async", "1")],
    ),
    ("/auth/v2/auth", Version::V5, &[("user_id", "ID"), ("factor", "passcode"), ("passcode", "CODE")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "prompt"), ("prompt", "CODE")]),
    ("/rest/v1/auth", Version::V1, &[("user", "NAME"), ("factor", "passcode"), ("code", "CODE")]),
    ("/rest/v1/auth.json", Version::V2, &[("user", "NAME"), ("factor", "auto"), ("auto", "CODE"), ("async", "1")]),
    ("/rest/v1/auth.bson", Version::V1, &[("user", "NAME"), ("factor", "auto"), ("auto", "CODE")]),
];

/// Every other way to begin.
const PROMPTS: &[Way] = &[
    ("/auth/v2/preauth", Version::V5, &[("username", "NAME")]),
    ("/auth/v2/preauth", Version::V5, &[("user_id", "ID")]),
    ("/auth/v2/preauth", Version::V5, &[("username", "NAME"), ("trusted_device_token", "TOKEN")]),
    ("/rest/v1/preauth", Version::V1, &[("user", "NAME")]),
    ("/rest/v1/preauth.json", Version::V1, &[("user", "NAME")]),
    ("/rest/v1/preauth.bson", Version::V1, &[("user", "NAME")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "push"), ("device", "auto")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "push"), ("device", "auto"), ("async", "1")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "phone"), ("device", "auto"), ("async", "1")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "sms"), ("device", "auto")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "auto"), ("device", "auto"), ("async", "1")]),
    ("/auth/v2/auth", Version::V5, &[("username", "NAME"), ("factor", "prompt"), ("prompt", "push1"), ("async", "1")]),
    ("/rest/v1/auth", Version::V1, &[("user", "NAME"), ("factor", "push"), ("async", "1")]),
    ("/rest/v1/auth.bson", Version::V1, &[("user", "NAME"), ("factor", "phone"), ("phone", "phone1"), ("async", "1")]),
    ("/rest/v1/auth.json", Version::V2, &[("user", "NAME"), ("factor", "sms"), ("phone", "phone1")]),
];

/// Tries a way and gives its end: of an asynchronous one, what its status says.
async fn try_way(house: &House, way: &Way, name: &str, code: &str, token: &str) -> Reply {
    let (path, version, params) = way;
    let id = house.a.user.to_string();
    let filled: Vec<(String, String)> = params
        .iter()
        .map(|(key, value)| {
            let value = match *value {
                "NAME" => name,
                "ID" => &id,
                "CODE" => code,
                "TOKEN" => token,
                other => other,
            };
            ((*key).to_owned(), value.to_owned())
        })
        .collect();
    let keys = if path.starts_with("/rest/") { &house.a.unix } else { &house.a.app };
    house.clock.advance(Duration::from_secs(1));
    let reply = house.call(keys, *version, ("POST", path), &filled).await;
    match reply.said("txid") {
        "" => reply,
        txid => {
            let status = if path.starts_with("/rest/") { "/rest/v1/status" } else { "/auth/v2/auth_status" };
            house.call(keys, *version, ("GET", status), &pairs(&[("txid", txid)])).await
        }
    }
}

/// The table is whole: every route that can end in an allow stands in it, or only tells how an attempt ended.
#[test]
fn every_sign_in_is_in_the_table() {
    for route in routes().filter(|route| matches!(route.closed, Closed::Deny(_))) {
        let there = CODES.iter().chain(PROMPTS).any(|way| way.0 == route.path);
        assert!(there || route.path.contains("status"), "{} is tried nowhere", route.path);
    }
}

#[test]
fn a_locked_out_user_is_out_on_every_way_with_every_right_answer() {
    each_engine(strict(), async |house| {
        crate::crossing::remember(house, &house.a).await;
        let name = house.a.username.as_str();
        let login = try_way(house, &CODES[0], name, &house.a.hotp(0), "").await;
        assert_eq!(login.result(), "allow", "{login:?}");
        let token = login.said("trusted_device_token").to_owned();
        // The controls: each way works before.
        let mut counter = 1;
        for way in CODES {
            assert_eq!(try_way(house, way, name, &house.a.hotp(counter), "").await.result(), "allow", "{way:?}");
            counter += 1;
        }
        assert_eq!(try_way(house, &PROMPTS[2], name, "", &token).await.result(), "allow");
        assert_eq!(try_way(house, &PROMPTS[0], name, "", "").await.result(), "auth");
        let (pushed, shown) = house.push(&house.a).await;
        for _ in 0..4 {
            try_way(house, &CODES[0], name, "000000", "").await;
        }
        assert!(house.outbox.take().is_empty());
        for way in CODES {
            for code in [house.a.hotp(counter), house.a.totp(&house.world), house.a.bypass_code.clone()] {
                let reply = try_way(house, way, name, &code, "").await;
                assert_eq!(reply.result(), "deny", "{way:?}: {reply:?}");
            }
        }
        for way in PROMPTS {
            let reply = try_way(house, way, name, "", &token).await;
            assert_eq!(reply.result(), "deny", "{way:?}: {reply:?}");
        }
        // What waited from before lets nobody in either.
        let _ = house.answer(&house.a, pushed, Answer::Approve(Some(SecretString::new(shown)))).await;
        let txid = pairs(&[("txid", &pushed.to_string())]);
        let told = house.call(&house.a.app, Version::V5, ("GET", "/auth/v2/auth_status"), &txid).await;
        assert_ne!(told.result(), "allow", "a push that was approved after the lock-out: {told:?}");
        // Nothing went out to the user's devices.
        assert!(house.outbox.take().is_empty(), "a message to somebody who is locked out");
    });
}

/// AuthQuake: wrong codes count by the account, however many sign-ins, applications, addresses and spellings they are spread over.
#[test]
fn wrong_codes_are_counted_by_the_account_over_all_ways_and_spellings() {
    each_engine(strict(), async |house| {
        let spellings =
            ["ALFA.PERSON", " alfa.person", "alfa.person\t", "CORP\\alfa.person", "alfa.person@corp.example"];
        // One wrong code by each of these, no two alike: the fourth locks.
        let mut looked_at = 0;
        for (n, way) in CODES.iter().enumerate() {
            let reply = try_way(house, way, spellings[n % spellings.len()], &format!("00000{n}"), "").await;
            assert_eq!(reply.result(), "deny", "{way:?}: {reply:?}");
            looked_at += usize::from(reply.text().contains("Incorrect passcode"));
        }
        assert_eq!(looked_at, 4, "no more codes are looked at than the threshold says");
        let reply = try_way(house, &CODES[0], &house.a.username, &house.a.totp(&house.world), "").await;
        assert_eq!((reply.result(), reply.said("status")), ("deny", "locked_out"), "{reply:?}");
        // Somebody else isn't.
        let params = pairs(&[("username", &house.b.username), ("factor", "passcode"), ("passcode", &house.b.hotp(0))]);
        let other = house.call(&house.b.app, Version::V5, ("POST", "/auth/v2/auth"), &params).await;
        assert_eq!(other.result(), "allow");
    });
}

/// Two hundred wrong codes at once over all ways: no more are looked at than the threshold says.
#[test]
fn parallel_guesses_over_all_ways_are_counted_before_they_count() {
    each_engine(strict(), async |house| {
        let right = [house.a.totp(&house.world), house.a.hotp(0)];
        let guesses = (0..200).map(|n| {
            let code = format!("{:06}", 1000 + n);
            assert!(!right.contains(&code));
            async move { try_way(house, &CODES[n % CODES.len()], &house.a.username, &code, "").await }
        });
        let replies = futures_util::future::join_all(guesses).await;
        let looked_at = replies.iter().filter(|reply| reply.text().contains("Incorrect passcode")).count();
        assert!(looked_at <= 4, "{looked_at}");
        assert!(replies.iter().all(|reply| reply.result() == "deny"));
    });
}
