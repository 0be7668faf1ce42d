//! Whether this browser's person may go to this application now.

use crate::{
    house::{Browser, CALLBACK, OTHER_HOST, Site, client, settings},
    soft_passkey::SoftPasskey,
    support::{SEED, each_engine},
};
use auth::{
    Factor,
    sign_in::{ChoiceKind, Hidden, Level, Purpose, Step},
};
use countersign_sso::{Ask, OidcClient, SsoError, Stand, manage, tokens::Granted};
use directory::{IntegrationPatch, NewGroup, UserAccess};
use jose::{Algorithm, SigningKey};
use serde_json::json;
use std::time::Duration;
use types::SecretString;

#[test]
fn a_passkey_opens_a_session_that_leads_to_every_application() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let mut browser = site.browser();
        assert!(matches!(site.stand(&browser, &Ask::default()).await, Stand::SignIn(_)));
        let passive = Ask { passive: true, ..Ask::default() };
        assert!(matches!(site.stand(&browser, &passive).await, Stand::Denied("login_required")));

        assert_eq!(site.sign_in(&mut browser, &Ask::default(), &site.key).await, "/oidc/continue/x");
        let signed = site.signed(&browser).await;
        assert_eq!((signed.user, signed.username.as_str()), (site.ana, "ana"));
        assert_eq!((signed.level, signed.auth_time), (Level::PhishingResistant, house.world.now()));
        assert_eq!(signed.amr, ["hwk", "user", "mfa", "pop"]);
        assert!(matches!(site.stand(&browser, &passive).await, Stand::Signed(_)));
        let other = site.another("Mail", settings(client())).await;
        let stand = site.sso.stand(&browser.visit("/").await, &other, &Ask::default()).await.unwrap();
        assert!(matches!(stand, Stand::Signed(again) if again.session == signed.session));
    });
}

#[test]
fn what_is_asked_for_beyond_the_session_asks_again() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let mut browser = site.signed_in().await;
        let before = site.signed(&browser).await;
        house.clock.advance(Duration::from_secs(60));
        let now = house.world.now();
        let old = Ask { fresh_since: Some(now - Duration::from_secs(30)), ..Ask::default() };
        let fresh = Ask { fresh_since: Some(now), ..Ask::default() };
        let hardware = Ask { level: Level::Hardware, ..Ask::default() };
        for ask in [&old, &fresh, &hardware] {
            assert!(matches!(site.stand(&browser, ask).await, Stand::SignIn(_)), "{ask:?}");
        }
        let younger = Ask { fresh_since: Some(now - Duration::from_secs(90)), ..Ask::default() };
        assert!(matches!(site.stand(&browser, &younger).await, Stand::Signed(_)));

        // The proof gives the same session another secret: what was planted or seen before is worth nothing after.
        let copy = browser.clone();
        site.sign_in(&mut browser, &fresh, &site.key).await;
        let Stand::Signed(after) = site.stand(&browser, &fresh).await else { panic!("asked again") };
        assert_eq!(after.session, before.session);
        assert!(after.auth_time > before.auth_time);
        assert!(matches!(site.stand(&copy, &Ask::default()).await, Stand::SignIn(_)));
    });
}

#[test]
fn only_what_reaches_the_asked_level_is_offered_and_taken() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        house.token(site.ana, "t6", SEED).await;
        let bob = house.user("bob").await;
        house.token(bob, "t6", SEED).await;
        let party = site.party().await;
        let purpose = |level| Purpose::SingleSignOn { return_to: "/x".to_owned(), level, fresh: false };
        let visit = site.browser().visit("/").await;
        for (level, passcode) in [(Level::Single, true), (Level::Multi, false), (Level::Hardware, false)] {
            // A stranger sees the same for somebody who has a passkey, for somebody who has none, and for nobody.
            for name in ["ana", "bob", "nobody"] {
                let opened =
                    house.auth.open_sign_in(&party.app, Some(name), purpose(level), &visit.browser).await.unwrap();
                let sign_in = house.auth.sign_in(house.tenant, opened.id, opened.browser.expose()).await.unwrap();
                let choices = house.auth.choices(&sign_in, &visit.browser).await.unwrap();
                assert_eq!((choices.passkey, choices.passcode, choices.recovery), (true, passcode, false), "{level:?}");
                assert_eq!((choices.best, choices.hidden), (ChoiceKind::Passkey, Hidden::NewBrowser));
                let code = Factor::Passcode(SecretString::new(house.totp()));
                let step = house.auth.attempt(&sign_in, &visit.browser, code, None).await.unwrap();
                let took = matches!(step, Step::Allowed);
                assert_eq!(took, passcode && name == "bob", "{level:?} {name}");
            }
        }
    });
}

