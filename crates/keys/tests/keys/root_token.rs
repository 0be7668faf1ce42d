//! Root keys in a token: SoftHSM2, a real PKCS#11 module, each test with a token of its own in a process of its own.
//!
//! Without the module a test passes unseen, unless `COUNTERSIGN_TEST_REQUIRE_ALL` is set: then it fails.

use crate::support::{again, ring, tenant, world};
use countersign_keys::{DayKeys, FileRoot, KeyError, KeyRing, Pkcs11Root, RootKey};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, ObjectClass},
    session::{Session, UserType},
    types::AuthPin,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use types::{SecretBytes, SecretString, World};

const CONF: &str = "SOFTHSM2_CONF";
const TOKEN: &str = "countersign-test";
const PIN: &str = "4321-user";
const SO_PIN: &str = "8765-officer";
const KEY: &str = "countersign-root";

/// Where Linux distributions put SoftHSM2; `COUNTERSIGN_TEST_PKCS11` names another place.
fn module_path() -> Option<PathBuf> {
    let named = env::var_os("COUNTERSIGN_TEST_PKCS11").map(PathBuf::from);
    let usual = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    named.into_iter().chain(usual.map(PathBuf::from)).find(|path| path.exists())
}

/// Runs `body` in a process whose SoftHSM2 has one fresh token.
fn with_token(test: &str, body: impl FnOnce(&Path)) {
    let Some(module) = module_path() else {
        assert!(env::var_os("COUNTERSIGN_TEST_REQUIRE_ALL").is_none(), "SoftHSM2 is not installed");
        return;
    };
    if env::var_os(CONF).is_some_and(|conf| conf.to_string_lossy().ends_with("countersign-test.conf")) {
        make_token(&module, TOKEN);
        body(&module);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = dir.path().join("countersign-test.conf");
    fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let output = again(&format!("root_token::{test}"), &[(CONF, &conf)]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn context(module: &Path) -> Pkcs11 {
    let context = Pkcs11::new(module).unwrap();
    // Already started by the root under test, as a rule.
    let _ = context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    context
}

fn make_token(module: &Path, label: &str) {
    let context = context(module);
    // SoftHSM2 always shows one more slot with an empty token.
    let slots = context.get_slots_with_token().unwrap();
    let free = slots.into_iter().find(|slot| !context.get_token_info(*slot).unwrap().token_initialized()).unwrap();
    context.init_token(free, &pin(SO_PIN), label).unwrap();
    let session = context.open_rw_session(free).unwrap();
    session.login(UserType::So, Some(&pin(SO_PIN))).unwrap();
    session.init_pin(&pin(PIN)).unwrap();
    session.logout().unwrap();
}

fn pin(text: &str) -> AuthPin {
    AuthPin::from(text.to_owned())
}

/// A session beside the root under test, as an administrator's tool has it.
fn session(module: &Path) -> Session {
    let context = context(module);
    let slots = context.get_slots_with_initialized_token().unwrap();
    let slot = slots.into_iter().find(|slot| context.get_token_info(*slot).unwrap().label() == TOKEN).unwrap();
    let session = context.open_rw_session(slot).unwrap();
    let _ = session.login(UserType::User, Some(&pin(PIN)));
    session
}

fn open(module: &Path) -> Result<Pkcs11Root, KeyError> {
    Pkcs11Root::open(module, TOKEN, SecretString::new(PIN.into()), KEY, &World::real())
}

fn key() -> SecretBytes {
    SecretBytes::new((0..32).collect())
}

fn wrap(root: &Pkcs11Root) -> Vec<u8> {
    root.wrap(&key(), b"here", World::real().random.as_ref()).unwrap()
}

#[test]
fn a_key_wrapped_in_the_token_opens_in_its_context_only() {
    with_token("a_key_wrapped_in_the_token_opens_in_its_context_only", |module| {
        let root = open(module).unwrap();
        let wrapped = wrap(&root);
        assert!(root.id().starts_with("pkcs11:") && root.opens(root.id()));
        assert!(!root.opens("pkcs11:0000000000000000") && !root.opens("file:0000000000000000"));
        assert!(root.unwrap(&wrapped, b"here").unwrap().ct_eq(key().expose()));
        assert!(matches!(root.unwrap(&wrapped, b"there"), Err(KeyError::Refused)));
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(root.unwrap(&changed, b"here").is_err(), "byte {at}");
        }
        for length in 0..wrapped.len() {
            assert!(root.unwrap(&wrapped[..length], b"here").is_err(), "{length} bytes");
        }
        // After all those refusals the pool still works, and a second opening finds the same key.
        assert!(root.unwrap(&wrapped, b"here").is_ok());
        let again = open(module).unwrap();
        assert_eq!(again.id(), root.id());
        assert!(again.unwrap(&wrapped, b"here").unwrap().ct_eq(key().expose()));
        assert_ne!(wrap(&root), wrap(&root));
    });
}

#[test]
fn the_key_cannot_leave_the_token_and_one_that_could_is_refused() {
    with_token("the_key_cannot_leave_the_token_and_one_that_could_is_refused", |module| {
        let _root = open(module).unwrap();
        let session = session(module);
        let made = session.find_objects(&[Attribute::Label(KEY.into())]).unwrap();
        assert_eq!(made.len(), 1);
        assert!(session.get_attributes(made[0], &[AttributeType::Value]).unwrap().is_empty());
        let truths = session
            .get_attributes(
                made[0],
                &[AttributeType::Sensitive, AttributeType::NeverExtractable, AttributeType::AlwaysSensitive],
            )
            .unwrap();
        assert!(matches!(
            truths.as_slice(),
            [Attribute::Sensitive(true), Attribute::NeverExtractable(true), Attribute::AlwaysSensitive(true)]
        ));
        let loose = |label: &str, length: u64, extractable: bool| {
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::Label(label.into()),
                Attribute::Id(vec![1]),
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(extractable),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
                Attribute::ValueLen(length.into()),
            ];
            session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
            Pkcs11Root::open(module, TOKEN, SecretString::new(PIN.into()), label, &World::real()).map(|_| ())
        };
        assert!(loose("fit", 32, false).is_ok(), "the control: such a key made by hand is taken");
        assert!(matches!(loose("extractable", 32, true), Err(KeyError::UnfitTokenKey)));
        assert!(matches!(loose("short", 16, false), Err(KeyError::UnfitTokenKey)));
    });
}

#[test]
fn a_lost_session_is_opened_again() {
    with_token("a_lost_session_is_opened_again", |module| {
        let root = open(module).unwrap();
        let wrapped = wrap(&root);
        for _ in 0..3 {
            // As hard as it gets: the module forgets every session and login of this process.
            context(module).finalize().unwrap();
            assert!(root.unwrap(&wrapped, b"here").unwrap().ct_eq(key().expose()));
        }
        context(module).finalize().unwrap();
        assert!(root.unwrap(&wrap(&root), b"here").is_ok());
        // Somebody else logs the process out.
        session(module).logout().unwrap();
        assert!(root.unwrap(&wrapped, b"here").is_ok());
    });
}

#[test]
fn a_refused_pin_is_not_tried_again_because_tokens_lock() {
    with_token("a_refused_pin_is_not_tried_again_because_tokens_lock", |module| {
        let wrong = Pkcs11Root::open(module, TOKEN, SecretString::new("wrong".into()), KEY, &World::real());
        assert!(matches!(&wrong, Err(KeyError::Pkcs11 { doing: "log in", .. })));
        let error = wrong.err().unwrap();
        assert!(!format!("{error} {error:?}").contains("wrong"));

        let root = open(module).unwrap();
        let wrapped = wrap(&root);
        session(module).set_pin(&pin(PIN), &pin("changed-1")).unwrap();
        context(module).finalize().unwrap();
        assert!(matches!(root.unwrap(&wrapped, b"here"), Err(KeyError::Pkcs11 { doing: "log in", .. })));
        let officer = context(module);
        let slot = officer.get_slots_with_initialized_token().unwrap()[0];
        let session = officer.open_rw_session(slot).unwrap();
        session.login(UserType::User, Some(&pin("changed-1"))).unwrap();
        session.set_pin(&pin("changed-1"), &pin(PIN)).unwrap();
        session.logout().unwrap();
        // The PIN would be right again, but this root no longer knows: only a new one tries.
        assert!(matches!(root.unwrap(&wrapped, b"here"), Err(KeyError::Pkcs11 { doing: "log in", .. })));
        assert!(open(module).unwrap().unwrap(&wrapped, b"here").is_ok());
    });
}

#[test]
fn a_second_key_in_the_token_takes_over_and_a_running_root_opens_what_it_wraps() {
    with_token("a_second_key_in_the_token_takes_over_and_a_running_root_opens_what_it_wraps", |module| {
        let old = open(module).unwrap();
        let before = wrap(&old);
        // World::real moves on: the second key's id is higher.
        std::thread::sleep(std::time::Duration::from_millis(5));
        let id = old.add_key(&World::real()).unwrap();
        let new = open(module).unwrap();
        assert_eq!(new.id(), id);
        assert_ne!(old.id(), id);
        let after = wrap(&new);
        assert!(old.opens(&id) && new.opens(old.id()));
        assert!(old.unwrap(&after, b"here").is_ok() && new.unwrap(&before, b"here").is_ok());
        assert!(old.unwrap(&wrap(&old), b"here").is_ok());
    });
}

#[test]
fn a_tenant_key_moves_from_the_file_into_the_token() {
    with_token("a_tenant_key_moves_from_the_file_into_the_token", |module| {
        let (_dir, path, file) = ring();
        let world = world(3);
        let row = file.create_tenant_key(tenant(1), 1, &world).unwrap();
        let token: Arc<dyn RootKey> = Arc::new(open(module).unwrap());
        let both = KeyRing::new(token.clone()).with_older(Arc::new(FileRoot::open(&path).unwrap()));
        assert!(both.needs_rewrap(&row) && both.check(&world).is_ok());
        let moved = both.rewrap(tenant(1), &row, &world).unwrap();
        assert!(both.open_tenant_keys(tenant(1), &[row]).is_ok());
        let field = countersign_keys::Field { table: "t", column: "c", row: b"r" };
        let sealed =
            file.open_tenant_keys(tenant(1), &[file.create_tenant_key(tenant(1), 9, &world).unwrap()]).unwrap();
        let sealed = sealed.seal(field, b"x", world.random.as_ref()).unwrap();
        let keys = KeyRing::new(token).open_tenant_keys(tenant(1), &[moved]).unwrap();
        assert!(matches!(keys.open(field, &sealed), Err(KeyError::UnknownVersion(9))));
    });
}

#[test]
fn the_logs_day_keys_move_from_the_file_into_the_token() {
    with_token("the_logs_day_keys_move_from_the_file_into_the_token", |module| {
        let (dir, path, file) = ring();
        let (world, days) = (world(3), dir.path().join("log-days.key"));
        let today = world.now().day();
        let check = DayKeys::open_or_create(&days, &file, &world).unwrap().check(today).unwrap();
        let token: Arc<dyn RootKey> = Arc::new(open(module).unwrap());
        let both = KeyRing::new(token.clone()).with_older(Arc::new(FileRoot::open(&path).unwrap()));
        let held = DayKeys::open(&days, &both).unwrap();
        assert!(held.rewrap(world.random.as_ref()).unwrap() && !held.rewrap(world.random.as_ref()).unwrap());
        // From now on the token alone opens it, and the file doesn't.
        let alone = KeyRing::new(token);
        assert_eq!(DayKeys::open(&days, &alone).unwrap().check(today).unwrap(), check);
        assert!(DayKeys::open(&days, &alone).unwrap().advance(today, &world).unwrap());
        assert!(matches!(DayKeys::open(&days, &file), Err(KeyError::UnknownRoot)));
    });
}

#[test]
fn many_threads_share_the_pool() {
    with_token("many_threads_share_the_pool", |module| {
        // Also the first start of several at once: whichever keys they make, all open all.
        let roots: Vec<_> = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| open(module).unwrap())).collect();
            opening.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let wrapped: Vec<_> = roots.iter().map(wrap).collect();
        std::thread::scope(|scope| {
            // A rotation in the midst of it.
            scope.spawn(|| (0..3).for_each(|_| drop(roots[0].add_key(&World::real()).unwrap())));
            for _ in 0..8 {
                scope.spawn(|| {
                    for root in &roots {
                        for one in &wrapped {
                            assert!(root.unwrap(one, b"here").unwrap().ct_eq(key().expose()));
                        }
                        assert!(root.unwrap(&wrap(root), b"here").is_ok());
                    }
                });
            }
        });
    });
}

#[test]
fn a_missing_or_doubtful_token_is_an_error() {
    with_token("a_missing_or_doubtful_token_is_an_error", |module| {
        let named = |label: &str| {
            Pkcs11Root::open(module, label, SecretString::new(PIN.into()), KEY, &World::real()).map(|_| ())
        };
        assert!(matches!(named("no such token"), Err(KeyError::NoToken)));
        assert!(named(TOKEN).is_ok());
        make_token(module, TOKEN);
        assert!(matches!(named(TOKEN), Err(KeyError::NoToken)), "two with one label");
        let missing = Path::new("/nonexistent/module.so");
        let root = Pkcs11Root::open(missing, TOKEN, SecretString::new(PIN.into()), KEY, &World::real());
        assert!(matches!(root, Err(KeyError::Pkcs11 { doing: "load the module", .. })));
    });
}
