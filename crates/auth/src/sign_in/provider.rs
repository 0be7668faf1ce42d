//! To a provider and back: its word is the first of two proofs, or all of them where a rule of trust says so.
//!
//! A request belongs to one sign-in, and so to the browser that has that one's cookie: an answer that another browser brings finds
//! nothing (login CSRF). What another site's form brings without cookies is fetched by whoever has the ticket that its bringer was given:
//! somebody else's answer, brought by their own browser, is nobody's. It is taken out of the store before the answer is looked at, so each counts once. What comes back for one
//! provider is never shown to another: each has its own address, its own request, its own keys and, where it names itself, its name
//! (RFC 9700 §4.4, RFC 9207).
//!
//! What a provider says is asked for in the browser and nowhere else, and tells nobody but its own people anything: whoever types a name
//! is sent by its domain, whether anybody has that name or not.

use super::{
    Browser, Level, Purpose, SIGN_IN_LIFE, SignIn, Step,
    decide::Proven,
    first::{First, FirstKind},
    level::Assurance,
    open::neighbourhood,
    stand::client,
    suits::takes_only_passkeys,
    whose::Whose,
};
use crate::{
    Auth, AuthError, Outcome, Subject, Verdict,
    admit::NEW_DENIED,
    log,
    providers::{Asserted, KeptProvider, LinkBy, Outside, ProviderChoice, SKEW},
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc, time::Duration};
use store::{ProviderRequestRow, StoreError, fields, limits::Limit, login::Holder};
use types::{Millis, SecretString, SignInId, TenantId, ct_eq};
use upstream::{
    oidc::{self, OidcError},
    saml::{self, Answers, Status},
};

/// The factor's name in logs.
pub(super) const FACTOR: &str = "upstream_provider";
/// Longer than whatever comes back with an answer, in bytes.
const LONGEST_STATE: usize = 128;
/// The longest answer that is kept for a browser, in bytes: a SAML message in base64.
const LONGEST_ANSWER: usize = 192 * 1024;

/// So many answers are kept in an hour of what comes from one address: they are kept before anybody has read them.
const ANSWERS_FROM: Limit = Limit { max: 3000, window: Duration::from_secs(3600) };

/// Older than any session there.
const ANY_AGE: Duration = Duration::from_secs(366 * 86_400);

const AWAY: &str = "The provider can't be asked at the moment. Please try again later, or choose another way.";
const REFUSED: &str = "The provider signed nobody in. Please try again, or choose another way.";
const NOT_TAKEN: &str = "The provider's answer can't be used. Please try again, or ask your administrator.";
const OVER: &str = "This way to the provider is over. Please start it again.";
pub(super) const UNKNOWN: &str =
    "Your account at the provider isn't known here. Please ask your administrator to link it.";

/// What an answer is judged by; sealed in the request's row.
#[derive(Serialize, Deserialize)]
struct Underway {
    /// Where the page stood; the provider knows our addresses by it.
    origin: String,
    /// Of OpenID Connect; of SAML what came along as `RelayState`.
    state: String,
    nonce: String,
    verifier: String,
    /// Of SAML: the request's id.
    id: String,
    /// Whether a proof was asked for that is younger than the request.
    fresh: bool,
    /// When, in Unix milliseconds.
    at: i64,
    /// When the provider was set as it was then, in Unix milliseconds.
    since: i64,
}

/// What a browser brings back.
#[derive(Clone, Copy)]
pub enum Returned<'a> {
    /// From an OpenID provider: the key in the address that it came to, and the query as it is.
    Query {
        /// The key.
        key: &'a str,
        /// Without `?`.
        query: &'a str,
    },
    /// What was kept of a SAML provider's form.
    Kept {
        /// What [`keep_answer`](Auth::keep_answer) gave to the browser that brought it.
        ticket: &'a str,
    },
}

