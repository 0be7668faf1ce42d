//! Who is in the demo: an organisation with four applications, and people with every factor.

use std::time::Duration;

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use directory::{
    Codes, IntegrationKeys, NewBypassCodes, NewIntegration, NewPhone, NewTenant, NewToken, NewUser, Scope, Seed, Status,
};
use sso::{
    Kind, OidcClient, Settings,
    manage::{self, MadeParty, NewParty, NewSecret},
};
use types::{SecretString, UserId, World};

use crate::{client::Https, device::Device, services::Services};

/// Gus's telephone. From the range of numbers that are given to nobody (North American numbering plan, 555-0100 to 555-0199).
pub(super) const GUS: &str = "+12025550143";
/// Hana's.
pub(super) const HANA: &str = "+12025550177";
/// Yours.
const YOU: &str = "+12025550199";

/// Whose name the one who tries the demo signs in with.
pub(super) const YOUR_NAME: &str = "you";
/// Who has nothing yet but a link to set up a passkey.
pub(super) const INVITED: &str = "robin";
/// How long that link can be used.
const INVITATION_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// Everything that the demo's people have in their hands.
pub(super) struct Cast {
    /// What scripts sign in to.
    pub(super) api: IntegrationKeys,
    /// What `login_duo` and `pam_duo` sign in to.
    pub(super) unix: IntegrationKeys,
    /// What the demo's web application signs in to.
    pub(super) web: IntegrationKeys,
    /// What the demo's wiki signs in to, by OpenID Connect.
    pub(super) wiki: MadeParty,
    pub(super) anna: Seed,
    pub(super) ben: Seed,
    /// AES key and private id.
    pub(super) chris: ([u8; 16], [u8; 6]),
    pub(super) dora: Device,
    pub(super) emil: Device,
    pub(super) fay: Device,
    pub(super) ivan: SecretString,
    pub(super) jan: Seed,
    pub(super) lena: Seed,
    pub(super) you: (Seed, Device),
    /// The path of the link by which [`INVITED`] sets up the first passkey.
    pub(super) invitation: String,
}

struct Setup<'a> {
    scope: Scope<'a>,
    services: &'a Services,
    https: &'a Https,
    world: &'a World,
}

/// Makes them all. `home` is where the demo's web applications are.
pub(super) async fn make(services: &Services, https: &Https, world: &World, home: &str) -> anyhow::Result<Cast> {
    let house = services.directory();
    let tenant =
        NewTenant { name: "Demo organisation".to_owned(), api_host: "localhost".to_owned(), ..NewTenant::default() };
    let tenant = house.create_tenant(&tenant, "demo").await.context("the tenant")?.id;
    let setup = Setup { scope: house.tenant(tenant, "demo"), services, https, world };
    let (_, api) = setup.scope.create_integration(&application("Demo script", "authapi")).await?;
    let (_, unix) = setup.scope.create_integration(&application("Demo host (SSH)", "unix")).await?;
    let (_, web) = setup.scope.create_integration(&application("Demo application", "websdk")).await?;
    let wiki = manage::create(&setup.scope, wiki(home)).await.context("the wiki")?;

    let anna = setup.totp("anna").await?;
    let ben = setup.hotp("ben").await?;
    let chris = setup.yubico("chris").await?;
    let (dora, emil, fay) =
        (setup.authenticator("dora").await?, setup.authenticator("emil").await?, setup.authenticator("fay").await?);
    setup.phone("gus", GUS).await?;
    setup.phone("hana", HANA).await?;
    let ivan = setup.bypass_code("ivan").await?;
    let jan = setup.hotp("jan").await?;
    let disabled = NewUser { username: "kim".to_owned(), status: Status::Disabled, ..NewUser::default() };
    let kim = setup.scope.create_user(&disabled).await?.id;
    setup.totp_of(kim, "kim").await?;
    let lena = setup.totp("lena").await?;
    let you = setup.everything().await?;
    let invitation = setup.invitation().await?;
    Ok(Cast { api, unix, web, wiki, anna, ben, chris, dora, emil, fay, ivan, jan, lena, you, invitation })
}

