//! Sessions that serve one browser.

use crate::{
    account_house::{ORIGIN, browser},
    support::{House, each_engine},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use countersign_auth::{
    AuthError,
    account::{Session, Strength},
    binding::{Shown, Standing},
};
use jose::{Algorithm, SigningKey};
use serde_json::json;
use std::time::Duration;
use types::{SecretString, UserId};

const AT: &str = "/account/sessions?x=1";
/// How a public key of P-256 begins in DER.
const SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A browser's own key, as its page's script has one.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn public(&self) -> Vec<u8> {
        [SPKI, self.0.public_key().as_ref()].concat()
    }

    fn sign(&self, what: &str, session: &Session, origin: &str, to: &str, mark: &str) -> Vec<u8> {
        let lines = ["countersign session v1", what, &session.id().to_string(), origin, to, mark].join("\n");
        self.0.sign(&SystemRandom::new(), lines.as_bytes()).unwrap().as_ref().to_vec()
    }
}

/// A session that was bound to a browser, at the moment after.
struct Bound<'h> {
    house: &'h House,
    cookie: SecretString,
    key: Key,
}

impl<'h> Bound<'h> {
    async fn new(house: &'h House, user: UserId) -> Self {
        let (cookie, session) = house.session(user, Strength::Passkey).await;
        let key = Key::new();
        let ticket = house.auth.binding_ticket(house.tenant, session.id()).await.unwrap();
        let signature = key.sign("bind", &session, ORIGIN, AT, ticket.expose());
        let auth = &house.auth;
        let opens = auth.bind_browser(&session, ORIGIN, AT, ticket.expose(), &key.public(), &signature).await.unwrap();
        let bound = Self { house, cookie, key };
        assert_eq!(bound.shows(AT, Some(opens.expose())).await, Standing::Good);
        bound
    }

    async fn session(&self) -> Session {
        self.house.auth.session(self.house.tenant, self.cookie.expose()).await.unwrap().unwrap()
    }

    async fn shows(&self, address: &str, ticket: Option<&str>) -> Standing {
        let shown = Shown { address: Some(address), origin: ORIGIN, ticket, device: None };
        self.house.auth.standing(&self.session().await, &shown).await.unwrap()
    }

    async fn challenge(&self) -> SecretString {
        self.house.auth.proof_challenge(&self.session().await, ORIGIN, AT).await.unwrap()
    }

    async fn prove(&self, origin: &str, to: &str, challenge: &str) -> Result<SecretString, AuthError> {
        let session = self.session().await;
        let signature = self.key.sign("prove", &session, origin, to, challenge);
        self.house.auth.prove_browser(&session, origin, to, challenge, &signature).await
    }
}

fn refused<T>(result: Result<T, AuthError>) -> bool {
    matches!(result, Err(AuthError::Refused(_)))
}

#[test]
fn a_bound_session_opens_what_was_proved_for_once_and_nothing_else() {
    each_engine("{}", async |house| {
        let bound = Bound::new(house, house.person("ana").await).await;
        // The cookie alone: what a copied jar holds.
        assert_eq!(bound.shows(AT, None).await, Standing::Prove);
        for garbage in ["", "x", "AAAA", &"A".repeat(75), &"A".repeat(100_000), "\u{0}"] {
            assert_eq!(bound.shows(AT, Some(garbage)).await, Standing::Prove, "{garbage:.10}");
        }
        let ticket = bound.prove(ORIGIN, AT, bound.challenge().await.expose()).await.unwrap();
        for elsewhere in ["/account", "/account/sessions", "/account/sessions?x=2", "/oidc/continue/x"] {
            assert_eq!(bound.shows(elsewhere, Some(ticket.expose())).await, Standing::Prove, "{elsewhere}");
        }
        assert_eq!(bound.shows(AT, Some(ticket.expose())).await, Standing::Good);
        assert_eq!(bound.shows(AT, Some(ticket.expose())).await, Standing::Prove, "twice");
        // One that nobody used is over soon.
        let late = bound.prove(ORIGIN, AT, bound.challenge().await.expose()).await.unwrap();
        house.clock.advance(Duration::from_secs(30));
        assert_eq!(bound.shows(AT, Some(late.expose())).await, Standing::Prove, "late");
        // A challenge opens nothing by itself.
        assert_eq!(bound.shows(AT, Some(bound.challenge().await.expose())).await, Standing::Prove);
    });
}

