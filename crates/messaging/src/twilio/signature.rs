//! `X-Twilio-Signature`: base64 of HMAC-SHA1, under the account's token, of the address that the supplier called, followed by every
//! parameter of the form, sorted, name and value (Twilio, "Webhooks security").

use aws_lc_rs::hmac;
use types::{SecretString, ct_eq};

/// The signature of a request.
#[must_use]
pub fn sign(token: &SecretString, url: &str, form: &[(String, String)]) -> String {
    let mut pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.sort_unstable();
    // As the suppliers' own libraries do it: a pair that stands there twice counts once.
    pairs.dedup();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(url.as_bytes());
    for (name, value) in pairs {
        context.update(name.as_bytes());
        context.update(value.as_bytes());
    }
    data_encoding::BASE64.encode(context.sign().as_ref())
}

/// Whether `signature` is the one of this request. Suppliers sign the address with or without its port, so both are tried.
#[must_use]
pub fn verify(token: &SecretString, url: &str, form: &[(String, String)], signature: &str) -> bool {
    let right = |url: &str| ct_eq(sign(token, url, form).as_bytes(), signature.as_bytes());
    right(url) || other_port(url).is_some_and(|url| right(&url))
}

/// The same address without the port that it has, or with the port that its scheme implies.
fn other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let has_port =
        authority.rsplit_once(':').filter(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    Some(match (has_port, scheme) {
        (Some((host, _)), _) => format!("{scheme}://{host}{path}"),
        (None, "https") => format!("{scheme}://{authority}:443{path}"),
        (None, _) => format!("{scheme}://{authority}:80{path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_suppliers_own_example() {
        let token = SecretString::new("12345".to_owned());
        let form = pairs(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]);
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(sign(&token, url, &form), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let reversed: Vec<_> = form.iter().rev().cloned().collect();
        assert!(verify(&token, url, &reversed, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        assert!(verify(
            &token,
            "https://mycompany.com:443/myapp.php?foo=1&bar=2",
            &form,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8="
        ));
        for wrong in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "rsoydt4t1cutdk1pdd93/vvr8b8="]
        {
            assert!(!verify(&token, url, &form, wrong), "{wrong}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(other_port("https://a.example/x").as_deref(), Some("https://a.example:443/x"));
        assert_eq!(other_port("http://a.example?x").as_deref(), Some("http://a.example:80?x"));
        assert_eq!(other_port("https://a.example:8443/x:1").as_deref(), Some("https://a.example/x:1"));
        assert_eq!(other_port("https://[::1]:8443/").as_deref(), Some("https://[::1]/"));
        assert_eq!(other_port("nonsense"), None);
    }

    proptest! {
        #[test]
        fn one_change_breaks_it(
            form in proptest::collection::vec(("[A-Za-z]{1,8}", "\\PC{0,12}"), 1..6),
            which in any::<prop::sample::Index>(),
        ) {
            let token = SecretString::new("token".to_owned());
            let url = "https://a.example/hook";
            let signature = sign(&token, url, &form);
            prop_assert!(verify(&token, url, &form, &signature));
            let mut changed = form.clone();
            changed[which.index(form.len())].1.push('x');
            prop_assert!(!verify(&token, url, &changed, &signature));
            prop_assert!(!verify(&token, "https://a.example/other", &form, &signature));
            prop_assert!(!verify(&SecretString::new("other".to_owned()), url, &form, &signature));
        }
    }
}