impl Auth {
    /// The providers that a sign-in may be begun at: the same for every name.
    pub async fn sign_in_providers(&self, sign_in: &SignIn) -> Result<Vec<ProviderChoice>, AuthError> {
        if !takes_providers(sign_in) {
            return Ok(Vec::new());
        }
        let all = self.provider_choices(sign_in.tenant()).await?;
        Ok(all.into_iter().map(|(choice, _)| choice).collect())
    }

    /// The provider that answers for the domain of the name that was typed, whether anybody has that name or not.
    pub async fn home_provider(&self, sign_in: &SignIn) -> Result<Option<ProviderChoice>, AuthError> {
        let Some(name) = sign_in.username().filter(|_| takes_providers(sign_in)) else { return Ok(None) };
        let all = self.provider_choices(sign_in.tenant()).await?;
        let home = all.into_iter().find(|(_, settings)| settings.answers_for(name) == Some(true));
        Ok(home.map(|(choice, _)| choice))
    }

    /// Where a browser is sent to, to prove who its person is at a provider; else what stands in the way.
    pub async fn start_provider(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        key: &str,
        outside: &Outside,
    ) -> Result<Result<String, Step>, AuthError> {
        let row = match self.still_open(sign_in).await? {
            Ok(row) => row,
            Err(step) => return Ok(Err(step)),
        };
        let tenant = sign_in.tenant();
        let kept = match self.kept_provider(sign_in, key, &outside.origin).await? {
            Ok(Some(kept)) => kept,
            Ok(None) => return Ok(Err(refused("not_offered", NOT_TAKEN))),
            Err(step) => {
                self.log_provider(sign_in, browser, "provider_unavailable").await?;
                return Ok(Err(step));
            }
        };
        if let Some(outcome) = self.canary_refuses(sign_in, row).await? {
            self.log_provider(sign_in, browser, "canary").await?;
            return Ok(Err(Step::Refused(outcome)));
        }
        if !self.may_try_again(sign_in).await? {
            return Ok(Err(refused("deny", "Too many tries. Please start the sign-in again.")));
        }
        let now = self.world.now();
        let fresh = kept.settings.always_ask || matches!(sign_in.purpose(), Purpose::SingleSignOn { fresh: true, .. });
        let (address, underway) = match self.request(sign_in, &kept, outside, fresh, now).await {
            Ok(request) => request,
            Err(word) => {
                tracing::warn!(%tenant, provider = key, why = word, "nobody can be sent to the provider");
                self.log_provider(sign_in, browser, "provider_unavailable").await?;
                return Ok(Err(refused("deny", AWAY)));
            }
        };
        let scope = self.store.tenant(tenant);
        let (keys, random) = (scope.keys().await?, self.world.random.as_ref());
        let digest = keys.digest(fields::PROVIDER_STATE, &[underway.state.as_bytes()]).to_vec();
        let plain = serde_json::to_vec(&underway).map_err(|_| AuthError::Damaged("provider's request"))?;
        let row = ProviderRequestRow {
            provider: key.to_owned(),
            sign_in: sign_in.id,
            sealed: keys.seal(fields::provider_request(&digest), &plain, random).map_err(StoreError::from)?,
            answer: None,
            created: now,
            expires: (now + SIGN_IN_LIFE).min(sign_in.expires),
            digest,
        };
        let mut tx = scope.begin().await?;
        // One way at a time.
        tx.drop_provider_requests(sign_in.id).await?;
        tx.insert_provider_request(&row).await?;
        tx.commit().await?;
        Ok(Ok(address))
    }

    /// A provider that this sign-in takes, ready to be asked; none where there is none. One that can't be asked is refused, and shuts no
    /// other way.
    async fn kept_provider(
        &self,
        sign_in: &SignIn,
        key: &str,
        origin: &str,
    ) -> Result<Result<Option<Arc<KeptProvider>>, Step>, AuthError> {
        if !takes_providers(sign_in) {
            return Ok(Ok(None));
        }
        match self.provider(sign_in.tenant(), key, origin).await {
            Ok(kept) => Ok(Ok(kept)),
            Err(AuthError::Provider(why)) => {
                tracing::warn!(tenant = %sign_in.tenant(), provider = key, %why, "the provider can't be used");
                Ok(Err(refused("deny", AWAY)))
            }
            Err(error) => Err(error),
        }
    }

