//! What an allowed sign-in gives its browser.

use super::{Assurance, Browser, Done, Finished, Purpose, SignIn};
use crate::{Auth, AuthError, Verdict, account::Strength};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;
use store::{Tx, login::Who};
use types::SecretString;

/// What stands in a query as it is (RFC 3986 §2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Auth {
    /// Hands over what the sign-in gives. An application's browser may ask again while the code lives (somebody reloads the page); a
    /// session and a grant are given once.
    ///
    /// A sign-in that a rule lets in without a factor is decided here, if it wasn't before.
    pub async fn finish_sign_in(&self, sign_in: &SignIn, browser: &Browser) -> Result<Finished, AuthError> {
        let mut row = self.sign_in_row(sign_in).await?;
        let now = self.world.now();
        if row.state == "open" {
            let stand = self.stand(sign_in, browser).await?;
            if stand.decision.verdict != Verdict::Allow {
                return Err(AuthError::NoSignIn);
            }
            self.pass_by_rule(sign_in, stand, browser).await?;
            row = self.sign_in_row(sign_in).await?;
        }
        if row.state != "allowed" || row.expires <= now {
            return Err(AuthError::NoSignIn);
        }
        let tenant = sign_in.tenant();
        // What was read before may lack, or still have, the word of a provider.
        let sign_in = &self.read_sign_in(tenant, row.clone()).await?;
        let decided = self.open_decided(tenant, row.id, row.result.as_deref()).await?;
        let strength = Strength::of_factor(&decided.factor);
        let assurance = decided.assurance.clone().unwrap_or_else(|| Assurance::of_factor(&decided.factor));
        let kind = match sign_in.purpose() {
            Purpose::Application { redirect_uri, state, duo_code, .. } => {
                let code = decided.code.as_deref().ok_or(AuthError::Damaged("sign-in"))?;
                let name = if *duo_code { "duo_code" } else { "code" };
                Done::Application { location: location(redirect_uri, &[(name, code), ("state", state)]) }
            }
            Purpose::Portal | Purpose::SingleSignOn { .. } => {
                let (user, strength) = row.user_id.zip(strength).ok_or(AuthError::NoSignIn)?;
                let begins = self.session_begins(tenant, user, strength, &assurance, browser).await?;
                // Taken and begun at once: whoever ends the user's sign-ins and sessions in this moment ends this one, too.
                let mut tx = self.store.tenant(tenant).begin().await?;
                self.take(&mut tx, sign_in).await?;
                let (cookie, id) = self.begin_session(&mut tx, &begins, browser).await?;
                tx.commit().await?;
                let return_to = match sign_in.purpose() {
                    Purpose::SingleSignOn { return_to, .. } => return_to.clone(),
                    _ => "/account".to_owned(),
                };
                Done::Session { cookie, id, return_to }
            }
            Purpose::StepUp { session, action, return_to } => {
                let (user, strength) = row.user_id.zip(strength).ok_or(AuthError::NoSignIn)?;
                let mut tx = self.store.tenant(tenant).begin().await?;
                self.take(&mut tx, sign_in).await?;
                tx.commit().await?;
                let cookie = self.open_grant(tenant, *session, user, action, strength).await?;
                Done::Grant { cookie, return_to: return_to.clone() }
            }
        };
        // What an administrator gave away says nothing of the browser.
        let own = matches!(strength, Some(Strength::Passkey | Strength::Push | Strength::Otp | Strength::Sms));
        let known = match row.user_id.filter(|_| own) {
            Some(user) => Some(self.know_browser(tenant, user, browser).await?),
            None => None,
        };
        Ok(Finished { known, kind })
    }

    /// Takes what the sign-in gives; [`AuthError::NoSignIn`] where somebody else has taken it, or the word of the provider that it was
    /// decided by counts for nothing any more.
    async fn take(&self, tx: &mut Tx, sign_in: &SignIn) -> Result<(), AuthError> {
        let taken = tx.finish_sign_in(sign_in.id, self.world.now()).await?;
        if taken && still_counts(tx, sign_in).await? { Ok(()) } else { Err(AuthError::NoSignIn) }
    }

    /// A cookie that remembers this browser at the application, and for how long; none where policy doesn't let it, or where the person
    /// was let in without a factor. For an allowed sign-in whose person asked for it.
    pub async fn remember(&self, sign_in: &SignIn) -> Result<Option<(SecretString, Duration)>, AuthError> {
        let row = self.sign_in_row(sign_in).await?;
        if row.state != "allowed" || row.expires <= self.world.now() {
            return Err(AuthError::NoSignIn);
        }
        let decided = self.open_decided(sign_in.tenant(), row.id, row.result.as_deref()).await?;
        let (Some(user), Some(_)) = (row.user_id, Strength::of_factor(&decided.factor)) else { return Ok(None) };
        let holder = self.login.find(sign_in.tenant(), Who::Id(user)).await?.ok_or(AuthError::NoUser)?;
        let Some(length) = self.rememberable(sign_in, Some(&holder)) else { return Ok(None) };
        let token = self.trust(&sign_in.app, &holder).await?;
        Ok(token.map(|token| (token, length)))
    }

    /// Gives a sign-in up; where to go, for an application's.
    pub async fn cancel_sign_in(&self, sign_in: &SignIn) -> Result<Option<String>, AuthError> {
        self.deny(sign_in).await?;
        Ok(match sign_in.purpose() {
            Purpose::Application { redirect_uri, state, .. } => {
                Some(location(redirect_uri, &[("error", "access_denied"), ("state", state)]))
            }
            Purpose::StepUp { return_to, .. } => Some(return_to.clone()),
            // The door tells the application that nobody signed in.
            Purpose::SingleSignOn { return_to, .. } => Some(return_to.clone()),
            Purpose::Portal => None,
        })
    }
}

/// Whether the first proof still counts, if a provider gave it; holds the link until the transaction ends.
async fn still_counts(tx: &mut Tx, sign_in: &SignIn) -> Result<bool, AuthError> {
    let Some(first) = &sign_in.request.first else { return Ok(true) };
    let (Some(provider), Some(subject)) = (&first.provider, &first.subject) else { return Ok(true) };
    let Some(user) = sign_in.user else { return Ok(false) };
    if !first.is_current(tx.provider_stands(provider).await?) {
        return Ok(false);
    }
    // An administrator's code links nobody, and opens the person's own pages.
    let linked = tx.hold_provider_link(provider, subject, user).await?;
    Ok(linked || first.link && tx.provider_subject(provider, subject).await?.is_none())
}

/// An address with these parameters added. Nothing of what it had is changed (RFC 6749 §3.1.2).
fn location(uri: &str, params: &[(&str, &str)]) -> String {
    let mut location = uri.to_owned();
    let mut between = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    for (name, value) in params {
        location.push_str(between);
        location.push_str(name);
        location.push('=');
        location.extend(utf8_percent_encode(value, QUERY));
        between = "&";
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_and_change_nothing() {
        let params = [("duo_code", "a b&c=d#e"), ("state", "é")];
        assert_eq!(
            location("https://app.example/back?x=1", &params),
            "https://app.example/back?x=1&duo_code=a%20b%26c%3Dd%23e&state=%C3%A9"
        );
        assert_eq!(location("https://app.example/back", &[("code", "x")]), "https://app.example/back?code=x");
        assert_eq!(location("https://app.example/back?", &[("code", "x")]), "https://app.example/back?code=x");
    }
}