#[test]
fn of_a_hundred_proofs_of_one_challenge_one_wins_and_of_a_hundred_uses_of_one_ticket() {
    each_engine("{}", async |house| {
        let bound = Bound::new(house, house.person("ana").await).await;
        let challenge = bound.challenge().await;
        let proofs = (0..100).map(|_| bound.prove(ORIGIN, AT, challenge.expose()));
        let tickets: Vec<_> = futures_util::future::join_all(proofs).await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(tickets.len(), 1);
        let uses = (0..100).map(|_| bound.shows(AT, Some(tickets[0].expose())));
        let good = futures_util::future::join_all(uses).await.into_iter().filter(|one| *one == Standing::Good).count();
        assert_eq!(good, 1);
        assert!(refused(bound.prove(ORIGIN, AT, challenge.expose()).await), "replayed");
    });
}

#[test]
fn a_proof_is_for_one_session_origin_address_and_time() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (bound, other) = (Bound::new(house, user).await, Bound::new(house, user).await);
        let challenge = bound.challenge().await;
        let text = challenge.expose();
        assert!(refused(bound.prove("https://evil.example", AT, text).await), "another origin");
        assert!(refused(bound.prove(ORIGIN, "/account", text).await), "another address");
        assert!(refused(other.prove(ORIGIN, AT, text).await), "another session");
        // Signed right, but for somebody else's challenge; signed for another place than it is shown for.
        let session = bound.session().await;
        for (what, origin, to) in
            [("bind", ORIGIN, AT), ("prove", "https://evil.example", AT), ("prove", ORIGIN, "/account")]
        {
            let signature = bound.key.sign(what, &session, origin, to, text);
            assert!(refused(house.auth.prove_browser(&session, ORIGIN, AT, text, &signature).await), "{what} {to}");
        }
        // Another's key, no key, garbage.
        let signature = other.key.sign("prove", &session, ORIGIN, AT, text);
        for signature in [signature.as_slice(), &[], &[0; 64], &[0xff; 64], &[1; 10_000]] {
            assert!(refused(house.auth.prove_browser(&session, ORIGIN, AT, text, signature).await));
        }
        for leading_away in ["//evil.example/", "https://evil.example/", "/a#b", ""] {
            assert!(refused(house.auth.proof_challenge(&session, ORIGIN, leading_away).await.map(drop)));
        }
        house.clock.advance(Duration::from_secs(119));
        assert!(bound.prove(ORIGIN, AT, text).await.is_ok(), "in time");
        let late = bound.challenge().await;
        house.clock.advance(Duration::from_secs(120));
        assert!(refused(bound.prove(ORIGIN, AT, late.expose()).await), "late");
    });
}

#[test]
fn a_key_is_bound_with_the_ticket_of_a_sign_in_and_never_otherwise() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (cookie, session) = house.session(user, Strength::Passkey).await;
        let (_, other) = house.session(user, Strength::Passkey).await;
        let auth = &house.auth;
        let bind = async |session: &Session, ticket: &str, key: &Key, public: &[u8]| {
            let signature = key.sign("bind", session, ORIGIN, AT, ticket);
            auth.bind_browser(session, ORIGIN, AT, ticket, public, &signature).await
        };
        let key = Key::new();
        let challenge = auth.proof_challenge(&session, ORIGIN, AT).await.unwrap();
        for no_ticket in ["", "x", challenge.expose()] {
            assert!(refused(bind(&session, no_ticket, &key, &key.public()).await));
        }
        let ticket = auth.binding_ticket(house.tenant, session.id()).await.unwrap();
        assert!(refused(bind(&other, ticket.expose(), &key, &key.public()).await), "another session");
        assert!(refused(bind(&session, ticket.expose(), &Key::new(), &key.public()).await), "not the key's own");
        for wrong in [&[][..], &key.public()[..90], &key.public()[1..], &[0x30; 91], &[SPKI, &[2; 65]].concat()] {
            assert!(refused(bind(&session, ticket.expose(), &key, wrong).await));
        }
        assert!(auth.may_bind(&session, ticket.expose()).await.unwrap());
        let binds = (0..100).map(|_| async {
            let key = Key::new();
            bind(&session, ticket.expose(), &key, &key.public()).await.is_ok()
        });
        let won = futures_util::future::join_all(binds).await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
        assert!(refused(bind(&session, ticket.expose(), &key, &key.public()).await), "replayed");
        let late = auth.binding_ticket(house.tenant, session.id()).await.unwrap();
        house.clock.advance(Duration::from_secs(300));
        assert!(refused(bind(&session, late.expose(), &key, &key.public()).await), "late");
        // A session that has ended takes no key any more.
        let ticket = auth.binding_ticket(house.tenant, session.id()).await.unwrap();
        auth.sign_out(&session).await.unwrap();
        assert!(refused(bind(&session, ticket.expose(), &key, &key.public()).await), "ended");
        assert!(auth.session(house.tenant, cookie.expose()).await.unwrap().is_none());
    });
}

