//! How a tenant's pages look: its name, logo, colours, texts and where help is.
//!
//! Colours reach the pages as a stylesheet of the tenant's own, never as inline style. Whatever was chosen, text on it is computed so
//! that it can be read, in light and in dark.

use super::color::{BLACK, CONTROL, Color, TEXT, WHITE};
use crate::assets::{Kept, accepts_gzip, gzip};
use auth::Settings;
use axum::{body::Body, response::Response};
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::{HeaderMap, HeaderValue, header};

/// The page's own grounds, as `assets/page.css` has them (a test compares): behind the card, and the card.
const LIGHT: [Color; 2] = [Color(0xf3, 0xf2, 0xee), WHITE];
const DARK: [Color; 2] = [Color(0x0f, 0x12, 0x14), Color(0x1a, 0x1f, 0x22)];
/// The longest texts that are shown.
const LONGEST_LINE: usize = 300;
/// What PNG files begin with (RFC 2083 §12.11). Only these are served: a picture that can hold script is none.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A tenant's look.
pub(crate) struct Brand {
    /// The organisation's name.
    pub(crate) name: String,
    /// The line above the sign-in; empty for the pages' own.
    pub(crate) welcome: String,
    /// Where help is, if anywhere.
    pub(crate) help_url: Option<String>,
    /// What the link to it says; empty for the pages' own.
    pub(crate) help_text: String,
    /// The language where a browser asks for none that there is.
    pub(crate) language: String,
    style: Option<Style>,
    logo: Option<Bytes>,
    hash: String,
}

struct Style {
    plain: Bytes,
    packed: Option<Bytes>,
}

impl Brand {
    /// From a tenant's settings.
    #[must_use]
    pub(crate) fn new(settings: &Settings) -> Self {
        let page = &settings.page;
        let line =
            |text: &str| -> String { text.trim().chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect() };
        let logo = settings.other.get("logo").and_then(|logo| logo.as_str());
        let logo = logo.and_then(|logo| BASE64.decode(logo.as_bytes()).ok()).filter(|logo| logo.starts_with(PNG));
        let style = style(Color::parse(&page.accent), Color::parse(&page.background));
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        digest.update(style.as_deref().unwrap_or_default().as_bytes());
        digest.update(&[0]);
        digest.update(logo.as_deref().unwrap_or_default());
        let digest = digest.finish();
        Self {
            name: line(&settings.brand),
            welcome: line(&page.welcome),
            help_url: link(&page.help_url),
            help_text: line(&page.help_text),
            language: page.language.clone(),
            style: style.map(|style| Style { packed: gzip(style.as_bytes()), plain: Bytes::from(style) }),
            logo: logo.map(Bytes::from),
            hash: HEXLOWER.encode(digest.as_ref().get(..8).unwrap_or_default()),
        }
    }

    /// Where the stylesheet is, if there is one.
    #[must_use]
    pub(crate) fn style_url(&self) -> Option<String> {
        self.style.as_ref().map(|_| format!("/brand/{}/style.css", self.hash))
    }

    /// Where the logo is, if there is one.
    #[must_use]
    pub(crate) fn logo_url(&self) -> Option<String> {
        self.logo.as_ref().map(|_| format!("/brand/{}/logo.png", self.hash))
    }

    /// What stands in the logo's place: the name's first letter.
    #[must_use]
    pub(crate) fn letter(&self) -> String {
        self.name.chars().next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default()
    }

    /// The file with this name, as it is today.
    pub(crate) fn file(&self, hash: &str, name: &str, headers: &HeaderMap) -> Option<Response> {
        let (body, kind, packed) = match name {
            "style.css" => {
                let style = self.style.as_ref()?;
                let packed = style.packed.as_ref().filter(|_| accepts_gzip(headers));
                (packed.unwrap_or(&style.plain).clone(), "text/css; charset=utf-8", packed.is_some())
            }
            "logo.png" => (self.logo.clone()?, "image/png", false),
            _ => return None,
        };
        let mut response = Response::new(Body::from(body));
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if packed {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let kept = if hash == self.hash { Kept::ForGood } else { Kept::Asked };
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept.value()));
        Some(response)
    }
}

/// An address that a link may lead to: a page, a mailbox or a telephone. Anything else could be script.
fn link(url: &str) -> Option<String> {
    let url = url.trim();
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase())?;
    let known = matches!(scheme.as_str(), "https" | "http" | "mailto" | "tel");
    let plain = url.len() <= 2000 && url.bytes().all(|byte| byte.is_ascii_graphic());
    (known && plain).then(|| url.to_owned())
}

