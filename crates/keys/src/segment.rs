//! Segments of the message log: what one process writes for one tenant on one day, with keys that are gone once they were used.
//!
//! A segment begins with a chain key drawn by chance. It is sealed to the tenant once, by HPKE, and that is its *header*. From the
//! chain come the keys of the parts of rows, each for one part; the process erases what it has used, so that it can't open again
//! what it wrote, and neither can who steals its memory. The tenant opens the header and has all keys of the segment for one
//! operation on the curve.
//!
//! ```text
//! header   2 ‖ n ‖ n × [ key id (8) ‖ encapsulated key (32) ‖ ciphertext of chain₀ (32) ‖ tag (16) ]            n is 1, 2 or 3
//!          HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, for each recipient by itself
//!          info = bind("countersign/message-log/2", tenant (16), segment (16), day (8))   aad = nothing
//!
//! chain    chain₍b+1₎ (32) ‖ block_b (32) = HKDF-SHA256(salt: none, key: chain_b, info: "countersign/message-log/chain/2")
//! keys     key₍64b₎ ‖ … ‖ key₍64b+63₎     = AES-256-CTR(block_b, counter block 0) over 2048 zero bytes
//! mask     HKDF-SHA256(salt: none, key: chain₀, info: "countersign/message-log/mask/2") (32)
//!
//! part     2 ‖ segment (16) ‖ masked index (4) ‖ ciphertext of [length (2) ‖ plaintext ‖ zeros] ‖ tag (16)
//!          AES-256-GCM(key_i), nonce 0 (each key seals once)   aad = tenant (16) ‖ message (16) ‖ part (1)
//!          masked index = i xor the first four bytes of AES-256(mask, tag)
//! ```
//!
//! Numbers are big-endian; `bind` puts each part behind its length (4 bytes). The index is masked as QUIC masks its packet numbers
//! (RFC 9001 §5.4): in clear it would tell in which order the messages of a day were sent. All parts of a kind have one length.

use crate::{KeyError, TenantPrivateKey, TenantPublicKey, codec, sealed};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey, quic},
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    hkdf,
    iv::FixedLength,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use types::{
    Millis, Random, SecretBytes,
    id::{MessageId, SegmentId, TenantId},
};
use zeroize::{Zeroize as _, Zeroizing};

/// So many public keys a segment is sealed to at most.
pub const MAX_RECIPIENTS: usize = 3;
/// So many parts a segment holds at most; then the next one begins.
pub const MAX_PARTS: u32 = 65_536;

const FORMAT: u8 = 2;
const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
/// Keys that one step of the chain gives.
const BLOCK: u32 = 64;
const BLOCK_LEN: usize = KEY_LEN * BLOCK as usize;
/// Format, segment, masked index.
const HEAD_LEN: usize = 1 + 16 + 4;
const RECIPIENT_LEN: usize = sealed::KEY_ID_LEN + sealed::ENCAPPED_LEN + KEY_LEN + TAG_LEN;
const DAY: i64 = 86_400_000;
/// The longest padded part.
const LONGEST: usize = Part::Sent.padded();

/// Which part of a row it is; sealed in, so that the parts can't change places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// What was known when the message left.
    Sent,
    /// What the supplier said.
    Receipt,
}

impl Part {
    const fn padded(self) -> usize {
        match self {
            Self::Sent => 384,
            Self::Receipt => 320,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Sent => 1,
            Self::Receipt => 2,
        }
    }

    /// The longest plaintext, in bytes.
    #[must_use]
    pub const fn capacity(self) -> usize {
        self.padded() - 2
    }

    /// The length of every sealed part of this kind, in bytes.
    #[must_use]
    pub const fn sealed_len(self) -> usize {
        HEAD_LEN + self.padded() + TAG_LEN
    }
}

/// The public keys that a tenant's log is sealed to: each of them opens it by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipients(Vec<TenantPublicKey>);

impl Recipients {
    /// Takes one to [`MAX_RECIPIENTS`] keys, none twice.
    pub fn new(keys: Vec<TenantPublicKey>) -> Result<Self, KeyError> {
        let twice = keys.iter().enumerate().any(|(at, key)| keys.iter().skip(at + 1).any(|other| other == key));
        if keys.is_empty() || keys.len() > MAX_RECIPIENTS || twice {
            return Err(KeyError::Malformed("list of public keys"));
        }
        Ok(Self(keys))
    }

