//! Opening a sign-in, and finding it again.

use super::{Browser, Opened, Purpose, SIGN_IN_LIFE, Sighting, SignIn, SignInState, model::Request};
use crate::{Application, Auth, AuthError, Subject, enroll::HERE};
use keys::Token;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};
use store::{SignInRow, fields, limits::Limit};
use types::{SecretString, SignInId, TenantId, UserId, UserName, ct_eq};

/// How the browser's secret begins.
const PREFIX: &str = "cssi";
/// The longest `redirect_uri` and return path, in bytes.
const LONGEST_URI: usize = 2048;
/// The longest `state` and `nonce`, in bytes (docs/duo-wire.md §1: clients send up to 1,024).
const LONGEST_STATE: usize = 1024;
/// What is kept of what a browser calls itself, in bytes.
const LONGEST_AGENT: usize = 512;
/// So many sign-ins to people's own pages may be opened from one address.
const OPENED: Limit = Limit { max: 300, window: Duration::from_secs(60) };

impl Auth {
    /// Opens a sign-in at `app` for the person whom `username` names, as an application gives the name; for `Portal` and `StepUp`
    /// `app` is the tenant's [`portal`](Self::portal), for `SingleSignOn` the application that the person wants to. A step-up is for the session's own user, whatever `username` says.
    ///
    /// [`AuthError::Refused`] for what no door should have let through (a path that leads elsewhere, texts that are too long),
    /// [`AuthError::Limited`] for too many from one address, [`AuthError::NoSignIn`] for a step-up without a session.
    pub async fn open_sign_in(
        &self,
        app: &Application,
        username: Option<&str>,
        purpose: Purpose,
        browser: &Browser,
    ) -> Result<Opened, AuthError> {
        check(&purpose)?;
        let now = self.world.now();
        let scope = self.store.tenant(app.tenant);
        let keys = scope.keys().await?;
        let mut request = Request {
            username: username.map(str::to_owned),
            purpose,
            ip: browser.client.ip,
            hostname: cut(&browser.client.hostname, UserName::MAX_BYTES).to_owned(),
            user_agent: cut(&browser.user_agent, LONGEST_AGENT).to_owned(),
            first: None,
        };
        let user = match &request.purpose {
            Purpose::StepUp { session, .. } => {
                let session = scope.session(*session).await?;
                let session =
                    session.filter(|row| row.ended_at.is_none() && row.expires > now).ok_or(AuthError::NoSignIn)?;
                let holder = self.login.find(app.tenant, store::login::Who::Id(session.user_id)).await?;
                request.username = Some(holder.ok_or(AuthError::NoSignIn)?.user.username);
                Some(session.user_id)
            }
            Purpose::Application { .. } => self.user_named(app, username).await?,
            Purpose::Portal | Purpose::SingleSignOn { .. } => {
                let bucket = keys.digest(fields::LIMIT, &[b"portal", neighbourhood(request.ip).as_bytes()]);
                let mut tx = scope.begin().await?;
                let may = tx.spend(bucket, OPENED, 1, now).await?;
                tx.commit().await?;
                if !may {
                    return Err(AuthError::Limited { retry_after: OPENED.window });
                }
                self.user_named(app, username).await?
            }
        };
        let id = SignInId::new(now, self.world.random.as_ref());
        let secret = Token::generate(PREFIX, self.world.random.as_ref());
        let row = SignInRow {
            id,
            ikey: app.ikey.clone(),
            user_id: user,
            browser: keys.digest(fields::SIGN_IN_BROWSER, &[id.as_bytes(), secret.expose().as_bytes()]).to_vec(),
            purpose: word(&request.purpose).to_owned(),
            state: "open".to_owned(),
            request: self.seal_request(app.tenant, id, &request).await?,
            ceremony: None,
            attempt: None,
            canary: String::new(),
            canary_host: String::new(),
            result: None,
            code: None,
            created: now,
            expires: now + SIGN_IN_LIFE,
            decided_at: None,
            redeemed_at: None,
        };
        let mut tx = scope.begin().await?;
        tx.insert_sign_in(&row).await?;
        tx.commit().await?;
        Ok(Opened { id, browser: SecretString::new(secret.expose().to_owned()) })
    }

