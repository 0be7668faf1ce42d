//! Statements of a TPM (level 3 §8.3): Windows Hello's. The core takes no hash for them, so they are verified here.

use crate::WebauthnError;
use aws_lc_rs::digest as hash;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use serde_cbor_2::Value;
use webauthn_rs_core::proto::{COSEKey, COSEKeyType, ECDSACurve};
use webpki::EndEntityCert;
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    oid_registry::{Oid, asn1_rs::oid},
    prelude::{FromDer, X509Certificate},
    x509::X509Version,
};

/// A TPM's certificate names its maker, model and firmware (TCG EK Credential Profile §3.2.9).
const MANUFACTURER: Oid<'static> = oid!(2.23.133.2.1);
/// `tcg-kp-AIKCertificate`.
const AIK: Oid<'static> = oid!(2.23.133.8.3);
/// `id-fido-gen-ce-aaguid`.
const AAGUID: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.4);

/// TPM 2.0 Library, Part 2: §6.2 (magic), §6.9 (type), §6.3 (algorithms), §6.4 (curves).
const GENERATED: u32 = 0xff54_4347;
const ATTEST_CERTIFY: u16 = 0x8017;
const ALG_RSA: u16 = 0x0001;
const ALG_NULL: u16 = 0x0010;
const ALG_ECC: u16 = 0x0023;

/// What the statement is about.
pub(super) struct Subject<'a> {
    pub(super) auth_data: &'a [u8],
    pub(super) client_data: &'a [u8],
    pub(super) key: &'a COSEKey,
    pub(super) aaguid: [u8; 16],
}

/// Verifies a statement; gives its chain, leaf first. `None`: signed by an algorithm that isn't taken any more (SHA-1, on old
/// machines), which counts as no attestation.
pub(super) fn verify(statement: &Value, subject: &Subject<'_>) -> Result<Option<Vec<Vec<u8>>>, WebauthnError> {
    let Value::Map(members) = statement else { return Err(WebauthnError::AttestationInvalid) };
    let member = |name: &str| members.get(&Value::Text(name.to_owned())).ok_or(WebauthnError::AttestationInvalid);
    let bytes = |name: &str| match member(name)? {
        Value::Bytes(bytes) => Ok(bytes.as_slice()),
        _ => Err(WebauthnError::AttestationInvalid),
    };
    if *member("ver")? != Value::Text("2.0".to_owned()) {
        return Err(WebauthnError::AttestationInvalid);
    }
    let Value::Integer(algorithm) = member("alg")? else { return Err(WebauthnError::AttestationInvalid) };
    let Some((digest, algorithm)) = by_cose(*algorithm) else { return Ok(None) };
    let Value::Array(chain) = member("x5c")? else { return Err(WebauthnError::AttestationInvalid) };
    let chain = chain.iter().map(|certificate| match certificate {
        Value::Bytes(der) => Ok(der.clone()),
        _ => Err(WebauthnError::AttestationInvalid),
    });
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let (cert_info, pub_area) = (bytes("certInfo")?, bytes("pubArea")?);

    let public = Public::read(pub_area).ok_or(WebauthnError::AttestationInvalid)?;
    let certified = Certified::read(cert_info).ok_or(WebauthnError::AttestationInvalid)?;
    let to_be_signed = [subject.auth_data, hash::digest(&hash::SHA256, subject.client_data).as_ref()].concat();
    let name = public.name(pub_area).ok_or(WebauthnError::AttestationInvalid)?;
    let right = public.is(subject.key)
        && certified.extra_data == hash::digest(digest, &to_be_signed).as_ref()
        && certified.name == name
        && chain.first().is_some_and(|leaf| {
            signed(leaf, algorithm, cert_info, bytes("sig").unwrap_or_default()) && is_aik(leaf, subject.aaguid)
        });
    if right { Ok(Some(chain)) } else { Err(WebauthnError::AttestationInvalid) }
}

/// RFC 9053 and RFC 8812: the algorithms of TPMs' attestation keys.
fn by_cose(algorithm: i128) -> Option<(&'static hash::Algorithm, &'static dyn SignatureVerificationAlgorithm)> {
    Some(match algorithm {
        -7 => (&hash::SHA256, webpki::aws_lc_rs::ECDSA_P256_SHA256),
        -35 => (&hash::SHA384, webpki::aws_lc_rs::ECDSA_P384_SHA384),
        -257 => (&hash::SHA256, webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256),
        -258 => (&hash::SHA384, webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384),
        -259 => (&hash::SHA512, webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512),
        _ => return None,
    })
}

