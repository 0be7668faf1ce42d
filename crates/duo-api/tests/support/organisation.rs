//! An organisation with one person who has every factor, made through the directory as an administrator would.

use super::{device::Device, signing::Keys};
use auth::{Auth, otp::hotp, policy::Layer};
use directory::{
    Checks, Codes, Directory, IntegrationFields, NewBypassCodes, NewGroup, NewIntegration, NewPhone, NewTenant,
    NewToken, NewUser, Seed, SettingsFields,
};
use std::time::Duration;
use store::PasskeyRow;
use types::{
    BypassId, GroupId, Normalization, PasskeyId, PhoneId, PolicyId, SecretString, TenantId, TokenId, UserId, World,
};

/// What a person is given. Each organisation has its own, so that what belongs to one can be told from the other's.
pub(crate) struct Organisation {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) host: String,
    /// An application of type `authapi`.
    pub(crate) app: Keys,
    /// One of type `unix`, which signs by version 1.
    pub(crate) unix: Keys,
    /// The integration key of one that signs people in here.
    pub(crate) relying_party: String,
    /// One of type `adminapi` with every grant.
    pub(crate) admin: Keys,
    pub(crate) user: UserId,
    pub(crate) username: String,
    pub(crate) group: GroupId,
    /// A telephone with a number, and an authenticator on it.
    pub(crate) phone: PhoneId,
    pub(crate) number: String,
    pub(crate) device: Device,
    pub(crate) totp: TokenId,
    pub(crate) totp_seed: Vec<u8>,
    pub(crate) hotp: TokenId,
    pub(crate) hotp_seed: Vec<u8>,
    pub(crate) bypass: BypassId,
    /// Reusable without limit.
    pub(crate) bypass_code: String,
    pub(crate) policy: PolicyId,
    /// A passkey that nobody can sign in with, of another person: whoever has one is offered nothing weaker in a browser.
    pub(crate) passkey: PasskeyId,
    pub(crate) passkey_user: UserId,
}

/// An application that signs people in by OpenID Connect.
async fn relying_party(scope: &directory::Scope<'_>, name: &str) -> String {
    let client = sso::OidcClient {
        redirect_uris: vec![format!("https://wiki.{name}.example.test/callback")],
        ..sso::OidcClient::default()
    };
    let settings = sso::Settings::of(sso::Kind::Oidc(Box::new(client)));
    let new = sso::manage::NewParty {
        secret: sso::manage::NewSecret::Made,
        ..sso::manage::NewParty::new(&format!("{name} wiki"), settings)
    };
    sso::manage::create(scope, new).await.unwrap().ikey
}

/// A provider that people come from.
pub(crate) fn provider(name: &str) -> auth::providers::ProviderSettings {
    auth::providers::ProviderSettings {
        name: format!("{name} elsewhere"),
        speaks: auth::providers::Speaks::Oidc {
            issuer: format!("https://op.{name}.example.test"),
            client_id: "countersign".to_owned(),
            authentication: auth::providers::ClientAuthentication::Basic,
            scopes: Vec::new(),
            algorithms: vec!["ES256".to_owned()],
            userinfo: false,
        },
        user_name: None,
        email: None,
        domains: Vec::new(),
        link_by: auth::providers::LinkBy::Nothing,
        create: false,
        trust: Vec::new(),
        always_ask: false,
    }
}

/// The engine's own readers.
pub(crate) fn checks() -> Checks {
    Checks {
        policy: |name, sections| Layer::parse(name, sections).map(drop).map_err(|error| error.to_string()),
        settings: |text| auth::Settings::parse(text).map(drop).map_err(|error| error.to_string()),
        operator_delay: |text| auth::Settings::parse(text).ok().map(|settings| settings.operator_delay()),
    }
}

const GRANTS: [&str; 8] = [
    "adminapi_admins",
    "adminapi_info",
    "adminapi_integrations",
    "adminapi_read_log",
    "adminapi_read_numbers",
    "adminapi_read_resource",
    "adminapi_settings",
    "adminapi_write_resource",
];

