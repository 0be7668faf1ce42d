//! Chains of certificates: of the blob's signer, and of authenticators.

use aws_lc_rs::digest as hash;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use types::Millis;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter};

/// Attestation certificates name purposes of their own, or none.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Follows a chain to one of `roots` at `now`.
pub(super) fn verify(
    leaf: &EndEntityCert<'_>,
    rest: &[CertificateDer<'_>],
    roots: &[TrustAnchor<'_>],
    now: Millis,
    purpose: impl ExtendedKeyUsageValidator,
) -> Result<(), webpki::Error> {
    let time = UnixTime::since_unix_epoch(Duration::from_millis(now.as_u64()));
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, roots, rest, time, purpose, None, None).map(|_| ())
}

/// Whether an authenticator's chain leads to one of the model's roots at `now`. A certificate that the metadata lists itself
/// is its own proof (FIDO Metadata Statement v3.0, `attestationRootCertificates`: they may be roots, or the attestation
/// certificates themselves).
pub(super) fn leads_to(leaf: &[u8], rest: &[Vec<u8>], roots: &[CertificateDer<'static>], now: Millis) -> bool {
    if roots.iter().any(|root| root.as_ref() == leaf) {
        return true;
    }
    // One root of a model that can't be read must not take the others away.
    let anchors: Vec<TrustAnchor<'_>> =
        roots.iter().filter_map(|root| webpki::anchor_from_trusted_cert(root).ok()).collect();
    let rest: Vec<CertificateDer<'_>> = rest.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let leaf = CertificateDer::from(leaf);
    EndEntityCert::try_from(&leaf).is_ok_and(|leaf| verify(&leaf, &rest, &anchors, now, AnyPurpose).is_ok())
}

/// How metadata names the attestation key of a model without AAGUID: SHA-1 of the certificate's public key (MDS v3.0 §3.1.1
/// `attestationCertificateKeyIdentifiers`, RFC 5280 §4.2.1.2 method 1). A name, so that SHA-1 harms nobody. Those are P-256.
pub(super) fn key_identifier(leaf: &[u8]) -> Option<[u8; 20]> {
    const POINT: usize = 65;
    let leaf = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&leaf).ok()?;
    let spki = leaf.subject_public_key_info();
    // A P-256 key's SubjectPublicKeyInfo: 26 bytes of algorithm, then the point.
    let point = (spki.len() == 26 + POINT).then(|| spki.last_chunk::<POINT>()).flatten()?;
    hash::digest(&hash::SHA1_FOR_LEGACY_USE_ONLY, point).as_ref().try_into().ok()
}
