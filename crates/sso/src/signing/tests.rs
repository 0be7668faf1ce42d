//! Two nodes over one store, and the life of a key.

use super::{KEPT, KeyState, PUBLISHED, SigningKeys, TURN, Turn, Usage};
use jose::{Algorithm, Algorithms, Audience, Expect, verify_jwt};
use keys::{FileRoot, KeyRing};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};
use store::{Options, Store, TenantRow};
use tempfile::TempDir;
use types::{ManualClock, Millis, TenantId, World};

const NOW: Millis = Millis(1_795_280_601_805);

struct House {
    store: Arc<Store>,
    nodes: [Arc<SigningKeys>; 2],
    tenant: TenantId,
    clock: Arc<ManualClock>,
    place: TempDir,
}

impl House {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let (world, clock) = World::made(NOW, 7);
        let root = FileRoot::open_or_create(&place.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", place.path().join("store.db").display());
        let engine = store::open(&url, &Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world.clone()));
        let tenant = TenantId::new(NOW, world.random.as_ref());
        let row = TenantRow {
            id: tenant,
            name: "Acme".to_owned(),
            api_host: "login.acme.test".to_owned(),
            created: NOW,
            settings: "{}".to_owned(),
            log_key: None,
        };
        store.create_tenant(&row).await.unwrap();
        let nodes = [SigningKeys::start(Arc::clone(&store)), SigningKeys::start(Arc::clone(&store))];
        Self { store, nodes, tenant, clock, place }
    }

    async fn states(&self, usage: Usage) -> Vec<(i64, KeyState)> {
        let keys = self.nodes[0].list(self.tenant, usage).await.unwrap();
        keys.into_iter().filter(|(row, _)| row.alg != "EdDSA").map(|(row, state)| (row.generation, state)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_need_the_first_key_at_the_same_moment_have_the_same_one() {
    let house = House::new().await;
    let asks = (0..16).map(|n| {
        let (keys, tenant) = (Arc::clone(&house.nodes[n % 2]), house.tenant);
        tokio::spawn(async move { keys.signer(tenant, Algorithm::Es256).await.unwrap().kid().unwrap().to_owned() })
    });
    let mut seen = HashSet::new();
    for ask in asks.collect::<Vec<_>>() {
        seen.insert(ask.await.unwrap());
    }
    assert_eq!(seen.len(), 1);
    let [first, second] = &house.nodes;
    let (a, b) = (first.jwks(house.tenant).await.unwrap(), second.jwks(house.tenant).await.unwrap());
    let names = |set: &jose::JwkSet| set.keys.iter().map(|key| key.kid.clone()).collect::<BTreeSet<_>>();
    assert_eq!((names(&a), a.keys.len()), (names(&b), 3));
    assert!(seen.contains(&a.keys.iter().find(|key| key.alg == Some(Algorithm::Es256)).unwrap().thumbprint()));
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_after_and_then_gone() {
    let house = House::new().await;
    let [keys, other] = &house.nodes;
    let sign = async || {
        let claims = json!({"iss": "i", "exp": house.store.world().now().seconds() + 60});
        let token = keys.sign_jwt(house.tenant, Algorithm::Es256, "JWT", &claims).await.unwrap();
        let expect = Expect::new("i", Audience::Unchecked, house.store.world().now());
        let verifiers = other.verifiers(house.tenant, None).await.unwrap();
        let read = verify_jwt::<Value>(&token, &verifiers, Algorithms::ASYMMETRIC, &expect).unwrap();
        read.kid().unwrap().to_owned()
    };
    let first = sign().await;
    assert_eq!(house.states(Usage::Jwt).await, [(1, KeyState::Active)]);
    house.clock.advance(TURN - PUBLISHED);
    assert_eq!(sign().await, first);
    assert_eq!(house.states(Usage::Jwt).await, [(1, KeyState::Active), (2, KeyState::Pending)]);
    // While one waits, no other is made.
    assert!(!keys.rotate(house.tenant, Usage::Jwt, Algorithm::Es256, Turn::After(PUBLISHED)).await.unwrap());
    house.clock.advance(PUBLISHED);
    let second = sign().await;
    assert_ne!(second, first);
    assert_eq!(house.states(Usage::Jwt).await, [(1, KeyState::Retired), (2, KeyState::Active)]);
    house.clock.advance(KEPT);
    assert_eq!(sign().await, second);
    assert_eq!(house.states(Usage::Jwt).await, [(2, KeyState::Active)]);
    // In a thief's hands: gone at once.
    assert!(keys.rotate(house.tenant, Usage::Jwt, Algorithm::Es256, Turn::Now).await.unwrap());
    other.forget(house.tenant);
    assert_ne!(sign().await, second);
    assert_eq!(house.states(Usage::Jwt).await, [(3, KeyState::Active)]);
}

#[tokio::test]
async fn a_node_that_has_not_heard_of_a_key_looks_for_it_when_a_token_names_it() {
    let house = House::new().await;
    let [keys, _] = &house.nodes;
    // Another process over the same database: it hears of nothing, for as long as it doesn't look.
    let url = format!("sqlite:{}", house.place.path().join("store.db").display());
    let engine = store::open(&url, &Options::default()).await.unwrap();
    let ring = KeyRing::new(Arc::new(FileRoot::open(&house.place.path().join("root.key")).unwrap()));
    let far = SigningKeys::start(Arc::new(Store::new(engine, ring, house.store.world().clone())));
    let first = keys.signer(house.tenant, Algorithm::Es256).await.unwrap();
    let knows = async |kid: &str| far.verifiers(house.tenant, Some(kid)).await.unwrap().has(kid);
    assert!(knows(first.kid().unwrap()).await);
    assert!(keys.rotate(house.tenant, Usage::Jwt, Algorithm::Es256, Turn::Now).await.unwrap());
    let second = keys.signer(house.tenant, Algorithm::Es256).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    assert!(knows(second.kid().unwrap()).await);
}

#[tokio::test]
async fn a_saml_key_has_a_certificate_of_years_and_turns_only_when_it_is_told_to() {
    let house = House::new().await;
    let keys = &house.nodes[0];
    let first = keys.saml_signer(house.tenant).await.unwrap().certificate().to_vec();
    assert_eq!(keys.saml_certificates(house.tenant).await.unwrap(), std::slice::from_ref(&first));
    house.clock.advance(4 * TURN);
    assert_eq!(keys.saml_signer(house.tenant).await.unwrap().certificate(), first);
    let month = Duration::from_secs(30 * 86_400);
    assert!(keys.rotate(house.tenant, Usage::Saml, Algorithm::Rs256, Turn::After(month)).await.unwrap());
    let both = keys.saml_certificates(house.tenant).await.unwrap();
    assert_eq!((both.len(), &both[0]), (2, &first));
    assert_eq!(keys.saml_signer(house.tenant).await.unwrap().certificate(), first);
    house.clock.advance(month);
    assert_eq!(keys.saml_signer(house.tenant).await.unwrap().certificate(), both[1]);
    // It is no key for tokens.
    assert!(keys.list(house.tenant, Usage::Jwt).await.unwrap().is_empty());
}

#[tokio::test]
async fn private_parts_stand_sealed_and_open_for_their_own_row_alone() {
    let house = House::new().await;
    house.nodes[0].jwks(house.tenant).await.unwrap();
    let rows = house.store.tenant(house.tenant).signing_keys("jwt", NOW).await.unwrap();
    assert_eq!(rows.len(), 3);
    let keys = house.store.tenant(house.tenant).keys().await.unwrap();
    for row in &rows {
        assert!(!row.public.contains("\"d\""));
        let other = rows.iter().find(|other| other.kid != row.kid).unwrap();
        assert!(keys.open(store::fields::signing_key(&row.kid), &row.private).is_ok());
        assert!(keys.open(store::fields::signing_key(&other.kid), &row.private).is_err());
    }
}
