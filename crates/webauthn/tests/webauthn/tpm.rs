//! Windows Hello's way: an RSA key in a TPM, attested by the TPM's own certificate.

use crate::{
    forge::*,
    service::{Model, Service, authority},
    vectors,
};
use aws_lc_rs::digest::{SHA512, digest};
use countersign_webauthn::*;
use data_encoding::HEXLOWER;
use rcgen::{
    CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_RSA_SHA256, SigningKey, date_time_ymd,
};
use serde_json::json;
use std::sync::LazyLock;

const MODEL: [u8; 16] = [0x22; 16];

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, content.len() as u8], content].concat()
}

/// What a TPM's certificate is made of; each test spoils one thing.
struct Certificate {
    manufacturer: bool,
    critical: bool,
    purpose: Vec<u64>,
    ca: bool,
    named: bool,
    model: Option<[u8; 16]>,
}

impl Default for Certificate {
    fn default() -> Self {
        Self {
            manufacturer: true,
            critical: true,
            purpose: vec![2, 23, 133, 8, 3],
            ca: false,
            named: false,
            model: Some(MODEL),
        }
    }
}

struct Tpm {
    maker: CertifiedIssuer<'static, KeyPair>,
    key: KeyPair,
    credential: Forge,
    service: Service,
}

/// What a statement says; each test spoils one thing.
struct Said {
    magic: u32,
    kind: u16,
    extra: Vec<u8>,
    public: Vec<u8>,
    algorithm: Vec<u8>,
    version: &'static str,
    more: Vec<u8>,
}

impl Tpm {
    fn new() -> Self {
        Self {
            maker: authority("TPM maker"),
            key: KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(),
            credential: Forge { aaguid: MODEL, ..Forge::rsa() },
            service: Service::new(),
        }
    }

    fn certificate(&self, made: &Certificate) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        if !made.named {
            params.distinguished_name = DistinguishedName::new();
        }
        params.is_ca = if made.ca { IsCa::Ca(rcgen::BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(made.purpose.clone())];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        // One attribute: manufacturer (2.23.133.2.1), or model (2.23.133.2.2) only.
        let oid = der(0x06, &[0x67, 0x81, 0x05, 0x02, if made.manufacturer { 1 } else { 2 }]);
        let attribute = der(0x31, &der(0x30, &[oid, der(0x0c, b"id:4D534654")].concat()));
        let names = der(0x30, &der(0xa4, &der(0x30, &attribute)));
        let mut names = CustomExtension::from_oid_content(&[2, 5, 29, 17], names);
        names.set_criticality(made.critical);
        params.custom_extensions.push(names);
        if let Some(model) = made.model {
            let octets = der(0x04, &model);
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], octets));
        }
        params.signed_by(&self.key, &self.maker).unwrap().der().to_vec()
    }

    /// `TPMT_PUBLIC` of the credential's key.
    fn public(&self) -> Vec<u8> {
        let mut public = vec![0x00, 0x01, 0x00, 0x0b, 0x00, 0x06, 0x04, 0x72, 0x00, 0x00];
        // No symmetric algorithm, no scheme, 2048 bits, the usual exponent.
        public.extend([0x00, 0x10, 0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00]);
        public.extend(256_u16.to_be_bytes());
        public.extend(self.credential.modulus());
        public
    }

    fn register(
        &self,
        certificate: &Certificate,
        change: impl FnOnce(&mut Said),
    ) -> Result<RegisteredPasskey, WebauthnError> {
        let metadata = self.service.metadata(1, &[Model::new(Aaguid(MODEL), "Hello", &[self.maker.der()])]);
        let world = world();
        let ask = RegistrationAsk { attestation: AttestationAsk::Direct, ..RegistrationAsk::only_factor(Vec::new()) };
        let (options, state) = rp().start_registration(&person(), ask, &*world.random)?;
        let attest = |signed: &[u8]| {
            let mut said = Said {
                magic: 0xff54_4347,
                kind: 0x8017,
                extra: sha256(signed),
                public: self.public(),
                algorithm: vec![0x39, 0x01, 0x00],
                version: "2.0",
                more: Vec::new(),
            };
            change(&mut said);
            let name = [&[0x00, 0x0b], sha256(&said.public).as_slice()].concat();
            let sized = |bytes: &[u8]| [(bytes.len() as u16).to_be_bytes().as_slice(), bytes].concat();
            let info = [
                said.magic.to_be_bytes().to_vec(),
                said.kind.to_be_bytes().to_vec(),
                sized(b"signer"),
                sized(&said.extra),
                vec![0; 25],
                sized(&name),
                sized(b""),
                said.more,
            ]
            .concat();
            let statement = [
                vec![0xa6],
                text("ver"),
                text(said.version),
                text("alg"),
                said.algorithm,
                text("x5c"),
                vec![0x81],
                bytes(&self.certificate(certificate)),
                text("sig"),
                bytes(&self.key.sign(&info).unwrap()),
                text("certInfo"),
                bytes(&info),
                text("pubArea"),
                bytes(&said.public),
            ];
            ("tpm", statement.concat())
        };
        let answer = self.credential.register_with(&options, |_| {}, attest);
        rp().finish_registration(state, &answer, &AttestationPolicy::default(), Some(&metadata), NOW)
    }
}