    /// The address, and what its answer is judged by; else why there is none.
    async fn request(
        &self,
        sign_in: &SignIn,
        kept: &KeptProvider,
        outside: &Outside,
        fresh: bool,
        now: Millis,
    ) -> Result<(String, Underway), String> {
        let mut underway = Underway {
            origin: outside.origin.clone(),
            state: String::new(),
            nonce: String::new(),
            verifier: String::new(),
            id: String::new(),
            fresh,
            at: now.0,
            since: kept.since().0,
        };
        if let Some(upstream) = kept.oidc() {
            let hint = sign_in.username().filter(|name| kept.settings.answers_for(name) == Some(true));
            // When somebody proved it there is said for certain only where an age is asked for (OpenID Connect Core, 2).
            let max_age = match fresh {
                true => Some(Duration::ZERO),
                false => Some(ANY_AGE).filter(|_| !kept.settings.trust.is_empty()),
            };
            let ask = oidc::Ask { force: fresh, max_age, login_hint: hint, ..oidc::Ask::default() };
            let started = upstream.start(&ask, &self.world).await.map_err(|error| error.to_string())?;
            started.state.expose().clone_into(&mut underway.state);
            started.nonce.expose().clone_into(&mut underway.nonce);
            started.verifier.expose().clone_into(&mut underway.verifier);
            return Ok((started.address, underway));
        }
        let service = outside.service.as_ref().ok_or("there are no keys of a service provider")?;
        let provider = kept.metadata(self).await.map_err(|error| error.to_string())?;
        underway.state = data_encoding::BASE64URL_NOPAD.encode(&self.world.bytes::<32>());
        let ask = saml::Ask {
            force: fresh,
            relay_state: Some(&underway.state),
            name_id_format: kept.name_id_format(),
            ..saml::Ask::default()
        };
        let started = service.start(&provider, &ask, &self.world).map_err(|error| error.to_string())?;
        match started.send {
            saml::Send::Redirect(address) => {
                underway.id = started.id;
                Ok((address, underway))
            }
            saml::Send::Post { .. } => Err("the provider takes no requests by HTTP-Redirect".to_owned()),
        }
    }

    /// To which sign-in an answer belongs, by what came back with it. None for what nobody waits for.
    pub async fn provider_request(&self, tenant: TenantId, state: &str) -> Result<Option<SignInId>, AuthError> {
        Ok(self.waiting_request(tenant, state).await?.map(|row| row.sign_in))
    }

    /// Keeps what another site's form has brought without this site's cookies, until the browser comes for it with them: with the ticket,
    /// too, that this gives to whoever brought it. None where nobody waits for it, something had come, or too much came from that address.
    pub async fn keep_answer(
        &self,
        tenant: TenantId,
        (state, answer): (&str, &str),
        ip: Option<IpAddr>,
    ) -> Result<Option<SecretString>, AuthError> {
        if answer.is_empty() || answer.len() > LONGEST_ANSWER {
            return Ok(None);
        }
        let Some(row) = self.waiting_request(tenant, state).await? else { return Ok(None) };
        let scope = self.store.tenant(tenant);
        let (keys, now) = (scope.keys().await?, self.world.now());
        let ticket = data_encoding::BASE64URL_NOPAD.encode(&self.world.bytes::<32>());
        let plain = format!("{ticket}.{answer}");
        let sealed = keys.seal(fields::provider_answer(&row.digest), plain.as_bytes(), self.world.random.as_ref());
        let sealed = sealed.map_err(StoreError::from)?;
        let bucket = keys.digest(fields::LIMIT, &[b"provider-answers", neighbourhood(ip).as_bytes()]);
        let mut tx = scope.begin().await?;
        let kept = tx.spend(bucket, ANSWERS_FROM, 1, now).await?
            && tx.answer_provider_request(&row.digest, &sealed, now).await?;
        tx.commit().await?;
        Ok(kept.then(|| SecretString::new(ticket)))
    }

