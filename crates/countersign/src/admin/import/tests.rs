//! An import from a server of our own kind: what is there comes here, and coming again changes nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::{
    importer::Importer,
    report::{Kind, Report},
    source::Source,
};
use crate::{admin::office::Office, services::checks};
use auth::Auth;
use directory::{
    Directory, IntegrationFields, NewGroup, NewIntegration, NewPhone, NewTenant, NewToken, NewUser, Seed, Status,
    UserAccess,
};
use duo_api::Door;
use keys::{FileRoot, KeyRing};
use messaging::Courier;
use serde_json::json;
use store::{Slice, Store};
use tempfile::TempDir;
use types::{E164, Normalization, SecretString, TenantId, UserName, World};

const ALL: Slice = Slice { offset: 0, limit: 1000 };

/// A house with one tenant.
struct House {
    store: Arc<Store>,
    directory: Directory,
    tenant: TenantId,
    _scratch: TempDir,
}

impl House {
    async fn new(host: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let world = World::real();
        let root = FileRoot::open_or_create(&scratch.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", scratch.path().join("store.db").display());
        let engine = store::open(&url, &store::Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world));
        let directory = Directory::new(Arc::clone(&store), checks());
        let new = NewTenant { name: host.to_owned(), api_host: host.to_owned(), ..NewTenant::default() };
        let tenant = directory.create_tenant(&new, "test").await.unwrap().id;
        Self { store, directory, tenant, _scratch: scratch }
    }

    fn office(&self) -> Office<'_> {
        Office::of(&self.directory, self.tenant)
    }

    /// Serves the Admin API, without TLS.
    async fn serve(&self) -> SocketAddr {
        let courier = Arc::new(Courier::new(Arc::clone(&self.store), Vec::new()));
        let auth = Auth::start(Arc::clone(&self.store), courier);
        let door = Arc::new(Door::new(auth, Vec::new(), Duration::from_secs(1)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, duo_api::router(&door)).await });
        address
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

/// What there is to bring over: more users than a page holds, and one of everything else.
async fn furnish(house: &House) {
    let office = house.office();
    let scope = office.scope();
    let many: Vec<NewUser> = (0..150).map(|n| NewUser { username: format!("user{n}"), ..NewUser::default() }).collect();
    scope.create_users(&many).await.unwrap();
    let alice = NewUser {
        username: "Alice".to_owned(),
        aliases: vec!["asmith".to_owned(), "a.smith".to_owned()],
        email: "alice@example.org".to_owned(),
        notes: "two\nlines".to_owned(),
        status: Status::Bypass,
        ..NewUser::default()
    };
    let alice = scope.create_user(&alice).await.unwrap().id;
    let bob = scope.create_user(&NewUser { username: "bob".to_owned(), ..NewUser::default() }).await.unwrap().id;
    scope.lock_user(bob).await.unwrap();
    let group = NewGroup { name: "VPN".to_owned(), description: "d".to_owned(), status: Status::Disabled };
    let group = scope.create_group(&group).await.unwrap().id;
    scope.add_to_group(alice, group).await.unwrap();
    let number: E164 = "+15035550100".parse().unwrap();
    let phone = NewPhone {
        number: Some(number),
        r#type: "mobile".to_owned(),
        platform: "apple ios".to_owned(),
        predelay: 3,
        ..NewPhone::default()
    };
    let phone = scope.create_phone(&phone).await.unwrap().id;
    scope.attach_phone(alice, phone).await.unwrap();
    scope.attach_phone(bob, phone).await.unwrap();
    let tablet = NewPhone { name: "tablet".to_owned(), ..NewPhone::default() };
    let tablet = scope.create_phone(&tablet).await.unwrap().id;
    scope.attach_phone(alice, tablet).await.unwrap();
    let seed = Seed::generate(house.store.world());
    let token = NewToken::Totp { serial: "T-1".to_owned(), seed, digits: 6, step: 30 };
    let token = scope.create_token(&token).await.unwrap().id;
    scope.attach_token(alice, token).await.unwrap();
    let global = house.store.tenant(house.tenant).global_policy().await.unwrap().unwrap().id;
    let deny = json!({ "new_user": { "new_user_behavior": "deny" } });
    scope.change_policy(global, None, deny.as_object()).await.unwrap();
    let own = json!({ "authentication_methods": { "blocked_auth_list": ["sms"] } });
    let policy = scope.create_policy("no texts", own.as_object().unwrap()).await.unwrap().id;
    let vpn = NewIntegration {
        name: "VPN".to_owned(),
        r#type: "unix".to_owned(),
        normalization: Normalization::None,
        access: UserAccess::PermittedGroups,
        groups: vec![group],
        policy: Some(policy),
        fields: IntegrationFields::default().with("notes", "n").unwrap(),
        ..NewIntegration::default()
    };
    scope.create_integration(&vpn).await.unwrap();
}

