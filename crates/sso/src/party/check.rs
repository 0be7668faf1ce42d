//! Looks at what an administrator, a preset or a program has set, before it is stored: a mistake here is an open redirect, or a token for
//! somebody else.

use super::{ClientAuth, ForwardHost, GrantType, Kind, OidcClient, SamlParty, Settings, Subject};
use crate::{SsoError, host::Host, redirect_uri, signing};
use data_encoding::BASE64;
use jose::{Algorithm, Algorithms, JwkSet};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use url::Url;
use xmlsig::PublicKey;

/// The longest address, in bytes.
const LONGEST_URL: usize = 2048;
/// Addresses in one list.
const MOST_URLS: usize = 50;
/// Scopes, resources and audiences in one list.
const MOST_WORDS: usize = 100;
/// Certificates that messages are signed with: no more are ever tried.
const MOST_CERTIFICATES: usize = 8;
/// The longest certificate, in bytes of base64.
const LONGEST_CERTIFICATE: usize = 16 * 1024;
/// The largest key set, in bytes.
const LONGEST_KEYS: usize = 32 * 1024;
/// The largest picture, in bytes of its address.
const LONGEST_ICON: usize = 48 * 1024;
/// What id tokens and userinfo are signed by: our keys, or the client's secret.
const OURS: Algorithms = Algorithms::of(&signing::ALGORITHMS).or(Algorithms::HMAC);
/// The longest lives, in seconds.
const DAY: u32 = 86_400;
const YEAR: u32 = 366 * 86_400;

fn bad(at: &str, why: &str) -> SsoError {
    SsoError::invalid(at, why)
}

impl Settings {
    /// Whether these can be used together with this key.
    ///
    /// # Errors
    /// [`SsoError::Invalid`] with the place.
    pub fn check(&self, key: &str) -> Result<(), SsoError> {
        if key.is_empty() || key.len() > 1024 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad("key", "must be 1 to 1024 characters of ASCII without spaces"));
        }
        if let Some(url) = &self.tile.url {
            web(url, "tile.url")?;
        }
        if let Some(icon) = &self.tile.icon {
            let kind = ["data:image/png;base64,", "data:image/svg+xml;base64,", "data:image/webp;base64,"];
            let body = kind.iter().find_map(|kind| icon.strip_prefix(kind));
            let fits = icon.len() <= LONGEST_ICON && body.is_some_and(|body| BASE64.decode(body.as_bytes()).is_ok());
            if !fits {
                return Err(bad("tile.icon", "must be a PNG, SVG or WebP picture of at most 32 KB"));
            }
        }
        let given = self.tile.options.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if self.tile.address.len() > LONGEST_URL || given > 4 * LONGEST_URL {
            return Err(bad("tile.options", "are too long"));
        }
        if self.tile.about.len() > 300 || self.tile.about.chars().any(char::is_control) {
            return Err(bad("tile.about", "is one line of at most 300 bytes"));
        }
        match &self.kind {
            Kind::Oidc(client) => oidc(client),
            Kind::Saml(party) => saml(party),
            Kind::Forward(host) => forward(host, key),
        }
    }
}

