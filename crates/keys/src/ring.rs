//! The key ring: root keys, and what they do for tenants.

use crate::{KeyError, RootKey, TenantKeys, aead::KEY_LEN, codec};
use std::sync::Arc;
use types::{Random, SecretBytes, World, id::TenantId};
use zeroize::Zeroize;

/// One version of a tenant's key as the store keeps it (table `tenant_key`). Nothing in it is secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedKey {
    /// Counts up from 1 within a tenant; the highest encrypts.
    pub version: u32,
    /// The id of the root key that wrapped it.
    pub root: String,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

/// The newest root key, and older ones that still open. It keeps no tenant keys: whoever calls caches [`TenantKeys`].
#[derive(Clone)]
pub struct KeyRing {
    newest: Arc<dyn RootKey>,
    older: Vec<Arc<dyn RootKey>>,
}

impl KeyRing {
    /// A ring with one root.
    #[must_use]
    pub fn new(root: Arc<dyn RootKey>) -> Self {
        Self { newest: root, older: Vec::new() }
    }

    /// Adds a root that opens but no longer wraps: the file that a token has replaced, for instance.
    #[must_use]
    pub fn with_older(mut self, root: Arc<dyn RootKey>) -> Self {
        self.older.push(root);
        self
    }

    /// The id of the root key that wraps.
    #[must_use]
    pub fn root_id(&self) -> &str {
        self.newest.id()
    }

    /// Whether one of the roots opens what the root key named `id` wrapped.
    #[must_use]
    pub fn opens(&self, id: &str) -> bool {
        std::iter::once(&self.newest).chain(&self.older).any(|root| root.opens(id))
    }

    /// Makes a tenant key and wraps it. The first version is 1; a rotation takes the next number.
    pub fn create_tenant_key(&self, tenant: TenantId, version: u32, world: &World) -> Result<WrappedKey, KeyError> {
        let key = SecretBytes::new(world.bytes::<KEY_LEN>().to_vec());
        self.wrap(tenant, version, &key, world.random.as_ref())
    }

    /// Unwraps all live versions of one tenant's key; the newest encrypts.
    ///
    /// [`KeyError::NoTenantKey`] for none at all; if one of them does not open, none is given, because the rows under it would
    /// be missing without a word.
    pub fn open_tenant_keys(&self, tenant: TenantId, wrapped: &[WrappedKey]) -> Result<TenantKeys, KeyError> {
        TenantKeys::new(tenant, &self.unwrap_all(tenant, wrapped)?, None)
    }

    /// The same, but `writer` encrypts although a newer version may be there: the first step of a rotation in a cluster, in which every
    /// node learns to read under the new version before any writes under it.
    pub fn open_tenant_keys_writing(
        &self,
        tenant: TenantId,
        wrapped: &[WrappedKey],
        writer: u32,
    ) -> Result<TenantKeys, KeyError> {
        TenantKeys::new(tenant, &self.unwrap_all(tenant, wrapped)?, Some(writer))
    }

    fn unwrap_all(&self, tenant: TenantId, wrapped: &[WrappedKey]) -> Result<Vec<(u32, SecretBytes)>, KeyError> {
        wrapped.iter().map(|one| Ok((one.version, self.unwrap(tenant, one)?))).collect()
    }

    /// Whether [`rewrap`](Self::rewrap) would change this key: another root than the newest wrapped it.
    #[must_use]
    pub fn needs_rewrap(&self, wrapped: &WrappedKey) -> bool {
        wrapped.root != self.newest.id()
    }

    /// The same tenant key under the newest root. Nothing that it encrypted changes.
    pub fn rewrap(&self, tenant: TenantId, wrapped: &WrappedKey, world: &World) -> Result<WrappedKey, KeyError> {
        let key = self.unwrap(tenant, wrapped)?;
        self.wrap(tenant, wrapped.version, &key, world.random.as_ref())
    }

    /// Wraps and unwraps a throw-away key: whether the newest root works now.
    pub fn check(&self, world: &World) -> Result<(), KeyError> {
        let mut bytes = world.bytes::<KEY_LEN>();
        let key = SecretBytes::new(bytes.to_vec());
        let wrapped = self.newest.wrap(&key, b"countersign/check/1", world.random.as_ref())?;
        let same = self.newest.unwrap(&wrapped, b"countersign/check/1")?.ct_eq(&bytes);
        bytes.zeroize();
        if same { Ok(()) } else { Err(KeyError::Refused) }
    }

    fn wrap(
        &self,
        tenant: TenantId,
        version: u32,
        key: &SecretBytes,
        random: &dyn Random,
    ) -> Result<WrappedKey, KeyError> {
        let root = self.newest.id().to_owned();
        let bytes = self.wrap_key(key, &context(tenant, version, &root), random)?;
        Ok(WrappedKey { version, root, bytes })
    }

    /// Wraps a key of another kind than a tenant's; the context says which.
    pub(crate) fn wrap_key(&self, key: &SecretBytes, context: &[u8], random: &dyn Random) -> Result<Vec<u8>, KeyError> {
        self.newest.wrap(key, context, random)
    }

    /// Opens what the root key named `root` wrapped.
    pub(crate) fn unwrap_key(&self, root: &str, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, KeyError> {
        let holder = std::iter::once(&self.newest).chain(&self.older).find(|holder| holder.opens(root));
        let key = holder.ok_or(KeyError::UnknownRoot)?.unwrap(wrapped, context)?;
        if key.expose().len() == KEY_LEN { Ok(key) } else { Err(KeyError::Malformed("wrapped key")) }
    }

    fn unwrap(&self, tenant: TenantId, wrapped: &WrappedKey) -> Result<SecretBytes, KeyError> {
        self.unwrap_key(&wrapped.root, &wrapped.bytes, &context(tenant, wrapped.version, &wrapped.root))
    }
}

/// What a wrapped tenant key is bound to.
fn context(tenant: TenantId, version: u32, root: &str) -> Vec<u8> {
    codec::bind(&[b"countersign/tenant-key/1", tenant.as_bytes(), &version.to_be_bytes(), root.as_bytes()])
}
