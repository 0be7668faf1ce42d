//! Whose account a provider's subject is.
//!
//! Once it is known it is kept, and nothing but the subject counts: not the name, not the mail address, which are given to others and
//! which people write into their accounts themselves. Before that a rule of the provider may point at an account. One that has
//! something to sign in with is linked only by that (`sign_in/decide.rs`): the provider's word alone takes nobody's account over.

use super::{SignIn, first::First};
use crate::{
    Auth, AuthError,
    account::{News, Noted, Strength},
    enroll::new_user,
    providers::{Asserted, KeptProvider, LinkBy},
};
use serde_json::json;
use store::{
    ProviderLinkRow, Slice, StoreError, Tx,
    login::{Holder, Who},
};
use types::{Normalization, TenantId, UserId, UserName};

/// Who is written into the administrator log.
const ACTOR: &str = "sign-in";
/// What is kept of a person's name, in characters.
const NAME_KEPT: usize = 100;

/// What is left of the first proof as a sign-in is decided.
pub(super) enum Confirmed {
    /// It counts.
    Counts,
    /// It counts, and a subject is the account's from now on, of which its owner is to be told.
    Linked(Noted),
    /// It counts for nothing any more.
    Gone,
}

/// Whose account a subject is.
pub(super) enum Whose {
    /// This one's.
    Account {
        /// Whose.
        user: UserId,
        /// Whether a rule points there, and the account's own proof is still to say so.
        link: bool,
    },
    /// Nobody's; why, for the program's log.
    Nobody(&'static str),
}

const fn own(user: UserId) -> Whose {
    Whose::Account { user, link: false }
}

impl Auth {
    /// By what is known, or else by the provider's rules.
    pub(super) async fn whose(
        &self,
        sign_in: &SignIn,
        kept: &KeptProvider,
        asserted: &Asserted,
    ) -> Result<Whose, AuthError> {
        let scope = self.store.tenant(sign_in.tenant());
        if let Some(link) = scope.provider_link(kept.key(), &asserted.subject).await? {
            return Ok(own(link.user_id));
        }
        if let Some(user) = self.pointed_at(sign_in, kept, asserted).await? {
            return self.point(sign_in, kept, asserted, user).await;
        }
        if kept.settings.create {
            return self.make(sign_in, kept, asserted).await;
        }
        Ok(Whose::Nobody("no link, and no rule that makes one"))
    }

    /// The account that a rule points at.
    async fn pointed_at(
        &self,
        sign_in: &SignIn,
        kept: &KeptProvider,
        asserted: &Asserted,
    ) -> Result<Option<UserId>, AuthError> {
        let scope = self.store.tenant(sign_in.tenant());
        match kept.settings.link_by {
            LinkBy::Nothing => Ok(None),
            LinkBy::UserName => {
                let Some(name) = believed(kept, asserted.user_name.as_deref()) else { return Ok(None) };
                // As it stands: an application's short form would make "ana@elsewhere" an "ana".
                let Some(name) = own_name(name) else { return Ok(None) };
                let found = self.login.find(sign_in.tenant(), Who::Name(name)).await?;
                Ok(found.map(|holder| holder.user.id))
            }
            LinkBy::Email => {
                let email = asserted.email.as_deref().filter(|email| kept.settings.answers_for(email) == Some(true));
                let Some(email) = email else { return Ok(None) };
                let found = scope.users(Some(email), Slice { offset: 0, limit: 2 }).await?.rows;
                Ok(if let [one] = found.as_slice() { Some(one.id) } else { None })
            }
        }
    }