fn oidc(client: &OidcClient) -> Result<(), SsoError> {
    many(client.redirect_uris.len(), "oidc.redirect_uris", MOST_URLS)?;
    many(client.post_logout_redirect_uris.len(), "oidc.post_logout_redirect_uris", MOST_URLS)?;
    for (place, uri) in client.redirect_uris.iter().enumerate() {
        redirect(uri, client.is_confidential(), &format!("oidc.redirect_uris.{place}"))?;
    }
    for (place, uri) in client.post_logout_redirect_uris.iter().enumerate() {
        redirect(uri, client.is_confidential(), &format!("oidc.post_logout_redirect_uris.{place}"))?;
    }
    if client.may(GrantType::AuthorizationCode) && client.redirect_uris.is_empty() {
        return Err(bad("oidc.redirect_uris", "at least one is needed where codes are given"));
    }
    if client.may(GrantType::ClientCredentials) && !client.is_confidential() {
        return Err(bad("oidc.grant_types", "client_credentials needs a client that says who it is"));
    }
    if !client.is_confidential() && !client.pkce_required {
        return Err(bad("oidc.pkce_required", "a client without a secret is held by PKCE alone"));
    }
    for (uri, at) in [
        (&client.jwks_uri, "oidc.jwks_uri"),
        (&client.frontchannel_logout_uri, "oidc.frontchannel_logout_uri"),
        (&client.backchannel_logout_uri, "oidc.backchannel_logout_uri"),
        (&client.initiate_login_uri, "oidc.initiate_login_uri"),
        (&client.client_uri, "oidc.client_uri"),
        (&client.policy_uri, "oidc.policy_uri"),
        (&client.tos_uri, "oidc.tos_uri"),
    ] {
        if let Some(uri) = uri {
            web(uri, at)?;
        }
    }
    if client.jwks.as_ref().is_some_and(|keys| keys.to_string().len() > LONGEST_KEYS || !keys["keys"].is_array()) {
        return Err(bad("oidc.jwks", "must be a key set: {\"keys\": […]}, of at most 32 KB"));
    }
    if client.jwks.is_some() && client.jwks_uri.is_some() {
        return Err(bad("oidc.jwks_uri", "there are keys already; one of the two"));
    }
    let keys = client.jwks.is_some() || client.jwks_uri.is_some();
    if (client.auth_method == ClientAuth::PrivateKeyJwt || client.require_signed_request) && !keys {
        return Err(bad("oidc.jwks", "a client that signs needs its keys here"));
    }
    certificate(client)?;
    if client.signs_with_secret() && !client.is_confidential() {
        return Err(bad("oidc.id_token_alg", "a client without a secret can't verify by it"));
    }
    if client.fapi {
        let strong = matches!(
            client.auth_method,
            ClientAuth::PrivateKeyJwt | ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth
        );
        if !strong {
            return Err(bad("oidc.auth_method", "FAPI 2.0 takes private_key_jwt or a certificate (§5.3.2.1)"));
        }
        if !client.dpop_required && !client.certificate_bound {
            return Err(bad("oidc.dpop_required", "FAPI 2.0 binds tokens: by DPoP or by a certificate (§5.3.2.1)"));
        }
    }
    algorithms(client)?;
    if let Subject::Pairwise { sector } = &client.subject
        && Host::parse(sector).is_none_or(|host| host.name != *sector)
    {
        return Err(bad("oidc.subject.pairwise.sector", "must be a host's name in small letters"));
    }
    words(&client.scopes, "oidc.scopes")?;
    words(&client.exchange_audiences, "oidc.exchange_audiences")?;
    words(&client.resources, "oidc.resources")?;
    for (place, resource) in client.resources.iter().enumerate() {
        let fits = Url::parse(resource).is_ok_and(|url| url.fragment().is_none());
        if !fits {
            return Err(bad(
                &format!("oidc.resources.{place}"),
                "must be an absolute URI without a fragment (RFC 8707 §2)",
            ));
        }
    }
    within(client.access_token_seconds, 30, DAY, "oidc.access_token_seconds")?;
    within(client.id_token_seconds, 30, DAY, "oidc.id_token_seconds")?;
    within(client.refresh_token_seconds, 60, YEAR, "oidc.refresh_token_seconds")?;
    within(client.refresh_idle_seconds, 60, YEAR, "oidc.refresh_idle_seconds")?;
    client.claims.check("oidc.claims", true)
}

/// What a client that shows a certificate needs to be known by: nothing of it is fetched, and without an authority no certificate counts.
fn certificate(client: &OidcClient) -> Result<(), SsoError> {
    let tls = &client.tls;
    match client.auth_method {
        ClientAuth::SelfSignedTlsClientAuth => {
            let keys = client.jwks.as_ref().filter(|keys| JwkSet::from_value(keys).is_ok());
            let keys = keys.and_then(|keys| keys["keys"].as_array()).into_iter().flatten();
            let mut shown = keys.filter_map(|key| key.pointer("/x5c/0")?.as_str());
            if shown.next().is_none() {
                return Err(bad("oidc.jwks", "a client with its own certificate has that here, as x5c of a key"));
            }
        }
        ClientAuth::TlsClientAuth => {
            let names = [&tls.subject_dn, &tls.san_dns, &tls.san_uri, &tls.san_ip, &tls.san_email];
            if names.iter().filter(|name| name.is_some()).count() != 1 {
                return Err(bad("oidc.tls", "exactly one name of the certificate is needed"));
            }
            let pem = tls.authorities.as_deref().unwrap_or_default();
            if !CertificateDer::pem_slice_iter(pem.as_bytes()).any(|one| one.is_ok()) {
                return Err(bad("oidc.tls.authorities", "the authority's certificate is needed, PEM"));
            }
        }
        _ => {}
    }
    Ok(())
}

