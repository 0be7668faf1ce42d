//! A house with two tenants behind the door's router, and browsers that keep cookies.

use auth::{Auth, account::Strength, sign_in::Browser as Known};
use axum::{Router, body::Body, response::Response};
use countersign_oidc::{BackChannel, Door, router};
use directory::{Checks, Directory};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::{Courier, Print};
use serde_json::Value;
use sso::{
    ClientAuth, DeviceEnd, GrantType, Kind, Leaf, Logouts, OidcClient, Settings, Sso,
    manage::{self, MadeParty, NewParty, NewSecret},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Options, PasskeyRow, Store, TenantRow, UserRow};
use tempfile::TempDir;
use tower::ServiceExt as _;
use types::{
    ManualClock, Millis, Normalization, PasskeyId, SecretString, SessionId, TenantId, UserId, UserName, World,
};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);
pub(crate) const HOST: &str = "login.acme.test";
/// What every application is called.
pub(crate) const NAME: &str = "An <b>app</b> & \"more\"";
pub(crate) const ISSUER: &str = "https://login.acme.test";
pub(crate) const OTHER_HOST: &str = "login.other.test";
pub(crate) const CALLBACK: &str = "https://app.example/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct House {
    pub(crate) auth: Arc<Auth>,
    pub(crate) sso: Arc<Sso>,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) other: TenantId,
    pub(crate) directory: Arc<Directory>,
    pub(crate) router: Router,
    _place: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let (world, clock) = World::made(NOW, 7);
        let root = FileRoot::open_or_create(&place.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", place.path().join("store.db").display());
        let engine = store::open(&url, &Options::default()).await.unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let days = DayKeys::open_or_create(&place.path().join("log-days.key"), &ring, &world).unwrap();
        let store = Arc::new(Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days)));
        let (tenant, other) = (TenantId::new(NOW, world.random.as_ref()), TenantId::new(NOW, world.random.as_ref()));
        for (id, host) in [(tenant, HOST), (other, OTHER_HOST)] {
            let row = TenantRow {
                id,
                name: "Acme".to_owned(),
                api_host: host.to_owned(),
                created: NOW,
                settings: r#"{"session_idle_minutes": 30}"#.to_owned(),
                log_key: None,
            };
            store.create_tenant(&row).await.unwrap();
        }
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())]));
        let auth = Auth::start(Arc::clone(&store), courier);
        let sso = Sso::start(Arc::clone(&auth), sso::Options::default());
        let checks = Checks { policy: |_, _| Ok(()), settings: |_| Ok(()), operator_delay: |_| None };
        let directory = Arc::new(Directory::new(Arc::clone(&store), checks));
        let outbound = outbound::Outbound::new(vec!["127.0.0.0/8".parse().unwrap()], "test").unwrap();
        let logouts = Logouts::start(&sso, vec![Box::new(BackChannel::new(&sso, outbound.clone()))]);
        let door = Arc::new(Door::new(&sso, &logouts, outbound, &directory));
        let router = router(&door);
        Self { auth, sso, store, world, clock, tenant, other, directory, router, _place: place }
    }

    /// A client of the tenant, changed by `with`.
    pub(crate) async fn client(&self, with: impl FnOnce(&mut OidcClient)) -> MadeParty {
        self.client_at(self.tenant, with).await
    }

    pub(crate) async fn client_at(&self, tenant: TenantId, with: impl FnOnce(&mut OidcClient)) -> MadeParty {
        let mut client = OidcClient {
            redirect_uris: vec![CALLBACK.to_owned()],
            post_logout_redirect_uris: vec!["https://app.example/bye".to_owned()],
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            level: auth::sign_in::Level::Single,
            ..OidcClient::default()
        };
        with(&mut client);
        let secret = client.auth_method != ClientAuth::None;
        let mut new = NewParty::new(NAME, Settings::of(Kind::Oidc(Box::new(client))));
        new.secret = if secret { NewSecret::Made } else { NewSecret::None };
        manage::create(&self.directory.tenant(tenant, "test"), new).await.unwrap()
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        let id = UserId::new(self.world.now(), self.world.random.as_ref());
        let row = UserRow {
            id,
            username: name.to_owned(),
            realname: "Alice Example".to_owned(),
            firstname: "Alice".to_owned(),
            lastname: "Example".to_owned(),
            email: "alice@acme.test".to_owned(),
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
        assert!(tx.insert_passkey(&self.passkey(id)).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    /// Enough of a passkey for its owner to be somebody who can sign in.
    fn passkey(&self, user: UserId) -> PasskeyRow {
        PasskeyRow {
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
        }
    }

    /// A browser in which this person has just signed in with a passkey.
    pub(crate) async fn signed_in(&self, user: UserId) -> (Browser<'_>, SessionId) {
        let browser = self.browser();
        let opened = self.auth.open_session(self.tenant, user, Strength::Passkey, &Known::default()).await.unwrap();
        let (cookie, session) = opened;
        browser.put("__Host-countersign-session", cookie.expose());
        (browser, session)
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { house: self, host: HOST, from: None, cookies: Mutex::default() }
    }

    /// Sets the policy that holds everywhere.
    pub(crate) async fn policy(&self, sections: &str) -> types::PolicyId {
        let policy = store::PolicyRow {
            id: types::PolicyId::new(self.world.now(), self.world.random.as_ref()),
            name: "global".to_owned(),
            is_global: true,
            sections: sections.to_owned(),
            created: self.world.now(),
        };
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        tx.insert_policy(&policy).await.unwrap();
        tx.commit().await.unwrap();
        self.auth.applications().forget_tenant(self.tenant);
        policy.id
    }

    pub(crate) fn minute(&self) {
        self.clock.advance(Duration::from_secs(60));
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A program's POST of a form to the tenant.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)], client: Option<&MadeParty>) -> Answer {
        let mut request = Request::post(path)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(client) = client {
            let secret = client.secret.as_ref().map(SecretString::expose).unwrap_or_default();
            // RFC 6749 §2.3.1: an address as a name is written as in a form.
            let key = client.key.replace(':', "%3A");
            let pair = data_encoding::BASE64.encode(format!("{key}:{secret}").as_bytes());
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        self.ask(request.body(Body::from(query(form))).unwrap()).await
    }

    /// A GET of a program with a token.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        let request =
            Request::get(path).header(header::HOST, HOST).header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// What is on the page, where it is one.
    pub(crate) leaf: Option<Leaf>,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let leaf = parts.extensions.get::<Leaf>().cloned();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: parts.status, headers: parts.headers, body, leaf }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        self.header("location")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The parameters that came back to the application at `address`.
    pub(crate) fn back(&self, address: &str) -> BTreeMap<String, String> {
        let location = self.location();
        let rest = location.strip_prefix(address).unwrap_or_else(|| panic!("{location}"));
        parameters(rest.strip_prefix(['?', '&']).unwrap_or_default())
    }

    /// What the page's form sends back so that it is known to be the page's.
    pub(crate) fn token(&self) -> &str {
        match &self.leaf {
            Some(Leaf::SignOut { fields, .. }) => {
                &fields.iter().find(|(name, _)| *name == "token").unwrap_or_else(|| panic!("{self:?}")).1
            }
            Some(Leaf::Device(asked)) => &asked.token,
            _ => panic!("{self:?}"),
        }
    }

    /// A refusal on a page of ours: nothing leads anywhere.
    pub(crate) fn is_page(&self) {
        assert!(self.status.is_client_error(), "{self:?}");
        assert!(!self.headers.contains_key("location"), "{self:?}");
        let refuses = matches!(self.leaf, Some(Leaf::Refused { .. } | Leaf::DeviceEnd(DeviceEnd::Gone)));
        assert!(refuses && self.body.is_empty(), "{self:?}");
        assert!(self.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(self.header("x-frame-options"), "DENY");
    }
}

/// A browser at one host.
pub(crate) struct Browser<'a> {
    house: &'a House,
    pub(crate) host: &'static str,
    /// The address that its requests come from, where one is known.
    pub(crate) from: Option<SocketAddr>,
    pub(crate) cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser<'_> {
    pub(crate) fn put(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Whether it keeps a cookie of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.cookies.lock().unwrap().contains_key(name)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// A form that a page of this origin posts.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let headers = [("sec-fetch-site", "same-origin"), ("origin", ISSUER)];
        self.send(Method::POST, path, Some(query(form)), &headers).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.host)
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(from) = self.from {
            request = request.extension(axum::extract::ConnectInfo(from));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let answer = self.house.ask(request.body(Body::from(body.unwrap_or_default())).unwrap()).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly; SameSite=Lax; Secure") && line.contains("; Path=/;"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0;") {
                self.cookies.lock().unwrap().remove(name);
            } else {
                self.put(name, value);
            }
        }
        answer
    }

    /// Asks for a code as an application does; parameters that are given stand in place of the right ones, empty ones take them away.
    pub(crate) async fn authorize(&self, client: &MadeParty, more: &[(&str, &str)]) -> Answer {
        self.get(&authorize(client, more)).await
    }
}

/// The address to which an application sends a browser.
pub(crate) fn authorize(client: &MadeParty, more: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("client_id", client.key.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    params.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    params.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    format!("/oidc/authorize?{}", query(&params))
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

pub(crate) fn parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'%' => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(out).unwrap()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// The claims of a token, whose signature is somebody else's to verify.
pub(crate) fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(body.as_bytes()).unwrap()).unwrap()
}
