//! A backup while the engine works, and what is there after a restore.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::support::{House, Person, block_on, countersign, done, path, run};
use store::Span;
use types::Millis;

/// How many sign in at once.
const PEOPLE: usize = 8;

fn copy_root_key(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::copy(from.join("root.key"), to.join("root.key")).unwrap();
}

#[test]
fn what_was_acknowledged_before_a_backup_under_load_is_there_after_the_restore() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to, file) = (scratch.path().join("from"), scratch.path().join("to"), scratch.path().join("backup.tar"));
    block_on(async {
        let house = Arc::new(House::open(&from).await);
        let (tenant, ikey) = house.tenant("acme").await;
        let mut people: Vec<Person> = Vec::new();
        for place in 0..PEOPLE {
            people.push(house.person(tenant, &format!("person{place}"), false).await);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged: Arc<Vec<_>> = Arc::new((0..PEOPLE).map(|_| std::sync::atomic::AtomicI64::new(-1)).collect());
        let mut loads = Vec::new();
        for (place, person) in people.iter().cloned().enumerate() {
            let (house, stop, acknowledged, ikey) =
                (Arc::clone(&house), Arc::clone(&stop), Arc::clone(&acknowledged), ikey.clone());
            loads.push(tokio::spawn(async move {
                for counter in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    let outcome = house.login(&ikey, &person.name, person.code(counter)).await;
                    assert!(outcome.allow, "{}: {}", person.name, outcome.message);
                    acknowledged[place].store(counter, Ordering::Release);
                }
            }));
        }
        while acknowledged.iter().any(|counter| counter.load(Ordering::Acquire) < 20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let before: Vec<i64> = acknowledged.iter().map(|counter| counter.load(Ordering::Acquire)).collect();
        let (dir, target) = (from.clone(), file.clone());
        let said = tokio::task::spawn_blocking(move || done(&dir, &["backup", path(&target)])).await.unwrap();
        assert!(said.contains("The root key is not in it"), "{said}");
        let during: Vec<i64> = acknowledged.iter().map(|counter| counter.load(Ordering::Acquire)).collect();
        stop.store(true, Ordering::Release);
        for load in loads {
            load.await.unwrap();
        }
        assert!(during.iter().zip(&before).any(|(during, before)| during > before), "nobody signed in meanwhile");
        house.stop();

        copy_root_key(&from, &to);
        let said = done(&to, &["restore", path(&file)]);
        assert!(said.contains("restored 1 tenants") && said.contains("is here."), "{said}");
        let restored = House::open(&to).await;
        let span = Span::new(Millis(0), Millis(i64::MAX), 1_000_000);
        let log = restored.services.store.tenant(tenant).auth_log(&span).await.unwrap();
        for (person, before) in people.iter().zip(&before) {
            let counter = restored.token(tenant, person).await.counter;
            assert!(counter >= *before, "{}: {counter}, but {before} was acknowledged", person.name);
            let logged = log.iter().filter(|row| row.username == person.name && row.result == "success").count();
            assert_eq!(i64::try_from(logged).unwrap(), counter + 1, "the log and the counter are of one moment");
            // The next code opens; the one before doesn't.
            assert!(!restored.login(&ikey, &person.name, person.code(counter)).await.allow);
            assert!(restored.login(&ikey, &person.name, person.code(counter + 1)).await.allow);
        }
        restored.stop();
    });
}

