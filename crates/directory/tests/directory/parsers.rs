//! Whatever is given is understood or refused, and never more than that.

use countersign_directory::{
    FieldKind, INTEGRATION_FIELDS, IntegrationFields, IntegrationKeys, SETTINGS_FIELDS, Secret, Seed, SettingsFields,
    Status, UserAccess,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use types::SecretString;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,300}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| proptest::collection::vec(inner, 0..4).prop_map(Value::from))
}

proptest! {
    #[test]
    fn a_seed_survives_its_base_32(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let seed = Seed::from_hex(&SecretString::new(hex));
        prop_assert_eq!(seed.is_ok(), (16..=64).contains(&bytes.len()));
        if let Ok(seed) = seed {
            prop_assert!(seed.bytes().ct_eq(&bytes));
            prop_assert!(Seed::from_base32(&seed.to_base32()).is_ok_and(|again| again.bytes().ct_eq(&bytes)));
        }
    }

    #[test]
    fn garbage_is_no_seed_key_or_secret(text in "\\PC{0,100}|[A-Za-z2-7= -]{0,120}") {
        let secret = SecretString::new(text.clone());
        if let Ok(seed) = Seed::from_hex(&secret) {
            prop_assert!((16..=64).contains(&seed.bytes().expose().len()));
        }
        if let Ok(seed) = Seed::from_base32(&secret) {
            prop_assert!((16..=64).contains(&seed.bytes().expose().len()));
        }
        if let Ok(secret) = Secret::parse(&secret) {
            prop_assert!(secret.text().expose().len() == 40);
        }
        prop_assert!(IntegrationKeys::parse(&text, &secret).is_err());
        prop_assert!(text.parse::<Status>().is_err() || text.len() <= 8);
        prop_assert!(text.parse::<UserAccess>().is_err() || text.len() <= 16);
    }

    #[test]
    fn a_field_that_was_taken_is_of_its_kind(place: usize, value in any_value()) {
        let (name, kind) = SETTINGS_FIELDS[place % SETTINGS_FIELDS.len()];
        let taken = SettingsFields::default().set(name, &value).is_ok();
        // No setting takes whatever JSON there is, and no text has a control character but the ends of lines.
        let right = match kind {
            FieldKind::Flag => value.is_boolean(),
            FieldKind::Number(..) => value.is_i64(),
            FieldKind::Text(_) | FieldKind::Lines(_) | FieldKind::Color | FieldKind::Word(_) | FieldKind::Png(_) => {
                value.is_string()
            }
            FieldKind::List(_) => value.is_array(),
            FieldKind::Object(_) => value.is_object(),
            FieldKind::Json(_) => false,
        };
        prop_assert!(!taken || right);
        let (name, _) = INTEGRATION_FIELDS[place % INTEGRATION_FIELDS.len()];
        let taken = IntegrationFields::default().set(name, &value).is_ok();
        let controls = value.as_str().is_some_and(|text| text.contains(char::from(0)));
        prop_assert!(!taken || !controls || name == "sso");
    }
}

#[test]
fn a_field_of_another_name_is_refused() {
    for name in ["", "user_access", "groups_allowed", "secret", "__proto__"] {
        assert!(IntegrationFields::default().set(name, &json!(true)).is_err(), "{name}");
    }
}

#[test]
fn a_logo_is_a_png_and_small() {
    let set = |logo: &str| SettingsFields::default().with("logo", logo).is_ok();
    let picture = |bytes: usize| {
        let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
        picture.resize(bytes, 7);
        data_encoding::BASE64.encode(&picture)
    };
    assert!(set("") && set(&picture(20)) && set(&picture(48 * 1024)));
    assert!(!set(&picture(48 * 1024 + 1)) && !set("no base64") && !set("PHN2Zz4=") && !set(&picture(20)[..9]));
}
