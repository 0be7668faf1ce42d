//! What the tests of a person's own account share: a browser, a passkey in software, sessions and grants.

use crate::support::{House, NOW};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use countersign_auth::{
    AuthError, Client,
    account::{Action, Added, Permit, Session, Strength},
    binding::{Shown, Standing},
    sign_in::{Browser, Purpose, SignIn},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::time::Duration;
use store::{TenantRow, UserChange};
use types::{SecretString, TenantId, UserId};

pub(crate) const ORIGIN: &str = "https://api-acme.example.test";
pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const FRAUD: &str = r#"{"fraud_email_enabled": true, "fraud_email": "soc@acme.example"}"#;

pub(crate) fn browser() -> Browser {
    Browser {
        client: client(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64)".to_owned(),
        origin: ORIGIN.to_owned(),
        ..Browser::default()
    }
}

pub(crate) fn client() -> Client {
    Client { ip: "192.0.2.7".parse().ok(), ..Client::default() }
}

/// A passkey in software, without attestation.
pub(crate) struct SoftKey {
    key: EcdsaKeyPair,
    id: [u8; 16],
}

impl SoftKey {
    pub(crate) fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let mut id = [0; 16];
        id.copy_from_slice(&key.public_key().as_ref()[1..17]);
        Self { key, id }
    }

    pub(crate) fn credential_id(&self) -> String {
        BASE64URL_NOPAD.encode(&self.id)
    }

    /// What the browser on a page of `origin` answers to these options.
    pub(crate) fn create(&self, options: &Value, origin: &str) -> Vec<u8> {
        let challenge = options["challenge"].as_str().unwrap();
        let client =
            json!({ "type": "webauthn.create", "challenge": challenge, "origin": origin, "crossOrigin": false })
                .to_string();
        let point = self.key.public_key().as_ref();
        let mut data = digest(&SHA256, options["rp"]["id"].as_str().unwrap().as_bytes()).as_ref().to_vec();
        // User present, user verified, attested credential data; the counter stays at 0.
        data.extend([0x45, 0, 0, 0, 0]);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(self.id);
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend((data.len() as u16).to_be_bytes());
        object.extend(data);
        json!({
            "id": self.credential_id(), "rawId": self.credential_id(), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "attestationObject": BASE64URL_NOPAD.encode(&object),
                "clientDataJSON": BASE64URL_NOPAD.encode(client.as_bytes()),
                "transports": ["internal"],
            },
        })
        .to_string()
        .into_bytes()
    }
}

impl House {
    /// A user with a mail address.
    pub(crate) async fn person(&self, name: &str) -> UserId {
        let user = self.user(name).await;
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        let change = UserChange { email: Some(format!("{name}@acme.example")), ..UserChange::default() };
        assert!(tx.change_user(user, &change).await.unwrap());
        tx.commit().await.unwrap();
        user
    }

    pub(crate) async fn session(&self, user: UserId, strength: Strength) -> (SecretString, Session) {
        let (cookie, _) = self.auth.open_session(self.tenant, user, strength, &browser()).await.unwrap();
        let session = self.auth.session(self.tenant, cookie.expose()).await.unwrap().unwrap();
        (cookie, session)
    }

    pub(crate) async fn is_open(&self, cookie: &SecretString) -> bool {
        self.auth.session(self.tenant, cookie.expose()).await.unwrap().is_some()
    }

    /// Opens a page by a session that isn't bound to a browser: that counts as use. Whether it is open.
    pub(crate) async fn opens_page(&self, cookie: &SecretString) -> bool {
        let Some(session) = self.auth.session(self.tenant, cookie.expose()).await.unwrap() else { return false };
        let shown = Shown { address: Some("/account"), origin: ORIGIN, ..Shown::default() };
        self.auth.standing(&session, &shown).await.unwrap() == Standing::Good
    }

    /// The grant of a step-up with a passkey.
    pub(crate) async fn grant(&self, session: &Session, action: Action) -> SecretString {
        let opened =
            self.auth.open_grant(self.tenant, session.id(), session.user(), action.as_str(), Strength::Passkey).await;
        opened.unwrap()
    }

    pub(crate) async fn permit(&self, session: &Session, action: Action) -> Permit {
        let grant = self.grant(session, action).await;
        self.auth.permit(session, action, Some(grant.expose())).await.unwrap()
    }

    /// Registers a passkey with a permit.
    pub(crate) async fn register(&self, permit: &Permit, key: &SoftKey) -> Result<Added, AuthError> {
        let begun = self.auth.begin_passkey(permit, &browser(), None).await?;
        let answer = key.create(&begun.options, ORIGIN);
        self.auth.finish_passkey(permit, &browser(), begun.id, &answer, Some("My key")).await
    }

    /// A user who has a passkey, with a session.
    pub(crate) async fn settled(&self, name: &str) -> (UserId, SecretString, Session) {
        let user = self.person(name).await;
        let (cookie, session) = self.session(user, Strength::Passkey).await;
        let permit = self.permit(&session, Action::AddPasskey).await;
        self.register(&permit, &SoftKey::new()).await.unwrap();
        self.outbox.wait_for(&format!("{name}@acme.example"), SOON).await.unwrap();
        // What comes next comes later: an undo goes by that.
        self.clock.advance(Duration::from_secs(1));
        (user, cookie, session)
    }

    /// One administrator, `helpdesk`, asks to add something to an account, and another allows it.
    pub(crate) async fn two_agree(&self, user: UserId) {
        self.auth.ask_addition(self.tenant, user, "helpdesk").await.unwrap();
        self.auth.allow_addition(self.tenant, user, "helpdesk", "second").await.unwrap();
        self.auth.settle(SOON).await;
        drop(self.outbox.take());
        self.clock.advance(Duration::from_secs(1));
    }

    /// A sign-in in the portal, by name.
    pub(crate) async fn sign_in_as(&self, name: &str) -> SignIn {
        let portal = self.auth.portal(self.tenant).await.unwrap();
        let opened = self.auth.open_sign_in(&portal, Some(name), Purpose::Portal, &browser()).await.unwrap();
        self.auth.sign_in(self.tenant, opened.id, opened.browser.expose()).await.unwrap()
    }

    /// A sign-in at an application.
    pub(crate) async fn sign_in_at_application(&self, name: &str) -> SignIn {
        let purpose = Purpose::Application {
            redirect_uri: "https://app.example/callback".to_owned(),
            state: "s".to_owned(),
            nonce: None,
            duo_code: true,
        };
        let app = self.app().await;
        let opened = self.auth.open_sign_in(&app, Some(name), purpose, &browser()).await.unwrap();
        self.auth.sign_in(self.tenant, opened.id, opened.browser.expose()).await.unwrap()
    }

    pub(crate) async fn other_tenant(&self) -> TenantId {
        let id = TenantId::new(NOW, self.world.random.as_ref());
        let row = TenantRow {
            id,
            name: "Other".to_owned(),
            api_host: "api-other.example.test".to_owned(),
            created: NOW,
            settings: "{}".to_owned(),
            log_key: None,
        };
        self.store.create_tenant(&row).await.unwrap();
        id
    }

    pub(crate) async fn passkeys(&self, user: UserId) -> usize {
        self.store.tenant(self.tenant).passkeys_of_user(user).await.unwrap().len()
    }
}

pub(crate) fn is_refused<T>(done: &Result<T, AuthError>) -> bool {
    matches!(done, Err(AuthError::Refused(_)))
}

/// The code of the undo link in a message.
pub(crate) fn undo_code(text: &str) -> String {
    let (_, rest) = text.split_once("https://api-acme.example.test/undo/").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}