impl Organisation {
    /// Makes one. `n` keeps numbers and codes of several apart: 1 to 9.
    pub(crate) async fn make(directory: &Directory, auth: &Auth, name: &str, n: u8, settings: SettingsFields) -> Self {
        let world = auth.world();
        let host = format!("api-{name}.example.test");
        let new =
            NewTenant { name: format!("{name} limited"), api_host: host.clone(), settings, ..NewTenant::default() };
        let id = directory.create_tenant(&new, "setup").await.unwrap().id;
        let scope = directory.tenant(id, "setup");
        let group = NewGroup { name: format!("{name} staff"), ..NewGroup::default() };
        let group = scope.create_group(&group).await.unwrap().id;
        let username = format!("{name}.person");
        let new = NewUser {
            username: username.clone(),
            realname: format!("Realname of {name}"),
            email: format!("mail@{name}.example.test"),
            ..NewUser::default()
        };
        let user = scope.create_user(&new).await.unwrap().id;
        scope.add_to_group(user, group).await.unwrap();
        let number = format!("+1503555{n}{n}{n}{n}");
        let phone = NewPhone {
            number: Some(number.parse().unwrap()),
            name: format!("{name} telephone"),
            r#type: "mobile".to_owned(),
            ..NewPhone::default()
        };
        let phone = scope.create_phone(&phone).await.unwrap().id;
        scope.attach_phone(user, phone).await.unwrap();
        let (code, _) = auth.activation(id, user, Some(phone), Duration::from_secs(600)).await.unwrap();
        let device = Device::new(id);
        let activated = auth.activate(id, code.expose(), device.public_key(), "a tablet").await.unwrap();
        assert_eq!(activated.phone, phone);
        let device = device.named(phone);
        let (totp_seed, hotp_seed) = (seed(name, "totp"), seed(name, "hotp"));
        let hex = |seed: &[u8]| SecretString::new(data_encoding::HEXLOWER.encode(seed));
        let totp = NewToken::Totp {
            serial: format!("{name}-t6"),
            seed: Seed::from_hex(&hex(&totp_seed)).unwrap(),
            digits: 6,
            step: 30,
        };
        let hotp = NewToken::Hotp {
            serial: format!("{name}-h6"),
            seed: Seed::from_hex(&hex(&hotp_seed)).unwrap(),
            digits: 6,
            next: 0,
        };
        let totp = scope.create_token(&totp).await.unwrap().id;
        let hotp = scope.create_token(&hotp).await.unwrap().id;
        scope.attach_token(user, totp).await.unwrap();
        scope.attach_token(user, hotp).await.unwrap();
        let bypass_code = format!("{n}31415926{n}");
        let codes = NewBypassCodes {
            codes: Codes::Chosen(vec![SecretString::new(bypass_code.clone())]),
            uses: None,
            ..NewBypassCodes::default()
        };
        scope.create_bypass_codes(user, &codes).await.unwrap();
        let bypass = scope.rows().bypass_codes(user, world.now()).await.unwrap().first().unwrap().id;
        let policy = scope.create_policy(&format!("{name} policy"), &serde_json::Map::new()).await.unwrap().id;
        let owner = NewUser { username: format!("{name}.keyholder"), ..NewUser::default() };
        let passkey_user = scope.create_user(&owner).await.unwrap().id;
        let passkey = passkey(world, passkey_user, name);
        let mut tx = scope.rows().begin().await.unwrap();
        assert!(tx.insert_passkey(&passkey).await.unwrap());
        tx.commit().await.unwrap();
        let secret = SecretString::new("theirs and ours".to_owned());
        let row = auth.provider_row(id, name, &provider(name), Some(&secret), "setup").await.unwrap();
        scope.add_provider(&row).await.unwrap();
        scope.link_provider(user, name, &format!("{name} subject")).await.unwrap();
        let app = application(directory, (id, name), &host, "authapi", IntegrationFields::default()).await;
        let relying_party = relying_party(&scope, name).await;
        let unix = application(directory, (id, name), &host, "unix", IntegrationFields::default()).await;
        let mut grants = IntegrationFields::default();
        for grant in GRANTS {
            grants.set(grant, &true.into()).unwrap();
        }
        let admin = application(directory, (id, name), &host, "adminapi", grants).await;
        Self {
            id,
            name: name.to_owned(),
            host,
            app,
            unix,
            relying_party,
            admin,
            user,
            username,
            group,
            phone,
            number,
            device,
            totp,
            totp_seed,
            hotp,
            hotp_seed,
            bypass,
            bypass_code,
            policy,
            passkey: passkey.id,
            passkey_user,
        }
    }

    /// The TOTP code of this moment.
    pub(crate) fn totp(&self, world: &World) -> String {
        hotp(&self.totp_seed, u64::try_from(world.now().seconds() / 30).unwrap(), 6)
    }

    /// The HOTP code of a counter.
    pub(crate) fn hotp(&self, counter: u64) -> String {
        hotp(&self.hotp_seed, counter, 6)
    }
}

/// Makes an application and gives its keys.
pub(crate) async fn application(
    directory: &Directory,
    (tenant, name): (TenantId, &str),
    host: &str,
    kind: &str,
    fields: IntegrationFields,
) -> Keys {
    let new = NewIntegration {
        name: format!("{name} {kind}"),
        r#type: kind.to_owned(),
        normalization: Normalization::Simple,
        fields,
        ..NewIntegration::default()
    };
    let (row, keys) = directory.tenant(tenant, "setup").create_integration(&new).await.unwrap();
    Keys { ikey: row.ikey, skey: keys.secret.text().expose().to_owned(), host: host.to_owned() }
}

/// A row as a registration leaves it, with nothing in it that a ceremony could use.
fn passkey(world: &World, user: UserId, name: &str) -> PasskeyRow {
    PasskeyRow {
        id: PasskeyId::new(world.now(), world.random.as_ref()),
        user_id: user,
        credential_id: seed(name, "credential"),
        credential: Vec::new(),
        name: format!("{name} passkey"),
        aaguid: "00000000-0000-0000-0000-000000000000".to_owned(),
        transports: "internal,hybrid".to_owned(),
        counter: 0,
        backup_eligible: true,
        backed_up: true,
        user_verified: true,
        attestation: "none".to_owned(),
        suspended_at: None,
        suspended_reason: String::new(),
        last_used: None,
        created: world.now(),
    }
}

/// Twenty bytes that no other organisation's token has.
fn seed(name: &str, kind: &str) -> Vec<u8> {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{name} {kind}").as_bytes());
    hash.as_ref()[..20].to_vec()
}
