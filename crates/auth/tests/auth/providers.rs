//! People who come from a provider: its word is the first of two proofs, for the browser that went there, once, and for nobody else's
//! account.

use crate::{
    abroad::{SamlProvider, query_of},
    soft_passkey::SoftPasskey,
    support::{House, SEED, each_engine},
    visit::{Visit, allowed, code, new_browser, refusal},
};
use countersign_auth::{
    AuthError, Verdict,
    providers::{
        ClientAuthentication, InvalidProvider, LinkBy, Metadata, Outside, ProviderSettings, Speaks, Trust, TrustClaim,
    },
    sign_in::{Done, Level, Purpose, Returned, Sighting, Step},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use store::ProviderLinkRow;
use types::{SecretString, UserId};

const ORIGIN: &str = "https://api-acme.example.test";
const UNKNOWN: &str = "Your account at the provider isn't known here. Please ask your administrator to link it.";
const NOT_TAKEN: &str = "The provider's answer can't be used. Please try again, or ask your administrator.";

pub(crate) fn outside() -> Outside {
    Outside { origin: ORIGIN.to_owned(), service: None }
}

fn service() -> Outside {
    let service = upstream::saml::Service {
        entity_id: format!("{ORIGIN}/upstream/saml/metadata"),
        acs: format!("{ORIGIN}/upstream/saml/acs"),
        signing: None,
        decryption: Vec::new(),
        encryption_certificate: None,
    };
    Outside { origin: ORIGIN.to_owned(), service: Some(service) }
}

pub(crate) fn oidc(name: &str) -> ProviderSettings {
    ProviderSettings {
        name: name.to_owned(),
        speaks: Speaks::Oidc {
            issuer: format!("https://{name}.op.example"),
            client_id: "countersign".to_owned(),
            authentication: ClientAuthentication::Basic,
            scopes: vec!["email".to_owned()],
            algorithms: vec!["ES256".to_owned()],
            userinfo: false,
        },
        user_name: None,
        email: None,
        domains: Vec::new(),
        link_by: LinkBy::Nothing,
        create: false,
        trust: Vec::new(),
        always_ask: false,
    }
}

fn saml(provider: &SamlProvider) -> ProviderSettings {
    let speaks = Speaks::Saml {
        entity_id: provider.entity_id.clone(),
        metadata: Metadata::Kept(provider.metadata()),
        name_id_format: None,
        subject: None,
    };
    ProviderSettings { speaks, ..oidc("saml") }
}

pub(crate) async fn set(house: &House, key: &str, settings: &ProviderSettings) {
    let secret = SecretString::new("our secret there".to_owned());
    let row = house.auth.provider_row(house.tenant, key, settings, Some(&secret), "operator").await.unwrap();
    assert!(!String::from_utf8_lossy(row.secret.as_deref().unwrap()).contains("our secret"), "it is sealed");
    let scope = house.store.tenant(house.tenant);
    let before = scope.provider(key).await.unwrap();
    let mut tx = scope.begin().await.unwrap();
    match before {
        None => assert!(tx.insert_provider(&row).await.unwrap()),
        Some(before) => assert!(tx.change_provider(&row, before.set_at).await.unwrap()),
    }
    tx.commit().await.unwrap();
}

pub(crate) async fn link(house: &House, user: UserId, key: &str, subject: &str) {
    let row = ProviderLinkRow {
        provider: key.to_owned(),
        subject: subject.to_owned(),
        user_id: user,
        created: house.world.now(),
        made_by: "operator".to_owned(),
    };
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.insert_provider_link(&row).await.unwrap());
    tx.commit().await.unwrap();
}

pub(crate) async fn linked(house: &House, key: &str, subject: &str) -> Option<UserId> {
    house.store.tenant(house.tenant).provider_link(key, subject).await.unwrap().map(|link| link.user_id)
}

pub(crate) fn sso(level: Level, fresh: bool) -> Purpose {
    Purpose::SingleSignOn { return_to: "/oidc/continue/x".to_owned(), level, fresh }
}

pub(crate) async fn at_app(house: &House) -> Visit<'_> {
    Visit::open(house, None, sso(Level::Multi, false), new_browser()).await
}

/// Somebody with a token.
pub(crate) async fn person(house: &House, name: &str) -> UserId {
    let user = house.person(name).await;
    house.token(user, "t6", SEED).await;
    user
}

/// Ana, whom the provider `corp` calls `u1`.
async fn ana_of_corp(house: &House) -> UserId {
    let user = person(house, "ana").await;
    set(house, "corp", &oidc("corp")).await;
    link(house, user, "corp", "u1").await;
    user
}

impl Visit<'_> {
    /// To the provider.
    async fn leave(&self, key: &str, outside: &Outside) -> Result<String, Step> {
        self.house.auth.start_provider(&self.sign_in().await, &self.browser, key, outside).await.unwrap()
    }

    /// Comes back with this query.
    async fn back(&self, key: &str, query: &str) -> Step {
        let state = query_of(&format!("?{query}"))["state"].clone();
        let returned = Returned::Query { key, query };
        let sign_in = self.sign_in().await;
        self.house.auth.finish_provider(&sign_in, &self.browser, &state, returned, &outside()).await.unwrap()
    }

    /// There and back, as whoever these claims are of.
    pub(crate) async fn by(&self, key: &str, claims: &Value) -> Step {
        let address = match self.leave(key, &outside()).await {
            Ok(address) => address,
            Err(step) => return step,
        };
        let query = self.house.abroad.back(&address, self.house.world.now(), claims);
        self.back(key, &query).await
    }

    pub(crate) async fn session(&self) -> countersign_auth::account::Session {
        let Done::Session { cookie, .. } = self.finish().await.unwrap().kind else { panic!("a session") };
        self.house.auth.session(self.house.tenant, cookie.expose()).await.unwrap().unwrap()
    }
}

