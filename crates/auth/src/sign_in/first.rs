//! The first of two proofs: a password, which is kept here or, where the tenant has a directory, tried there and nowhere else. It opens nothing by itself; what it does is let a second factor count for more.
//! A provider's word is one, too (`provider.rs`).
//!
//! A wrong one tells nothing: for a name that nobody has the same work is done. Wrong ones lock nobody out, because anybody can type them;
//! they are limited by person, for browsers that aren't known, and by address.

use super::{Browser, Level, Purpose, SignIn, Step, level::Assurance, open::neighbourhood, stand::Stand};
use crate::{Auth, AuthError, Outcome, user_directory::Tried};
use keys::password::Verdict;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{fields, limits::Limit};
use types::{Millis, SecretString, UserId};

/// So many passwords strangers may try for one person on a day. After that only browsers that the person has signed in with before are
/// listened to.
const GUESSES: Limit = Limit { max: 20, window: Duration::from_secs(86_400) };
/// So many may be tried for one person in browsers that are known.
const KNOWN_GUESSES: Limit = Limit { max: 50, window: Duration::from_secs(86_400) };
/// So many from one address in an hour, whoever's names are typed.
const GUESSES_FROM: Limit = Limit { max: 100, window: Duration::from_secs(3600) };

const WRONG: &str = "Incorrect password. Please try again.";
/// Said to everybody alike, whoever's name was typed.
const NO_ANSWER: &str = "Passwords can't be checked at the moment. Please try again later.";

/// What was given first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct First {
    /// By what.
    pub(crate) by: FirstKind,
    /// When, in Unix milliseconds.
    pub(crate) at: i64,
    /// At which provider.
    #[serde(default)]
    pub(crate) provider: Option<String>,
    /// Since when that was set as it was then, in Unix milliseconds.
    #[serde(default)]
    pub(crate) since: Option<i64>,
    /// As which subject of it.
    #[serde(default)]
    pub(crate) subject: Option<String>,
    /// Whether a rule says whose that subject is, and the account itself is still to say so.
    #[serde(default)]
    pub(crate) link: bool,
    /// Whether the rule went by a mail address that the provider answers for. A user name is whatever somebody calls himself there.
    #[serde(default)]
    pub(crate) vouched: bool,
}

/// By what somebody gave the first proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstKind {
    /// A password that is kept here.
    Password,
    /// A password that the tenant's directory takes.
    Directory,
    /// The word of a provider.
    Provider,
}

impl First {
    /// A password, of whichever kind.
    pub(crate) const fn new(by: FirstKind, at: Millis) -> Self {
        Self { by, at: at.0, provider: None, since: None, subject: None, link: false, vouched: false }
    }

    /// Whether its provider is set as it was then; `since`: none where people may not come from it.
    pub(crate) fn is_current(&self, since: Option<Millis>) -> bool {
        since.is_some_and(|since| Some(since.0) == self.since)
    }

    /// What a factor is worth that was given after this.
    pub(crate) fn and(&self, mut second: Assurance) -> Assurance {
        let words: &[&str] = match self.by {
            FirstKind::Password | FirstKind::Directory => &["pwd", "mfa"],
            // How somebody proved it there is another house's word.
            FirstKind::Provider => &["mfa"],
        };
        second.level = second.level.max(Level::Multi);
        for word in words {
            if !second.amr.iter().any(|known| known == *word) {
                second.amr.push((*word).to_owned());
            }
        }
        second
    }
}

impl SignIn {
    /// The first of two proofs, once one was given. A name that a rule points at an account with is none, before the account has spoken.
    pub(crate) fn proof(&self) -> Option<&First> {
        self.request.first.as_ref().filter(|first| !first.link || first.vouched)
    }
}

