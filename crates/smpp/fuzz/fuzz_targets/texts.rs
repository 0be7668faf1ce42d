//! Any text, split in any way: each part fits into a short message and ends between two characters.
#![no_main]

use countersign_smpp::{
    Alphabet, Concatenation, gsm,
    split::{self, MAX_PARTS, UDHI},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, u8, u8, u16)| {
    let (text, alphabet, how, reference) = input;
    let alphabet = [Alphabet::Gsm, Alphabet::Latin1, Alphabet::Ucs2][usize::from(alphabet) % 3];
    let how = [Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar][usize::from(how) % 3];
    let Ok(parts) = split::split(text, alphabet, how, reference) else { return };
    assert!((1..=MAX_PARTS).contains(&parts.parts.len()));
    let mut whole = String::new();
    for part in &parts.parts {
        let header = if part.esm_class == UDHI { usize::from(part.short_message[0]) + 1 } else { 0 };
        let body = &part.short_message[header..];
        match parts.alphabet {
            Alphabet::Gsm => {
                assert!((header * 8).div_ceil(7) + body.len() <= 160);
                whole.push_str(&gsm::decode(body));
            }
            Alphabet::Latin1 => {
                assert!(part.short_message.len() <= 140);
                whole.extend(body.iter().copied().map(char::from));
            }
            Alphabet::Ucs2 => {
                assert!(part.short_message.len() <= 140);
                let units: Vec<u16> = body.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                whole.push_str(&String::from_utf16(&units).expect("no half of a pair"));
            }
        }
    }
    assert_eq!(whole, text);
});