fn said(step: &Step) -> &str {
    match step {
        Step::Refused(outcome) => &outcome.message,
        Step::Proved => "proved",
        _ => "let in",
    }
}

pub(crate) fn proved(step: &Step) -> bool {
    matches!(step, Step::Proved)
}

#[test]
fn a_providers_word_and_a_passcode_are_two_and_the_word_alone_opens_nothing() {
    each_engine("{}", async |house| {
        let user = ana_of_corp(house).await;
        for purpose in [sso(Level::Multi, false), sso(Level::Single, false), Purpose::Portal] {
            let visit = Visit::open(house, None, purpose.clone(), new_browser()).await;
            assert_eq!(house.auth.sign_in_providers(&visit.sign_in().await).await.unwrap().len(), 1);
            assert!(proved(&visit.by("corp", &json!({"sub": "u1"})).await), "{purpose:?}");
            assert!(visit.finish().await.is_err(), "it opens nothing by itself");
            let choices = visit.choices().await;
            assert_eq!((choices.verdict, choices.passcode, choices.password), (Verdict::Challenge, true, false));
            assert!(house.auth.sign_in_providers(&visit.sign_in().await).await.unwrap().is_empty(), "once");
            house.clock.advance(Duration::from_secs(30));
            assert!(allowed(&visit.attempt(code(&house.totp())).await));
            let session = visit.session().await;
            assert_eq!((session.username(), session.level()), ("ana", Level::Multi));
            assert_eq!(session.amr(), ["otp", "mfa"]);
        }
        // A passkey is what it is after it, too, and what asks for more than two proofs takes nothing else.
        let passkey = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = Visit::open(house, None, sso(Level::PhishingResistant, false), new_browser()).await;
        assert!(proved(&visit.by("corp", &json!({"sub": "u1"})).await));
        assert!(!visit.choices().await.passcode);
        assert!(allowed(&visit.passkey(&passkey).await));
        assert_eq!(visit.session().await.level(), Level::PhishingResistant);
    });
}

#[test]
fn it_is_taken_at_no_application_that_names_its_person_and_not_where_passkeys_alone_count() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let application = Visit::application(house, "ana").await;
        assert!(house.auth.sign_in_providers(&application.sign_in().await).await.unwrap().is_empty());
        assert_eq!(refusal(&application.by("corp", &json!({"sub": "u1"})).await), "not_offered");
        house.settings(r#"{"passkey_only": true}"#).await;
        let visit = at_app(house).await;
        assert_eq!(refusal(&visit.by("corp", &json!({"sub": "u1"})).await), "not_offered");
    });
}

#[test]
fn an_answer_counts_once_whoever_brings_it() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let visit = at_app(house).await;
        let address = visit.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
        let sign_in = visit.sign_in().await;
        let state = query_of(&format!("?{query}"))["state"].clone();
        let steps = join_all((0..100).map(async |_| {
            let returned = Returned::Query { key: "corp", query: &query };
            house.auth.finish_provider(&sign_in, &visit.browser, &state, returned, &outside()).await.unwrap()
        }));
        let steps = steps.await;
        assert_eq!(steps.iter().filter(|step| proved(step)).count(), 1);
        assert_eq!(steps.iter().filter(|step| refusal(step) == "stale").count(), 99);
        assert_eq!(refusal(&visit.back("corp", &query).await), "stale", "nor later");
    });
}

/// Whoever sends somebody else a link to their own way back (login CSRF) gets that one nowhere, and neither does a thief of a code.
#[test]
fn an_answer_belongs_to_the_sign_in_that_asked() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let (mine, theirs) = (at_app(house).await, at_app(house).await);
        let address = mine.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
        let state = query_of(&format!("?{query}"))["state"].clone();
        let sign_in = house.auth.provider_request(house.tenant, &state).await.unwrap();
        assert_eq!(sign_in, Some(mine.id), "the page asks for that one's cookie");
        assert_eq!(refusal(&theirs.back("corp", &query).await), "stale");
        assert!(theirs.choices().await.devices.is_empty() && theirs.sign_in().await.username().is_none());
        // Another tenant's page finds nothing by it, and a state that nobody made is nobody's.
        let other = house.other_tenant().await;
        assert!(house.auth.provider_request(other, &state).await.unwrap().is_none());
        for wrong in ["", "x", &"x".repeat(500)] {
            assert!(house.auth.provider_request(house.tenant, wrong).await.unwrap().is_none());
        }
        assert!(proved(&mine.back("corp", &query).await), "and it is still there for its own browser");
    });
}

#[test]
fn an_answer_that_comes_too_late_is_none() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let visit = at_app(house).await;
        let address = visit.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
        let state = query_of(&format!("?{query}"))["state"].clone();
        let sign_in = visit.sign_in().await;
        house.clock.advance(Duration::from_secs(15 * 60));
        assert!(house.auth.provider_request(house.tenant, &state).await.unwrap().is_none());
        let returned = Returned::Query { key: "corp", query: &query };
        let done = house.auth.finish_provider(&sign_in, &visit.browser, &state, returned, &outside()).await;
        assert!(matches!(done, Err(AuthError::NoSignIn)));
    });
}

