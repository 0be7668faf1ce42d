//! An application's picture in the launcher, from a file.

use anyhow::{Context as _, bail};
use data_encoding::BASE64;
use std::{fs, io::Read as _, path::Path};

/// The largest picture, in bytes.
const LARGEST: u64 = 32 * 1024;

/// The picture as a `data:` address. What it is says its content, never its name.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let mut octets = Vec::new();
    let opened = fs::File::open(file).with_context(|| file.display().to_string())?;
    opened.take(LARGEST + 1).read_to_end(&mut octets).with_context(|| file.display().to_string())?;
    if octets.len() as u64 > LARGEST {
        bail!("{} has more than 32 KB", file.display());
    }
    let kind = kind(&octets).with_context(|| format!("{} is no PNG, SVG or WebP picture", file.display()))?;
    Ok(format!("data:{kind};base64,{}", BASE64.encode(&octets)))
}

fn kind(octets: &[u8]) -> Option<&'static str> {
    let text = || std::str::from_utf8(octets).ok().map(str::trim_start);
    if octets.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if octets.starts_with(b"RIFF") && octets.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else if text()
        .is_some_and(|text| text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg")))
    {
        Some("image/svg+xml")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_it_holds() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind(b"<?xml version=\"1.0\"?><svg/>"), Some("image/svg+xml"));
        assert_eq!((kind(b"<html>"), kind(b""), kind(b"GIF89a")), (None, None, None));
    }
}
