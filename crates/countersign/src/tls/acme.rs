//! A certificate from an ACME authority (RFC 8555), by the challenge that needs no second port: TLS-ALPN-01 (RFC 8737).

use std::{path::PathBuf, sync::Arc, time::Duration};

use ::aws_lc_rs::digest;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, CertificateIdentifier, ChallengeType, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{crypto::aws_lc_rs, sign::CertifiedKey};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use types::{Millis, World};
use zeroize::Zeroizing;

use super::{
    acme_http::AcmeHttp,
    error::TlsError,
    hot::HotCertificate,
    identity::{Identity, read},
    private_file,
};
use crate::{config, serve::Shutdown};

/// How long the authority may take over one step of an order.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).backoff(1.5).timeout(Duration::from_secs(90));

/// After a failed order: half a minute, doubled each time, at most six hours. Let's Encrypt allows five failures an hour.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_secs(6 * 3600);

/// The longest sleep before the time of renewal is asked for again: clocks jump, and authorities change their minds.
const LONGEST_SLEEP: Duration = Duration::from_secs(6 * 3600);

/// Why there is no certificate yet.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The protocol.
    #[error(transparent)]
    Protocol(#[from] instant_acme::Error),
    /// The client can't be made.
    #[error("the HTTP client can't be set up: {0}")]
    Http(String),
    /// The authority doesn't offer the one challenge that is understood.
    #[error("the authority offers no tls-alpn-01 challenge for {0}")]
    NoChallenge(String),
    /// The authority could not convince itself.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// The account's file can't be read.
    #[error("{}: not an ACME account", .0.display())]
    BadAccount(PathBuf),
}

/// Gets and renews the certificate.
pub(crate) struct Keeper {
    /// How to reach the authority, and for which names.
    pub(crate) settings: config::Acme,
    /// Where the certificate goes.
    pub(crate) hot: Arc<HotCertificate>,
    /// Time and chance.
    pub(crate) world: World,
    /// Ends it.
    pub(crate) shutdown: Shutdown,
}

impl Keeper {
    /// Puts the certificate of an earlier run to use, if there is one that still holds.
    ///
    /// # Errors
    /// When the directory can't be made or the file can't be read.
    pub(crate) fn start(&self) -> Result<(), TlsError> {
        let dir = &self.settings.cache_dir;
        private_file::make_dir(dir).map_err(|source| TlsError::Write { path: dir.clone(), source })?;
        let path = self.certificate_file();
        if path.exists() {
            let identity = Identity::read(&path, &path)?;
            if identity.not_after > self.world.now() {
                self.hot.set(identity);
            }
        }
        Ok(())
    }

    /// Looks after it until the stop.
    pub(crate) async fn keep(self) {
        // Where in the authority's window this server renews: servers should not all come at once (RFC 9773 §4.2).
        let place = self.world.below(1000);
        let mut failures = 0_u32;
        loop {
            let now = self.world.now();
            let due = self.due(place).await;
            let wait = if due > now {
                due.since(now).min(LONGEST_SLEEP)
            } else {
                match self.obtain().await {
                    Ok(()) => {
                        failures = 0;
                        tracing::info!(names = ?self.settings.domains, "a new certificate from the ACME authority is in use");
                        // Even a certificate that lasts seconds doesn't make an order a second.
                        Duration::from_secs(1)
                    }
                    Err(error) => {
                        let wait = FIRST_RETRY.saturating_mul(1 << failures.min(20)).min(LONGEST_RETRY);
                        failures += 1;
                        tracing::error!(%error, retry_seconds = wait.as_secs(), "no certificate from the ACME authority");
                        wait
                    }
                }
            };
            if self.shutdown.sleep(wait).await {
                return;
            }
        }
    }

    /// When the certificate in use is to be renewed: when the authority says (RFC 9773), else after two thirds of its life.
    async fn due(&self, place: u64) -> Millis {
        let Some(identity) = self.hot.current() else { return Millis(0) };
        let life = identity.not_after.since(identity.not_before);
        let usual = identity.not_before + life * 2 / 3;
        match self.window(&identity).await {
            // Never later than a tenth of its life before the end, whatever the authority says.
            Some((start, end)) => {
                let part = u32::try_from(place).unwrap_or(0);
                (start + end.since(start) * part / 1000).min(identity.not_after - life / 10)
            }
            None => usual,
        }
    }

    async fn window(&self, identity: &Identity) -> Option<(Millis, Millis)> {
        // Asked of the authority only when there is an account: a first start has nothing to renew.
        let account = self.existing_account().await.ok()??;
        let id = CertificateIdentifier::try_from(identity.key.cert.first()?).ok()?;
        let (info, _) = account.renewal_info(&id).await.ok()?;
        let point = |seconds: i64| Millis::from_seconds(seconds);
        let window = info.suggested_window;
        Some((point(window.start.unix_timestamp()), point(window.end.unix_timestamp())))
    }

    async fn obtain(&self) -> Result<(), TlsError> {
        let pem = self.order().await;
        self.hot.clear_challenges();
        let (key, chain) = pem?;
        let path = self.certificate_file();
        let pem = Zeroizing::new(format!("{}{chain}", key.as_str()));
        let identity = Identity::parse(pem.as_bytes(), &path, pem.as_bytes(), &path)?;
        private_file::replace(&path, pem.as_bytes()).map_err(|source| TlsError::Write { path, source })?;
        self.hot.set(identity);
        Ok(())
    }

