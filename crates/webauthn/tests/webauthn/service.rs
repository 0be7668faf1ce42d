//! A metadata service, and makers of authenticators, of the tests' own making.

use crate::forge::NOW;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use countersign_webauthn::*;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, SigningKey, date_time_ymd,
};
use serde_json::{Value, json};

pub(crate) const SIGNER: &str = "mds.fidoalliance.org";

/// A certificate authority.
pub(crate) fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2045, 1, 1));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The service: a root, a certificate between, and a signer below it.
pub(crate) struct Service {
    root: CertifiedIssuer<'static, KeyPair>,
    chain: Vec<Vec<u8>>,
    signer: KeyPair,
}

/// How the signer's certificate is made.
pub(crate) struct Signer {
    pub(crate) host: &'static str,
    /// The last year of its validity.
    pub(crate) until: i32,
    pub(crate) rsa: bool,
    pub(crate) purpose: ExtendedKeyUsagePurpose,
}

impl Default for Signer {
    fn default() -> Self {
        Self { host: SIGNER, until: 2030, rsa: false, purpose: ExtendedKeyUsagePurpose::ServerAuth }
    }
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(&Signer::default())
    }

    pub(crate) fn with(signer: &Signer) -> Self {
        let root = authority("Root of the metadata");
        let mut between = CertificateParams::new(Vec::new()).unwrap();
        between.distinguished_name.push(DnType::CommonName, "Between");
        between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        between.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let between = CertifiedIssuer::signed_by(between, KeyPair::generate().unwrap(), &root).unwrap();
        let key = match signer.rsa {
            true => KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(),
            false => KeyPair::generate().unwrap(),
        };
        let mut leaf = CertificateParams::new(vec![signer.host.to_owned()]).unwrap();
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.extended_key_usages = vec![signer.purpose.clone()];
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(signer.until, 1, 1));
        let leaf = leaf.signed_by(&key, &between).unwrap();
        let chain = vec![leaf.der().to_vec(), between.der().to_vec()];
        Self { root, chain, signer: key }
    }

    pub(crate) fn root_der(&self) -> Vec<u8> {
        self.root.der().to_vec()
    }

    pub(crate) fn roots(&self) -> MetadataRoots {
        MetadataRoots::from_pem(self.root.pem().as_bytes()).unwrap()
    }

    pub(crate) fn header(&self) -> Value {
        let algorithm = if self.signer.algorithm() == &PKCS_RSA_SHA256 { "RS256" } else { "ES256" };
        let chain: Vec<String> = self.chain.iter().map(|der| BASE64.encode(der)).collect();
        json!({ "alg": algorithm, "typ": "JWT", "x5c": chain })
    }

    /// A blob: signed by the signer whatever its header says.
    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(payload));
        let signature = if self.signer.algorithm() == &PKCS_RSA_SHA256 {
            self.signer.sign(signed.as_bytes()).unwrap()
        } else {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.signer.serialize_der()).unwrap();
            key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
        };
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    pub(crate) fn blob(&self, serial: u64, models: &[Model]) -> String {
        self.sign(&self.header(), &payload(serial, models))
    }

    pub(crate) fn metadata(&self, serial: u64, models: &[Model]) -> Metadata {
        Metadata::parse(self.blob(serial, models).as_bytes(), &self.roots(), NOW).unwrap()
    }
}

pub(crate) fn payload(serial: u64, models: &[Model]) -> Value {
    json!({
        "legalHeader": "of the tests' own making",
        "no": serial,
        "nextUpdate": "2026-12-01",
        "entries": models.iter().map(Model::entry).collect::<Vec<_>>(),
        "aMemberOfLaterVersions": { "x": [1, 2, 3] },
    })
}

/// A model's entry.
#[derive(Clone)]
pub(crate) struct Model {
    aaguid: Aaguid,
    name: String,
    roots: Vec<Vec<u8>>,
    /// Its reports, as the metadata has them.
    pub(crate) reports: Vec<Value>,
    /// Hexadecimal key identifiers, for a model without AAGUID.
    pub(crate) keys: Vec<String>,
}

impl Model {
    pub(crate) fn new(aaguid: Aaguid, name: &str, roots: &[&[u8]]) -> Self {
        Self {
            aaguid,
            name: name.to_owned(),
            roots: roots.iter().map(|root| root.to_vec()).collect(),
            reports: vec![json!({ "status": "FIDO_CERTIFIED_L1", "effectiveDate": "2021-02-03" })],
            keys: Vec::new(),
        }
    }

    pub(crate) fn reported(mut self, report: Value) -> Self {
        self.reports.push(report);
        self
    }

    fn entry(&self) -> Value {
        let mut entry = json!({
            "metadataStatement": {
                "description": self.name,
                "icon": "data:image/png;base64,AAAA",
                "attestationRootCertificates": self.roots.iter().map(|root| BASE64.encode(root)).collect::<Vec<_>>(),
            },
            "statusReports": self.reports,
            "timeOfLastStatusChange": "2026-01-01",
        });
        if self.keys.is_empty() {
            entry["aaguid"] = json!(self.aaguid.to_string());
        } else {
            entry["attestationCertificateKeyIdentifiers"] = json!(self.keys);
        }
        entry
    }
}

/// A maker's batch: an attestation key and its certificate (level 3 §8.2.1).
pub(crate) struct Batch {
    pub(crate) key: KeyPair,
    pub(crate) der: Vec<u8>,
}

impl Batch {
    /// `aaguid` goes into the certificate, where the standard wants it.
    pub(crate) fn new(maker: &CertifiedIssuer<'static, KeyPair>, aaguid: Option<[u8; 16]>) -> Self {
        let mut leaf = CertificateParams::new(Vec::new()).unwrap();
        leaf.distinguished_name.push(DnType::CountryName, "SE");
        leaf.distinguished_name.push(DnType::OrganizationName, "Maker");
        leaf.distinguished_name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        leaf.distinguished_name.push(DnType::CommonName, "Batch 1");
        leaf.is_ca = IsCa::ExplicitNoCa;
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        if let Some(aaguid) = aaguid {
            let octets = [&[0x04, 0x10], aaguid.as_slice()].concat();
            leaf.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4], octets));
        }
        let key = KeyPair::generate().unwrap();
        let der = leaf.signed_by(&key, maker).unwrap().der().to_vec();
        Self { key, der }
    }

    /// A packed statement over what is signed, with this batch's certificate.
    pub(crate) fn packed(&self, signed: &[u8]) -> (&'static str, Vec<u8>) {
        use crate::forge::{bytes, text};
        let signature = self.key.sign(signed).unwrap();
        let x5c = [vec![0x81], bytes(&self.der)].concat();
        ("packed", [vec![0xa3], text("alg"), vec![0x26], text("sig"), bytes(&signature), text("x5c"), x5c].concat())
    }
}
