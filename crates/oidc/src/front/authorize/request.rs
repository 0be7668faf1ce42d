//! What an application asks for, read wholly before anybody is asked anything.

use super::claims_parameter::Wishes;
use crate::frame::{
    error::{Code, OAuthError},
    params::Form,
};
use serde::{Deserialize, Serialize};

/// Bytes of a state and of a nonce.
const LONGEST_STATE: usize = 2048;
/// Bytes of a hint.
const LONGEST_HINT: usize = 256;
/// Values of one parameter that is a list.
const MOST: usize = 32;
/// Addresses of resources.
const MOST_RESOURCES: usize = 8;
/// The longest `max_age` that means anything: ten years.
const OLDEST: u64 = 10 * 365 * 86_400;

/// An authorisation request, but for where it is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// In the order in which they were asked for, each once.
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    /// The SHA-256 of the verifier, base64url (RFC 7636 §4.2).
    pub(crate) code_challenge: Option<String>,
    pub(crate) prompt: Prompt,
    /// Seconds.
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Vec<String>,
    pub(crate) wishes: Wishes,
    pub(crate) login_hint: Option<String>,
    /// As it was given: nothing of it is verified.
    pub(crate) id_token_hint: Option<String>,
    /// The language that comes first.
    pub(crate) ui_locale: Option<String>,
    pub(crate) resources: Vec<String>,
    /// The thumbprint of the key that the tokens shall be bound to (RFC 9449 §10).
    pub(crate) dpop_jkt: Option<String>,
}

/// What the person is to be asked, whatever is known (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prompt {
    pub(crate) none: bool,
    pub(crate) login: bool,
    pub(crate) consent: bool,
    pub(crate) select_account: bool,
}

impl Request {
    /// Reads all but `client_id`, `redirect_uri`, `response_mode` and `state`, which were read before.
    pub(crate) fn read(form: &Form) -> Result<Self, OAuthError> {
        match form.get("response_type")? {
            Some("code") => {}
            Some(_) => return Err(OAuthError::new(Code::UnsupportedResponseType, "The response_type must be code.")),
            None => return Err(OAuthError::invalid_request("The response_type is missing.")),
        }
        if form.get("registration")?.is_some() {
            return Err(OAuthError::new(
                Code::RegistrationNotSupported,
                "The registration parameter is not supported.",
            ));
        }
        let scopes = words(form.get("scope")?, "The scope has too many values.")?;
        if scopes.is_empty() {
            return Err(OAuthError::new(Code::InvalidScope, "The scope is missing."));
        }
        let request = Self {
            nonce: text(form, "nonce", LONGEST_STATE, "The nonce is too long or has control characters in it.")?,
            code_challenge: challenge(form)?,
            prompt: Prompt::read(form.get("prompt")?)?,
            max_age: max_age(form.get("max_age")?)?,
            acr_values: words(form.get("acr_values")?, "There are too many acr_values.")?,
            wishes: form.get("claims")?.map(Wishes::read).transpose()?.unwrap_or_default(),
            login_hint: text(form, "login_hint", LONGEST_HINT, "The login_hint is too long.")?,
            id_token_hint: form.get("id_token_hint")?.map(str::to_owned),
            ui_locale: locale(form.get("ui_locales")?),
            resources: resources(form)?,
            dpop_jkt: form.get("dpop_jkt")?.map(thumbprint).transpose()?,
            scopes,
        };
        Ok(request)
    }

    /// Whether an id token is asked for.
    pub(crate) fn is_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }
}

/// The `state`, which goes back as it is.
pub(crate) fn state(form: &Form) -> Result<Option<String>, OAuthError> {
    text(form, "state", LONGEST_STATE, "The state is too long or has control characters in it.")
}

impl Prompt {
    fn read(text: Option<&str>) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for word in words(text, "The prompt has too many values.")? {
            match word.as_str() {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                // What can't be done must not be left out silently: the application relies on it.
                _ => return Err(OAuthError::invalid_request("The prompt has a value that is not known.")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(OAuthError::invalid_request("With prompt=none there can be nothing else in prompt."));
        }
        Ok(prompt)
    }
}

/// Values with spaces between them, each once.
fn words(text: Option<&str>, too_many: &'static str) -> Result<Vec<String>, OAuthError> {
    let mut out: Vec<String> = Vec::new();
    for word in text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        if !out.iter().any(|known| known == word) {
            out.push(word.to_owned());
        }
        if out.len() > MOST {
            return Err(OAuthError::invalid_request(too_many));
        }
    }
    Ok(out)
}

fn text(form: &Form, name: &str, longest: usize, wrong: &'static str) -> Result<Option<String>, OAuthError> {
    match form.get(name)? {
        Some(text) if text.len() > longest || text.chars().any(char::is_control) => {
            Err(OAuthError::invalid_request(wrong))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// PKCE by SHA-256 and by nothing else: with `plain`, who reads the request has the verifier (RFC 9700 §2.1.1). A method without a challenge
/// is somebody's attempt to have the challenge fall away.
fn challenge(form: &Form) -> Result<Option<String>, OAuthError> {
    match (form.get("code_challenge")?, form.get("code_challenge_method")?) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) => match jose::is_digest(challenge) {
            true => Ok(Some(challenge.to_owned())),
            false => Err(OAuthError::invalid_request("The code_challenge must be 43 characters of base64url.")),
        },
        _ => Err(OAuthError::invalid_request("The code_challenge_method must be S256, with a code_challenge.")),
    }
}

fn thumbprint(text: &str) -> Result<String, OAuthError> {
    let wrong = OAuthError::invalid_request("The dpop_jkt must be the SHA-256 thumbprint of a key.");
    if jose::is_digest(text) { Ok(text.to_owned()) } else { Err(wrong) }
}

fn max_age(text: Option<&str>) -> Result<Option<u64>, OAuthError> {
    let wrong = OAuthError::invalid_request("The max_age must be a number of seconds.");
    match text {
        None => Ok(None),
        Some(text) if text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<u64>().map(|seconds| Some(seconds.min(OLDEST))).map_err(|_| wrong)
        }
        Some(_) => Err(wrong),
    }
}

