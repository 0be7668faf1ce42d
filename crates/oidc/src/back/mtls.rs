//! Clients that show a certificate (RFC 8705). The listener asks for one, verifies that the client has its key, and leaves it to this door
//! whether it is the right one: each tenant's clients have certificates of other authorities.

use jose::JwkSet;
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject as _};
use sso::{OidcClient, party::TlsClient, tokens::ClientCertificates};
use std::{net::IpAddr, time::Duration};
use types::{Millis, ct_eq};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// `self_signed_tls_client_auth`: the certificate's key is one that the client registered (RFC 8705 §2.2), with the certificate itself (`x5c`).
pub(super) fn is_registered(client: &OidcClient, shown: Option<&ClientCertificates>) -> bool {
    let Some(own) = shown.and_then(|shown| shown.0.first()) else { return false };
    let Some(keys) = client.jwks.as_ref().and_then(|jwks| jwks.get("keys")).and_then(|keys| keys.as_array()) else {
        return false;
    };
    // A set with a private key in it registers nothing.
    let sound = client.jwks.as_ref().is_some_and(|jwks| JwkSet::from_value(jwks).is_ok());
    let registered = keys.iter().filter_map(|key| key.get("x5c")?.as_array()?.first()?.as_str());
    let mut ders = registered.filter_map(|text| data_encoding::BASE64.decode(text.as_bytes()).ok());
    sound && ders.any(|der| ct_eq(&der, own))
}

/// `tls_client_auth`: an authority that is set for the client signed the certificate, and it has the registered name (RFC 8705 §2.1).
pub(super) fn is_issued(wanted: &TlsClient, shown: Option<&ClientCertificates>, now: Millis) -> bool {
    let Some((own, others)) = shown.and_then(|shown| shown.0.split_first()) else { return false };
    chains(wanted, own, others, now) && has_name(wanted, own)
}

fn chains(wanted: &TlsClient, own: &[u8], others: &[Vec<u8>], now: Millis) -> bool {
    let Some(authorities) = &wanted.authorities else { return false };
    let trusted: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(authorities.as_bytes()).filter_map(Result::ok).collect();
    let anchors: Vec<_> = trusted.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    let own = CertificateDer::from(own);
    let others: Vec<CertificateDer<'_>> = others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let Ok(end) = EndEntityCert::try_from(&own) else { return false };
    let time = UnixTime::since_unix_epoch(Duration::from_millis(now.as_u64()));
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    end.verify_for_usage(algorithms, &anchors, &others, time, KeyUsage::client_auth(), None, None).is_ok()
}

/// Whether the certificate has the one name that is set: exactly one is.
fn has_name(wanted: &TlsClient, own: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(own) else { return false };
    let names = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension.value.general_names.clone(),
        Ok(None) => Vec::new(),
        Err(_) => return false,
    };
    let TlsClient { subject_dn, san_dns, san_uri, san_ip, san_email, .. } = wanted;
    match (subject_dn, san_dns, san_uri, san_ip, san_email) {
        (Some(dn), None, None, None, None) => {
            // As RFC 4514 writes it: the last part first.
            let shown = certificate.subject().iter_rdn().map(rdn).collect::<Option<Vec<_>>>();
            shown.is_some_and(|shown| shown.into_iter().rev().collect::<Vec<_>>().join(",") == normal_dn(dn))
        }
        (None, Some(dns), None, None, None) => {
            names.iter().any(|name| matches!(name, GeneralName::DNSName(shown) if shown.eq_ignore_ascii_case(dns)))
        }
        (None, None, Some(uri), None, None) => {
            names.iter().any(|name| matches!(name, GeneralName::URI(shown) if shown == uri))
        }
        (None, None, None, Some(ip), None) => {
            let Ok(ip) = ip.parse::<IpAddr>() else { return false };
            let octets = match ip {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            names.iter().any(|name| matches!(name, GeneralName::IPAddress(shown) if **shown == octets))
        }
        (None, None, None, None, Some(email)) => {
            names.iter().any(|name| matches!(name, GeneralName::RFC822Name(shown) if shown == email))
        }
        _ => false,
    }
}

/// One part of a name; none for one that this can't write in a single way: then nothing fits.
fn rdn(part: &x509_parser::x509::RelativeDistinguishedName<'_>) -> Option<String> {
    let mut attributes = part.iter();
    let (Some(attribute), None) = (attributes.next(), attributes.next()) else { return None };
    let kind = match attribute.attr_type().to_id_string().as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        _ => return None,
    };
    let value = attribute.as_str().ok()?;
    // RFC 4514 §2.4 would escape these: no two readers agree on how they are compared.
    let plain = value.trim() == value && !value.contains([',', '+', '"', '\\', '<', '>', ';', '=', '#', '\0']);
    plain.then(|| format!("{kind}={value}"))
}

/// Without the spaces that many write behind commas.
fn normal_dn(dn: &str) -> String {
    let parts = dn.split(',').map(|part| {
        let part = part.trim();
        match part.split_once('=') {
            Some((kind, value)) => format!("{}={value}", kind.trim().to_ascii_uppercase()),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(",")
}
