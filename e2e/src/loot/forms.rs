//! The forms in which a telephone number could lie about.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture for tests: what is no number of these must stop the test"
)]

/// The forms of one number (E.164, with a country code of two digits), each with its name.
#[must_use]
pub fn forms(number: &str) -> Vec<(&'static str, Vec<u8>)> {
    let digits = &number[1..];
    let national = &number[3..];
    let wide = |big: bool| {
        let units = number.encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect::<Vec<u8>>()
    };
    let packed = |text: String, swapped: bool| {
        let nibbles: Vec<u8> = text.bytes().map(|b| if b == b'F' { 15 } else { b - b'0' }).collect();
        let pair = |pair: &[u8]| if swapped { pair[1] << 4 | pair[0] } else { pair[0] << 4 | pair[1] };
        nibbles.chunks_exact(2).map(pair).collect::<Vec<u8>>()
    };
    let base64 = |phase: usize| {
        let text = format!("{}{number} and more", &"abc"[..phase]);
        data_encoding::BASE64.encode(text.as_bytes()).into_bytes()
    };
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, format!("{{\"to\":\"{number}\"}}").as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let value: u64 = digits.parse().unwrap();
    vec![
        ("integer, big-endian", value.to_be_bytes()[2..].to_vec()),
        ("integer, little-endian", value.to_le_bytes()[..6].to_vec()),
        ("last seven", number.as_bytes()[number.len() - 7..].to_vec()),
        ("E.164", number.as_bytes().to_vec()),
        ("national", national.as_bytes().to_vec()),
        ("reversed", number.bytes().rev().collect()),
        ("hex", data_encoding::HEXLOWER.encode(number.as_bytes()).into_bytes()),
        ("HEX", data_encoding::HEXUPPER.encode(national.as_bytes()).into_bytes()),
        ("UTF-16LE", wide(false)),
        ("UTF-16BE", wide(true)),
        ("BCD", packed(format!("{digits}F"), false)),
        ("BCD, odd", packed(format!("0{digits}"), false)),
        ("BCD, as in SMS", packed(format!("{digits}F"), true)),
        ("BCD, as in SMS, odd", packed(format!("0{digits}"), true)),
        ("base64, phase 0", base64(0)),
        ("base64, phase 1", base64(1)),
        ("base64, phase 2", base64(2)),
        ("gzip", gzip),
    ]
}
