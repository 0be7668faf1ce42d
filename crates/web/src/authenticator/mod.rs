//! The installable authenticator: one page, its manifest and its service worker. What it does stands in `assets/authenticator/`.
//!
//! The page holds no account and reads no cookie: keys are made and kept in the browser, and each request to the API
//! (`docs/authenticator.md`) is signed there. So one installed page serves accounts of several organisations, also at other hosts;
//! its policy lets it ask any `https` host, and nothing else that other pages may not.
//!
//! To add a text that a script says: its key in [`WORDS`] and in the catalogues. To add a module: a file in `assets/authenticator/`,
//! and its name in
//! [`MODULES`] and in `sw.js`, so that it is there at once and without a network (a test compares).

use crate::{
    Web,
    assets::Kept,
    frame::{
        headers::Policy,
        page::Page,
        visit::{Visit, redirect},
    },
};
use askama::Template;
use axum::{Router, body::Body, response::Response, routing::get};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use std::sync::Arc;

/// Where the page stands; the service worker governs all below it.
const PAGE: &str = "/authenticator/";

/// The texts that scripts say: the attribute's name, the catalogue's key, and the values that the script puts in.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("manage-account", "authenticator-manage-account", &["account"]),
    ("device-name", "authenticator-device-name", &[]),
    ("where", "authenticator-where", &["host"]),
    ("added", "authenticator-added", &["organisation"]),
    ("renamed", "authenticator-renamed", &[]),
    ("removed", "authenticator-removed", &[]),
    ("approved", "authenticator-approved", &[]),
    ("not-approved", "authenticator-not-approved", &[]),
    ("denied", "authenticator-denied", &[]),
    ("reported", "authenticator-reported", &[]),
    ("left", "authenticator-left", &["seconds"]),
    ("lock-name", "authenticator-lock-name", &[]),
    ("lock-is-on", "authenticator-lock-is-on", &[]),
    ("lock-seals", "authenticator-lock-seals", &[]),
    ("lock-is-off", "authenticator-lock-is-off", &[]),
    ("push-is-on", "authenticator-push-is-on", &[]),
    ("push-refused", "authenticator-push-refused", &[]),
    ("push-failed", "authenticator-push-failed", &[]),
    ("push-title", "authenticator-title", &[]),
    ("push-look", "authenticator-push-look", &[]),
    ("push-notice", "authenticator-push-notice", &[]),
    ("fact-application", "authenticator-fact-application", &[]),
    ("fact-organisation", "authenticator-fact-organisation", &[]),
    ("fact-user", "authenticator-fact-user", &[]),
    ("fact-place", "authenticator-fact-place", &[]),
    ("fact-address", "authenticator-fact-address", &[]),
    ("fact-browser", "authenticator-fact-browser", &[]),
    ("fact-system", "authenticator-fact-system", &[]),
    ("fact-machine", "authenticator-fact-machine", &[]),
    ("fact-time", "authenticator-fact-time", &[]),
    ("fact-host", "authenticator-fact-host", &[]),
    ("fact-device", "authenticator-fact-device", &[]),
    ("error-network", "authenticator-error-network", &[]),
    ("error-clock", "authenticator-error-clock", &[]),
    ("error-limited", "authenticator-error-limited", &[]),
    ("error-ended", "authenticator-error-ended", &[]),
    ("error-last", "authenticator-error-last", &[]),
    ("error-refused", "authenticator-error-refused", &[]),
    ("error-other", "authenticator-error-other", &[]),
    ("error-digits", "authenticator-error-digits", &[]),
    ("error-link", "authenticator-error-link", &[]),
    ("error-scan", "authenticator-error-scan", &[]),
    ("error-camera", "authenticator-error-camera", &[]),
];

/// The modules that `app.js` imports, and those that they do.
const MODULES: &[&str] = &[
    "accounts",
    "answering",
    "api",
    "bytes",
    "database",
    "home",
    "keys",
    "links",
    "lock",
    "managing",
    "push",
    "qr",
    "requests",
    "scan",
    "settings",
    "totp",
    "view",
];

#[derive(Template)]
#[template(path = "authenticator/app.html")]
struct App {
    p: Page,
    /// Names the files that the service worker keeps.
    release: String,
    words: Vec<(&'static str, String)>,
    /// All at once, instead of one import after the other.
    modules: Vec<String>,
}

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/authenticator", get(async || redirect(PAGE)))
        .route(PAGE, get(page))
        .route("/authenticator/sw.js", get(worker))
        .route("/authenticator/manifest.webmanifest", get(manifest))
}