fn style(accent: Option<Color>, background: Option<Color>) -> Option<String> {
    if accent.is_none() && background.is_none() {
        return None;
    }
    let sheet = |card: Color, dark: bool| {
        let end = if dark { WHITE } else { BLACK };
        let mut lines = String::new();
        if let Some(chosen) = background {
            // In the dark only its tint is kept: a bright ground would be no dark scheme.
            let ground = if dark { chosen.readable(&[WHITE], 14.0, BLACK) } else { chosen };
            let text = ground.text_on();
            lines.push_str(&format!("--ground:{};--on-ground:{};", ground.css(), text.css()));
        }
        if let Some(chosen) = accent {
            let button = chosen.readable(&[card], CONTROL, end);
            let text = chosen.readable(&[card], TEXT, end);
            let (button_text, over) = (button.text_on(), button.mixed(button.text_on(), 0.12));
            // Under the pointer the button moves towards its text's colour, as far as the text can be read on it.
            let over = if over.contrast(button_text) >= TEXT { over } else { button };
            lines.push_str(&format!(
                "--accent:{};--on-accent:{};--accent-over:{};--accent-ink:{};",
                button.css(),
                button_text.css(),
                over.css(),
                text.css(),
            ));
        }
        lines
    };
    Some(format!(
        ":root{{{}}}@media(prefers-color-scheme:dark){{:root{{{}}}}}",
        sheet(LIGHT[1], false),
        sheet(DARK[1], true)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth::settings::Page;

    fn value(sheet: &str, name: &str) -> Option<Color> {
        let rest = sheet.split_once(&format!("--{name}:"))?.1;
        Color::parse(rest.split(';').next()?)
    }

    #[test]
    fn the_grounds_are_those_of_the_stylesheet() {
        let sheet = include_str!("../../assets/page.css");
        let (light, dark) = sheet.split_once("prefers-color-scheme: dark").unwrap();
        for (part, grounds) in [(light, LIGHT), (dark, DARK)] {
            let found = |name: &str| {
                let rest = part.split_once(&format!("--{name}: ")).unwrap().1;
                Color::parse(rest.split(';').next().unwrap()).unwrap()
            };
            assert_eq!([found("ground"), found("card")], grounds);
            for (text, behind) in [
                ("ink", "card"),
                ("ink-soft", "card"),
                ("on-ground", "ground"),
                ("accent-ink", "card"),
                ("on-accent", "accent"),
                ("on-accent", "accent-over"),
                ("danger", "card"),
                ("danger", "danger-wash"),
                ("good", "card"),
                ("ink", "wash"),
                ("ink-soft", "wash"),
            ] {
                let contrast = found(text).contrast(found(behind));
                assert!(contrast >= TEXT, "{text} on {behind}: {contrast:.2}");
            }
            assert!(found("field-line").contrast(found("card")) >= CONTROL);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_chosen_can_be_read_in_both_schemes(accent: [u8; 3], background: [u8; 3]) {
            let [r, g, b] = accent;
            let [x, y, z] = background;
            let sheet = style(Some(Color(r, g, b)), Some(Color(x, y, z))).unwrap();
            let (light, dark) = sheet.split_once("@media").unwrap();
            for (part, card) in [(light, LIGHT[1]), (dark, DARK[1])] {
                let found = |name: &str| value(part, name).unwrap();
                proptest::prop_assert!(found("on-ground").contrast(found("ground")) >= TEXT);
                proptest::prop_assert!(found("on-accent").contrast(found("accent")) >= TEXT);
                proptest::prop_assert!(found("on-accent").contrast(found("accent-over")) >= TEXT);
                proptest::prop_assert!(found("accent-ink").contrast(card) >= TEXT);
                proptest::prop_assert!(found("accent").contrast(card) >= CONTROL);
            }
        }
    }

    #[test]
    fn what_could_be_script_is_no_link_and_what_is_no_colour_gives_no_style() {
        assert_eq!(link("https://help.example.com/x?y=1#z").as_deref(), Some("https://help.example.com/x?y=1#z"));
        assert!(link("mailto:help@example.com").is_some());
        for wrong in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "help",
            "https://a b",
            "java\tscript:x",
        ] {
            assert_eq!(link(wrong), None, "{wrong}");
        }
        let page =
            Page { accent: "red;}*{display:none".to_owned(), welcome: "a\u{0}b\n".repeat(500), ..Page::default() };
        let brand = Brand::new(&Settings { page, ..Settings::default() });
        assert!(brand.style_url().is_none() && brand.welcome.chars().count() == LONGEST_LINE);
    }

    #[test]
    fn a_logo_is_a_png_or_none() {
        let with = |logo: &[u8]| {
            let mut settings = Settings::default();
            settings.other.insert("logo".to_owned(), BASE64.encode(logo).into());
            Brand::new(&settings).logo_url()
        };
        assert!(with(b"\x89PNG\r\n\x1a\nrest").is_some());
        assert!(with(b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>").is_none());
    }
}
