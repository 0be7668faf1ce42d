//! G.711: 16-bit samples as 8-bit ones, by both laws (ITU-T G.711, as G.191's reference does it).

use crate::config::Codec;

/// The byte of silence.
#[must_use]
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0xff,
        Codec::Pcma => 0xd5,
    }
}

/// A sample as a byte.
#[must_use]
pub const fn encode(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcmu => encode_mu(sample),
        Codec::Pcma => encode_a(sample),
    }
}

/// µ-law works on 14 bits with a bias of 33, so that each segment is twice as wide as the one below.
const fn encode_mu(sample: i16) -> u8 {
    const BIAS: i32 = 33;
    const CLIP: i32 = 8158;
    // The two lowest bits are cut off as an arithmetic shift does it: towards minus infinity.
    let sample = (sample as i32) >> 2;
    let (sign, magnitude) = if sample < 0 { (0x00, -sample) } else { (0x80, sample) };
    let magnitude = if magnitude > CLIP { CLIP } else { magnitude } + BIAS;
    // 33..=8191: the highest bit is 5..=12.
    let segment = 26 - (magnitude.leading_zeros() as i32);
    let step = (magnitude >> (segment + 1)) & 0x0f;
    // On the wire all bits but the sign's are turned over.
    (sign | (0x7f ^ ((segment << 4) | step))) as u8
}

/// A-law works on 13 bits; the two lowest segments are equally wide.
const fn encode_a(sample: i16) -> u8 {
    let sample = (sample as i32) >> 3;
    let (sign, magnitude) = if sample < 0 { (0x00, !sample) } else { (0x80, sample) };
    let value = if magnitude < 32 {
        magnitude >> 1
    } else {
        // 32..=4095: the highest bit is 5..=11.
        let segment = 27 - (magnitude.leading_zeros() as i32);
        (segment << 4) | ((magnitude >> segment) & 0x0f)
    };
    // On the wire every second bit is turned over.
    ((sign | value) ^ 0x55) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(codec: Codec) -> String {
        let all: Vec<u8> = (i16::MIN..=i16::MAX).map(|sample| encode(codec, sample)).collect();
        data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &all).as_ref())
    }

    /// All 65,536 samples, as CPython's `audioop.lin2ulaw` and `lin2alaw` write them: an implementation that isn't ours.
    #[test]
    fn every_sample_is_written_as_the_reference_writes_it() {
        assert_eq!(checksum(Codec::Pcmu), "81d633c9e6972a18c74a58720b96cb8ca0bdd096d4060b646dd708c3b846019a");
        assert_eq!(checksum(Codec::Pcma), "38488f6fd710f4686360edc4d38639f96c491595ef93f8eb8d62d5e07ca6ce7b");
    }

    #[test]
    fn silence_is_what_a_sample_of_nothing_is_written_as() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            assert_eq!(encode(codec, 0), silence(codec));
        }
    }
}
