//! What a browser left behind goes: when its time is over, with its user, and after a restore.

use crate::{
    rows::LATER,
    support::{NOW, Site, each_engine},
};
use countersign_store::{SignInRow, StoreError, login::Proof};
use std::time::Duration;
use types::{Millis, SessionId, TenantId, UserId};

const OVER: Millis = Millis(LATER.0 + 1);

/// One of each thing for a new user of this tenant.
struct Left {
    user: UserId,
    sign_in: SignInRow,
    session: SessionId,
    mark: u8,
}

async fn left(site: &Site, tenant: TenantId, name: &str, mark: u8) -> Left {
    let user = site.user_of(tenant, name).await;
    let (mut sign_in, session) = (site.new_sign_in(), site.new_session(user));
    sign_in.user_id = Some(user);
    site.write_as(tenant, async |tx| {
        assert!(tx.insert_passkey(&site.new_passkey(user, mark)).await?);
        tx.insert_sign_in(&sign_in).await?;
        tx.insert_session(&session).await?;
        tx.insert_grant(&site.new_grant(user, session.id, mark)).await?;
        tx.know_browser(user, [mark; 32], NOW, LATER).await?;
        tx.insert_recovery(&site.new_recovery(user, "pass")).await?;
        tx.insert_recovery(&site.new_recovery(user, "code")).await?;
        tx.insert_change(&site.new_change(user, mark)).await
    })
    .await;
    Left { user, sign_in, session: session.id, mark }
}

/// What is there of it.
async fn there(site: &Site, tenant: TenantId, left: &Left) -> Result<Vec<&'static str>, StoreError> {
    let (scope, digest) = (site.store.tenant(tenant), [left.mark; 32]);
    let found = [
        ("passkey", !scope.passkeys_of_user(left.user).await?.is_empty()),
        ("sign_in", scope.sign_in(left.sign_in.id).await?.is_some()),
        ("session", scope.session(left.session).await?.is_some()),
        ("grant", scope.grant(&digest).await?.is_some()),
        ("browser", scope.browser_known(left.user, &digest, NOW).await?),
        ("pass", !scope.recovery_secrets(left.user, "pass", NOW).await?.is_empty()),
        ("code", !scope.recovery_secrets(left.user, "code", NOW).await?.is_empty()),
        ("change", scope.change_by_undo(&digest).await?.is_some()),
    ];
    Ok(found.into_iter().filter_map(|(what, there)| there.then_some(what)).collect())
}

const EVERYTHING: [&str; 8] = ["passkey", "sign_in", "session", "grant", "browser", "pass", "code", "change"];

async fn purge(site: &Site, before: Millis, limit: i64) -> [usize; 6] {
    let store = &site.store;
    [
        store.purge_sign_ins(before, limit).await.unwrap(),
        store.purge_sessions(before, limit).await.unwrap(),
        store.purge_grants(before, limit).await.unwrap(),
        store.purge_browsers(before, limit).await.unwrap(),
        store.purge_recovery(before, limit).await.unwrap(),
        store.purge_changes(before, limit).await.unwrap(),
    ]
}

#[test]
fn what_is_over_goes_in_pieces_of_every_tenant_and_nothing_else() {
    each_engine(async |site| {
        let all = [
            (site.a, left(site, site.a, "one", 1).await),
            (site.a, left(site, site.a, "two", 2).await),
            (site.b, left(site, site.b, "three", 3).await),
        ];
        assert_eq!(purge(site, LATER, 10).await, [0; 6]);
        for (tenant, left) in &all {
            assert_eq!(there(site, *tenant, left).await.unwrap(), EVERYTHING);
        }
        assert_eq!(purge(site, OVER, 2).await, [2; 6]);
        assert_eq!(purge(site, OVER, 2).await, [1; 6]);
        assert_eq!(purge(site, OVER, 2).await, [0; 6]);
        for (tenant, left) in &all {
            assert_eq!(there(site, *tenant, left).await.unwrap(), ["passkey", "code"]);
        }
    });
}

#[test]
fn with_a_user_everything_goes_and_nothing_of_another() {
    each_engine(async |site| {
        let (gone, stays) = (left(site, site.a, "gone", 1).await, left(site, site.a, "stays", 2).await);
        assert!(site.write(async |tx| tx.delete_user(gone.user).await).await);
        assert!(there(site, site.a, &gone).await.unwrap().is_empty());
        assert_eq!(there(site, site.a, &stays).await.unwrap(), EVERYTHING);
        // The credential can be registered again.
        assert!(site.write(async |tx| tx.insert_passkey(&site.new_passkey(stays.user, 1)).await).await);
    });
}

#[test]
fn after_a_restore_nobody_is_signed_in() {
    each_engine(async |site| {
        let (restored, other) = (left(site, site.a, "restored", 1).await, left(site, site.b, "other", 2).await);
        site.write(async |tx| tx.void_after_restore(NOW + Duration::from_secs(1)).await).await;
        assert_eq!(there(site, site.a, &restored).await.unwrap(), ["passkey", "code", "change"]);
        assert_eq!(there(site, site.b, &other).await.unwrap(), EVERYTHING);
        // What a passkey proves is not taken back: its owner can sign in.
        let proof = Proof::Passkey {
            passkey: site.a().passkeys_of_user(restored.user).await.unwrap()[0].id,
            counter: 0,
            backed_up: false,
        };
        let (entry, tenant, user) = (site.new_auth_log(NOW, "success"), site.a, restored.user);
        let log = Box::new(move |_| entry);
        let one = countersign_store::login::Authentication {
            tenant,
            user,
            proof,
            failures_seen: 0,
            threshold: 10,
            now: NOW,
            log,
        };
        let done = countersign_store::login::record_authentications(site.store.engine(), vec![one]).await.unwrap();
        assert_eq!(done, [countersign_store::login::Recorded::Won]);
    });
}
