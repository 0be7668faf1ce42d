//! A house with two tenants behind the door's router, applications with keys, and browsers that keep cookies.

use auth::{Auth, account::Strength, sign_in::Browser as Known};
use aws_lc_rs::{encoding::AsDer as _, rsa};
use axum::{Router, body::Body};
use countersign_saml::{BackChannel, Door, router};
use data_encoding::BASE64;
use flate2::{Compression, write::DeflateEncoder};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use keys::{FileRoot, KeyRing};
use messaging::{Courier, Print};
use outbound::Outbound;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use sso::{
    Kind, Leaf, Logouts, Settings, Sso,
    claims::{ClaimRule, ClaimsMap, Field, GroupFilter, Source},
    party::{Binding, Endpoint, LogoutEndpoint, SamlParty},
};
use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, Mutex, OnceLock},
};
use store::{
    IntegrationRow, Options, RelyingPartyChange, RelyingPartyRow, Store, TenantRow, TokenRow, UserRow, fields,
};
use tempfile::TempDir;
use tower::ServiceExt as _;
use types::{ManualClock, Millis, Normalization, SecretBytes, SessionId, TenantId, TokenId, UserId, UserName, World};
use xmlsig::{Document, Fragment, Limits, PublicKey, SigningKey, Verified, Xml, ns, redirect};

/// 2026-11-22T05:50:01.805Z.
pub(crate) const NOW: Millis = Millis(1_795_326_601_805);
pub(crate) const HOST: &str = "api-acme.example.test";
pub(crate) const ORIGIN: &str = "https://api-acme.example.test";
pub(crate) const OTHER_HOST: &str = "api-other.example.test";
pub(crate) const APP: &str = "https://app.example/saml";
pub(crate) const ACS: &str = "https://app.example/acs";
pub(crate) const SLO: &str = "https://app.example/slo";
pub(crate) const IKEY: &str = "DIAAAAAAAAAAAAAAAAAA";
pub(crate) const SECOND: &str = "https://second.example/saml";
pub(crate) const SECOND_IKEY: &str = "DIBBBBBBBBBBBBBBBBBB";

/// A key with its certificate, as an application has one.
pub(crate) struct Keys {
    pub(crate) signing: SigningKey,
    pub(crate) private: SecretBytes,
    pub(crate) certificate: String,
}

impl Keys {
    fn rsa() -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pkcs8 = pkcs8.as_ref().to_vec();
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()), &PKCS_RSA_SHA256);
        let der = CertificateParams::default().self_signed(&pair.unwrap()).unwrap().der().to_vec();
        let private = SecretBytes::new(pkcs8);
        Self {
            signing: SigningKey::from_pkcs8(&private, der.clone()).unwrap(),
            private,
            certificate: BASE64.encode(&der),
        }
    }
}

/// The application's own keys, and somebody else's: made once, because making them takes long.
pub(crate) fn own() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(Keys::rsa)
}

pub(crate) fn strangers() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(Keys::rsa)
}

/// A certificate of another kind of key.
pub(crate) fn certificate(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let pair = KeyPair::generate_for(algorithm).unwrap();
    BASE64.encode(CertificateParams::default().self_signed(&pair).unwrap().der())
}

/// A certificate of an RSA key of 1024 bits.
pub(crate) const SHORT: &str = "MIIB9jCCAV+gAwIBAgIUOQj5aquDs6hYHD6mY3IR/Fm8BhgwDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UEAwwBeDAgFw0yNjExMjIxNjQ5MTdaGA8yMTI2MTAyOTE2NDkxN1owDDEKMAgGA1UEAwwBeDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAqBPKJDRewXStezNKvWTWVBtNhD85N4EJTXjd8QdilAjdnyrWy4LR0qZx6SaWo7WdLcG8ENlZALPoGAQ024Vt7o89h4Z51IIsciB9LlydHB+1iqRxspEIvIHpErCzdGVWQ2VVlNa9ANSCztu0z3z5cxjrz4bjOMJZaxoSSAoNpd0CAwEAAaNTMFEwHQYDVR0OBBYEFN2wdJ3D8grNZ0bU1zxs9Am1ALUQMB8GA1UdIwQYMBaAFN2wdJ3D8grNZ0bU1zxs9Am1ALUQMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEAGqplAe1flKoDzncqphSkPhPX8rkwTQkhLiQb79uxvmhT5HQFLP78B2JVozI4OJghS0ZeywIXudvZJa+gaFHfK8Li3PbsX0LMYsgsMbvW4sDvH2fCVcHS1oqbzm5gi6BU0ImWhXQ0aET9DlL05L2hqzj7UYqBw/YnzDjsDcnqC/Q=";