    /// The user with this name. A text that can't be a name is an error before anything is opened.
    async fn user_named(&self, app: &Application, username: Option<&str>) -> Result<Option<UserId>, AuthError> {
        let Some(name) = username else { return Ok(None) };
        let found = self.admit(app, &Subject::Name(name.to_owned()), &crate::Client::default()).await?;
        Ok(found.holder.map(|holder| holder.user.id))
    }

    /// Finds a sign-in by its id and by the secret that its browser was given. [`AuthError::NoSignIn`] where there is none, where it
    /// is another browser's or another tenant's, and where its time is over: a stranger can't tell these apart.
    pub async fn sign_in(&self, tenant: TenantId, id: SignInId, browser: &str) -> Result<SignIn, AuthError> {
        // Garbage is refused before any look-up.
        let secret = Token::parse(PREFIX, browser).map_err(|_| AuthError::NoSignIn)?;
        let scope = self.store.tenant(tenant);
        let row = scope.sign_in(id).await?.ok_or(AuthError::NoSignIn)?;
        let digests = scope
            .keys()
            .await?
            .digest_candidates(fields::SIGN_IN_BROWSER, &[id.as_bytes(), secret.expose().as_bytes()]);
        if !digests.iter().any(|digest| ct_eq(digest, &row.browser)) {
            return Err(AuthError::NoSignIn);
        }
        self.read_sign_in(tenant, row).await
    }

    /// A row as a sign-in, while it lasts.
    pub(super) async fn read_sign_in(&self, tenant: TenantId, row: SignInRow) -> Result<SignIn, AuthError> {
        let state = match row.state.as_str() {
            "open" => SignInState::Open,
            "allowed" => SignInState::Allowed,
            "denied" => SignInState::Denied,
            "redeemed" => SignInState::Redeemed,
            _ => return Err(AuthError::Damaged("sign-in")),
        };
        if row.expires <= self.world.now() && matches!(state, SignInState::Open | SignInState::Allowed) {
            return Err(AuthError::NoSignIn);
        }
        let app = self.applications.get(&row.ikey).await?.filter(|app| app.tenant == tenant);
        let mut request = self.open_request(tenant, row.id, &row.request).await?;
        // The word of a provider that was taken away, or of whose subject it isn't said any more, counts for nothing from that moment.
        if let Some(first) = &request.first
            && !self.provider_counts(tenant, first, row.user_id).await?
        {
            // Nor does what was decided by it, and nobody has taken yet.
            if state == SignInState::Allowed {
                return Err(AuthError::NoSignIn);
            }
            request.first = None;
        }
        Ok(SignIn {
            app: app.ok_or(AuthError::NoSignIn)?,
            id: row.id,
            user: row.user_id,
            request,
            sealed_request: row.request,
            state,
            canary: match row.canary.as_str() {
                "ok" => Sighting::Ok,
                "alert" => Sighting::Alert,
                "unclear" => Sighting::Unclear,
                _ => Sighting::None,
            },
            canary_host: row.canary_host,
            created: row.created,
            expires: row.expires,
        })
    }

    /// The row as it is now: whoever holds a [`SignIn`] has proved already that it is theirs.
    pub(crate) async fn sign_in_row(&self, sign_in: &SignIn) -> Result<SignInRow, AuthError> {
        self.store.tenant(sign_in.tenant()).sign_in(sign_in.id).await?.ok_or(AuthError::NoSignIn)
    }

    /// Takes the name that a person typed on the page of their own sign-in, once. A name that nobody has is taken like any other.
    ///
    /// [`AuthError::NoSignIn`] where another name was given before: whoever wants another one starts again.
    pub async fn name_user(&self, sign_in: &mut SignIn, username: &str) -> Result<(), AuthError> {
        let name = username.trim();
        if sign_in.request.username.as_deref() == Some(name) {
            return Ok(());
        }
        if sign_in.request.username.is_some() || !sign_in.request.purpose.is_open_to_all() {
            return Err(AuthError::NoSignIn);
        }
        let user = self.user_named(&sign_in.app, Some(name)).await?;
        let request = Request { username: Some(name.to_owned()), ..sign_in.request.clone() };
        let sealed = self.seal_request(sign_in.tenant(), sign_in.id, &request).await?;
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        if !tx.name_sign_in(sign_in.id, &sign_in.sealed_request, &sealed, user).await? {
            return Err(AuthError::NoSignIn);
        }
        tx.commit().await?;
        (sign_in.request, sign_in.sealed_request, sign_in.user) = (request, sealed, user);
        Ok(())
    }