impl Auth {
    /// A password.
    pub(super) async fn first(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        password: &SecretString,
    ) -> Result<Step, AuthError> {
        let wrong = || Step::Refused(Outcome::deny("deny", WRONG));
        let from = neighbourhood(browser.client.ip);
        if !self.may(sign_in, GUESSES_FROM, &[b"passwords-from", from.as_bytes()]).await? {
            return Ok(wrong());
        }
        // Asked for every name, so that it takes the same time.
        let whose = sign_in.user.map_or_else(|| *sign_in.id.as_bytes(), |user| *user.as_bytes());
        let (limit, bucket): (_, &[u8]) =
            if stand.stranger { (GUESSES, b"passwords") } else { (KNOWN_GUESSES, b"passwords-known") };
        let may = self.may(sign_in, limit, &[bucket, &whose]).await?;
        let holder = stand.holder.as_ref().filter(|_| may && stand.works.password);
        let (by, tried) = match self.user_directory(sign_in.tenant()).await? {
            Some(directory) => (FirstKind::Directory, self.bind(sign_in.tenant(), &directory, holder, password).await?),
            None => match self.check_password(sign_in, holder.map(|holder| holder.user.id), password).await? {
                true => (FirstKind::Password, Tried::Right),
                false => (FirstKind::Password, Tried::Wrong),
            },
        };
        let reason = match (holder, tried) {
            (Some(holder), Tried::Right) => return self.prove_first(sign_in, holder.user.id, by).await,
            (_, Tried::NoAnswer) => "directory_unavailable",
            (_, Tried::AnotherEntry) => "directory_other_entry",
            _ => "invalid_password",
        };
        self.log_refusal(sign_in, stand, browser, "password", reason).await?;
        Ok(if tried == Tried::NoAnswer { Step::Refused(Outcome::deny("deny", NO_ANSWER)) } else { wrong() })
    }

    /// Whether this is the person's password. Takes as long for nobody, and for somebody without one.
    async fn check_password(
        &self,
        sign_in: &SignIn,
        user: Option<UserId>,
        password: &SecretString,
    ) -> Result<bool, AuthError> {
        let scope = self.store.tenant(sign_in.tenant());
        let row = match user {
            Some(user) => scope.password(user).await?,
            None => None,
        };
        let stored = match &row {
            Some(row) => {
                let opened = scope.open(fields::password(&row.user_id), &row.hash).await?;
                let text = String::from_utf8(opened.expose().to_vec()).map_err(|_| AuthError::Damaged("password"))?;
                Some(SecretString::new(text))
            }
            None => None,
        };
        let (verdict, renewed) = self.hasher.check(password, stored).await?;
        if let (Some(row), Some(renewed)) = (&row, renewed) {
            let keys = scope.keys().await?;
            let sealed =
                keys.seal(fields::password(&row.user_id), renewed.expose().as_bytes(), self.world.random.as_ref());
            let mut tx = scope.begin().await?;
            tx.replace_password(row.user_id, &row.hash, &sealed.map_err(store::StoreError::from)?).await?;
            tx.commit().await?;
        }
        Ok(verdict != Verdict::Wrong)
    }

    /// Notes the first proof. A hundred who give it at once change nothing more than one.
    pub(super) async fn prove_first(&self, sign_in: &SignIn, user: UserId, by: FirstKind) -> Result<Step, AuthError> {
        if !matches!(sign_in.purpose(), Purpose::SingleSignOn { .. }) {
            return Err(AuthError::NotCapable);
        }
        let mut request = sign_in.request.clone();
        request.first = Some(First::new(by, self.world.now()));
        let sealed = self.seal_request(sign_in.tenant(), sign_in.id, &request).await?;
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        let noted = tx.prove_first(sign_in.id, &sign_in.sealed_request, &sealed, user).await?;
        tx.commit().await?;
        match noted {
            true => Ok(Step::Proved),
            false => Ok(match self.come_to(sign_in).await? {
                Ok(_) => Step::Proved,
                Err(step) => step,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_after_a_providers_word_is_worth_two_and_says_nothing_of_a_password() {
        let first = First::new(FirstKind::Provider, Millis(0));
        let after = first.and(Assurance::of_factor("duo_push"));
        assert_eq!((after.level, after.amr), (Level::Multi, ["swk", "pop", "mfa"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_factor_after_a_password_is_worth_two() {
        let first = First::new(FirstKind::Password, Millis(0));
        let after = first.and(Assurance::of_factor("duo_push"));
        assert_eq!(after.level, Level::Multi);
        assert_eq!(after.amr, ["swk", "pop", "pwd", "mfa"]);
        let strong = Assurance { level: Level::Hardware, amr: vec!["mfa".to_owned()] };
        assert_eq!(
            first.and(strong),
            Assurance { level: Level::Hardware, amr: vec!["mfa".to_owned(), "pwd".to_owned()] }
        );
    }
}
