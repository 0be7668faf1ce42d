//! Every change stands in the administrator log, and none of them says what nobody may read.

use crate::support::{Site, named};
use countersign_directory::{
    IntegrationPatch, NewBypassCodes, NewGroup, NewIntegration, NewPhone, NewToken, Sections, Seed, SettingsFields,
    UserPatch,
};

#[tokio::test]
async fn every_change_is_logged_by_whom_and_to_what() {
    let site = Site::new().await;
    let (a, random) = (site.a(), site.directory.store().world().clone());
    let user = a.create_user(&named("alice")).await.unwrap().id;
    a.change_user(user, &UserPatch { notes: Some("n".to_owned()), ..UserPatch::default() }).await.unwrap();
    let group = a.create_group(&NewGroup { name: "g".to_owned(), ..NewGroup::default() }).await.unwrap().id;
    a.add_to_group(user, group).await.unwrap();
    let phone = NewPhone { number: Some("+15035550100".parse().unwrap()), ..NewPhone::default() };
    let phone = a.create_phone(&phone).await.unwrap().id;
    a.attach_phone(user, phone).await.unwrap();
    let seed = Seed::generate(&random);
    let token = NewToken::Totp { serial: "s".to_owned(), seed: seed.clone(), digits: 6, step: 30 };
    let token = a.create_token(&token).await.unwrap().id;
    a.attach_token(user, token).await.unwrap();
    let (codes, _) = a.create_bypass_codes(user, &NewBypassCodes::default()).await.unwrap();
    let new = NewIntegration { name: "i".to_owned(), r#type: "authapi".to_owned(), ..NewIntegration::default() };
    let (row, keys) = a.create_integration(&new).await.unwrap();
    a.change_integration(&row.ikey, &IntegrationPatch::default()).await.unwrap();
    let shown = a.integration_secret(&row.ikey).await.unwrap();
    let secret = a.reset_secret(&row.ikey).await.unwrap();
    let policy = a.create_policy("p", &Sections::new()).await.unwrap().id;
    a.apply_to_group(policy, &row.ikey, group, 0).await.unwrap();
    a.change_settings(&SettingsFields::default().with("sms_batch", 2).unwrap()).await.unwrap();
    a.unapply_to_group(&row.ikey, group).await.unwrap();
    a.delete_policy(policy).await.unwrap();
    a.delete_integration(&row.ikey).await.unwrap();
    a.delete_bypass_codes(user).await.unwrap();
    a.detach_token(user, token).await.unwrap();
    a.delete_token(token).await.unwrap();
    a.detach_phone(user, phone).await.unwrap();
    a.delete_phone(phone).await.unwrap();
    a.remove_from_group(user, group).await.unwrap();
    a.delete_group(group).await.unwrap();
    a.delete_user(user).await.unwrap();

    let log = site.log().await;
    let mut actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
    actions.sort_unstable();
    let mut wanted = vec![
        "customer_create",
        "user_create",
        "user_update",
        "group_create",
        "group_associate",
        "phone_create",
        "phone_associate",
        "hardtoken_create",
        "hardtoken_associate",
        "bypass_create",
        "integration_create",
        "integration_update",
        "integration_skey_view",
        "integration_skey_reset",
        "policy_create",
        "policy_apply",
        "customer_update",
        "policy_unapply",
        "policy_delete",
        "integration_delete",
        "bypass_delete",
        "hardtoken_disassociate",
        "hardtoken_delete",
        "phone_disassociate",
        "phone_delete",
        "group_disassociate",
        "group_delete",
        "user_delete",
    ];
    wanted.sort_unstable();
    assert_eq!(actions, wanted);
    let by = |action: &str| if action == "customer_create" { "setup" } else { "admin of a" };
    assert!(log.iter().all(|entry| entry.actor == by(&entry.action)));
    let text = format!("{log:?}");
    let mut secrets = vec!["+15035550100".to_owned(), "0100".to_owned(), seed.to_base32().expose().to_owned()];
    secrets.extend([keys.secret.text(), secret.text(), &shown].map(|secret| secret.expose().to_owned()));
    secrets.extend(codes.iter().map(|code| code.expose().to_owned()));
    for secret in secrets {
        assert!(!text.contains(&secret), "the log tells a secret");
    }
    let none = site
        .b()
        .rows()
        .admin_log_count(&store::Span::new(types::Millis(0), types::Millis(i64::MAX), 9), 9)
        .await
        .unwrap();
    assert_eq!(none, 1, "only its own making stands in the other tenant's log");
}
