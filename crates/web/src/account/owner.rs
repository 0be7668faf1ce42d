//! Whoever is signed in to their own pages, with the browser that the session's cookie came from.

use crate::frame::{
    cookies,
    forms::Posted,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use crate::session;
use auth::{
    AuthError,
    account::{Action, Permit, STEP_UP_NEEDED, Session, Strength},
    binding::Standing,
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::Request;
use types::SecretString;

/// What the forms of a session's pages are for.
const SCOPE: &str = "/account";

/// Why a page isn't shown: an error, or another page comes first.
pub(crate) enum Away {
    Trouble(Trouble),
    To(String),
}

impl<T: Into<Trouble>> From<T> for Away {
    fn from(error: T) -> Self {
        Self::Trouble(error.into())
    }
}

impl IntoResponse for Away {
    fn into_response(self) -> Response {
        match self {
            Self::Trouble(trouble) => trouble.into_response(),
            Self::To(location) => redirect(&location),
        }
    }
}

/// A session, and what came with the request.
pub(crate) struct Owner {
    pub(crate) visit: Visit,
    pub(crate) session: Session,
    cookie: SecretString,
    token: String,
}

impl Owner {
    /// By the session's cookie and the proof that it is in its own browser. Who has none, or one that has ended, signs in first; who
    /// hasn't proved that yet does so, and comes back.
    pub(crate) async fn find(visit: Visit) -> Result<Self, Away> {
        let sign_in = || Away::To("/account/sign-in".to_owned());
        let cookie = visit.cookies.get(&visit.cookie_name(cookies::SESSION)).ok_or_else(sign_in)?.to_owned();
        let session = visit.web.auth.session(visit.tenant.id, &cookie).await?.ok_or_else(sign_in)?;
        match session::standing(&visit, &session).await? {
            Standing::Good => {}
            Standing::Prove => return Err(Away::To(session::prove_at(&visit.address))),
            Standing::Unbound => return Err(Away::To("/session/unbound".to_owned())),
            Standing::Stale => return Err(sign_in()),
        }
        let token = visit.web.auth.page_token(&session, &cookie, SCOPE).await?;
        Ok(Self { visit, session, cookie: SecretString::new(cookie), token })
    }

    /// As [`find`](Self::find), for pages about what is the person's own: a session that a provider's word has opened, and nothing else,
    /// opens applications and none of these. Who has no more signs in first.
    pub(crate) async fn in_person(visit: Visit) -> Result<Self, Away> {
        let owner = Self::find(visit).await?;
        match owner.session.strength() {
            Strength::Provider => Err(Away::To("/account/sign-in".to_owned())),
            _ => Ok(owner),
        }
    }

    /// As [`in_person`](Self::in_person), for pages about the whole account. A session that is for one addition has only that.
    pub(crate) async fn of_account(visit: Visit) -> Result<Self, Away> {
        let owner = Self::in_person(visit).await?;
        if owner.session.strength().is_narrow() { Err(Away::To("/account/add".to_owned())) } else { Ok(owner) }
    }

    /// For the page of applications, which are what a provider's word opens: any session but one that is for one addition.
    pub(crate) async fn of_applications(visit: Visit) -> Result<Self, Away> {
        let owner = Self::find(visit).await?;
        if owner.session.strength().is_narrow() { Err(Away::To("/account/add".to_owned())) } else { Ok(owner) }
    }

    /// For the forms of its pages.
    pub(crate) fn token(&self) -> String {
        self.token.clone()
    }

    /// What was sent, once it is known to come from one of its pages.
    pub(crate) async fn posted(&self, request: Request<Body>) -> Result<Posted, Trouble> {
        let posted = Posted::read(request).await?;
        let given = posted.token()?.ok_or(Trouble::Foreign)?;
        let right = self.visit.web.auth.is_page_token(&self.session, self.cookie.expose(), SCOPE, given).await?;
        if right { Ok(posted) } else { Err(Trouble::Foreign) }
    }

    /// Leave for an action. None where a fresh sign-in must come first.
    pub(crate) async fn permit(&self, action: Action) -> Result<Option<Permit>, Trouble> {
        let grant = self.visit.cookies.get(&self.visit.cookie_name(cookies::GRANT));
        match self.visit.web.auth.permit(&self.session, action, grant).await {
            Ok(permit) => Ok(Some(permit)),
            Err(AuthError::Refused(why)) if why == STEP_UP_NEEDED => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
