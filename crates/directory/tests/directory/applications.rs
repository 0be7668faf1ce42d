//! Integrations and policies.

use crate::support::{ALL, Site, refused};
use countersign_directory::{
    IntegrationFields, IntegrationKeys, IntegrationPatch, NewGroup, NewIntegration, Sections, UserAccess,
};
use serde_json::{Value, json};
use types::{Normalization, SecretString};

fn new(r#type: &str) -> NewIntegration {
    NewIntegration { name: format!("my {type}", type = r#type), r#type: r#type.to_owned(), ..NewIntegration::default() }
}

fn sections(value: Value) -> Sections {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn keys_have_the_shape_that_clients_insist_on() {
    let site = Site::new().await;
    let (row, keys) = site.a().create_integration(&new("authapi")).await.unwrap();
    assert_eq!((row.ikey.len(), &row.ikey[..2]), (20, "DI"));
    assert!(row.ikey.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    let text = keys.secret.text().expose();
    assert!(text.len() == 40 && text.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(site.a().integration_secret(&row.ikey).await.unwrap().ct_eq(text));
    assert_eq!(refused(site.b().integration_secret(&row.ikey).await.map(drop)), "no such integration");
    let second = site.a().create_integration(&new("authapi")).await.unwrap().1;
    assert!(second.ikey != row.ikey && !second.secret.text().ct_eq(text));
}

#[tokio::test]
async fn version_1_is_on_for_unix_alone_until_somebody_says_otherwise() {
    let site = Site::new().await;
    for (r#type, said, wanted) in [
        ("unix", None, true),
        ("authapi", None, false),
        ("openvpn", None, false),
        ("openvpn", Some(true), true),
        ("unix", Some(false), false),
    ] {
        let new = NewIntegration { signature_v1: said, ..new(r#type) };
        assert_eq!(site.a().create_integration(&new).await.unwrap().0.signature_v1, wanted, "{type}", type = r#type);
    }
}

#[tokio::test]
async fn keys_that_clients_have_already_are_kept_and_no_two_tenants_share_one() {
    let site = Site::new().await;
    let skey = SecretString::new("yWHSMhWucAcp7qvuH3HWTaSaKABs8Gaddiv1NIRo".to_owned());
    let keys = IntegrationKeys::parse("DIXYZV6YM8IFYVWBINCA", &skey).unwrap();
    let moved = NewIntegration { keys: Some(keys), ..new("unix") };
    let (row, _) = site.a().create_integration(&moved).await.unwrap();
    assert_eq!(row.ikey, "DIXYZV6YM8IFYVWBINCA");
    assert!(site.a().integration_secret(&row.ikey).await.unwrap().ct_eq(skey.expose()));
    for scope in [site.a(), site.b()] {
        assert_eq!(refused(scope.create_integration(&moved).await.map(drop)), "integration already exists");
    }
    assert_eq!(site.b().rows().integrations(ALL).await.unwrap().total, 0);
    for ikey in ["", "DIXYZV6YM8IFYVWBINC", "DIXYZV6YM8IFYVWBINCa", "XXXYZV6YM8IFYVWBINCA", "DI000000000000000000;"] {
        assert_eq!(refused(IntegrationKeys::parse(ikey, &skey).map(drop)), "invalid: integration_key");
    }
    for skey in ["", "short", "yWHSMhWucAcp7qvuH3HWTaSaKABs8Gaddiv1NIR-"] {
        let skey = SecretString::new(skey.to_owned());
        assert_eq!(refused(IntegrationKeys::parse("DIXYZV6YM8IFYVWBINCA", &skey).map(drop)), "invalid: secret_key");
    }
}

#[tokio::test]
async fn an_integration_is_changed_and_every_change_is_told() {
    let site = Site::new().await;
    let group = site.a().create_group(&NewGroup { name: "g".to_owned(), ..NewGroup::default() }).await.unwrap().id;
    let (row, keys) = site.a().create_integration(&new("authapi")).await.unwrap();
    let mut notices = site.directory.store().engine().notices();
    let patch = IntegrationPatch {
        name: Some("other".to_owned()),
        normalization: Some(Normalization::None),
        access: Some(UserAccess::PermittedGroups),
        groups: Some(vec![group]),
        fields: IntegrationFields::default().with("enabled", true).unwrap().with("notes", "n").unwrap(),
        ..IntegrationPatch::default()
    };
    site.a().change_integration(&row.ikey, &patch).await.unwrap();
    assert_eq!(notices.recv().await.unwrap(), format!("application:{}", row.ikey));
    let now = site.a().rows().integration(&row.ikey).await.unwrap().unwrap();
    assert_eq!((now.name.as_str(), now.normalization.as_str()), ("other", "none"));
    let settings: Value = serde_json::from_str(&now.settings).unwrap();
    let wanted = json!({ "user_access": "PERMITTED_GROUPS", "groups_allowed": [group.to_string()], "enabled": true, "notes": "n" });
    assert_eq!(settings, wanted);
    let secret = site.a().reset_secret(&row.ikey).await.unwrap();
    assert_eq!(notices.recv().await.unwrap(), format!("application:{}", row.ikey));
    assert!(!secret.text().ct_eq(keys.secret.text().expose()));
    assert!(site.a().integration_secret(&row.ikey).await.unwrap().ct_eq(secret.text().expose()));
    site.a().delete_integration(&row.ikey).await.unwrap();
    assert_eq!(notices.recv().await.unwrap(), format!("application:{}", row.ikey));
    assert_eq!(site.directory.store().tenant_of_ikey(&row.ikey).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_integration_is_refused_by_its_name() {
    let site = Site::new().await;
    let group = site.b().create_group(&NewGroup { name: "g".to_owned(), ..NewGroup::default() }).await.unwrap().id;
    let policy = site.b().create_policy("p", &Sections::new()).await.unwrap().id;
    for (what, new) in [
        ("invalid: type", new("")),
        ("invalid: type", new("a b")),
        ("invalid: name", NewIntegration { name: String::new(), ..new("authapi") }),
        ("invalid: groups_allowed", NewIntegration { groups: vec![group], ..new("authapi") }),
        ("no such policy", NewIntegration { policy: Some(policy), ..new("authapi") }),
    ] {
        assert_eq!(refused(site.a().create_integration(&new).await.map(drop)), what);
    }
    assert_eq!(site.a().rows().integrations(ALL).await.unwrap().total, 0);
    assert!(IntegrationFields::default().with("user_access", "ALL_USERS").is_err(), "it has a type of its own");
}

#[tokio::test]
async fn another_tenants_applications_and_policies_are_none() {
    let site = Site::new().await;
    let (row, _) = site.a().create_integration(&new("authapi")).await.unwrap();
    let policy = site.a().create_policy("p", &Sections::new()).await.unwrap().id;
    let group = site.a().create_group(&NewGroup { name: "g".to_owned(), ..NewGroup::default() }).await.unwrap().id;
    let (theirs, _) = site.b().create_integration(&new("authapi")).await.unwrap();
    let b = site.b();
    let mine = IntegrationPatch { policy: Some(Some(policy)), ..IntegrationPatch::default() };
    for (what, result) in [
        ("no such integration", b.change_integration(&row.ikey, &IntegrationPatch::default()).await),
        ("no such integration", b.reset_secret(&row.ikey).await.map(drop)),
        ("no such integration", b.delete_integration(&row.ikey).await),
        ("no such policy", b.change_integration(&theirs.ikey, &mine).await),
        ("no such policy", b.change_policy(policy, Some("x"), None).await),
        ("no such policy", b.delete_policy(policy).await),
        ("no such policy", b.apply_to_group(policy, &theirs.ikey, group, 0).await),
        ("no such group", site.a().apply_to_group(policy, &theirs.ikey, group, 0).await),
    ] {
        assert_eq!(refused(result), what);
    }
    site.a().apply_to_group(policy, &row.ikey, group, 0).await.unwrap();
    assert_eq!(refused(b.unapply_to_group(&row.ikey, group).await), "no such policy");
    assert_eq!(site.a().rows().group_policies(&row.ikey).await.unwrap().len(), 1);
    site.a().unapply_to_group(&row.ikey, group).await.unwrap();
}

#[tokio::test]
async fn a_policy_that_the_engine_cannot_read_is_never_stored() {
    let site = Site::new().await;
    let bad = sections(json!({ "new_user": { "new_user_behavior": "refused" } }));
    let good = sections(json!({ "new_user": { "new_user_behavior": "deny" } }));
    assert_eq!(refused(site.a().create_policy("p", &bad).await), "invalid: refused");
    let policy = site.a().create_policy("p", &good).await.unwrap();
    assert_eq!(refused(site.a().change_policy(policy.id, None, Some(&bad)).await), "invalid: refused");
    assert_eq!(site.a().rows().policy(policy.id).await.unwrap().unwrap().sections, Value::Object(good).to_string());
    let global = site.a().rows().global_policy().await.unwrap().unwrap();
    assert_eq!(refused(site.a().delete_policy(global.id).await), "invalid: the global policy can't be deleted");
    site.a().delete_policy(policy.id).await.unwrap();
}