/// RFC 9700 §4.4: what comes for one provider is shown to no other.
#[test]
fn two_providers_are_never_mixed_up() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        for key in ["honest", "evil"] {
            set(house, key, &oidc(key)).await;
        }
        link(house, user, "honest", "u1").await;
        // Its code, brought to the other's address.
        let visit = at_app(house).await;
        let address = visit.leave("honest", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
        let asked = house.abroad.asked.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(said(&visit.back("evil", &query).await), NOT_TAKEN);
        assert_eq!(house.abroad.asked.load(std::sync::atomic::Ordering::SeqCst), asked, "nobody was shown the code");
        // Its code, said to be the other's, and by nobody.
        for other in ["&iss=https%3A%2F%2Fevil.op.example", ""] {
            let address = visit.leave("honest", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
            let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
            let changed = format!("{}{other}", query.split_once("&iss=").unwrap().0);
            assert_eq!(said(&visit.back("honest", &changed).await), NOT_TAKEN);
        }
        // The other's subject of the same name is another person.
        assert_eq!(said(&visit.by("evil", &json!({"sub": "u1"})).await), UNKNOWN);
        assert!(proved(&visit.by("honest", &json!({"sub": "u1"})).await));
    });
}

#[test]
fn a_token_that_was_made_for_something_else_is_none() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let visit = at_app(house).await;
        let past = house.world.now().seconds() - 3600;
        for wrong in [
            json!({"sub": "u1", "aud": "another"}),
            json!({"sub": "u1", "iss": "https://evil.op.example"}),
            json!({"sub": "u1", "nonce": "another"}),
            json!({"sub": "u1", "exp": past}),
            json!({"sub": ""}),
        ] {
            assert_eq!(said(&visit.by("corp", &wrong).await), NOT_TAKEN, "{wrong}");
        }
        assert!(house.logged().await.iter().any(|(factor, _, reason)| {
            (factor.as_str(), reason.as_str()) == ("upstream_provider", "provider_answer_invalid")
        }));
    });
}

#[test]
fn a_provider_that_says_no_or_nothing_lets_nobody_in() {
    each_engine("{}", async |house| {
        set(house, "corp", &oidc("corp")).await;
        let visit = at_app(house).await;
        let address = visit.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let state = query_of(&address)["state"].clone();
        let query = format!("error=access_denied&state={state}&iss=https%3A%2F%2Fcorp.op.example");
        assert!(said(&visit.back("corp", &query).await).starts_with("The provider signed nobody in."));
        house.abroad.set_away(true);
        set(house, "gone", &oidc("gone")).await;
        assert!(said(&visit.by("gone", &json!({"sub": "u1"})).await).starts_with("The provider can't be asked"));
        assert!(matches!(
            house.auth.check_provider(house.tenant, "gone").await,
            Err(AuthError::Provider(InvalidProvider::Oidc(_)))
        ));
    });
}

#[test]
fn nobody_comes_in_who_may_not() {
    each_engine("{}", async |house| {
        set(house, "corp", &oidc("corp")).await;
        for (name, status) in [("carla", "disabled"), ("dan", "pending deletion")] {
            let user = person(house, name).await;
            link(house, user, "corp", name).await;
            house.set_status(user, status).await;
            let visit = at_app(house).await;
            assert_eq!(said(&visit.by("corp", &json!({"sub": name})).await), "Your account is disabled.", "{name}");
            assert!(visit.sign_in().await.username().is_none());
        }
        let locked = person(house, "eve").await;
        link(house, locked, "corp", "eve").await;
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.lock_user(locked, house.world.now()).await.unwrap());
        tx.commit().await.unwrap();
        let visit = at_app(house).await;
        assert_eq!(said(&visit.by("corp", &json!({"sub": "eve"})).await), "Your account is locked out.");
    });
}

/// nOAuth: whoever may write what they like into an account elsewhere is nobody here by it.
#[test]
fn a_name_or_an_address_is_nobodys_unless_a_rule_says_so() {
    each_engine("{}", async |house| {
        let user = person(house, "ana@corp.example").await;
        email(house, user, "ana@corp.example").await;
        let claims = json!({
            "sub": "u9", "preferred_username": "ana@corp.example", "email": "ana@corp.example", "email_verified": true,
        });
        set(house, "corp", &oidc("corp")).await;
        assert_eq!(said(&at_app(house).await.by("corp", &claims).await), UNKNOWN);
        // By mail address: verified, in a domain of the provider, and of one account.
        let by_email =
            ProviderSettings { domains: vec!["corp.example".to_owned()], link_by: LinkBy::Email, ..oidc("corp") };
        set(house, "corp", &by_email).await;
        for wrong in [
            json!({"sub": "u9", "email": "ana@corp.example"}),
            json!({"sub": "u9", "email": "ana@corp.example", "email_verified": false}),
            json!({"sub": "u9", "email": "ana@corp.example", "email_verified": "true"}),
            json!({"sub": "u9", "email": "ana@evil.example", "email_verified": true}),
            json!({"sub": "u9", "preferred_username": "ana@corp.example"}),
        ] {
            assert_eq!(said(&at_app(house).await.by("corp", &wrong).await), UNKNOWN, "{wrong}");
        }
        let namesake = house.person("bea").await;
        email(house, namesake, "ana@corp.example").await;
        assert_eq!(said(&at_app(house).await.by("corp", &claims).await), UNKNOWN, "two accounts have the address");
        email(house, namesake, "bea@corp.example").await;
        assert!(proved(&at_app(house).await.by("corp", &claims).await));
        // By name: letter by letter, whatever an application makes of names.
        set(house, "corp", &ProviderSettings { link_by: LinkBy::UserName, ..oidc("corp") }).await;
        person(house, "joe").await;
        for wrong in ["joe@evil.example", "EVIL\\joe", "nobody"] {
            let claims = json!({"sub": "u8", "preferred_username": wrong});
            assert_eq!(said(&at_app(house).await.by("corp", &claims).await), UNKNOWN, "{wrong}");
        }
        // What names an unverified address is no name either.
        let by_address =
            ProviderSettings { user_name: Some("email".to_owned()), link_by: LinkBy::UserName, ..oidc("corp") };
        set(house, "corp", &by_address).await;
        let claims = json!({"sub": "u9", "email": "ana@corp.example"});
        assert_eq!(said(&at_app(house).await.by("corp", &claims).await), UNKNOWN);
    });
}

