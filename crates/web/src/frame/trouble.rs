//! Why a request gets no page of its own. The layer around every route turns it into a page (or JSON for a script), in the person's
//! language; no cause of an inner error is ever shown.

use auth::AuthError;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::time::Duration;

/// What went wrong, as the person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No tenant has this host name.
    UnknownHost,
    /// There is nothing here.
    NotFound,
    /// The request wasn't sent by a page of ours.
    Foreign,
    /// The request can't be understood.
    Malformed,
    /// The body is too large.
    TooLarge,
    /// The sign-in was begun in another browser, or its cookie is gone.
    OtherBrowser,
    /// The sign-in is too old or used.
    Expired,
    /// The link of a message is too old or used, or never was one.
    LinkOver,
    /// Not now.
    Limited(Duration),
    /// The engine said no, in words for people.
    Refused,
    /// Something failed here.
    Ours,
}

impl Trouble {
    /// The status of the answer. An error of ours is no 5xx anywhere where a proxy might try again by itself.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::UnknownHost | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Foreign | Self::OtherBrowser | Self::Refused => StatusCode::FORBIDDEN,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Expired | Self::LinkOver => StatusCode::GONE,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Ours => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The key of its text: `trouble-…`, with a title of the same name and `-title`.
    pub(crate) const fn key(&self) -> &'static str {
        match self {
            Self::UnknownHost => "trouble-unknown-host",
            Self::NotFound => "trouble-not-found",
            Self::Foreign => "trouble-foreign",
            Self::Malformed => "trouble-malformed",
            Self::TooLarge => "trouble-too-large",
            Self::OtherBrowser => "trouble-other-browser",
            Self::Expired => "trouble-expired",
            Self::LinkOver => "trouble-link-over",
            Self::Limited(_) => "trouble-limited",
            Self::Refused => "trouble-refused",
            Self::Ours => "trouble-ours",
        }
    }
}

impl From<AuthError> for Trouble {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Limited { retry_after } => Self::Limited(retry_after),
            AuthError::NoSignIn => Self::Expired,
            AuthError::Refused(_)
            | AuthError::NoUser
            | AuthError::NoDevice
            | AuthError::NotCapable
            | AuthError::Replayed => Self::Refused,
            AuthError::UserName(_) => Self::Malformed,
            cause => {
                tracing::error!(error = %cause, "the engine failed");
                Self::Ours
            }
        }
    }
}

impl From<sso::SsoError> for Trouble {
    fn from(error: sso::SsoError) -> Self {
        match error {
            sso::SsoError::Auth(error) => error.into(),
            sso::SsoError::Store(error) => error.into(),
            sso::SsoError::Over => Self::Expired,
            cause => {
                tracing::error!(error = %cause, "single sign-on failed");
                Self::Ours
            }
        }
    }
}

impl From<store::StoreError> for Trouble {
    fn from(error: store::StoreError) -> Self {
        Self::from(AuthError::from(error))
    }
}

impl IntoResponse for Trouble {
    /// Only a mark: the layer writes the page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