fn signed(leaf: &[u8], algorithm: &dyn SignatureVerificationAlgorithm, message: &[u8], signature: &[u8]) -> bool {
    let leaf = CertificateDer::from(leaf);
    EndEntityCert::try_from(&leaf).is_ok_and(|leaf| leaf.verify_signature(algorithm, message, signature).is_ok())
}

/// Whether a certificate is one of an attestation key in a TPM (level 3 §8.3.1), for this model if it names one.
fn is_aik(der: &[u8], aaguid: [u8; 16]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let (mut tpm, mut aik, mut leaf, mut model) = (false, false, false, true);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                tpm = extension.critical
                    && names.general_names.iter().any(|name| match name {
                        GeneralName::DirectoryName(name) => name.iter_by_oid(&MANUFACTURER).next().is_some(),
                        _ => false,
                    });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => aik = usage.other.contains(&AIK),
            ParsedExtension::BasicConstraints(constraints) => leaf = !constraints.ca,
            _ if extension.oid == AAGUID => model = extension.value == [&[0x04, 0x10], aaguid.as_slice()].concat(),
            _ => {}
        }
    }
    certificate.version() == X509Version::V3
        && certificate.subject().iter().next().is_none()
        && tpm
        && aik
        && leaf
        && model
}

/// Reads a TPM's structures: big-endian, sizes in front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// `TPM2B_…`: a size, then as many bytes.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// A scheme: an algorithm, and its hash unless it is none.
    fn scheme(&mut self) -> Option<()> {
        if self.u16()? != ALG_NULL {
            self.u16()?;
        }
        Some(())
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// `TPMT_PUBLIC` (Part 2 §12.2.4): the credential's key as the TPM has it.
struct Public<'a> {
    name_hash: u16,
    key: PublicKey<'a>,
}

enum PublicKey<'a> {
    Rsa { modulus: &'a [u8], exponent: u32 },
    Ecc { curve: u16, x: &'a [u8], y: &'a [u8] },
}

impl<'a> Public<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = reader.u16()?;
        let name_hash = reader.u16()?;
        let _attributes = reader.u32()?;
        let _policy = reader.sized()?;
        // A signing key has no symmetric algorithm.
        if reader.u16()? != ALG_NULL {
            return None;
        }
        reader.scheme()?;
        let key = match kind {
            ALG_RSA => {
                let _bits = reader.u16()?;
                let exponent = reader.u32()?;
                PublicKey::Rsa { modulus: reader.sized()?, exponent: if exponent == 0 { 65_537 } else { exponent } }
            }
            ALG_ECC => {
                let curve = reader.u16()?;
                reader.scheme()?;
                PublicKey::Ecc { curve, x: reader.sized()?, y: reader.sized()? }
            }
            _ => return None,
        };
        reader.end()?;
        Some(Self { name_hash, key })
    }

    /// Its name (Part 1 §16): the hash's identifier, and the hash.
    fn name(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let algorithm = match self.name_hash {
            0x000b => &hash::SHA256,
            0x000c => &hash::SHA384,
            0x000d => &hash::SHA512,
            _ => return None,
        };
        Some([&self.name_hash.to_be_bytes(), hash::digest(algorithm, bytes).as_ref()].concat())
    }

    /// Whether it is the same key.
    fn is(&self, key: &COSEKey) -> bool {
        match (&self.key, &key.key) {
            (PublicKey::Rsa { modulus, exponent }, COSEKeyType::RSA(key)) => {
                let [_, e @ ..] = exponent.to_be_bytes();
                *exponent >> 24 == 0 && key.e == e && number(modulus) == number(&key.n)
            }
            (PublicKey::Ecc { curve, x, y }, COSEKeyType::EC_EC2(key)) => {
                let same_curve =
                    matches!((curve, &key.curve), (0x0003, ECDSACurve::SECP256R1) | (0x0004, ECDSACurve::SECP384R1));
                same_curve && number(x) == number(&key.x) && number(y) == number(&key.y)
            }
            _ => false,
        }
    }
}

/// A big-endian number without the noughts in front, which TPMs may leave out.
fn number(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// `TPMS_ATTEST` (Part 2 §10.12.12) about a certified key.
struct Certified<'a> {
    extra_data: &'a [u8],
    name: &'a [u8],
}

impl<'a> Certified<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.u32()? != GENERATED || reader.u16()? != ATTEST_CERTIFY {
            return None;
        }
        let _signer = reader.sized()?;
        let extra_data = reader.sized()?;
        // Clock (8 bytes), resets, restarts (4 each), safe (1); firmware's version (8).
        reader.take(17 + 8)?;
        let name = reader.sized()?;
        let _qualified = reader.sized()?;
        reader.end()?;
        Some(Self { extra_data, name })
    }
}
