//! A carrier's table in the gateway file, as settings of one of the presets.

use crate::{
    driver::InvalidDriver,
    letter::Kind,
    presets::{bird, generic, infobip, plivo, sinch, sns, telegram, vonage, whatsapp},
    recipe::Recipe,
    secret::Secret,
};
use serde::{Deserialize, Deserializer};

/// Settings of one supplier.
pub struct Settings {
    pub(crate) plain_http: bool,
    preset: Preset,
}

enum Preset {
    Vonage(vonage::Settings),
    Sinch(sinch::Settings),
    Infobip(infobip::Settings),
    Plivo(plivo::Settings),
    Bird(bird::Settings),
    Sns(sns::Settings),
    WhatsApp(whatsapp::Settings),
    Telegram(telegram::Settings),
    Generic(Box<generic::Settings>),
}

/// What settings come to.
pub(crate) struct Made {
    pub(crate) recipe: Recipe,
    pub(crate) kind: Kind,
    pub(crate) from: Option<String>,
    /// What a webhook's GET must know.
    pub(crate) verify_token: Option<Secret>,
}

impl Made {
    pub(crate) const fn sms(recipe: Recipe, from: String) -> Self {
        Self { recipe, kind: Kind::Sms, from: Some(from), verify_token: None }
    }
}

impl Settings {
    /// The names that `kind` may have in the gateway file.
    pub const KINDS: [&'static str; 9] =
        ["vonage", "sinch", "infobip", "plivo", "bird", "sns", "http", "whatsapp", "telegram"];

    /// Reads the table of such a kind; unknown keys are refused. `None` for a kind that isn't here.
    pub fn read<'de, D: Deserializer<'de>>(kind: &str, table: D) -> Option<Result<Self, D::Error>> {
        let preset = match kind {
            "vonage" => vonage::Settings::deserialize(table).map(Preset::Vonage),
            "sinch" => sinch::Settings::deserialize(table).map(Preset::Sinch),
            "infobip" => infobip::Settings::deserialize(table).map(Preset::Infobip),
            "plivo" => plivo::Settings::deserialize(table).map(Preset::Plivo),
            "bird" => bird::Settings::deserialize(table).map(Preset::Bird),
            "sns" => sns::Settings::deserialize(table).map(Preset::Sns),
            "whatsapp" => whatsapp::Settings::deserialize(table).map(Preset::WhatsApp),
            "telegram" => telegram::Settings::deserialize(table).map(Preset::Telegram),
            "http" => generic::Settings::deserialize(table).map(|settings| Preset::Generic(Box::new(settings))),
            _ => return None,
        };
        Some(preset.map(|preset| {
            // The presets' own suppliers are on the Internet; an own gateway may stand in the next rack.
            let plain_http = matches!(&preset, Preset::Generic(settings) if settings.allow_plain_http);
            Self { plain_http, preset }
        }))
    }

    pub(crate) fn made(self) -> Result<Made, InvalidDriver> {
        match self.preset {
            Preset::Vonage(settings) => settings.made(),
            Preset::Sinch(settings) => settings.made(),
            Preset::Infobip(settings) => settings.made(),
            Preset::Plivo(settings) => settings.made(),
            Preset::Bird(settings) => settings.made(),
            Preset::Sns(settings) => settings.made(),
            Preset::WhatsApp(settings) => settings.made(),
            Preset::Telegram(settings) => settings.made(),
            Preset::Generic(settings) => settings.made(),
        }
    }
}