async fn email(house: &House, user: UserId, address: &str) {
    let change = store::UserChange { email: Some(address.to_owned()), ..store::UserChange::default() };
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.change_user(user, &change).await.unwrap());
    tx.commit().await.unwrap();
}

#[test]
fn an_account_with_a_factor_is_linked_by_that_factor_and_by_nothing_less() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, "corp", &ProviderSettings { link_by: LinkBy::UserName, ..oidc("corp") }).await;
        let claims = json!({"sub": "u1", "preferred_username": "ana"});
        // A name is whatever somebody calls himself there: it shows nothing, counts no wrong code against its owner, and is no proof of two.
        let visit = at_app(house).await;
        assert!(proved(&visit.by("corp", &claims).await));
        assert!(visit.choices().await.devices.is_empty());
        assert_eq!(refusal(&visit.attempt(code(&house.totp())).await), "not_offered");
        let visit = Visit::portal(house, None).await;
        assert!(proved(&visit.by("corp", &claims).await));
        for _ in 0..20 {
            assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
        }
        let row = house.store.tenant(house.tenant).user(user).await.unwrap().unwrap();
        assert_eq!((row.failures, row.locked_at), (0, None));
        house.clock.advance(Duration::from_secs(86_400));
        let visit = Visit::portal(house, None).await;
        assert!(proved(&visit.by("corp", &claims).await));
        assert_eq!(linked(house, "corp", "u1").await, None, "the word alone links nothing");
        assert_eq!(refusal(&visit.attempt(code("000000")).await), "deny");
        assert_eq!(linked(house, "corp", "u1").await, None);
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        assert_eq!(linked(house, "corp", "u1").await, Some(user));
        // From now on another subject that calls itself so is somebody else, and this one is ana whatever it is called.
        let other = json!({"sub": "u2", "preferred_username": "ana"});
        assert_eq!(said(&at_app(house).await.by("corp", &other).await), UNKNOWN);
        let renamed = json!({"sub": "u1", "preferred_username": "root"});
        assert!(proved(&at_app(house).await.by("corp", &renamed).await));
        assert!(house.acts().await.iter().any(|act| act.action == "provider_link" && act.detail.contains("confirmed")));
    });
}

/// An address of the provider's own domain, verified, is its to vouch for: with the person's own factor it makes two.
#[test]
fn an_address_that_the_provider_answers_for_is_a_first_proof() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        email(house, user, "ana@corp.example").await;
        let by_email =
            ProviderSettings { domains: vec!["corp.example".to_owned()], link_by: LinkBy::Email, ..oidc("corp") };
        set(house, "corp", &by_email).await;
        let visit = at_app(house).await;
        let claims = json!({"sub": "u1", "email": "ana@corp.example", "email_verified": true});
        assert!(proved(&visit.by("corp", &claims).await));
        assert_eq!(linked(house, "corp", "u1").await, None);
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        assert_eq!(linked(house, "corp", "u1").await, Some(user));
    });
}

/// Doors that are given the long form of a name look for that first: nobody may come into being under it who isn't its owner.
#[test]
fn nobody_is_made_in_front_of_somebody_else() {
    each_engine("{}", async |house| {
        person(house, "ana").await;
        let count = async || house.store.tenant(house.tenant).user_count().await.unwrap();
        for domains in [Vec::new(), vec!["corp.example".to_owned()]] {
            set(house, "corp", &ProviderSettings { create: true, domains, ..oidc("corp") }).await;
            for name in ["ana@corp.example", "CORP\\ana", "ANA", "\u{ff41}na", "\u{ff41}nb"] {
                let claims = json!({"sub": "u1", "preferred_username": name});
                assert_eq!(said(&at_app(house).await.by("corp", &claims).await), UNKNOWN, "{name}");
            }
        }
        assert_eq!(count().await, 1);
        // What applications are told to be a verified address is one, or nothing.
        let odd = json!({
            "sub": "u2", "preferred_username": "bob@corp.example", "email": "root@evil.example,bob@corp.example",
            "email_verified": true,
        });
        assert!(proved(&at_app(house).await.by("corp", &odd).await));
        let bob = linked(house, "corp", "u2").await.unwrap();
        assert_eq!(house.store.tenant(house.tenant).user(bob).await.unwrap().unwrap().email, "");
        let control = json!({"sub": "u3\u{0}", "preferred_username": "cia@corp.example"});
        assert_eq!(said(&at_app(house).await.by("corp", &control).await), NOT_TAKEN);
    });
}