/// RSA keys take their time to make.
static TPM: LazyLock<Tpm> = LazyLock::new(Tpm::new);

#[test]
fn an_rsa_key_in_a_tpm_is_verified_and_signs_in() {
    let passkey = TPM.register(&Certificate::default(), |_| {}).unwrap();
    assert_eq!(passkey.attestation, Attestation::Verified);
    assert_eq!(passkey.name_by_aaguid.as_deref(), Some("Hello"));
    let kept = kept(&passkey);
    signed_in(&TPM.credential, &kept, Verification::Required, |draft| draft.counter = 1).unwrap();
    let thief = Forge { id: TPM.credential.id.clone(), ..Forge::rsa() };
    let refused = signed_in(&thief, &kept, Verification::Required, |draft| draft.counter = 2);
    assert!(matches!(refused, Err(WebauthnError::Signature)));
    // An elliptic key's signature under an RSA key.
    let refused = signed_in(&Forge::new(), &kept, Verification::Required, |draft| draft.counter = 2);
    assert!(matches!(refused, Err(WebauthnError::Signature)));
}

#[test]
fn only_a_tpms_own_certificate_attests() {
    for (what, certificate) in [
        ("no manufacturer", Certificate { manufacturer: false, ..Default::default() }),
        ("names not critical", Certificate { critical: false, ..Default::default() }),
        ("another purpose", Certificate { purpose: vec![1, 3, 6, 1, 5, 5, 7, 3, 1], ..Default::default() }),
        ("an authority", Certificate { ca: true, ..Default::default() }),
        ("a subject", Certificate { named: true, ..Default::default() }),
        ("another model", Certificate { model: Some([3; 16]), ..Default::default() }),
    ] {
        let refused = TPM.register(&certificate, |_| {});
        assert!(matches!(refused, Err(WebauthnError::AttestationInvalid)), "{what}: {refused:?}");
    }
    let unnamed = Certificate { model: None, ..Default::default() };
    assert_eq!(TPM.register(&unnamed, |_| {}).unwrap().attestation, Attestation::Verified);
}

#[test]
fn a_statement_says_what_it_should() {
    let other = Forge::rsa();
    type Change = Box<dyn FnOnce(&mut Said)>;
    let changes: [(&str, Change); 9] = [
        ("made outside a TPM", Box::new(|said| said.magic = 0xff54_4348)),
        ("a quote", Box::new(|said| said.kind = 0x8018)),
        ("another challenge", Box::new(|said| said.extra = sha256(b"another"))),
        ("another hash", Box::new(|said| said.extra = digest(&SHA512, &said.extra).as_ref().to_vec())),
        ("another key", Box::new(move |said| said.public[22..278].copy_from_slice(other.modulus()))),
        ("another exponent", Box::new(|said| said.public[19] = 3)),
        ("more behind", Box::new(|said| said.more = vec![0])),
        ("a key with a symmetric part", Box::new(|said| said.public[11] = 0x06)),
        ("version 1.2", Box::new(|said| said.version = "1.2")),
    ];
    for (what, change) in changes {
        let refused = TPM.register(&Certificate::default(), change);
        assert!(matches!(refused, Err(WebauthnError::AttestationInvalid)), "{what}: {refused:?}");
    }
    // Signed by RSA, and said to be by an elliptic key.
    let refused = TPM.register(&Certificate::default(), |said| said.algorithm = vec![0x26]);
    assert!(matches!(refused, Err(WebauthnError::AttestationInvalid)), "{refused:?}");
    // RS1: SHA-1 proves nothing any more.
    let old = TPM.register(&Certificate::default(), |said| said.algorithm = vec![0x39, 0xff, 0xfe]);
    assert_eq!(old.unwrap().attestation, Attestation::None);
}

#[test]
fn every_bit_of_the_standards_statement_is_bound() {
    let (vector, root) = vectors::vector("tpm-es256");
    let aaguid = Aaguid(vectors::hex(&vector["aaguid"]).try_into().unwrap());
    let metadata = Service::new().metadata(1, &[Model::new(aaguid, "Vector", &[&root])]);
    assert_eq!(vectors::register(&vector, Some(&metadata)).unwrap().attestation, Attestation::Verified);
    let object = vectors::hex(&vector["registration"]["attestationObject"]);
    for place in 0..object.len() {
        let mut object = object.clone();
        object[place] ^= 1 << (place % 8);
        let mut vector = vector.clone();
        vector["registration"]["attestationObject"] = json!(HEXLOWER.encode(&object));
        let verified = vectors::register(&vector, Some(&metadata))
            .is_ok_and(|passkey| passkey.attestation == Attestation::Verified);
        assert!(!verified, "byte {place}");
    }
}
