//! A QR code as a picture that needs no request of its own.

use data_encoding::BASE64;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Modules around the code that stay light (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;

/// A `data:` address of an SVG; none for a text that no code can hold.
pub(crate) fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width.max(1)).enumerate() {
        let mut x = 0;
        while let Some(start) = row.get(x..).and_then(|rest| rest.iter().position(|module| *module == Color::Dark)) {
            let start = x + start;
            let length =
                row.get(start..).map_or(0, |rest| rest.iter().take_while(|module| **module == Color::Dark).count());
            // Writing into a text never fails.
            let _ = write!(path, "M{} {}h{length}v1h-{length}z", start + QUIET, y + QUIET);
            x = start + length;
        }
    }
    let size = width + 2 * QUIET;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>"
    );
    Some(format!("data:image/svg+xml;base64,{}", BASE64.encode(svg.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the path back into modules.
    fn modules(picture: &str) -> Vec<(usize, usize)> {
        let svg = BASE64.decode(picture.strip_prefix("data:image/svg+xml;base64,").unwrap().as_bytes()).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        let path = svg.rsplit("d=\"").next().unwrap().split('"').next().unwrap();
        let mut dark = Vec::new();
        for run in path.split('z').filter(|run| !run.is_empty()) {
            let (at, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            dark.extend((x..x + length).map(|x| (x - QUIET, y - QUIET)));
        }
        dark
    }

    #[test]
    fn the_picture_is_the_code() {
        let text = "countersign:approve?tenant=0196c3a1-0000-7000-8000-000000000001&attempt=x&code=123456";
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let dark = modules(&picture(text).unwrap());
        let wanted = code.to_colors().iter().filter(|module| **module == Color::Dark).count();
        assert_eq!(dark.len(), wanted);
        assert!(dark.iter().all(|(x, y)| code[(*x, *y)] == Color::Dark));
        assert!(picture(&"x".repeat(5000)).is_none());
    }
}
