//! What every page must be, in every language.

use crate::{
    support::{Browser, House, words_of},
    tour::tour,
};
use html5ever::{driver::ParseOpts, parse_document, tendril::TendrilSink as _};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::Path,
};

const BRANDED: &str = r##"{"brand":"Acme & Söhne","page":{"accent":"#7a2e8c","background":"#fff7e6","help_url":"https://help.acme.example/","help_text":"IT help desk","welcome":"Staff only"}}"##;

#[tokio::test]
async fn every_page_is_whole_in_every_language() {
    let mut words: Vec<BTreeSet<String>> = Vec::new();
    for language in ["en", "fr", "ar"] {
        let stops = tour(BRANDED, language).await;
        for stop in &stops {
            let (name, html) = (stop.name, stop.answer.text());
            let place = format!("{name} in {language}");
            assert!(html.starts_with("<!doctype html>"), "{place}");
            assert_eq!(stop.answer.header("content-type"), "text/html; charset=utf-8", "{place}");
            let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html.as_str());
            assert_eq!(*dom.errors.borrow(), Vec::<String>::new(), "{place}: {html}");
            let mut seen = Seen::default();
            seen.walk(&dom.document);
            assert_eq!(seen.headings, 1, "{place}: one h1");
            assert!(seen.unnamed.is_empty(), "{place}: {:?}", seen.unnamed);
            assert!(seen.twice.is_empty(), "{place}: the same id twice: {:?}", seen.twice);
            assert!(seen.inline.is_empty(), "{place}: {:?}", seen.inline);
            assert!(seen.foreign.is_empty(), "{place}: {:?}", seen.foreign);
            assert!(seen.references.is_subset(&seen.ids), "{place}: {:?} of {:?}", seen.references, seen.ids);
            assert_eq!(seen.lang.as_deref(), Some(language), "{place}");
            assert_eq!(seen.dir.as_deref(), Some(if language == "ar" { "rtl" } else { "ltr" }), "{place}");
            assert!(
                html.contains("Acme &#38; Söhne") || html.contains("Acme &amp; Söhne") || !html.contains("Acme & S"),
                "{place}"
            );
        }
        words.push(stops.iter().map(|stop| words_of(&stop.answer.text())).collect());
        if let Ok(folder) = std::env::var("COUNTERSIGN_PAGES") {
            keep(Path::new(&folder), language, &stops).await;
        }
    }
    // No page of one language is word for word the page of another.
    assert!(words[0].is_disjoint(&words[1]) && words[0].is_disjoint(&words[2]) && words[1].is_disjoint(&words[2]));
}

#[tokio::test]
async fn every_template_is_on_the_tour() {
    let stops = tour("{}", "en").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/sign_in");
    // A line of each template that only it has.
    for (template, mark) in [
        ("name.html", "name=\"username\""),
        ("prompt.html", "class=\"ways\""),
        ("passkey.html", "data-passkey "),
        ("code.html", "autofocus"),
        ("waiting.html", "data-follow"),
        ("remember.html", "name=\"remember\""),
        ("enroll.html", "/enroll\""),
        ("head.html", "class=\"who\""),
        ("password_form.html", "autocomplete=\"current-password\""),
        ("error.html", "role=\"alert\" id=\"error\""),
    ] {
        assert!(fs::read_to_string(folder.join(template)).unwrap().contains(mark.trim_end_matches('"')), "{template}");
        assert!(stops.iter().any(|stop| stop.answer.text().contains(mark)), "{template} is on no page of the tour");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 11);
}

#[tokio::test]
async fn the_first_page_is_light() {
    for stop in tour(BRANDED, "en").await {
        let html = stop.answer.text();
        let house = House::with(BRANDED, "Travel expenses").await;
        let browser = house.browser();
        let mut weight = stop.answer.body.len();
        let mut wanted: Vec<String> = links(&html);
        let mut fetched = HashSet::new();
        while let Some(path) = wanted.pop() {
            if !fetched.insert(path.clone()) {
                continue;
            }
            let file = browser.get(&path).await;
            assert_eq!(file.status, 200, "{path}");
            weight += file.body.len() + 500;
            if path.ends_with(".js") {
                let folder = path.rsplit_once('/').unwrap().0.to_owned();
                let plain = fs::read_to_string(
                    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(path.rsplit('/').next().unwrap()),
                )
                .unwrap();
                wanted.extend(
                    plain
                        .split("from \"./")
                        .skip(1)
                        .map(|rest| format!("{folder}/{}", rest.split('"').next().unwrap())),
                );
            }
        }
        assert!(weight < 50_000, "{}: {weight} bytes", stop.name);
        assert!(fetched.len() >= 2, "{}: {fetched:?}", stop.name);
    }
}

