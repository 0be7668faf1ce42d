//! What every page has: head, brand, footer. Templates extend `layout.html` and have a field `p` with this.

use super::brand::Brand;
use crate::{Web, texts::Words};
use askama::Template;
use std::sync::Arc;

/// The pictures, drawn for this: one line of markup each.
fn icon(name: &str) -> &'static str {
    match name {
        "passkey" => include_str!("../../templates/icons/passkey.svg"),
        "push" => include_str!("../../templates/icons/push.svg"),
        "call" => include_str!("../../templates/icons/call.svg"),
        "sms" => include_str!("../../templates/icons/sms.svg"),
        "passcode" => include_str!("../../templates/icons/passcode.svg"),
        "password" => include_str!("../../templates/icons/password.svg"),
        "recovery" => include_str!("../../templates/icons/recovery.svg"),
        "go" => include_str!("../../templates/icons/go.svg"),
        "down" => include_str!("../../templates/icons/down.svg"),
        "bad" => include_str!("../../templates/icons/bad.svg"),
        "good" => include_str!("../../templates/icons/good.svg"),
        "person" => include_str!("../../templates/icons/person.svg"),
        "time" => include_str!("../../templates/icons/time.svg"),
        "key" => include_str!("../../templates/icons/key.svg"),
        "shield" => include_str!("../../templates/icons/shield.svg"),
        _ => include_str!("../../templates/icons/info.svg"),
    }
}

/// A language that the footer offers.
pub(crate) struct Language {
    pub(crate) tag: String,
    pub(crate) name: String,
    pub(crate) rtl: bool,
    pub(crate) chosen: bool,
    pub(crate) href: String,
}

/// The page around a template.
pub(crate) struct Page {
    words: Words,
    pub(crate) brand: Arc<Brand>,
    pub(crate) title: String,
    /// Modules, by their names in `assets/`.
    pub(crate) scripts: Vec<String>,
    pub(crate) style: String,
    pub(crate) icon: String,
    pub(crate) languages: Vec<Language>,
    /// Stylesheets of the beacon host's, asked for with CORS, so that the browser names the page's origin.
    pub(crate) beacon_styles: Vec<String>,
    /// Modules of the beacon host's, likewise.
    pub(crate) beacon_scripts: Vec<String>,
    /// Seconds after which a browser without script loads the page again.
    pub(crate) refresh: Option<u32>,
    /// Whether the card is wide: lists and tables rather than one question.
    pub(crate) wide: bool,
    assets: String,
}

impl Page {
    pub(crate) fn new(web: &Web, words: Words, brand: &Arc<Brand>, title: String, path: &str) -> Self {
        let languages = web.texts.all().map(|catalogue| Language {
            tag: catalogue.tag.clone(),
            name: catalogue.name.clone(),
            rtl: catalogue.rtl,
            chosen: catalogue.tag == words.tag(),
            href: format!("{path}?lang={}", catalogue.tag),
        });
        Self {
            languages: languages.collect(),
            words,
            brand: Arc::clone(brand),
            title,
            scripts: Vec::new(),
            style: web.assets.url("page.css"),
            icon: web.assets.url("icon.svg"),
            beacon_styles: Vec::new(),
            beacon_scripts: Vec::new(),
            refresh: None,
            wide: false,
            assets: web.assets.url(""),
        }
    }

    /// With a module from `assets/`.
    pub(crate) fn script(mut self, name: &str) -> Self {
        self.scripts.push(format!("{}{name}", self.assets));
        self
    }

    /// Loaded again by browsers without script.
    pub(crate) const fn refreshed(mut self, seconds: u32) -> Self {
        self.refresh = Some(seconds);
        self
    }

    /// With the languages' links leading to `path`, where this address answers no GET.
    pub(crate) fn at(mut self, path: &str) -> Self {
        for language in &mut self.languages {
            language.href = format!("{path}?lang={}", language.tag);
        }
        self
    }

    /// With the languages' links leading to the whole of this address, with what it asks.
    pub(crate) fn at_whole(mut self, uri: &http::Uri) -> Self {
        let rest: String = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|part| !part.is_empty() && !part.starts_with("lang="))
            .map(|part| format!("{part}&"))
            .collect();
        for language in &mut self.languages {
            language.href = format!("{}?{rest}lang={}", uri.path(), language.tag);
        }
        self
    }

    /// Without links to other languages: the page comes once.
    pub(crate) fn in_one_language(mut self) -> Self {
        self.languages.clear();
        self
    }

    /// With a wide card.
    pub(crate) const fn widened(mut self) -> Self {
        self.wide = true;
        self
    }

    /// The language.
    pub(crate) const fn words(&self) -> &Words {
        &self.words
    }

    /// Where a file of `assets/` is.
    pub(crate) fn asset(&self, name: &str) -> String {
        format!("{}{name}", self.assets)
    }

    pub(crate) fn say(&self, key: &str) -> String {
        self.words.say(key)
    }

    pub(crate) fn with(&self, key: &str, name: &str, value: &str) -> String {
        self.words.with(key, name, value)
    }

    pub(crate) fn count(&self, key: &str, count: &u64) -> String {
        self.words.count(key, *count)
    }

    /// The text whose key is made of two.
    pub(crate) fn say_of(&self, kind: &str, what: &str) -> String {
        self.words.say(&format!("{kind}{what}"))
    }

    /// As [`with`](Self::with), by a key that is made of two.
    pub(crate) fn with_of(&self, kind: &str, what: &str, name: &str, value: &str) -> String {
        self.words.with(&format!("{kind}{what}"), name, value)
    }

    /// A text in which a script puts a number: it stands as `{}`.
    pub(crate) fn say_template(&self, key: &str) -> String {
        self.words.with(key, "count", "{}")
    }

    /// A picture of the page's own, as markup.
    #[expect(clippy::unused_self, reason = "templates reach it through the page")]
    pub(crate) fn icon(&self, name: &str) -> &'static str {
        icon(name)
    }
}

/// A page that only says something: an error, an end.
#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct Notice {
    pub(crate) p: Page,
    /// `bad`, `good` or `plain`.
    pub(crate) tone: &'static str,
    pub(crate) text: String,
    /// Where to go from here: address and text.
    pub(crate) next: Option<(String, String)>,
}

impl Notice {
    pub(crate) const fn bad(p: Page, text: String) -> Self {
        Self { p, tone: "bad", text, next: None }
    }
}