/// By what a client's tokens are signed, and what it signs by: nothing that isn't done where it is set, or the client could never sign in.
fn algorithms(client: &OidcClient) -> Result<(), SsoError> {
    let all = if client.fapi { Algorithms::FAPI } else { Algorithms::ASYMMETRIC.or(Algorithms::HMAC) };
    let signs = match client.auth_method {
        ClientAuth::ClientSecretJwt => Algorithms::HMAC,
        ClientAuth::PrivateKeyJwt => all.and(Algorithms::ASYMMETRIC),
        // It doesn't sign; what it would sign by is no matter.
        _ => Algorithms::ASYMMETRIC.or(Algorithms::HMAC),
    };
    for (name, taken, at) in [
        (Some(&client.id_token_alg), OURS.and(all), "oidc.id_token_alg"),
        (client.userinfo_alg.as_ref(), OURS.and(all), "oidc.userinfo_alg"),
        (client.auth_signing_alg.as_ref(), signs, "oidc.auth_signing_alg"),
        (client.request_object_alg.as_ref(), all.and(Algorithms::ASYMMETRIC), "oidc.request_object_alg"),
    ] {
        let fits = name.is_none_or(|name| Algorithm::from_name(name).is_some_and(|one| taken.contains(one)));
        if !fits {
            let fapi = if client.fapi { " (FAPI 2.0 §5.4)" } else { "" };
            return Err(SsoError::invalid(at, format!("is one of {}{fapi}", taken.names().join(", "))));
        }
    }
    Ok(())
}

fn saml(party: &SamlParty) -> Result<(), SsoError> {
    many(party.acs.len(), "saml.acs", MOST_URLS)?;
    if party.acs.is_empty() {
        return Err(bad("saml.acs", "at least one is needed: where responses go"));
    }
    for (place, endpoint) in party.acs.iter().enumerate() {
        web(&endpoint.url, &format!("saml.acs.{place}.url"))?;
        if party.acs.iter().take(place).any(|other| other.index == endpoint.index) {
            return Err(bad(&format!("saml.acs.{place}.index"), "stands here twice"));
        }
    }
    many(party.slo.len(), "saml.slo", 10)?;
    for (place, endpoint) in party.slo.iter().enumerate() {
        web(&endpoint.url, &format!("saml.slo.{place}.url"))?;
        if let Some(url) = &endpoint.response_url {
            web(url, &format!("saml.slo.{place}.response_url"))?;
        }
    }
    if let Some(url) = &party.slo_soap {
        web(url, "saml.slo_soap")?;
    }
    if party.direct_logout && party.slo.is_empty() {
        return Err(bad("saml.slo", "an address is needed where logouts are brought directly"));
    }
    many(party.certificates.len(), "saml.certificates", MOST_CERTIFICATES)?;
    for (place, text) in party.certificates.iter().enumerate() {
        key_of(text, &format!("saml.certificates.{place}"))?;
    }
    if let Some(text) = &party.encryption_certificate {
        let at = "saml.encryption_certificate";
        if !key_of(text, at)?.takes_encryption() {
            return Err(bad(at, "must be of an RSA key: nothing is encrypted to another kind"));
        }
    }
    if party.encrypt && party.encryption_certificate.is_none() {
        return Err(bad("saml.encryption_certificate", "is needed where assertions are encrypted"));
    }
    if !party.sign_response && !party.sign_assertion {
        return Err(bad("saml.sign_assertion", "the response, the assertion or both must be signed"));
    }
    if party.want_signed_requests && party.certificates.is_empty() {
        return Err(bad("saml.certificates", "one is needed where requests must be signed"));
    }
    within(party.assertion_seconds, 30, 3600, "saml.assertion_seconds")?;
    if let Some(seconds) = party.session_seconds {
        within(seconds, 60, 30 * DAY, "saml.session_seconds")?;
    }
    party.name_id.value.check().map_err(|why| SsoError::invalid("saml.name_id.value", why.to_string()))?;
    words(&party.audiences, "saml.audiences")?;
    for (text, at) in
        [(&party.default_relay_state, "saml.default_relay_state"), (&party.authn_context, "saml.authn_context")]
    {
        if text.as_deref().is_some_and(|text| text.len() > LONGEST_URL || text.chars().any(char::is_control)) {
            return Err(bad(at, "is one line of at most 2048 bytes"));
        }
    }
    if let Some(url) = &party.metadata_url {
        web(url, "saml.metadata_url")?;
    }
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if party.metadata_fingerprint.as_deref().is_some_and(|text| !hex(text)) {
        return Err(bad("saml.metadata_fingerprint", "is the SHA-256 of a certificate: 64 hexadecimal digits"));
    }
    party.attributes.check("saml.attributes", false)
}