/// What a page loads from this host.
fn links(html: &str) -> Vec<String> {
    let named = |attribute: &str| {
        html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = [named("src=\""), named("href=\"")].concat();
    all.into_iter().filter(|path| path.starts_with("/assets/") || path.starts_with("/brand/")).collect()
}

/// Writes the pages where they can be looked at in a browser.
async fn keep(folder: &Path, language: &str, stops: &[crate::tour::Stop]) {
    let house = House::with(BRANDED, "Travel expenses").await;
    let browser: Browser<'_> = house.browser();
    for (number, stop) in stops.iter().enumerate() {
        let html = stop.answer.text();
        for path in links(&html).into_iter().chain(["passkeys.js"].map(|name| {
            let some = links(&html).into_iter().find(|path| path.ends_with("page.css")).unwrap();
            some.replace("page.css", name)
        })) {
            let mut request = browser.request(http::Method::GET, &path).body(axum::body::Body::empty()).unwrap();
            request.headers_mut().remove("accept-encoding");
            let to = folder.join(path.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, browser.send(request).await.body).unwrap();
        }
        fs::write(folder.join(format!("{language}-{number:02}-{}.html", stop.name.replace(' ', "-"))), html).unwrap();
    }
}

/// What stands in a page.
#[derive(Default)]
struct Seen {
    headings: usize,
    ids: HashSet<String>,
    twice: Vec<String>,
    references: HashSet<String>,
    /// Controls without a name that can be read out.
    unnamed: Vec<String>,
    /// Style or script in the page itself.
    inline: Vec<String>,
    /// Files of other hosts.
    foreign: Vec<String>,
    lang: Option<String>,
    dir: Option<String>,
}

impl Seen {
    fn walk(&mut self, node: &Handle) {
        if let NodeData::Element { name, attrs, .. } = &node.data {
            let tag = name.local.to_string();
            let attrs: Vec<(String, String)> =
                attrs.borrow().iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
            let get = |wanted: &str| attrs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            if let Some(id) = get("id")
                && !self.ids.insert(id.clone())
            {
                self.twice.push(id);
            }
            for reference in ["for", "aria-describedby", "aria-labelledby"] {
                self.references.extend(get(reference).iter().flat_map(|ids| ids.split_whitespace()).map(str::to_owned));
            }
            self.inline.extend(
                attrs
                    .iter()
                    .filter(|(name, _)| name == "style" || name.starts_with("on"))
                    .map(|(name, _)| name.clone()),
            );
            match tag.as_str() {
                "h1" => self.headings += 1,
                "html" => (self.lang, self.dir) = (get("lang"), get("dir")),
                "style" => self.inline.push(tag.clone()),
                "script" if get("src").is_none() => self.inline.push(tag.clone()),
                "button" | "a" | "summary" | "label" if words_in(node).trim().is_empty() => {
                    self.unnamed.push(format!("{tag} {attrs:?}"))
                }
                // An application's picture stands beside its name.
                "img" if get("src").is_some_and(|src| src.starts_with("/apps/icon/")) => {}
                "img" if get("alt").is_none_or(|alt| alt.is_empty()) => self.unnamed.push(tag.clone()),
                _ => {}
            }
            if let Some(url) = get("src").or_else(|| get("href").filter(|_| tag == "link"))
                && !url.starts_with("/assets/")
                && !url.starts_with("/brand/")
                && !url.starts_with("/apps/icon/")
                && !url.starts_with("data:image/svg+xml;base64,")
            {
                self.foreign.push(url);
            }
        }
        for child in node.children.borrow().iter() {
            self.walk(child);
        }
    }
}

fn words_in(node: &Handle) -> String {
    let mut text = match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => String::new(),
    };
    for child in node.children.borrow().iter() {
        text.push_str(&words_in(child));
    }
    text
}
