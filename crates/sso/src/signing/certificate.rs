//! The self-signed certificate around a SAML key. Nobody checks its name or its dates (SAML metadata is trusted as it was given), but many
//! service providers refuse one that is over.

use super::CERTIFICATE_YEARS;
use crate::SsoError;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use rustls_pki_types::PrivatePkcs8KeyDer;
use types::{Millis, SecretBytes};

const FAILED: SsoError = SsoError::Damaged("signing key");

/// A certificate for `host` in DER, valid from the day before `now`.
pub(super) fn make(key: &SecretBytes, host: &str, now: Millis) -> Result<Vec<u8>, SsoError> {
    let der = PrivatePkcs8KeyDer::from(key.expose());
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256).map_err(|_| FAILED)?;
    let date = jiff::Timestamp::from_millisecond(now.0 - 86_400_000)
        .map_err(|_| FAILED)?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let day = |year: i16, day: u8| date_time_ymd(year.into(), date.month().unsigned_abs(), day);
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, host);
    params.distinguished_name = name;
    params.not_before = day(date.year(), date.day().unsigned_abs());
    // The 28th is a day of every month of every year.
    params.not_after = day(date.year().saturating_add(CERTIFICATE_YEARS), date.day().unsigned_abs().min(28));
    Ok(params.self_signed(&pair).map_err(|_| FAILED)?.der().to_vec())
}