#[test]
fn a_code_and_a_link_that_were_used_after_the_backup_are_worth_nothing_after_the_restore() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to, file) = (scratch.path().join("from"), scratch.path().join("to"), scratch.path().join("backup.tar"));
    block_on(async {
        let house = House::open(&from).await;
        let (tenant, ikey) = house.tenant("acme").await;
        let person = house.person(tenant, "anna", true).await;
        let user = house.with_scope(tenant, async |scope| {
            let user = directory::NewUser { username: "ben".to_owned(), ..directory::NewUser::default() };
            scope.create_user(&user).await.unwrap().id
        });
        let user = user.await;
        let life = Duration::from_secs(3600);
        let (link, _) = house.services.auth.activation(tenant, user, None, life).await.unwrap();
        let (dir, target) = (from.clone(), file.clone());
        tokio::task::spawn_blocking(move || done(&dir, &["backup", path(&target)])).await.unwrap();
        let step = house.world.now().seconds() / 30;
        let code = person.code(step);
        assert!(house.login(&ikey, "anna", code.clone()).await.allow);
        house.stop();

        copy_root_key(&from, &to);
        done(&to, &["restore", path(&file)]);
        let restored = House::open(&to).await;
        let again = restored.login(&ikey, "anna", code).await;
        assert!(!again.allow, "a code was accepted twice");
        // Nor the one of the next step, which a device that is a little ahead may have shown.
        assert!(!restored.login(&ikey, "anna", person.code(step + 1)).await.allow);
        let key = [4; 65];
        assert!(restored.services.auth.activate(tenant, link.expose(), &key, "theirs").await.is_err());
        let span = Span::new(Millis(0), Millis(i64::MAX), 100);
        let log = restored.services.store.tenant(tenant).admin_log(&span).await.unwrap();
        assert!(log.iter().any(|row| row.action == "backup_restore"));
        restored.stop();
    });
}

#[test]
fn a_restore_takes_the_place_of_nothing_unless_it_must_and_then_keeps_what_was_there() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, two, file) = (scratch.path().join("one"), scratch.path().join("two"), scratch.path().join("b.tar"));
    block_on(async {
        for (dir, name) in [(&one, "first"), (&two, "second")] {
            let house = House::open(dir).await;
            house.tenant(name).await;
            house.stop();
        }
    });
    done(&one, &["backup", path(&file), "--with-root-key"]);
    let (ok, text) = run(&mut countersign(&one, &["backup", path(&file)]));
    assert!(!ok && text.contains("is there already"), "{text}");

    let (ok, text) = run(&mut countersign(&two, &["restore", path(&file)]));
    assert!(!ok && text.contains("--force"), "{text}");
    // While somebody serves from it, not even then.
    block_on(async {
        let house = House::open(&two).await;
        let (dir, file) = (two.clone(), file.clone());
        let forced =
            tokio::task::spawn_blocking(move || run(&mut countersign(&dir, &["restore", path(&file), "--force"])));
        let (ok, text) = forced.await.unwrap();
        assert!(!ok && text.contains("stop the server first"), "{text}");
        assert_eq!(house.services.store.tenants(None, 10).await.unwrap()[0].name, "second");
        house.stop();
    });
    let said = done(&two, &["restore", path(&file), "--force"]);
    // The other root key stays where it is, so this one is asked for.
    assert!(said.contains("MISSING: the root key file:"), "{said}");
    let kept = said.lines().find_map(|line| line.strip_prefix("the old database is kept in ")).unwrap();
    assert!(Path::new(kept).exists());

    // Elsewhere, with the root key of the backup, it opens.
    let three = scratch.path().join("three");
    let said = done(&three, &["restore", path(&file)]);
    assert!(said.contains("root.key: from the backup") && said.contains("is here."), "{said}");
    block_on(async {
        let house = House::open(&three).await;
        let tenant = house.services.store.tenants(None, 10).await.unwrap().remove(0);
        assert_eq!(tenant.name, "first");
        house.services.store.tenant(tenant.id).keys().await.unwrap();
        house.stop();
    });
    // Without it, the backup tells nothing of the key.
    let bare = scratch.path().join("bare.tar");
    done(&one, &["backup", path(&bare)]);
    let key = std::fs::read_to_string(one.join("root.key")).unwrap();
    let key = key.lines().find(|line| line.starts_with("csroot1")).unwrap();
    let holds = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains(key);
    assert!(holds(&file), "the positive control");
    assert!(!holds(&bare));
}

#[test]
fn a_backup_that_was_tampered_with_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, two, file) = (scratch.path().join("one"), scratch.path().join("two"), scratch.path().join("b.tar"));
    block_on(async {
        let house = House::open(&one).await;
        house.tenant("first").await;
        house.stop();
    });
    done(&one, &["backup", path(&file)]);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (ok, text) = run(&mut countersign(&two, &["restore", path(&file)]));
    assert!(!ok && text.contains("the backup is damaged: database"), "{text}");
    assert_eq!(std::fs::read_dir(&two).map_or(0, Iterator::count), 0);
}