    /// Reads `cspub1…`, or several of them behind spaces or commas.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let words = text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|word| !word.is_empty());
        Self::new(words.take(MAX_RECIPIENTS + 1).map(TenantPublicKey::from_text).collect::<Result<_, _>>()?)
    }

    /// The keys' texts with a space between them.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().map(TenantPublicKey::to_text).collect::<Vec<_>>().join(" ")
    }

    /// The keys, in the order in which they were named.
    #[must_use]
    pub fn keys(&self) -> &[TenantPublicKey] {
        &self.0
    }
}

/// A segment that is being written.
pub struct Segment {
    tenant: TenantId,
    id: SegmentId,
    mask: Arc<quic::HeaderProtectionKey>,
    chain: Zeroizing<[u8; KEY_LEN]>,
    /// The keys of the block that is in use, zeros in the place of those that were taken.
    block: Zeroizing<Vec<u8>>,
    next: u32,
}

/// The key of one part. Sealing consumes it.
pub struct PartKey {
    tenant: TenantId,
    segment: SegmentId,
    index: u32,
    mask: Arc<quic::HeaderProtectionKey>,
    key: Zeroizing<[u8; KEY_LEN]>,
}

impl Segment {
    /// Begins a segment of this UTC day (since the epoch), and gives its header.
    ///
    /// The header must be stored before anything that the segment seals.
    pub fn begin(
        tenant: TenantId,
        day: i64,
        recipients: &Recipients,
        random: &dyn Random,
    ) -> Result<(Self, Vec<u8>), KeyError> {
        // The id tells its day and no more.
        let id = SegmentId::new(Millis(day.saturating_mul(DAY)), random);
        let mut chain = Zeroizing::new([0; KEY_LEN]);
        random.fill(chain.as_mut_slice());
        let info = info(tenant, id, day);
        let mut header = Vec::with_capacity(2 + recipients.0.len() * RECIPIENT_LEN);
        header.extend_from_slice(&[FORMAT, u8::try_from(recipients.0.len()).unwrap_or(0)]);
        for key in &recipients.0 {
            header.extend_from_slice(&key.id());
            key.seal_into(&info, chain.as_slice(), random, &mut header)?;
        }
        let mask = Arc::new(mask(&chain)?);
        Ok((Self { tenant, id, mask, chain, block: Zeroizing::new(Vec::new()), next: 0 }, header))
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SegmentId {
        self.id
    }

    /// The next key, which is erased here; `None` when the segment is full.
    pub fn next_key(&mut self) -> Result<Option<PartKey>, KeyError> {
        if self.next >= MAX_PARTS {
            return Ok(None);
        }
        let place = self.next % BLOCK;
        if place == 0 {
            self.block = step(&mut self.chain)?;
        }
        let start = place as usize * KEY_LEN;
        let Some(slot) = self.block.get_mut(start..).and_then(|rest| rest.first_chunk_mut::<KEY_LEN>()) else {
            return Err(KeyError::Library("derive a key"));
        };
        let key = Zeroizing::new(*slot);
        slot.zeroize();
        let index = self.next;
        self.next += 1;
        Ok(Some(PartKey { tenant: self.tenant, segment: self.id, index, mask: Arc::clone(&self.mask), key }))
    }
}

impl PartKey {
    /// Its place in the segment, from 0.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Seals one part of a message's row: always [`Part::sealed_len`] bytes. [`KeyError::TooLong`] over [`Part::capacity`].
    pub fn seal(self, message: MessageId, part: Part, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let refused = || KeyError::Library("encrypt");
        let length = match u16::try_from(plaintext.len()) {
            Ok(length) if plaintext.len() <= part.capacity() => length,
            _ => return Err(KeyError::TooLong(part.capacity())),
        };
        let mut out = Vec::with_capacity(part.sealed_len());
        out.push(FORMAT);
        out.extend_from_slice(self.segment.as_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(plaintext);
        out.resize(HEAD_LEN + part.padded(), 0);
        let body = out.get_mut(HEAD_LEN..).ok_or_else(refused)?;
        let tag = prepare(self.key.as_slice())?
            .seal_in_place_separate_tag(nonce(), Aad::from(aad(self.tenant, message, part)), body)
            .map_err(|_| refused())?;
        out.extend_from_slice(tag.as_ref());
        let masked = self.index ^ mask_of(&self.mask, tag.as_ref())?;
        out.get_mut(HEAD_LEN - 4..HEAD_LEN).ok_or_else(refused)?.copy_from_slice(&masked.to_be_bytes());
        Ok(out)
    }
}

/// A segment whose header was opened: at the tenant.
pub struct OpenSegment {
    tenant: TenantId,
    id: SegmentId,
    mask: quic::HeaderProtectionKey,
    chain: Mutex<(usize, Zeroizing<[u8; KEY_LEN]>)>,
    blocks: Vec<OnceLock<Zeroizing<Vec<u8>>>>,
}

impl OpenSegment {
    /// Opens one part of a message's row. [`KeyError::Refused`] if it was changed, or belongs to another tenant, message or place.
    pub fn open(&self, message: MessageId, part: Part, sealed: &[u8]) -> Result<SecretBytes, KeyError> {
        let malformed = || KeyError::Malformed("sealed row");
        if segment_of(part, sealed) != Some(self.id) {
            return Err(malformed());
        }
        let (head, rest) = sealed.split_first_chunk::<HEAD_LEN>().ok_or_else(malformed)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or_else(malformed)?;
        let masked = head.last_chunk::<4>().ok_or_else(malformed)?;
        let index = u32::from_be_bytes(*masked) ^ mask_of(&self.mask, tag)?;
        let start = (index % BLOCK) as usize * KEY_LEN;
        let block = self.block((index / BLOCK) as usize)?;
        let key = block.get(start..).and_then(|rest| rest.get(..KEY_LEN)).ok_or(KeyError::Refused)?;
        // On the stack and not erased: this is the reader's own machine, and a million rows a second are read.
        let mut room = [0_u8; LONGEST];
        let padded = room.get_mut(..ciphertext.len()).ok_or_else(malformed)?;
        prepare(key)?
            .open_separate_gather(nonce(), Aad::from(aad(self.tenant, message, part)), ciphertext, tag, padded)
            .map_err(|_| KeyError::Refused)?;
        unpad(padded).ok_or_else(malformed)
    }

