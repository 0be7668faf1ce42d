//! The loader on real databases, with a metadata service of the tests' own making.

use super::{Keeper, Looked, Source, command};
use crate::{config::Fido, serve::Shutdown, telemetry::Registry};
use auth::{Auth, METADATA};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use countersign_e2e::{
    engines::{self, wanted},
    postgres::Postgres,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use keys::{FileRoot, KeyRing};
use messaging::Courier;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use store::{Options, PasskeyRow, Store, TenantRow, UserRow};
use types::{ManualClock, Millis, Normalization, PasskeyId, TenantId, UserId, UserName, World};

/// Saturday, 21 November 2026, noon.
const NOW: Millis = Millis(1_795_262_400_000);
const MODEL: &str = "11111111-1111-1111-1111-111111111111";

struct Service {
    root: CertifiedIssuer<'static, KeyPair>,
    leaf: Vec<u8>,
    key: KeyPair,
}

impl Service {
    fn new() -> Self {
        let mut root = CertificateParams::new(Vec::new()).expect("a name");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (root.not_before, root.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2045, 1, 1));
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("a root");
        let mut leaf = CertificateParams::new(vec!["mds.fidoalliance.org".to_owned()]).expect("a name");
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let key = KeyPair::generate().expect("a key");
        let leaf = leaf.signed_by(&key, &root).expect("a certificate").der().to_vec();
        Self { root, leaf, key }
    }

    fn blob(&self, serial: u64, reports: &Value) -> String {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let header = part(json!({ "alg": "ES256", "x5c": [BASE64.encode(&self.leaf)] }));
        let payload = part(json!({
            "no": serial, "nextUpdate": "2026-12-01",
            "entries": [{
                "aaguid": MODEL, "metadataStatement": { "description": "Example Key 5" }, "statusReports": reports,
            }],
        }));
        let signed = format!("{header}.{payload}");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key.serialize_der()).expect("a key");
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}

struct Site {
    directory: tempfile::TempDir,
    service: Service,
    store: Arc<Store>,
    world: World,
    clock: Arc<ManualClock>,
    registry: Arc<Registry>,
    shutdown: Shutdown,
}

impl Site {
    fn fido(&self) -> Fido {
        Fido { metadata_file: self.file(), roots_file: self.directory.path().join("roots.pem") }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("blob.jwt")
    }

    /// Exchanged whole, as an operator does.
    fn put(&self, blob: &str) {
        let new = self.directory.path().join("new");
        fs::write(&new, blob).expect("write");
        fs::rename(new, self.file()).expect("rename");
    }

    /// An engine and its keeper, as a start of the server makes them.
    fn start(&self) -> (Arc<Auth>, Keeper) {
        let courier = Arc::new(Courier::new(Arc::clone(&self.store), Vec::new()));
        let auth = Auth::start(Arc::clone(&self.store), courier);
        let keeper = Keeper::new(&self.fido(), &auth, &self.registry);
        (auth, keeper)
    }

    async fn passkey(&self) -> (TenantId, PasskeyId) {
        let random = self.world.random.as_ref();
        let (tenant, user, id) = (TenantId::new(NOW, random), UserId::new(NOW, random), PasskeyId::new(NOW, random));
        let row = TenantRow {
            id: tenant,
            name: "Acme".to_owned(),
            api_host: "api-acme.example.test".to_owned(),
            created: NOW,
            settings: "{}".to_owned(),
            log_key: None,
        };
        self.store.create_tenant(&row).await.expect("a tenant");
        let person = UserRow {
            id: user,
            username: "ana".to_owned(),
            realname: String::new(),
            firstname: String::new(),
            lastname: String::new(),
            email: String::new(),
            notes: String::new(),
            status: "active".to_owned(),
            failures: 0,
            locked_at: None,
            deleted_at: None,
            last_login: None,
            created: NOW,
            attributes: "{}".to_owned(),
            passkeys: 0,
        };
        let passkey = PasskeyRow {
            id,
            user_id: user,
            credential_id: vec![1; 32],
            credential: vec![2; 64],
            name: "Blue key".to_owned(),
            aaguid: MODEL.to_owned(),
            transports: "usb".to_owned(),
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
        let mut tx = self.store.tenant(tenant).begin().await.expect("a transaction");
        let name = UserName::new("ana", Normalization::None).expect("a name");
        tx.insert_user(&person, &name, &[]).await.expect("a user");
        assert!(tx.insert_passkey(&passkey).await.expect("a passkey"));
        tx.commit().await.expect("commit");
        (tenant, id)
    }

    fn metric(&self, line: &str) -> bool {
        self.registry.render().lines().any(|found| found == line)
    }
}

fn each_engine(test: impl AsyncFn(&Site)) {
    for engine in wanted().expect("engines") {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let directory = tempfile::tempdir().expect("a directory");
            let url = match engine {
                engines::Engine::Sqlite => format!("sqlite:{}", directory.path().join("store.db").display()),
                engines::Engine::Postgres => Postgres::shared().fresh_database().expect("a database"),
            };
            let (world, clock) = World::made(NOW, 7);
            let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).expect("a root key");
            let engine = store::open(&url, &Options::default()).await.expect("a store");
            let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world.clone()));
            let service = Service::new();
            fs::write(directory.path().join("roots.pem"), service.root.pem()).expect("write");
            let (registry, shutdown) = (Registry::new(), Shutdown::new());
            test(&Site { directory, service, store, world, clock, registry, shutdown }).await;
        });
    }
}

