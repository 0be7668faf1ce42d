//! The files that pages load: embedded, named by their content, compressed once.
//!
//! All of them stand under `/assets/{hash}/`, and the hash covers them all: so a module can import its neighbour by `./name.js`,
//! and a browser that has them keeps them until one changes.

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::{collections::HashMap, io::Write as _, sync::Arc};

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// One file, as it goes out.
struct Asset {
    plain: Bytes,
    /// None where compressing gains nothing.
    gzip: Option<Bytes>,
    kind: &'static str,
}

/// All of them.
pub(crate) struct Assets {
    files: HashMap<&'static str, Asset>,
    hash: String,
}

impl Assets {
    /// Hashes and compresses what is embedded.
    pub(crate) fn new() -> Self {
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut files = HashMap::new();
        for (name, bytes) in FILES {
            digest.update(name.as_bytes());
            digest.update(&bytes.len().to_be_bytes());
            digest.update(bytes);
            let asset = Asset { plain: Bytes::from_static(bytes), gzip: gzip(bytes), kind: kind(name) };
            files.insert(*name, asset);
        }
        let digest = digest.finish();
        let hash = HEXLOWER.encode(digest.as_ref().get(..8).unwrap_or_default());
        Self { files, hash }
    }

    /// Names this state of all files.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// Where `name` is found: a path on this host. A name that isn't there is found nowhere; a test looks for those.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("/assets/{}/{name}", self.hash)
    }

    /// The bytes of a file, for whoever serves it under another path (a service worker's scope is its folder).
    pub(crate) fn answer(&self, name: &str, headers: &HeaderMap, kept: Kept) -> Response {
        let Some(asset) = self.files.get(name) else { return StatusCode::NOT_FOUND.into_response() };
        let packed = asset.gzip.as_ref().filter(|_| accepts_gzip(headers));
        let mut response = Response::new(Body::from(packed.unwrap_or(&asset.plain).clone()));
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if packed.is_some() {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept.value()));
        response
    }
}

/// How long a browser may keep an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// For good: the address names the content.
    ForGood,
    /// It must ask each time.
    Asked,
}

impl Kept {
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::ForGood => "public, max-age=31536000, immutable",
            Self::Asked => "no-cache",
        }
    }
}

/// `GET /assets/{hash}/{file}`. Another release's page gets what is there now, and doesn't keep it.
pub(crate) async fn serve(
    State(web): State<Arc<crate::Web>>,
    Path((hash, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let kept = if hash == web.assets.hash { Kept::ForGood } else { Kept::Asked };
    web.assets.answer(&file, &headers, kept)
}

/// Packed, where that makes it smaller.
pub(crate) fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::best());
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len()).then(|| Bytes::from(packed))
}

/// Whether `Accept-Encoding` names gzip and doesn't refuse it by `q=0` (RFC 9110 §12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("webmanifest") => "application/manifest+json",
        Some("json") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        accepts_gzip(&headers)
    }

    #[test]
    fn gzip_is_sent_to_whom_it_is_welcome() {
        assert!(accepted("gzip, deflate, br, zstd") && accepted("br;q=1.0, GZIP;q=0.8"));
        assert!(!accepted("br") && !accepted("gzip;q=0") && !accepted("identity") && !accepted(""));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn every_file_has_a_kind_that_browsers_take() {
        for (name, _) in FILES {
            assert_ne!(kind(name), "application/octet-stream", "{name}");
        }
        assert!(FILES.iter().any(|(name, _)| *name == "page.css"));
    }
}