/// Whoever comes by a password, the directory or another provider has something: a name that somebody gives himself elsewhere takes none of
/// them over.
#[test]
fn an_account_that_comes_another_way_is_not_linked_at_once() {
    each_engine("{}", async |house| {
        set(house, "corp", &oidc("corp")).await;
        set(house, "partner", &ProviderSettings { link_by: LinkBy::UserName, ..oidc("partner") }).await;
        let (ana, bob) = (house.person("ana").await, house.person("bob").await);
        link(house, ana, "corp", "u1").await;
        let password = store::PasswordRow {
            user_id: bob,
            hash: vec![1; 80],
            set_at: house.world.now(),
            set_by: "operator".to_owned(),
        };
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.set_password(&password).await.unwrap();
        tx.commit().await.unwrap();
        for (name, purpose) in [
            ("ana", Purpose::Portal),
            ("bob", Purpose::Portal),
            ("ana", sso(Level::Multi, false)),
            ("bob", sso(Level::Multi, false)),
        ] {
            let visit = Visit::open(house, None, purpose, new_browser()).await;
            visit.by("partner", &json!({"sub": name, "preferred_username": name})).await;
            assert_eq!(linked(house, "partner", name).await, None, "{name}");
            assert!(!visit.choices().await.enroll, "{name}");
            assert!(house.auth.enroll_here(&visit.sign_in().await, &visit.browser).await.unwrap().is_none());
        }
    });
}

/// What was begun with a provider is over when another is set under its key: their subjects are other people.
#[test]
fn what_was_begun_with_one_provider_is_not_ended_by_another_of_its_key() {
    each_engine("{}", async |house| {
        person(house, "ana").await;
        let by_name = ProviderSettings { link_by: LinkBy::UserName, ..oidc("corp") };
        set(house, "corp", &by_name).await;
        let begun = Visit::portal(house, None).await;
        let address = begun.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1", "preferred_username": "ana"}));
        let pointed = Visit::portal(house, None).await;
        assert!(proved(&pointed.by("corp", &json!({"sub": "u1", "preferred_username": "ana"})).await));
        let before = pointed.sign_in().await;
        house.clock.advance(Duration::from_secs(1));
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.delete_provider("corp").await.unwrap());
        tx.commit().await.unwrap();
        set(house, "corp", &by_name).await;
        assert_eq!(refusal(&begun.back("corp", &query).await), "not_offered");
        let late = house.auth.attempt(&before, &pointed.browser, code(&house.totp()), None).await;
        assert!(!late.is_ok_and(|step| allowed(&step)));
        assert_eq!(linked(house, "corp", "u1").await, None);
    });
}

#[test]
fn an_administrators_code_links_nobody() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, "corp", &ProviderSettings { link_by: LinkBy::UserName, ..oidc("corp") }).await;
        house.bypass(user, "123456789", None).await;
        let visit = Visit::portal(house, None).await;
        assert!(proved(&visit.by("corp", &json!({"sub": "u1", "preferred_username": "ana"})).await));
        assert!(allowed(&visit.attempt(code("123456789")).await));
        assert_eq!(linked(house, "corp", "u1").await, None);
    });
}

#[test]
fn an_account_without_anything_is_linked_at_once_and_enrols() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        set(house, "corp", &ProviderSettings { link_by: LinkBy::UserName, ..oidc("corp") }).await;
        let visit = at_app(house).await;
        assert!(proved(&visit.by("corp", &json!({"sub": "u1", "preferred_username": "ana"})).await));
        assert_eq!(linked(house, "corp", "u1").await, Some(user));
        let choices = visit.choices().await;
        assert!(choices.enroll, "{}", choices.message);
        assert!(visit.finish().await.is_err());
        assert!(house.auth.enroll_here(&visit.sign_in().await, &visit.browser).await.unwrap().is_some());
        // One whose only passkey is suspended has something, and is not open to the first who says the name.
        let bob = house.person("bob").await;
        let passkey = SoftPasskey::register(house, bob, &["internal"]).await;
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.suspend_passkey(passkey.id, "test", house.world.now()).await.unwrap());
        tx.commit().await.unwrap();
        let step = at_app(house).await.by("corp", &json!({"sub": "u2", "preferred_username": "bob"})).await;
        assert!(!proved(&step) && linked(house, "corp", "u2").await.is_none());
    });
}

#[test]
fn a_stranger_becomes_a_user_where_that_is_on_and_of_a_hundred_one_is_made() {
    each_engine("{}", async |house| {
        let settings = ProviderSettings { create: true, domains: vec!["corp.example".to_owned()], ..oidc("corp") };
        set(house, "corp", &settings).await;
        let claims = json!({
            "sub": "n1", "preferred_username": "new@corp.example", "name": "Nora\u{7} New", "email": "new@corp.example",
            "email_verified": true,
        });
        let visits = join_all((0..100).map(async |_| at_app(house).await)).await;
        let steps = join_all(visits.iter().map(async |visit| visit.by("corp", &claims).await)).await;
        assert!(steps.iter().all(proved), "{:?}", steps.iter().map(said).collect::<Vec<_>>());
        let user = linked(house, "corp", "n1").await.unwrap();
        let scope = house.store.tenant(house.tenant);
        let row = scope.user(user).await.unwrap().unwrap();
        assert_eq!((row.username.as_str(), row.realname.as_str()), ("new@corp.example", "Nora New"));
        assert_eq!((row.email.as_str(), row.status.as_str()), ("new@corp.example", "active"));
        assert_eq!(scope.user_count().await.unwrap(), 1);
        let visit = &visits[0];
        assert!(visit.choices().await.enroll && visit.finish().await.is_err(), "they enrol before anything opens");
        // A name that somebody has, or of a domain that isn't the provider's, or that is none, makes nobody.
        person(house, "joe@corp.example").await;
        for name in ["joe@corp.example", "root@evil.example", "", "\u{0}"] {
            let claims = json!({"sub": "n2", "preferred_username": name});
            assert_eq!(said(&at_app(house).await.by("corp", &claims).await), UNKNOWN, "{name:?}");
        }
        assert_eq!(scope.user_count().await.unwrap(), 2);
    });
}

