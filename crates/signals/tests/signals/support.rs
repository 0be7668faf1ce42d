//! A tenant behind the door's router, with clients that have their tokens.

use auth::{Auth, account::Strength, sign_in::Browser};
use axum::{Router, body::Body};
use countersign_signals::{Door, router};
use directory::{Checks, Directory};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::{Courier, Print};
use serde_json::{Value, json};
use sso::{
    GrantType, Kind, OidcClient, Settings, Sso,
    manage::{self, MadeParty, NewParty, NewSecret},
    tokens::{Granted, Want},
};
use std::sync::Arc;
use store::{Options, PasskeyRow, Store, TenantRow, UserRow};
use tempfile::TempDir;
use tower::ServiceExt as _;
use types::{ManualClock, Millis, Normalization, PasskeyId, SessionId, StreamId, TenantId, UserId, UserName, World};

const NOW: Millis = Millis(1_795_280_601_805);
const HOST: &str = "login.acme.test";
const ISSUER: &str = "https://login.acme.test";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

pub(crate) struct House {
    pub(crate) auth: Arc<Auth>,
    pub(crate) sso: Arc<Sso>,
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: TenantId,
    pub(crate) directory: Directory,
    router: Router,
    _place: TempDir,
}

/// A client and the token that it asks with.
pub(crate) struct Client {
    pub(crate) made: MadeParty,
    token: String,
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
        let tenant = TenantId::new(NOW, world.random.as_ref());
        let row = TenantRow {
            id: tenant,
            name: "Acme".to_owned(),
            api_host: HOST.to_owned(),
            created: NOW,
            settings: "{}".to_owned(),
            log_key: None,
        };
        store.create_tenant(&row).await.unwrap();
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())]));
        let auth = Auth::start(Arc::clone(&store), courier);
        let sso = Sso::start(Arc::clone(&auth), sso::Options::default());
        let checks = Checks { policy: |_, _| Ok(()), settings: |_| Ok(()), operator_delay: |_| None };
        let directory = Directory::new(Arc::clone(&store), checks);
        let outbound = outbound::Outbound::new(vec!["127.0.0.0/8".parse().unwrap()], "test").unwrap();
        let router = router(&Door::start(&sso, outbound));
        Self { auth, sso, store, world, clock, tenant, directory, router, _place: place }
    }

    /// A client that has these scopes by its registration and in its token.
    pub(crate) async fn client(&self, scopes: &[&str]) -> Client {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let settings = Settings::of(Kind::Oidc(Box::new(OidcClient {
            redirect_uris: vec!["https://receiver.example/cb".to_owned()],
            grant_types: vec![GrantType::ClientCredentials],
            scopes: scopes.clone(),
            ..OidcClient::default()
        })));
        let new = NewParty { secret: NewSecret::Made, ..NewParty::new("A receiver", settings) };
        let made = manage::create(&self.directory.tenant(self.tenant, "test"), new).await.unwrap();
        let party = self.sso.party_of(self.tenant, &made.ikey).await.unwrap().unwrap();
        let granted = Granted { client_id: made.key.clone(), subject: made.key.clone(), scopes, ..Granted::default() };
        let want = Want { issuer: ISSUER.to_owned(), scopes: None, resources: None, binding: None, until: None };
        let minted = self.sso.grants().grant(&party, None, granted, &want).await.unwrap();
        Client { token: minted.access_token.expose().to_owned(), made }
    }

    pub(crate) async fn user(&self, name: &str, email: &str) -> UserId {
        let id = UserId::new(self.world.now(), self.world.random.as_ref());
        let row = UserRow {
            id,
            username: name.to_owned(),
            realname: String::new(),
            firstname: String::new(),
            lastname: String::new(),
            email: email.to_owned(),
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
        // Enough of a passkey for its owner to be somebody who can sign in.
        let passkey = PasskeyRow {
            id: PasskeyId::new(NOW, self.world.random.as_ref()),
            user_id: id,
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
        tx.insert_user(&row, &UserName::new(name, Normalization::None).unwrap(), &[]).await.unwrap();
        assert!(tx.insert_passkey(&passkey).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    /// A session of somebody who has just signed in.
    pub(crate) async fn session(&self, user: UserId) -> SessionId {
        self.auth.open_session(self.tenant, user, Strength::Passkey, &Browser::default()).await.unwrap().1
    }

    pub(crate) async fn lasts(&self, session: SessionId) -> bool {
        self.auth.session_by_id(self.tenant, session).await.unwrap().is_some()
    }

    pub(crate) async fn ask(&self, client: &Client, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::AUTHORIZATION, format!("Bearer {}", client.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// A stream of this client that wants to hear of sessions' ends.
    pub(crate) async fn stream(&self, client: &Client, delivery: &Value) -> StreamId {
        let wanted = json!({ "delivery": delivery, "events_requested": [REVOKED] });
        let (status, made) = self.ask(client, Method::POST, "/ssf/stream", &wanted).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["stream_id"].as_str().unwrap().parse().unwrap()
    }
}