pub(crate) struct House {
    pub(crate) auth: Arc<Auth>,
    pub(crate) sso: Arc<Sso>,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) other: TenantId,
    pub(crate) router: Router,
    /// Tells applications behind the browser's back.
    pub(crate) logouts: Arc<Logouts>,
    _directory: TempDir,
}

/// An application that takes signed assertions, and signs nothing itself.
pub(crate) fn party() -> SamlParty {
    SamlParty {
        acs: vec![
            Endpoint { url: ACS.to_owned(), index: 1, default: true },
            Endpoint { url: "https://app.example/acs2".to_owned(), index: 7, default: false },
        ],
        slo: vec![LogoutEndpoint { url: SLO.to_owned(), response_url: None, binding: Binding::Redirect }],
        certificates: vec![own().certificate.clone()],
        attributes: ClaimsMap(vec![
            ClaimRule::new("uid", Source::Field(Field::Username)),
            ClaimRule::new("urn:oid:0.9.2342.19200300.100.1.3", Source::Field(Field::Email)),
            ClaimRule::new("groups", Source::Groups(GroupFilter::default())),
        ]),
        ..SamlParty::default()
    }
}

impl House {
    /// With the usual application.
    pub(crate) async fn new() -> Self {
        Self::with(party()).await
    }

    /// With an application that is set like this, and with a second one beside it.
    pub(crate) async fn with(settings: SamlParty) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (world, clock) = World::made(NOW, 7);
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", directory.path().join("store.db").display());
        let engine = store::open(&url, &Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world.clone()));
        let (tenant, other) = (TenantId::new(NOW, world.random.as_ref()), TenantId::new(NOW, world.random.as_ref()));
        for (id, host) in [(tenant, HOST), (other, OTHER_HOST)] {
            let row = TenantRow {
                id,
                name: "Acme".to_owned(),
                api_host: host.to_owned(),
                created: NOW,
                settings: "{}".to_owned(),
                log_key: None,
            };
            store.create_tenant(&row).await.unwrap();
        }
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())]));
        let auth = Auth::start(Arc::clone(&store), courier);
        let sso = Sso::start(Arc::clone(&auth), sso::Options::default());
        // Applications of the tests stand on this machine.
        let outbound = Outbound::new(vec!["127.0.0.0/8".parse().unwrap()], "test").unwrap();
        let door = Arc::new(Door::new(&sso, outbound.clone()));
        let logouts = Logouts::start(&sso, vec![Box::new(BackChannel::new(&sso, outbound))]);
        let router = router(&door);
        let house = Self { auth, sso, store, world, clock, tenant, other, router, logouts, _directory: directory };
        house.application(tenant, IKEY, APP, settings).await;
        let mut second = party();
        second.acs = vec![Endpoint { url: "https://second.example/acs".to_owned(), index: 0, default: true }];
        second.slo[0].url = "https://second.example/slo".to_owned();
        second.certificates = vec![strangers().certificate.clone()];
        house.application(tenant, SECOND_IKEY, SECOND, second).await;
        house
    }

    pub(crate) async fn application(&self, tenant: TenantId, ikey: &str, key: &str, party: SamlParty) {
        self.registered(tenant, ikey, key, Settings::of(Kind::Saml(Box::new(party)))).await;
    }

    /// An application of whichever protocol.
    pub(crate) async fn registered(&self, tenant: TenantId, ikey: &str, key: &str, settings: Settings) {
        let scope = self.store.tenant(tenant);
        let keys = scope.keys().await.unwrap();
        let secret = keys.seal(fields::integration_secret(ikey), &[b'k'; 40], self.world.random.as_ref()).unwrap();
        settings.check(key).unwrap();
        let protocol = settings.protocol().as_str().to_owned();
        let integration = IntegrationRow {
            ikey: ikey.to_owned(),
            name: format!("App {}", &ikey[2..4]),
            r#type: protocol.clone(),
            secret,
            signature_v1: false,
            normalization: "simple".to_owned(),
            policy: None,
            settings: "{}".to_owned(),
            created: NOW,
        };
        let row = RelyingPartyRow {
            ikey: ikey.to_owned(),
            protocol,
            key: key.to_owned(),
            settings: serde_json::to_string(&settings).unwrap(),
            secret: None,
            created: NOW,
            updated: NOW,
        };
        let mut tx = scope.begin().await.unwrap();
        tx.insert_integration(&integration).await.unwrap();
        tx.insert_relying_party(&row).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Changes what is set for an application.
    pub(crate) async fn change(&self, ikey: &str, change: impl FnOnce(&mut SamlParty)) {
        self.put(ikey, change, true).await;
    }

    /// Likewise, to what can't be set any more but may stand in a store.
    pub(crate) async fn had(&self, ikey: &str, change: impl FnOnce(&mut SamlParty)) {
        self.put(ikey, change, false).await;
    }

    async fn put(&self, ikey: &str, change: impl FnOnce(&mut SamlParty), checked: bool) {
        let row = self.store.tenant(self.tenant).relying_party(ikey).await.unwrap().unwrap();
        let mut settings: Settings = serde_json::from_str(&row.settings).unwrap();
        let Kind::Saml(party) = &mut settings.kind else { panic!("another protocol") };
        change(party);
        assert!(!checked || settings.check(&row.key).is_ok());
        let settings = Some(serde_json::to_string(&settings).unwrap());
        let change = RelyingPartyChange { settings, ..RelyingPartyChange::default() };
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        assert!(tx.change_relying_party(ikey, &change, self.world.now()).await.unwrap());
        tx.commit().await.unwrap();
        self.auth.applications().forget(ikey);
    }

    pub(crate) async fn user(&self, tenant: TenantId, name: &str) -> UserId {
        let id = UserId::new(self.world.now(), self.world.random.as_ref());
        let row = UserRow {
            id,
            username: name.to_owned(),
            realname: String::new(),
            firstname: String::new(),
            lastname: String::new(),
            email: format!("{name}@example.org"),
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
        let mut tx = self.store.tenant(tenant).begin().await.unwrap();
        tx.insert_user(&row, &UserName::new(name, Normalization::None).unwrap(), &[]).await.unwrap();
        tx.commit().await.unwrap();
        self.token(tenant, id).await;
        id
    }

    /// Something to sign in with: whoever has nothing is sent to enrol.
    async fn token(&self, tenant: TenantId, user: UserId) {
        let id = TokenId::new(self.world.now(), self.world.random.as_ref());
        let scope = self.store.tenant(tenant);
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

    /// A browser in which somebody of this tenant is signed in.
    pub(crate) async fn signed_in(&self, name: &str, strength: Strength) -> (Browser, UserId, SessionId) {
        let user = self.user(self.tenant, name).await;
        let browser = self.browser();
        let session = self.session(&browser, user, strength).await;
        (browser, user, session)
    }

    pub(crate) async fn session(&self, browser: &Browser, user: UserId, strength: Strength) -> SessionId {
        let opened = self.auth.open_session(self.tenant, user, strength, &Known::default()).await;
        let (cookie, id) = opened.unwrap();
        browser.put("__Host-countersign-session", cookie.expose());
        id
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: Mutex::default(), host: HOST.to_owned() }
    }

    /// What the tenant's metadata says, verified by the key in itself.
    pub(crate) async fn keys(&self) -> Vec<PublicKey> {
        let answer = self.browser().get("/saml/metadata").await;
        assert_eq!(answer.status, StatusCode::OK);
        let document = Document::parse(answer.text.as_bytes(), &Limits::METADATA).unwrap();
        let certificates = document.root().descendants().filter(|at| at.is(ns::MD, "KeyDescriptor"));
        let keys: Vec<_> = certificates
            .map(|key| key.descendants().find(|at| at.is(ns::DS, "X509Certificate")).unwrap())
            .map(|certificate| PublicKey::from_certificate(&certificate.base64().unwrap()).unwrap())
            .collect();
        xmlsig::verify(document.root(), &keys, xmlsig::Accept::default()).unwrap();
        keys
    }
}

/// A browser: keeps cookies, follows nothing by itself.
pub(crate) struct Browser {
    router: Router,
    cookies: Mutex<BTreeMap<String, String>>,
    pub(crate) host: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) text: String,
    pub(crate) headers: http::HeaderMap,
    /// What is on the page, where it is one.
    pub(crate) leaf: Option<Leaf>,
}