    /// The keys of a block; what lies before it is made with it.
    fn block(&self, number: usize) -> Result<&Zeroizing<Vec<u8>>, KeyError> {
        let slot = self.blocks.get(number).ok_or(KeyError::Refused)?;
        if let Some(block) = slot.get() {
            return Ok(block);
        }
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        while chain.0 <= number {
            let block = step(&mut chain.1)?;
            if let Some(slot) = self.blocks.get(chain.0) {
                // Only whoever holds the lock sets one.
                let _ = slot.set(block);
            }
            chain.0 += 1;
        }
        slot.get().ok_or(KeyError::Refused)
    }
}

impl TenantPrivateKey {
    /// Opens a segment's header. [`KeyError::Refused`] if it is not among those that it was sealed to, if it was changed, or
    /// if it is another tenant's, segment's or day's.
    pub fn open_segment(
        &self,
        tenant: TenantId,
        segment: SegmentId,
        day: i64,
        header: &[u8],
    ) -> Result<OpenSegment, KeyError> {
        let recipients = recipients(header).ok_or(KeyError::Malformed("log segment"))?;
        let mine = self.public().id();
        let (_, sealed) = recipients.into_iter().find(|(id, _)| *id == mine).ok_or(KeyError::Refused)?;
        let opened = self.open_sealed(&info(tenant, segment, day), sealed)?;
        let chain = Zeroizing::new(*opened.first_chunk::<KEY_LEN>().ok_or(KeyError::Malformed("log segment"))?);
        Ok(OpenSegment {
            tenant,
            id: segment,
            mask: mask(&chain)?,
            chain: Mutex::new((0, chain)),
            blocks: std::iter::repeat_with(OnceLock::new).take((MAX_PARTS / BLOCK) as usize).collect(),
        })
    }
}

/// The ids of the public keys that a header is sealed to; none if it is malformed. Who has changed keys finds the right private
/// key by it.
#[must_use]
pub fn recipients_of(header: &[u8]) -> Vec<[u8; sealed::KEY_ID_LEN]> {
    recipients(header).unwrap_or_default().into_iter().map(|(id, _)| id).collect()
}

/// The segment that a sealed part was written in; `None` if it is malformed.
#[must_use]
pub fn segment_of(part: Part, sealed: &[u8]) -> Option<SegmentId> {
    if sealed.len() != part.sealed_len() {
        return None;
    }
    let (&FORMAT, rest) = sealed.split_first()? else { return None };
    Some(SegmentId::from_bytes(*rest.first_chunk()?))
}

/// What stands in the place of a part that was not written yet.
#[must_use]
pub fn blank(part: Part) -> Vec<u8> {
    vec![0; part.sealed_len()]
}

/// Whether nothing was written there yet.
#[must_use]
pub fn is_blank(part: Part, sealed: &[u8]) -> bool {
    sealed.len() == part.sealed_len() && sealed.iter().all(|byte| *byte == 0)
}

fn recipients(header: &[u8]) -> Option<Vec<([u8; sealed::KEY_ID_LEN], &[u8])>> {
    let (&[FORMAT, count], rest) = header.split_first_chunk::<2>()? else { return None };
    let count = usize::from(count);
    if count == 0 || count > MAX_RECIPIENTS || rest.len() != count * RECIPIENT_LEN {
        return None;
    }
    rest.chunks_exact(RECIPIENT_LEN).map(|one| one.split_first_chunk().map(|(id, sealed)| (*id, sealed))).collect()
}

/// One step of the chain: the chain moves on, and the keys of the block are given.
fn step(chain: &mut Zeroizing<[u8; KEY_LEN]>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let refused = || KeyError::Library("derive a key");
    let mut both = Zeroizing::new([0; 2 * KEY_LEN]);
    derive(chain.as_slice(), b"countersign/message-log/chain/2", both.as_mut_slice())?;
    let (next, block) = both.split_first_chunk::<KEY_LEN>().ok_or_else(refused)?;
    let cipher = UnboundCipherKey::new(&AES_256, block).and_then(EncryptingKey::ctr).map_err(|_| refused())?;
    let mut keys = Zeroizing::new(vec![0; BLOCK_LEN]);
    let zero = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    cipher.less_safe_encrypt(keys.as_mut_slice(), zero).map_err(|_| refused())?;
    **chain = *next;
    Ok(keys)
}

fn mask(chain: &Zeroizing<[u8; KEY_LEN]>) -> Result<quic::HeaderProtectionKey, KeyError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    derive(chain.as_slice(), b"countersign/message-log/mask/2", key.as_mut_slice())?;
    quic::HeaderProtectionKey::new(&quic::AES_256, key.as_slice()).map_err(|_| KeyError::Library("prepare a key"))
}

fn mask_of(mask: &quic::HeaderProtectionKey, tag: &[u8]) -> Result<u32, KeyError> {
    let [a, b, c, d, _] = mask.new_mask(tag).map_err(|_| KeyError::Library("mask"))?;
    Ok(u32::from_be_bytes([a, b, c, d]))
}

/// HKDF-SHA256 (RFC 5869) without salt, as WebCrypto has it.
pub(crate) fn derive(secret: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), KeyError> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let length = Length(out.len());
    let info = [info];
    let okm = prk.expand(&info, length).map_err(|_| KeyError::Library("derive a key"))?;
    okm.fill(out).map_err(|_| KeyError::Library("derive a key"))
}

fn prepare(key: &[u8]) -> Result<LessSafeKey, KeyError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| KeyError::Library("prepare a key"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn unpad(padded: &[u8]) -> Option<SecretBytes> {
    let (length, rest) = padded.split_first_chunk()?;
    let (plaintext, zeros) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    // All of them, without a branch for each: this is done a million times a second.
    (zeros.iter().fold(0, |any, byte| any | byte) == 0).then(|| SecretBytes::new(plaintext.to_vec()))
}

fn info(tenant: TenantId, segment: SegmentId, day: i64) -> Vec<u8> {
    codec::bind(&[b"countersign/message-log/2", tenant.as_bytes(), segment.as_bytes(), &day.to_be_bytes()])
}

fn aad(tenant: TenantId, message: MessageId, part: Part) -> [u8; 33] {
    let mut out = [part.byte(); 33];
    let bytes = tenant.as_bytes().iter().chain(message.as_bytes());
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests;
