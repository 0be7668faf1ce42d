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
    options: &[PresetOption {
        name: "public",
        about: "paths that anybody may see, with commas between",
        needed: false,
    }],
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
    let paths = given.option("public").split(',').map(str::trim).filter(|path| !path.is_empty());
    let host = ForwardHost {
        origin: url.origin().ascii_serialization(),
        public_paths: paths.map(str::to_owned).collect(),
        ..ForwardHost::default()
    };
    let tile = TileSettings { url: Some(host.origin.clone()), ..TileSettings::default() };
    Ok((Some(key), Settings { tile, kind: Kind::Forward(Box::new(host)) }))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, url) = (facts.issuer, &facts.given.url);
    vec![
        Snippet::new(
            format!("Caddyfile, in the site of {url}"),
            format!(
                "forward_auth {issuer} {{\n\turi /forward-auth\n\tcopy_headers Remote-User Remote-Email Remote-Name Remote-Groups\n}}\n"
            ),
        ),
        Snippet::new(
            "Traefik, as a middleware of its router",
            format!(
                "http:\n  middlewares:\n    countersign:\n      forwardAuth:\n        address: {issuer}/forward-auth\n        \
                 authResponseHeaders: [Remote-User, Remote-Email, Remote-Name, Remote-Groups]\n"
            ),
        ),
        Snippet::new("nginx", "see docs/forward-auth.md: auth_request, with the location that asks here\n"),
    ]
}
