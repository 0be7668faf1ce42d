//! An organisation with one application, on each engine in turn.

use crate::abroad::Abroad;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use countersign_auth::{
    Activated, Answer, Application, Auth, AuthError, Begin, Begun, Client, DeviceProof, Factor, Outcome, Subject,
    otp::hotp,
};
use countersign_e2e::{
    engines::{self, wanted},
    postgres::Postgres,
};
use keys::{FileRoot, KeyRing};
use messaging::{Courier, Outbox, Print};
use std::{sync::Arc, time::Duration};
use store::{IntegrationRow, Options, PhoneRow, Store, TenantRow, TokenRow, UserRow, codes::BypassRow, fields};
use tempfile::TempDir;
use types::{
    AttemptId, BypassId, E164, ManualClock, Millis, Normalization, PhoneId, SecretString, TenantId, TokenId, UserId,
    UserName, World,
};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);
pub(crate) const SEED: &[u8] = b"12345678901234567890";
pub(crate) const IKEY: &str = "DIAAAAAAAAAAAAAAAAAA";

pub(crate) struct House {
    pub(crate) auth: Arc<Auth>,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) outbox: Outbox,
    pub(crate) print: Arc<Print>,
    pub(crate) abroad: Arc<Abroad>,
    directory: TempDir,
}

pub(crate) fn each_engine(settings: &str, test: impl AsyncFn(&House)) {
    for engine in wanted().unwrap() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let url = match engine {
                engines::Engine::Sqlite => format!("sqlite:{}", directory.path().join("store.db").display()),
                engines::Engine::Postgres => Postgres::shared().fresh_database().unwrap(),
            };
            let house = House::build(directory, &url, settings).await;
            test(&house).await;
        });
    }
}

