//! The constraints of duo-wire.md §0 that are the door's to keep, each by its number. Those of the wire alone (4, 6, 8) stand beside
//! it, those of the whole program in its own tests; 3 has a file of its own, `outage.rs`. 5 and 7 speak of OpenID Connect.

use crate::{
    house::{House, Reply, each_engine, patient},
    support::signing::{Version, pairs},
};
use auth::Answer;
use std::{collections::BTreeSet, time::Duration};
use types::{AttemptId, SecretString};

async fn unix(house: &House, call: (&str, &str), params: &[(&str, &str)]) -> Reply {
    let reply = house.call(&house.a.unix, Version::V1, call, &pairs(params)).await;
    assert_eq!(reply.headers["content-type"], "application/bson");
    reply
}

/// What Debian's login_duo does, from the preauth to the end: BSON, version 1, no date.
#[test]
fn constraint_1_debians_clients_sign_in_over_rest_v1_bson_by_version_1() {
    each_engine(patient(), async |house| {
        let name = house.a.username.as_str();
        let pinged = unix(house, ("GET", "/rest/v1/ping.bson"), &[]).await;
        assert_eq!(pinged.value["response"], "pong");
        assert_eq!(unix(house, ("GET", "/rest/v1/check.bson"), &[]).await.value["response"], "valid");
        let who = [("user", name), ("ipaddr", "192.0.2.7"), ("hostname", "host"), ("failmode", "open")];
        let preauth = unix(house, ("POST", "/rest/v1/preauth.bson"), &who).await;
        assert_eq!(preauth.result(), "auth", "{preauth:?}");
        assert!(preauth.said("prompt").contains("Passcode or option (1-"), "{preauth:?}");
        let default = preauth.value["response"]["factors"]["default"].as_str().unwrap().to_owned();
        assert!(default.starts_with("push1"), "{default}");

        // A passcode, typed at the prompt.
        let code = house.a.totp(&house.world);
        let typed = |code: &str| {
            [&who[..], &[("factor", "auto"), ("auto", code), ("async", "1")]]
                .concat()
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect::<Vec<_>>()
        };
        let begun = house.call(&house.a.unix, Version::V1, ("POST", "/rest/v1/auth.bson"), &typed(&code)).await;
        let txid = begun.said("txid").to_owned();
        let told = unix(house, ("GET", "/rest/v1/status.bson"), &[("txid", &txid)]).await;
        assert_eq!((told.result(), told.said("status")), ("allow", "Success. Logging you in..."), "{told:?}");
        // The same request again: no date that could tell, but the code is spent.
        let begun = house.call(&house.a.unix, Version::V1, ("POST", "/rest/v1/auth.bson"), &typed(&code)).await;
        let told = unix(house, ("GET", "/rest/v1/status.bson"), &[("txid", begun.said("txid"))]).await;
        assert_eq!(told.result(), "deny", "{told:?}");

        house.clock.advance(Duration::from_secs(1));
        // A push, by the code that the prompt showed; `status` has no `result` until there is one.
        let preauth = unix(house, ("POST", "/rest/v1/preauth.bson"), &who).await;
        let prompt = preauth.said("prompt");
        let code = prompt.split("type ").nth(1).and_then(|rest| rest.get(..6)).unwrap_or_else(|| panic!("{prompt}"));
        let default = preauth.value["response"]["factors"]["default"].as_str().unwrap();
        let begun = house.call(&house.a.unix, Version::V1, ("POST", "/rest/v1/auth.bson"), &typed(default)).await;
        let id: AttemptId = begun.said("txid").parse().unwrap();
        let told = unix(house, ("GET", "/rest/v1/status.bson"), &[("txid", &id.to_string())]).await;
        assert!(told.value["response"].get("result").is_none(), "{told:?}");
        assert!(told.said("status").starts_with("Pushed"), "{told:?}");
        let approve = Answer::Approve(Some(SecretString::new(code.to_owned())));
        assert!(house.answer(&house.a, id, approve).await.unwrap());
        let told = unix(house, ("GET", "/rest/v1/status.bson"), &[("txid", &id.to_string())]).await;
        assert_eq!(told.result(), "allow", "{told:?}");
    });
}

/// Asks for the state of an attempt as duo_unix does: at most twenty times. How often it asked until an end came, with that end.
async fn polls(house: &House, router: &axum::Router, txid: &str) -> (usize, String) {
    for n in 1..=20 {
        let sent = crate::support::signing::sign(
            &house.a.unix,
            Version::V1,
            "GET",
            "/rest/v1/status.bson",
            &pairs(&[("txid", txid)]),
            house.world.now(),
        );
        let told = Reply::of(router, crate::house::request(&sent).unwrap()).await;
        assert_eq!(told.status, 200, "{told:?}");
        if !told.result().is_empty() {
            return (n, told.result().to_owned());
        }
    }
    panic!("twenty answers without an end: released versions of duo_unix let the user in now");
}

