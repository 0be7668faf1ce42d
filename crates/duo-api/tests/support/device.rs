//! A person's authenticator: a key, and what it signs.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use types::{PhoneId, TenantId};

/// A key pair, of a device that may have been activated.
pub(crate) struct Device {
    key: EcdsaKeyPair,
    pub(crate) tenant: TenantId,
    pub(crate) phone: Option<PhoneId>,
}

impl Device {
    /// A new key for somebody of `tenant`.
    pub(crate) fn new(tenant: TenantId) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        Self { key, tenant, phone: None }
    }

    /// The public key: an uncompressed point.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// The device after its activation.
    pub(crate) fn named(self, phone: PhoneId) -> Self {
        Self { phone: Some(phone), ..self }
    }

    /// The signature over `bytes`, in DER.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec()
    }
}
