//! What a person chose at a prompt: `push1`, `phone2`, `sms1`, or a passcode.

use crate::wire::ApiError;
use auth::{Device, DeviceId, Factor, Preauth, Verdict};
use types::{AttemptId, SecretString};

/// What was chosen: a factor, the device, and the offer whose code the prompt showed.
pub(crate) struct Choice {
    pub(crate) factor: Factor,
    pub(crate) device: Option<DeviceId>,
    pub(crate) offer: Option<AttemptId>,
}

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

/// The factor and the device that a text names, and after a dot the offer that the prompt showed: so a push goes with the code of
/// its own prompt and of no other's. What names no factor is a passcode.
pub(crate) fn factor_of(text: &str, devices: &[Device]) -> Result<Choice, ApiError> {
    let text = text.trim();
    let (name, offer) = match text.split_once('.') {
        Some((name, offer)) => (name, offer.parse().ok()),
        None => (text, None),
    };
    let (factor, place) = match chosen(name).filter(|_| offer.is_some() || name == text) {
        Some(Chosen::Push(place)) => (Factor::Push, place),
        Some(Chosen::Phone(place)) => (Factor::Phone, place),
        Some(Chosen::Sms(place)) => (Factor::Sms, place),
        None => {
            let factor = Factor::Passcode(SecretString::new(text.to_owned()));
            return Ok(Choice { factor, device: None, offer: None });
        }
    };
    let device = devices.get(place - 1).map(|device| device.id);
    let device = device.ok_or_else(|| ApiError::invalid_parameter("no capable device"))?;
    Ok(Choice { factor, device: Some(device), offer })
}

/// What a text means after this preauth. Who isn't asked for a factor has no devices to choose from: the engine says so when it is
/// asked, in words that the person is shown.
pub(crate) fn choice(text: &str, preauth: &Preauth) -> Result<Choice, ApiError> {
    match (factor_of(text, &preauth.devices), preauth.decision.verdict) {
        (Err(_), Verdict::Allow | Verdict::Deny | Verdict::Enroll) => {
            Ok(Choice { factor: Factor::Auto, device: None, offer: None })
        }
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
            let passcode = chosen.is_ok_and(|chosen| matches!(chosen.factor, Factor::Passcode(_)));
            assert_eq!(passcode, code != "push", "{code}");
        }
        assert!(factor_of("push1", &[]).is_err());
        assert!(factor_of("push0", &[]).is_ok_and(|chosen| matches!(chosen.factor, Factor::Passcode(_))));
        assert!(factor_of("push1.x", &[]).is_ok_and(|chosen| matches!(chosen.factor, Factor::Passcode(_))));
    }
}
