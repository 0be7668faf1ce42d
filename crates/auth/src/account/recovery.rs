//! Recovery: codes that a person keeps on paper, and the access pass that an administrator makes for somebody who has nothing left.
//!
//! A code signs in and lets one authenticator be added. A pass signs in to one page, which registers a passkey and does nothing else.
//! Neither is stored but as a keyed hash, and each counts once.

use super::{Action, Permit, notices::News};
use crate::{
    Application, Auth, AuthError, Client, log,
    sign_in::{Purpose, SignIn},
};
use std::time::Duration;
use store::{
    RecoveryRow, fields,
    limits::Limit,
    login::{Authentication, Holder, Proof, Recorded, Who},
};
use types::{Millis, RecoveryId, SecretString, TenantId, UserId, ct_eq};

/// Recovery codes of one person.
pub const RECOVERY_CODES: usize = 10;
/// The shortest and the longest life of an access pass, in minutes.
pub const PASS_MINUTES: std::ops::RangeInclusive<i64> = 10..=60;
/// No letter or digit that looks like another: 5 bits each. What is typed in their place is read as what was meant.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a recovery code: 80 bits.
const CODE: usize = 16;
/// Characters of an access pass: 60 bits for an hour.
const PASS: usize = 12;
/// Characters between two hyphens.
const GROUP: usize = 4;

/// An access pass, shown once.
pub struct AccessPass {
    /// `XXXX-XXXX-XXXX`.
    pub code: SecretString,
    /// Until when it can be used.
    pub expires: Millis,
}

/// Which secret a text was.
struct Matched {
    id: RecoveryId,
    kind: &'static str,
}

impl Auth {
    /// Makes ten new recovery codes, in the place of all others, and gives them, this once.
    pub async fn make_recovery_codes(&self, permit: &Permit, client: &Client) -> Result<Vec<SecretString>, AuthError> {
        let scope = self.store.tenant(permit.tenant);
        let (user, now) = (permit.user, self.world.now());
        let keys = scope.keys().await?;
        let codes: Vec<SecretString> = (0..RECOVERY_CODES).map(|_| self.secret(CODE)).collect();
        let mut tx = scope.begin().await?;
        self.spend_permit(&mut tx, permit, Action::RecoveryCodes).await?;
        tx.delete_recovery(user, "code").await?;
        for code in &codes {
            let digest = keys.digest(fields::RECOVERY, &[user.as_bytes(), code.expose().as_bytes()]);
            let id = RecoveryId::new(now, self.world.random.as_ref());
            tx.insert_recovery(&row(id, user, "code", &digest, None, now, "user")).await?;
        }
        let noted = self.note_change(&mut tx, user, "", permit.made_by(), News::RecoveryCodesMade).await?;
        let detail = serde_json::json!({ "user_id": user.to_string() });
        tx.log_act(&self.world, "user", "recovery_codes_create", &user.to_string(), &detail.to_string()).await?;
        tx.commit().await?;
        self.announce(noted, &log::ip(client)).await;
        Ok(codes.iter().map(grouped).collect())
    }

    /// Makes an access pass in the name of `actor`, in the place of one that the person had. The person hears of it on all their
    /// channels, with who made it, and can undo it.
    ///
    /// [`AuthError::Refused`] for a life outside [`PASS_MINUTES`], [`AuthError::Guarded`] where it takes two administrators.
    pub async fn issue_access_pass(
        &self,
        tenant: TenantId,
        user: UserId,
        minutes: i64,
        actor: &str,
    ) -> Result<AccessPass, AuthError> {
        if !PASS_MINUTES.contains(&minutes) {
            return Err(AuthError::Refused("an access pass is for 10 to 60 minutes"));
        }
        let scope = self.store.tenant(tenant);
        let row_of_user = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        self.admit_operator(tenant, user, actor).await?;
        let now = self.world.now();
        let life = Duration::from_secs(60 * u64::try_from(minutes).unwrap_or(0));
        let (code, expires) = (self.secret(PASS), now + life);
        let digest = scope.keys().await?.digest(fields::RECOVERY, &[user.as_bytes(), code.expose().as_bytes()]);
        let id = RecoveryId::new(now, self.world.random.as_ref());
        let mut tx = scope.begin().await?;
        tx.hold_user(user).await?;
        tx.delete_recovery(user, "pass").await?;
        tx.insert_recovery(&row(id, user, "pass", &digest, Some(expires), now, actor)).await?;
        let news = News::AccessPassMade { by: actor.to_owned(), minutes };
        let noted = self.note_change(&mut tx, user, &id.to_string(), actor, news).await?;
        let detail = serde_json::json!({ "user_id": user.to_string(), "minutes": minutes });
        tx.log_act(&self.world, actor, "access_pass_create", &row_of_user.username, &detail.to_string()).await?;
        tx.commit().await?;
        self.announce(noted, "").await;
        Ok(AccessPass { code: grouped(&code), expires })
    }