impl Browser {
    pub(crate) fn put(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap().clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, true, None).await
    }

    /// From where it says that it comes (`Sec-Fetch-Site`).
    pub(crate) async fn get_from(&self, path: &str, site: &str) -> Answer {
        self.ask(Method::GET, path, None, true, Some(site)).await
    }

    /// A form of another site's: no cookies come along (`SameSite=Lax`).
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(Method::POST, path, Some(body), false, None).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        with_cookies: bool,
        site: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.host);
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        if with_cookies {
            let line: Vec<String> = self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !line.is_empty() {
                request = request.header(header::COOKIE, line.join("; "));
            }
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, rest) = text.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.lock().unwrap().remove(name);
            } else {
                self.put(name, value);
            }
        }
        let (parts, body) = response.into_parts();
        let leaf = parts.extensions.get::<Leaf>().cloned();
        let location = parts.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, location: location.unwrap_or_default(), text, headers: parts.headers, leaf }
    }
}

impl Answer {
    /// The word of a refusal's page.
    pub(crate) fn refusal(&self) -> &'static str {
        assert_ne!(self.status, StatusCode::OK, "{self:?}");
        let Some(Leaf::Refused { word, .. }) = &self.leaf else { panic!("{self:?}") };
        word
    }

    /// A field of the form that carries something.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let Some(Leaf::Carry { fields, .. }) = &self.leaf else { return None };
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// Where its form leads.
    pub(crate) fn action(&self) -> &str {
        let Some(Leaf::Carry { action, .. }) = &self.leaf else { panic!("{self:?}") };
        action
    }

    /// The response that the form carries.
    pub(crate) fn response(&self) -> Document {
        let carried = self.field("SAMLResponse").unwrap_or_else(|| panic!("{} {}", self.status, self.text));
        xmlsig::post::decode(&carried, &Limits::MESSAGE).unwrap()
    }

    /// Its codes, the second one empty for none.
    pub(crate) fn codes(&self) -> (String, String) {
        let document = self.response();
        codes(document.root())
    }
}

