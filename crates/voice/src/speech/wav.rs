//! WAV files: what a synthesiser writes, what a studio records, what a program's `<Play>` names.
//!
//! RIFF with one `fmt ` and one `data` chunk; PCM of 8 or 16 bits, or G.711 as telephone systems keep it; one or two channels.

use super::resample::resample;
use crate::{RATE, Sound};

/// What is wrong with a WAV file.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum WavError {
    /// Not a WAV file, or one that was cut off before its sound.
    #[error("not a WAV file")]
    NotWav,
    /// Another form of sound.
    #[error("only PCM of 8 or 16 bits and G.711 in one or two channels, at 4 to 96 kHz, are read")]
    Form,
    /// Longer than allowed.
    #[error("the sound is too long")]
    TooLong,
}

#[derive(Clone, Copy)]
enum Form {
    Pcm8,
    Pcm16,
    ALaw,
    MuLaw,
}

/// Reads a file, at most `longest` samples of sound at [`RATE`]. A length in the header that is longer than the file counts for
/// nothing: who writes to a pipe doesn't know it beforehand.
pub fn read(file: &[u8], longest: usize) -> Result<Sound, WavError> {
    let body = file.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..)).ok_or(WavError::NotWav)?;
    let mut chunks = body.strip_prefix(b"WAVE").ok_or(WavError::NotWav)?;
    let mut form = None;
    loop {
        let (name, rest) = chunks.split_at_checked(4).ok_or(WavError::NotWav)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(WavError::NotWav)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let content = rest.get(..length).unwrap_or(rest);
        match name {
            b"fmt " => form = Some(header(content)?),
            b"data" => {
                let (form, channels, rate) = form.ok_or(WavError::NotWav)?;
                return samples(content, form, channels, rate, longest);
            }
            _ => {}
        }
        // Chunks begin at even places.
        chunks = rest.get(length.saturating_add(length % 2)..).ok_or(WavError::NotWav)?;
    }
}

fn header(content: &[u8]) -> Result<(Form, usize, u32), WavError> {
    let word = |at: usize| content.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let (Some(mut tag), Some(channels), Some(bits)) = (word(0), word(2), word(14)) else {
        return Err(WavError::NotWav);
    };
    let rate = content.get(4..8).and_then(|rate| rate.try_into().ok()).map(u32::from_le_bytes);
    let rate = rate.filter(|rate| (4_000..=96_000).contains(rate)).ok_or(WavError::Form)?;
    // WAVE_FORMAT_EXTENSIBLE: the true one begins its sub-format.
    if tag == 0xfffe {
        tag = word(24).ok_or(WavError::Form)?;
    }
    let form = match (tag, bits) {
        (1, 8) => Form::Pcm8,
        (1, 16) => Form::Pcm16,
        (6, 8) => Form::ALaw,
        (7, 8) => Form::MuLaw,
        _ => return Err(WavError::Form),
    };
    if !(1..=2).contains(&channels) {
        return Err(WavError::Form);
    }
    Ok((form, usize::from(channels), rate))
}

fn samples(content: &[u8], form: Form, channels: usize, rate: u32, longest: usize) -> Result<Sound, WavError> {
    let width = if matches!(form, Form::Pcm16) { 2 } else { 1 };
    let frames = content.len() / (width * channels);
    // Counted at the file's own rate, before anything is made of it.
    let limit = longest as u64 * u64::from(rate) / u64::from(RATE);
    if frames as u64 > limit {
        return Err(WavError::TooLong);
    }
    let mut mono = Vec::with_capacity(frames);
    for frame in content.chunks_exact(width * channels) {
        let sum: i32 = frame.chunks_exact(width).map(|sample| i32::from(value(sample, form))).sum();
        let mean = sum / i32::try_from(channels).unwrap_or(1);
        mono.push(i16::try_from(mean).unwrap_or_default());
    }
    Ok(resample(&mono, rate, RATE).into())
}

fn value(sample: &[u8], form: Form) -> i16 {
    match (form, sample) {
        (Form::Pcm16, [low, high]) => i16::from_le_bytes([*low, *high]),
        (Form::Pcm8, [byte]) => (i16::from(*byte) - 128) * 256,
        (Form::ALaw, [byte]) => a_law(*byte),
        (Form::MuLaw, [byte]) => mu_law(*byte),
        _ => 0,
    }
}

/// ITU-T G.711, table 1a.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let mantissa = i16::from(byte & 0x0f) << 4;
    let magnitude = match (byte >> 4) & 0x07 {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// ITU-T G.711, table 2a.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = (((i16::from(byte & 0x0f)) << 3) + 0x84) << ((byte >> 4) & 0x07);
    if byte & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

/// A file in the form that is read: PCM of 16 bits, one channel, at [`RATE`].
#[must_use]
pub fn write(sound: &[i16]) -> Vec<u8> {
    let length = u32::try_from(sound.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + sound.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&length.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    for sample in sound {
        file.extend_from_slice(&sample.to_le_bytes());
    }
    file
}

/// Reads whatever comes, for the fuzzer: it may not panic, and what it gives is no longer than allowed.
#[doc(hidden)]
pub fn fuzz_wav(file: &[u8]) {
    if let Ok(sound) = read(file, 80_000) {
        assert!(sound.len() <= 80_001, "longer than allowed");
        assert_eq!(read(&write(&sound), usize::MAX / 96_000).as_deref(), Ok(&*sound), "written and read again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend([0; 6]);
        file.extend(bits.to_le_bytes());
        // An odd chunk of somebody's, with its padding.
        file.extend(b"LIST\x03\0\0\0abc\0");
        file.extend(b"data");
        file.extend(u32::MAX.to_le_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn forms() {
        let pcm16 = file(1, 1, 8_000, 16, &[1, 0, 0xff, 0x7f, 0, 0x80]);
        assert_eq!(*read(&pcm16, 3).unwrap(), [1, 32_767, -32_768]);
        assert_eq!(read(&pcm16, 2), Err(WavError::TooLong));
        let stereo = file(1, 2, 8_000, 16, &[10, 0, 20, 0]);
        assert_eq!(*read(&stereo, 9).unwrap(), [15]);
        assert_eq!(*read(&file(1, 1, 8_000, 8, &[128, 255, 0]), 9).unwrap(), [0, 32_512, -32_768]);
        assert_eq!(*read(&file(7, 1, 8_000, 8, &[0xff, 0x7f, 0x00, 0x80]), 9).unwrap(), [0, 0, -32_124, 32_124]);
        assert_eq!(*read(&file(6, 1, 8_000, 8, &[0xd5, 0x55, 0x2a, 0xaa]), 9).unwrap(), [8, -8, -32_256, 32_256]);
        for wrong in [file(3, 1, 8_000, 32, &[0; 8]), file(1, 3, 8_000, 16, &[0; 6]), file(1, 1, 100, 16, &[0; 6])] {
            assert_eq!(read(&wrong, 9), Err(WavError::Form));
        }
        for wrong in [&b""[..], b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab", b"OggS"] {
            assert_eq!(read(wrong, 9), Err(WavError::NotWav));
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(sound in proptest::collection::vec(any::<i16>(), 0..500)) {
            let again = read(&write(&sound), 500);
            prop_assert_eq!(again.as_deref(), Ok(&*sound));
        }

        #[test]
        fn nothing_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), tag in 0_u16..9, channels in 0_u16..4, rate in 0_u32..100_000,
        ) {
            fuzz_wav(&bytes);
            fuzz_wav(&file(tag, channels, rate, 8, &bytes));
            fuzz_wav(&file(tag, channels, rate, 16, &bytes));
        }
    }
}
