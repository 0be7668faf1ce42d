//! The pages of doors that have none of their own: what is on one, the door says ([`sso::Leaf`]); here it gets the organisation's look
//! and the person's language. A door's answer that has none goes out as it came.
//!
//! Where no tenant is known, or it can't be read, the page is drawn without a look: what failed can't keep the reason away.

use crate::{
    Web,
    consent::Wish,
    frame::{
        brand::Brand,
        headers::{self, Policy, origin_of},
        host::Host,
        page::{Notice, Page},
        visit::{Tenant, language, language_cookie, render, with_cookie},
    },
    texts::Words,
};
use askama::Template;
use axum::{body::Body, extract::State, middleware::Next, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use sso::{DeviceEnd, DeviceQuestion, Leaf};
use std::sync::Arc;

/// What is remembered of a request for the case that its answer is to be drawn; most are not, and programs' requests never.
struct Asked {
    method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Asked {
    fn of(request: &Request<Body>) -> Self {
        // Whose host, in which language, and what was chosen before.
        let kept = [header::HOST, header::ACCEPT_LANGUAGE, header::COOKIE];
        let lines = |name: HeaderName| {
            let values = request.headers().get_all(&name).into_iter().cloned().collect::<Vec<_>>();
            values.into_iter().map(move |value| (name.clone(), value))
        };
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: kept.into_iter().flat_map(lines).collect(),
        }
    }
}

/// Around the routes of other doors.
pub(crate) async fn draw(State(web): State<Arc<Web>>, request: Request<Body>, next: Next) -> Response {
    let asked = Asked::of(&request);
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Leaf>() {
        Some(leaf) => drawn(&web, asked, response, leaf).await,
        None => response,
    }
}

async fn drawn(web: &Arc<Web>, asked: Asked, answer: Response, leaf: Leaf) -> Response {
    let Asked { method, uri, headers } = asked;
    let mut given = HeaderMap::new();
    for (name, value) in headers {
        given.append(name, value);
    }
    let tenant = match Host::of(&uri, &given) {
        Some(host) => Tenant::of(web, &host).await.ok().flatten(),
        None => None,
    };
    let (words, chosen) = language(web, &uri, &given, tenant.as_deref());
    let brand = tenant.as_ref().map_or(&web.no_brand, |tenant| &tenant.brand);
    // A page that answers a form is seen in another language only by sending the form again.
    let again = (method == Method::GET).then_some(&uri);
    let sheet = Sheet { web, words, brand, again };
    let (page, policy) = sheet.draw(leaf);
    // Its status and its cookies stay; what it may do is the page's now.
    let (mut head, _) = answer.into_parts();
    let (drawn, body) = page.into_parts();
    head.headers.extend(drawn.headers);
    headers::apply(&mut head.headers, &policy);
    with_cookie(Response::from_parts(head, body), language_cookie(web, chosen.as_deref()))
}

/// What a page is drawn on.
struct Sheet<'a> {
    web: &'a Web,
    words: Words,
    brand: &'a Arc<Brand>,
    again: Option<&'a Uri>,
}

