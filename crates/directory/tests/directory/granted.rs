//! What applications were granted for longer than a session, and what an administrator does to a person.

use crate::{
    passkeys::{open, passkey, session},
    support::{NOW, Site},
};
use countersign_directory::{Status, UserPatch};
use store::{GrantFamilyRow, PasswordRow, ProviderLinkRow, SessionTimes};
use types::{GrantId, Millis, UserId, World};

async fn granted(site: &Site, user: UserId) -> GrantId {
    let row = GrantFamilyRow {
        id: GrantId::new(NOW, World::real().random.as_ref()),
        user_id: Some(user),
        ikey: "DICLIENT000000000000".to_owned(),
        session_id: None,
        detail: vec![1; 40],
        created: NOW,
        expires: Millis(NOW.0 + 1_000_000),
        revoked_at: None,
    };
    let mut plan = site.a().rows().plan();
    plan.insert_grant_family(&row);
    plan.commit().await.unwrap();
    row.id
}

/// A new way to end a person's sessions belongs into this list, or among those that only sign out.
const ACTS: [&str; 9] =
    ["disable", "trash", "password", "no password", "unlink", "provider", "suspend", "delete", "sign out"];

#[tokio::test]
async fn whoever_is_shut_out_or_given_something_new_keeps_nothing_that_was_granted() {
    let site = Site::new().await;
    for (at, act) in ACTS.into_iter().enumerate() {
        let user = site.user(&format!("alice{at}")).await.id;
        let password = PasswordRow { user_id: user, hash: vec![1; 40], set_at: NOW, set_by: "test".to_owned() };
        let mut tx = site.a().rows().begin().await.unwrap();
        if act == "no password" {
            tx.set_password(&password).await.unwrap();
        }
        if act == "unlink" {
            assert!(tx.link_directory(user, &[7; 16], NOW).await.unwrap());
        }
        if act == "provider" {
            let link = ProviderLinkRow {
                provider: "corp".to_owned(),
                subject: "u1".to_owned(),
                user_id: user,
                created: NOW,
                made_by: "test".to_owned(),
            };
            assert!(tx.insert_provider_link(&link).await.unwrap());
        }
        tx.commit().await.unwrap();
        // Who has a passkey is given nothing by an administrator who is alone.
        let key = if matches!(act, "suspend" | "delete") { Some(passkey(&site, user).await) } else { None };
        session(&site, user).await;
        let family = granted(&site, user).await;
        let scope = site.a();
        match (act, key) {
            ("disable", _) => {
                let patch = UserPatch { status: Some(Status::Disabled), ..UserPatch::default() };
                scope.change_user(user, &patch).await.unwrap();
                // Who is let in again finds nothing of before.
                let patch = UserPatch { status: Some(Status::Active), ..UserPatch::default() };
                scope.change_user(user, &patch).await.unwrap();
            }
            ("trash", _) => assert!(scope.trash_user(user).await.unwrap() && scope.restore_user(user).await.unwrap()),
            ("password", _) => drop(scope.set_password(&password).await.unwrap()),
            ("no password", _) => assert!(scope.clear_password(user).await.unwrap()),
            ("unlink", _) => assert!(scope.unlink_directory(user).await.unwrap()),
            ("provider", _) => {
                assert!(!scope.unlink_provider(user, "another").await.unwrap());
                assert_eq!(open(&site, user).await, 1, "there was nothing to forget");
                assert!(scope.unlink_provider(user, "corp").await.unwrap());
            }
            ("suspend", Some(key)) => assert!(scope.suspend_passkey(key, "lost").await.unwrap()),
            ("delete", Some(key)) => {
                passkey(&site, user).await;
                scope.delete_passkey(key).await.unwrap();
            }
            _ => assert_eq!(scope.end_sessions(user).await.unwrap(), 1),
        }
        assert_eq!(open(&site, user).await, 0, "{act}");
        let times = SessionTimes { now: NOW, seen_after: Millis(0), proved_after: Millis(0) };
        let found = scope.rows().grant_family(family, times).await.unwrap().unwrap();
        assert_eq!(found.family.revoked_at.is_none(), act == "sign out", "{act}");
    }
}
