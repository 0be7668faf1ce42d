//! Other houses, played here: OpenID providers that answer for any issuer `https://NAME.op.example`, and SAML providers.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jose::{Algorithm, SigningKey};
use outbound::{FetchError, Fetched, Request};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use types::{ManualClock, Millis, SecretBytes};
use upstream::{Fetch, Fetching};
use xmlsig::{Limits, Xml, ns, post, redirect, sign};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap().0);

/// A code that waits: whose token it gives, and what redeems it.
struct Waiting {
    issuer: String,
    claims: Map<String, Value>,
    challenge: String,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Abroad {
    codes: Mutex<HashMap<String, Waiting>>,
    made: AtomicUsize,
    away: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

/// The values of an address's query.
pub(crate) fn query_of(address: &str) -> HashMap<String, String> {
    let (_, query) = address.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect()
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap()
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

impl Abroad {
    /// Whether nobody there answers.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// What a browser that was sent to `address` comes back with, after `claims` was signed in there.
    pub(crate) fn back(&self, address: &str, now: Millis, claims: &Value) -> String {
        let issuer = address.split_once("/authorize").unwrap().0.to_owned();
        let asked = query_of(address);
        assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
        let seconds = now.seconds();
        let mut token = json!({
            "iss": issuer, "aud": asked["client_id"], "exp": seconds + 300, "iat": seconds, "auth_time": seconds,
            "nonce": asked["nonce"],
        });
        let token = token.as_object_mut().unwrap();
        token.extend(claims.as_object().unwrap().clone());
        let code = format!("code-{}", self.made.fetch_add(1, Ordering::SeqCst));
        let waiting =
            Waiting { issuer: issuer.clone(), claims: token.clone(), challenge: asked["code_challenge"].clone() };
        self.codes.lock().unwrap().insert(code.clone(), waiting);
        format!("code={code}&state={}&iss={}", escaped(&asked["state"]), escaped(&issuer))
    }

    fn answer(&self, url: &str, body: &str) -> Option<Value> {
        let issuer = url.strip_prefix("https://")?.split_once('/')?.0;
        let (issuer, path) = (format!("https://{issuer}"), url.strip_prefix(&format!("https://{issuer}"))?);
        match path {
            "/.well-known/openid-configuration" => Some(json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
                "authorization_response_iss_parameter_supported": true,
            })),
            "/jwks" => Some(json!({ "keys": [KEY.jwk().unwrap().to_value()] })),
            "/token" => {
                let form = query_of(&format!("?{body}"));
                // Once, whoever comes with it.
                let waiting = self.codes.lock().unwrap().remove(&form["code"])?;
                let digest = jose::sha256(form["code_verifier"].as_bytes());
                if waiting.challenge != BASE64URL_NOPAD.encode(&digest) || waiting.issuer != issuer {
                    return None;
                }
                let token = KEY.sign_jwt(Some("JWT"), &waiting.claims).unwrap();
                Some(json!({ "id_token": token, "access_token": "at", "token_type": "Bearer" }))
            }
            _ => None,
        }
    }
}

impl Fetch for Abroad {
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let body = String::from_utf8(request.body).unwrap();
        let answer = if self.away.load(Ordering::SeqCst) {
            Err(FetchError::Unreachable)
        } else {
            Ok(self.answer(request.url, &body))
        };
        Box::pin(std::future::ready(answer.map(|answer| Fetched {
            status: if answer.is_some() { 200 } else { 400 },
            content_type: "application/json".to_owned(),
            body: answer.unwrap_or_default().to_string().into_bytes(),
        })))
    }
}

/// A SAML provider.
pub(crate) struct SamlProvider {
    pub(crate) entity_id: String,
    pub(crate) key: xmlsig::SigningKey,
}

/// What it says.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) audience: String,
    pub(crate) recipient: String,
    pub(crate) in_response_to: String,
    pub(crate) context: String,
    pub(crate) mail: String,
    pub(crate) format: &'static str,
}

impl SamlProvider {
    pub(crate) fn new(name: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let made = rcgen::CertificateParams::new(vec![format!("{name}.example")]).unwrap().self_signed(&pair).unwrap();
        let pkcs8 = SecretBytes::new(pair.serialize_der());
        let key = xmlsig::SigningKey::from_pkcs8(&pkcs8, made.der().to_vec()).unwrap();
        Self { entity_id: format!("https://{name}.example/metadata"), key }
    }

