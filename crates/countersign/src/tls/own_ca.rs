//! A certificate authority of the server's own, for a first start and for those who have no other.
//!
//! It may sign for the names that were configured when it was made, and for nothing else: its certificate says so
//! (name constraints), so that a client that trusts it need not trust it with the rest of the world.

use std::{
    fs::Permissions,
    net::IpAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use types::{Millis, World};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use super::{
    error::TlsError,
    identity::{Identity, read},
    private_file,
};

const DAY: Duration = Duration::from_secs(86_400);

/// Ten years.
const CA_LIFE: Duration = Duration::from_secs(3652 * 86_400);

/// Under the 398 days that clients accept, with the day that it is dated back.
const SERVER_LIFE: Duration = Duration::from_secs(396 * 86_400);

/// A certificate with less time left than this is made anew.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 86_400);

/// Certificates are dated back, because clients' clocks differ.
const DATED_BACK: Duration = DAY;

/// The authority, on disk.
pub(crate) struct OwnCa {
    dir: PathBuf,
    names: Vec<String>,
    world: World,
}

impl OwnCa {
    /// Opens the authority in `dir`, or makes one that may sign for `names`.
    ///
    /// # Errors
    /// When the directory can't be used, or the authority that is there may not sign for one of `names`.
    pub(crate) fn open(dir: &Path, names: Vec<String>, world: World) -> Result<Self, TlsError> {
        let ca = Self { dir: dir.to_owned(), names, world };
        private_file::make_dir(dir).map_err(|source| TlsError::Write { path: dir.to_owned(), source })?;
        let key = ca.key()?;
        if !ca.ca_file().exists() {
            // The key may be there without the certificate, from a start that was cut off.
            let params = ca.ca_params()?;
            let pem = params.self_signed(&key)?.pem();
            ca.create(&ca.ca_file(), pem.as_bytes())?;
            // The one file here that is for everybody.
            let everybody = Permissions::from_mode(0o644);
            std::fs::set_permissions(ca.ca_file(), everybody)
                .map_err(|source| TlsError::Write { path: ca.ca_file(), source })?;
        }
        let certificate = read(&ca.ca_file())?;
        let der = CertificateDer::from_pem_slice(&certificate).map_err(|_| TlsError::NoCertificate(ca.ca_file()))?;
        ca.check(&der, &key)?;
        Ok(ca)
    }

    /// The authority's certificate, for clients.
    #[must_use]
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// The server's certificate: the one on disk, or a new one when that is missing, runs out within a month, or isn't
    /// for the names that are configured now. Says whether it is new.
    ///
    /// # Errors
    /// When files can't be read or written.
    pub(crate) fn identity(&self) -> Result<(Identity, bool), TlsError> {
        let path = self.dir.join("server.pem");
        if path.exists()
            && let Ok(identity) = Identity::read(&path, &path)
            && self.is_current(&identity)?
        {
            return Ok((identity, false));
        }
        let pem = self.issue()?;
        private_file::replace(&path, pem.as_bytes())
            .map_err(|source| TlsError::Write { path: path.clone(), source })?;
        Ok((Identity::read(&path, &path)?, true))
    }

    fn is_current(&self, identity: &Identity) -> Result<bool, TlsError> {
        let now = self.world.now();
        let lasts = identity.not_before <= now && identity.not_after > now + RENEW_BEFORE;
        let names = self.names.iter().all(|name| identity.names.contains(name));
        // An authority that was exchanged since then: its clients don't know the old one.
        let ca_pem = read(&self.ca_file())?;
        let ca = CertificateDer::from_pem_slice(&ca_pem).map_err(|_| TlsError::NoCertificate(self.ca_file()))?;
        Ok(lasts && names && identity.key.cert.first().is_some_and(|leaf| is_signed_by(leaf, &ca)))
    }

    fn key(&self) -> Result<KeyPair, TlsError> {
        let path = self.dir.join("ca.key");
        if !path.exists() {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            self.create(&path, zeroize::Zeroizing::new(key.serialize_pem()).as_bytes())?;
        }
        let pem = read(&path)?;
        let text = std::str::from_utf8(&pem).map_err(|_| TlsError::NoKey(path.clone()))?;
        KeyPair::from_pem(text).map_err(|_| TlsError::NoKey(path))
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> Result<(), TlsError> {
        // Where another process was first, its file is the one that counts.
        private_file::create(path, bytes)
            .map(|_| ())
            .map_err(|source| TlsError::Write { path: path.to_owned(), source })
    }

    fn ca_params(&self) -> Result<CertificateParams, TlsError> {
        let mut params = CertificateParams::new(Vec::new())?;
        let id: [u8; 4] = self.world.bytes();
        params.distinguished_name = DistinguishedName::new();
        // A name of its own, so that a client that keeps two authorities can tell them apart.
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Countersign authority {}", data_encoding::HEXLOWER.encode(&id)));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: self.names.iter().map(|name| subtree(name)).collect(),
            excluded_subtrees: Vec::new(),
        });
        self.date(&mut params, CA_LIFE, None);
        Ok(params)
    }

    fn issue(&self) -> Result<String, TlsError> {
        let ca_pem = read(&self.ca_file())?;
        let ca = CertificateDer::from_pem_slice(&ca_pem).map_err(|_| TlsError::NoCertificate(self.ca_file()))?;
        let issuer = Issuer::from_ca_cert_der(&ca, self.key()?)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name = DistinguishedName::new();
        // Clients read the alternative names; the common name is for people, and has room for 64 characters.
        if let Some(name) = self.names.first().filter(|name| name.len() <= 64) {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let ca_ends = X509Certificate::from_der(&ca).ok().map(|(_, ca)| ca.validity().not_after.timestamp());
        self.date(&mut params, SERVER_LIFE, ca_ends.map(Millis::from_seconds));
        let leaf = params.signed_by(&key, &issuer)?;
        Ok(format!("{}{}", key.serialize_pem(), leaf.pem()))
    }

    fn date(&self, params: &mut CertificateParams, life: Duration, at_most: Option<Millis>) {
        let now = self.world.now();
        let ends = at_most.map_or(now + life, |most| most.min(now + life));
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs((now - DATED_BACK).as_u64() / 1000);
        params.not_after = epoch + Duration::from_secs(ends.as_u64() / 1000);
        // 127 bits: positive, and of no meaning (RFC 5280 §4.1.2.2).
        let serial = u128::from_be_bytes(self.world.bytes()) >> 1;
        params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
    }

    /// Whether the authority that is there is whole, and may sign for every name.
    fn check(&self, der: &CertificateDer<'_>, key: &KeyPair) -> Result<(), TlsError> {
        let ca = self.ca_file();
        let unusable = |reason: &str| TlsError::Unusable { path: ca.clone(), reason: reason.to_owned() };
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| unusable("the certificate can't be read"))?;
        if certificate.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(TlsError::Mismatch { cert: ca, key: self.dir.join("ca.key") });
        }
        let ends = Millis::from_seconds(certificate.validity().not_after.timestamp());
        if ends <= self.world.now() + RENEW_BEFORE {
            return Err(unusable(
                "the certificate authority has run out, or does within a month; move ca.pem and ca.key away to make a \
                 new one, then give every client the new ca.pem",
            ));
        }
        if ends <= self.world.now() + SERVER_LIFE {
            tracing::warn!(ca = %ca.display(), "the certificate authority runs out within fourteen months");
        }
        let constraints = certificate.name_constraints().map_err(|_| unusable("its name constraints can't be read"))?;
        let Some(permitted) = constraints.and_then(|constraints| constraints.value.permitted_subtrees.as_ref()) else {
            return Ok(());
        };
        let refused = self.names.iter().find(|name| !permitted.iter().any(|subtree| permits(&subtree.base, name)));
        refused.map_or(Ok(()), |name| Err(TlsError::NotPermitted { ca: ca.clone(), name: name.clone() }))
    }
}

