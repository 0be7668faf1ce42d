//! A sign-in together with the browser that it belongs to.

use crate::canary::{self, Beacons};
use crate::frame::{
    forms::{self, Posted},
    headers::{Policy, origin_of},
    page::Page,
    trouble::Trouble,
    visit::Visit,
};
use auth::sign_in::{Browser, Purpose, SignIn, SignInState, cookie_name};
use axum::body::Body;
use http::Request;
use types::SecretString;

/// The cookie of a browser that is remembered at an application; the application's key follows, because each has its own.
pub(crate) const TRUSTED_COOKIE: &str = "countersign-rd-";

/// Found by the id in the address and by the secret in the cookie: proof that this browser began it.
pub(super) struct Held {
    pub(super) visit: Visit,
    pub(super) sign_in: SignIn,
    pub(super) browser: Browser,
    secret: SecretString,
    beacons: Option<Beacons>,
    /// The path of its pages.
    pub(super) base: String,
}

impl Held {
    pub(super) async fn find(visit: Visit, id: &str) -> Result<Self, Trouble> {
        let id = id.parse().map_err(|_| Trouble::NotFound)?;
        // A door may only know https; a browser takes the prefix also from this machine by http.
        let names = [cookie_name(id, true), cookie_name(id, false)];
        let allowed = if visit.web.options.secure_origin { 1 } else { 2 };
        let secret = names.iter().take(allowed).find_map(|name| visit.cookies.get(name));
        let secret = SecretString::new(secret.ok_or(Trouble::OtherBrowser)?.to_owned());
        let sign_in = visit.web.auth.sign_in(visit.tenant.id, id, secret.expose()).await?;
        canary::look(&visit, &sign_in).await?;
        let beacons = Beacons::of(&visit.web, &sign_in).await?;
        let trusted = visit.cookies.get(&visit.cookie_name(&format!("{TRUSTED_COOKIE}{}", sign_in.app().ikey)));
        let trusted = trusted.map(|value| SecretString::new(value.to_owned()));
        let browser = Browser { trusted, ..visit.browser() };
        Ok(Self { base: format!("/sign-in/{id}"), visit, sign_in, browser, secret, beacons })
    }

    /// As [`find`](Self::find), for a request that acts: only on a sign-in that is open.
    pub(super) async fn find_open(visit: Visit, id: &str) -> Result<Self, Trouble> {
        let held = Self::find(visit, id).await?;
        if held.sign_in.state() == SignInState::Redeemed { Err(Trouble::Expired) } else { Ok(held) }
    }

    /// A page's own path.
    pub(super) fn path(&self, page: &str) -> String {
        format!("{}/{page}", self.base)
    }

    /// For the forms of its pages.
    pub(super) fn token(&self) -> String {
        forms::token(self.secret.expose(), &self.base)
    }

    /// What was sent, once it is known to come from one of its pages.
    pub(super) async fn posted(&self, request: Request<Body>) -> Result<Posted, Trouble> {
        let posted = Posted::read(request).await?;
        posted.check(self.secret.expose(), &self.base)?;
        Ok(posted)
    }

    /// A page of it. The languages' links lead to where a GET shows the same.
    pub(super) fn page(&self, title: &str) -> Page {
        let page = self.visit.page(title);
        match &self.beacons {
            Some(beacons) => beacons.put(page),
            None => page,
        }
    }

    /// What its pages may load and lead to: the end of a form is the application's own address.
    pub(super) fn policy(&self) -> Policy {
        let end = match self.sign_in.purpose() {
            Purpose::Application { redirect_uri, .. } => origin_of(redirect_uri),
            Purpose::Portal | Purpose::StepUp { .. } | Purpose::SingleSignOn { .. } => None,
        };
        let beacon = self.beacons.as_ref().map(|beacons| beacons.origin.clone());
        Policy { beacon, ..Policy::default() }.leading_to(end)
    }

    /// Who signs in where, for the head of its pages.
    pub(super) fn context(&self) -> Context {
        let (kind, app) = match self.sign_in.purpose() {
            Purpose::Application { .. } => ("application", self.sign_in.app().name.clone()),
            Purpose::SingleSignOn { .. } => ("application", self.sign_in.app().name.clone()),
            Purpose::Portal => ("portal", String::new()),
            Purpose::StepUp { .. } => ("step-up", String::new()),
        };
        Context {
            base: self.base.clone(),
            token: self.token(),
            kind,
            app,
            guessed: matches!(self.sign_in.purpose(), Purpose::SingleSignOn { .. }),
            username: self
                .sign_in
                .username()
                .map(|name| name.split_inclusive(['@', '\\', '/']).map(str::to_owned).collect()),
        }
    }

    /// Whether the browser may learn nothing of the account yet.
    pub(super) fn is_portal(&self) -> bool {
        self.sign_in.purpose().is_open_to_all()
    }
}

/// What every template of a sign-in shows.
pub(super) struct Context {
    pub(super) base: String,
    pub(super) token: String,
    /// `application`, `portal` or `step-up`.
    pub(super) kind: &'static str,
    pub(super) app: String,
    /// Whether the name may be somebody's guess, and can be changed here.
    pub(super) guessed: bool,
    /// In parts, between which a line may break.
    pub(super) username: Option<Vec<String>>,
}