#[test]
fn another_tenants_marks_are_nobodys() {
    each_engine("{}", async |house| {
        let bound = Bound::new(house, house.person("ana").await).await;
        let elsewhere = house.another_tenant().await;
        let session = bound.session().await;
        // The same session id at another tenant: its keys make other marks.
        let ticket = house.auth.binding_ticket(elsewhere, session.id()).await.unwrap();
        assert!(!house.auth.may_bind(&session, ticket.expose()).await.unwrap());
        let signature = bound.key.sign("bind", &session, ORIGIN, AT, ticket.expose());
        let bind =
            house.auth.bind_browser(&session, ORIGIN, AT, ticket.expose(), &bound.key.public(), &signature).await;
        assert!(refused(bind));
        assert!(house.auth.session(elsewhere, bound.cookie.expose()).await.unwrap().is_none());
    });
}

#[test]
fn what_a_tenant_wants_of_browsers_that_cannot_be_bound() {
    each_engine(r#"{"session_binding": "required"}"#, async |house| {
        let user = house.person("ana").await;
        let (_, session) = house.session(user, Strength::Passkey).await;
        let shown = Shown { address: Some(AT), origin: ORIGIN, ..Shown::default() };
        let standing = async |session: &Session| house.auth.standing(session, &shown).await.unwrap();
        assert_eq!(standing(&session).await, Standing::Unbound);
        let (_, narrow) = house.session(user, Strength::Enrollment).await;
        assert_eq!(standing(&narrow).await, Standing::Good);
        let bound = Bound::new(house, user).await;
        assert_eq!(bound.shows(AT, None).await, Standing::Prove);
        house.settings(r#"{"session_binding": "preferred"}"#).await;
        assert_eq!(standing(&session).await, Standing::Good);
        assert_eq!(bound.shows(AT, None).await, Standing::Prove);
        house.settings(r#"{"session_binding": "off"}"#).await;
        assert_eq!(bound.shows(AT, None).await, Standing::Good);
    });
}

#[test]
fn a_device_without_a_key_of_the_page_is_not_bound_enough_where_sessions_must_be() {
    each_engine(r#"{"session_binding": "required"}"#, async |house| {
        let (_, session) = house.session(house.person("ana").await, Strength::Passkey).await;
        let ticket = house.auth.binding_ticket(house.tenant, session.id()).await.unwrap();
        let challenge = house.auth.device_registration(&session, ticket.expose()).await.unwrap().unwrap();
        let proof = Device::new(Algorithm::Es256).registration(challenge.expose());
        let cookie = house.auth.register_device(&session, &proof).await.unwrap();
        // Both cookies, as whoever has copied the jar shows them too.
        let shown = Shown { address: Some(AT), origin: ORIGIN, ticket: None, device: Some(cookie.value.expose()) };
        assert_eq!(house.auth.standing(&session, &shown).await.unwrap(), Standing::Unbound);
        house.settings(r#"{"session_binding": "preferred"}"#).await;
        assert_eq!(house.auth.standing(&session, &shown).await.unwrap(), Standing::Good);
        let alone = Shown { device: None, ..shown };
        assert_eq!(house.auth.standing(&session, &alone).await.unwrap(), Standing::Stale);
    });
}

#[test]
fn limits_that_are_lowered_hold_at_once() {
    const WIDE: &str = r#"{"session_idle_minutes": 120, "session_life_hours": 3}"#;
    each_engine(WIDE, async |house| {
        let user = house.person("ana").await;
        for lowered in [
            r#"{"session_idle_minutes": 120, "session_life_hours": 1}"#,
            r#"{"session_idle_minutes": 10, "session_life_hours": 3}"#,
        ] {
            house.settings(WIDE).await;
            let (cookie, session) = house.session(user, Strength::Passkey).await;
            let pass = house.auth.pass(&session, "wiki").await.unwrap();
            let passes = async || house.auth.passed(house.tenant, pass.expose(), "wiki").await.unwrap().is_some();
            house.clock.advance(Duration::from_secs(110 * 60));
            assert!(house.is_open(&cookie).await && passes().await);
            house.settings(lowered).await;
            assert!(!house.is_open(&cookie).await && !passes().await, "{lowered}");
        }
    });
}

#[test]
fn a_cookie_without_its_key_keeps_no_session_from_ending() {
    each_engine(r#"{"session_idle_minutes": 30}"#, async |house| {
        let user = house.person("ana").await;
        let (copied, own) = (Bound::new(house, user).await, Bound::new(house, user).await);
        for minute in 1..=40 {
            house.clock.advance(Duration::from_secs(60));
            // Who has copied the jar asks for pages and challenges, and posts.
            let found = house.auth.session(house.tenant, copied.cookie.expose()).await.unwrap();
            assert_eq!(found.is_some(), minute < 30, "{minute}");
            if let Some(session) = found {
                house.auth.proof_challenge(&session, ORIGIN, AT).await.unwrap();
                assert_eq!(copied.shows(AT, None).await, Standing::Prove);
                let posted = Shown { origin: ORIGIN, ..Shown::default() };
                assert_eq!(house.auth.standing(&session, &posted).await.unwrap(), Standing::Good);
            }
            let ticket = own.prove(ORIGIN, AT, own.challenge().await.expose()).await.unwrap();
            assert_eq!(own.shows(AT, Some(ticket.expose())).await, Standing::Good);
        }
    });
}

