//! The fields of an integration and of a tenant's settings that have one name and one simple kind each.
//!
//! The names are those of Duo's Admin API. Some mean nothing here (Duo's own documentation calls several of them legacy fields without
//! effect); they are kept and given back, so that a script which writes and reads them goes on working.

use crate::{DirectoryError, text};
use data_encoding::BASE64;
use serde_json::{Map, Value};

/// What a field can hold.
#[derive(Clone, Copy, Debug)]
pub enum FieldKind {
    /// Yes or no.
    Flag,
    /// A whole number, from the first to the second, or 0 where 0 means "none".
    Number(i64, i64),
    /// One line of at most so many bytes.
    Text(usize),
    /// Several lines of at most so many bytes.
    Lines(usize),
    /// `#rrggbb`, or nothing.
    Color,
    /// A PNG picture of at most so many bytes, in base64, or nothing.
    Png(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// At most so many lines of at most 255 bytes.
    List(usize),
    /// JSON of at most so many bytes.
    Json(usize),
    /// Some of these fields together. What is not given gets its default back: the whole is set at once.
    Object(&'static [Field]),
}

/// How every PNG begins (ISO/IEC 15948 §5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A field's name and kind.
pub type Field = (&'static str, FieldKind);

const KEYS: FieldKind = FieldKind::Word(&["", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "#", "*"]);

/// What an integration's settings hold beside what [`crate::NewIntegration`] names.
pub const INTEGRATION_FIELDS: &[Field] = &[
    ("enabled", FieldKind::Flag),
    // Overrides the tenant's.
    ("push_approval", FieldKind::Word(&["code", "tap"])),
    ("greeting", FieldKind::Lines(2048)),
    ("notes", FieldKind::Lines(2048)),
    ("enroll_policy", FieldKind::Word(&["enroll", "allow", "deny"])),
    ("ip_whitelist", FieldKind::List(128)),
    ("ip_whitelist_enroll_policy", FieldKind::Word(&["enforce", "allow"])),
    ("self_service_allowed", FieldKind::Flag),
    ("trusted_device_days", FieldKind::Number(0, 365)),
    ("visual_style", FieldKind::Text(64)),
    ("web_referers_enabled", FieldKind::Flag),
    ("adminapi_admins", FieldKind::Flag),
    ("adminapi_admins_read", FieldKind::Flag),
    ("adminapi_allow_to_set_permissions", FieldKind::Flag),
    ("adminapi_info", FieldKind::Flag),
    ("adminapi_integrations", FieldKind::Flag),
    ("adminapi_read_log", FieldKind::Flag),
    ("adminapi_read_numbers", FieldKind::Flag),
    ("adminapi_read_resource", FieldKind::Flag),
    ("adminapi_settings", FieldKind::Flag),
    ("adminapi_write_resource", FieldKind::Flag),
    ("sso", FieldKind::Json(32 * 1024)),
    // Of this house: where users may be sent back to, byte for byte; none named means wherever the application's signed request says.
    ("redirect_uris", FieldKind::List(64)),
];

/// How a tenant's pages look.
const PAGE: &[Field] = &[
    ("accent", FieldKind::Color),
    ("background", FieldKind::Color),
    ("help_url", FieldKind::Text(1024)),
    ("help_text", FieldKind::Text(64)),
    ("welcome", FieldKind::Text(255)),
    ("language", FieldKind::Text(16)),
];

/// How many messages go where. What a country, a kind of numbers or a network is, is the messages' own business.
const MESSAGES: &[Field] = &[
    ("per_day", FieldKind::Number(0, 1_000_000_000)),
    ("countries", FieldKind::List(256)),
    ("calling_codes", FieldKind::List(256)),
    ("refused_kinds", FieldKind::List(16)),
    ("safe_numbers", FieldKind::List(1_000)),
    ("safe_addresses", FieldKind::List(1_000)),
    ("strict", FieldKind::Flag),
    ("spend_per_day", FieldKind::Number(0, 1_000_000_000)),
    ("spend_per_country", FieldKind::Number(0, 1_000_000_000)),
];

const PASSKEY_ATTESTATION: &[Field] = &[("require_verified", FieldKind::Flag), ("allow_aaguids", FieldKind::List(256))];

/// What a tenant's settings hold.
pub const SETTINGS_FIELDS: &[Field] = &[
    ("lockout_threshold", FieldKind::Number(1, 9_999)),
    ("lockout_expire_duration", FieldKind::Number(0, 30_000)),
    ("inactive_user_expiration", FieldKind::Number(0, 365)),
    ("pending_deletion_days", FieldKind::Number(1, 30)),
    ("log_retention_days", FieldKind::Number(0, 365)),
    ("sms_batch", FieldKind::Number(1, 10)),
    ("sms_expiration", FieldKind::Number(0, 10_080)),
    ("sms_refresh", FieldKind::Flag),
    ("sms_message", FieldKind::Text(160)),
    ("fraud_email", FieldKind::Text(254)),
    ("fraud_email_enabled", FieldKind::Flag),
    ("keypress_confirm", KEYS),
    ("keypress_fraud", KEYS),
    ("timezone", FieldKind::Text(64)),
    ("telephony_warning_min", FieldKind::Number(0, 1_000_000_000)),
    ("caller_id", FieldKind::Text(20)),
    ("name", FieldKind::Text(255)),
    ("language", FieldKind::Text(16)),
    ("user_telephony_cost_max", FieldKind::Number(0, 1_000_000)),
    ("minimum_password_length", FieldKind::Number(12, 100)),
    ("password_requires_upper_alpha", FieldKind::Flag),
    ("password_requires_lower_alpha", FieldKind::Flag),
    ("password_requires_numeric", FieldKind::Flag),
    ("password_requires_special", FieldKind::Flag),
    ("helpdesk_bypass", FieldKind::Word(&["allow", "limit", "deny"])),
    ("helpdesk_bypass_expiration", FieldKind::Number(0, 1_000_000)),
    ("helpdesk_message", FieldKind::Lines(2048)),
    ("helpdesk_can_send_enroll_email", FieldKind::Flag),
    ("security_checkup_enabled", FieldKind::Flag),
    ("user_managers_can_put_users_in_bypass", FieldKind::Flag),
    ("email_activity_notification_enabled", FieldKind::Flag),
    ("push_activity_notification_enabled", FieldKind::Flag),
    ("unenrolled_user_lockout_threshold", FieldKind::Number(0, 365)),
    ("enrollment_universal_prompt_enabled", FieldKind::Flag),
    ("global_ssp_policy_enforced", FieldKind::Flag),
    ("reactivation_url", FieldKind::Text(255)),
    ("reactivation_integration_key", FieldKind::Text(20)),
    // Of this house.
    ("push_approval", FieldKind::Word(&["code", "tap"])),
    ("prompt_spacing", FieldKind::Number(0, 3_600)),
    ("brand", FieldKind::Text(64)),
    ("logo", FieldKind::Png(48 * 1024)),
    ("passkey_only", FieldKind::Flag),
    ("weaker_with_passkey", FieldKind::Flag),
    ("push_in_new_browsers", FieldKind::Flag),
    ("two_authenticators", FieldKind::Flag),
    ("operator_delay_hours", FieldKind::Number(12, 168)),
    ("session_binding", FieldKind::Word(&["required", "preferred", "off"])),
    ("session_idle_minutes", FieldKind::Number(1, 10_080)),
    ("session_life_hours", FieldKind::Number(1, 720)),
    ("passwords", FieldKind::Flag),
    ("canary", FieldKind::Word(&["off", "observe", "enforce"])),
    ("related_origins", FieldKind::List(16)),
    ("log_readers", FieldKind::List(64)),
    ("passkey_attestation", FieldKind::Object(PASSKEY_ATTESTATION)),
    ("page", FieldKind::Object(PAGE)),
    ("messages", FieldKind::Object(MESSAGES)),
];

impl FieldKind {
    /// The value as it is stored, or [`DirectoryError::Invalid`] with the field's name.
    fn check(self, name: &'static str, value: &Value) -> Result<Value, DirectoryError> {
        let invalid = || DirectoryError::Invalid(name);
        let words = || value.as_str().ok_or_else(invalid);
        match self {
            Self::Flag => value.as_bool().map(Value::Bool).ok_or_else(invalid),
            Self::Number(least, most) => {
                let number = value.as_i64().ok_or_else(invalid)?;
                text::within(number, least..=most, name).map(Value::from)
            }
            Self::Text(most) => text::line(words()?, most, name).map(Value::String),
            Self::Lines(most) => text::lines(words()?, most, name).map(Value::String),
            Self::Word(known) => {
                let word = words()?.to_lowercase();
                if known.contains(&word.as_str()) { Ok(Value::String(word)) } else { Err(invalid()) }
            }
            Self::List(most) => {
                let list = value.as_array().filter(|list| list.len() <= most).ok_or_else(invalid)?;
                let line =
                    |value: &Value| text::name(value.as_str().ok_or_else(invalid)?, 255, name).map(Value::String);
                list.iter().map(line).collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            Self::Png(most) => {
                let text = words()?;
                let fits = |picture: Vec<u8>| picture.len() <= most && picture.starts_with(PNG);
                // Four characters of base64 stand for three bytes; what is longer isn't worth decoding.
                let is_picture = text.len() / 4 * 3 <= most + 2 && BASE64.decode(text.as_bytes()).is_ok_and(fits);
                if text.is_empty() || is_picture { Ok(Value::String(text.to_owned())) } else { Err(invalid()) }
            }
            Self::Color => {
                let text = words()?.to_ascii_lowercase();
                let digits = text.strip_prefix('#').unwrap_or_default();
                let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                if text.is_empty() || is_color { Ok(Value::String(text)) } else { Err(invalid()) }
            }
            Self::Object(known) => {
                let mut checked = Map::new();
                for (member, value) in value.as_object().ok_or_else(invalid)? {
                    let (member, kind) = known.iter().find(|(known, _)| known == member).ok_or_else(invalid)?;
                    // Named by the whole: that is the parameter.
                    checked.insert((*member).to_owned(), kind.check(name, value)?);
                }
                Ok(Value::Object(checked))
            }
            Self::Json(most) if value.to_string().len() <= most => Ok(value.clone()),
            Self::Json(_) => Err(invalid()),
        }
    }
}

/// Checked values of some fields of one of the two tables.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    table: &'static [Field],
    values: Map<String, Value>,
}

/// Values of [`INTEGRATION_FIELDS`].
#[derive(Clone, Debug)]
pub struct IntegrationFields(Fields);

/// Values of [`SETTINGS_FIELDS`].
#[derive(Clone, Debug)]
pub struct SettingsFields(Fields);

impl Fields {
    fn set(&mut self, name: &str, value: &Value) -> Result<(), DirectoryError> {
        let known = self.table.iter().find(|(known, _)| *known == name);
        let (name, kind) = known.ok_or(DirectoryError::Invalid("an unknown field"))?;
        let value = kind.check(name, value)?;
        self.values.insert((*name).to_owned(), value);
        Ok(())
    }
}

macro_rules! fields {
    ($($name:ident of $table:ident;)*) => {$(
        impl $name {
            /// Puts a value in. [`DirectoryError::Invalid`] with the field's name when it isn't of the field's kind or there is no
            /// such field.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), DirectoryError> {
                self.0.set(name, value)
            }

            /// As [`Self::set`], for a value made at the call.
            pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self, DirectoryError> {
                self.set(name, &value.into())?;
                Ok(self)
            }

            /// Whether nothing was put in.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.values.is_empty()
            }

            pub(crate) const fn values(&self) -> &Map<String, Value> {
                &self.0.values
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self(Fields { table: $table, values: Map::new() })
            }
        }
    )*};
}

fields! {
    IntegrationFields of INTEGRATION_FIELDS;
    SettingsFields of SETTINGS_FIELDS;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_takes_its_kind_and_nothing_else() {
        let mut fields = SettingsFields::default();
        for (name, value) in [
            ("lockout_threshold", json!(0)),
            ("lockout_threshold", json!("5")),
            ("sms_refresh", json!(1)),
            ("keypress_fraud", json!("x")),
            ("sms_message", json!("a\u{7}b")),
            ("sms_message", json!("x".repeat(161))),
            ("no_such_field", json!(1)),
        ] {
            assert!(matches!(fields.set(name, &value), Err(DirectoryError::Invalid(_))), "{name} {value}");
        }
        assert!(fields.is_empty());
        fields.set("lockout_threshold", &json!(5)).unwrap();
        fields.set("keypress_fraud", &json!("#")).unwrap();
        assert_eq!(Value::Object(fields.values().clone()), json!({ "lockout_threshold": 5, "keypress_fraud": "#" }));
    }

    #[test]
    fn an_object_has_known_members_of_their_kinds() {
        let mut fields = SettingsFields::default();
        for (name, value) in [
            ("page", json!("#112233")),
            ("page", json!({ "accent": "red" })),
            ("page", json!({ "accent": "#12345g" })),
            ("page", json!({ "style": "#112233" })),
            ("passkey_attestation", json!({ "require_verified": "yes" })),
            ("passkey_attestation", json!({ "allow_aaguids": "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4" })),
            ("canary", json!("perhaps")),
        ] {
            assert!(
                matches!(fields.set(name, &value), Err(DirectoryError::Invalid(at)) if at == name),
                "{name} {value}"
            );
        }
        fields.set("page", &json!({ "accent": "#AABBCC", "background": "", "welcome": "Hello" })).unwrap();
        let wanted = json!({ "page": { "accent": "#aabbcc", "background": "", "welcome": "Hello" } });
        assert_eq!(Value::Object(fields.values().clone()), wanted);
    }

    #[test]
    fn each_name_stands_once() {
        for table in [INTEGRATION_FIELDS, SETTINGS_FIELDS] {
            let mut names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.len());
        }
    }
}
