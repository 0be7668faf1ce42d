//! `GET /account`: everything that somebody can sign in with, and what may be done with it.

use super::{
    owner::{Away, Owner},
    when::When,
};
use crate::frame::{
    headers::Policy,
    page::Page,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{
    AuthError, DeviceId,
    account::{
        Accepted, Authenticators, ChangeKind, ChangeView, Held, PasskeyView, PhoneView, ProviderView, TokenView,
    },
    providers::is_key,
};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

/// Longer than any id or name.
const LONGEST: usize = 200;
/// What the id of a provider begins with on these pages; its key follows.
const PROVIDER: &str = "provider-";

/// One of the things.
pub(super) struct Thing {
    pub(super) id: String,
    pub(super) icon: &'static str,
    pub(super) name: String,
    /// What it is: the key of its text.
    pub(super) kind: &'static str,
    pub(super) detail: String,
    pub(super) created: When,
    pub(super) last_used: Option<When>,
    pub(super) suspended: bool,
    /// Whether it can be given another name.
    pub(super) renamed: bool,
}

impl Thing {
    fn passkey(it: PasskeyView) -> Self {
        Self {
            id: it.id.to_string(),
            icon: "passkey",
            kind: if it.synced { "thing-passkey-synced" } else { "thing-passkey" },
            name: it.name,
            detail: String::new(),
            created: When::of(it.created),
            last_used: it.last_used.map(When::of),
            suspended: !it.suspended.is_empty(),
            renamed: true,
        }
    }

    fn phone(it: PhoneView) -> Self {
        let name = [&it.name, &it.device, &it.masked_number].into_iter().find(|name| !name.is_empty());
        Self {
            id: it.id.to_string(),
            icon: if it.authenticator { "push" } else { "call" },
            kind: if it.authenticator { "thing-authenticator" } else { "thing-phone" },
            name: name.cloned().unwrap_or_default(),
            detail: it.masked_number,
            created: When::of(it.created),
            last_used: it.last_used.map(When::of),
            suspended: false,
            renamed: true,
        }
    }

    fn token(it: TokenView) -> Self {
        Self {
            id: it.id.to_string(),
            icon: "passcode",
            kind: if it.kind == "yk" { "thing-yubikey" } else { "thing-token" },
            name: it.serial,
            detail: String::new(),
            created: When::of(it.created),
            last_used: it.last_used.map(When::of),
            suspended: false,
            renamed: false,
        }
    }

    fn provider(it: ProviderView) -> Self {
        Self {
            id: format!("{PROVIDER}{}", it.key),
            icon: "person",
            kind: "thing-provider",
            name: it.name,
            detail: String::new(),
            created: When::of(it.created),
            last_used: None,
            suspended: false,
            renamed: false,
        }
    }

    /// All of somebody's.
    pub(super) fn all(held: (Vec<PasskeyView>, Vec<PhoneView>, Vec<TokenView>, Vec<ProviderView>)) -> Vec<Self> {
        let (passkeys, phones, tokens, providers) = held;
        let devices = phones.into_iter().map(Self::phone).chain(tokens.into_iter().map(Self::token));
        let own = passkeys.into_iter().map(Self::passkey).chain(devices);
        own.chain(providers.into_iter().map(Self::provider)).collect()
    }
}

struct Change {
    kind: &'static str,
    label: String,
    at: When,
    until: When,
}

impl Change {
    fn of(it: ChangeView) -> Self {
        Self { kind: change_key(it.kind), label: it.label, at: When::of(it.made_at), until: When::of(it.undo_until) }
    }
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct Overview {
    p: Page,
    token: String,
    username: String,
    things: Vec<Thing>,
    recovery_codes: u64,
    passwords: bool,
    changes: Vec<Change>,
    wants_second: bool,
    /// The text that says what has just been done.
    done: Option<String>,
    error: Option<String>,
    signals: Signals,
    reads_messages: bool,
}

/// What the browser is told of the passkeys that there are.
#[derive(Default)]
pub(super) struct Signals {
    pub(super) rp_id: String,
    pub(super) user_id: String,
    pub(super) credentials: String,
}

impl Signals {
    pub(super) fn of(accepted: Accepted) -> Self {
        Self { rp_id: accepted.rp_id, user_id: accepted.user_id, credentials: accepted.credential_ids.join(" ") }
    }
}

/// `GET /account`. `done` names what was done a moment ago.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    page(&owner, StatusCode::OK, None).await
}

async fn page(owner: &Owner, status: StatusCode, error: Option<String>) -> Result<Response, Away> {
    let visit = &owner.visit;
    let held: Authenticators = visit.web.auth.authenticators(&owner.session).await?;
    let accepted = visit.web.auth.accepted(owner.session.tenant(), owner.session.user()).await?;
    let words = &visit.words;
    let done = visit.asked("done").filter(|_| error.is_none()).and_then(done_key).map(|key| words.say(key));
    let page = visit.page("account-title").at("/account").script("forms.js").script("times.js").script("signal.js");
    let template = Overview {
        p: page.widened(),
        token: owner.token(),
        username: owner.session.username().to_owned(),
        things: Thing::all((held.passkeys, held.phones, held.tokens, held.providers)),
        recovery_codes: u64::try_from(held.recovery_codes).unwrap_or(u64::MAX),
        passwords: visit.web.auth.takes_passwords(visit.tenant.id).await?,
        changes: held.changes.into_iter().map(Change::of).collect(),
        wants_second: held.wants_second,
        done,
        error,
        signals: Signals::of(accepted),
        reads_messages: visit.web.auth.reads_messages(&owner.session).await?,
    };
    Ok(visit.show(status, &template, Policy::default()))
}

/// The text that says what was done a moment ago; the address names it.
fn done_key(done: &str) -> Option<&'static str> {
    Some(match done {
        "added" => "account-done-added",
        "removed" => "account-done-removed",
        "renamed" => "account-done-renamed",
        "reported" => "account-done-reported",
        "codes" => "account-done-codes",
        "password" => "account-done-password",
        _ => return None,
    })
}