    /// Tries a text as a recovery code or an access pass, and spends it. `recovery` or `access_pass` when it counted; none when it was
    /// wrong, was used before, is over, or may not be used here.
    ///
    /// A pass serves in the portal only. A code serves at an application too, unless the tenant takes passkeys only. Wrong ones lock
    /// nobody out: with 80 bits there is nothing to guess, and anybody may type anything beside a name that is another's.
    pub async fn try_recovery(&self, sign_in: &SignIn, code: &SecretString) -> Result<Option<&'static str>, AuthError> {
        const LIMIT: Limit = Limit { max: 20, window: Duration::from_secs(3600) };
        let app = sign_in.app();
        let (Some(user), Some(text)) = (sign_in.user(), read(code.expose())) else { return Ok(None) };
        let scope = self.store.tenant(app.tenant);
        // By address, so that nobody keeps the owner from their last way in.
        let ip = log_ip(sign_in);
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"recovery", user.as_bytes(), ip.as_bytes()]);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, LIMIT, 1, self.world.now()).await?;
        tx.commit().await?;
        if !may {
            return Err(AuthError::Limited { retry_after: LIMIT.window });
        }
        let Some(holder) = self.login.find(app.tenant, Who::Id(user)).await? else { return Ok(None) };
        let kinds: &[&'static str] = match sign_in.purpose() {
            Purpose::Portal => &["code", "pass"],
            Purpose::StepUp { .. } => &["code"],
            // They lead to what somebody signs in with, and nowhere else.
            Purpose::SingleSignOn { .. } => &[],
            Purpose::Application { .. } if app.settings.passkey_only => &[],
            Purpose::Application { .. } => &["code"],
        };
        let mut matched = None;
        for kind in kinds.iter().copied() {
            let digests =
                scope.keys().await?.digest_candidates(fields::RECOVERY, &[user.as_bytes(), text.expose().as_bytes()]);
            for secret in scope.recovery_secrets(user, kind, self.world.now()).await? {
                if digests.iter().any(|digest| ct_eq(digest, &secret.digest)) {
                    matched = Some(Matched { id: secret.id, kind });
                }
            }
        }
        let factor =
            if matches!(matched, Some(Matched { kind: "pass", .. })) { "access_pass" } else { "recovery_code" };
        let found = matched.as_ref().map(|matched| matched.id);
        if self.record_recovery(app, &holder, sign_in, found, factor).await? != Recorded::Won {
            return Ok(None);
        }
        let (news, word) = match factor {
            "access_pass" => (News::AccessPassUsed, "access_pass"),
            _ => (News::RecoveryCodeUsed, "recovery"),
        };
        self.tell(app.tenant, user, &news, &ip, None).await;
        Ok(Some(word))
    }

    async fn record_recovery(
        &self,
        app: &Application,
        holder: &Holder,
        sign_in: &SignIn,
        found: Option<RecoveryId>,
        factor: &'static str,
    ) -> Result<Recorded, AuthError> {
        let now = self.world.now();
        let row = log::row(
            app,
            log::Entry {
                user: Some(holder.user.id),
                username: &holder.user.username,
                factor,
                result: "denied",
                reason: "",
                rule: "",
                ip: log_ip(sign_in),
                hostname: &sign_in.request.hostname,
                device: String::new(),
                txid: Some(sign_in.id().to_string()),
            },
            now,
            &self.world,
        );
        let Some(found) = found else {
            let row = log::ended(row, log::of_code(Recorded::Failed(0)));
            let mut tx = self.store.tenant(app.tenant).begin().await?;
            tx.insert_auth_log(&row).await?;
            tx.commit().await?;
            log::count(factor, "denied");
            return Ok(Recorded::Failed(0));
        };
        let recorded = self
            .login
            .record(Authentication {
                tenant: app.tenant,
                user: holder.user.id,
                proof: Proof::Recovery(found),
                failures_seen: holder.user.failures,
                threshold: app.settings.threshold(),
                now,
                log: Box::new(move |recorded| log::ended(row, log::of_code(recorded))),
            })
            .await?;
        log::count(factor, if recorded == Recorded::Won { "success" } else { "denied" });
        Ok(recorded)
    }

    /// A secret of so many characters.
    fn secret(&self, length: usize) -> SecretString {
        let letter = || ALPHABET.get(usize::try_from(self.world.below(32)).unwrap_or(0)).copied().unwrap_or(b'0');
        SecretString::new((0..length).map(|_| char::from(letter())).collect())
    }
}

