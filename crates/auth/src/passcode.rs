//! Passcodes of every kind: what a code matches is found here; whether it still counts is decided where it is spent.

use crate::{
    Application, Auth, AuthError, Client, DeviceId, Outcome, log,
    otp::{Totp, Yubico, YubicoCode, look_ahead},
    policy::Method,
};
use store::{
    TokenRow, fields,
    login::{Authentication, Holder, Proof, Recorded},
    phone_of_app_token,
};
use types::{AttemptId, SecretString, SignInId, ct_eq};

/// How many HOTP codes may have been skipped (RFC 4226 §7.4: as small as usability lets).
const LOOK_AHEAD: i64 = 10;
/// The longest passcode that is looked at: a Yubico OTP with its public id has 44 to 48 characters.
const LONGEST: usize = 64;

/// What a code matched.
struct Match {
    proof: Proof,
    factor: &'static str,
    device: Option<DeviceId>,
}

/// Which codes count.
#[derive(Clone, Copy)]
pub(crate) struct Codes {
    /// The sign-in that the code was typed in: codes that were sent for it count, and for no other.
    pub(crate) sign_in: Option<SignInId>,
    /// Whether bypass codes count.
    pub(crate) bypass: bool,
    /// Whether a wrong code counts towards a lock-out.
    pub(crate) counted: bool,
}

impl Codes {
    /// Outside of a browser.
    const ANYWHERE: Self = Self { sign_in: None, bypass: true, counted: true };
}

/// What became of a passcode.
pub(crate) struct Tried {
    pub(crate) recorded: Recorded,
    pub(crate) factor: &'static str,
    pub(crate) device: Option<DeviceId>,
}

impl Tried {
    /// In a client's words.
    pub(crate) fn outcome(&self, app: &Application) -> Outcome {
        match self.recorded {
            Recorded::Won => Outcome {
                allow: true,
                status: "allow".to_owned(),
                message: "Success. Logging you in...".to_owned(),
                trusted_token: None,
            },
            Recorded::Spent => Outcome::deny(
                "deny",
                "This passcode has already been used. Please generate a new passcode and try again.",
            ),
            Recorded::Failed(count) if count >= app.settings.threshold() => {
                Outcome::deny("locked_out", "Incorrect passcode. Your account has been locked out.")
            }
            Recorded::Failed(_) => Outcome::deny("deny", "Incorrect passcode. Please try again."),
            Recorded::LockedOut => Outcome::deny("locked_out", "Your account is locked out."),
        }
    }
}

impl Auth {
    /// Tries a passcode: of a token, of a text message, or a bypass code.
    pub(crate) async fn passcode(
        &self,
        app: &Application,
        holder: &Holder,
        code: &SecretString,
        device: Option<DeviceId>,
        client: &Client,
    ) -> Result<Outcome, AuthError> {
        let tried = self.try_passcode(app, holder, code, device, client, Codes::ANYWHERE).await?;
        let mut outcome = tried.outcome(app);
        if outcome.allow {
            outcome.trusted_token = self.trust(app, holder).await?;
        }
        Ok(outcome)
    }

    /// As [`passcode`](Self::passcode), with what it matched.
    pub(crate) async fn try_passcode(
        &self,
        app: &Application,
        holder: &Holder,
        code: &SecretString,
        device: Option<DeviceId>,
        client: &Client,
        codes: Codes,
    ) -> Result<Tried, AuthError> {
        let found = self.match_code(app, holder, code.expose().trim(), device, codes).await?;
        let now = self.world.now();
        // A sign-in in a browser has its own id in the log, as its application is told it.
        let txid = codes.sign_in.map(|id| AttemptId::from_uuid(id.uuid()));
        if found.is_none() && !codes.counted {
            let recorded = Recorded::Failed(0);
            let row = self.log_of_passcode(app, holder, client, "passcode", None, txid, now)(recorded);
            let mut tx = self.store.tenant(app.tenant).begin().await?;
            tx.insert_auth_log(&row).await?;
            tx.commit().await?;
            log::count("passcode", "denied");
            return Ok(Tried { recorded, factor: "passcode", device: None });
        }
        let found = found.unwrap_or(Match { proof: Proof::Wrong, factor: "passcode", device: None });
        let (factor, matched) = (found.factor, found.device);
        let recorded = self
            .login
            .record(Authentication {
                tenant: app.tenant,
                user: holder.user.id,
                proof: found.proof,
                failures_seen: holder.user.failures,
                threshold: app.settings.threshold(),
                now,
                log: Box::new(self.log_of_passcode(app, holder, client, factor, matched, txid, now)),
            })
            .await?;
        log::count(factor, if recorded == Recorded::Won { "success" } else { "denied" });
        if recorded == Recorded::Won && factor == "sms_passcode" {
            self.courier.verified(app.tenant, Some(holder.user.id), None);
        }
        Ok(Tried { recorded, factor, device: matched })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one log row, known only here")]
    fn log_of_passcode(
        &self,
        app: &Application,
        holder: &Holder,
        client: &Client,
        factor: &'static str,
        device: Option<DeviceId>,
        txid: Option<AttemptId>,
        now: types::Millis,
    ) -> impl FnOnce(Recorded) -> store::AuthLogRow + Send + 'static {
        let row = log::row(
            app,
            log::Entry {
                user: Some(holder.user.id),
                username: &holder.user.username,
                factor,
                result: "denied",
                reason: "",
                rule: "",
                ip: log::ip(client),
                hostname: &client.hostname,
                device: device.map(|device| device.to_string()).unwrap_or_default(),
                txid: txid.map(|txid| txid.to_string()),
            },
            now,
            &self.world,
        );
        move |recorded| log::ended(row, log::of_code(recorded))
    }

