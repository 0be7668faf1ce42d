//! `POST /account/step-up`: a fresh sign-in for one action, which then leads back to the page that asked for it.

use super::{
    overview::held,
    owner::{Away, Owner},
};
use crate::{
    frame::{trouble::Trouble, visit::Visit},
    sign_in,
};
use auth::{account::Action, sign_in::Purpose};
use axum::{body::Body, response::Response};
use http::Request;

/// An id as these pages put it into an address.
const LONGEST: usize = 64;

pub(super) async fn begin(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let posted = owner.posted(request).await?;
    let word = posted.need("action", LONGEST)?;
    let action = Action::ALL.into_iter().find(|action| action.as_str() == word).ok_or(Trouble::Malformed)?;
    // The way back is made of known words, so that it leads nowhere else.
    let return_to = match action {
        Action::AddPasskey => "/account/add/passkey".to_owned(),
        Action::AddAuthenticator => "/account/add/authenticator".to_owned(),
        Action::RecoveryCodes => "/account/recovery-codes".to_owned(),
        Action::Password => "/account/password".to_owned(),
        Action::ReadMessages => "/account/messages".to_owned(),
        Action::Remove => {
            let id = posted.need("id", LONGEST)?;
            held(id)?;
            format!("/account/remove?id={id}")
        }
    };
    let purpose = Purpose::StepUp { session: owner.session.id(), action: action.as_str().to_owned(), return_to };
    Ok(sign_in::begin(&owner.visit, Some(owner.session.username()), purpose).await?)
}
