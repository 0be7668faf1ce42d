//! What is kept in memory of relying parties, and how it changes: on this node and on another.

use crate::{
    house::{CALLBACK, HOST, Site, client, settings},
    support::{House, each_engine},
};
use auth::Auth;
use countersign_sso::{
    OidcClient, Options, Protocol, Settings, Sso, SsoError,
    manage::{self, NewParty, NewSecret},
    party::ClientAuth,
};
use directory::DirectoryError;
use messaging::Courier;
use std::{sync::Arc, time::Duration};
use types::SecretString;

#[test]
fn a_secret_is_kept_as_a_hash_and_gives_way_to_another_in_its_time() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let first = site.app.secret.clone().unwrap();
        let party = site.party().await;
        let row = house.store.tenant(house.tenant).relying_party(party.ikey()).await.unwrap().unwrap();
        assert!(!row.settings.contains(first.expose()) && row.secret.is_none());
        let right = async |secret: &SecretString| {
            house.auth.applications().forget(&site.app.ikey);
            site.sso.check_secret(&*site.party().await, secret.expose()).await.unwrap()
        };
        assert!(right(&first).await);
        assert!(!right(&SecretString::new(format!("{}x", first.expose()))).await);
        assert!(!right(&SecretString::new(String::new())).await);
        let second = manage::renew_secret(&site.scope(), &site.app.ikey, Duration::from_secs(3600)).await.unwrap();
        assert!(right(&first).await && right(&second).await);
        house.clock.advance(Duration::from_secs(3600));
        assert!(!right(&first).await && right(&second).await);
        // The same secret is none of another application's.
        let other = site.another("Other", settings(client())).await;
        assert!(!site.sso.check_secret(&other, second.expose()).await.unwrap());
    });
}

#[test]
fn who_signs_with_the_secret_has_it_sealed() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let signs = OidcClient { auth_method: ClientAuth::ClientSecretJwt, ..client() };
        let new = NewParty { secret: NewSecret::Made, ..NewParty::new("Signs", settings(signs)) };
        let made = manage::create(&site.scope(), new).await.unwrap();
        let party = site.sso.party_of(house.tenant, &made.ikey).await.unwrap().unwrap();
        assert!(party.shared_secret().unwrap().ct_eq(made.secret.unwrap().expose()));
        let row = house.store.tenant(house.tenant).relying_party(&made.ikey).await.unwrap().unwrap();
        let sealed = row.secret.unwrap();
        let plain = party.shared_secret().unwrap().expose().as_bytes();
        assert!(!sealed.windows(plain.len()).any(|window| window == plain));
        assert!(site.party().await.shared_secret().is_none());
    });
}

#[test]
fn what_cant_be_used_is_never_stored() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let create = async |settings, key: Option<&str>, secret| {
            let new = NewParty { key: key.map(str::to_owned), secret, ..NewParty::new("New", settings) };
            manage::create(&site.scope(), new).await.map(|made| made.ikey)
        };
        let redirect =
            |uri: &str| settings(OidcClient { redirect_uris: vec![uri.to_owned()], ..OidcClient::default() });
        for wrong in [
            "http://app.example/cb",
            "https://app.example/*",
            "https://app.example/cb#x",
            "https://user@app.example/cb",
            "javascript:alert(1)",
            "com.example.app:/cb",
            "/cb",
            "",
        ] {
            let error = create(redirect(wrong), None, NewSecret::Made).await.unwrap_err();
            assert!(matches!(&error, SsoError::Invalid { at, .. } if at == "oidc.redirect_uris.0"), "{wrong}: {error}");
        }
        for fits in ["https://app.example/cb?x=1", "http://127.0.0.1:8123/cb", "http://localhost/cb", "http://[::1]/cb"]
        {
            create(redirect(fits), None, NewSecret::Made).await.unwrap();
        }
        let native = OidcClient {
            auth_method: ClientAuth::None,
            redirect_uris: vec!["com.example.app:/cb".to_owned()],
            ..OidcClient::default()
        };
        create(settings(native.clone()), None, NewSecret::None).await.unwrap();
        let open = OidcClient { pkce_required: false, ..native };
        assert!(create(settings(open), None, NewSecret::None).await.is_err());
        let short = NewSecret::Given(SecretString::new("short".to_owned()));
        assert!(create(redirect(CALLBACK), None, short).await.is_err());
        for alg in ["none", "HS512", "rs256", ""] {
            let wrong = OidcClient { id_token_alg: alg.to_owned(), ..client() };
            assert!(create(settings(wrong), None, NewSecret::Made).await.is_err(), "{alg}");
        }

        // Two of one name can't be told apart; and where the second is refused, nothing of it stays.
        create(redirect(CALLBACK), Some("wiki"), NewSecret::Made).await.unwrap();
        let count = async || house.store.tenant(house.tenant).integrations_of_type("oidc").await.unwrap().len();
        let before = count().await;
        let twice = create(redirect(CALLBACK), Some("wiki"), NewSecret::Made).await.unwrap_err();
        assert!(matches!(twice, SsoError::Directory(DirectoryError::Duplicate(_))));
        assert_eq!(count().await, before);
        let actions: Vec<_> = log(house).await;
        assert!(
            actions.contains(&"relying_party_create".to_owned()) && actions.contains(&"integration_create".to_owned())
        );
    });
}