    /// Its metadata.
    pub(crate) fn metadata(&self) -> String {
        let text = data_encoding::BASE64.encode(self.key.certificate());
        let data = Xml::new("ds:X509Data").child(Xml::new("ds:X509Certificate").text(text));
        let key = Xml::new("md:KeyDescriptor")
            .with("use", "signing")
            .child(Xml::new("ds:KeyInfo").with("xmlns:ds", ns::DS).child(data));
        let place = Xml::new("md:SingleSignOnService")
            .with("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
            .with("Location", self.entity_id.replace("/metadata", "/sso"));
        let role =
            Xml::new("md:IDPSSODescriptor").with("protocolSupportEnumeration", ns::SAMLP).child(key).child(place);
        let entity = Xml::new("md:EntityDescriptor").with("xmlns:md", ns::MD).with("entityID", &self.entity_id);
        entity.child(role).render().unwrap().into_document()
    }

    /// What it would say to the request in `address` of somebody called `name`; and the request's `RelayState`.
    pub(crate) fn asked(&self, address: &str, name: &str) -> (Said, String) {
        let (place, query) = address.split_once('?').unwrap();
        assert_eq!(place, self.entity_id.replace("/metadata", "/sso"));
        let message = redirect::Message::parse(query, &Limits::MESSAGE).unwrap();
        let (document, relay) = message.into_unverified();
        let root = document.root();
        let said = Said {
            name: name.to_owned(),
            audience: root.only(ns::SAML, "Issuer").unwrap().text().unwrap().to_owned(),
            recipient: root.attribute("AssertionConsumerServiceURL").unwrap().to_owned(),
            in_response_to: root.attribute("ID").unwrap().to_owned(),
            context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned(),
            mail: format!("{name}@corp.example"),
            format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        };
        (said, relay.unwrap())
    }

    /// The field `SAMLResponse`.
    pub(crate) fn response(&self, said: &Said, clock: &ManualClock) -> String {
        use types::Clock as _;
        let now = clock.now();
        let at = |seconds: i64| stamp(now.seconds() + seconds);
        let data = Xml::new("saml:SubjectConfirmationData")
            .with("NotOnOrAfter", at(300))
            .with("Recipient", &said.recipient)
            .with("InResponseTo", &said.in_response_to);
        let confirmation =
            Xml::new("saml:SubjectConfirmation").with("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer").child(data);
        let audience = Xml::new("saml:AudienceRestriction").child(Xml::new("saml:Audience").text(&said.audience));
        let conditions =
            Xml::new("saml:Conditions").with("NotBefore", at(0)).with("NotOnOrAfter", at(300)).child(audience);
        let context = Xml::new("saml:AuthnContext").child(Xml::new("saml:AuthnContextClassRef").text(&said.context));
        let mail =
            Xml::new("saml:Attribute").with("Name", "mail").child(Xml::new("saml:AttributeValue").text(&said.mail));
        let id = format!("_{}", HEXLOWER.encode(&jose::sha256(said.in_response_to.as_bytes())));
        let assertion = Xml::new("saml:Assertion")
            .with("xmlns:saml", ns::SAML)
            .with("ID", &id)
            .with("Version", "2.0")
            .with("IssueInstant", at(0))
            .child(Xml::new("saml:Issuer").text(&self.entity_id))
            .child(
                Xml::new("saml:Subject")
                    .child(Xml::new("saml:NameID").with("Format", said.format).text(&said.name))
                    .child(confirmation),
            )
            .child(conditions)
            .child(Xml::new("saml:AuthnStatement").with("AuthnInstant", at(0)).child(context))
            .child(Xml::new("saml:AttributeStatement").child(mail))
            .render()
            .unwrap();
        let assertion = sign(&assertion, &id, &self.key).unwrap();
        let success = "urn:oasis:names:tc:SAML:2.0:status:Success";
        let response = Xml::new("samlp:Response")
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", "_r1")
            .with("Version", "2.0")
            .with("IssueInstant", at(0))
            .with("Destination", &said.recipient)
            .with("InResponseTo", &said.in_response_to)
            .child(Xml::new("saml:Issuer").text(&self.entity_id))
            .child(Xml::new("samlp:Status").child(Xml::new("samlp:StatusCode").with("Value", success)))
            .fragment(assertion)
            .render()
            .unwrap();
        post::encode(&response.into_document())
    }
}

/// A time as SAML writes it: the days since 1970 by the civil calendar.
fn stamp(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}
