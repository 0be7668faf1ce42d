//! Rotations by the command line, while the engine serves from the same directory.

use super::support::{House, block_on, countersign, done, path, run};
use keys::{FileRoot, RootKey as _, TenantKeys};
use std::{path::PathBuf, sync::Arc, time::Duration};
use store::{SessionRow, fields};
use types::{Millis, PhoneId, SessionId, TenantId, UserId};

/// Runs the program beside the engine.
async fn beside(dir: &std::path::Path, arguments: &[&str]) -> String {
    let (dir, arguments): (PathBuf, Vec<String>) =
        (dir.to_owned(), arguments.iter().map(|argument| (*argument).to_owned()).collect());
    tokio::task::spawn_blocking(move || done(&dir, &arguments.iter().map(String::as_str).collect::<Vec<_>>()))
        .await
        .unwrap()
}

/// The name of the tenant's own secret.
const NAME: &str = "vapid";

/// A session, a subscription of `phone`, and a secret of the tenant's own.
async fn leave_a_browser(house: &House, tenant: TenantId, phone: PhoneId) -> SessionId {
    let (scope, random, now) = (house.services.store.tenant(tenant), house.world.random.as_ref(), house.world.now());
    let (keys, id) = (scope.keys().await.unwrap(), SessionId::new(now, random));
    let session = SessionRow {
        id,
        user_id: UserId::new(now, random),
        digest: vec![0; 32],
        strength: "passkey".to_owned(),
        detail: keys.seal(fields::session_detail(&id), b"a browser", random).unwrap(),
        created: now,
        last_seen: now,
        expires: now + Duration::from_secs(3600),
        ended_at: None,
        level: 3,
        amr: "hwk,user,mfa".to_owned(),
        auth_time: now,
        bound_key: None,
        proved_at: Millis(0),
    };
    let subscription = keys.seal(fields::push_subscription(&phone), b"an address", random).unwrap();
    let secret = keys.seal(fields::tenant_secret(NAME), b"a key", random).unwrap();
    let mut tx = scope.begin().await.unwrap();
    tx.insert_session(&session).await.unwrap();
    assert!(tx.set_push_subscription(phone, &subscription, now).await.unwrap());
    assert!(tx.insert_secret(NAME, &secret, now).await.unwrap());
    tx.commit().await.unwrap();
    id
}

#[test]
fn a_tenants_key_is_rotated_and_every_value_resealed_while_people_sign_in() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    block_on(async {
        let house = Arc::new(House::open(&dir).await);
        let (tenant, ikey) = house.tenant("acme").await;
        let (other, _) = house.tenant("other").await;
        let anna = house.person(tenant, "anna", false).await;
        let phone = house
            .with_scope(tenant, async |scope| {
                let new = directory::NewPhone {
                    number: Some("+12025550143".parse().unwrap()),
                    ..directory::NewPhone::default()
                };
                scope.create_phone(&new).await.unwrap().id
            })
            .await;
        let scope = house.services.store.tenant(tenant);
        let session = leave_a_browser(&house, tenant, phone).await;
        // People sign in all the time: no login may fail because of a rotation.
        let (load, ikey2, anna2) = (Arc::clone(&house), ikey.clone(), anna.clone());
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let load = tokio::spawn(async move {
            let mut counter = 0;
            while !stopped.load(std::sync::atomic::Ordering::Acquire) {
                let outcome = load.login(&ikey2, &anna2.name, anna2.code(counter)).await;
                assert!(outcome.allow, "login {counter}: {}", outcome.message);
                counter += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            counter
        });
        let said = beside(&dir, &["keys", "rotate-tenant", "api-acme.example.org"]).await;
        assert!(said.contains("version 2 seals from now on"), "{said}");
        let said = beside(&dir, &["keys", "reseal", &tenant.to_string()]).await;
        assert!(said.contains("6 values sealed anew, 0 were current"), "{said}");
        let said = beside(&dir, &["keys", "reseal", "all"]).await;
        assert!(said.contains("0 values sealed anew, 6 were current"), "{said}");
        let row = scope.phone(phone).await.unwrap().unwrap();
        for sealed in [
            row.number.clone().unwrap(),
            row.tail.clone().unwrap(),
            house.token(tenant, &anna).await.seed,
            scope.integration(&ikey).await.unwrap().unwrap().secret,
            scope.session(session).await.unwrap().unwrap().detail,
            scope.push_subscription(phone).await.unwrap().unwrap().sealed,
            scope.secret(NAME).await.unwrap().unwrap(),
        ] {
            assert_eq!(TenantKeys::version_of(&sealed), Some(2));
        }
        let detail = scope.session(session).await.unwrap().unwrap().detail;
        assert_eq!(scope.open(fields::session_detail(&session), &detail).await.unwrap().expose(), b"a browser");
        // The engine that was open all the while reads the new version, and learns to write it.
        let number = house.with_scope(tenant, async |scope| scope.phone_number(&row).await.unwrap().unwrap()).await;
        assert_eq!(number.expose(), "+12025550143");
        assert_eq!(scope.keys().await.unwrap().newest(), 2);
        assert_eq!(house.services.store.tenant(other).keys().await.unwrap().newest(), 1);
        stop.store(true, std::sync::atomic::Ordering::Release);
        assert!(load.await.unwrap() > 0);
        let (ok, text) = run(&mut countersign(&dir, &["keys", "rotate-tenant", "api-nobody.example.org"]));
        assert!(!ok && text.contains("there is no tenant"), "{text}");
        house.stop();
    });
}