    async fn waiting_request(&self, tenant: TenantId, state: &str) -> Result<Option<ProviderRequestRow>, AuthError> {
        if state.is_empty() || state.len() > LONGEST_STATE {
            return Ok(None);
        }
        let scope = self.store.tenant(tenant);
        for digest in scope.keys().await?.digest_candidates(fields::PROVIDER_STATE, &[state.as_bytes()]) {
            if let Some(row) = scope.provider_request(&digest).await? {
                return Ok(Some(row).filter(|row| row.expires > self.world.now()));
            }
        }
        Ok(None)
    }

    /// Takes what a browser brings back to its own sign-in. [`Step::Proved`]: the first proof was given, and [`choices`](Self::choices)
    /// says what can follow.
    pub async fn finish_provider(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        state: &str,
        returned: Returned<'_>,
        outside: &Outside,
    ) -> Result<Step, AuthError> {
        if let Err(step) = self.still_open(sign_in).await? {
            return Ok(step);
        }
        let (tenant, now) = (sign_in.tenant(), self.world.now());
        let over = || refused("stale", OVER);
        let Some(row) = self.waiting_request(tenant, state).await? else { return Ok(over()) };
        let scope = self.store.tenant(tenant);
        let mut tx = scope.begin().await?;
        let taken = tx.take_provider_request(&row.digest, sign_in.id, now).await?;
        tx.commit().await?;
        let Some(row) = taken else { return Ok(over()) };
        let opened = scope.open(fields::provider_request(&row.digest), &row.sealed).await?;
        let underway: Underway =
            serde_json::from_slice(opened.expose()).map_err(|_| AuthError::Damaged("provider's request"))?;
        let kept = match self.kept_provider(sign_in, &row.provider, &underway.origin).await? {
            // One that was set anew meanwhile may be another, with other people.
            Ok(kept) => kept.filter(|kept| kept.since().0 == underway.since),
            Err(step) => {
                self.log_provider(sign_in, browser, "provider_unavailable").await?;
                return Ok(step);
            }
        };
        let Some(kept) = kept else {
            self.log_provider(sign_in, browser, "provider_gone").await?;
            return Ok(refused("not_offered", NOT_TAKEN));
        };
        let answer = match &row.answer {
            Some(sealed) => Some(scope.open(fields::provider_answer(&row.digest), sealed).await?),
            None => None,
        };
        let answer = answer.as_ref().map(|answer| std::str::from_utf8(answer.expose()).unwrap_or_default());
        match self.judge_answer(&kept, &underway, returned, answer, outside).await {
            Ok(asserted) => self.asserted(sign_in, browser, &kept, asserted).await,
            Err((reason, said, why)) => {
                // Why is in no answer: it would help whoever tries.
                tracing::warn!(%tenant, provider = kept.key(), why, "a provider's answer was not taken");
                self.log_provider(sign_in, browser, reason).await?;
                Ok(refused("deny", said))
            }
        }
    }