#[test]
fn a_pages_token_is_made_by_the_server_and_not_by_the_cookie() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (cookie, session) = house.session(user, Strength::Passkey).await;
        let (theirs, other) = house.session(user, Strength::Passkey).await;
        let auth = &house.auth;
        let token = auth.page_token(&session, cookie.expose(), "/account").await.unwrap();
        let is = async |session: &Session, cookie: &SecretString, purpose: &str, token: &str| {
            auth.is_page_token(session, cookie.expose(), purpose, token).await.unwrap()
        };
        assert!(is(&session, &cookie, "/account", &token).await);
        assert!(!is(&other, &theirs, "/account", &token).await && !is(&session, &cookie, "/apps", &token).await);
        let own = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, cookie.expose().as_bytes());
        let guess = data_encoding::BASE64URL_NOPAD.encode(aws_lc_rs::hmac::sign(&own, b"/account").as_ref());
        for wrong in ["", "x", &guess, &token[1..]] {
            assert!(!is(&session, &cookie, "/account", wrong).await, "{wrong}");
        }
    });
}

#[test]
fn a_session_is_carried_over_once_and_its_pass_ends_with_it() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (_, session) = house.session(user, Strength::Passkey).await;
        let (auth, tenant) = (&house.auth, house.tenant);
        let elsewhere = house.another_tenant().await;
        let code = auth.hand_over(&session, "wiki").await.unwrap();
        assert!(auth.take_over(tenant, code.expose(), "another").await.unwrap().is_none(), "another application");
        assert!(auth.take_over(elsewhere, code.expose(), "wiki").await.unwrap().is_none(), "another tenant");
        assert!(auth.passed(tenant, code.expose(), "wiki").await.unwrap().is_none(), "a code is no pass");
        let takes = (0..100).map(|_| async { auth.take_over(tenant, code.expose(), "wiki").await.unwrap().is_some() });
        let won = futures_util::future::join_all(takes).await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
        let late = auth.hand_over(&session, "wiki").await.unwrap();
        house.clock.advance(Duration::from_secs(60));
        assert!(auth.take_over(tenant, late.expose(), "wiki").await.unwrap().is_none(), "late");

        let pass = auth.pass(&session, "wiki").await.unwrap();
        let good = async |text: &str, about: &str| auth.passed(tenant, text, about).await.unwrap().is_some();
        assert!(good(pass.expose(), "wiki").await && good(pass.expose(), "wiki").await);
        assert!(!good(pass.expose(), "another").await);
        assert!(auth.take_over(tenant, pass.expose(), "wiki").await.unwrap().is_none(), "a pass is no code");
        let (id, mark) = pass.expose().split_once('.').unwrap();
        let (_, other) = house.session(user, Strength::Passkey).await;
        for wrong in ["", ".", id, mark, &format!("{}.{mark}", other.id()), &format!("{id}.{mark}A"), &"x".repeat(1000)]
        {
            assert!(!good(wrong, "wiki").await, "{wrong:.20}");
        }
        assert!(auth.passed(elsewhere, pass.expose(), "wiki").await.unwrap().is_none());
        auth.sign_out(&session).await.unwrap();
        assert!(!good(pass.expose(), "wiki").await, "signed out");
    });
}

