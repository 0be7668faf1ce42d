//! A WAV file, from wherever a document's `<Play>` points.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| countersign_voice::fuzzing::fuzz_wav(file));
