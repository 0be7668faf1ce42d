//! Colours of a tenant's choice, and what can be read on them (WCAG 2.2 §1.4.3, §1.4.11).

/// The least contrast of text with what is behind it.
pub(crate) const TEXT: f64 = 4.5;
/// The least contrast of a control's edge with what is around it.
pub(crate) const CONTROL: f64 = 3.0;

/// An opaque colour, sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) u8, pub(crate) u8, pub(crate) u8);

pub(crate) const WHITE: Color = Color(255, 255, 255);
pub(crate) const BLACK: Color = Color(0, 0, 0);

impl Color {
    /// From `#rgb` or `#rrggbb`; nothing else is a colour here, because the text goes into a stylesheet.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .trim()
            .strip_prefix('#')?
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()?;
        match digits.as_slice() {
            [r, g, b] => Some(Self(r * 17, g * 17, b * 17)),
            [r, s, g, h, b, c] => Some(Self(r * 16 + s, g * 16 + h, b * 16 + c)),
            _ => None,
        }
    }

    /// As a stylesheet has it.
    pub(crate) fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The contrast of two colours, 1 to 21.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever is read better on this. The better of the two always has 4.58 at least.
    pub(crate) fn text_on(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }

    /// This colour with `share` (0 to 1) of another in it.
    pub(crate) fn mixed(self, other: Self, share: f64) -> Self {
        let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round().clamp(0.0, 255.0) as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// This colour, moved towards `end` until it has the contrast `least` with everything in `grounds`.
    pub(crate) fn readable(self, grounds: &[Self], least: f64, end: Self) -> Self {
        let fits = |color: &Self| grounds.iter().all(|ground| color.contrast(*ground) >= least);
        (0..=50).map(|step| self.mixed(end, f64::from(step) / 50.0)).find(fits).unwrap_or(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_nothing_else_is() {
        assert_eq!(Color::parse("#1a2B3c"), Some(Color(0x1a, 0x2b, 0x3c)));
        assert_eq!(Color::parse("#fff"), Some(WHITE));
        for wrong in
            ["", "#", "red", "#12", "#12345", "#1234567", "123456", "#12345g", "#fff;}body{display:none", "#f\u{f1}f"]
        {
            assert_eq!(Color::parse(wrong), None, "{wrong}");
        }
        assert!((WHITE.contrast(BLACK) - 21.0).abs() < 0.001);
    }

    proptest::proptest! {
        #[test]
        fn text_can_be_read_on_every_colour(r: u8, g: u8, b: u8) {
            let color = Color(r, g, b);
            proptest::prop_assert!(color.text_on().contrast(color) >= TEXT);
            proptest::prop_assert!(color.readable(&[WHITE, Color(0xf4, 0xf3, 0xef)], TEXT, BLACK).contrast(WHITE) >= TEXT);
            proptest::prop_assert_eq!(Color::parse(&color.css()), Some(color));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            if let Some(color) = Color::parse(&text) {
                proptest::prop_assert!(color.css().len() == 7);
            }
        }
    }
}
