//! A metadata blob: any bytes, which nobody has signed, and any payload under a signature that is right.
#![no_main]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use countersign_types::Millis;
use countersign_webauthn::{Aaguid, Metadata, MetadataRoots};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use libfuzzer_sys::fuzz_target;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::OnceLock;

/// 2026.
const NOW: Millis = Millis(1_795_262_400_000);

fn service() -> &'static (MetadataRoots, String, EcdsaKeyPair) {
    static SERVICE: OnceLock<(MetadataRoots, String, EcdsaKeyPair)> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["mds.fidoalliance.org".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &root).unwrap();
        let header = format!(r#"{{"alg":"ES256","x5c":["{}"]}}"#, BASE64.encode(leaf.der()));
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap();
        let roots = MetadataRoots::from_pem(root.pem().as_bytes()).unwrap();
        (roots, BASE64URL_NOPAD.encode(header.as_bytes()), signer)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (roots, header, signer) = service();
    assert!(Metadata::parse(bytes, roots, NOW).is_err());
    let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(bytes));
    let signature = signer.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let blob = format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()));
    if let Ok(metadata) = Metadata::parse(blob.as_bytes(), roots, NOW) {
        let _ = metadata.name(Aaguid([1; 16]));
        let _ = metadata.suspension_of(Aaguid([1; 16]), bytes, NOW);
    }
});
