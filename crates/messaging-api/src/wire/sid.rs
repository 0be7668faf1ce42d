//! Names of things: two capitals that say what it is, and 32 hexadecimal digits of its id.

use uuid::Uuid;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prefix(&'static str);

impl Prefix {
    /// A tenant.
    pub(crate) const ACCOUNT: Self = Self("AC");
    /// A key with a secret of its own.
    pub(crate) const KEY: Self = Self("SK");
    /// A message.
    pub(crate) const MESSAGE: Self = Self("SM");
    /// A call.
    pub(crate) const CALL: Self = Self("CA");
    /// A service of Verify.
    pub(crate) const SERVICE: Self = Self("VA");
    /// A verification.
    pub(crate) const VERIFICATION: Self = Self("VE");
    /// One sending of a verification's code.
    pub(crate) const ATTEMPT: Self = Self("VL");
    /// A rate limit of a service.
    pub(crate) const RATE_LIMIT: Self = Self("RK");
    /// A bucket of a rate limit.
    pub(crate) const BUCKET: Self = Self("BL");
    /// Somebody with factors.
    pub(crate) const ENTITY: Self = Self("YE");
    /// A factor.
    pub(crate) const FACTOR: Self = Self("YF");
    /// A challenge of a factor.
    pub(crate) const CHALLENGE: Self = Self("YC");
}

/// The name of `id`.
pub(crate) fn sid(prefix: Prefix, id: Uuid) -> String {
    format!("{}{}", prefix.0, id.simple())
}

/// The id in a name of this kind; hexadecimal digits in small letters only, so that one thing has one name.
pub(crate) fn uuid_of(prefix: Prefix, text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix.0)?;
    let plain = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if plain { Uuid::try_parse(digits).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_thing_has_one_name(bytes: [u8; 16], text in "\\PC{0,40}|SM[0-9a-fA-F]{30,34}") {
            let id = Uuid::from_bytes(bytes);
            prop_assert_eq!(uuid_of(Prefix::MESSAGE, &sid(Prefix::MESSAGE, id)), Some(id));
            prop_assert_eq!(uuid_of(Prefix::CALL, &sid(Prefix::MESSAGE, id)), None);
            if let Some(id) = uuid_of(Prefix::MESSAGE, &text) {
                prop_assert_eq!(sid(Prefix::MESSAGE, id), text);
            }
        }
    }
}
