//! Sessions that serve one browser: what a copy of its cookies lacks.
//!
//! The secret in a session's cookie can be copied, so it is not enough. Beside it a browser holds up to two keys:
//!
//! - **its own** ([`key`]): a P-256 key that the pages' script makes right after a sign-in and that no script can export. Each page of the
//!   session, and each use of it at an application, wants a *proof*: a signature over a challenge that serves once, for this session, this
//!   origin and this address. The proof's ticket goes into the address of the page that was wanted and is spent there. It is never in a
//!   cookie, so a jar that was copied at any moment opens nothing. What a page sends back carries a token that only this server makes and
//!   that only a page which was shown holds ([`Auth::page_token`]).
//! - **its device's** ([`device`]), where the browser has Device Bound Session Credentials (W3C, "Device Bound Session Credentials"): a key
//!   in hardware, by which the browser itself renews a cookie of a few minutes. Who has copied the whole profile, with the script's key in
//!   it, is stopped by this one when the cookie is over.
//!
//! Both are registered only with the ticket that the end of a sign-in gives ([`Auth::binding_ticket`]), which stands in an address and in
//! no cookie. A browser without script or storage stays unbound, and the tenant's `session_binding` says whether that is enough.
//!
//! Nothing here is remembered between two requests but what was spent: challenges and tickets are marks ([`marks`]) that say by themselves
//! what they are for.
//!
//! To add another kind of key: a file beside [`key`] that registers with a binding ticket, and its arm in [`Auth::standing`].

mod device;
mod key;
mod marks;
mod pass;

pub use device::{DEVICE_COOKIE_LIFE, DeviceCookie, proof_field};
pub use key::{is_return, split_ticket, with_ticket};
pub use pass::{PASS_LIFE, Passed};

use crate::{Auth, AuthError, account::Session, settings::SessionBinding};
use data_encoding::BASE64URL_NOPAD;
use marks::Kind;
use types::{SecretString, SessionId, TenantId, UserId, ct_eq};

/// What a request shows beside the session's cookie.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The address that is asked for: path and query without the ticket. None for what a page sends back: such a request shows the page's
    /// token instead, which its door has checked.
    pub address: Option<&'a str>,
    /// `scheme://host[:port]` of the page.
    pub origin: &'a str,
    /// The ticket of a proof, from the address.
    pub ticket: Option<&'a str>,
    /// The cookie that a device's key renews.
    pub device: Option<&'a str>,
}

/// Whether a session may be used by a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Good,
    /// The browser proves its key first: `/session/prove?return_to=…`.
    Prove,
    /// The session isn't bound to a browser, and the tenant wants that it is.
    Unbound,
    /// The device's cookie is missing or over: whoever is there signs in again.
    Stale,
}

/// The purpose of the token in what a page sends back; parts: the session's secret, what the page is for.
const PAGE_TOKEN: &str = "page-token";

impl Auth {
    /// Whether a session may be used for what is asked. A ticket that fits is spent by this: of many requests with it one is let in.
    ///
    /// A page that is opened so counts as use of the session, and nothing else does: not its cookie alone, and not what a page sends back,
    /// whose token is looked at after this.
    pub async fn standing(&self, session: &Session, shown: &Shown<'_>) -> Result<Standing, AuthError> {
        let standing = self.stands(session, shown).await?;
        if standing == Standing::Good && shown.address.is_some() {
            self.note_use(session).await?;
        }
        Ok(standing)
    }

    async fn stands(&self, session: &Session, shown: &Shown<'_>) -> Result<Standing, AuthError> {
        let binding = self.portal(session.tenant()).await?.settings.session_binding;
        if binding == SessionBinding::Off {
            return Ok(Standing::Good);
        }
        let device = self.store.tenant(session.tenant()).session_device(session.id()).await?.is_some();
        if device && !self.device_is_here(session, shown).await? {
            return Ok(Standing::Stale);
        }
        if session.bound().key.is_none() {
            // A session that is for one addition ends with it, and begins where nothing was set up yet. A device's key alone doesn't do: the
            // cookie that it keeps fresh can be copied with the others, and opens for its minutes.
            let free = binding != SessionBinding::Required || session.strength().is_narrow();
            return Ok(if free { Standing::Good } else { Standing::Unbound });
        }
        let Some(address) = shown.address else { return Ok(Standing::Good) };
        let Some(ticket) = shown.ticket else { return Ok(Standing::Prove) };
        let about = place(shown.origin, address);
        let good = self.spend_mark(session, Kind::Ticket, &about, ticket).await?;
        Ok(if good { Standing::Good } else { Standing::Prove })
    }

    /// What binds a browser to a session that was opened or raised with this very request: for the address of `/session/bind`, and for
    /// nothing that is kept. The caller has just seen the end of a sign-in.
    pub async fn binding_ticket(&self, tenant: TenantId, session: SessionId) -> Result<SecretString, AuthError> {
        self.make_mark(tenant, Kind::Binding, session, "").await
    }

    /// The token in the forms of a page that was shown to this session's browser. It is made by the tenant's key and not by the cookie
    /// alone, so whoever has the cookie and no page can't make it.
    pub async fn page_token(&self, session: &Session, secret: &str, purpose: &str) -> Result<String, AuthError> {
        let keys = self.store.tenant(session.tenant()).keys().await?;
        Ok(BASE64URL_NOPAD.encode(&keys.digest(PAGE_TOKEN, &[secret.as_bytes(), purpose.as_bytes()])))
    }

    /// Whether a page that was shown to this session's browser sent this token.
    pub async fn is_page_token(
        &self,
        session: &Session,
        secret: &str,
        purpose: &str,
        given: &str,
    ) -> Result<bool, AuthError> {
        let Ok(given) = BASE64URL_NOPAD.decode(given.as_bytes()) else { return Ok(false) };
        let keys = self.store.tenant(session.tenant()).keys().await?;
        let right = keys.digest_candidates(PAGE_TOKEN, &[secret.as_bytes(), purpose.as_bytes()]);
        Ok(right.iter().any(|right| ct_eq(right, &given)))
    }
}

/// Where a mark is good: an origin and an address at it.
fn place(origin: &str, address: &str) -> String {
    format!("{origin}\n{address}")
}

/// Whose a mark is.
#[derive(Clone, Copy)]
struct Holder {
    session: SessionId,
    user: UserId,
}

impl From<&Session> for Holder {
    fn from(session: &Session) -> Self {
        Self { session: session.id(), user: session.user() }
    }
}