#[test]
fn what_is_taken_away_on_the_way_counts_for_nothing() {
    each_engine("{}", async |house| {
        let user = ana_of_corp(house).await;
        let scope = house.store.tenant(house.tenant);
        let enable = async |enabled: bool| {
            let mut tx = scope.begin().await.unwrap();
            assert!(tx.enable_provider("corp", enabled, house.world.now(), "operator").await.unwrap());
            tx.commit().await.unwrap();
        };
        // Before the answer.
        let visit = at_app(house).await;
        let address = visit.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &json!({"sub": "u1"}));
        enable(false).await;
        assert_eq!(refusal(&visit.back("corp", &query).await), "not_offered");
        enable(true).await;
        // Between the two proofs.
        let visit = at_app(house).await;
        assert!(proved(&visit.by("corp", &json!({"sub": "u1"})).await));
        let before = visit.sign_in().await;
        enable(false).await;
        assert!(visit.choices().await.devices.is_empty(), "a stranger again");
        let late = house.auth.attempt(&before, &visit.browser, code(&house.totp()), None).await;
        assert!(!late.is_ok_and(|step| allowed(&step)), "also for who had read it before");
        enable(true).await;
        let visit = at_app(house).await;
        assert!(proved(&visit.by("corp", &json!({"sub": "u1"})).await));
        let mut tx = scope.begin().await.unwrap();
        assert!(tx.delete_provider_link(user, "corp").await.unwrap());
        tx.commit().await.unwrap();
        house.clock.advance(Duration::from_secs(30));
        assert!(!allowed(&visit.attempt(code(&house.totp())).await));
    });
}

pub(crate) fn multi(value: &str, level: Level) -> Vec<Trust> {
    vec![Trust { claim: TrustClaim::Acr, value: value.to_owned(), level }]
}

#[test]
fn a_rule_of_trust_and_nothing_else_makes_the_word_enough() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        let trusted = ProviderSettings { trust: multi("mfa", Level::Multi), ..oidc("corp") };
        set(house, "corp", &trusted).await;
        link(house, user, "corp", "u1").await;
        let now = house.world.now().seconds();
        let strong = json!({"sub": "u1", "acr": "mfa", "amr": ["pwd", "otp", "A B"]});
        // Another acr, none, one proved long ago, or at no time that is said: the first of two proofs.
        for weak in [
            json!({"sub": "u1", "acr": "pwd", "amr": ["mfa"]}),
            json!({"sub": "u1"}),
            json!({"sub": "u1", "acr": "mfa", "auth_time": now - 3600}),
            json!({"sub": "u1", "acr": "mfa", "auth_time": null}),
        ] {
            assert!(proved(&at_app(house).await.by("corp", &weak).await), "{weak}");
        }
        let visit = at_app(house).await;
        assert!(allowed(&visit.by("corp", &strong).await));
        let session = visit.session().await;
        assert_eq!((session.level(), session.username()), (Level::Multi, "ana"));
        assert_eq!(session.amr(), ["pwd", "otp", "mfa"]);
        assert!(
            house
                .logged()
                .await
                .iter()
                .any(|(factor, result, _)| { (factor.as_str(), result.as_str()) == ("upstream_provider", "success") })
        );
        // Not at what asks for more, not at a person's own pages, and not for who has a passkey here.
        for purpose in [sso(Level::PhishingResistant, false), Purpose::Portal] {
            let visit = Visit::open(house, None, purpose, new_browser()).await;
            assert!(proved(&visit.by("corp", &strong).await));
        }
        SoftPasskey::register(house, user, &["internal"]).await;
        assert!(proved(&at_app(house).await.by("corp", &strong).await));
        // Whatever it is trusted for: else whoever may link people could go around their passkeys.
        set(house, "corp", &ProviderSettings { trust: multi("mfa", Level::PhishingResistant), ..oidc("corp") }).await;
        let phr = async || Visit::open(house, None, sso(Level::PhishingResistant, false), new_browser()).await;
        assert!(proved(&phr().await.by("corp", &strong).await));
        let other = person(house, "bob").await;
        link(house, other, "corp", "u2").await;
        let strong = json!({"sub": "u2", "acr": "mfa"});
        assert!(allowed(&phr().await.by("corp", &strong).await));
    });
}

/// What keeps weaker factors away keeps a provider's word away.
#[test]
fn a_rule_of_trust_is_no_way_around_policy_or_a_canary() {
    let trusted = || ProviderSettings { trust: multi("mfa", Level::Multi), ..oidc("corp") };
    let strong = json!({"sub": "u1", "acr": "mfa"});
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, "corp", &trusted()).await;
        link(house, user, "corp", "u1").await;
        let before = at_app(house).await;
        assert!(allowed(&before.by("corp", &strong).await));
        house
            .global_policy(
                r#"{"authentication_methods":{"allowed_auth_list":["webauthn-platform","webauthn-roaming"],"blocked_auth_list":["duo-push","phonecall","sms","hardware-token","duo-passcode","bypass"]}}"#,
            )
            .await;
        let visit = at_app(house).await;
        assert!(!allowed(&visit.by("corp", &strong).await));
        assert!(visit.finish().await.is_err());
    });
    each_engine(r#"{"canary": "enforce"}"#, async |house| {
        let user = person(house, "ana").await;
        set(house, "corp", &trusted()).await;
        link(house, user, "corp", "u1").await;
        let mark = async |visit: &Visit<'_>, sighting| {
            house.auth.mark_canary(house.tenant, visit.id, sighting, "login.evil.example").await.unwrap();
        };
        let seen = at_app(house).await;
        mark(&seen, Sighting::Ok).await;
        let address = seen.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        let query = house.abroad.back(&address, house.world.now(), &strong);
        // The alarm comes while the browser is away.
        mark(&seen, Sighting::Alert).await;
        assert_eq!(refusal(&seen.back("corp", &query).await), "canary");
        let phished = at_app(house).await;
        mark(&phished, Sighting::Alert).await;
        assert_eq!(refusal(&phished.by("corp", &strong).await), "canary");
        assert!(phished.finish().await.is_err() && seen.finish().await.is_err());
    });
}

