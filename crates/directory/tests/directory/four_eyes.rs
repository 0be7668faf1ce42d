//! Whoever has a passkey is given nothing by an administrator who is alone, whatever the way.

use crate::{
    passkeys::passkey,
    support::{NOW, Site, refused},
};
use countersign_directory::{
    DirectoryError, NewBypassCodes, NewPhone, NewToken, PhonePatch, Scope, Seed, Status, UserPatch,
};
use store::ProviderRow;
use types::{PhoneId, SecretString, TokenId, UserId};

struct Things {
    token: TokenId,
    phone: PhoneId,
    numbered: PhoneId,
    provider: String,
}

/// People may come from it.
async fn provider(site: &Site, key: &str) {
    let row = ProviderRow {
        key: key.to_owned(),
        kind: "oidc".to_owned(),
        settings: "{}".to_owned(),
        secret: None,
        enabled: true,
        set_at: NOW,
        set_by: "setup".to_owned(),
    };
    site.a().add_provider(&row).await.unwrap();
}

async fn things(site: &Site, user: UserId, serial: &str) -> Things {
    let a = site.a();
    let seed = Seed::from_hex(&SecretString::new("00".repeat(20))).unwrap();
    let token = NewToken::Totp { serial: serial.to_owned(), seed, digits: 6, step: 30 };
    let token = a.create_token(&token).await.unwrap().id;
    let phone = a.create_phone(&NewPhone::default()).await.unwrap().id;
    let numbered = a.create_phone(&NewPhone::default()).await.unwrap().id;
    a.attach_phone(user, numbered).await.unwrap();
    let key = format!("provider-{serial}");
    provider(site, &key).await;
    Things { token, phone, numbered, provider: key }
}

/// Every way in which an administrator adds to what somebody signs in with, or makes room for it.
async fn ways(scope: Scope<'_>, user: UserId, of: &Things) -> Vec<(&'static str, Result<(), DirectoryError>)> {
    let number = PhonePatch { number: Some(Some("+15035550100".parse().unwrap())), ..PhonePatch::default() };
    let bypass = UserPatch { status: Some(Status::Bypass), ..UserPatch::default() };
    let renamed = UserPatch { username: Some("somebody else".to_owned()), ..UserPatch::default() };
    vec![
        ("a token", scope.attach_token(user, of.token).await.map(drop)),
        ("a telephone", scope.attach_phone(user, of.phone).await.map(drop)),
        ("another number", scope.change_phone(of.numbered, &number).await.map(drop)),
        ("a provider's word", scope.link_provider(user, &of.provider, "somebody there").await.map(drop)),
        ("bypass codes", scope.create_bypass_codes(user, &NewBypassCodes::default()).await.map(drop)),
        ("no second factor at all", scope.change_user(user, &bypass).await),
        ("a name that becomes free", scope.change_user(user, &renamed).await),
    ]
}

#[tokio::test]
async fn an_administrator_who_is_alone_adds_nothing_where_there_is_a_passkey() {
    let site = Site::new().await;
    let (guarded, other) = (site.user("alice").await.id, site.user("bob").await.id);
    let (of, of_other) = (things(&site, guarded, "1").await, things(&site, other, "2").await);
    let key = passkey(&site, guarded).await;
    for suspended in [false, true] {
        if suspended {
            site.a().suspend_passkey(key, "lost").await.unwrap();
        }
        for (what, done) in ways(site.a(), guarded, &of).await {
            assert!(matches!(done, Err(DirectoryError::Guarded)), "{what}");
        }
    }
    // Deleted, the name stays taken.
    site.a().delete_user(guarded).await.unwrap();
    assert!(site.a().rows().user(guarded).await.unwrap().unwrap().deleted_at.is_some());
    assert!(site.a().restore_user(guarded).await.unwrap());
    // Who asked himself, and somebody who didn't ask, are alone too.
    let rows = site.a().rows();
    let mut tx = rows.begin().await.unwrap();
    tx.ask_addition(guarded, "admin of a", NOW).await.unwrap();
    assert!(!tx.allow_addition(guarded, "admin of a", "admin of a", NOW).await.unwrap());
    assert!(!tx.allow_addition(guarded, "nobody", "second", NOW).await.unwrap());
    tx.commit().await.unwrap();
    for (what, done) in ways(site.a(), guarded, &of).await {
        assert!(matches!(done, Err(DirectoryError::Guarded)), "{what}, asked for");
    }
    let mut tx = rows.begin().await.unwrap();
    assert!(tx.allow_addition(guarded, "admin of a", "second", NOW).await.unwrap());
    assert!(!tx.allow_addition(guarded, "admin of a", "third", NOW).await.unwrap());
    tx.commit().await.unwrap();
    let third = site.directory.tenant(site.a, "third");
    for (what, done) in ways(third, guarded, &of).await {
        assert!(matches!(done, Err(DirectoryError::Guarded)), "{what}, by a third");
    }
    for (what, done) in ways(site.a(), guarded, &of).await {
        assert_eq!(refused(done), "accepted", "{what}, by two");
    }
    // Where there is no passkey nobody is asked. (The name of the first is "somebody else" now.)
    let name = UserPatch { username: Some("alice".to_owned()), ..UserPatch::default() };
    site.a().change_user(guarded, &name).await.unwrap();
    for (what, done) in ways(site.a(), other, &of_other).await {
        assert_eq!(refused(done), "accepted", "{what}, no passkey");
    }
}

#[tokio::test]
async fn somebody_who_could_sign_in_before_hears_of_an_addition_and_somebody_new_does_not() {
    let site = Site::new().await;
    let user = site.user("alice").await.id;
    let number = NewPhone { number: Some("+15035550100".parse().unwrap()), ..NewPhone::default() };
    let first = site.a().create_phone(&number).await.unwrap().id;
    assert!(site.a().attach_phone(user, first).await.unwrap().is_none(), "nobody to warn");
    let second = site.a().create_phone(&NewPhone::default()).await.unwrap().id;
    let added = site.a().attach_phone(user, second).await.unwrap().unwrap();
    assert_eq!((added.user, added.kind, added.by.as_str()), (user, "phone", "admin of a"));
    let (_, added) = site.a().create_bypass_codes(user, &NewBypassCodes::default()).await.unwrap();
    assert_eq!(added.unwrap().kind, "bypass_codes");
    let patch = PhonePatch { number: Some(Some("+15035550101".parse().unwrap())), ..PhonePatch::default() };
    assert_eq!(site.a().change_phone(first, &patch).await.unwrap().len(), 1);
    let name = PhonePatch { name: Some("mine".to_owned()), ..PhonePatch::default() };
    assert!(site.a().change_phone(first, &name).await.unwrap().is_empty(), "a name adds nothing");
    provider(&site, "corp").await;
    let added = site.a().link_provider(user, "corp", "u1").await.unwrap().unwrap();
    assert_eq!((added.kind, added.name.as_str()), ("provider", "corp"));
    assert_eq!(site.a().rows().changes_of_user(user, NOW).await.unwrap().len(), 4);
    // Another provider's word opens something to who has no authenticator.
    let newcomer = site.user("bob").await.id;
    provider(&site, "partner").await;
    assert!(site.a().link_provider(newcomer, "corp", "u2").await.unwrap().is_none(), "nobody to warn");
    assert!(site.a().link_provider(newcomer, "partner", "u2").await.unwrap().is_some());
}