const TAKEN: Looked = Looked { taken: true, refused: false, suspended: 0, restored: 0 };
const REFUSED: Looked = Looked { taken: false, refused: true, suspended: 0, restored: 0 };

fn serial(auth: &Auth) -> Option<u64> {
    auth.metadata().map(|metadata| metadata.serial())
}

#[test]
fn a_file_is_taken_once_and_a_bad_one_leaves_the_old_in_use() {
    each_engine(async |site| {
        let (auth, mut keeper) = site.start();
        assert_eq!(keeper.look(false, &site.shutdown).await, REFUSED, "no file");
        assert!(serial(&auth).is_none() && site.metric("fido_metadata_overdue 1"));
        let good = site.service.blob(42, &json!([]));
        site.put(&good);
        assert_eq!(keeper.look(false, &site.shutdown).await, TAKEN);
        assert_eq!(keeper.look(false, &site.shutdown).await, Looked::default(), "nothing new");
        assert_eq!(keeper.look(true, &site.shutdown).await, TAKEN, "told to");
        assert!(site.metric("fido_metadata_serial 42") && site.metric("fido_metadata_overdue 0"));
        assert_eq!(site.store.metadata_serial(METADATA).await.expect("read").expect("a row").serial, 42);

        // One letter of the payload; half a file; another's signature; nothing.
        let place = good.find('.').expect("a dot") + 9;
        let mut tampered = good.clone();
        tampered.replace_range(place..=place, if good.as_bytes()[place] == b'A' { "B" } else { "A" });
        let foreign = Service::new().blob(43, &json!([]));
        for bad in [tampered.as_str(), &good[..good.len() / 2], &foreign, ""] {
            site.put(bad);
            assert_eq!(keeper.look(false, &site.shutdown).await, REFUSED);
            assert_eq!(keeper.look(false, &site.shutdown).await, Looked::default(), "told once");
            assert_eq!(serial(&auth), Some(42));
        }
        fs::remove_file(site.file()).expect("remove");
        assert_eq!(keeper.look(false, &site.shutdown).await, REFUSED);
        assert_eq!(serial(&auth), Some(42));
        assert!(site.metric("fido_metadata_failures_total 6"));
    });
}

#[test]
fn a_roll_back_is_refused_while_it_runs_and_after_a_restart() {
    each_engine(async |site| {
        let (auth, mut keeper) = site.start();
        site.put(&site.service.blob(42, &json!([])));
        keeper.look(false, &site.shutdown).await;
        let older = site.service.blob(41, &json!([]));
        site.put(&older);
        assert_eq!(keeper.look(false, &site.shutdown).await, REFUSED);
        assert_eq!(serial(&auth), Some(42));
        let (again, mut keeper) = site.start();
        assert_eq!(keeper.look(false, &site.shutdown).await, REFUSED);
        assert_eq!(serial(&again), None);
        let refused = command::examined(&Source::new(&site.fido()), &site.store, NOW).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("issue 41, and issue 42 was in use before")));
        for newer in [42, 43] {
            site.put(&site.service.blob(newer, &json!([])));
            assert_eq!(keeper.look(false, &site.shutdown).await, TAKEN);
            assert_eq!(serial(&again), Some(newer));
        }
    });
}

#[test]
fn a_report_suspends_and_its_withdrawal_restores() {
    each_engine(async |site| {
        let (tenant, id) = site.passkey().await;
        let (_auth, mut keeper) = site.start();
        let passkey = async || site.store.tenant(tenant).passkey(id).await.expect("read").expect("a passkey");
        site.put(&site.service.blob(1, &json!([{ "status": "FIDO_CERTIFIED_L1" }])));
        assert_eq!(keeper.look(false, &site.shutdown).await, TAKEN);
        assert!(passkey().await.suspended_at.is_none());
        // From tomorrow on: the same file, a day later.
        site.put(&site.service.blob(2, &json!([{ "status": "REVOKED", "effectiveDate": "2026-11-22" }])));
        assert_eq!(keeper.look(false, &site.shutdown).await, TAKEN);
        site.clock.advance(Duration::from_secs(86_400));
        let looked = keeper.look(false, &site.shutdown).await;
        assert_eq!(looked, Looked { suspended: 1, ..Looked::default() });
        assert_eq!(passkey().await.suspended_reason, "metadata:REVOKED");
        let source = Source::new(&site.fido());
        let (metadata, text) = command::examined(&source, &site.store, NOW).await.expect("good");
        assert!(
            text.contains("serial       2 (the last in use: 2)\nnext update  2026-12-01\nmodels       1\n"),
            "{text}"
        );
        let lines = command::models(&site.store, &metadata).await.expect("read");
        assert_eq!(lines, [format!("passkeys     1, 1 suspended, {MODEL} Example Key 5\n")]);
        site.put(&site.service.blob(3, &json!([])));
        assert_eq!(keeper.look(false, &site.shutdown).await, Looked { restored: 1, ..TAKEN });
        assert!(passkey().await.suspended_at.is_none());
        assert!(site.metric("fido_passkeys_judged_total{as=\"suspended\"} 1"));
        // Ten days on there should be a newer one.
        site.clock.advance(Duration::from_secs(10 * 86_400));
        keeper.look(false, &site.shutdown).await;
        assert!(site.metric("fido_metadata_overdue 1"));
    });
}