#[test]
fn who_is_to_prove_it_anew_proves_it_anew_there() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let old = json!({"sub": "u1", "auth_time": house.world.now().seconds() - 3600});
        let visit = Visit::open(house, None, sso(Level::Multi, true), new_browser()).await;
        let address = visit.leave("corp", &outside()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
        assert_eq!(query_of(&address)["prompt"], "login");
        assert_eq!(said(&visit.by("corp", &old).await), NOT_TAKEN);
        assert!(proved(&visit.by("corp", &json!({"sub": "u1"})).await));
        // Without that, the provider's own session is as good.
        assert!(proved(&at_app(house).await.by("corp", &old).await));
        set(house, "corp", &ProviderSettings { always_ask: true, ..oidc("corp") }).await;
        assert_eq!(said(&at_app(house).await.by("corp", &old).await), NOT_TAKEN);
    });
}

/// The name that was typed sends a browser somewhere, and no more: whoever is proved signs in.
#[test]
fn a_typed_name_leads_by_its_domain_whoever_has_it() {
    each_engine("{}", async |house| {
        let (ana, bob) = (person(house, "ana@corp.example").await, house.person("bob").await);
        set(house, "corp", &ProviderSettings { domains: vec!["corp.example".to_owned()], ..oidc("corp") }).await;
        set(house, "other", &oidc("other")).await;
        link(house, bob, "corp", "b1").await;
        house.token(bob, "t6", SEED).await;
        for (name, home) in [
            ("ana@corp.example", true),
            ("nobody@CORP.example", true),
            ("ana@corp.example.evil.example", false),
            ("bob", false),
        ] {
            let visit = Visit::open(house, Some(name), sso(Level::Multi, false), new_browser()).await;
            let found = house.auth.home_provider(&visit.sign_in().await).await.unwrap();
            assert_eq!(found.map(|choice| choice.key), home.then(|| "corp".to_owned()), "{name}");
            let all = house.auth.sign_in_providers(&visit.sign_in().await).await.unwrap();
            assert_eq!(all.len(), 2, "{name}: the same for everybody");
        }
        for name in ["ana@corp.example", "nobody@corp.example"] {
            let visit = Visit::open(house, Some(name), sso(Level::Multi, false), new_browser()).await;
            assert!(proved(&visit.by("corp", &json!({"sub": "b1"})).await), "{name}");
            let sign_in = visit.sign_in().await;
            assert_eq!((sign_in.user(), sign_in.username()), (Some(bob), Some("bob")), "{name}");
            house.clock.advance(Duration::from_secs(30));
            assert!(allowed(&visit.attempt(code(&house.totp())).await));
            assert_eq!(visit.session().await.username(), "bob");
        }
        assert_ne!(ana, bob);
    });
}

/// What was begun for the name that was typed ends when somebody else is proved.
#[test]
fn a_passkey_of_whoever_was_named_before_signs_nobody_in() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.person("ana").await, person(house, "bob").await);
        let passkey = SoftPasskey::register(house, ana, &["internal"]).await;
        set(house, "corp", &oidc("corp")).await;
        link(house, bob, "corp", "b1").await;
        let visit = Visit::open(house, Some("ana"), sso(Level::Multi, false), new_browser()).await;
        let options = house.auth.passkey_options(&visit.sign_in().await, &visit.browser).await.unwrap();
        let answer = passkey.sign(&options, crate::soft_passkey::ORIGIN, 0);
        assert!(proved(&visit.by("corp", &json!({"sub": "b1"})).await));
        let step = house.auth.passkey_answer(&visit.sign_in().await, &visit.browser, &answer).await.unwrap();
        assert_eq!(refusal(&step), "stale");
        assert!(visit.finish().await.is_err());
    });
}

