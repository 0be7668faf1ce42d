//! Proof Key for Code Exchange (RFC 7636): S256 and nothing else.

use super::GrantError;

/// RFC 7636 §4.1.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Whether the code's verifier is the right one. A challenge without a verifier is refused, and so is a verifier without a challenge: there a
/// request was changed on its way (RFC 9700 §2.1.1).
pub(super) fn check(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), GrantError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            let computed = jose::base64url(&jose::sha256(verifier.as_bytes()));
            if types::ct_eq(computed.as_bytes(), challenge.as_bytes()) {
                Ok(())
            } else {
                Err(GrantError::Refused("the code_verifier is wrong"))
            }
        }
        (Some(_), Some(_)) => Err(GrantError::Refused("the code_verifier is malformed")),
        (Some(_), None) => Err(GrantError::Refused("the code_verifier is missing")),
        (None, Some(_)) => Err(GrantError::Refused("a code_verifier, and no challenge was sent")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_and_both_downgrades() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(check(Some(challenge), Some(verifier)).is_ok());
        assert!(check(None, None).is_ok());
        assert!(check(Some(challenge), None).is_err());
        assert!(check(None, Some(verifier)).is_err());
        // `plain`: the challenge itself.
        assert!(check(Some(challenge), Some(challenge)).is_err());
        for wrong in ["", "short", &"a".repeat(129), &format!("{verifier} "), &"ä".repeat(43)] {
            assert!(check(Some(challenge), Some(wrong)).is_err());
        }
    }
}
