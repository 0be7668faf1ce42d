//! What a person chose at a prompt: `push1`, `phone2`, `sms1`, or a passcode.

use crate::wire::ApiError;
use auth::{Device, DeviceId, Factor, Preauth, Verdict};
use types::SecretString;

/// A factor with the place (from 1) of the phone in the list of devices.
enum Chosen {
    Push(usize),
    Phone(usize),
    Sms(usize),
}

/// Reads a factor string of a text prompt. `voice1` is phone1's old name; `smsrefresh1` and `verified_push1` are what newer
/// clients and servers call `sms1` and `push1`.
fn chosen(text: &str) -> Option<Chosen> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let place: usize = if digits.is_empty() { 1 } else { digits.parse().ok()? };
    let name = text.get(..text.len() - digits.len())?;
    if place == 0 || place > 100 {
        return None;
    }
    match name {
        "push" | "verified_push" => Some(Chosen::Push(place)),
        "phone" | "voice" => Some(Chosen::Phone(place)),
        "sms" | "smsrefresh" => Some(Chosen::Sms(place)),
        _ => None,
    }
}

/// The factor and the device that a text names. What names no factor is a passcode.
pub(crate) fn factor_of(text: &str, devices: &[Device]) -> Result<(Factor, Option<DeviceId>), ApiError> {
    let text = text.trim();
    let (factor, place) = match chosen(text) {
        Some(Chosen::Push(place)) => (Factor::Push, place),
        Some(Chosen::Phone(place)) => (Factor::Phone, place),
        Some(Chosen::Sms(place)) => (Factor::Sms, place),
        None => return Ok((Factor::Passcode(SecretString::new(text.to_owned())), None)),
    };
    let device = devices.get(place - 1).map(|device| device.id);
    Ok((factor, Some(device.ok_or_else(|| ApiError::invalid_parameter("no capable device"))?)))
}

/// What a text means after this preauth. Who isn't asked for a factor has no devices to choose from: the engine says so when it is
/// asked, in words that the person is shown.
pub(crate) fn choice(text: &str, preauth: &Preauth) -> Result<(Factor, Option<DeviceId>), ApiError> {
    match (factor_of(text, &preauth.devices), preauth.decision.verdict) {
        (Err(_), Verdict::Allow | Verdict::Deny | Verdict::Enroll) => Ok((Factor::Auto, None)),
        (chosen, _) => chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passcode_is_what_names_no_factor() {
        for code in ["123456", "000001", "cccccccc", "push", "", "0"] {
            let chosen = factor_of(code, &[]);
            assert_eq!(matches!(chosen, Ok((Factor::Passcode(_), None))), code != "push", "{code}");
        }
        assert!(factor_of("push1", &[]).is_err());
        assert!(factor_of("push0", &[]).is_ok_and(|(factor, _)| matches!(factor, Factor::Passcode(_))));
    }
}
