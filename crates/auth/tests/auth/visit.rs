//! A person with a browser at a sign-in.

use crate::{
    soft_passkey::{ORIGIN, SoftPasskey},
    support::{Device, House, approve},
};
use countersign_auth::{
    Answer, AuthError, Client, Factor, Outcome,
    sign_in::{Browser, Choices, Done, Finished, Opened, Purpose, Redeemed, SignIn, Step},
};
use std::time::Duration;
use store::{PolicyRow, Span, TenantRow};
use types::{AttemptId, Millis, PolicyId, SecretString, SignInId, TenantId, UserId};

pub(crate) const BACK: &str = "https://app.example/back?x=1";
pub(crate) const STATE: &str = "a state of the application's own";

/// A browser that was never seen before.
pub(crate) fn new_browser() -> Browser {
    Browser {
        client: Client { ip: Some("192.0.2.7".parse().unwrap()), ..Client::default() },
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".to_owned(),
        known: None,
        trusted: None,
        session: None,
        origin: ORIGIN.to_owned(),
    }
}

pub(crate) fn to_application() -> Purpose {
    Purpose::Application {
        redirect_uri: BACK.to_owned(),
        state: STATE.to_owned(),
        nonce: Some("a nonce".to_owned()),
        duo_code: true,
    }
}

pub(crate) fn code(text: &str) -> Factor {
    Factor::Passcode(SecretString::new(text.to_owned()))
}

/// One sign-in in one browser.
pub(crate) struct Visit<'h> {
    pub(crate) house: &'h House,
    pub(crate) browser: Browser,
    pub(crate) id: SignInId,
    pub(crate) secret: SecretString,
}

impl<'h> Visit<'h> {
    /// At the application, for a person whose first factor it has checked.
    pub(crate) async fn application(house: &'h House, name: &str) -> Self {
        Self::open(house, Some(name), to_application(), new_browser()).await
    }

    /// At the person's own pages.
    pub(crate) async fn portal(house: &'h House, name: Option<&str>) -> Self {
        Self::open(house, name, Purpose::Portal, new_browser()).await
    }

    pub(crate) async fn open(house: &'h House, name: Option<&str>, purpose: Purpose, browser: Browser) -> Self {
        let app = match purpose {
            Purpose::Application { .. } => house.app().await,
            _ => house.auth.portal(house.tenant).await.unwrap(),
        };
        let Opened { id, browser: secret } = house.auth.open_sign_in(&app, name, purpose, &browser).await.unwrap();
        Self { house, browser, id, secret }
    }

    pub(crate) async fn find(&self) -> Result<SignIn, AuthError> {
        self.house.auth.sign_in(self.house.tenant, self.id, self.secret.expose()).await
    }

    pub(crate) async fn sign_in(&self) -> SignIn {
        self.find().await.unwrap()
    }

    pub(crate) async fn choices(&self) -> Choices {
        self.house.auth.choices(&self.sign_in().await, &self.browser).await.unwrap()
    }

    pub(crate) async fn attempt(&self, factor: Factor) -> Step {
        self.house.auth.attempt(&self.sign_in().await, &self.browser, factor, None).await.unwrap()
    }

    pub(crate) async fn passkey(&self, passkey: &SoftPasskey) -> Step {
        self.passkey_from(passkey, ORIGIN, 0).await
    }

    pub(crate) async fn passkey_from(&self, passkey: &SoftPasskey, origin: &str, counter: u32) -> Step {
        let sign_in = self.sign_in().await;
        let options = self.house.auth.passkey_options(&sign_in, &self.browser).await.unwrap();
        let answer = passkey.sign(&options, origin, counter);
        self.house.auth.passkey_answer(&sign_in, &self.browser, &answer).await.unwrap()
    }

    /// Begins a push; its id and the code on the page.
    pub(crate) async fn push(&self) -> Result<(AttemptId, String), Outcome> {
        match self.attempt(Factor::Push).await {
            Step::Waiting { attempt, code: Some(code), .. } => Ok((attempt, code.expose().to_owned())),
            Step::Refused(outcome) => Err(outcome),
            _ => panic!("neither waiting nor refused"),
        }
    }

    /// A push that its owner approves.
    pub(crate) async fn approved_push(&self, device: &Device) -> Step {
        let (id, code) = self.push().await.unwrap_or_else(|outcome| panic!("{}", outcome.message));
        assert!(device.answer(self.house, id, approve(&code)).await.unwrap());
        self.follow().await
    }

