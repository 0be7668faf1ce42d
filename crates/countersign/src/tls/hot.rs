//! The certificate in use: looked at by every handshake, exchanged without a restart.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{ACME_PROTOCOL, identity::Identity};
use crate::telemetry::Registry;

/// The certificate in use, and those that answer an ACME authority's challenges.
pub(crate) struct HotCertificate {
    current: RwLock<Option<Identity>>,
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
    registry: Arc<Registry>,
}

impl HotCertificate {
    /// None yet.
    #[must_use]
    pub(crate) fn new(registry: Arc<Registry>) -> Arc<Self> {
        registry.describe(
            "tls_certificate_expiry_timestamp_seconds",
            "When the certificate in use runs out, in seconds since the epoch.",
        );
        Arc::new(Self { current: RwLock::default(), challenges: RwLock::default(), registry })
    }

    /// From now on, this one.
    pub(crate) fn set(&self, identity: Identity) {
        self.registry.gauge("tls_certificate_expiry_timestamp_seconds", identity.not_after.seconds() as f64);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(identity);
    }

    /// The one in use.
    #[must_use]
    pub(crate) fn current(&self) -> Option<Identity> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers the challenge for `name` with this one.
    pub(crate) fn set_challenge(&self, name: String, key: Arc<CertifiedKey>) {
        self.challenges.write().unwrap_or_else(PoisonError::into_inner).insert(name, key);
    }

    /// Answers no challenges any more.
    pub(crate) fn clear_challenges(&self) {
        self.challenges.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for HotCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HotCertificate")
    }
}

impl ResolvesServerCert for HotCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_PROTOCOL)) {
            let name = hello.server_name()?.to_ascii_lowercase();
            return self.challenges.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        }
        // Whatever name was asked for: a client that finds itself misled says so better than a broken handshake does.
        self.current.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|identity| identity.key.clone())
    }
}
