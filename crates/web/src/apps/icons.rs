//! Pictures of applications: read from what an administrator gave, served under their own hash.

use crate::assets::Kept;
use crate::frame::{headers::Policy, trouble::Trouble, visit::Visit};
use axum::{body::Body, extract::Path, response::Response};
use data_encoding::{BASE64, HEXLOWER};
use http::{HeaderValue, header};

/// What PNG files begin with (RFC 2083 §12.11).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture.
pub(super) struct Icon {
    kind: &'static str,
    bytes: Vec<u8>,
}

impl Icon {
    /// From a `data:` address; none for any other.
    pub(super) fn read(data: &str) -> Option<Self> {
        let kinds = [("data:image/png;base64,", "image/png"), ("data:image/svg+xml;base64,", "image/svg+xml")];
        let (kind, text) = kinds.into_iter().find_map(|(begin, kind)| Some((kind, data.strip_prefix(begin)?)))?;
        let bytes = BASE64.decode(text.as_bytes()).ok()?;
        let fits = match kind {
            "image/png" => bytes.starts_with(PNG),
            // It is shown as a picture, where no script runs; opened by itself, the policy of files allows it nothing.
            _ => std::str::from_utf8(&bytes).is_ok_and(|text| text.contains("<svg")),
        };
        fits.then_some(Self { kind, bytes })
    }

    /// Where it is served.
    pub(super) fn address(&self, ikey: &str) -> String {
        format!("/apps/icon/{ikey}/{}", self.hash())
    }

    fn hash(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.bytes);
        HEXLOWER.encode(digest.as_ref().get(..16).unwrap_or_default())
    }
}

/// `GET /apps/icon/{ikey}/{hash}`: only who was shown the address knows it.
pub(super) async fn serve(visit: Visit, Path((ikey, hash)): Path<(String, String)>) -> Result<Response, Trouble> {
    let party = visit.web.sso.party_of(visit.tenant.id, &ikey).await?.ok_or(Trouble::NotFound)?;
    let icon = party.settings.tile.icon.as_deref().and_then(Icon::read).filter(|icon| icon.hash() == hash);
    let icon = icon.ok_or(Trouble::NotFound)?;
    let mut response = Response::new(Body::from(icon.bytes));
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(icon.kind));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(Kept::ForGood.value()));
    response.extensions_mut().insert(Policy::nothing());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_one_or_none() {
        let data = |kind: &str, bytes: &[u8]| Icon::read(&format!("data:{kind};base64,{}", BASE64.encode(bytes)));
        assert!(data("image/png", b"\x89PNG\r\n\x1a\nrest").is_some());
        let svg = data("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
        assert!(svg.address("DI").starts_with("/apps/icon/DI/"));
        for wrong in [
            data("image/png", b"<svg/>"),
            data("text/html", b"<svg/>"),
            data("image/svg+xml", b"\xff<svg"),
            Icon::read("https://elsewhere.example/logo.png"),
            Icon::read("data:image/png;base64,***"),
            Icon::read(""),
        ] {
            assert!(wrong.is_none());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "data:image/(png|svg\\+xml);base64,[A-Za-z0-9+/=]{0,60}|\\PC{0,60}") {
            let _ = Icon::read(&text);
        }
    }
}