/// A browser that has Device Bound Session Credentials, in so far as the server sees it.
struct Device(SigningKey, Algorithm);

impl Device {
    fn new(algorithm: Algorithm) -> Self {
        Self(SigningKey::generate(algorithm).unwrap().0, algorithm)
    }

    fn registration(&self, challenge: &str) -> String {
        self.0.sign_with_jwk("dbsc+jwt", &json!({"jti": challenge})).unwrap()
    }

    fn renewal(&self, challenge: &str) -> String {
        let header = json!({"typ": "dbsc+jwt", "alg": self.1.name()});
        self.0.sign_with(&header, &json!({"jti": challenge})).unwrap()
    }
}

#[test]
fn a_devices_key_renews_a_cookie_of_minutes_without_which_nothing_opens() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let (_, session) = house.session(user, Strength::Passkey).await;
            let auth = &house.auth;
            let standing = async |device: Option<&str>| {
                let shown = Shown { address: Some(AT), origin: ORIGIN, ticket: None, device };
                auth.standing(&session, &shown).await.unwrap()
            };
            assert!(auth.device_registration(&session, "no ticket").await.unwrap().is_none());
            assert!(auth.renewal_challenge(&session).await.unwrap().is_none());
            let ticket = auth.binding_ticket(house.tenant, session.id()).await.unwrap();
            let challenge = auth.device_registration(&session, ticket.expose()).await.unwrap().unwrap();
            let device = Device::new(algorithm);
            assert!(refused(auth.register_device(&session, &device.registration("another challenge")).await.map(drop)));
            let proof = device.registration(challenge.expose());
            let tries = (0..100).map(|_| auth.register_device(&session, &proof));
            let won: Vec<_> = futures_util::future::join_all(tries).await.into_iter().filter_map(Result::ok).collect();
            assert_eq!(won.len(), 1);
            assert_eq!(standing(Some(won[0].value.expose())).await, Standing::Good);
            assert_eq!(standing(None).await, Standing::Stale);
            assert_eq!(standing(Some("x")).await, Standing::Stale);
            house.clock.advance(won[0].life);
            assert_eq!(standing(Some(won[0].value.expose())).await, Standing::Stale, "over");

            let challenge = auth.renewal_challenge(&session).await.unwrap().unwrap();
            let thief = Device::new(algorithm);
            assert!(refused(auth.renew_device(&session, &thief.renewal(challenge.expose())).await.map(drop)));
            assert!(refused(auth.renew_device(&session, &device.registration(challenge.expose())).await.map(drop)));
            let proof = device.renewal(challenge.expose());
            let tries = (0..100).map(|_| auth.renew_device(&session, &proof));
            let won: Vec<_> = futures_util::future::join_all(tries).await.into_iter().filter_map(Result::ok).collect();
            assert_eq!(won.len(), 1);
            assert_eq!(standing(Some(won[0].value.expose())).await, Standing::Good);
            // The cookie of another session of the same person is none here.
            let (_, other) = house.session(user, Strength::Passkey).await;
            let ticket = auth.binding_ticket(house.tenant, other.id()).await.unwrap();
            let challenge = auth.device_registration(&other, ticket.expose()).await.unwrap().unwrap();
            assert!(refused(auth.register_device(&session, &device.registration(challenge.expose())).await.map(drop)));
            let theirs = auth.register_device(&other, &device.registration(challenge.expose())).await.unwrap();
            assert_eq!(standing(Some(theirs.value.expose())).await, Standing::Stale);
        }
        assert_eq!(browser().origin, ORIGIN);
    });
}