#[test]
fn a_saml_provider_by_its_answer_and_no_other() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        let (corp, evil) = (SamlProvider::new("corp"), SamlProvider::new("evil"));
        set(house, "corp", &saml(&corp)).await;
        link(house, user, "corp", "n-1").await;
        let finish = async |visit: &Visit<'_>, state: &str, ticket: &str| {
            let (sign_in, returned) = (visit.sign_in().await, Returned::Kept { ticket });
            house.auth.finish_provider(&sign_in, &visit.browser, state, returned, &service()).await.unwrap()
        };
        let bring = async |state: &str, answer: &str| {
            let ticket = house.auth.keep_answer(house.tenant, (state, answer), None).await.unwrap();
            ticket.map(|ticket| ticket.expose().to_owned())
        };
        let asked = async |visit: &Visit<'_>| {
            let address = visit.leave("corp", &service()).await.unwrap_or_else(|step| panic!("{}", said(&step)));
            corp.asked(&address, "n-1")
        };
        let visit = at_app(house).await;
        let (said_right, _) = asked(&visit).await;
        assert_eq!(said_right.audience, format!("{ORIGIN}/upstream/saml/metadata"));
        // Each wrong in one way.
        let wrong: [fn(&mut crate::abroad::Said); 5] = [
            |said| said.audience = "https://other.example/metadata".to_owned(),
            |said| said.recipient = "https://other.example/acs".to_owned(),
            |said| said.in_response_to = "_other".to_owned(),
            |said| said.format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            |said| said.name = " ".to_owned(),
        ];
        for change in wrong {
            let (mut said_wrong, state) = asked(&visit).await;
            change(&mut said_wrong);
            let response = corp.response(&said_wrong, &house.clock);
            let ticket = bring(&state, &response).await.unwrap();
            assert_eq!(said(&finish(&visit, &state, &ticket).await), NOT_TAKEN);
        }
        // Another provider's key; no answer at all.
        let (said_right, state) = asked(&visit).await;
        let forged = SamlProvider { entity_id: corp.entity_id.clone(), ..evil };
        let ticket = bring(&state, &forged.response(&said_right, &house.clock)).await.unwrap();
        assert_eq!(said(&finish(&visit, &state, &ticket).await), NOT_TAKEN);
        let (_, state) = asked(&visit).await;
        assert_eq!(said(&finish(&visit, &state, "").await), NOT_TAKEN);
        // The right answer of somebody whose own browser was sent there with this request, and has brought it (RFC 6819 §4.4.1.8 turned round).
        for ticket in ["", "x", &"A".repeat(43)] {
            let (said_right, state) = asked(&visit).await;
            assert!(bring(&state, &corp.response(&said_right, &house.clock)).await.is_some());
            assert_eq!(said(&finish(&visit, &state, ticket).await), NOT_TAKEN);
        }
        // A name in another format, or of another house's, is another name.
        let (mut other_format, state) = asked(&visit).await;
        other_format.format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
        let ticket = bring(&state, &corp.response(&other_format, &house.clock)).await.unwrap();
        assert_eq!(said(&finish(&visit, &state, &ticket).await), NOT_TAKEN);
        // The right one: once, in its own browser, and only the first that came.
        let (said_right, state) = asked(&visit).await;
        let response = corp.response(&said_right, &house.clock);
        let ticket = bring(&state, &response).await.unwrap();
        assert!(bring(&state, "another").await.is_none());
        let elsewhere = house.other_tenant().await;
        assert!(house.auth.keep_answer(elsewhere, (&state, &response), None).await.unwrap().is_none());
        let other = at_app(house).await;
        assert_eq!(refusal(&finish(&other, &state, &ticket).await), "stale");
        assert!(proved(&finish(&visit, &state, &ticket).await));
        // The same assertion for another request.
        let visit = at_app(house).await;
        let (_, state) = asked(&visit).await;
        let ticket = bring(&state, &response).await.unwrap();
        assert_eq!(said(&finish(&visit, &state, &ticket).await), NOT_TAKEN);
        // Later than its metadata or its own time says.
        let (said_right, state) = asked(&visit).await;
        let response = corp.response(&said_right, &house.clock);
        house.clock.advance(Duration::from_secs(400));
        let ticket = bring(&state, &response).await.unwrap();
        assert_eq!(said(&finish(&visit, &state, &ticket).await), NOT_TAKEN);
        for nobodys in [String::new(), "x".repeat(300 * 1024)] {
            assert!(bring(&state, &nobodys).await.is_none());
        }
    });
}

#[test]
fn another_tenants_provider_lets_nobody_in_here() {
    each_engine("{}", async |house| {
        ana_of_corp(house).await;
        let other = house.other_tenant().await;
        assert!(!house.auth.check_provider(other, "corp").await.unwrap());
        // What was sealed for one tenant is of no use to another.
        let row = house.store.tenant(house.tenant).provider("corp").await.unwrap().unwrap();
        let mut tx = house.store.tenant(other).begin().await.unwrap();
        assert!(tx.insert_provider(&row).await.unwrap());
        tx.commit().await.unwrap();
        assert!(house.auth.check_provider(other, "corp").await.is_err());
        assert!(house.auth.check_provider(house.tenant, "corp").await.unwrap());
    });
}

#[test]
fn what_would_let_strangers_in_is_not_set() {
    each_engine("{}", async |house| {
        let row = async |key: &str, settings: &ProviderSettings, secret: bool| {
            let secret = secret.then(|| SecretString::new("s".to_owned()));
            house.auth.provider_row(house.tenant, key, settings, secret.as_ref(), "operator").await
        };
        assert!(row("corp", &oidc("corp"), true).await.is_ok());
        assert!(row("corp", &oidc("corp"), false).await.is_err(), "a secret that isn't there");
        for key in ["", "Corp", "a/b", "a.b", &"x".repeat(33)] {
            assert!(row(key, &oidc("corp"), true).await.is_err(), "{key}");
        }
        let no_domain = ProviderSettings { link_by: LinkBy::Email, ..oidc("corp") };
        assert!(row("corp", &no_domain, true).await.is_err());
        let mut symmetric = oidc("corp");
        if let Speaks::Oidc { algorithms, .. } = &mut symmetric.speaks {
            *algorithms = vec!["HS256".to_owned()];
        }
        assert!(row("corp", &symmetric, true).await.is_err());
        let other = SamlProvider::new("other");
        let mut wrong = saml(&other);
        if let Speaks::Saml { entity_id, .. } = &mut wrong.speaks {
            *entity_id = "https://another.example".to_owned();
        }
        assert!(row("corp", &wrong, false).await.is_err());
        assert_eq!(house.auth.entity_in(&other.metadata(), None).unwrap(), other.entity_id);
    });
}