fn forward(host: &ForwardHost, key: &str) -> Result<(), SsoError> {
    let named = Url::parse(&host.origin).ok().and_then(|url| {
        let name = url.host_str()?.to_owned();
        // The scheme's own port isn't written.
        let named = url.port().map_or(name.clone(), |port| format!("{name}:{port}"));
        (url.origin().ascii_serialization() == host.origin).then_some(named)
    });
    web(&host.origin, "forward.origin")?;
    if named.as_deref() != Some(key) {
        return Err(bad("forward.origin", "must be https://host[:port] of the same host as the key"));
    }
    many(host.public_paths.len(), "forward.public_paths", MOST_URLS)?;
    for (place, path) in host.public_paths.iter().enumerate() {
        let star = path.find('*').is_none_or(|at| at + 1 == path.len());
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains(['?', '#', '%', '\\']);
        // A path that climbs is another one for whoever reads it next.
        if !path.starts_with('/') || !star || !plain || path.contains("..") || path.contains("//") || path.len() > 512 {
            return Err(bad(
                &format!("forward.public_paths.{place}"),
                "must be a plain path, with a `*` at its end for all that begin so",
            ));
        }
    }
    many(host.proxies.len(), "forward.proxies", MOST_URLS)?;
    for (place, network) in host.proxies.iter().enumerate() {
        let is_network = network.parse::<ipnet::IpNet>().is_ok() || network.parse::<std::net::IpAddr>().is_ok();
        if !is_network {
            return Err(bad(&format!("forward.proxies.{place}"), "must be an address or a network"));
        }
    }
    within(host.session_seconds, 60, 30 * DAY, "forward.session_seconds")?;
    host.headers.check("forward.headers", false)?;
    for (place, rule) in host.headers.0.iter().enumerate() {
        let token = rule.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !token {
            return Err(bad(
                &format!("forward.headers.{place}.name"),
                "must be a header's name: letters, digits, hyphens",
            ));
        }
    }
    Ok(())
}

/// Where a browser may be sent with a code.
fn redirect(uri: &str, confidential: bool, at: &str) -> Result<(), SsoError> {
    plain_url(uri, at)?;
    if redirect_uri::may_be_registered(uri, confidential) {
        return Ok(());
    }
    Err(bad(
        at,
        "must begin with https:// (http:// only for this machine itself) and name a host, and nobody's name or password; for a \
         program on a device it may be a scheme of its own with a dot in it",
    ))
}

/// An address that browsers are sent to, or that is asked by the server: `https`, or `http` to this machine.
fn web(uri: &str, at: &str) -> Result<(), SsoError> {
    let url = plain_url(uri, at)?;
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad(at, "must name a host, and nobody's name or password"));
    }
    let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        "https" => Ok(()),
        "http" if here => Ok(()),
        _ => Err(bad(at, "must begin with https:// (http:// only for this machine itself)")),
    }
}

fn plain_url(uri: &str, at: &str) -> Result<Url, SsoError> {
    if uri.len() > LONGEST_URL || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad(at, "must be an address in ASCII of at most 2048 characters"));
    }
    if uri.contains(['*', '#', '\\']) {
        return Err(bad(at, "is compared byte for byte: no wildcard, no fragment, no backslash"));
    }
    Url::parse(uri).map_err(|_| bad(at, "is not an absolute address"))
}

/// The key in a certificate: one that can't be used would fail each sign-in, long after somebody set it.
fn key_of(text: &str, at: &str) -> Result<PublicKey, SsoError> {
    let der = Some(text).filter(|text| text.len() <= LONGEST_CERTIFICATE);
    let der = der.and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let der = der.ok_or_else(|| bad(at, "must be a certificate: base64 of its DER, without line breaks"))?;
    PublicKey::from_certificate(&der).map_err(|why| SsoError::invalid(at, format!("can't be used: {why}")))
}

fn words(list: &[String], at: &str) -> Result<(), SsoError> {
    many(list.len(), at, MOST_WORDS)?;
    let fits = |word: &String| {
        (1..=LONGEST_URL).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    match list.iter().position(|word| !fits(word)) {
        Some(place) => {
            Err(bad(&format!("{at}.{place}"), "must be printable ASCII without spaces or quotes (RFC 6749 §3.3)"))
        }
        None => Ok(()),
    }
}

fn many(count: usize, at: &str, most: usize) -> Result<(), SsoError> {
    if count > most { Err(SsoError::invalid(at, format!("there are at most {most}"))) } else { Ok(()) }
}

fn within(seconds: u32, least: u32, most: u32, at: &str) -> Result<(), SsoError> {
    let fits = (least..=most).contains(&seconds);
    if fits { Ok(()) } else { Err(SsoError::invalid(at, format!("is {least} to {most} seconds"))) }
}