    pub(super) async fn seal_request(
        &self,
        tenant: TenantId,
        id: SignInId,
        request: &Request,
    ) -> Result<Vec<u8>, AuthError> {
        let plain = serde_json::to_vec(request).map_err(|_| AuthError::Damaged("sign-in"))?;
        let keys = self.store.tenant(tenant).keys().await?;
        let sealed = keys.seal(fields::sign_in_request(&id), &plain, self.world.random.as_ref());
        Ok(sealed.map_err(store::StoreError::from)?)
    }

    pub(crate) async fn open_request(
        &self,
        tenant: TenantId,
        id: SignInId,
        sealed: &[u8],
    ) -> Result<Request, AuthError> {
        let opened = self.store.tenant(tenant).open(fields::sign_in_request(&id), sealed).await?;
        serde_json::from_slice(opened.expose()).map_err(|_| AuthError::Damaged("sign-in"))
    }

    /// The code that enrols the person of this sign-in, where [`choices`](Self::choices) says that they may: the page goes to
    /// [`activation_url`](Self::activation_url) with it and comes back. An unknown name becomes a user.
    pub async fn enroll_here(&self, sign_in: &SignIn, browser: &Browser) -> Result<Option<SecretString>, AuthError> {
        let stand = self.stand(sign_in, browser).await?;
        let provider = sign_in.request.first.as_ref().and_then(|first| first.provider.as_deref());
        match (stand.decision.verdict, sign_in.username(), provider.zip(stand.holder.as_ref())) {
            // Who came by a provider's word has nothing but that word.
            (crate::Verdict::Enroll, _, Some((provider, holder))) => {
                self.activation_of_provider(sign_in.tenant(), holder.user.id, provider, HERE).await.map(Some)
            }
            (crate::Verdict::Enroll, Some(name), None) => {
                self.enroll_code(&sign_in.app, name, stand.holder.as_ref()).await
            }
            _ => Ok(None),
        }
    }

    /// The tenant's own application for its pages. It is made when it is first needed, and policies can be hung on it like on any
    /// other; nobody is told its secret.
    pub async fn portal(&self, tenant: TenantId) -> Result<Arc<Application>, AuthError> {
        let ikey = portal_ikey(tenant);
        for _ in 0..2 {
            if let Some(found) = self.applications.get(&ikey).await? {
                return if found.tenant == tenant { Ok(found) } else { Err(AuthError::Damaged("integration")) };
            }
            let scope = self.store.tenant(tenant);
            let secret: String = (0..40).map(|_| letter(self.world.below(32))).collect();
            let sealed = scope
                .keys()
                .await?
                .seal(fields::integration_secret(&ikey), secret.as_bytes(), self.world.random.as_ref())
                .map_err(store::StoreError::from)?;
            let row = store::IntegrationRow {
                ikey: ikey.clone(),
                name: "Account".to_owned(),
                r#type: "portal".to_owned(),
                secret: sealed,
                signature_v1: false,
                normalization: "simple".to_owned(),
                policy: None,
                settings: "{}".to_owned(),
                created: self.world.now(),
            };
            let mut tx = scope.begin().await?;
            match tx.insert_integration(&row).await {
                // Somebody else needed it in the same moment; a commit of our own comes after theirs.
                Err(store::StoreError::Duplicate) => {
                    drop(tx);
                    scope.begin().await?.commit().await?;
                    continue;
                }
                done => done?,
            }
            tx.commit().await?;
        }
        self.applications.get(&ikey).await?.ok_or(AuthError::Damaged("integration"))
    }
}

/// The key of a tenant's own application: always the same, so that two nodes make one.
fn portal_ikey(tenant: TenantId) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(b"countersign/portal/1");
    context.update(tenant.as_bytes());
    let hash = context.finish();
    let letters = hash.as_ref().iter().take(18).map(|byte| letter(u64::from(*byte % 32)));
    "DI".chars().chain(letters).collect()
}

fn letter(number: u64) -> char {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let place = usize::try_from(number).unwrap_or(0);
    char::from(LETTERS.get(place).copied().unwrap_or(b'A'))
}

/// As it stands in the row.
const fn word(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Application { .. } => "application",
        Purpose::Portal => "portal",
        Purpose::StepUp { .. } => "step-up",
        Purpose::SingleSignOn { .. } => "single-sign-on",
    }
}

