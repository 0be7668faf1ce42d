//! What a beacon's headers say of the page that it was loaded by.

use super::kit;
use auth::sign_in::Sighting;
use http::{HeaderMap, header};

/// The page as it should be.
pub(super) struct Page<'a> {
    /// The tenant's own origin, as browsers write it.
    pub(super) origin: &'a str,
    /// Whether browsers see the beacon host as a part of the same site.
    pub(super) neighbour: bool,
}

/// Reads them. The host is the foreign page's, where the browser names it, else empty.
///
/// - A kit's mark, an `Origin` that isn't ours, or a `Sec-Fetch-Site` that isn't our site's: [`Sighting::Alert`].
/// - Our origin from our site: [`Sighting::Ok`].
/// - Whoever says less: [`Sighting::Unclear`]. An old browser has no `Sec-Fetch-Site` (Fetch Metadata is in Chrome 76, Firefox 90, Safari
///   16.4); who opens the address by hand sends `none`.
pub(super) fn read(headers: &HeaderMap, page: &Page<'_>) -> (Sighting, String) {
    if let Some(host) = kit::mark_of(headers) {
        return (Sighting::Alert, host);
    }
    // Each line counts: somebody may have put an honest one before the browser's own.
    let all = |name: &str| -> Vec<String> {
        let lines = headers.get_all(name).iter();
        lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
    };
    let (origins, sites) = (all(header::ORIGIN.as_str()), all("sec-fetch-site"));
    if let Some(foreign) = origins.iter().find(|origin| *origin != page.origin) {
        let host = host_of(foreign).or_else(|| referer(headers, page)).unwrap_or_default();
        return (Sighting::Alert, host);
    }
    let ours = |site: &String| match site.as_str() {
        "same-site" | "same-origin" | "none" => true,
        "cross-site" => !page.neighbour && !origins.is_empty(),
        _ => false,
    };
    if !sites.iter().all(ours) {
        return (Sighting::Alert, referer(headers, page).unwrap_or_default());
    }
    let certain = !origins.is_empty() && sites.iter().any(|site| site != "none");
    (if certain { Sighting::Ok } else { Sighting::Unclear }, String::new())
}

/// The host of an origin or an address, with its port. An opaque origin (`null`) has none.
fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    Some(host.to_owned())
}

/// A kit that takes the origin away may have left this.
fn referer(headers: &HeaderMap, page: &Page<'_>) -> Option<String> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    host_of(referer).filter(|host| Some(host) != host_of(page.origin).as_ref())
}

