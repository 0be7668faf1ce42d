//! constraint_3: an internal error at a sign-in is a denial with status 200. Duo's clients let people in on a 5xx, a 401 and silence.

use crate::{
    house::{House, Reply, block_on, each_engine, on_engine, patient},
    support::{
        database::Database,
        signing::{Version, pairs},
    },
};
use countersign_duo_api::{Closed, Surface, routes};
use countersign_e2e::{
    engines::{Engine, wanted},
    postgres::Postgres,
};
use std::time::Duration;

/// Every sign-in of the door, with parameters that are good.
async fn sign_ins(house: &House, txid: &str) -> Vec<(String, Reply)> {
    let name = house.a.username.clone();
    let mut replies = Vec::new();
    for route in routes().filter(|route| matches!(route.closed, Closed::Deny(_))) {
        assert_eq!(route.surface, Surface::Auth);
        let (old, user) = if route.path.starts_with("/rest/") { (true, "user") } else { (false, "username") };
        let keys = if old { &house.a.unix } else { &house.a.app };
        let all = pairs(&[
            (user, &name),
            ("factor", "passcode"),
            ("passcode", &house.a.bypass_code),
            ("code", &house.a.bypass_code),
            ("txid", txid),
        ]);
        let params = if route.path.contains("status") { all[4..].to_vec() } else { all[..4].to_vec() };
        for version in if old { vec![Version::V1, Version::V2] } else { vec![Version::V5, Version::V2] } {
            let reply = house.call(keys, version, (route.method.http().as_str(), route.path), &params).await;
            replies.push((format!("{} {} {version:?}", route.method.http(), route.path), reply));
        }
    }
    assert!(replies.len() >= 24, "{}", replies.len());
    replies
}

async fn assert_denied(house: &House, txid: &str) {
    for (what, reply) in sign_ins(house, txid).await {
        assert_eq!(reply.status, 200, "{what}: {reply:?}");
        assert_eq!((reply.value["stat"].as_str(), reply.result()), (Some("OK"), "deny"), "{what}: {reply:?}");
        let said = [reply.said("status"), reply.said("status_msg")];
        assert!(said.iter().any(|text| text.contains("unavailable")), "{what}: {reply:?}");
    }
}

#[test]
fn constraint_3_with_a_damaged_database_every_sign_in_is_denied_with_a_200() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let (id, _) = house.push(&house.a).await;
        // The control: somebody could get in before.
        assert!(sign_ins(house, &id.to_string()).await.iter().any(|(_, reply)| reply.result() == "allow"));
        house.clock.advance(Duration::from_secs(1));
        house.database.break_sqlite();
        assert_denied(house, &id.to_string()).await;
        // Nor when the application isn't known from before.
        house.auth.applications().forget_all();
        house.clock.advance(Duration::from_secs(1));
        assert_denied(house, &id.to_string()).await;
    });
}

#[test]
fn constraint_3_with_a_killed_database_every_sign_in_is_denied_and_the_next_ones_work_again() {
    if !wanted().unwrap().contains(&Engine::Postgres) {
        return;
    }
    // Its own, because it is killed; a static, because the fixtures of this program hold on to it.
    static SERVER: std::sync::OnceLock<Postgres> = std::sync::OnceLock::new();
    let server = SERVER.get_or_init(|| Postgres::start().unwrap());
    block_on(async {
        let house = House::build(tempfile::tempdir().unwrap(), Database::fresh(server), patient()).await;
        let (id, _) = house.push(&house.a).await;
        server.kill9().unwrap();
        for _ in 0..2 {
            house.clock.advance(Duration::from_secs(1));
            assert_denied(&house, &id.to_string()).await;
            house.auth.applications().forget_all();
        }
        server.restart().unwrap();
        house.clock.advance(Duration::from_secs(1));
        let again = sign_ins(&house, &id.to_string()).await;
        assert!(again.iter().any(|(_, reply)| reply.result() == "allow"), "{again:?}");
    });
}

/// What an internal error is at the routes that are no sign-in: a 50000 in the envelope, and nothing of its cause.
#[test]
fn an_internal_error_elsewhere_is_a_50000_that_says_nothing() {
    each_engine(patient(), async |house| {
        if let Database::Sqlite(_) = house.database {
            house.database.break_sqlite();
            let params = pairs(&[("username", "somebody")]);
            for (keys, call) in [
                (&house.a.admin, ("GET", "/admin/v1/users")),
                (&house.a.admin, ("POST", "/admin/v1/users")),
                (&house.a.app, ("POST", "/auth/v2/enroll")),
            ] {
                let reply = house.call(keys, Version::V5, call, &params).await;
                assert_eq!((reply.status.as_u16(), reply.code()), (500, 50_000), "{call:?}: {reply:?}");
                for word in ["table", "users", "sql", "statement"] {
                    assert!(!reply.text().to_lowercase().contains(word), "{call:?}: {}", reply.text());
                }
            }
        }
    });
}