    /// What the provider says; else the reason for the log, what the person is told, and why.
    async fn judge_answer(
        &self,
        kept: &KeptProvider,
        underway: &Underway,
        returned: Returned<'_>,
        answer: Option<&str>,
        outside: &Outside,
    ) -> Result<Asserted, (&'static str, &'static str, String)> {
        const INVALID: &str = "provider_answer_invalid";
        let fresh_since = underway.fresh.then_some(Millis(underway.at));
        let bad = |why: &str| (INVALID, NOT_TAKEN, why.to_owned());
        if underway.origin != outside.origin {
            return Err(bad("the request was made at another address of ours"));
        }
        match (returned, kept.oidc()) {
            (Returned::Query { key, query }, Some(upstream)) => {
                if key != kept.key() {
                    return Err(bad("the answer came to another provider's address"));
                }
                let secret = |text: &str| SecretString::new(text.to_owned());
                let started = oidc::Started {
                    address: String::new(),
                    state: secret(&underway.state),
                    nonce: secret(&underway.nonce),
                    verifier: secret(&underway.verifier),
                };
                let expect = oidc::Expect { skew: SKEW, fresh_since, contexts: &[] };
                let finished = upstream.finish(&started, query, &expect, &self.world).await;
                let identity = finished.map_err(|error| match error {
                    OidcError::Denied(_) => ("provider_denied", REFUSED, error.to_string()),
                    OidcError::Fetch(_) | OidcError::Paused => ("provider_unavailable", AWAY, error.to_string()),
                    error => (INVALID, NOT_TAKEN, error.to_string()),
                })?;
                kept.of_token(&identity).ok_or_else(|| bad("the subject can't be kept"))
            }
            (Returned::Kept { ticket }, None) => {
                let (own, answer) =
                    answer.and_then(|kept| kept.split_once('.')).ok_or_else(|| bad("no answer has come"))?;
                if !ct_eq(own.as_bytes(), ticket.as_bytes()) {
                    return Err(bad("another browser has brought it"));
                }
                let service = outside.service.as_ref().ok_or_else(|| bad("there are no keys of a service provider"))?;
                let provider = kept.metadata(self).await;
                let provider = provider.map_err(|error| ("provider_unavailable", AWAY, error.to_string()))?;
                let now = self.world.now();
                let answers = Answers::Request(&underway.id);
                let expect = saml::Expect { answers, now, skew: SKEW, contexts: &[], fresh_since };
                let identity = service.receive(&provider, answer, &expect).map_err(|error| match error {
                    saml::SamlError::Refused(
                        Status::AuthnFailed | Status::RequestDenied | Status::NoPassive | Status::Other,
                    ) => ("provider_denied", REFUSED, error.to_string()),
                    error => (INVALID, NOT_TAKEN, error.to_string()),
                })?;
                kept.of_assertion(&identity).ok_or_else(|| bad("the subject has no name that stays"))
            }
            _ => Err(bad("the answer came in another way than the provider's")),
        }
    }

    /// Somebody is known: whose account it is, whether they may go on, and by what.
    async fn asserted(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        kept: &KeptProvider,
        asserted: Asserted,
    ) -> Result<Step, AuthError> {
        let (user, link) = match self.whose(sign_in, kept, &asserted).await? {
            Whose::Account { user, link } => (user, link),
            Whose::Nobody(why) => {
                tracing::info!(tenant = %sign_in.tenant(), provider = kept.key(), why, "a subject is nobody's here");
                self.log_provider(sign_in, browser, "provider_subject_unknown").await?;
                return Ok(refused("deny", UNKNOWN));
            }
        };
        let admission = match self.admit(&sign_in.app, &Subject::Id(user), &client(browser)).await {
            Err(AuthError::NoUser) => return Ok(refused("deny", UNKNOWN)),
            done => done?,
        };
        let Some(holder) = admission.holder else { return Ok(refused("deny", UNKNOWN)) };
        let decision = admission.decision;
        // Of somebody whom a rule only points at, nothing is said.
        if link && decision.verdict == Verdict::Deny {
            self.log_provider_of(sign_in, browser, &holder, kept, ("denied", decision.reason)).await?;
            return Ok(refused("deny", UNKNOWN));
        }
        // At a person's own pages who has nothing yet may still come by a recovery code.
        let stays = *sign_in.purpose() == Purpose::Portal && decision.reason == NEW_DENIED;
        if decision.verdict == Verdict::Deny && !stays {
            self.log_provider_of(sign_in, browser, &holder, kept, ("denied", decision.reason)).await?;
            return Ok(refused("deny", &decision.message));
        }
        let now = self.world.now();
        let mut request = sign_in.request.clone();
        request.username = Some(holder.user.username.clone());
        request.first = Some(First {
            by: FirstKind::Provider,
            at: now.0,
            provider: Some(kept.key().to_owned()),
            subject: Some(asserted.subject.clone()),
            since: Some(kept.since().0),
            link,
            vouched: link && kept.settings.link_by == LinkBy::Email,
        });
        let sealed = self.seal_request(sign_in.tenant(), sign_in.id, &request).await?;
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        let noted = tx.identify_sign_in(sign_in.id, &sign_in.sealed_request, &sealed, user, now).await?;
        tx.commit().await?;
        if !noted {
            return Ok(match self.come_to(sign_in).await? {
                Ok(_) => refused("stale", OVER),
                Err(step) => step,
            });
        }
        let challenged = decision.verdict == Verdict::Challenge;
        if challenged && !link && self.is_enough(sign_in, &holder, &asserted) {
            return self.enough(sign_in, browser, &holder, kept, &asserted).await;
        }
        Ok(Step::Proved)
    }