/// Begins a push as duo_unix does when it takes the prompt's first choice.
async fn begun(house: &House) -> String {
    let name = house.a.username.as_str();
    let preauth = unix(house, ("POST", "/rest/v1/preauth.bson"), &[("user", name)]).await;
    let default = preauth.value["response"]["factors"]["default"].as_str().unwrap();
    let push = [("user", name), ("factor", "auto"), ("auto", default), ("async", "1")];
    let begun = unix(house, ("POST", "/rest/v1/auth.bson"), &push).await;
    assert!(begun.value["response"]["txid"].is_string(), "{begun:?}");
    begun.said("txid").to_owned()
}

#[test]
fn constraint_2_an_attempt_that_nobody_answers_ends_well_before_the_twentieth_poll() {
    each_engine(patient(), async |house| {
        // The clock stands: the attempt's own time never runs out, as for a client that polls without a pause.
        let (n, end) = polls(house, &house.router, &begun(house).await).await;
        assert!(n < 16, "{n} polls");
        assert_eq!(end, "deny");
        // And with a clock that runs, at the end of its life.
        house.clock.advance(Duration::from_secs(40));
        let txid = begun(house).await;
        house.clock.advance(Duration::from_secs(61));
        assert_eq!(polls(house, &house.router, &txid).await, (1, "deny".to_owned()));
    });
}

#[test]
fn constraint_2_an_attempt_that_is_not_known_ends_at_the_first_poll() {
    each_engine(patient(), async |house| {
        let (push, _) = house.push(&house.a).await;
        for txid in [
            "01a1ff10-02cd-72e5-9360-d8291a8db3b8",
            "x",
            "' OR 1=1",
            "01A1FF10-02CD-72E5-9360-D8291A8DB3B8",
            &push.to_string(),
        ] {
            assert_eq!(polls(house, &house.router, txid).await, (1, "deny".to_owned()), "{txid}");
        }
    });
}

#[test]
fn constraint_2_a_restart_in_the_middle_forgets_no_attempt_and_gives_no_twenty_answers() {
    each_engine(patient(), async |house| {
        let txid = begun(house).await;
        let mut polled = 0;
        // The program is started anew after every poll; each time it has forgotten what it told.
        loop {
            let (_auth, router) = house.restarted().await;
            polled += 1;
            assert!(polled < 16, "no end in sight");
            house.clock.advance(Duration::from_secs(5));
            let sent = crate::support::signing::sign(
                &house.a.unix,
                Version::V1,
                "GET",
                "/rest/v1/status.bson",
                &pairs(&[("txid", &txid)]),
                house.world.now(),
            );
            let told = Reply::of(&router, crate::house::request(&sent).unwrap()).await;
            match told.result() {
                "" => {}
                "deny" => break,
                other => panic!("{other}"),
            }
        }
        // One that was approved before the restart is still approved after it.
        house.clock.advance(Duration::from_secs(40));
        let (id, code) = house.push(&house.a).await;
        assert!(house.answer(&house.a, id, Answer::Approve(Some(SecretString::new(code)))).await.unwrap());
        let (_auth, router) = house.restarted().await;
        let params = pairs(&[("txid", &id.to_string())]);
        let (app, now) = (&house.a.app, house.world.now());
        let sent = crate::support::signing::sign(app, Version::V5, "GET", "/auth/v2/auth_status", &params, now);
        assert_eq!(Reply::of(&router, crate::house::request(&sent).unwrap()).await.result(), "allow");
    });
}

/// Python's, Go's and JavaScript's SDKs refuse keys of any other length.
#[test]
fn constraint_10_keys_have_the_lengths_that_clients_insist_on() {
    each_engine(patient(), async |house| {
        let mut seen = BTreeSet::new();
        for organisation in [&house.a, &house.b] {
            for keys in [&organisation.app, &organisation.unix, &organisation.admin] {
                assert!(keys.ikey.len() == 20 && keys.ikey.starts_with("DI"), "{}", keys.ikey);
                assert!(keys.ikey.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
                assert!(keys.skey.len() == 40 && keys.skey.bytes().all(|b| b.is_ascii_alphanumeric()));
                assert!(seen.insert(keys.ikey.clone()) && seen.insert(keys.skey.clone()));
            }
            assert!(organisation.host.starts_with("api-"));
        }
        // One that is made over the Admin API is no different.
        let new = pairs(&[("name", "made"), ("type", "authapi")]);
        let made = house.call(&house.a.admin, Version::V5, ("POST", "/admin/v1/integrations"), &new).await;
        assert_eq!((made.said("integration_key").len(), made.said("secret_key").len()), (20, 40), "{made:?}");
        assert!(made.said("integration_key").starts_with("DI"));
    });
}