/// What a door should have looked at; looked at again, because a mistake here is an open redirect.
fn check(purpose: &Purpose) -> Result<(), AuthError> {
    match purpose {
        Purpose::Portal => Ok(()),
        Purpose::Application { redirect_uri, state, nonce, .. } => {
            let scheme = redirect_uri.starts_with("https://") || redirect_uri.starts_with("http://");
            let clean = redirect_uri.bytes().all(|byte| byte.is_ascii_graphic()) && !redirect_uri.contains('#');
            if !scheme || !clean || redirect_uri.len() > LONGEST_URI {
                return Err(AuthError::Refused("redirect_uri"));
            }
            let long = |text: &str| text.len() > LONGEST_STATE;
            if long(state) || nonce.as_deref().is_some_and(long) {
                return Err(AuthError::Refused("state or nonce is too long"));
            }
            Ok(())
        }
        Purpose::StepUp { action, return_to, .. } => {
            if action.is_empty() || action.len() > 64 || !is_local_path(return_to) {
                return Err(AuthError::Refused("return_to"));
            }
            Ok(())
        }
        Purpose::SingleSignOn { return_to, .. } if is_local_path(return_to) => Ok(()),
        Purpose::SingleSignOn { .. } => Err(AuthError::Refused("return_to")),
    }
}

/// Whether a browser takes the text for a path on the same host and for nothing else: it reads `\` as `/`, and `//` begins another
/// host.
#[must_use]
pub fn is_local_path(text: &str) -> bool {
    let rest = text.strip_prefix('/');
    let other_host = rest.is_none_or(|rest| rest.starts_with(['/', '\\']));
    !other_host && text.len() <= LONGEST_URI && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// From where strangers are counted: an address, or of IPv6 the network of one customer (RFC 6177), who has 2^64 addresses to choose
/// from. Empty where it isn't known.
#[must_use]
pub fn neighbourhood(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        Some(ip) => ip.to_string(),
        None => String::new(),
    }
}

/// At most so many bytes of a text.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_lead_nowhere_else() {
        for path in ["/", "/account", "/account?x=1#y", "/a//b"] {
            assert!(is_local_path(path), "{path}");
        }
        for path in
            ["", "account", "//evil.example", "/\\evil.example", "https://evil.example/", "/a\nb", "/a b", "/a\\b"]
        {
            assert!(!is_local_path(path), "{path:?}");
        }
    }

    #[test]
    fn only_web_addresses_are_redirected_to() {
        let purpose = |uri: &str| Purpose::Application {
            redirect_uri: uri.to_owned(),
            state: "s".repeat(1024),
            nonce: None,
            duo_code: true,
        };
        assert!(check(&purpose("https://app.example/back?x=1")).is_ok());
        for uri in ["", "javascript:alert(1)", "app.example", "https://app.example/#x", "https://app.example/\r\nX: y"]
        {
            assert!(check(&purpose(uri)).is_err(), "{uri:?}");
        }
    }

    #[test]
    fn an_ipv6_customer_is_counted_as_one() {
        let of = |ip: &str| neighbourhood(Some(ip.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(neighbourhood(None), "");
    }

    #[test]
    fn a_tenants_portal_has_one_key() {
        let random = types::world::SeededRandom::new(1);
        let [tenant, other] = [1, 2].map(|at| TenantId::new(types::Millis(at), &random));
        assert_eq!(portal_ikey(tenant), portal_ikey(tenant));
        assert_ne!(portal_ikey(tenant), portal_ikey(other));
        assert_eq!(portal_ikey(tenant).len(), 20);
        assert!(portal_ikey(tenant).starts_with("DI"));
    }

    proptest! {
        #[test]
        fn a_path_that_is_taken_begins_with_one_slash(text in "\\PC{0,40}|[/\\\\a:]{0,8}") {
            if is_local_path(&text) {
                let mut bytes = text.bytes();
                prop_assert_eq!(bytes.next(), Some(b'/'));
                prop_assert!(!matches!(bytes.next(), Some(b'/' | b'\\')));
            }
        }

        #[test]
        fn cutting_never_panics(text in "\\PC{0,40}", most in 0_usize..50) {
            prop_assert!(cut(&text, most).len() <= most.max(text.len().min(most)));
        }
    }
}
