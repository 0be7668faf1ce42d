//! Signing out in front of the person: those who can only be told through the browser.
//!
//! OpenID clients with an address for it are loaded in frames of one page (OpenID Connect Front-Channel Logout 1.0). Service providers
//! that speak SAML are told by a message that the browser carries, and they send it back with their answer. So whoever has ended a session
//! sends the browser on to where the door of SAML does that, and it comes back to `then`. Those that this server tells itself
//! ([`crate::Logouts`]) get no such message a second time in front of the person.

use crate::{
    Held, Leaf, Participant, Participation, Sso, SsoError, Visit,
    cookies::{DEVICE, GRANT, SESSION},
    headers::{guard, origin_of},
};
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

/// Where the browser goes to tell the others: the id of what is held stands behind it.
pub const FAREWELL: &str = "/saml/farewell/";
/// More applications than one person opens in a day; also as frames on one page.
const MOST: usize = 50;

/// Those of one kind whom the browser tells.
#[derive(Clone, Debug)]
pub struct InFront<T> {
    /// What it needs for each of them.
    pub told: Vec<T>,
    /// Names of those beyond what one browser gets to, whom nobody else tells either; the first ones, where they are as many again.
    pub missed: Vec<String>,
}

impl<T> InFront<T> {
    fn of<'e>(all: impl Iterator<Item = (&'e Participation, T)>, behind: impl Fn(&Participation) -> bool) -> Self {
        let mut found = Self { told: Vec::new(), missed: Vec::new() };
        for (one, what) in all {
            if found.told.len() < MOST {
                found.told.push(what);
            } else if !behind(one) && found.missed.len() < MOST {
                found.missed.push(one.party.app.name.clone());
            }
        }
        found
    }
}

/// Who is still to be told, and what comes after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Farewell {
    /// In this order.
    pub left: Vec<Left>,
    /// Names of those who aren't told.
    #[serde(default)]
    pub missed: Vec<String>,
    /// A path on this host, or an address that was verified before.
    pub then: String,
}

/// One who is to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Left {
    /// The key of its integration.
    pub ikey: String,
    /// What the session is called there.
    pub sid: String,
    /// What the person is called there.
    pub detail: Participant,
}

/// The end of a session, in front of its person.
#[derive(Clone, Debug)]
pub struct Goodbye {
    /// What the browser loads to tell applications.
    pub frames: Vec<String>,
    /// Names of those who aren't told, where nothing after this says so.
    pub missed: Vec<String>,
    /// Where it goes on to: a path on this host, or an address that was verified.
    pub next: Option<String>,
    /// What it must hold on its way.
    pub cookie: Option<HeaderValue>,
}

impl Goodbye {
    /// Where nobody was signed in: the browser only goes on.
    #[must_use]
    pub const fn to(next: Option<String>) -> Self {
        Self { frames: Vec::new(), missed: Vec::new(), next, cookie: None }
    }

    /// The answer: a page from which the applications are told, or the way on where none is. It takes the session's cookies back.
    #[must_use]
    pub fn answer(self, visit: &Visit) -> Response {
        let mut response = match &self.next {
            // To a program's own scheme a page leads: a redirect after a form is held against the form's policy.
            Some(next) if self.frames.is_empty() && (next.starts_with('/') || origin_of(next).is_some()) => {
                onward(next)
            }
            _ => {
                // Who is named on the page is to be read.
                let goes_on = self.missed.is_empty();
                Leaf::SignedOut { frames: self.frames, missed: self.missed, goes_on, next: self.next }.into_response()
            }
        };
        let gone = [SESSION, GRANT, DEVICE].into_iter().filter_map(|name| visit.forget(&visit.cookie_name(name)));
        for cookie in gone.chain(self.cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

fn onward(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    match HeaderValue::from_str(to) {
        Ok(to) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, to);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    guard(response.headers_mut());
    response
}

/// What a browser loads so that applications hear of the end of a session at `issuer`: the addresses of those that have one.
#[must_use]
pub fn frames(issuer: &str, ended: &[Participation]) -> InFront<String> {
    InFront::of(ended.iter().filter_map(|one| Some((one, frame(issuer, one)?))), is_told_behind)
}

fn is_told_behind(one: &Participation) -> bool {
    one.party.oidc().is_some_and(|client| client.backchannel_logout_uri.is_some())
}

/// Whether an application hears of an end in front of the person, and in no other way.
#[must_use]
pub fn only_in_front(one: &Participation) -> bool {
    let framed = one.party.oidc().is_some_and(|client| client.frontchannel_logout_uri.is_some());
    needs_browser(one) || framed && !is_told_behind(one)
}

fn frame(issuer: &str, ended: &Participation) -> Option<String> {
    let client = ended.party.oidc()?;
    let uri = client.frontchannel_logout_uri.as_deref().filter(|uri| origin_of(uri).is_some())?;
    if !client.frontchannel_logout_session_required {
        return Some(uri.to_owned());
    }
    let between = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    let named = [("iss", issuer), ("sid", &ended.sid)];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(named).finish();
    Some(format!("{uri}{between}{query}"))
}

impl Farewell {
    /// Of those where a session was ended: those that speak SAML, and can't be told but through the browser.
    #[must_use]
    pub fn left(ended: &[Participation]) -> InFront<Left> {
        let left = |one: &Participation| Left {
            ikey: one.party.ikey().to_owned(),
            sid: one.sid.clone(),
            detail: one.detail.clone(),
        };
        InFront::of(ended.iter().filter(|one| needs_browser(one)).map(|one| (one, left(one))), |_| false)
    }
}

fn needs_browser(participation: &Participation) -> bool {
    participation.party.saml().is_some_and(|settings| settings.back_logout().is_none())
}

impl Sso {
    /// What the browser of a session that was ended at `ended` is shown. It comes to `after` in the end, or where there is none but
    /// somebody is told one after the other, to `home`.
    ///
    /// Both are paths on this host, or addresses that the caller has verified.
    pub async fn goodbye(
        &self,
        visit: &Visit,
        ended: &[Participation],
        after: Option<&str>,
        home: &str,
    ) -> Result<Goodbye, SsoError> {
        let InFront { told: frames, missed } = frames(&visit.issuer, ended);
        Ok(match self.farewell(visit, ended, after.unwrap_or(home)).await? {
            // Who was missed is said in the end, with those who don't answer.
            Some((path, held)) => Goodbye { frames, missed: Vec::new(), next: Some(path), cookie: held.set_cookie },
            None => Goodbye { frames, missed, next: after.map(str::to_owned), cookie: None },
        })
    }

    /// Where a browser goes on to when its session has been ended at `ended`, so that everybody is told, and the cookie that it needs
    /// there; it comes to `then` in the end, by a page that names who was missed, also of those in frames. None where nobody is left to be
    /// told through the browser: then go to `then` at once.
    ///
    /// `then` is a path on this host, or an address that the caller has verified.
    pub async fn farewell(
        &self,
        visit: &Visit,
        ended: &[Participation],
        then: &str,
    ) -> Result<Option<(String, Held)>, SsoError> {
        let InFront { told: left, mut missed } = Farewell::left(ended);
        let Some(first) = ended.iter().find(|one| needs_browser(one)) else { return Ok(None) };
        missed.extend(frames(&visit.issuer, ended).missed);
        let farewell = Farewell { left, missed, then: then.to_owned() };
        let plain = serde_json::to_vec(&farewell).map_err(|_| SsoError::Damaged("request"))?;
        let held = self.hold(visit, &first.party, &plain, FAREWELL, None).await?;
        Ok(Some((format!("{FAREWELL}{}", held.id), held)))
    }
}