/// A key that may read everything there.
async fn admin_key(house: &House) -> (String, SecretString) {
    let mut fields = IntegrationFields::default();
    for grant in ["read_resource", "integrations", "read_numbers"] {
        fields.set(&format!("adminapi_{grant}"), &true.into()).unwrap();
    }
    let new = NewIntegration {
        name: "reader".to_owned(),
        r#type: "adminapi".to_owned(),
        fields,
        ..NewIntegration::default()
    };
    let (row, keys) = house.office().scope().create_integration(&new).await.unwrap();
    (row.ikey, keys.secret.text().clone())
}

async fn import(from: &House, key: &(String, SecretString), to: &House, dry: bool) -> Report {
    let address = from.serve().await;
    let source = Source::plain(address, key.0.clone(), key.1.clone(), World::real());
    Importer::new(&to.office(), &source, dry).run().await.unwrap()
}

#[tokio::test]
async fn everything_comes_over_once_and_keys_stay_the_same() {
    let (there, here) = (House::new("api-there.example").await, House::new("api-here.example").await);
    furnish(&there).await;
    let key = admin_key(&there).await;

    let dry = import(&there, &key, &here, true).await;
    assert_eq!(dry.counts(Kind::Users), (152, 0));
    assert_eq!(here.store.tenant(here.tenant).users(None, ALL).await.unwrap().total, 0, "a dry run made something");
    assert_eq!(here.store.tenant(here.tenant).integrations(ALL).await.unwrap().total, 0);

    let report = import(&there, &key, &here, false).await;
    assert_eq!(report.failures(), 0, "{}", report.text(false));
    for (kind, made) in [
        (Kind::Groups, 1),
        (Kind::Users, 152),
        (Kind::Phones, 2),
        (Kind::Tokens, 0),
        (Kind::Policies, 2),
        (Kind::Integrations, 2),
    ] {
        assert_eq!(report.counts(kind), (made, 0), "{kind:?}");
        if kind != Kind::Tokens {
            assert_eq!(dry.counts(kind).0, made, "a dry run says what a run does: {kind:?}");
        }
    }
    let text = report.text(false);
    assert!(text.contains("T-1 of Alice"), "{text}");
    assert!(!text.contains("5035550100"), "the report tells a number");

    let rows = here.store.tenant(here.tenant);
    let find = async |name: &str| {
        rows.user_by_name(&UserName::new(name, Normalization::None).unwrap()).await.unwrap().unwrap()
    };
    let alice = find("a.smith").await;
    assert_eq!(
        (alice.username.as_str(), alice.status.as_str(), alice.notes.as_str()),
        ("Alice", "bypass", "two\nlines")
    );
    assert!(find("bob").await.locked_at.is_some(), "a lock-out stays one");
    let groups = rows.groups_of_users(&[alice.id]).await.unwrap();
    assert_eq!((groups[0].1.name.as_str(), groups[0].1.status.as_str()), ("VPN", "disabled"));
    let phones = rows.phones_of_users(&[alice.id]).await.unwrap();
    assert_eq!(phones.len(), 2);
    let office = here.office();
    let phone = office.scope().phone_by_number(&"+15035550100".parse().unwrap(), "", false).await.unwrap().unwrap();
    assert_eq!((phone.platform.as_str(), phone.r#type.as_str(), phone.predelay), ("apple ios", "mobile", 3));
    assert_eq!(rows.users_of_phones(&[phone.id]).await.unwrap().len(), 2, "one phone for both");
    assert!(rows.global_policy().await.unwrap().unwrap().sections.contains("deny"));

    let old = there.store.tenant(there.tenant).integrations(ALL).await.unwrap().rows;
    // Each has its own application for people's own pages.
    for old in old.into_iter().filter(|old| old.r#type != "portal") {
        let new = rows.integration(&old.ikey).await.unwrap().unwrap();
        assert_eq!((new.name, new.r#type, new.normalization), (old.name, old.r#type, old.normalization));
        let secret = office.scope().integration_secret(&old.ikey).await.unwrap();
        assert!(secret.ct_eq(there.office().scope().integration_secret(&old.ikey).await.unwrap().expose()));
    }
    let vpn = rows.integrations(ALL).await.unwrap().rows.into_iter().find(|row| row.name == "VPN").unwrap();
    let settings: serde_json::Value = serde_json::from_str(&vpn.settings).unwrap();
    assert_eq!(settings["groups_allowed"], json!([groups[0].1.id.to_string()]));
    assert_eq!((settings["user_access"].as_str(), settings["notes"].as_str()), (Some("PERMITTED_GROUPS"), Some("n")));
    assert_eq!(rows.policy(vpn.policy.unwrap()).await.unwrap().unwrap().name, "no texts");
}

#[tokio::test]
async fn coming_again_makes_nothing_twice_and_brings_tokens_to_their_owners() {
    let (there, here) = (House::new("api-there.example").await, House::new("api-here.example").await);
    furnish(&there).await;
    let key = admin_key(&there).await;
    import(&there, &key, &here, false).await;
    let office = here.office();
    let seed = Seed::from_hex(&secret("3132333435363738393031323334353637383930")).unwrap();
    let token = NewToken::Totp { serial: "T-1".to_owned(), seed, digits: 6, step: 30 };
    office.scope().create_token(&token).await.unwrap();

    let again = import(&there, &key, &here, false).await;
    assert_eq!(again.failures(), 0, "{}", again.text(false));
    for (kind, there) in [
        (Kind::Groups, 1),
        (Kind::Users, 152),
        (Kind::Phones, 2),
        (Kind::Tokens, 1),
        (Kind::Policies, 2),
        (Kind::Integrations, 2),
    ] {
        assert_eq!(again.counts(kind), (0, there), "{kind:?}");
    }
    let rows = here.store.tenant(here.tenant);
    let alice = rows.user_by_name(&UserName::new("alice", Normalization::None).unwrap()).await.unwrap().unwrap();
    assert_eq!(rows.tokens_of_users(&[alice.id]).await.unwrap().len(), 1);
    assert_eq!(rows.phones(ALL).await.unwrap().total, 2);
}

#[tokio::test]
async fn a_key_that_may_not_read_is_told_so() {
    let (there, here) = (House::new("api-there.example").await, House::new("api-here.example").await);
    let new = NewIntegration { name: "x".to_owned(), r#type: "adminapi".to_owned(), ..NewIntegration::default() };
    let (row, keys) = there.office().scope().create_integration(&new).await.unwrap();
    let address = there.serve().await;
    let source = Source::plain(address, row.ikey.clone(), keys.secret.text().clone(), World::real());
    let error = Importer::new(&here.office(), &source, false).run().await.err().unwrap().to_string();
    assert!(error.contains("403") && error.contains("permission"), "{error}");
    let source = Source::plain(address, row.ikey, secret("0000000000000000000000000000000000000000"), World::real());
    let error = Importer::new(&here.office(), &source, false).run().await.err().unwrap().to_string();
    assert!(error.contains("401"), "{error}");
}