/// The first language that looks like one. It is a wish: what isn't understood is nobody's fault.
fn locale(text: Option<&str>) -> Option<String> {
    let fits = |tag: &&str| {
        (2..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text?.split(' ').find(fits).map(str::to_owned)
}

/// RFC 8707 §2: absolute, without a fragment.
fn resources(form: &Form) -> Result<Vec<String>, OAuthError> {
    let wrong = OAuthError::new(Code::InvalidTarget, "A resource must be an absolute address without a fragment.");
    let all = form.all("resource");
    if all.len() > MOST_RESOURCES {
        return Err(OAuthError::new(Code::InvalidTarget, "There are too many resources."));
    }
    let absolute = |uri: &&str| {
        let scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                && !rest.is_empty()
        });
        scheme && uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
    };
    all.into_iter().map(|uri| Some(uri).filter(absolute).map(str::to_owned).ok_or(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        let (parts, ()) = http::Request::new(()).into_parts();
        Form::of(parts, pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const BASE: [(&str, &str); 2] = [("response_type", "code"), ("scope", "openid profile openid")];
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn with(more: &[(&str, &str)]) -> Result<Request, OAuthError> {
        Request::read(&form(&[BASE.as_slice(), more].concat()))
    }

    #[test]
    fn a_request_is_read_wholly() {
        let read = with(&[
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("prompt", "login consent"),
            ("max_age", "0"),
            ("acr_values", "phr phrh"),
            ("ui_locales", "x fr-CA fr en"),
            ("resource", "https://api.example/a"),
            ("resource", "urn:example:b"),
            ("unknown", "x"),
        ])
        .unwrap();
        assert_eq!(read.scopes, ["openid", "profile"]);
        assert_eq!(read.code_challenge.as_deref(), Some(CHALLENGE));
        assert!(read.prompt.login && read.prompt.consent && !read.prompt.none);
        assert_eq!((read.max_age, read.ui_locale.as_deref()), (Some(0), Some("fr-CA")));
        assert_eq!(read.resources.len(), 2);
    }

    #[test]
    fn pkce_is_not_talked_down() {
        for bad in [
            vec![("code_challenge", CHALLENGE)],
            vec![("code_challenge", CHALLENGE), ("code_challenge_method", "plain")],
            vec![("code_challenge", CHALLENGE), ("code_challenge_method", "s256")],
            vec![("code_challenge_method", "S256")],
            vec![("code_challenge", "short"), ("code_challenge_method", "S256")],
            vec![("code_challenge", &CHALLENGE[..42]), ("code_challenge_method", "S256")],
            vec![("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), ("code_challenge_method", "S256")],
        ] {
            assert_eq!(with(&bad).unwrap_err().code, Code::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_understood_and_matters_is_refused() {
        let long = "x".repeat(LONGEST_STATE + 1);
        for (bad, code) in [
            (("prompt", "none login"), Code::InvalidRequest),
            (("prompt", "create"), Code::InvalidRequest),
            (("max_age", "-1"), Code::InvalidRequest),
            (("max_age", "1e3"), Code::InvalidRequest),
            (("max_age", "99999999999"), Code::InvalidRequest),
            (("claims", "[]"), Code::InvalidRequest),
            (("nonce", long.as_str()), Code::InvalidRequest),
            (("nonce", "a\nb"), Code::InvalidRequest),
            (("registration", "{}"), Code::RegistrationNotSupported),
            (("resource", "/relative"), Code::InvalidTarget),
            (("resource", "https://api.example/#x"), Code::InvalidTarget),
            (("dpop_jkt", "x"), Code::InvalidRequest),
            (("scope", "openid"), Code::InvalidRequest),
        ] {
            assert_eq!(with(&[bad]).unwrap_err().code, code, "{bad:?}");
        }
        for other in ["token", "id_token", "code id_token", "none", "CODE", "code code"] {
            let read = Request::read(&form(&[("response_type", other), ("scope", "openid")]));
            assert_eq!(read.unwrap_err().code, Code::UnsupportedResponseType, "{other}");
        }
        assert_eq!(Request::read(&form(&[("response_type", "code")])).unwrap_err().code, Code::InvalidScope);
    }

    proptest! {
        #[test]
        fn no_value_panics_and_what_is_read_is_kept(name in 0_usize..9, value in "\\PC{0,60}") {
            let names = ["scope", "nonce", "prompt", "max_age", "acr_values", "claims", "login_hint", "ui_locales", "resource"];
            if let Ok(read) = Request::read(&form(&[("response_type", "code"), ("scope", "openid"), (names[name], &value)])) {
                let again: Request = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
                prop_assert_eq!(again, read);
            }
        }
    }
}
