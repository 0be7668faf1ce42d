//! FIDO's metadata over people's passkeys: which issue counts, who is suspended and restored, and what a tenant may ask of a make.

use crate::{
    account_house::{ORIGIN, SOON, SoftKey, browser, is_refused},
    forge::{Draft, Forge},
    service::{Batch, Model, Service, authority},
    support::{House, NOW, each_engine},
};
use countersign_auth::{
    Auth, AuthError, METADATA, ROLLED_BACK, Round,
    account::{Action, Added, Permit, Strength},
};
use messaging::Courier;
use rcgen::{CertifiedIssuer, KeyPair};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use store::PasskeyRow;
use types::{PasskeyId, UserId};
use webauthn::{Aaguid, Metadata, MetadataRoots};

const MODEL: [u8; 16] = [0x11; 16];
const STRICT: &str = r#"{"passkey_attestation": {"require_verified": true}}"#;

/// A metadata service, and a maker whose model it knows.
struct World {
    service: Service,
    maker: CertifiedIssuer<'static, KeyPair>,
    batch: Batch,
}

impl World {
    fn new() -> Self {
        let maker = authority("Maker");
        let batch = Batch::new(&maker, Some(MODEL));
        Self { service: Service::new(), maker, batch }
    }

    fn model(&self) -> Model {
        Model::new(Aaguid(MODEL), "Example Key 5", &[self.maker.der()])
    }

    fn issue(&self, serial: u64, model: Model) -> Arc<Metadata> {
        let roots: MetadataRoots = self.service.roots();
        Arc::new(Metadata::parse(self.service.blob(serial, &[model]).as_bytes(), &roots, NOW).unwrap())
    }

    fn good(&self, serial: u64) -> Arc<Metadata> {
        self.issue(serial, self.model())
    }

    fn reported(&self, serial: u64, status: &str) -> Arc<Metadata> {
        self.issue(serial, self.model().reported(json!({ "status": status })))
    }
}

fn key(id: u8) -> Forge {
    Forge { id: vec![id; 24], aaguid: MODEL, ..Forge::new() }
}

fn at_home(draft: &mut Draft) {
    draft.origin = ORIGIN.to_owned();
    draft.rp_id = "api-acme.example.test".to_owned();
}

/// Registers a key of the batch, without a name of the person's choice.
async fn register(house: &House, permit: &Permit, key: &Forge, batch: &Batch) -> Result<Added, AuthError> {
    let begun = house.auth.begin_passkey(permit, &browser(), None).await?;
    let answer = key.register_with(&begun.options, at_home, |signed| batch.packed(signed));
    house.auth.finish_passkey(permit, &browser(), begun.id, &answer, None).await
}

/// A person with a key of the batch; the notice of it has been read.
async fn with_key(house: &House, world: &World, name: &str, id: u8) -> (UserId, PasskeyId) {
    let user = house.person(name).await;
    let (_, session) = house.session(user, Strength::Otp).await;
    let permit = house.permit(&session, Action::AddPasskey).await;
    let added = register(house, &permit, &key(id), &world.batch).await.unwrap();
    house.outbox.wait_for(&format!("{name}@acme.example"), SOON).await.unwrap();
    (user, added.passkey)
}

async fn passkey(house: &House, id: PasskeyId) -> PasskeyRow {
    house.store.tenant(house.tenant).passkey(id).await.unwrap().unwrap()
}

/// The whole walk.
async fn walk(auth: &Auth) -> Result<Round, AuthError> {
    let (mut sum, mut from) = (Round::default(), None);
    loop {
        let round = auth.apply_metadata(from).await?;
        assert!(round.seen <= 200, "a round is bounded");
        sum.seen += round.seen;
        sum.suspended += round.suspended;
        sum.restored += round.restored;
        sum.failed += round.failed;
        from = round.next;
        if from.is_none() {
            return Ok(sum);
        }
    }
}

/// An engine on the same rows: after a restart, or on another node.
fn another(house: &House) -> Arc<Auth> {
    let courier = Arc::new(Courier::new(Arc::clone(&house.store), vec![house.print.clone()]));
    Auth::start(Arc::clone(&house.store), courier)
}

fn is_rolled_back<T>(done: Result<T, AuthError>) -> bool {
    matches!(done, Err(AuthError::Refused(ROLLED_BACK)))
}

#[test]
fn an_earlier_issue_is_refused_by_every_node_and_after_a_restart() {
    each_engine("{}", async |house| {
        let world = World::new();
        house.auth.accept_metadata(world.good(42)).await.unwrap();
        house.auth.accept_metadata(world.good(42)).await.unwrap();
        assert!(is_rolled_back(house.auth.accept_metadata(world.good(41)).await));
        assert_eq!(house.auth.metadata().unwrap().serial(), 42);
        let again = another(house);
        assert!(is_rolled_back(again.accept_metadata(world.good(41)).await));
        assert!(again.metadata().is_none());
        again.accept_metadata(world.good(43)).await.unwrap();
        assert_eq!(house.store.metadata_serial(METADATA).await.unwrap().unwrap().serial, 43);
        // What the first one still holds is an earlier issue by now: it judges nobody by it.
        assert!(is_rolled_back(walk(&house.auth).await));
    });
}