    /// Follows a rule to an account: at once if it has nothing to sign in with, else once that has spoken.
    async fn point(
        &self,
        sign_in: &SignIn,
        kept: &KeptProvider,
        asserted: &Asserted,
        user: UserId,
    ) -> Result<Whose, AuthError> {
        let scope = self.store.tenant(sign_in.tenant());
        if scope.provider_links_of_user(user).await?.iter().any(|link| link.provider == kept.key()) {
            return Ok(Whose::Nobody("the account is another subject's"));
        }
        let Some(holder) = self.login.find(sign_in.tenant(), Who::Id(user)).await? else {
            return Ok(Whose::Nobody("the account is gone"));
        };
        let mut tx = scope.begin().await?;
        // Nobody adds something to sign in with meanwhile.
        tx.hold_user(user).await?;
        if self.has_something(sign_in, &holder).await? || tx.authenticators_of(user).await? > 0 {
            return Ok(Whose::Account { user, link: true });
        }
        let row = self.link_row(kept.key(), &asserted.subject, user);
        if self.write_link(&mut tx, &row, "rule").await? {
            tx.commit().await?;
            return Ok(own(user));
        }
        drop(tx);
        // A reader sees what is committed; a commit of our own comes after the winner's.
        scope.begin().await?.commit().await?;
        Ok(match scope.provider_link(kept.key(), &asserted.subject).await? {
            Some(link) if link.user_id == user => own(user),
            _ => Whose::Nobody("somebody else was linked in the same moment"),
        })
    }

    /// Whether somebody signs in by something that is no authenticator, or did: a passkey that is suspended, recovery codes that are kept, a
    /// password, the directory, another provider. Such an account isn't new.
    async fn has_something(&self, sign_in: &SignIn, holder: &Holder) -> Result<bool, AuthError> {
        let (scope, user) = (self.store.tenant(sign_in.tenant()), holder.user.id);
        Ok(!scope.provider_links_of_user(user).await?.is_empty()
            || scope.password(user).await?.is_some()
            || scope.directory_link(user).await?.is_some()
            || (sign_in.app.settings.passwords && self.has_user_directory(sign_in.tenant()).await?)
            || self.has_enrolled(&sign_in.app, holder).await?)
    }

    /// Makes an account for a subject. Of a hundred who come at once one makes it, and the others find it.
    async fn make(&self, sign_in: &SignIn, kept: &KeptProvider, asserted: &Asserted) -> Result<Whose, AuthError> {
        let Some(name) = believed(kept, asserted.user_name.as_deref()) else {
            return Ok(Whose::Nobody("it has no name that can be a user's"));
        };
        let Some(unique) = own_name(name) else {
            return Ok(Whose::Nobody("its name can't be a user's"));
        };
        // Doors that are given "CORP\ana" or "ana@corp.example" look for the whole name first: that must not be somebody new where it has
        // been "ana" so far.
        let short = UserName::new(name, Normalization::Simple).ok();
        if short.as_ref() != Some(&unique)
            && match short {
                Some(short) => self.login.find(sign_in.tenant(), Who::Name(short)).await?.is_some(),
                None => true,
            }
        {
            return Ok(Whose::Nobody("the short form of its name is somebody's"));
        }
        if !self.may_make_user(&sign_in.app).await? {
            return Ok(Whose::Nobody("too many users were made in this minute"));
        }
        let (tenant, now) = (sign_in.tenant(), self.world.now());
        let mut user = new_user(UserId::new(now, self.world.random.as_ref()), name, now);
        user.realname = asserted
            .real_name
            .iter()
            .flat_map(|name| name.chars())
            .filter(|c| !c.is_control())
            .take(NAME_KEPT)
            .collect();
        // Applications are told that an address is verified: so it is one that the provider answers for, or none.
        let email = asserted.email.clone();
        let email = email.filter(|email| is_address(email) && kept.settings.answers_for(email) == Some(true));
        user.email = email.unwrap_or_default();
        let row = self.link_row(kept.key(), &asserted.subject, user.id);
        let scope = self.store.tenant(tenant);
        let mut tx = scope.begin().await?;
        let made = match tx.insert_user(&user, &unique, &[]).await {
            Ok(()) => self.write_link(&mut tx, &row, "made").await?,
            Err(StoreError::Duplicate) => false,
            Err(error) => return Err(error.into()),
        };
        if made {
            let detail = json!({ "username": user.username, "provider": kept.key() }).to_string();
            tx.log_act(&self.world, ACTOR, "user_create", &user.id.to_string(), &detail).await?;
            tx.commit().await?;
            return Ok(own(user.id));
        }
        drop(tx);
        // A reader sees what is committed; a commit of our own comes after the winner's.
        scope.begin().await?.commit().await?;
        Ok(match scope.provider_link(kept.key(), &asserted.subject).await? {
            Some(link) => own(link.user_id),
            None => Whose::Nobody("somebody else has the name"),
        })
    }

