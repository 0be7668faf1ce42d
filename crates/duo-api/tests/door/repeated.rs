//! One signed request, sent again and again by somebody who has seen it.

use crate::{
    house::{House, Reply, each_engine, patient, request},
    support::signing::{Signed, Version, pairs, sign},
};
use futures_util::future::join_all;
use std::time::Duration;

const MANY: usize = 100;

async fn at_once(house: &House, signed: &Signed) -> Vec<Reply> {
    join_all((0..MANY).map(|_| house.send(signed))).await
}

fn count(replies: &[Reply], result: &str) -> usize {
    replies.iter().filter(|reply| reply.result() == result).count()
}

#[test]
fn a_hundred_identical_sign_ins_at_once_let_one_in() {
    each_engine(patient(), async |house| {
        let (a, now) = (&house.a, house.world.now());
        let sign_in = |path: &str, version, params: &[(&str, &str)]| {
            let keys = if path.starts_with("/rest/") { &a.unix } else { &a.app };
            sign(keys, version, "POST", path, &pairs(params), now)
        };
        let (name, bypass) = (a.username.as_str(), a.bypass_code.as_str());
        let counters = [a.hotp(0), a.hotp(1), a.hotp(2), a.hotp(3)];
        let [c0, c1, c2, c3] = counters.each_ref().map(String::as_str);
        for (what, signed) in [
            (
                "v5",
                sign_in("/auth/v2/auth", Version::V5, &[("username", name), ("factor", "passcode"), ("passcode", c0)]),
            ),
            (
                "v2",
                sign_in("/auth/v2/auth", Version::V2, &[("username", name), ("factor", "passcode"), ("passcode", c1)]),
            ),
            (
                "rest v2",
                sign_in("/rest/v1/auth.json", Version::V2, &[("user", name), ("factor", "auto"), ("auto", c2)]),
            ),
            // No date, so no ledger: here the code's counter is all that says no.
            (
                "rest v1",
                sign_in("/rest/v1/auth.bson", Version::V1, &[("user", name), ("factor", "auto"), ("auto", c3)]),
            ),
            // A code that may be used without limit: here the ledger is.
            (
                "bypass",
                sign_in(
                    "/auth/v2/auth",
                    Version::V5,
                    &[("username", name), ("factor", "passcode"), ("passcode", bypass)],
                ),
            ),
        ] {
            let replies = at_once(house, &signed).await;
            assert_eq!(count(&replies, "allow"), 1, "{what}");
            if what != "rest v1" {
                assert_eq!(replies.iter().filter(|reply| reply.code() == 40_301).count(), MANY - 1, "{what}");
            }
            // Nor any later.
            assert_eq!(count(&at_once(house, &signed).await, "allow"), 0, "{what}");
        }
    });
}

#[test]
fn a_hundred_identical_pushes_reach_the_device_once_also_after_a_restart() {
    each_engine(patient(), async |house| {
        let a = &house.a;
        let params = pairs(&[("username", &a.username), ("factor", "push"), ("device", "auto"), ("async", "1")]);
        let signed = sign(&a.app, Version::V5, "POST", "/auth/v2/auth", &params, house.world.now());
        let replies = at_once(house, &signed).await;
        let begun: Vec<&str> = replies.iter().map(|reply| reply.said("txid")).filter(|txid| !txid.is_empty()).collect();
        assert_eq!(begun.len(), 1, "{begun:?}");
        let open = async || house.store.tenant(a.id).open_attempts(a.user, house.world.now()).await.unwrap().len();
        assert_eq!(open().await, 1);
        // A program that has been started anew has no ledger any more; the attempt's unique key is still there. Also when the first
        // one has ended, so that no prompt is in the way.
        house.answer(a, begun[0].parse().unwrap(), auth::Answer::Deny).await.unwrap();
        house.clock.advance(Duration::from_secs(40));
        let (_auth, router) = house.restarted().await;
        let again = join_all((0..MANY).map(|_| Reply::of(&router, request(&signed).unwrap()))).await;
        for reply in &again {
            assert_eq!(reply.code(), 40_301, "{reply:?}");
        }
        assert_eq!(open().await, 0);
    });
}
