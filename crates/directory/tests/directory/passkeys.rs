//! Passkeys and sessions in an administrator's hands.

use crate::support::{NOW, Site, refused};
use countersign_directory::{Status, UserPatch};
use store::{PasskeyRow, SessionRow};
use types::{Millis, PasskeyId, SessionId, UserId, World};

pub(crate) async fn passkey(site: &Site, user: UserId) -> PasskeyId {
    let id = PasskeyId::new(NOW, World::real().random.as_ref());
    let row = PasskeyRow {
        id,
        user_id: user,
        credential_id: id.as_bytes().to_vec(),
        credential: b"{}".to_vec(),
        name: "key".to_owned(),
        aaguid: String::new(),
        transports: String::new(),
        counter: 0,
        backup_eligible: false,
        backed_up: false,
        user_verified: true,
        attestation: "none".to_owned(),
        suspended_at: None,
        suspended_reason: String::new(),
        last_used: None,
        created: NOW,
    };
    let mut tx = site.a().rows().begin().await.unwrap();
    assert!(tx.insert_passkey(&row).await.unwrap());
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn session(site: &Site, user: UserId) {
    let row = SessionRow {
        id: SessionId::new(NOW, World::real().random.as_ref()),
        user_id: user,
        digest: vec![1; 32],
        strength: "passkey".to_owned(),
        detail: vec![1],
        created: NOW,
        last_seen: NOW,
        expires: Millis(NOW.0 + 1_000_000),
        ended_at: None,
        level: 3,
        amr: "hwk,user,mfa".to_owned(),
        auth_time: NOW,
        bound_key: None,
        proved_at: Millis(0),
    };
    let mut tx = site.a().rows().begin().await.unwrap();
    tx.insert_session(&row).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn open(site: &Site, user: UserId) -> usize {
    site.a().rows().sessions_of_user(user, NOW).await.unwrap().len()
}

#[tokio::test]
async fn a_passkey_is_suspended_restored_and_deleted_in_its_own_house() {
    let site = Site::new().await;
    let alice = site.user("alice").await.id;
    let id = passkey(&site, alice).await;
    assert_eq!(refused(site.b().suspend_passkey(id, "lost").await), "no such passkey");
    assert_eq!(refused(site.b().restore_passkey(id).await), "no such passkey");
    assert_eq!(refused(site.b().delete_passkey(id).await), "no such passkey");
    for bad in ["", "a\nb", &"x".repeat(201)] {
        assert_eq!(refused(site.a().suspend_passkey(id, bad).await), "invalid: reason");
    }
    session(&site, alice).await;
    assert!(site.a().suspend_passkey(id, "lost").await.unwrap());
    assert_eq!(open(&site, alice).await, 0);
    assert!(!site.a().suspend_passkey(id, "lost again").await.unwrap());
    assert_eq!(site.a().rows().user(alice).await.unwrap().unwrap().passkeys, 0);
    assert!(site.a().restore_passkey(id).await.unwrap());
    assert!(!site.a().restore_passkey(id).await.unwrap());
    assert_eq!(site.a().rows().user(alice).await.unwrap().unwrap().passkeys, 1);
    session(&site, alice).await;
    // The last one is what keeps an administrator who is alone from adding something: suspended it can be, not taken away.
    assert!(refused(site.a().delete_passkey(id).await).contains("another administrator"));
    let second = passkey(&site, alice).await;
    site.a().delete_passkey(id).await.unwrap();
    assert!(refused(site.a().delete_passkey(second).await).contains("another administrator"));
    assert_eq!(open(&site, alice).await, 0);
    assert_eq!(refused(site.a().delete_passkey(id).await), "no such passkey");
    let mut acts: Vec<_> =
        site.log().await.into_iter().map(|row| row.action).filter(|act| act.starts_with("webauthn")).collect();
    acts.sort();
    assert_eq!(acts, ["webauthn_credential_delete", "webauthn_credential_restore", "webauthn_credential_suspend"]);
}

#[tokio::test]
async fn who_is_disabled_or_put_in_the_trash_is_signed_out() {
    let site = Site::new().await;
    let alice = site.user("alice").await.id;
    session(&site, alice).await;
    let set = async |status| {
        let patch = UserPatch { status: Some(status), ..UserPatch::default() };
        site.a().change_user(alice, &patch).await.unwrap();
    };
    set(Status::Bypass).await;
    assert_eq!(open(&site, alice).await, 1);
    set(Status::Disabled).await;
    assert_eq!(open(&site, alice).await, 0);
    set(Status::Active).await;
    session(&site, alice).await;
    assert!(site.a().trash_user(alice).await.unwrap());
    assert_eq!(open(&site, alice).await, 0);
    session(&site, alice).await;
    assert_eq!(refused(site.b().end_sessions(alice).await), "no such user");
    assert_eq!(site.a().end_sessions(alice).await.unwrap(), 1);
    assert_eq!(site.a().end_sessions(alice).await.unwrap(), 0);
}
