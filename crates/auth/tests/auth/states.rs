//! Every state of a user and every rule that comes before a factor, at preauth and again at begin.

use crate::support::{House, SEED, each_engine};
use countersign_auth::{Client, Hints, Subject, Verdict};

async fn verdict(house: &House, name: &str, ip: Option<&str>) -> (Verdict, String) {
    let client = Client { ip: ip.map(|ip| ip.parse().unwrap()), ..Client::default() };
    let subject = Subject::Name(name.to_owned());
    let preauth = house.auth.preauth(&*house.app().await, &subject, &client, &Hints::default()).await.unwrap();
    (preauth.decision.verdict, preauth.decision.rule)
}

#[test]
fn states_decide_before_factors() {
    each_engine("{}", async |house| {
        for (name, status, expected) in [
            ("active", "active", Verdict::Challenge),
            ("bypass", "bypass", Verdict::Allow),
            ("disabled", "disabled", Verdict::Deny),
        ] {
            let user = house.user(name).await;
            house.token(user, "t6", SEED).await;
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            tx.set_user_status(user, status).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(verdict(house, name, None).await.0, expected, "{name}");
            // A right code doesn't help who is out, and isn't asked of who is let in.
            let outcome = house.passcode(name, &house.totp()).await;
            assert_eq!(outcome.allow, expected != Verdict::Deny, "{name}");
        }
        let gone = house.user("gone").await;
        house.token(gone, "t6", SEED).await;
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.mark_user_deleted(gone, house.world.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(verdict(house, "gone", None).await.0, Verdict::Deny);
        assert!(!house.passcode("gone", &house.totp()).await.allow);
    });
}

#[test]
fn a_new_user_enrols_by_default_and_a_user_without_a_device_too() {
    each_engine("{}", async |house| {
        house.user("bare").await;
        assert_eq!(verdict(house, "nobody", None).await, (Verdict::Enroll, "default: new_user".to_owned()));
        assert_eq!(verdict(house, "bare", None).await, (Verdict::Enroll, "default: new_user".to_owned()));
        assert!(!house.passcode("bare", "000000").await.allow);
    });
}

#[test]
fn a_group_that_is_disabled_outweighs_one_in_bypass() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        for (name, status, expected) in [("by", "bypass", Verdict::Allow), ("dis", "disabled", Verdict::Deny)] {
            let group = store::GroupRow {
                id: types::GroupId::new(house.world.now(), house.world.random.as_ref()),
                name: name.to_owned(),
                description: String::new(),
                status: status.to_owned(),
                created: house.world.now(),
            };
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            tx.insert_group(&group).await.unwrap();
            tx.add_member(user, group.id).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(verdict(house, "ana", None).await, (expected, format!("group {name}: {status}")));
        }
    });
}

#[test]
fn a_policy_that_cannot_be_understood_is_an_error_and_no_way_in() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let policy = store::PolicyRow {
            id: types::PolicyId::new(house.world.now(), house.world.random.as_ref()),
            name: "broken".to_owned(),
            is_global: true,
            sections: r#"{"new_user": {"new_user_behavior": "whatever"}}"#.to_owned(),
            created: house.world.now(),
        };
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.insert_policy(&policy).await.unwrap();
        tx.commit().await.unwrap();
        assert!(house.auth.applications().get(crate::support::IKEY).await.is_err());
    });
}

#[test]
fn an_application_that_is_off_denies_and_its_own_rules_hold() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        for (ikey, settings, name, expected) in [
            ("DICCCCCCCCCCCCCCCCCC", r#"{"enabled": false}"#, "ana", Verdict::Deny),
            ("DIDDDDDDDDDDDDDDDDDD", r#"{"enroll_policy": "deny"}"#, "nobody", Verdict::Deny),
            ("DIEEEEEEEEEEEEEEEEEE", r#"{"enroll_policy": "allow"}"#, "nobody", Verdict::Allow),
        ] {
            house.add_application(ikey, settings).await;
            let app = house.auth.applications().get(ikey).await.unwrap().unwrap();
            let subject = Subject::Name(name.to_owned());
            let preauth = house.auth.preauth(&app, &subject, &Client::default(), &Hints::default()).await.unwrap();
            assert_eq!(preauth.decision.verdict, expected, "{settings}");
        }
    });
}

#[test]
fn an_account_named_by_a_mail_address_is_found_under_either_normalization() {
    each_engine("{}", async |house| {
        let user = house.user("alice@corp.example").await;
        house.token(user, "t6", SEED).await;
        assert_eq!(verdict(house, "Alice@corp.example", None).await.0, Verdict::Challenge);
        assert_eq!(verdict(house, "alice", None).await.0, Verdict::Enroll);
    });
}