#[test]
fn a_report_suspends_tells_and_logs_and_its_withdrawal_restores() {
    each_engine("{}", async |house| {
        let world = World::new();
        house.auth.accept_metadata(world.good(1)).await.unwrap();
        let (ana, of_ana) = with_key(house, &world, "ana", 1).await;
        let (_, of_bob) = with_key(house, &world, "bob", 2).await;
        let (_, _, _) = house.settled("cleo").await;
        let (cookie, _) = house.session(ana, Strength::Passkey).await;
        assert_eq!(walk(&house.auth).await.unwrap(), Round { seen: 3, ..Round::default() });
        // Bob's is suspended already, and not by a report.
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.suspend_passkey(of_bob, "lost", NOW).await.unwrap());
        tx.commit().await.unwrap();

        house.auth.accept_metadata(world.reported(2, "USER_KEY_REMOTE_COMPROMISE")).await.unwrap();
        assert_eq!(walk(&house.auth).await.unwrap(), Round { seen: 3, suspended: 1, ..Round::default() });
        assert_eq!(walk(&house.auth).await.unwrap(), Round { seen: 3, ..Round::default() }, "once");
        assert_eq!(passkey(house, of_ana).await.suspended_reason, "metadata:USER_KEY_REMOTE_COMPROMISE");
        assert_eq!(passkey(house, of_bob).await.suspended_reason, "lost");
        let scope = house.store.tenant(house.tenant);
        assert_eq!(scope.user(ana).await.unwrap().unwrap().passkeys, 0);
        assert!(!house.is_open(&cookie).await, "a copy of the key may be in it");
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("its make was reported as unsafe"));

        // Another node has not heard yet, and takes nothing back.
        let behind = another(house);
        behind.set_metadata(Some(world.good(1)));
        assert!(is_rolled_back(walk(&behind).await));

        house.auth.accept_metadata(world.good(3)).await.unwrap();
        assert_eq!(walk(&house.auth).await.unwrap(), Round { seen: 3, restored: 1, ..Round::default() });
        assert!(passkey(house, of_ana).await.suspended_at.is_none());
        assert_eq!(passkey(house, of_bob).await.suspended_reason, "lost");
        assert_eq!(scope.user(ana).await.unwrap().unwrap().passkeys, 1);
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("can be used again"));
        let log = house.acts().await;
        let acts: Vec<_> = log.iter().filter(|row| row.actor == "metadata").map(|row| row.action.as_str()).collect();
        assert_eq!(acts.iter().collect::<BTreeSet<_>>().len(), 2);
        assert_eq!(acts.len(), 2, "{acts:?}");
    });
}

#[test]
fn a_walk_goes_through_all_tenants_in_rounds() {
    each_engine("{}", async |house| {
        let world = World::new();
        house.auth.accept_metadata(world.reported(1, "REVOKED")).await.unwrap();
        house.other_tenant().await;
        let user = house.user("ana").await;
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        for number in 0..401_u16 {
            let row = PasskeyRow {
                id: PasskeyId::new(house.world.now(), house.world.random.as_ref()),
                user_id: user,
                credential_id: number.to_be_bytes().repeat(16),
                credential: Vec::new(),
                name: "Key".to_owned(),
                // One in forty is of the model.
                aaguid: if number % 40 == 0 { Aaguid(MODEL) } else { Aaguid([2; 16]) }.to_string(),
                transports: String::new(),
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
            assert!(tx.insert_passkey(&row).await.unwrap());
        }
        tx.commit().await.unwrap();
        // A first walk is broken off after one round, and two more run at once.
        let begun = house.auth.apply_metadata(None).await.unwrap();
        assert!((begun.seen == 200 || begun.seen == 0) && begun.next.is_some());
        let (one, two) = tokio::join!(walk(&house.auth), walk(&house.auth));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.seen, two.seen), (401, 401));
        assert_eq!(begun.suspended + one.suspended + two.suspended, 11, "each once");
        assert_eq!(house.store.tenant(house.tenant).user(user).await.unwrap().unwrap().passkeys, 390);
    });
}

#[test]
fn a_tenant_that_asks_for_a_proven_make_gets_it() {
    each_engine(STRICT, async |house| {
        let world = World::new();
        let user = house.person("ana").await;
        let (_, session) = house.session(user, Strength::Otp).await;
        let permit = async || house.permit(&session, Action::AddPasskey).await;
        let refused = async |batch: &Batch, why: &str| {
            let done = register(house, &permit().await, &key(1), batch).await;
            assert!(matches!(done, Err(AuthError::Refused(reason)) if reason == why), "{why}");
        };
        refused(&world.batch, "metadata_overdue").await;
        house.auth.accept_metadata(world.good(1)).await.unwrap();
        // No attestation, a forged one, one of a model that is reported.
        assert!(is_refused(&house.register(&permit().await, &SoftKey::new()).await));
        refused(&Batch::new(&authority("Maker"), Some(MODEL)), "attestation_untrusted").await;
        house.auth.accept_metadata(world.reported(2, "REVOKED")).await.unwrap();
        refused(&world.batch, "model_unsafe").await;
        house.auth.accept_metadata(world.good(3)).await.unwrap();
        assert_eq!(house.passkeys(user).await, 0);
        let added = register(house, &permit().await, &key(1), &world.batch).await.unwrap();
        assert_eq!(added.name, "Example Key 5", "what the metadata calls it");
        assert_eq!(passkey(house, added.passkey).await.attestation, "verified");
        // When the next issue is overdue, nothing is proven any more.
        house.clock.advance(std::time::Duration::from_secs(11 * 86_400));
        let (_, session) = house.session(user, Strength::Otp).await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        let late = register(house, &permit, &key(2), &world.batch).await;
        assert!(matches!(late, Err(AuthError::Refused("metadata_overdue"))));
    });
}
