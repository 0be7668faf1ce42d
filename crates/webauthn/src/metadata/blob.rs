//! The blob's outside: a JWS (RFC 7515 §7.1) whose header carries its signer's chain (MDS v3.0 §3.1.6, §3.2).

use super::chain;
use crate::MetadataError;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rustls_pki_types::{CertificateDer, DnsName, ServerName, TrustAnchor, pem::PemObject};
use serde::Deserialize;
use types::Millis;
use webpki::{EndEntityCert, KeyUsage};

/// The longest blob that is read, in bytes. In 2026 it has about 10 MiB.
const MAX_BLOB: usize = 64 * 1024 * 1024;

/// The longest chain in a header.
const MAX_CHAIN: usize = 8;

/// The name in FIDO's signing certificate. Its chain ends at a root of the web's, under which anybody has a certificate: so
/// the name is what counts.
const SIGNER: &str = "mds.fidoalliance.org";

/// Whom to believe about authenticators. The roots are the operator's to configure: none is built in.
#[derive(Clone, Debug)]
pub struct MetadataRoots {
    anchors: Vec<TrustAnchor<'static>>,
    signer: DnsName<'static>,
}

impl MetadataRoots {
    /// From certificates in PEM, one or more. FIDO's blob is signed under GlobalSign's `Root CA - R3` (and, for the next
    /// one, `Root R46`); another service's, or a test's, under its own.
    ///
    /// # Errors
    /// [`MetadataError::Roots`] when there is none, or one can't be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, MetadataError> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| MetadataError::Roots)?;
            let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| MetadataError::Roots)?;
            anchors.push(anchor.to_owned());
        }
        let signer = DnsName::try_from(SIGNER).map_err(|_| MetadataError::Roots)?;
        if anchors.is_empty() { Err(MetadataError::Roots) } else { Ok(Self { anchors, signer }) }
    }

    /// The same roots, for a service of another name.
    ///
    /// # Errors
    /// [`MetadataError::Roots`] when that is no host name.
    pub fn signed_by(mut self, host: &str) -> Result<Self, MetadataError> {
        self.signer = DnsName::try_from(host.to_owned()).map_err(|_| MetadataError::Roots)?;
        Ok(self)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    x5c: Vec<String>,
    /// Extensions that a reader must know (RFC 7515 §4.1.11). We know none.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// The payload, once its signature and its signer were found right.
pub(super) fn verify(blob: &[u8], roots: &MetadataRoots, now: Millis) -> Result<Vec<u8>, MetadataError> {
    if blob.len() > MAX_BLOB {
        return Err(MetadataError::TooLarge);
    }
    let blob = blob.trim_ascii();
    let mut dots = blob.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(place, _)| place);
    let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
        return Err(MetadataError::Malformed("it hasn't three parts"));
    };
    let part = |range| blob.get(range).unwrap_or_default();
    let decode = |text: &[u8]| BASE64URL_NOPAD.decode(text).map_err(|_| MetadataError::Malformed("no base64url"));
    let signed = part(0..second);
    let header = decode(part(0..first))?;
    let signature = decode(part(second + 1..blob.len()))?;

    let header: Header = serde_json::from_slice(&header).map_err(|_| MetadataError::Malformed("its header"))?;
    if header.crit.is_some() {
        return Err(MetadataError::Malformed("its header's crit"));
    }
    let algorithm = algorithm(&header.alg)?;
    if header.x5c.is_empty() || header.x5c.len() > MAX_CHAIN {
        return Err(MetadataError::Malformed("its header's x5c"));
    }
    let chain = header.x5c.iter().map(|text| BASE64.decode(text.as_bytes()).map(CertificateDer::from));
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|_| MetadataError::Malformed("its header's x5c"))?;
    let (leaf, rest) = chain.split_first().ok_or(MetadataError::Malformed("its header's x5c"))?;
    let leaf = EndEntityCert::try_from(leaf).map_err(MetadataError::Untrusted)?;
    chain::verify(&leaf, rest, &roots.anchors, now, KeyUsage::server_auth()).map_err(MetadataError::Untrusted)?;
    let signer = ServerName::DnsName(roots.signer.borrow());
    leaf.verify_is_valid_for_subject_name(&signer).map_err(MetadataError::Untrusted)?;

    let key = leaf.subject_public_key_info();
    let key = ParsedPublicKey::new(algorithm, key.as_ref()).map_err(|_| MetadataError::Algorithm)?;
    key.verify_sig(signed, &signature).map_err(|_| MetadataError::Signature)?;
    decode(part(first + 1..second))
}

/// RFC 7518 §3.1. No MAC and no `none`, whatever the header says.
fn algorithm(name: &str) -> Result<&'static dyn VerificationAlgorithm, MetadataError> {
    Ok(match name {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
        "ES384" => &signature::ECDSA_P384_SHA384_FIXED,
        _ => return Err(MetadataError::Algorithm),
    })
}