fn application(name: &str, kind: &str) -> NewIntegration {
    NewIntegration { name: name.to_owned(), r#type: kind.to_owned(), ..NewIntegration::default() }
}

/// What `countersign app add oidc` makes of an application at `home`.
fn wiki(home: &str) -> NewParty {
    let client = OidcClient {
        redirect_uris: vec![format!("{home}/wiki/callback")],
        post_logout_redirect_uris: vec![format!("{home}/wiki")],
        frontchannel_logout_uri: Some(format!("{home}/wiki/signed-out")),
        initiate_login_uri: Some(format!("{home}/wiki/sign-in")),
        client_uri: Some(format!("{home}/wiki")),
        ..OidcClient::default()
    };
    let mut settings = Settings::of(Kind::Oidc(Box::new(client)));
    settings.tile.about = "Signs people in by OpenID Connect".to_owned();
    NewParty { secret: NewSecret::Made, ..NewParty::new("Demo wiki", settings) }
}

impl Setup<'_> {
    async fn user(&self, name: &str) -> anyhow::Result<UserId> {
        let user = NewUser { username: name.to_owned(), ..NewUser::default() };
        Ok(self.scope.create_user(&user).await.with_context(|| name.to_owned())?.id)
    }

    async fn token(&self, user: UserId, token: NewToken) -> anyhow::Result<()> {
        let token = self.scope.create_token(&token).await?;
        self.scope.attach_token(user, token.id).await?;
        Ok(())
    }

    async fn totp(&self, name: &str) -> anyhow::Result<Seed> {
        self.totp_of(self.user(name).await?, name).await
    }

    async fn totp_of(&self, user: UserId, name: &str) -> anyhow::Result<Seed> {
        let seed = Seed::generate(self.world);
        let token = NewToken::Totp { serial: format!("totp-{name}"), seed: seed.clone(), digits: 6, step: 30 };
        self.token(user, token).await?;
        Ok(seed)
    }

    async fn hotp(&self, name: &str) -> anyhow::Result<Seed> {
        let (user, seed) = (self.user(name).await?, Seed::generate(self.world));
        let token = NewToken::Hotp { serial: format!("hotp-{name}"), seed: seed.clone(), digits: 6, next: 0 };
        self.token(user, token).await?;
        Ok(seed)
    }

    async fn yubico(&self, name: &str) -> anyhow::Result<([u8; 16], [u8; 6])> {
        let (aes_key, private_id) = (self.world.bytes::<16>(), self.world.bytes::<6>());
        let token = NewToken::Yubico {
            serial: "1000001".to_owned(),
            aes_key: SecretString::new(HEXLOWER.encode(&aes_key)),
            private_id: SecretString::new(HEXLOWER.encode(&private_id)),
        };
        self.token(self.user(name).await?, token).await?;
        Ok((aes_key, private_id))
    }

    async fn authenticator(&self, name: &str) -> anyhow::Result<Device> {
        self.authenticator_of(self.user(name).await?, name).await
    }

    /// Activated as a telephone would be: by a code, over HTTPS.
    async fn authenticator_of(&self, user: UserId, name: &str) -> anyhow::Result<Device> {
        let tenant = self.scope.tenant();
        let life = Duration::from_secs(600);
        let (code, _) = self.services.auth.activation(tenant, user, None, life).await?;
        let name = if name == YOUR_NAME { "your device".to_owned() } else { format!("{name}'s device") };
        Device::activate(self.https, &tenant.to_string(), code.expose(), &name, self.world).await
    }

    async fn phone(&self, name: &str, number: &str) -> anyhow::Result<UserId> {
        let user = self.user(name).await?;
        self.phone_of(user, number).await?;
        Ok(user)
    }

    async fn phone_of(&self, user: UserId, number: &str) -> anyhow::Result<()> {
        let phone = NewPhone { number: Some(number.parse()?), r#type: "mobile".to_owned(), ..NewPhone::default() };
        let phone = self.scope.create_phone(&phone).await?;
        self.scope.attach_phone(user, phone.id).await?;
        Ok(())
    }

    async fn bypass_code(&self, name: &str) -> anyhow::Result<SecretString> {
        let user = self.user(name).await?;
        // With a token too: who has no device at all is asked to enrol.
        self.totp_of(user, name).await?;
        let one = NewBypassCodes { codes: Codes::Generated(1), ..NewBypassCodes::default() };
        self.scope.create_bypass_codes(user, &one).await?.0.pop().context("no bypass code was made")
    }

    /// Somebody with a mail address, who hears there of every passkey that is added.
    async fn invitation(&self) -> anyhow::Result<String> {
        let email = format!("{INVITED}@example.test");
        let user = NewUser { username: INVITED.to_owned(), email, ..NewUser::default() };
        let (tenant, user) = (self.scope.tenant(), self.scope.create_user(&user).await?.id);
        let (code, _) = self.services.auth.activation(tenant, user, None, INVITATION_LIFE).await?;
        Ok(format!("/activate/{tenant}/{}", code.expose()))
    }

    /// A token, an authenticator and a telephone for the one who tries the demo.
    async fn everything(&self) -> anyhow::Result<(Seed, Device)> {
        let user = self.user(YOUR_NAME).await?;
        let seed = self.totp_of(user, YOUR_NAME).await?;
        let device = self.authenticator_of(user, YOUR_NAME).await?;
        self.phone_of(user, YOU).await?;
        Ok((seed, device))
    }
}