#[test]
fn the_root_key_is_exchanged_without_a_stop_and_the_old_one_leaves_last() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    block_on(async {
        let house = House::open(&dir).await;
        let (tenant, ikey) = house.tenant("acme").await;
        let anna = house.person(tenant, "anna", false).await;
        let old = house.services.store.ring().root_id().to_owned();
        let said = beside(&dir, &["keys", "add-root"]).await;
        let new = said.split(' ').next().unwrap().to_owned();
        assert!(new.starts_with("file:") && new != old, "{said}");
        let status = beside(&dir, &["keys", "status"]).await;
        assert!(status.contains("to do: countersign keys rewrap (1 tenant keys)"), "{status}");
        let gone = |id: &str| {
            let (dir, id) = (dir.clone(), id.to_owned());
            tokio::task::spawn_blocking(move || run(&mut countersign(&dir, &["keys", "remove-root", &id])))
        };
        let (ok, text) = gone(&old).await.unwrap();
        assert!(!ok && text.contains("wrapped by it"), "{text}");
        let (ok, text) = gone(&new).await.unwrap();
        assert!(!ok && text.contains("newest"), "{text}");
        let said = beside(&dir, &["keys", "rewrap"]).await;
        assert!(said.contains(&format!("1 tenant keys are wrapped by {new} now")), "{said}");
        // The engine from before opens what the new root has wrapped, and its tenants sign in.
        house.services.store.forget_all_keys();
        assert!(house.login(&ikey, "anna", anna.code(0)).await.allow);
        // It still wraps by the old root, so a tenant made now is rewrapped later.
        house.tenant("later").await;
        assert!(!gone(&old).await.unwrap().0);
        house.stop();
        drop(house);
        let restarted = House::open(&dir).await;
        assert_eq!(restarted.services.store.ring().root_id(), new);
        beside(&dir, &["keys", "rewrap"]).await;
        let (ok, text) = gone(&old).await.unwrap();
        assert!(ok, "{text}");
        restarted.services.store.forget_all_keys();
        assert!(restarted.login(&ikey, "anna", anna.code(1)).await.allow);
        let file = std::fs::read_to_string(dir.join("root.key")).unwrap();
        assert_eq!(file.lines().filter(|line| line.starts_with("csroot1")).count(), 1, "in {}", path(&dir));
        // What older backups need is kept, for its owner only.
        let kept = text.lines().find_map(|line| line.strip_prefix("The file as it was is ")?.split(": ").next());
        let kept = FileRoot::open(std::path::Path::new(kept.unwrap())).unwrap();
        assert!(kept.opens(&old) && kept.opens(&new));
        restarted.stop();
    });
}