impl House {
    /// Where the database's files are, if it has files.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    async fn build(directory: TempDir, url: &str, settings: &str) -> Self {
        let (world, clock) = World::made(NOW, 7);
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let engine = store::open(url, &Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world.clone()));
        let tenant = TenantId::new(NOW, world.random.as_ref());
        store
            .create_tenant(&TenantRow {
                id: tenant,
                name: "Acme".to_owned(),
                api_host: "api-acme.example.test".to_owned(),
                created: NOW,
                settings: settings.to_owned(),
                log_key: None,
            })
            .await
            .unwrap();
        let print = Arc::new(Print::quiet());
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![print.clone()]));
        let abroad = Arc::new(Abroad::default());
        let options = countersign_auth::Options {
            fetch: Some(Arc::clone(&abroad) as Arc<dyn upstream::Fetch>),
            ..countersign_auth::Options::default()
        };
        let auth = Auth::start_with(Arc::clone(&store), courier, options);
        let house = Self { outbox: print.outbox(), print, abroad, auth, store, world, clock, tenant, directory };
        house.add_application(IKEY, "{}").await;
        house
    }

    pub(crate) async fn add_application(&self, ikey: &str, settings: &str) {
        let scope = self.store.tenant(self.tenant);
        let secret = scope
            .keys()
            .await
            .unwrap()
            .seal(fields::integration_secret(ikey), &[b'k'; 40], self.world.random.as_ref())
            .unwrap();
        let mut tx = scope.begin().await.unwrap();
        tx.insert_integration(&IntegrationRow {
            ikey: ikey.to_owned(),
            name: "VPN".to_owned(),
            r#type: "authapi".to_owned(),
            secret,
            signature_v1: false,
            normalization: "simple".to_owned(),
            policy: None,
            settings: settings.to_owned(),
            created: NOW,
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn app(&self) -> Arc<Application> {
        self.auth.applications().get(IKEY).await.unwrap().unwrap()
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        let id = UserId::new(self.world.now(), self.world.random.as_ref());
        let row = UserRow {
            id,
            username: name.to_owned(),
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
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        tx.insert_user(&row, &UserName::new(name, Normalization::None).unwrap(), &[]).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A token of type `kind`; its last counter is -1 (HOTP) or far past (TOTP).
    pub(crate) async fn token(&self, user: UserId, kind: &str, seed: &[u8]) -> TokenId {
        let id = TokenId::new(self.world.now(), self.world.random.as_ref());
        let scope = self.store.tenant(self.tenant);
        let keys = scope.keys().await.unwrap();
        let row = TokenRow {
            id,
            r#type: kind.to_owned(),
            serial: id.to_string(),
            seed: keys.seal(fields::token_seed(&id), seed, self.world.random.as_ref()).unwrap(),
            digits: 6,
            period: 30,
            counter: -1,
            drift: 0,
            last_used: None,
            created: NOW,
        };
        let mut tx = scope.begin().await.unwrap();
        tx.insert_token(&row).await.unwrap();
        assert!(tx.attach_token(user, id).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn bypass(&self, user: UserId, code: &str, uses: Option<i64>) {
        let scope = self.store.tenant(self.tenant);
        let digest =
            scope.keys().await.unwrap().digest(fields::BYPASS_CODE, &[user.as_bytes(), code.as_bytes()]).to_vec();
        let row = BypassRow {
            id: BypassId::new(self.world.now(), self.world.random.as_ref()),
            user_id: user,
            digest,
            uses_left: uses,
            expires: None,
            created: NOW,
            created_by: "test".to_owned(),
        };
        let mut tx = scope.begin().await.unwrap();
        tx.insert_bypass_code(&row).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn phone(&self, user: UserId, number: &str) -> PhoneId {
        let id = PhoneId::new(self.world.now(), self.world.random.as_ref());
        let number: E164 = number.parse().unwrap();
        let scope = self.store.tenant(self.tenant);
        let keys = scope.keys().await.unwrap();
        let random = self.world.random.as_ref();
        let row = PhoneRow {
            id,
            number: Some(keys.seal(fields::phone_number(&id), number.expose().as_bytes(), random).unwrap()),
            tail: Some(keys.seal(fields::phone_tail(&id), number.tail().as_bytes(), random).unwrap()),
            extension: String::new(),
            name: String::new(),
            r#type: "mobile".to_owned(),
            platform: String::new(),
            model: String::new(),
            predelay: 0,
            postdelay: 0,
            public_key: None,
            device_name: String::new(),
            last_seen: None,
            sms_sent: 0,
            last_used: None,
            created: NOW,
        };
        let mut tx = scope.begin().await.unwrap();
        tx.insert_phone(&row).await.unwrap();
        assert!(tx.attach_phone(user, id).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn authenticator(&self, user: UserId) -> Device {
        let (code, _) = self.auth.activation(self.tenant, user, None, Duration::from_secs(600)).await.unwrap();
        Device::activate(self, code.expose()).await.unwrap()
    }

    pub(crate) async fn begin(&self, name: &str, factor: Factor, later: bool) -> Result<Begun, AuthError> {
        let begin = Begin {
            subject: Subject::Name(name.to_owned()),
            factor,
            device: None,
            client: Client::default(),
            offer: None,
            details: Vec::new(),
            request_digest: None,
            later,
        };
        self.auth.begin(&*self.app().await, begin).await
    }

    pub(crate) async fn passcode(&self, name: &str, code: &str) -> Outcome {
        match self.begin(name, Factor::Passcode(SecretString::new(code.to_owned())), false).await.unwrap() {
            Begun::Finished(outcome) => outcome,
            Begun::Pending(_) => panic!("a passcode waits for nobody"),
        }
    }

    /// Begins a push and gives its id, with the code that the sign-in shows.
    pub(crate) async fn push(&self, name: &str) -> Result<(AttemptId, String), Outcome> {
        let id = match self.begin(name, Factor::Push, true).await.unwrap() {
            Begun::Pending(id) => id,
            Begun::Finished(outcome) => return Err(outcome),
        };
        match self.auth.wait(&*self.app().await, id, Duration::from_millis(50)).await.unwrap() {
            countersign_auth::Progress::Waiting { message, .. } => {
                Ok((id, message.chars().filter(char::is_ascii_digit).collect()))
            }
            countersign_auth::Progress::Finished(outcome) => Err(outcome),
        }
    }

    pub(crate) async fn finish(&self, id: AttemptId) -> Outcome {
        self.auth.finish(&*self.app().await, id).await.unwrap()
    }

    pub(crate) fn totp(&self) -> String {
        hotp(SEED, (self.world.now().seconds() / 30) as u64, 6)
    }

    pub(crate) fn next_step(&self) {
        self.clock.advance(Duration::from_secs(30));
    }
}

/// An authenticator: a key pair and what activation gave it.
pub(crate) struct Device {
    key: EcdsaKeyPair,
    pub(crate) activated: Activated,
}

impl Device {
    pub(crate) async fn activate(house: &House, code: &str) -> Result<Self, AuthError> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        let activated = house.auth.activate(house.tenant, code, key.public_key().as_ref(), "test device").await?;
        Ok(Self { key, activated })
    }

    pub(crate) async fn answer(&self, house: &House, id: AttemptId, answer: Answer) -> Result<bool, AuthError> {
        let signed = b"whatever the door binds";
        let signature = self.key.sign(&SystemRandom::new(), signed).unwrap();
        let proof = DeviceProof {
            tenant: house.tenant,
            phone: self.activated.phone,
            at: house.world.now(),
            signed,
            signature: signature.as_ref(),
        };
        let device = house.auth.verify_device(&proof).await?;
        house.auth.answer(&device, id, answer).await
    }
}

pub(crate) fn approve(code: &str) -> Answer {
    Answer::Approve(Some(SecretString::new(code.to_owned())))
}