    async fn match_code(
        &self,
        app: &Application,
        holder: &Holder,
        code: &str,
        device: Option<DeviceId>,
        codes: Codes,
    ) -> Result<Option<Match>, AuthError> {
        if code.is_empty() || code.len() > LONGEST {
            return Ok(None);
        }
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = app.policies.applied(&groups);
        let scope = self.store.tenant(app.tenant);
        let keys = scope.keys().await?;
        let now = self.world.now();
        let wanted = |id: DeviceId| device.is_none_or(|device| device == id);
        let wanted_token = |token: &TokenRow| {
            // The passcodes that an authenticator shows are its telephone's.
            let phone = phone_of_app_token(&token.serial).map(DeviceId::Phone);
            wanted(DeviceId::Token(token.id)) || (phone.is_some() && phone == device)
        };
        if policy.allows(Method::Token).0 {
            for token in holder.tokens.iter().filter(|token| wanted_token(token)) {
                let seed = scope.open(fields::token_seed(&token.id), &token.seed).await?;
                if let Some((counter, drift)) = match_token(token, &seed, now, code) {
                    return Ok(Some(Match {
                        proof: Proof::Counter { token: token.id, counter, drift },
                        factor: if token.r#type == "yk" { "yubikey_code" } else { "hardware_token" },
                        device: Some(DeviceId::Token(token.id)),
                    }));
                }
            }
        }
        if policy.allows(Method::Sms).0 {
            for phone in holder.phones.iter().filter(|phone| phone.sms_sent > 0 && wanted(DeviceId::Phone(phone.id))) {
                let free = keys.digest_candidates(fields::SMS_CODE, &[phone.id.as_bytes(), code.as_bytes()]);
                let bound = codes.sign_in.map(|id| {
                    keys.digest_candidates(fields::SMS_CODE, &[phone.id.as_bytes(), id.as_bytes(), code.as_bytes()])
                });
                for sent in scope.sms_codes(phone.id, now).await? {
                    let digests = match (sent.first_digit.is_empty(), &bound, codes.sign_in) {
                        (false, ..) => &free,
                        (true, Some(bound), Some(id)) if self.may_try(app, id, sent.id).await? => bound,
                        (true, ..) => continue,
                    };
                    if digests.iter().any(|digest| ct_eq(digest, &sent.digest)) {
                        return Ok(Some(Match {
                            proof: Proof::Sms(phone.id, sent.id),
                            factor: "sms_passcode",
                            device: Some(DeviceId::Phone(phone.id)),
                        }));
                    }
                }
            }
        }
        if codes.bypass && policy.allows(Method::Bypass).0 {
            let digests = keys.digest_candidates(fields::BYPASS_CODE, &[holder.user.id.as_bytes(), code.as_bytes()]);
            for bypass in scope.bypass_codes(holder.user.id, now).await? {
                if digests.iter().any(|digest| ct_eq(digest, &bypass.digest)) {
                    return Ok(Some(Match { proof: Proof::Bypass(bypass.id), factor: "bypass_code", device: None }));
                }
            }
        }
        Ok(None)
    }
}

/// The counter that `code` stands for, and the drift to remember. A counter that was used is matched too: spending it fails,
/// and so a replay is told apart from a wrong code.
fn match_token(token: &TokenRow, seed: &types::SecretBytes, now: types::Millis, code: &str) -> Option<(i64, i64)> {
    let digits = u32::try_from(token.digits).ok()?;
    match token.r#type.as_str() {
        "t6" | "t8" => {
            let totp = Totp { digits, period: token.period, drift: token.drift, last_step: token.counter };
            let step = totp.check(seed.expose(), now, code)?;
            Some((step, totp.drift_after(now, step)))
        }
        "h6" | "h8" => {
            // One step back, so that the code that was used last is known as such.
            let from = (token.counter - 1).max(-1);
            look_ahead(seed.expose(), from, LOOK_AHEAD + (token.counter - from), digits, code)
                .map(|counter| (counter, 0))
        }
        "yk" => Some((Yubico::from_seed(seed)?.check(&YubicoCode::parse(code)?)?, 0)),
        _ => None,
    }
}