/// What the page may do beyond others: run its worker, use the camera, ask the hosts of other organisations.
fn policy() -> Policy {
    Policy { application: true, ..Policy::default() }
}

async fn page(visit: Visit) -> Response {
    let said = |(name, key, values): &(&'static str, &str, &[&str])| {
        // The script knows the values: what stands in their place says which.
        let holes: Vec<(&str, String)> = values.iter().map(|value| (*value, format!("{{{value}}}"))).collect();
        let holes: Vec<(&str, &str)> = holes.iter().map(|(name, hole)| (*name, hole.as_str())).collect();
        (*name, visit.words.filled(key, &holes))
    };
    let app = App {
        p: visit.page("authenticator-title").at(PAGE).script("authenticator/app.js"),
        release: visit.web.assets.hash().to_owned(),
        words: WORDS.iter().map(said).collect(),
        modules: MODULES.iter().map(|name| visit.web.assets.url(&format!("authenticator/{name}.js"))).collect(),
    };
    visit.show(StatusCode::OK, &app, policy())
}

/// The worker stands in the folder that it governs; its address must stay the same, so it is asked for each time.
async fn worker(visit: Visit, headers: HeaderMap) -> Response {
    let mut response = visit.web.assets.answer("authenticator/sw.js", &headers, Kept::Asked);
    response.extensions_mut().insert(policy());
    response
}

/// `GET /authenticator/manifest.webmanifest` (W3C Web Application Manifest).
async fn manifest(visit: Visit) -> Response {
    let icon = |file: &str, size: &str, purpose: &str| {
        let kind = if size == "any" { "image/svg+xml" } else { "image/png" };
        json!({ "src": visit.web.assets.url(file), "sizes": size, "type": kind, "purpose": purpose })
    };
    let name = visit.words.say("authenticator-title");
    let manifest = json!({
        "id": PAGE,
        "start_url": PAGE,
        "scope": PAGE,
        "name": format!("{} · {name}", visit.tenant.brand.name),
        "short_name": visit.tenant.brand.name,
        "lang": visit.words.tag(),
        "dir": visit.words.direction(),
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#14635a",
        "icons": [
            icon("authenticator/icon.svg", "any", "any"),
            icon("authenticator/icon-192.png", "192x192", "any"),
            icon("authenticator/icon-512.png", "512x512", "any"),
            icon("authenticator/icon-512.png", "512x512", "maskable"),
        ],
    });
    let mut response = Response::new(Body::from(manifest.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/manifest+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKER: &str = include_str!("../../assets/authenticator/sw.js");

    /// The modules that an import of the application's reaches.
    fn modules() -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/authenticator");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| {
                entry.unwrap().file_name().into_string().unwrap().strip_suffix(".js").map(str::to_owned)
            })
            .filter(|name| name != "sw")
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_worker_keeps_every_module_and_the_page_loads_them_at_once() {
        let list = WORKER.split_once("const MODULES = [").unwrap().1.split_once("];").unwrap().0;
        let mut kept: Vec<_> =
            list.split(',').map(|name| name.trim().trim_matches('\'')).filter(|n| !n.is_empty()).collect();
        kept.sort_unstable();
        assert_eq!(kept, modules());
        let mut preloaded = MODULES.to_vec();
        preloaded.push("app");
        preloaded.sort_unstable();
        assert_eq!(preloaded, modules());
    }

    #[test]
    fn every_word_that_a_script_says_is_on_the_page() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/authenticator");
        let known: Vec<String> = WORDS.iter().map(|(name, _, _)| camel(name)).collect();
        let mut said = Vec::new();
        for module in modules() {
            let text = std::fs::read_to_string(folder.join(format!("{module}.js"))).unwrap();
            // The worker's words are taken out of the page all at once: `{ pushTitle: title, … } = dataset`.
            let taken = text.split(": ").filter_map(|piece| piece.rsplit(['{', ',']).next()).map(str::trim);
            let taken = taken.filter(|piece| piece.starts_with("push") && known.iter().any(|word| word == piece));
            let said_here = text.split("say('").skip(1).map(|piece| piece.split('\'').next().unwrap());
            for key in said_here.chain(taken) {
                let key = key.to_owned();
                assert!(known.contains(&key), "{module}.js says {key}");
                said.push(key);
            }
        }
        for word in known {
            assert!(said.contains(&word), "{word} is said by nobody");
        }
    }

    fn camel(name: &str) -> String {
        let mut parts = name.split('-');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + &part[..1].to_uppercase() + &part[1..])
    }
}