fn is_signed_by(leaf: &CertificateDer<'_>, ca: &CertificateDer<'_>) -> bool {
    let (Ok((_, leaf)), Ok((_, ca))) = (X509Certificate::from_der(leaf), X509Certificate::from_der(ca)) else {
        return false;
    };
    // Names and key identifiers: this asks which authority it was, not whether the file was tampered with.
    leaf.issuer().as_raw() == ca.subject().as_raw()
}

fn subtree(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(ip) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, if ip.is_ipv4() { 32 } else { 128 })),
        Err(_) => GeneralSubtree::DnsName(name.strip_prefix("*.").unwrap_or(name).to_owned()),
    }
}

/// Whether a name lies in a permitted subtree (RFC 5280 §4.2.1.10).
fn permits(subtree: &GeneralName<'_>, name: &str) -> bool {
    match (subtree, name.parse::<IpAddr>()) {
        (GeneralName::DNSName(parent), Err(_)) => {
            let name = name.strip_prefix("*.").unwrap_or(name);
            name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        (GeneralName::IPAddress(bytes), Ok(ip)) => {
            let ip = match ip {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            let (network, mask) = bytes.split_at(bytes.len() / 2);
            network.len() == ip.len()
                && network.iter().zip(mask).zip(&ip).all(|((network, mask), ip)| network & mask == ip & mask)
        }
        _ => false,
    }
}
