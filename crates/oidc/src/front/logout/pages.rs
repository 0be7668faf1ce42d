//! The pages of signing out: the question, and the goodbye from which applications are told.

use crate::frame::{
    headers::origin_of,
    page::{self, Page, escaped},
    params::Form,
};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use sso::{Visit, cookies};

/// Leaves when every frame has loaded, or after five seconds: an application that doesn't answer keeps nobody here.
const LEAVE: &str = "{const next=document.getElementById('next');\
const go=()=>{if(next)location.replace(next.href)};addEventListener('load',go);setTimeout(go,5000)}";

/// Asks the person, who came here by a link that may be anybody's.
pub(super) fn question(token: &str, form: &Form, app: Option<&str>, after: Option<&str>) -> Response {
    let from = app.map(|app| format!("<p>{} asks to sign you out.</p>\n", escaped(app))).unwrap_or_default();
    let carried: String = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"]
        .into_iter()
        .filter_map(|name| form.get(name).ok().flatten().map(|value| (name, value)))
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escaped(value)))
        .collect();
    let body = format!(
        "{from}<p>Signing out ends your session here and at every application that you opened from it.</p>\n<form method=\"post\" action=\"{}\">\n{carried}<input type=\"hidden\" name=\"token\" value=\"{}\">\n\
         <button>Sign out</button>\n</form>\n<p><a href=\"/account\">Stay signed in</a></p>",
        crate::front::LOGOUT,
        escaped(token),
    );
    // Chromium holds the policy against where an answer leads on to, too.
    let form_action = ["'self'".to_owned()].into_iter().chain(after.and_then(origin_of)).collect();
    let page = Page { form_action, ..Page::new("Sign out?", body) };
    let mut response = page.answer(StatusCode::OK);
    // Under `no-referrer` a browser would say `Origin: null` with this form too.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// The end of the way.
pub(super) fn end() -> Response {
    page(&[], None)
}

/// Tells the applications through the browser, and goes on.
pub(super) fn goodbye(visit: &Visit, frames: &[String], after: Option<&str>) -> Response {
    let mut response = match after {
        // To a program's own scheme the page leads: a redirect after a form is held against the form's policy.
        Some(after) if frames.is_empty() && (after.starts_with('/') || origin_of(after).is_some()) => {
            page::redirect(after)
        }
        _ => page(frames, after),
    };
    let names = [cookies::SESSION, cookies::GRANT];
    for cookie in names.into_iter().filter_map(|name| visit.forget(&visit.cookie_name(name))) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn page(frames: &[String], after: Option<&str>) -> Response {
    let mut body = "<p>You are signed out.</p>\n".to_owned();
    if let Some(after) = after {
        let after = escaped(after);
        body.push_str(&format!(
            "<p><a id=\"next\" href=\"{after}\">Go on</a></p>\n<noscript><meta http-equiv=\"refresh\" content=\"3;url={after}\"></noscript>\n"
        ));
    }
    for frame in frames {
        body.push_str(&format!("<iframe src=\"{}\" title=\"\"></iframe>\n", escaped(frame)));
    }
    let mut origins: Vec<String> = frames.iter().filter_map(|frame| origin_of(frame)).collect();
    origins.sort_unstable();
    origins.dedup();
    let script = if frames.is_empty() && after.is_none() { "" } else { LEAVE };
    Page { frames: origins, script, ..Page::new("Signed out", body) }.answer(StatusCode::OK)
}
