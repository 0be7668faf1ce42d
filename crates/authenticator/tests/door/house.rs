//! Two organisations behind the door, and devices that sign.

use auth::Auth;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{Router, body::Body};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use keys::{FileRoot, KeyRing};
use messaging::{
    Courier, WebPush,
    web_push::{Hosts, KNOWN_HOSTS},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use store::{Options, Store, TenantRow, UserRow};
use tower::ServiceExt as _;
use types::{ManualClock, Millis, Normalization, TenantId, UserId, UserName, World};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);

pub(crate) struct House {
    pub(crate) auth: Arc<Auth>,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    router: Router,
    _directory: tempfile::TempDir,
}

/// What the door said.
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl House {
    pub(crate) async fn new() -> Self {
        let (world, clock) = World::made(NOW, 7);
        let directory = tempfile::tempdir().unwrap();
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", directory.path().join("store.db").display());
        let engine = store::open(&url, &Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world.clone()));
        let hosts = Hosts::new(KNOWN_HOSTS, false).unwrap();
        let courier =
            Courier::new(Arc::clone(&store), Vec::new()).with_web_push(WebPush::new(hosts, world.clone()).unwrap());
        let auth = Auth::start(Arc::clone(&store), Arc::new(courier));
        let tenant = TenantId::new(NOW, world.random.as_ref());
        let router = countersign_authenticator::router(&auth);
        let house = Self { auth, store, world, clock, tenant, router, _directory: directory };
        house.add_tenant(tenant, "Acme").await;
        house
    }

    pub(crate) async fn add_tenant(&self, id: TenantId, name: &str) {
        let row = TenantRow {
            id,
            name: name.to_owned(),
            api_host: format!("api-{}.example.test", name.to_lowercase()),
            created: NOW,
            settings: "{}".to_owned(),
            log_key: None,
        };
        self.store.create_tenant(&row).await.unwrap();
    }

    pub(crate) async fn user(&self, tenant: TenantId, name: &str) -> UserId {
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
        let mut tx = self.store.tenant(tenant).begin().await.unwrap();
        tx.insert_user(&row, &UserName::new(name, Normalization::None).unwrap(), &[]).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// An activated device with passcodes.
    pub(crate) async fn device(&self, tenant: TenantId, user: UserId) -> Device {
        let (code, _) = self.auth.activation(tenant, user, None, Duration::from_secs(600)).await.unwrap();
        let device = Device::new(tenant);
        let said = self.activate(&device, code.expose()).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.body);
        device.named(&said.body)
    }

    pub(crate) async fn activate(&self, device: &Device, code: &str) -> Said {
        let body = json!({
            "tenant": device.tenant, "code": code, "public_key": device.public(), "name": "a tablet", "totp": true,
        });
        self.ask(Request::post("/authenticator/v1/activate"), &body.to_string()).await
    }

    pub(crate) async fn ask(&self, request: http::request::Builder, body: &str) -> Said {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Said { status: parts.status, headers: parts.headers, body }
    }

    /// A request that the device signs now.
    pub(crate) async fn signed(&self, device: &Device, method: &str, path: &str, body: &str) -> Said {
        let proof = device.proof(method, path, body, self.world.now().0);
        self.send(method, path, body, &proof).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &str, proof: &str) -> Said {
        self.ask(Request::builder().method(method).uri(path).header("authorization", proof), body).await
    }
}

/// A key, and what activation gave it.
pub(crate) struct Device {
    key: EcdsaKeyPair,
    pub(crate) tenant: String,
    pub(crate) phone: String,
    pub(crate) totp: Value,
}

impl Device {
    pub(crate) fn new(tenant: TenantId) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        Self { key, tenant: tenant.to_string(), phone: String::new(), totp: Value::Null }
    }

    pub(crate) fn named(mut self, activated: &Value) -> Self {
        self.phone = activated["phone"].as_str().unwrap().to_owned();
        self.totp = activated["totp"].clone();
        self
    }

    fn public(&self) -> String {
        BASE64URL_NOPAD.encode(self.key.public_key().as_ref())
    }

    pub(crate) fn proof(&self, method: &str, path: &str, body: &str, at: i64) -> String {
        let hash = HEXLOWER.encode(digest(&SHA256, body.as_bytes()).as_ref());
        let signed = format!("countersign-device-v1\n{method}\n{path}\n{at}\n{hash}");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let signature = BASE64URL_NOPAD.encode(signature.as_ref());
        format!("Countersign-Device {}.{}.{at}.{signature}", self.tenant, self.phone)
    }
}
