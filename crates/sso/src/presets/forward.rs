//! An application that speaks neither, behind a reverse proxy that asks here for each request.
//!
//! Source: nginx.org/en/docs/http/ngx_http_auth_request_module.html; doc.traefik.io/traefik/middlewares/http/forwardauth;
//! caddyserver.com/docs/caddyfile/directives/forward_auth. Whole configurations stand in docs/forward-auth.md.

use super::{Facts, Given, Preset, PresetOption, Snippet};
use crate::{
    Settings, SsoError,
    party::{ForwardHost, Kind, Protocol, TileSettings},
};
use url::Url;

pub(super) static PRESET: Preset = Preset {
    name: "forward-auth",
    title: "Behind a reverse proxy",
    protocol: Protocol::Forward,
    url: "the application's address, like https://wiki.example.org",
    options: &[
        PresetOption { name: "public", about: "paths that anybody may see, with commas between", needed: false },
        PresetOption {
            name: "proxy",
            about: "addresses or networks that the proxy asks from, with commas between; else this machine",
            needed: false,
        },
    ],
    settings,
    snippets,
};

fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let bad = || SsoError::invalid("url", "must be https://host, without a path");
    let url = Url::parse(&given.url).map_err(|_| bad())?;
    let host = url.host_str().ok_or_else(bad)?;
    let key = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if url.path() != "/" {
        return Err(bad());
    }
    let list = |name| -> Vec<String> {
        given.option(name).split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    };
    let host = ForwardHost {
        origin: url.origin().ascii_serialization(),
        public_paths: list("public"),
        proxies: list("proxy"),
        ..ForwardHost::default()
    };
    let tile = TileSettings { url: Some(host.origin.clone()), ..TileSettings::default() };
    Ok((Some(key), Settings { tile, kind: Kind::Forward(Box::new(host)) }))
}

/// Whole configurations, for `wiki.example.com` behind a proxy and `login.example.com` here. They stand in docs/forward-auth.md too, and
/// the tests with real proxies run them.
const SNIPPETS: [(&str, &str); 3] = [
    ("nginx, with its module auth_request", include_str!("forward_auth/nginx.conf")),
    ("Caddyfile", include_str!("forward_auth/Caddyfile")),
    ("Traefik, dynamic configuration", include_str!("forward_auth/traefik.yml")),
];

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let bare = |url: &str| url.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let (here, there) = (bare(facts.issuer), bare(&facts.given.url));
    let named = |text: &str| {
        let with_port = if here.contains(':') { here.clone() } else { format!("{here}:443") };
        let text = text.replace("server login.example.com:443", &format!("server {with_port}"));
        text.replace("login.example.com", &here).replace("wiki.example.com", &there)
    };
    SNIPPETS.into_iter().map(|(title, text)| Snippet::new(title, named(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_shows_what_is_printed() {
        let page = include_str!("../../../../docs/forward-auth.md");
        for (title, text) in SNIPPETS {
            assert!(page.contains(text.trim_end()), "{title}");
        }
    }
}