impl Sheet<'_> {
    fn page(&self, title: &str) -> Page {
        let page = Page::new(self.web, self.words.clone(), self.brand, self.words.say(title), "");
        match self.again {
            Some(uri) => page.at_whole(uri),
            None => page.in_one_language(),
        }
    }

    /// A page that comes once.
    fn once(&self, title: &str) -> Page {
        self.page(title).in_one_language()
    }

    fn notice(&self, tone: &'static str, title: &str, text: &str) -> Notice {
        Notice { p: self.once(title), tone, text: self.words.say(text), next: None }
    }

    fn draw(&self, leaf: Leaf) -> (Response, Policy) {
        let plain = Policy::default();
        match leaf {
            Leaf::Refused { wait: Some(wait), .. } => {
                let text = self.words.count("trouble-limited", wait.as_secs().max(1));
                let notice = Notice { text, ..self.notice("bad", "trouble-limited-title", "trouble-limited") };
                (shown(&notice), plain)
            }
            Leaf::Refused { word: "unknown_host", .. } => {
                (shown(&self.notice("bad", "trouble-unknown-host-title", "trouble-unknown-host")), plain)
            }
            Leaf::Refused { word, detail, ours, wait: None } => {
                let title = if ours { "door-failed-title" } else { "door-refused-title" };
                (shown(&Refused { p: self.page(title), ours, word, detail }), plain)
            }
            Leaf::SignOut { app, action, fields, leads_to } => {
                let p = self.page("sign-out-title").script("forms.js");
                (shown(&SignOut { p, app, action, fields }), plain.leading_to(leads_to))
            }
            Leaf::SignedOut { frames, missed, next, goes_on } => self.signed_out(frames, missed, next, goes_on),
            Leaf::SigningOut { next } => (shown(&SigningOut { p: self.once("signing-out-title"), next }), plain),
            // Its own address in another language would come from here, and open the application unasked.
            Leaf::Open { app, next } => (shown(&Open { p: self.once("open-title"), app, next }), plain),
            Leaf::DeviceCode { action, typed, wrong } => {
                let p = self.page("device-title").script("forms.js");
                (shown(&DeviceCode { p, action, typed, wrong }), plain)
            }
            Leaf::Device(asked) => {
                let wishes = asked.scopes.iter().map(|scope| Wish::of(scope)).collect();
                let p = self.page("device-confirm-title").script("forms.js");
                (shown(&Device { p, wishes, asked: *asked }), plain)
            }
            Leaf::DeviceEnd(end) => (shown(&self.device_end(end)), plain),
            Leaf::Carry { action, fields } => {
                let p = self.once("carry-title").script("carry.js");
                (shown(&Carry { p, action, fields }), Policy { carries: true, ..plain })
            }
        }
    }

    fn signed_out(
        &self,
        frames: Vec<String>,
        missed: Vec<String>,
        next: Option<String>,
        goes_on: bool,
    ) -> (Response, Policy) {
        let mut origins: Vec<String> = frames.iter().filter_map(|frame| origin_of(frame)).collect();
        origins.sort_unstable();
        origins.dedup();
        let mut p = if next.is_none() && frames.is_empty() && missed.is_empty() {
            self.page("signed-out-title")
        } else {
            self.once("signed-out-title")
        };
        let goes_on = goes_on && next.is_some();
        if goes_on {
            p = p.script("goodbye.js");
        }
        let page = SignedOut { p, frames, missed, next, goes_on };
        (shown(&page), Policy { frames: origins, ..Policy::default() })
    }

    fn device_end(&self, end: DeviceEnd) -> Notice {
        match end {
            DeviceEnd::Connected => self.notice("good", "device-connected-title", "device-connected"),
            DeviceEnd::Refused => self.notice("plain", "device-refused-title", "device-refused"),
            DeviceEnd::Over => self.notice("bad", "device-nothing-title", "device-over"),
            DeviceEnd::Gone => self.notice("bad", "device-nothing-title", "device-gone"),
            DeviceEnd::NotSignedIn => self.notice("bad", "device-nothing-title", "device-not-signed-in"),
        }
    }
}

fn shown(template: &impl Template) -> Response {
    render(http::StatusCode::OK, template, Policy::default())
}

#[derive(Template)]
#[template(path = "doors/refused.html")]
struct Refused {
    p: Page,
    ours: bool,
    word: &'static str,
    detail: &'static str,
}

#[derive(Template)]
#[template(path = "doors/sign_out.html")]
struct SignOut {
    p: Page,
    app: Option<String>,
    action: String,
    fields: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "doors/signed_out.html")]
struct SignedOut {
    p: Page,
    frames: Vec<String>,
    missed: Vec<String>,
    next: Option<String>,
    goes_on: bool,
}

#[derive(Template)]
#[template(path = "doors/signing_out.html")]
struct SigningOut {
    p: Page,
    next: String,
}

#[derive(Template)]
#[template(path = "doors/open.html")]
struct Open {
    p: Page,
    app: String,
    next: String,
}

#[derive(Template)]
#[template(path = "doors/device_code.html")]
struct DeviceCode {
    p: Page,
    action: &'static str,
    typed: String,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "doors/device.html")]
struct Device {
    p: Page,
    wishes: Vec<Wish>,
    asked: DeviceQuestion,
}

#[derive(Template)]
#[template(path = "doors/carry.html")]
struct Carry {
    p: Page,
    action: String,
    fields: Vec<(&'static str, String)>,
}
