//! What this crate once wrote to disk and database must open for ever. These values were also opened by a separate program, written
//! in another language from the documented layouts alone; if one of these tests fails, stored data has been orphaned.

use crate::support::{ring_at, tenant, world};
use countersign_keys::{Field, FileRoot, KeyRing, TenantPrivateKey, TenantPublicKey, Token, WrappedKey, sealed};
use data_encoding::HEXLOWER;
use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};
use types::{SecretString, id::MessageId};

const ROOT_LINE: &str = "csroot1qqqqrg0lzqpvm9twavhjvvkhh5plze4jx03772zjnu83x4m82frefc62pml7z8zc8q3v7g";
const ROOT_ID: &str = "file:9c6f787dde01c175";
const WRAPPED: &str = "019c6f787dde01c175d57d3d0b77b80557ae777f291956420eda2c45e0a70cf8821d84ee363900089f\
                       d74746171d521d7f58c041cee7bbcde942cffc0a9b02b6bc48f641aa";
const SEALED: &str =
    "0100000007bf195b774a727434be501645844e531b72d38dc503e6bf9ad16da507ac34f755d9f53bdbe5b6fcadb38be5585d3e2d4b";
const DIGEST: &str = "633ff7237740bf835e74f2698752326f176d7ec6d243332cb517dfc5ada3233a";
const PRIVATE: &str = "cssec1q95wwjp0f5d8vk58ekcmt5gu33srnvy64mzgsrcdwsk56n6vmnn8jt36f48";
const PUBLIC: &str = "cspub1q8prqgxk0kqdzvnwdk2dv5fjcnzh8w9wc9kjs7nvqza3gq8u5fajy78fn4l";
const MESSAGE: &str = "01a1ff10-02cd-75ba-9ef3-52d7831a1d9e";
const TOKEN: &str = "csd_RLG0rJHTLEsMQtmYIzxfupIHhKxfhr41GKEi";
const TOKEN_HASH: &str = "b21efd0e2ef23808caff493290890adb164d9e6f22330ac4f8af2038a84a71be";

const FIELD: Field<'_> = Field { table: "token", column: "seed", row: b"row-1" };
const SEED: &[u8] = b"12345678901234567890";

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.split_whitespace().collect::<String>().as_bytes()).unwrap()
}

fn row() -> WrappedKey {
    WrappedKey { version: 7, root: ROOT_ID.into(), bytes: hex(WRAPPED) }
}

#[test]
fn a_stored_root_tenant_key_field_and_digest_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    fs::write(&path, ROOT_LINE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let root = FileRoot::open(&path).unwrap();
    assert_eq!(root.keys(), [(ROOT_ID.to_owned(), world(0).now())]);
    let keys = KeyRing::new(Arc::new(root)).open_tenant_keys(tenant(42), &[row()]).unwrap();
    assert!(keys.open(FIELD, &hex(SEALED)).unwrap().ct_eq(SEED));
    assert_eq!(HEXLOWER.encode(&keys.digest("sms", &[b"user", b"123456"])), DIGEST);
}

#[test]
fn what_is_written_today_is_what_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    let world = world(42);
    FileRoot::open_or_create(&path, &world).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().last(), Some(ROOT_LINE));
    let ring = ring_at(&path);
    let made = ring.create_tenant_key(tenant(42), 7, &world).unwrap();
    assert_eq!(made, row());
    let keys = ring.open_tenant_keys(tenant(42), &[made]).unwrap();
    assert_eq!(keys.seal(FIELD, SEED, world.random.as_ref()).unwrap(), hex(SEALED));
}

#[test]
fn a_stored_row_of_the_message_log_is_understood() {
    let private = TenantPrivateKey::from_text(&SecretString::new(PRIVATE.into())).unwrap();
    assert_eq!(private.public(), TenantPublicKey::from_text(PUBLIC).unwrap());
    assert_eq!((private.to_text().expose(), private.public().to_text().as_str()), (PRIVATE, PUBLIC));
    let row = hex(include_str!("sealed_row.hex"));
    assert_eq!(row.len(), sealed::SEALED_LEN);
    let message: MessageId = MESSAGE.parse().unwrap();
    assert!(private.open(tenant(42), message, &row).unwrap().ct_eq(b"+15035550100"));
}

#[test]
fn a_token_that_was_given_out_is_understood() {
    assert_eq!(HEXLOWER.encode(&Token::parse("csd", TOKEN).unwrap().hash()), TOKEN_HASH);
}
