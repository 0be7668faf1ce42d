//! A house with two tenants behind the pages' router, and browsers that keep cookies.

use crate::abroad::Abroad;
use auth::{
    Answer as Said, Auth, DeviceProof,
    sign_in::{Browser as Known, Purpose, cookie_name},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use countersign_web::{Pages, WebOptions};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::{CallBehavior, Courier, Outbox, Print};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{IntegrationRow, Options, PasskeyRow, PhoneRow, Store, TenantRow, TokenRow, UserRow, fields};
use tempfile::TempDir;
use tower::ServiceExt as _;
use types::{
    AttemptId, E164, ManualClock, Millis, Normalization, PasskeyId, PhoneId, SecretString, SignInId, TenantId, TokenId,
    UserId, UserName, World,
};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);
pub(crate) const HOST: &str = "api-acme.example.test";
pub(crate) const ORIGIN: &str = "https://api-acme.example.test";
pub(crate) const OTHER_HOST: &str = "api-other.example.test";
pub(crate) const IKEY: &str = "DIAAAAAAAAAAAAAAAAAA";
pub(crate) const BACK: &str = "https://app.example/back?x=1";

pub(crate) struct House {
    pub(crate) auth: Arc<Auth>,
    pub(crate) sso: Arc<sso::Sso>,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) outbox: Outbox,
    pub(crate) abroad: Arc<Abroad>,
    pub(crate) router: Router,
    _directory: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with("{}", "VPN").await
    }

    /// With these settings, and an application of this name.
    pub(crate) async fn with(settings: &str, app: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (world, clock) = World::made(NOW, 7);
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", directory.path().join("store.db").display());
        let engine = store::open(&url, &Options::default()).await.unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let days = DayKeys::open_or_create(&directory.path().join("log-days.key"), &ring, &world).unwrap();
        let marks = DayKeys::open_or_create(&directory.path().join("log-marks.key"), &ring, &world).unwrap();
        let store = Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days));
        let store = Arc::new(store.with_mark_keys(Arc::new(marks)));
        let (tenant, other) = (TenantId::new(NOW, world.random.as_ref()), TenantId::new(NOW, world.random.as_ref()));
        for (id, host, settings) in [(tenant, HOST, settings), (other, OTHER_HOST, "{}")] {
            let row = TenantRow {
                id,
                name: "Acme".to_owned(),
                api_host: host.to_owned(),
                created: NOW,
                settings: settings.to_owned(),
                log_key: None,
            };
            store.create_tenant(&row).await.unwrap();
        }
        let print = Arc::new(Print::quiet());
        // Nobody takes a call before the page was looked at.
        print.on_calls(CallBehavior::Silence);
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![print.clone()]));
        let abroad = Arc::new(Abroad::default());
        let options =
            auth::Options { fetch: Some(Arc::clone(&abroad) as Arc<dyn upstream::Fetch>), ..auth::Options::default() };
        let auth = Auth::start_with(Arc::clone(&store), courier, options);
        let sso = sso::Sso::start(Arc::clone(&auth), sso::Options::default());
        let pages = Pages::new(&sso, WebOptions::default()).unwrap();
        let router = pages.router().merge(pages.around(crate::leaves::door()));
        let house = Self {
            outbox: print.outbox(),
            abroad,
            auth,
            sso,
            store,
            world,
            clock,
            tenant,
            router,
            _directory: directory,
        };
        house.application(app).await;
        house
    }

    async fn application(&self, name: &str) {
        let scope = self.store.tenant(self.tenant);
        let keys = scope.keys().await.unwrap();
        let secret = keys.seal(fields::integration_secret(IKEY), &[b'k'; 40], self.world.random.as_ref()).unwrap();
        let row = IntegrationRow {
            ikey: IKEY.to_owned(),
            name: name.to_owned(),
            r#type: "websdk".to_owned(),
            secret,
            signature_v1: false,
            normalization: "simple".to_owned(),
            policy: None,
            settings: "{}".to_owned(),
            created: NOW,
        };
        let mut tx = scope.begin().await.unwrap();
        tx.insert_integration(&row).await.unwrap();
        tx.commit().await.unwrap();
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
            passkeys: 0,
            locked_at: None,
            deleted_at: None,
            last_login: None,
            created: NOW,
            attributes: "{}".to_owned(),
        };
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        tx.insert_user(&row, &UserName::new(name, Normalization::None).unwrap(), &[]).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn token(&self, user: UserId) {
        let id = TokenId::new(self.world.now(), self.world.random.as_ref());
        let scope = self.store.tenant(self.tenant);
        let keys = scope.keys().await.unwrap();
        let row = TokenRow {
            id,
            r#type: "t6".to_owned(),
            serial: id.to_string(),
            seed: keys.seal(fields::token_seed(&id), b"12345678901234567890", self.world.random.as_ref()).unwrap(),
            digits: 6,
            period: 30,
            counter: -1,
            drift: 0,
            last_used: None,
            created: NOW,
        };
        let mut tx = scope.begin().await.unwrap();
        tx.insert_token(&row).await.unwrap();
        tx.attach_token(user, id).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A telephone with a name that its owner gave it.
    pub(crate) async fn phone(&self, user: UserId, number: &str, name: &str) -> PhoneId {
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
            name: name.to_owned(),
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
        tx.attach_phone(user, id).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The row of a passkey: enough for it to be offered.
    pub(crate) async fn passkey(&self, user: UserId) {
        let row = PasskeyRow {
            id: PasskeyId::new(self.world.now(), self.world.random.as_ref()),
            user_id: user,
            credential_id: self.world.bytes::<24>().to_vec(),
            credential: Vec::new(),
            name: "a key".to_owned(),
            aaguid: String::new(),
            transports: "internal".to_owned(),
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
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        assert!(tx.insert_passkey(&row).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// The authenticator of a person, activated.
    pub(crate) async fn authenticator(&self, user: UserId, name: &str) -> Device {
        let (code, _) = self.auth.activation(self.tenant, user, None, Duration::from_secs(600)).await.unwrap();

        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        let activated = self.auth.activate(self.tenant, code.expose(), key.public_key().as_ref(), name).await.unwrap();
        Device { key, phone: activated.phone }
    }

    /// What the person's token shows now.
    pub(crate) fn totp(&self) -> String {
        auth::otp::hotp(b"12345678901234567890", (self.world.now().seconds() / 30) as u64, 6)
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { house: self, host: HOST, jar: Mutex::default(), language: "en" }
    }

    /// A sign-in at the application, as its door opens one, in a new browser.
    pub(crate) async fn at_application(&self, name: &str) -> (Browser<'_>, String) {
        self.at_application_with(name, BACK, "a state").await
    }

    pub(crate) async fn at_application_with(&self, name: &str, back: &str, state: &str) -> (Browser<'_>, String) {
        let browser = self.browser();
        let base = browser.open_application(name, back, state).await;
        (browser, base)
    }
}

pub(crate) struct Device {
    key: EcdsaKeyPair,
    phone: PhoneId,
}

impl Device {
    pub(crate) async fn answer(&self, house: &House, id: AttemptId, answer: Said) -> bool {
        let signed = b"whatever the door binds";
        let signature = self.key.sign(&SystemRandom::new(), signed).unwrap();
        let (tenant, phone, at) = (house.tenant, self.phone, house.world.now());
        let proof = DeviceProof { tenant, phone, at, signed, signature: signature.as_ref() };
        let device = house.auth.verify_device(&proof).await.unwrap();
        house.auth.answer(&device, id, answer).await.unwrap()
    }

    /// The one request that waits.
    pub(crate) async fn waiting(&self, house: &House) -> AttemptId {
        let signed = b"whatever the door binds";
        let signature = self.key.sign(&SystemRandom::new(), signed).unwrap();
        let (tenant, phone, at) = (house.tenant, self.phone, house.world.now());
        let proof = DeviceProof { tenant, phone, at, signed, signature: signature.as_ref() };
        let device = house.auth.verify_device(&proof).await.unwrap();
        house.auth.requests(&device, Duration::ZERO).await.unwrap().first().unwrap().id
    }
}

pub(crate) fn approve(code: &str) -> Said {
    Said::Approve(Some(SecretString::new(code.to_owned())))
}

/// A browser with its cookies.
pub(crate) struct Browser<'h> {
    pub(crate) house: &'h House,
    pub(crate) host: &'static str,
    pub(crate) jar: Mutex<BTreeMap<String, String>>,
    pub(crate) language: &'static str,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The token of the page's forms.
    pub(crate) fn token(&self) -> String {
        let text = self.text();
        let after = text.split_once("name=\"token\" value=\"").or_else(|| text.split_once("data-token=\""));
        after.unwrap_or_else(|| panic!("no token in {text}")).1.split('"').next().unwrap().to_owned()
    }
}

impl Browser<'_> {
    pub(crate) async fn open_application(&self, name: &str, back: &str, state: &str) -> String {
        let app = self.house.auth.applications().get(IKEY).await.unwrap().unwrap();
        let purpose = Purpose::Application {
            redirect_uri: back.to_owned(),
            state: state.to_owned(),
            nonce: None,
            duo_code: true,
        };
        let known = Known { origin: ORIGIN.to_owned(), ..Known::default() };
        let opened = self.house.auth.open_sign_in(&app, Some(name), purpose, &known).await.unwrap();
        let secret = opened.browser.expose().to_owned();
        self.jar.lock().unwrap().insert(cookie_name(opened.id, true), secret);
        format!("/sign-in/{}", opened.id)
    }

    /// Opens a sign-in to an application that signs people in here and takes two proofs.
    pub(crate) async fn open_sso(&self, name: &str) -> String {
        let app = self.house.auth.applications().get(IKEY).await.unwrap().unwrap();
        let level = ::auth::sign_in::Level::Multi;
        let purpose = Purpose::SingleSignOn { return_to: "/oidc/continue/x".to_owned(), level, fresh: false };
        let known = Known { origin: ORIGIN.to_owned(), ..Known::default() };
        let opened = self.house.auth.open_sign_in(&app, Some(name), purpose, &known).await.unwrap();
        let secret = opened.browser.expose().to_owned();
        self.jar.lock().unwrap().insert(cookie_name(opened.id, true), secret);
        format!("/sign-in/{}", opened.id)
    }

    /// A request like a browser's own.
    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let jar = self.jar.lock().unwrap();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, self.host)
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::ACCEPT_ENCODING, "gzip, br")
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request
                .header("sec-fetch-site", "same-origin")
                .header(header::ORIGIN, format!("https://{}", self.host));
        }
        request
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.stream(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The answer, not yet read.
    pub(crate) async fn stream(&self, mut request: Request<Body>) -> Response {
        let address: SocketAddr = "192.0.2.7:4711".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        let response = self.house.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.jar.lock().unwrap();
            if cookie.contains("Max-Age=0;") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// Follows redirects on the same host.
    pub(crate) async fn go(&self, path: &str) -> Answer {
        let mut answer = self.get(path).await;
        for _ in 0..6 {
            if !answer.location().starts_with('/') {
                break;
            }
            let next = answer.location().to_owned();
            answer = self.get(&next).await;
        }
        answer
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request =
            self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Loads a page, and posts its token with these fields.
    pub(crate) async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.token();
        let mut all = vec![("token", token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }
}

/// The id in a sign-in's path.
pub(crate) fn id_of(base: &str) -> SignInId {
    base.trim_start_matches("/sign-in/").parse().unwrap()
}

/// Every text of a page, without its markup.
pub(crate) fn words_of(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