    pub(crate) async fn answer(&self, device: &Device, id: AttemptId, answer: Answer) -> Step {
        device.answer(self.house, id, answer).await.unwrap();
        self.follow().await
    }

    pub(crate) async fn follow(&self) -> Step {
        self.house.auth.follow(&self.sign_in().await, Duration::from_secs(20)).await.unwrap()
    }

    pub(crate) async fn finish(&self) -> Result<Finished, AuthError> {
        self.house.auth.finish_sign_in(&self.sign_in().await, &self.browser).await
    }

    /// The application's code.
    pub(crate) async fn duo_code(&self) -> String {
        let Done::Application { location } = self.finish().await.unwrap().kind else { panic!("no application") };
        code_in(&location)
    }

    pub(crate) async fn redeem(&self) -> Result<Redeemed, AuthError> {
        let code = self.duo_code().await;
        self.house.auth.redeem(&*self.house.app().await, &code, BACK).await
    }
}

pub(crate) fn code_in(location: &str) -> String {
    let query = location.strip_prefix("https://app.example/back?x=1&duo_code=").unwrap();
    query.split_once('&').unwrap().0.to_owned()
}

pub(crate) fn allowed(step: &Step) -> bool {
    matches!(step, Step::Allowed)
}

/// The status of a refusal; empty for everything else.
pub(crate) fn refusal(step: &Step) -> &str {
    match step {
        Step::Refused(outcome) => &outcome.status,
        _ => "",
    }
}

impl House {
    /// A browser in which the person has signed in before, with a passkey that they have no longer.
    pub(crate) async fn known_browser(&self, name: &str, user: UserId) -> Browser {
        let key = SoftPasskey::register(self, user, &["internal"]).await;
        let visit = Visit::application(self, name).await;
        assert!(allowed(&visit.passkey(&key).await));
        let known = visit.finish().await.unwrap().known;
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        assert!(tx.delete_passkey(user, key.id).await.unwrap());
        tx.commit().await.unwrap();
        Browser { known: Some(known.unwrap()), ..new_browser() }
    }

    /// An access pass, as an administrator makes one.
    pub(crate) async fn access_pass(&self, user: UserId) -> String {
        let pass = self.auth.issue_access_pass(self.tenant, user, 15, "admin").await.unwrap();
        pass.code.expose().to_owned()
    }

    /// Gives the tenant this policy for everybody.
    pub(crate) async fn global_policy(&self, sections: &str) {
        let now = self.world.now();
        let policy = PolicyRow {
            id: PolicyId::new(now, self.world.random.as_ref()),
            name: "global".to_owned(),
            is_global: true,
            sections: sections.to_owned(),
            created: now,
        };
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        tx.insert_policy(&policy).await.unwrap();
        tx.commit().await.unwrap();
        self.auth.applications().forget_tenant(self.tenant);
    }

    /// Changes the tenant's settings.
    pub(crate) async fn settings(&self, settings: &str) {
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        assert!(tx.set_tenant("Acme", settings, None).await.unwrap());
        tx.commit().await.unwrap();
        self.auth.applications().forget_tenant(self.tenant);
    }

    pub(crate) async fn set_status(&self, user: UserId, status: &str) {
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        assert!(tx.set_user_status(user, status).await.unwrap());
        tx.commit().await.unwrap();
    }

    pub(crate) async fn another_tenant(&self) -> TenantId {
        let id = TenantId::new(self.world.now(), self.world.random.as_ref());
        let row = TenantRow {
            id,
            name: "Other".to_owned(),
            api_host: "api-other.example.test".to_owned(),
            created: self.world.now(),
            settings: "{}".to_owned(),
            log_key: None,
        };
        self.store.create_tenant(&row).await.unwrap();
        id
    }

    /// The reasons in the authentication log, oldest first, with their factors.
    pub(crate) async fn logged(&self) -> Vec<(String, String, String)> {
        let rows = self.store.tenant(self.tenant).auth_log(&everything(self)).await.unwrap();
        rows.into_iter().map(|row| (row.factor, row.result, row.reason)).collect()
    }

    pub(crate) async fn acts(&self) -> Vec<store::AdminLogRow> {
        self.store.tenant(self.tenant).admin_log(&everything(self)).await.unwrap()
    }
}

fn everything(house: &House) -> Span {
    Span::new(Millis(0), house.world.now() + Duration::from_secs(86_400), 1000)
}
