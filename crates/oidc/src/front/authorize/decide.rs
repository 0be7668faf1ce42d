//! Where the browser stands, and what follows from it.

use super::{Ended, TRIED, pending::Pending, reply::WayBack};
use crate::{
    frame::{
        error::{Code, OAuthError},
        page,
        place::Place,
    },
    front::{CONTINUE, code},
};
use auth::AuthError;
use axum::response::Response;
use http::{HeaderValue, header};
use sso::{Ask, RelyingParty, SignedIn, Sso, SsoError, Stand, ToAgree, Visit};
use std::time::Duration;
use types::SsoRequestId;

/// How far a request is.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    /// It has just come.
    First,
    /// It was kept, and its browser has come back.
    Held {
        id: SsoRequestId,
        /// Whether the browser comes from a sign-in.
        tried: bool,
        /// Whether the person was asked to agree to something.
        agreeing: bool,
    },
}

/// A request that is to be answered.
pub(super) struct Case<'a> {
    pub(super) place: &'a Place,
    pub(super) visit: &'a Visit,
    pub(super) party: &'a RelyingParty,
    pub(super) pending: &'a Pending,
    pub(super) way: WayBack,
}

impl Case<'_> {
    /// One of the answers to a request.
    pub(super) async fn decide(&self, stage: Stage) -> Result<Response, Ended> {
        let ask = self.ask();
        let stand = self.sso().stand(self.visit, self.party, &ask).await.map_err(|error| self.failed(&error))?;
        match stand {
            Stand::Signed(signed) => self.signed(stage, &ask, &signed).await,
            Stand::SignIn(here) => match stage {
                Stage::Held { id, tried: true, .. } => {
                    self.release(id).await?;
                    self.refuse(Code::AccessDenied, "The person did not sign in.")
                }
                _ => self.sign_in(stage, &ask, here).await,
            },
            Stand::Prove => {
                let (id, cookie) = self.held(stage, None).await?;
                Ok(lead(&format!("/session/prove?return_to={CONTINUE}{id}"), [cookie, None]))
            }
            Stand::Consent(scopes) => match stage {
                Stage::Held { id, agreeing: true, .. } => {
                    self.release(id).await?;
                    self.refuse(Code::AccessDenied, "The person did not agree.")
                }
                // What is to be agreed to stands in what is kept: kept before, it didn't.
                _ => {
                    let agree = ToAgree { scopes: &scopes, goes_to: &self.way.redirect_uri };
                    let (id, cookie) = self.held(Stage::First, Some(agree)).await?;
                    Ok(lead(&format!("/consent/{id}"), [cookie, None]))
                }
            },
            // To who asks in silence, what isn't a sign-in looks the same, but for what is to be asked next.
            Stand::Denied("consent_required") => self.refuse(Code::ConsentRequired, ""),
            Stand::Denied(_) if ask.passive => self.refuse(Code::LoginRequired, ""),
            Stand::Denied(_) => self.refuse(Code::AccessDenied, "The person may not use this application."),
        }
    }

    /// Keeps the request, and has the browser come back for it.
    pub(super) async fn keep(&self) -> Result<Response, Ended> {
        let (id, cookie) = self.held(Stage::First, None).await?;
        Ok(lead(&format!("{CONTINUE}{id}"), [cookie, None]))
    }

    async fn signed(&self, stage: Stage, ask: &Ask, signed: &SignedIn) -> Result<Response, Ended> {
        if !self.is_hinted(signed).await? {
            // Somebody else than the application means. That it isn't that person is all that it hears.
            if ask.passive || matches!(stage, Stage::Held { tried: true, .. }) {
                return self.refuse(Code::LoginRequired, "");
            }
            return self.sign_in(stage, ask, Some(signed.username.clone())).await;
        }
        if let Stage::Held { id, .. } = stage
            && !self.release(id).await?
        {
            // Answered already, in the same moment or before: one answer is all there is.
            return Err(Ended::Here(OAuthError::invalid_request("This sign-in was answered already.")));
        }
        let code = code::issue(self.place, self.party, self.pending, signed).await;
        Ok(self.way.code(code.map_err(|error| Ended::There(self.way.clone(), error))?.expose()))
    }

    /// What the application wants of a sign-in, as of the time when it asked.
    fn ask(&self) -> Ask {
        let request = &self.pending.request;
        let asked = self.pending.asked();
        // Whoever is asked which account to use is asked to sign in to it.
        let again = request.prompt.login || request.prompt.select_account;
        let aged = request.max_age.map(|seconds| asked - Duration::from_secs(seconds));
        Ask {
            level: self.pending.level,
            // Held against when it was asked, not against now: a sign-in takes its time.
            fresh_since: if again { Some(asked) } else { aged },
            passive: request.prompt.none,
            login_hint: if request.prompt.select_account { Some(String::new()) } else { request.login_hint.clone() },
            scopes: request.scopes.clone(),
            consent_since: request.prompt.consent.then_some(asked),
        }
    }

    async fn is_hinted(&self, signed: &SignedIn) -> Result<bool, OAuthError> {
        match self.pending.hinted(self.place, self.party).await? {
            Some(hinted) => {
                let subject = self.sso().subject(signed.user, self.party).await;
                Ok(subject.map_err(|error| OAuthError::ours(&error))? == hinted)
            }
            None => Ok(true),
        }
    }

    async fn sign_in(&self, stage: Stage, ask: &Ask, here: Option<String>) -> Result<Response, Ended> {
        let (id, kept) = self.held(stage, None).await?;
        let return_to = format!("{CONTINUE}{id}?{TRIED}");
        let opened = self.sso().send_to_sign_in(self.visit, self.party, ask, here, &return_to).await;
        let opened = opened.map_err(|error| self.failed(&error))?;
        let language = self.pending.request.ui_locale.as_deref().map(|tag| format!("?lang={tag}")).unwrap_or_default();
        let path = format!("{}{language}", Visit::sign_in_path(&opened));
        Ok(lead(&path, [kept, self.visit.sign_in_cookie(&opened)]))
    }

    /// The id of the kept request, and its cookie where it was kept just now.
    async fn held(
        &self,
        stage: Stage,
        agree: Option<ToAgree<'_>>,
    ) -> Result<(SsoRequestId, Option<HeaderValue>), Ended> {
        if let Stage::Held { id, .. } = stage {
            return Ok((id, None));
        }
        let request = self.pending.write()?;
        let held = self.sso().hold(self.visit, self.party, &request, CONTINUE, agree).await;
        let held = held.map_err(|error| self.failed(&error))?;
        Ok((held.id, held.set_cookie))
    }

    async fn release(&self, id: SsoRequestId) -> Result<bool, Ended> {
        self.sso().release(self.visit, id).await.map_err(|error| self.failed(&error))
    }

    fn refuse(&self, code: Code, description: &'static str) -> Result<Response, Ended> {
        Err(Ended::There(self.way.clone(), OAuthError::new(code, description)))
    }

    fn sso(&self) -> &Sso {
        self.place.sso()
    }

    /// What failed here, told to the application whose address was verified.
    fn failed(&self, error: &SsoError) -> Ended {
        let told = match error {
            SsoError::Auth(AuthError::Limited { .. }) => {
                OAuthError::new(Code::TemporarilyUnavailable, "Too many requests. Try again later.")
            }
            // The session ended between two looks.
            SsoError::Over => OAuthError::new(Code::LoginRequired, ""),
            error => OAuthError::ours(error),
        };
        Ended::There(self.way.clone(), told)
    }
}

fn lead(path: &str, cookies: [Option<HeaderValue>; 2]) -> Response {
    let mut response = page::redirect(path);
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