/// What was added, as the key of its text.
pub(super) const fn change_key(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Passkey => "change-passkey",
        ChangeKind::Authenticator => "change-authenticator",
        ChangeKind::RecoveryCodes => "change-recovery_codes",
        ChangeKind::AccessPass => "change-access_pass",
        ChangeKind::Token => "change-token",
        ChangeKind::Phone => "change-phone",
        ChangeKind::BypassCodes => "change-bypass_codes",
        ChangeKind::EnrollmentLink => "change-enrollment_link",
        ChangeKind::Password => "change-password",
        ChangeKind::AdditionRequest => "change-addition_request",
        ChangeKind::Provider => "change-provider",
    }
}

/// One of the things by its id: the kinds' ids differ in their first letters. The id is one that fits into an address.
pub(super) fn held(id: &str) -> Result<Held, Trouble> {
    if let Some(key) = id.strip_prefix(PROVIDER).filter(|key| is_key(key)) {
        return Ok(Held::Provider(key.to_owned()));
    }
    if let Ok(passkey) = id.parse() {
        return Ok(Held::Passkey(passkey));
    }
    if let Ok(phone) = id.parse() {
        return Ok(Held::Device(DeviceId::Phone(phone)));
    }
    id.parse().map(|token| Held::Device(DeviceId::Token(token))).map_err(|_| Trouble::Malformed)
}

/// `POST /account/rename`.
pub(super) async fn rename(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let posted = owner.posted(request).await?;
    let what = held(posted.need("id", LONGEST)?)?;
    match owner.visit.web.auth.rename(&owner.session, &what, posted.need("name", LONGEST)?).await {
        Ok(_) => Ok(redirect("/account?done=renamed")),
        Err(AuthError::Refused(_)) => {
            let error = owner.visit.words.say("account-name-unusable");
            page(&owner, StatusCode::UNPROCESSABLE_ENTITY, Some(error)).await
        }
        Err(error) => Err(error.into()),
    }
}