#[test]
fn a_cookie_alone_is_not_told_whose_session_it_is() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let browser = site.signed_in().await;
        let fresh = Ask { fresh_since: Some(house.world.now()), ..Ask::default() };
        let named = async |browser: &Browser| match site.stand(browser, &fresh).await {
            Stand::SignIn(here) => here,
            other => panic!("{other:?}"),
        };
        assert_eq!(named(&browser).await.as_deref(), Some("ana"), "she needn't type it again");
        // From here on a device's key goes with the session, and the cookie is what a thief has.
        let cookie = &browser.jar["__Host-countersign-session"];
        let session = house.auth.session(house.tenant, cookie).await.unwrap().unwrap();
        let ticket = house.auth.binding_ticket(house.tenant, session.id()).await.unwrap();
        let challenge = house.auth.device_registration(&session, ticket.expose()).await.unwrap().unwrap();
        let key = SigningKey::generate(Algorithm::Es256).unwrap().0;
        let proof = key.sign_with_jwk("dbsc+jwt", &json!({"jti": challenge.expose()})).unwrap();
        let device = house.auth.register_device(&session, &proof).await.unwrap();
        assert_eq!(named(&browser).await, None);
        let mut own = browser.clone();
        own.keep("countersign-device", device.value.expose());
        assert_eq!(named(&own).await.as_deref(), Some("ana"));
        // Nor where sessions must be bound, and this one isn't.
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.set_tenant("Acme", r#"{"session_binding": "required"}"#, None).await.unwrap());
        tx.commit().await.unwrap();
        house.auth.applications().forget_tenant(house.tenant);
        assert_eq!(named(&site.signed_in().await).await, None);
    });
}

#[test]
fn who_is_disabled_locked_out_or_not_permitted_is_denied_at_once() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let browser = site.signed_in().await;
        site.signed(&browser).await;
        let party = site.party().await;
        assert!(site.sso.still(&party, site.ana, None).await.unwrap().is_some());

        site.set_status("disabled").await;
        assert!(!matches!(site.stand(&browser, &Ask::default()).await, Stand::Signed(_)));
        assert!(site.sso.still(&party, site.ana, None).await.unwrap().is_none());
        site.set_status("active").await;

        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.lock_user(site.ana, house.world.now()).await.unwrap());
        tx.commit().await.unwrap();
        assert!(matches!(site.stand(&browser, &Ask::default()).await, Stand::Denied("locked_out")));
        assert!(site.sso.still(&party, site.ana, None).await.unwrap().is_none());
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.unlock_user(site.ana).await.unwrap());
        tx.commit().await.unwrap();

        let group = site.scope().create_group(&NewGroup { name: "staff".to_owned(), ..NewGroup::default() }).await;
        let patch = IntegrationPatch {
            access: Some(UserAccess::PermittedGroups),
            groups: Some(vec![group.unwrap().id]),
            ..IntegrationPatch::default()
        };
        site.scope().change_integration(&site.app.ikey, &patch).await.unwrap();
        house.auth.applications().forget(&site.app.ikey);
        let stand = site.stand(&browser, &Ask::default()).await;
        assert!(matches!(stand, Stand::Denied("user_not_in_permitted_group")), "{stand:?}");
    });
}

#[test]
fn another_tenants_host_and_a_strangers_cookie_open_nothing() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let other = site.other_tenant().await;
        let mut browser = site.signed_in().await;
        let party = site.party().await;
        browser.host = OTHER_HOST;
        let visit = browser.visit("/").await;
        assert_eq!((visit.tenant, visit.issuer.as_str()), (other, "https://api-other.example.test"));
        // Neither the other's application here, nor this one's by its name there.
        let stand = site.sso.stand(&visit, &party, &Ask::default()).await.unwrap();
        assert!(matches!(stand, Stand::Denied("other_tenant")));
        assert!(site.sso.party(other, party.protocol, &party.key).await.unwrap().is_none());
        assert!(site.sso.party_of(other, party.ikey()).await.unwrap().is_none());
        assert!(house.auth.session(other, visit.session.as_ref().unwrap().expose()).await.unwrap().is_none());
    });
}

#[test]
fn the_host_header_finds_the_tenant_and_nothing_is_made_of_it() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let lies = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
        let visit = site.browser().try_visit("/", &lies).await.unwrap();
        assert_eq!(visit.issuer, "https://api-acme.example.test");
        let mut browser = site.browser();
        for nobodys in ["evil.example", "api-acme.example.test.evil.example", "api-acme.example.test:0"] {
            browser.host = nobodys;
            assert!(browser.try_visit("/", &[]).await.is_none(), "{nobodys}");
        }
        // The case, the port and a dot at the end are the browser's; the name is the row's.
        browser.host = "API-Acme.example.test.:8443";
        assert_eq!(browser.visit("/").await.issuer, "https://api-acme.example.test");
    });
}