/// The address that a sign-in was opened from; empty if unknown.
fn log_ip(sign_in: &SignIn) -> String {
    sign_in.request.ip.map(|ip| ip.to_string()).unwrap_or_default()
}

fn row(
    id: RecoveryId,
    user: UserId,
    kind: &str,
    digest: &[u8; 32],
    expires: Option<Millis>,
    created: Millis,
    created_by: &str,
) -> RecoveryRow {
    RecoveryRow {
        id,
        user_id: user,
        kind: kind.to_owned(),
        digest: digest.to_vec(),
        expires,
        used_at: None,
        created,
        created_by: created_by.to_owned(),
    }
}

/// In groups of four, for reading and reading aloud.
fn grouped(secret: &SecretString) -> SecretString {
    let mut text = String::with_capacity(secret.expose().len() * 5 / 4);
    for (n, c) in secret.expose().chars().enumerate() {
        if n > 0 && n % GROUP == 0 {
            text.push('-');
        }
        text.push(c);
    }
    SecretString::new(text)
}

/// What was typed, in the one form: capitals, no hyphens or spaces, and the letter that was meant. None for what can't be one.
#[must_use]
pub fn read(typed: &str) -> Option<SecretString> {
    if typed.len() > 64 {
        return None;
    }
    let mut text = String::with_capacity(CODE);
    for c in typed.chars().filter(|c| !matches!(c, '-' | ' ' | '\u{2010}'..='\u{2015}')) {
        text.push(match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c if c.is_ascii() && ALPHABET.contains(&u8::try_from(c).unwrap_or(0)) => c,
            _ => return None,
        });
    }
    matches!(text.len(), CODE | PASS).then(|| SecretString::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_meant_is_read() {
        assert!(read(" 0ilo-abcd-efgh ").unwrap().ct_eq("0110ABCDEFGH"));
        assert!(grouped(&SecretString::new("0123456789ABCDEF".to_owned())).ct_eq("0123-4567-89AB-CDEF"));
        for wrong in ["", "ABCD", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMU", "ABCD-EFGH-JKM\u{e9}"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_grouped_secret_is_read_as_it_was(text in "[0-9A-HJKMNP-TV-Z]{16}|[0-9A-HJKMNP-TV-Z]{12}") {
            let secret = SecretString::new(text);
            let typed = grouped(&secret).expose().to_lowercase();
            prop_assert!(read(&typed).unwrap().ct_eq(secret.expose()));
        }

        #[test]
        fn garbage_is_refused_without_panic(text in "\\PC{0,80}") {
            if let Some(secret) = read(&text) {
                prop_assert!(matches!(secret.expose().len(), CODE | PASS));
            }
        }
    }
}