pub(crate) fn codes(root: xmlsig::Element<'_>) -> (String, String) {
    let word = |code: xmlsig::Element<'_>| {
        code.attribute("Value").unwrap().strip_prefix("urn:oasis:names:tc:SAML:2.0:status:").unwrap().to_owned()
    };
    let first = root.only(ns::SAMLP, "Status").unwrap().only(ns::SAMLP, "StatusCode").unwrap();
    let second = first.child(ns::SAMLP, "StatusCode").unwrap();
    (word(first), second.map(word).unwrap_or_default())
}

/// The assertion of a response whose assertion was signed.
pub(crate) fn assertion(document: &Document, keys: &[PublicKey]) -> Verified {
    let found = document.root().only(ns::SAML, "Assertion").unwrap();
    xmlsig::verify(found, keys, xmlsig::Accept::default()).unwrap()
}

/// A moment as messages have it.
pub(crate) fn at(moment: Millis) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(moment.0).unwrap())
}

/// A request to sign in, by the usual application, with what `change` does to it.
pub(crate) fn request(id: &str, change: impl FnOnce(Xml) -> Xml) -> Fragment {
    let xml = Xml::new("samlp:AuthnRequest")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", id)
        .with("Version", "2.0")
        .with("IssueInstant", at(NOW))
        .with("Destination", format!("{ORIGIN}/saml/sso"))
        .child(Xml::new("saml:Issuer").text(APP));
    change(xml).render().unwrap()
}

/// A request without change.
pub(crate) fn plain(id: &str) -> Fragment {
    request(id, |xml| xml)
}

/// The address that carries a request, unsigned.
pub(crate) fn carried(message: &Fragment) -> String {
    by_redirect(message, "/saml/sso", None, None)
}

pub(crate) fn by_redirect(message: &Fragment, path: &str, relay: Option<&str>, key: Option<&SigningKey>) -> String {
    format!("{path}?{}", redirect::encode(redirect::Parameter::Request, message, relay, key).unwrap())
}

/// The address that carries whatever octets.
pub(crate) fn raw(octets: &[u8]) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    let value = BASE64.encode(&encoder.finish().unwrap());
    format!("/saml/sso?SAMLRequest={}", form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>())
}