async fn log(house: &House) -> Vec<String> {
    let span = store::Span::new(types::Millis(0), house.world.now() + Duration::from_secs(86_400), 1000);
    let rows = house.store.tenant(house.tenant).admin_log(&span).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

#[test]
fn a_change_on_one_node_is_seen_on_the_other() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        // A second engine over the same rows keeps applications of its own, as another node does, and hears the same notices.
        let courier = Arc::new(Courier::new(Arc::clone(&house.store), Vec::new()));
        let far = Sso::start(Auth::start(Arc::clone(&house.store), courier), Options::default());
        let there = async || far.party(house.tenant, Protocol::Oidc, &site.app.key).await.unwrap();
        assert_eq!(there().await.unwrap().oidc().unwrap().access_token_seconds, 600);
        let mut notices = house.store.engine().notices();
        let (_, mut changed) = manage::read(&site.scope(), &site.app.ikey).await.unwrap();
        let countersign_sso::Kind::Oidc(client) = &mut changed.kind else { panic!("another protocol") };
        client.access_token_seconds = 300;
        manage::change(&site.scope(), &site.app.ikey, None, &changed, Vec::new()).await.unwrap();
        wait_for(&mut notices, &format!("application:{}", site.app.ikey)).await;
        until(async || there().await.unwrap().oidc().unwrap().access_token_seconds == 300).await;

        // Somebody begins here and goes on there.
        let mut browser = site.signed_in().await;
        let visit = browser.visit("/oidc/authorize").await;
        let held = site.sso.hold(&visit, &*site.party().await, b"x", "/oidc/continue/", None).await.unwrap();
        browser.jar.insert(held.cookie_name.clone(), held.secret.expose().to_owned());
        assert_eq!(browser.host, HOST);
        let visit = browser.visit("/").await;
        assert!(far.held(&visit, &held.id.to_string()).await.unwrap().is_some());
        assert!(far.release(&visit, held.id).await.unwrap());
        assert!(!site.sso.release(&visit, held.id).await.unwrap());

        site.scope().delete_integration(&site.app.ikey).await.unwrap();
        wait_for(&mut notices, &format!("application:{}", site.app.ikey)).await;
        until(async || there().await.is_none()).await;
        assert!(house.store.tenant(house.tenant).relying_party(&site.app.ikey).await.unwrap().is_none());
    });
}

#[test]
fn what_somebody_else_decides_meanwhile_is_not_undone() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let (scope, ikey) = (site.scope(), site.app.ikey.as_str());
        let with = |settings: &Settings, change: &dyn Fn(&mut OidcClient)| {
            let mut settings = settings.clone();
            let countersign_sso::Kind::Oidc(client) = &mut settings.kind else { panic!("another protocol") };
            change(client);
            settings
        };
        let read = manage::read(&scope, ikey).await.unwrap();
        let tightened = with(&read.1, &|client| client.dpop_required = true);
        manage::change(&scope, ikey, None, &tightened, Vec::new()).await.unwrap();
        let mine = with(&read.1, &|client| client.access_token_seconds = 300);
        let late = manage::change_as_read(&scope, &read, &mine, Vec::new()).await.unwrap_err();
        assert!(matches!(late, SsoError::Directory(DirectoryError::Changed(_))), "{late}");
        let read = manage::read(&scope, ikey).await.unwrap();
        let mine = with(&read.1, &|client| client.access_token_seconds = 300);
        manage::change_as_read(&scope, &read, &mine, Vec::new()).await.unwrap();
        let (_, both) = manage::read(&scope, ikey).await.unwrap();
        let countersign_sso::Kind::Oidc(client) = &both.kind else { panic!("another protocol") };
        assert_eq!((client.dpop_required, client.access_token_seconds), (true, 300));
    });
}

/// The notice itself; whoever else hears it does so in the same moment or a little later.
async fn wait_for(notices: &mut tokio::sync::broadcast::Receiver<String>, wanted: &str) {
    let heard = async { while notices.recv().await.unwrap() != wanted {} };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
}

async fn until(done: impl AsyncFn() -> bool) {
    let looking = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.unwrap();
}