    /// Whether the provider's word opens the application without a second proof: a rule of trust says that it counts for as much as is asked
    /// for, the person proved it there for this very sign-in, and has nothing better here.
    fn is_enough(&self, sign_in: &SignIn, holder: &Holder, asserted: &Asserted) -> bool {
        let settings = &sign_in.app.settings;
        let Purpose::SingleSignOn { level, .. } = sign_in.purpose() else { return false };
        let is_now = asserted.at.is_some_and(|at| at + SKEW >= sign_in.created);
        let has_better = holder.user.passkeys > 0 && !settings.weaker_with_passkey;
        if takes_only_passkeys(&sign_in.app, holder) {
            return false;
        }
        asserted.level >= Level::Multi && asserted.level >= *level && is_now && !settings.passkey_only && !has_better
    }

    async fn enough(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        holder: &Holder,
        kept: &KeptProvider,
        asserted: &Asserted,
    ) -> Result<Step, AuthError> {
        let row = self.sign_in_row(sign_in).await?;
        // An alarm may have come while the browser was away.
        if let Some(outcome) = self.canary_refuses(sign_in, row.clone()).await? {
            self.log_provider_of(sign_in, browser, holder, kept, ("denied", "canary")).await?;
            return Ok(Step::Refused(outcome));
        }
        let known = self.read_sign_in(sign_in.tenant(), row).await?;
        let mut amr = asserted.methods.clone();
        if !amr.iter().any(|word| word == "mfa") {
            amr.push("mfa".to_owned());
        }
        let assurance = Assurance { level: asserted.level, amr };
        let proven = Proven::approved(holder.user.id, FACTOR, String::new(), assurance);
        let step = self.allow_now(&known, proven).await?;
        if matches!(step, Step::Allowed) {
            self.log_provider_of(&known, browser, holder, kept, ("success", "user_approved")).await?;
            log::count(FACTOR, "success");
        }
        Ok(step)
    }

    async fn log_provider(&self, sign_in: &SignIn, browser: &Browser, reason: &str) -> Result<(), AuthError> {
        let stand = self.stand(sign_in, browser).await?;
        log::count(FACTOR, "denied");
        self.log_refusal(sign_in, &stand, browser, FACTOR, reason).await
    }

    /// A line of the log for somebody whom the provider has named.
    async fn log_provider_of(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        holder: &Holder,
        kept: &KeptProvider,
        (result, reason): (&str, &str),
    ) -> Result<(), AuthError> {
        let entry = log::Entry {
            user: Some(holder.user.id),
            username: &holder.user.username,
            factor: FACTOR,
            result,
            reason,
            rule: "upstream provider",
            ip: log::ip(&browser.client),
            hostname: &browser.client.hostname,
            // By which they came.
            device: kept.key().to_owned(),
            txid: Some(sign_in.id.to_string()),
        };
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        tx.insert_auth_log(&log::row(&sign_in.app, entry, self.world.now(), &self.world)).await?;
        Ok(tx.commit().await?)
    }
}

/// Whether a provider's word is of any use: not where an application, or a session, has said who it is about, not where passkeys alone
/// count, and once.
pub(super) fn takes_providers(sign_in: &SignIn) -> bool {
    sign_in.purpose().is_open_to_all() && !sign_in.app.settings.passkey_only && sign_in.request.first.is_none()
}

fn refused(status: &str, message: &str) -> Step {
    Step::Refused(Outcome::deny(status, message))
}