/// Whether two hosts are of one site as browsers see it: both under what the beacon host's name has after its first label, which must
/// be more than a top-level domain.
pub(super) fn neighbours(api_host: &str, beacon_host: &str) -> bool {
    let name = api_host.split(':').next().unwrap_or_default();
    let Some((_, parent)) = beacon_host.split_once('.').filter(|(_, parent)| parent.contains('.')) else {
        return false;
    };
    name == parent || name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    const OWN: &str = "https://login.mfa.example";
    const PHISH: &str = "https://login.mfa-sso.example:8443";

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn seen(lines: &[(&str, &str)]) -> (Sighting, String) {
        read(&headers(lines), &Page { origin: OWN, neighbour: true })
    }

    #[test]
    fn the_matrix_of_origin_and_site() {
        use Sighting::{Alert, Ok, Unclear};
        const NAME: &str = "login.mfa-sso.example:8443";
        let cases: &[(Option<&str>, Option<&str>, Sighting, &str)] = &[
            (Some(OWN), Some("same-site"), Ok, ""),
            (Some(OWN), Some("same-origin"), Ok, ""),
            (Some(OWN), Some("cross-site"), Alert, ""),
            (Some(OWN), Some("Same-Site"), Alert, ""),
            (Some(OWN), Some("same-site, cross-site"), Alert, ""),
            (Some(OWN), Some(""), Alert, ""),
            (Some(OWN), Some("none"), Unclear, ""),
            (Some(OWN), None, Unclear, ""),
            (None, Some("same-site"), Unclear, ""),
            (None, Some("none"), Unclear, ""),
            (None, Some("cross-site"), Alert, ""),
            (None, None, Unclear, ""),
            (Some(PHISH), Some("cross-site"), Alert, NAME),
            (Some(PHISH), Some("same-site"), Alert, NAME),
            (Some(PHISH), None, Alert, NAME),
            (Some("null"), Some("cross-site"), Alert, ""),
            (Some("null"), None, Alert, ""),
            (Some(""), Some("same-site"), Alert, ""),
            (Some("https://login.mfa.example:8443"), Some("same-site"), Alert, "login.mfa.example:8443"),
            (Some("http://login.mfa.example"), Some("same-site"), Alert, "login.mfa.example"),
            (Some("https://login.mfa.example.evil.test"), Some("same-site"), Alert, "login.mfa.example.evil.test"),
            (Some("https://LOGIN.mfa.example"), Some("same-site"), Alert, "LOGIN.mfa.example"),
            (Some("https://login.mfa.example/"), Some("same-site"), Alert, "login.mfa.example"),
        ];
        for (origin, site, sighting, host) in cases {
            let lines: Vec<(&str, &str)> = origin
                .map(|origin| ("origin", origin))
                .into_iter()
                .chain(site.map(|site| ("sec-fetch-site", site)))
                .collect();
            assert_eq!(seen(&lines), (*sighting, (*host).to_owned()), "{lines:?}");
        }
    }

    #[test]
    fn an_honest_line_before_the_browsers_own_helps_nobody() {
        let twice = seen(&[("origin", OWN), ("origin", PHISH), ("sec-fetch-site", "same-site")]);
        assert_eq!(twice, (Sighting::Alert, "login.mfa-sso.example:8443".to_owned()));
        let sites = seen(&[("origin", OWN), ("sec-fetch-site", "same-site"), ("sec-fetch-site", "cross-site")]);
        assert_eq!(sites.0, Sighting::Alert);
    }

    #[test]
    fn a_referer_names_and_never_absolves() {
        let from = |referer: &str| seen(&[("referer", referer), ("sec-fetch-site", "cross-site")]);
        assert_eq!(from("https://evil.test/sign-in/1?x"), (Sighting::Alert, "evil.test".to_owned()));
        assert_eq!(from("https://login.mfa.example/"), (Sighting::Alert, String::new()));
        assert_eq!(from("https://"), (Sighting::Alert, String::new()));
    }

    #[test]
    fn a_kits_mark_says_it_all() {
        let marked = seen(&[("x-evilginx", "evil.test"), ("origin", OWN), ("sec-fetch-site", "same-site")]);
        assert_eq!(marked, (Sighting::Alert, "evil.test".to_owned()));
    }

    #[test]
    fn a_tenant_elsewhere_is_told_by_its_origin_alone() {
        let elsewhere = |lines: &[(&str, &str)]| read(&headers(lines), &Page { origin: OWN, neighbour: false }).0;
        assert_eq!(elsewhere(&[("origin", OWN), ("sec-fetch-site", "cross-site")]), Sighting::Ok);
        assert_eq!(elsewhere(&[("origin", PHISH), ("sec-fetch-site", "cross-site")]), Sighting::Alert);
        assert_eq!(elsewhere(&[("sec-fetch-site", "cross-site")]), Sighting::Alert);
    }

    #[test]
    fn neighbours_share_more_than_a_top_level_domain() {
        for (host, beacon) in [
            ("login.mfa.example", "beacon.mfa.example"),
            ("a.b.mfa.example", "beacon.mfa.example"),
            ("mfa.example", "beacon.mfa.example"),
            ("login.mfa.example:8443", "beacon.mfa.example"),
        ] {
            assert!(neighbours(host, beacon), "{host} {beacon}");
        }
        for (host, beacon) in [
            ("login.other.example", "beacon.mfa.example"),
            ("evilmfa.example", "beacon.mfa.example"),
            ("mfa.example.evil.test", "beacon.mfa.example"),
            ("login.example", "beacon.example"),
            ("localhost", "localhost"),
        ] {
            assert!(!neighbours(host, beacon), "{host} {beacon}");
        }
    }

    proptest! {
        #[test]
        fn only_our_own_origin_is_ok(origin in "\\PC{0,40}|https?://[a-z.:/]{0,30}", site in "[a-z-]{0,12}|same-site|cross-site") {
            if let (Result::Ok(origin), Result::Ok(site)) = (HeaderValue::from_bytes(origin.as_bytes()), HeaderValue::from_str(&site)) {
                let mut headers = HeaderMap::new();
                headers.insert("origin", origin.clone());
                headers.insert("sec-fetch-site", site);
                let (sighting, _) = read(&headers, &Page { origin: OWN, neighbour: true });
                prop_assert!(sighting == Sighting::Alert || origin == OWN);
            }
        }
    }
}
