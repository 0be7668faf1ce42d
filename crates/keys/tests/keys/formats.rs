//! What this crate once wrote to disk and database must open for ever. These values were also opened by a separate program, written
//! in another language from the documented layouts alone; if one of these tests fails, stored data has been orphaned.

use crate::support::{ring_at, tenant, world};
use countersign_keys::{
    Field, FileRoot, KeyRing, Part, Recipients, Segment, TenantPrivateKey, TenantPublicKey, Token, WrappedKey,
};
use data_encoding::HEXLOWER;
use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};
use types::{
    SecretString,
    id::{MessageId, SegmentId, TenantId},
};

const ROOT_LINE: &str = "csroot1qqqqrg0lzqpvm9twavhjvvkhh5plze4jx03772zjnu83x4m82frefc62pml7z8zc8q3v7g";
const ROOT_ID: &str = "file:9c6f787dde01c175";
const WRAPPED: &str = "019c6f787dde01c175d57d3d0b77b80557ae777f291956420eda2c45e0a70cf8821d84ee363900089f\
                       d74746171d521d7f58c041cee7bbcde942cffc0a9b02b6bc48f641aa";
const SEALED: &str =
    "0100000007bf195b774a727434be501645844e531b72d38dc503e6bf9ad16da507ac34f755d9f53bdbe5b6fcadb38be5585d3e2d4b";
const DIGEST: &str = "633ff7237740bf835e74f2698752326f176d7ec6d243332cb517dfc5ada3233a";
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
fn a_token_that_was_given_out_is_understood() {
    assert_eq!(HEXLOWER.encode(&Token::parse("csd", TOKEN).unwrap().hash()), TOKEN_HASH);
}

/// The named value of the vector that this crate and the browser's module share.
fn vector(name: &str) -> &'static str {
    let lines = include_str!("log_segment.vector").lines();
    lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).next().unwrap()
}

#[test]
fn a_stored_segment_of_the_message_log_is_understood() {
    let key = |name| TenantPrivateKey::from_text(&SecretString::new(vector(name).to_owned())).unwrap();
    let first = key("private");
    assert_eq!(first.public(), TenantPublicKey::from_text(vector("public")).unwrap());
    assert_eq!((first.to_text().expose(), first.public().to_text().as_str()), (vector("private"), vector("public")));
    let bytes = |name| hex(vector(name));
    let id = |name| bytes(name).try_into().unwrap();
    let (tenant, segment) = (TenantId::from_bytes(id("tenant")), SegmentId::from_bytes(id("segment")));
    let (day, message) = (vector("day").parse().unwrap(), MessageId::from_bytes(id("message")));
    for private in [first, key("second")] {
        let open = private.open_segment(tenant, segment, day, &bytes("header")).unwrap();
        for (part, name) in [(Part::Sent, "part-0-sent"), (Part::Receipt, "part-64-receipt")] {
            assert!(open.open(message, part, &bytes(name)).unwrap().ct_eq(b"+15035550100"));
        }
    }
}

#[test]
fn a_segment_that_is_written_today_is_what_was_stored() {
    let world = world(42);
    let random = world.random.as_ref();
    let privates = [TenantPrivateKey::generate(random), TenantPrivateKey::generate(random)];
    let recipients = Recipients::new(privates.iter().map(TenantPrivateKey::public).collect()).unwrap();
    let (mut segment, header) = Segment::begin(tenant(42), 20_778, &recipients, random).unwrap();
    assert_eq!(HEXLOWER.encode(segment.id().as_bytes()), vector("segment"));
    assert_eq!(
        (HEXLOWER.encode(tenant(42).as_bytes()).as_str(), HEXLOWER.encode(&header).as_str()),
        (vector("tenant"), vector("header"))
    );
    let message = MessageId::from_bytes(hex(vector("message")).try_into().unwrap());
    for (index, part, name) in [(0, Part::Sent, "part-0-sent"), (64, Part::Receipt, "part-64-receipt")] {
        let key = std::iter::from_fn(|| segment.next_key().unwrap()).find(|key| key.index() == index).unwrap();
        assert_eq!(HEXLOWER.encode(&key.seal(message, part, b"+15035550100").unwrap()), vector(name));
    }
}
