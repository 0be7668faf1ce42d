//! Keys: what makes a stolen database worthless.
//!
//! ```text
//! root key ── wraps ──► tenant key, version n ── derives ─┬─► field key   seals seeds and numbers, each to its own cell
//! (file, PKCS#11 token)  (table tenant_key)               └─► digest key  hashes codes and tokens
//!
//! tenant's public key ──► seals the first key of each segment of the message log; the private key is the tenant's alone
//! day keys (file)     ──► wrap those sealed keys once more: a day that is forgotten opens for nobody
//! ```
//!
//! - [`KeyRing`] makes, opens and re-wraps tenant keys with a [`RootKey`]: a [`FileRoot`] or a [`Pkcs11Root`].
//! - [`TenantKeys`] encrypt a [`Field`], bound to tenant, table, column, row and key version, and hash codes.
//! - [`segment`] writes what only the tenant may read, with keys that are erased as they are used; [`DayKeys`] forget whole days of it.
//! - [`Passwords`] and [`Token`] are for what people remember and what clients keep.
//!
//! It never stores or caches a tenant key by itself, never logs, never puts key material, a plaintext or a password into an error, never
//! reads the clock or draws chance but from the [`World`](types::World) that it is given. Nothing that holds a secret has `Debug`,
//! `Display` or `==`.
//!
//! To add a root (a key management service): one file with an implementation of [`RootKey`], whose `id` says where the key is and which one it
//! is; the ring and everything above stay as they are. To add something that is sealed: a [`Field`] with its table and column. To add
//! something that is hashed: a `purpose` for [`TenantKeys::digest`].
//!
//! # Rotating a tenant's key, without a stop
//!
//! 1. [`KeyRing::create_tenant_key`] with the next version; insert the row. In a cluster, nodes open with
//!    [`KeyRing::open_tenant_keys_writing`] and the old version, until each has read the new row (one lifetime of the cache): now
//!    all can read what any will write. A single node goes straight on.
//! 2. Open with [`KeyRing::open_tenant_keys`]: what is written from now on is under the new version. Old values still open, and old codes are
//!    still found, because look-ups ask for any of [`TenantKeys::digest_candidates`].
//! 3. In the background: each sealed value whose [`TenantKeys::version_of`] is below [`TenantKeys::newest`] is opened and sealed again,
//!    by a conditional update on the old bytes, so that a change meanwhile wins. Digests can't be computed again: they end with their codes,
//!    or are replaced when the code is next presented.
//! 4. When no value and no digest of the old version is left, delete its row. Backups from before can no longer be read for these fields.
//!
//! # Rotating the root key, without a stop
//!
//! 1. [`FileRoot::add_key`] (or [`Pkcs11Root::add_key`]). Where each node has its own copy of the file, copy it to all of them now.
//!    Running processes go on wrapping with the key they started with, and read the file again when they meet one that they don't know.
//! 2. Restart the nodes one after another, or build a new ring from the file again: new tenant keys are wrapped by the new root key.
//! 3. [`KeyRing::rewrap`] each row for which [`KeyRing::needs_rewrap`] is true, again by a conditional update. Only the small wrapped
//!    keys change: nothing that they encrypted.
//! 4. When no row names the old root any more: [`FileRoot::remove_key`], or the token's own tool.
//!
//! To move from the file into a token: the same with `KeyRing::new(token).with_older(file)` in the place of step 1.

mod aead;
mod bech32;
mod codec;
pub mod day_keys;
pub mod error;
pub mod file_root;
mod owned_file;
pub mod password;
pub mod pkcs11_root;
pub mod ring;
pub mod root;
pub mod sealed;
pub mod segment;
pub mod tenant_keys;
pub mod token;

pub use day_keys::DayKeys;
pub use error::KeyError;
pub use file_root::FileRoot;
pub use password::{Passwords, Verdict};
pub use pkcs11_root::Pkcs11Root;
pub use ring::{KeyRing, WrappedKey};
pub use root::RootKey;
pub use sealed::{TenantPrivateKey, TenantPublicKey};
pub use segment::{OpenSegment, Part, PartKey, Recipients, Segment};
pub use tenant_keys::{Field, TenantKeys};
pub use token::Token;