    fn link_row(&self, provider: &str, subject: &str, user: UserId) -> ProviderLinkRow {
        ProviderLinkRow {
            provider: provider.to_owned(),
            subject: subject.to_owned(),
            user_id: user,
            created: self.world.now(),
            made_by: ACTOR.to_owned(),
        }
    }

    async fn write_link(&self, tx: &mut Tx, row: &ProviderLinkRow, how: &str) -> Result<bool, AuthError> {
        if !tx.insert_provider_link(row).await? {
            return Ok(false);
        }
        let detail = json!({ "provider": row.provider, "how": how }).to_string();
        tx.log_act(&self.world, ACTOR, "provider_link", &row.user_id.to_string(), &detail).await?;
        Ok(true)
    }

    /// Whether the first proof of a provider still counts for `user`: the provider is on, and the subject is theirs.
    pub(super) async fn provider_counts(
        &self,
        tenant: TenantId,
        first: &First,
        user: Option<UserId>,
    ) -> Result<bool, AuthError> {
        let (Some(key), Some(subject)) = (&first.provider, &first.subject) else { return Ok(true) };
        let scope = self.store.tenant(tenant);
        let row = scope.provider(key).await?.filter(|row| row.enabled);
        if !first.is_current(row.map(|row| row.set_at)) {
            return Ok(false);
        }
        Ok(match scope.provider_link(key, subject).await? {
            Some(link) => Some(link.user_id) == user,
            None => first.link,
        })
    }

    /// Looks once more, as a sign-in is decided, that the first proof of a provider still counts; and links a subject that a rule has
    /// pointed with, now that the account itself has spoken.
    pub(super) async fn confirm_provider(
        &self,
        tx: &mut Tx,
        sign_in: &SignIn,
        user: Option<UserId>,
        factor: &str,
    ) -> Result<Confirmed, AuthError> {
        // By a provider's word there is always a first proof, unless it was taken away a moment ago.
        let bare = if factor == super::provider::FACTOR { Confirmed::Gone } else { Confirmed::Counts };
        let Some(first) = sign_in.request.first.as_ref() else { return Ok(bare) };
        let (Some(provider), Some(subject)) = (&first.provider, &first.subject) else { return Ok(bare) };
        if !first.is_current(tx.provider_stands(provider).await?) {
            return Ok(Confirmed::Gone);
        }
        let Some(user) = user else { return Ok(Confirmed::Gone) };
        match tx.provider_subject(provider, subject).await? {
            Some(linked) if linked == user => Ok(Confirmed::Counts),
            Some(_) => Ok(Confirmed::Gone),
            // Unlinked meanwhile.
            None if !first.link => Ok(Confirmed::Gone),
            None => {
                let strength = Strength::of_factor(factor);
                let own = matches!(strength, Some(Strength::Passkey | Strength::Push | Strength::Otp | Strength::Sms));
                // What an administrator gave away opens the person's own pages, and says nothing of the provider's subject.
                if !own {
                    return Ok(Confirmed::Counts);
                }
                let row = self.link_row(provider, subject, user);
                if !self.write_link(tx, &row, "confirmed").await? {
                    return Ok(Confirmed::Gone);
                }
                // Whoever gave the proof may have been led to: it is something to sign in with, and the owner can undo it.
                let news = News::ProviderLinked(provider.clone());
                Ok(Confirmed::Linked(self.note_change(tx, user, provider, ACTOR, news).await?))
            }
        }
    }
}

/// A name as one of ours. Letters that are taken for one another here and not there would make two people one.
fn own_name(name: &str) -> Option<UserName> {
    let unique = UserName::new(name, Normalization::None).ok()?;
    (name.is_ascii() || name == unique.as_str()).then_some(unique)
}

/// Whether a text is one mail address: applications are told that it is verified.
fn is_address(text: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || ",;:<>()[]\"\\".contains(c);
    text.len() <= 254 && text.matches('@').count() == 1 && !text.starts_with('@') && !text.contains(strange)
}

/// A name or an address that the provider may give: one with a domain only of a domain that it answers for, where that is said.
fn believed<'a>(kept: &KeptProvider, text: Option<&'a str>) -> Option<&'a str> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let domains = !kept.settings.domains.is_empty();
    let foreign = domains && (kept.settings.answers_for(text) == Some(false) || text.contains('\\'));
    (!foreign).then_some(text)
}