#[test]
fn a_session_of_somebody_else_in_the_browser_ends() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let mut browser = site.signed_in().await;
        let (anas, before) = (site.signed(&browser).await, browser.clone());
        let bob = house.user("bob").await;
        let key = SoftPasskey::register(house, bob, &["internal"]).await;
        let ask = Ask { login_hint: Some("bob".to_owned()), ..Ask::default() };
        site.sign_in(&mut browser, &ask, &key).await;
        let bobs = site.signed(&browser).await;
        assert_eq!(bobs.user, bob);
        assert_ne!(bobs.session, anas.session);
        assert!(matches!(site.stand(&before, &Ask::default()).await, Stand::SignIn(_)));
    });
}

#[test]
fn an_application_that_isnt_the_organisations_own_asks_for_consent() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let browser = site.signed_in().await;
        let signed = site.signed(&browser).await;
        let theirs =
            OidcClient { first_party: false, redirect_uris: vec![CALLBACK.to_owned()], ..OidcClient::default() };
        let party = site.another("Theirs", settings(theirs)).await;
        let scopes = |list: &[&str]| list.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let ask = |list: &[&str]| Ask { scopes: scopes(list), ..Ask::default() };
        let stand = async |ask: &Ask| site.sso.stand(&browser.visit("/").await, &party, ask).await.unwrap();
        let asked = ask(&["openid", "email"]);
        assert!(matches!(stand(&asked).await, Stand::Consent(missing) if missing == scopes(&["openid", "email"])));
        let passive = Ask { passive: true, ..asked.clone() };
        assert!(matches!(stand(&passive).await, Stand::Denied("consent_required")));
        site.sso.agree(&signed, &party, &scopes(&["openid", "email"])).await.unwrap();
        assert!(matches!(stand(&asked).await, Stand::Signed(_)));
        let more = ask(&["openid", "email", "groups"]);
        assert!(matches!(stand(&more).await, Stand::Consent(missing) if missing == scopes(&["groups"])));
        // Asked for anew, what was given before doesn't count.
        let anew = Ask { consent_since: Some(house.world.now()), ..asked.clone() };
        assert!(matches!(stand(&anew).await, Stand::Consent(missing) if missing.len() == 2));
        house.clock.advance(Duration::from_secs(1));
        site.sso.agree(&signed, &party, &scopes(&["openid"])).await.unwrap();
        assert!(matches!(stand(&anew).await, Stand::Signed(_)));
        assert_eq!(site.sso.consents(house.tenant, site.ana).await.unwrap()[0].scopes, ["email", "openid"]);
        let granted = || Granted { scopes: scopes(&["openid"]), ..Granted::default() };
        let code = async || site.sso.grants().issue_code(&party, site.ana, signed.session, granted()).await;
        assert!(code().await.is_ok());
        assert!(site.sso.withdraw(house.tenant, site.ana, party.ikey()).await.unwrap());
        // Also for a request that was looked at before.
        assert!(matches!(code().await, Err(SsoError::Over)));
        assert!(!site.sso.withdraw(house.tenant, site.ana, party.ikey()).await.unwrap());
        assert!(matches!(stand(&asked).await, Stand::Consent(_)));
    });
}

#[test]
fn the_launcher_shows_what_its_person_may_open() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let tiles = async || {
            let tiles = site.sso.launcher(house.tenant, site.ana, &auth::Client::default()).await.unwrap();
            tiles.into_iter().map(|tile| (tile.name, tile.url)).collect::<Vec<_>>()
        };
        // Nobody knows where the first one begins.
        assert!(tiles().await.is_empty());
        let begun = OidcClient { initiate_login_uri: Some("https://a.example/login".to_owned()), ..client() };
        let party = site.another("Zettel", settings(begun)).await;
        let mut with_address = settings(client());
        with_address.tile.url = Some("https://b.example/".to_owned());
        site.another("abacus", with_address).await;
        let expected = |list: &[(&str, &str)]| {
            list.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect::<Vec<_>>()
        };
        let both = [("abacus", "https://b.example/"), ("Zettel", "https://a.example/login")];
        assert_eq!(tiles().await, expected(&both));
        let patch = IntegrationPatch { access: Some(UserAccess::NoUsers), ..IntegrationPatch::default() };
        site.scope().change_integration(party.ikey(), &patch).await.unwrap();
        house.auth.applications().forget(party.ikey());
        assert_eq!(tiles().await, expected(&both[..1]));
        assert!(manage::read(&site.scope(), party.ikey()).await.is_ok());
    });
}