    /// Goes through an order: the private key and the chain, as PEM.
    async fn order(&self) -> Result<(Zeroizing<String>, String), TlsError> {
        let names: Vec<Identifier> = self.settings.domains.iter().cloned().map(Identifier::Dns).collect();
        let wanted = NewOrder::new(&names);
        let mut order = match self.account().await?.new_order(&wanted).await {
            Err(instant_acme::Error::Api(problem)) if is_unknown_account(problem.r#type.as_deref()) => {
                tracing::warn!("the ACME authority has forgotten this server's account; making a new one");
                let path = self.account_file();
                std::fs::remove_file(&path).map_err(|source| TlsError::Write { path, source })?;
                self.account().await?.new_order(&wanted).await
            }
            order => order,
        }
        .map_err(AcmeError::Protocol)?;
        self.answer_challenges(&mut order).await?;
        let status = order.poll_ready(&PATIENCE).await;
        if !matches!(status, Ok(OrderStatus::Ready | OrderStatus::Valid)) {
            let why = why_refused(&mut order).await;
            return Err(match (status, why) {
                (Err(error), None) => AcmeError::Protocol(error),
                (_, why) => AcmeError::Refused(why.unwrap_or_else(|| "without a reason".to_owned())),
            }
            .into());
        }
        let key = Zeroizing::new(order.finalize().await.map_err(AcmeError::Protocol)?);
        let chain = order.poll_certificate(&PATIENCE).await.map_err(AcmeError::Protocol)?;
        Ok((key, chain))
    }

    async fn answer_challenges(&self, order: &mut Order) -> Result<(), TlsError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(AcmeError::Protocol)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
                return Err(AcmeError::NoChallenge(name).into());
            };
            let answer = challenge_certificate(&name, challenge.key_authorization().digest().as_ref())?;
            self.hot.set_challenge(name.to_ascii_lowercase(), Arc::new(answer));
            challenge.set_ready().await.map_err(AcmeError::Protocol)?;
        }
        Ok(())
    }

    async fn account(&self) -> Result<Account, TlsError> {
        if let Some(account) = self.existing_account().await? {
            return Ok(account);
        }
        let contact: Vec<&str> = self.settings.contact.iter().map(String::as_str).collect();
        let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let builder = Account::builder_with_http(Box::new(AcmeHttp::new(self.settings.directory_ca.as_deref())?));
        let (account, credentials) =
            builder.create(&wanted, self.settings.directory_url.clone(), None).await.map_err(AcmeError::Protocol)?;
        let path = self.account_file();
        let json = serde_json::to_vec(&credentials).map_err(|_| AcmeError::BadAccount(path.clone()))?;
        private_file::replace(&path, &Zeroizing::new(json)).map_err(|source| TlsError::Write { path, source })?;
        Ok(account)
    }

    async fn existing_account(&self) -> Result<Option<Account>, TlsError> {
        let path = self.account_file();
        if !path.exists() {
            return Ok(None);
        }
        let credentials: AccountCredentials =
            serde_json::from_slice(&read(&path)?).map_err(|_| AcmeError::BadAccount(path))?;
        let builder = Account::builder_with_http(Box::new(AcmeHttp::new(self.settings.directory_ca.as_deref())?));
        Ok(Some(builder.from_credentials(credentials).await.map_err(AcmeError::Protocol)?))
    }

    fn account_file(&self) -> PathBuf {
        self.settings.cache_dir.join(format!("account-{}.json", short_hash(&[&self.settings.directory_url])))
    }

    /// One file for each set of names at each authority: after a change of names, the old certificate isn't taken up.
    fn certificate_file(&self) -> PathBuf {
        let mut parts = vec![&self.settings.directory_url];
        parts.extend(&self.settings.domains);
        self.settings.cache_dir.join(format!("certificate-{}.pem", short_hash(&parts)))
    }
}

fn is_unknown_account(problem: Option<&str>) -> bool {
    problem == Some("urn:ietf:params:acme:error:accountDoesNotExist")
}

/// What the authority says about the challenges that it could not confirm.
async fn why_refused(order: &mut Order) -> Option<String> {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        for problem in state.challenges.iter().filter_map(|challenge| challenge.error.as_ref()) {
            reasons.push(format!("{name}: {}", problem.detail.as_deref().unwrap_or("no detail")));
        }
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The certificate that proves control of `name` (RFC 8737 §3): it signs itself and holds the digest.
fn challenge_certificate(name: &str, digest: &[u8]) -> Result<CertifiedKey, TlsError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    if digest.len() == 32 {
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    }
    let certificate = params.self_signed(&key)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // CertifiedKey::from_der would look into the certificate, and refuse the critical extension that this is all about.
    let private = aws_lc_rs::default_provider().key_provider.load_private_key(private)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], private))
}

fn short_hash(parts: &[&String]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    let hash = context.finish();
    data_encoding::HEXLOWER.encode(hash.as_ref().get(..8).unwrap_or_default())
}
