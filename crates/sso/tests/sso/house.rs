//! A tenant with an application, a person with a passkey, and browsers that keep what they are given.

use crate::{
    soft_passkey::{ORIGIN, SoftPasskey},
    support::{House, NOW},
};
use auth::sign_in::{Done, SignIn, Step};
use countersign_sso::{
    Ask, Kind, OidcClient, Options, Protocol, RelyingParty, Settings, SignedIn, Sso, Stand, Visit,
    manage::{self, MadeParty, NewParty, NewSecret},
};
use directory::{Checks, Directory};
use http::Request;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::TenantRow;
use types::{TenantId, UserId};

pub(crate) const HOST: &str = "api-acme.example.test";
pub(crate) const OTHER_HOST: &str = "api-other.example.test";
pub(crate) const CALLBACK: &str = "https://app.example/callback";

/// What stands around a house of the engine.
pub(crate) struct Site<'h> {
    pub(crate) house: &'h House,
    pub(crate) sso: Arc<Sso>,
    pub(crate) directory: Directory,
    pub(crate) ana: UserId,
    pub(crate) key: SoftPasskey,
    pub(crate) app: MadeParty,
}

pub(crate) fn client() -> OidcClient {
    OidcClient { redirect_uris: vec![CALLBACK.to_owned()], ..OidcClient::default() }
}

pub(crate) fn settings(client: OidcClient) -> Settings {
    Settings::of(Kind::Oidc(Box::new(client)))
}

impl<'h> Site<'h> {
    pub(crate) async fn open(house: &'h House) -> Self {
        let checks = Checks { policy: |_, _| Ok(()), settings: |_| Ok(()), operator_delay: |_| None };
        let directory = Directory::new(Arc::clone(&house.store), checks);
        let sso = Sso::start(Arc::clone(&house.auth), Options::default());
        let ana = house.user("ana").await;
        let key = SoftPasskey::register(house, ana, &["internal"]).await;
        let new = NewParty { secret: NewSecret::Made, ..NewParty::new("Wiki", settings(client())) };
        let app = manage::create(&directory.tenant(house.tenant, "admin"), new).await.unwrap();
        Self { house, sso, directory, ana, key, app }
    }

    pub(crate) fn scope(&self) -> directory::Scope<'_> {
        self.directory.tenant(self.house.tenant, "admin")
    }

    pub(crate) async fn party(&self) -> Arc<RelyingParty> {
        self.sso.party(self.house.tenant, Protocol::Oidc, &self.app.key).await.unwrap().unwrap()
    }

    pub(crate) async fn another(&self, name: &str, settings: Settings) -> Arc<RelyingParty> {
        let made = manage::create(&self.scope(), NewParty::new(name, settings)).await.unwrap();
        self.sso.party_of(self.house.tenant, &made.ikey).await.unwrap().unwrap()
    }

    pub(crate) async fn other_tenant(&self) -> TenantId {
        let id = TenantId::new(self.house.world.now(), self.house.world.random.as_ref());
        let row = TenantRow {
            id,
            name: "Other".to_owned(),
            api_host: OTHER_HOST.to_owned(),
            created: NOW,
            settings: "{}".to_owned(),
            log_key: None,
        };
        self.house.store.create_tenant(&row).await.unwrap();
        id
    }

    pub(crate) async fn set_status(&self, status: &str) {
        let mut tx = self.house.store.tenant(self.house.tenant).begin().await.unwrap();
        assert!(tx.set_user_status(self.ana, status).await.unwrap());
        tx.commit().await.unwrap();
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { sso: Arc::clone(&self.sso), host: HOST, jar: BTreeMap::new() }
    }

    /// A browser in which Ana has signed in for the application.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let ask = Ask::default();
        self.sign_in(&mut browser, &ask, &self.key).await;
        browser
    }

    /// Goes through a sign-in with a passkey; where it leads after.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, ask: &Ask, key: &SoftPasskey) -> String {
        self.house.clock.advance(Duration::from_secs(1));
        let party = self.party().await;
        let visit = browser.visit("/oidc/authorize").await;
        let opened = self.sso.send_to_sign_in(&visit, &party, ask, None, "/oidc/continue/x").await.unwrap();
        let find = async || -> SignIn {
            self.house.auth.sign_in(self.house.tenant, opened.id, opened.browser.expose()).await.unwrap()
        };
        let options = self.house.auth.passkey_options(&find().await, &visit.browser).await.unwrap();
        let answer = key.sign(&options, ORIGIN, 0);
        let step = self.house.auth.passkey_answer(&find().await, &visit.browser, &answer).await.unwrap();
        assert!(matches!(step, Step::Allowed));
        let finished = self.house.auth.finish_sign_in(&find().await, &visit.browser).await.unwrap();
        let Done::Session { cookie, return_to, .. } = finished.kind else { panic!("no session") };
        browser.keep("countersign-session", cookie.expose());
        browser.keep("countersign-kb", finished.known.unwrap().expose());
        return_to
    }

    pub(crate) async fn stand(&self, browser: &Browser, ask: &Ask) -> Stand {
        let party = self.party().await;
        self.sso.stand(&browser.visit("/oidc/authorize").await, &party, ask).await.unwrap()
    }

    pub(crate) async fn signed(&self, browser: &Browser) -> SignedIn {
        match self.stand(browser, &Ask::default()).await {
            Stand::Signed(signed) => signed,
            other => panic!("{other:?}"),
        }
    }
}

/// A browser: a host to ask and a jar of cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    sso: Arc<Sso>,
    pub(crate) host: &'static str,
    pub(crate) jar: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn keep(&mut self, name: &str, value: &str) {
        self.jar.insert(format!("__Host-{name}"), value.to_owned());
    }

    pub(crate) async fn visit(&self, path: &str) -> Visit {
        self.try_visit(path, &[]).await.unwrap()
    }

    pub(crate) async fn try_visit(&self, path: &str, headers: &[(&str, &str)]) -> Option<Visit> {
        let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::get(path).header("host", self.host).header("cookie", cookies.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sso.visit(&request.body(()).unwrap().into_parts().0).await.unwrap()
    }
}
