//! Responses as a provider makes them, each wrong in one way.

use std::{sync::LazyLock, time::Duration};

use proptest::prelude::*;
use types::{Millis, SecretBytes, World};
use xmlsig::{
    ContentCipher, DecryptionKey, EncryptionError, Fragment, KeyTransport, PublicKey, SignatureError, SigningKey, Xml,
    XmlError, encrypt, ns, post, sign,
};

use super::*;

const NOW: Millis = Millis(1_795_327_200_000);
const SKEW: Duration = Duration::from_secs(60);
const IDP: &str = "https://idp.example/metadata";
const SP: &str = "https://sp.example/metadata";
const ACS: &str = "https://sp.example/acs";

pub(super) struct Made {
    pub(super) pkcs8: Vec<u8>,
    pub(super) certificate: Vec<u8>,
}

impl Made {
    pub(super) fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap().self_signed(&pair).unwrap();
        Self { pkcs8: pair.serialize_der(), certificate: certificate.der().to_vec() }
    }

    fn signing(&self) -> SigningKey {
        SigningKey::from_pkcs8(&SecretBytes::new(self.pkcs8.clone()), self.certificate.clone()).unwrap()
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_certificate(&self.certificate).unwrap()
    }
}

static KEY: LazyLock<Made> = LazyLock::new(|| Made::new(&rcgen::PKCS_ECDSA_P256_SHA256));
static OTHER: LazyLock<Made> = LazyLock::new(|| Made::new(&rcgen::PKCS_ECDSA_P256_SHA256));
static OURS: LazyLock<Made> = LazyLock::new(|| Made::new(&rcgen::PKCS_RSA_SHA256));

fn service() -> Service {
    Service {
        entity_id: SP.to_owned(),
        acs: ACS.to_owned(),
        signing: None,
        decryption: vec![DecryptionKey::from_pkcs8(&SecretBytes::new(OURS.pkcs8.clone())).unwrap()],
        encryption_certificate: Some(OURS.certificate.clone()),
    }
}

fn provider() -> Provider {
    Provider {
        entity_id: IDP.to_owned(),
        sign_on: vec![Endpoint { binding: Binding::Redirect, location: "https://idp.example/sso?x=1".to_owned() }],
        keys: vec![KEY.public()],
        wants_signed_requests: false,
        valid_until: None,
        cache_for: None,
    }
}

fn expect() -> Expect<'static> {
    Expect { answers: Answers::Request("_q1"), now: NOW, skew: SKEW, contexts: &[], fresh_since: None }
}

fn at(seconds: i64) -> String {
    times::write(Millis(NOW.0 + seconds * 1_000))
}

/// What is signed of a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Signs {
    Neither,
    Assertion,
    Response,
    Both,
}

/// A response, as it should be until a test says otherwise.
#[derive(Clone)]
struct Answer {
    signs: Signs,
    encrypted: Option<ContentCipher>,
    key: &'static Made,
    assertion_key: &'static Made,
    destination: Option<String>,
    response_in_response_to: Option<String>,
    in_response_to: Option<String>,
    response_issuer: Option<String>,
    issuer: String,
    audiences: Vec<Vec<String>>,
    recipient: Option<String>,
    method: String,
    confirmed_from: Option<String>,
    confirmed_until: Option<String>,
    not_before: Option<String>,
    not_on_or_after: Option<String>,
    issued: String,
    authenticated: String,
    session_ends: Option<String>,
    context: String,
    status: (&'static str, Option<&'static str>),
    version: &'static str,
    name: String,
    condition: Option<Xml>,
    encrypted_name: bool,
    after: Option<Xml>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            signs: Signs::Assertion,
            encrypted: None,
            key: &KEY,
            assertion_key: &KEY,
            destination: Some(ACS.to_owned()),
            response_in_response_to: Some("_q1".to_owned()),
            in_response_to: Some("_q1".to_owned()),
            response_issuer: Some(IDP.to_owned()),
            issuer: IDP.to_owned(),
            audiences: vec![vec![SP.to_owned()]],
            recipient: Some(ACS.to_owned()),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".to_owned(),
            confirmed_from: None,
            confirmed_until: Some(at(300)),
            not_before: Some(at(0)),
            not_on_or_after: Some(at(300)),
            issued: at(0),
            authenticated: at(-5),
            session_ends: Some(at(28_800)),
            context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned(),
            status: ("Success", None),
            version: "2.0",
            name: "user@example.com".to_owned(),
            condition: None,
            encrypted_name: false,
            after: None,
        }
    }
}

fn sealed(content: &Fragment, wrapper: &'static str, cipher: ContentCipher) -> Fragment {
    let (world, _) = World::made(NOW, 5);
    let to = OURS.public();
    let data = encrypt(content, &to, cipher, KeyTransport::OaepSha1, &*world.random).unwrap();
    Xml::new(wrapper).with("xmlns:saml", ns::SAML).fragment(data).render().unwrap()
}

impl Answer {
    fn assertion(&self) -> Fragment {
        let name =
            Xml::new("saml:NameID").with("xmlns:saml", ns::SAML).with("Format", "urn:example:format").text(&self.name);
        let name = name.render().unwrap();
        let name = if self.encrypted_name { sealed(&name, "saml:EncryptedID", ContentCipher::Aes256Cbc) } else { name };
        let data = Xml::new("saml:SubjectConfirmationData")
            .with_some("NotBefore", self.confirmed_from.clone())
            .with_some("NotOnOrAfter", self.confirmed_until.clone())
            .with_some("Recipient", self.recipient.clone())
            .with_some("InResponseTo", self.in_response_to.clone());
        let confirmation = Xml::new("saml:SubjectConfirmation").with("Method", &self.method).child(data);
        let restrictions = self.audiences.iter().map(|audiences| {
            Xml::new("saml:AudienceRestriction")
                .children(audiences.iter().map(|audience| Xml::new("saml:Audience").text(audience)))
        });
        let conditions = Xml::new("saml:Conditions")
            .with_some("NotBefore", self.not_before.clone())
            .with_some("NotOnOrAfter", self.not_on_or_after.clone())
            .children(restrictions)
            .children(self.condition.clone());
        let context = Xml::new("saml:AuthnContext").child(Xml::new("saml:AuthnContextClassRef").text(&self.context));
        let statement = Xml::new("saml:AuthnStatement")
            .with("AuthnInstant", &self.authenticated)
            .with("SessionIndex", "_s1")
            .with_some("SessionNotOnOrAfter", self.session_ends.clone())
            .child(context);
        let attribute = |name: &str, values: &[&str]| {
            Xml::new("saml:Attribute")
                .with("Name", name)
                .children(values.iter().map(|value| Xml::new("saml:AttributeValue").text(*value)))
        };
        let attributes = Xml::new("saml:AttributeStatement")
            .child(attribute("groups", &["staff", "admins & co"]))
            .child(attribute("mail", &["user@example.com"]));
        let made = Xml::new("saml:Assertion")
            .with("xmlns:saml", ns::SAML)
            .with("ID", "_a1")
            .with("Version", "2.0")
            .with("IssueInstant", &self.issued)
            .child(Xml::new("saml:Issuer").text(&self.issuer))
            .child(Xml::new("saml:Subject").fragment(name).child(confirmation))
            .child(conditions)
            .child(statement)
            .child(attributes)
            .render()
            .unwrap();
        if matches!(self.signs, Signs::Assertion | Signs::Both) {
            sign(&made, "_a1", &self.assertion_key.signing()).unwrap()
        } else {
            made
        }
    }

    fn text(&self) -> String {
        let assertion = self.assertion();
        let content = match self.encrypted {
            Some(cipher) => sealed(&assertion, "saml:EncryptedAssertion", cipher),
            None => assertion,
        };
        let value = |code: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
        let inner = self.status.1.map(|code| Xml::new("samlp:StatusCode").with("Value", value(code)));
        let code = Xml::new("samlp:StatusCode").with("Value", value(self.status.0)).children(inner);
        let response = Xml::new("samlp:Response")
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", "_r1")
            .with("Version", self.version)
            .with("IssueInstant", at(0))
            .with_some("Destination", self.destination.clone())
            .with_some("InResponseTo", self.response_in_response_to.clone())
            .children(self.response_issuer.as_ref().map(|issuer| Xml::new("saml:Issuer").text(issuer)))
            .child(Xml::new("samlp:Status").child(code))
            .fragment(content)
            .children(self.after.clone())
            .render()
            .unwrap();
        let response = if matches!(self.signs, Signs::Response | Signs::Both) {
            sign(&response, "_r1", &self.key.signing()).unwrap()
        } else {
            response
        };
        response.as_str().to_owned()
    }

    fn judge(&self, expect: &Expect<'_>) -> Result<Identity, SamlError> {
        service().receive(&provider(), &post::encode(&self.text()), expect)
    }

    fn refusal(&self) -> SamlError {
        self.judge(&expect()).unwrap_err()
    }
}

#[test]
fn as_it_should_be() {
    let identity = Answer::default().judge(&expect()).unwrap();
    assert_eq!(identity.issuer, IDP);
    assert_eq!(identity.name_id.value, "user@example.com");
    assert_eq!(identity.name_id.format, "urn:example:format");
    assert_eq!(identity.values("groups"), ["staff", "admins & co"]);
    assert_eq!(identity.values("mail"), ["user@example.com"]);
    assert!(identity.values("other").is_empty());
    assert_eq!(identity.session_index.as_deref(), Some("_s1"));
    assert_eq!(identity.authenticated, Millis(NOW.0 - 5_000));
    assert_eq!((identity.assertion_id.as_str(), identity.expires), ("_a1", Millis(NOW.0 + 360_000)));
}

/// What is signed, and by whom: a response, its assertion, both, neither; encrypted or not.
#[test]
fn matrix_of_signatures() {
    use Signs::{Assertion, Both, Neither, Response};
    let ciphers = [None, Some(ContentCipher::Aes256Gcm), Some(ContentCipher::Aes128Cbc)];
    for signs in [Neither, Assertion, Response, Both] {
        for encrypted in ciphers {
            let answer = Answer { signs, encrypted, ..Answer::default() };
            // CBC notices no change by itself: only inside of a signed response.
            let is_cbc = encrypted == Some(ContentCipher::Aes128Cbc);
            let right = match signs {
                Neither => false,
                Assertion => !is_cbc,
                Response | Both => true,
            };
            assert_eq!(answer.judge(&expect()).is_ok(), right, "{signs:?} {encrypted:?}");
        }
    }
    let wrong = |signs, key, assertion_key| Answer { signs, key, assertion_key, ..Answer::default() }.refusal();
    let refused = SamlError::Signature(SignatureError::Key);
    assert_eq!(wrong(Assertion, &*KEY, &*OTHER), refused);
    assert_eq!(wrong(Response, &*OTHER, &*KEY), refused);
    // One right signature doesn't cover for a wrong one.
    assert_eq!(wrong(Both, &*OTHER, &*KEY), refused);
    assert_eq!(wrong(Both, &*KEY, &*OTHER), refused);
    assert_eq!(Answer { signs: Neither, ..Answer::default() }.refusal(), SamlError::Signature(SignatureError::Missing));
    let cbc = Answer { encrypted: Some(ContentCipher::Aes128Cbc), ..Answer::default() };
    assert_eq!(cbc.refusal(), SamlError::Encryption(EncryptionError::Algorithm));
}

#[test]
fn a_part_that_was_changed_after_signing() {
    for signs in [Signs::Assertion, Signs::Response, Signs::Both] {
        let text = Answer { signs, ..Answer::default() }.text();
        for (from, to) in [("user@example.com", "admin@example.com"), ("staff", "roots"), ("_s1", "_s2")] {
            let changed = post::encode(&text.replace(from, to));
            let refused = service().receive(&provider(), &changed, &expect()).unwrap_err();
            assert_eq!(refused, SamlError::Signature(SignatureError::Digest), "{signs:?}");
        }
    }
    // Of a response whose assertion alone is signed, the rest is nobody's word, but what it says against itself counts.
    let text = Answer::default().text().replace("status:Success", "status:Responder");
    let refused = service().receive(&provider(), &post::encode(&text), &expect()).unwrap_err();
    assert_eq!(refused, SamlError::Refused(Status::Other));
}

#[test]
fn a_second_assertion_anywhere() {
    let text = Answer::default().text();
    let start = text.find("<saml:Assertion").unwrap();
    let signed = &text[start..text.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len()];
    let evil = signed.replace("_a1", "_evil").replace("user@", "admin@");
    let wrapped = format!("<saml:EncryptedAssertion xmlns:saml=\"{}\"></saml:EncryptedAssertion>", ns::SAML);
    let extension = format!("<samlp:Extensions>{evil}</samlp:Extensions>");
    for changed in [
        text.replace(signed, &format!("{evil}{signed}")),
        text.replace(signed, &format!("{signed}{evil}")),
        text.replace(signed, &format!("{signed}{wrapped}")),
        text.replace("<samlp:Status>", &format!("{extension}<samlp:Status>")),
        text.replace("</samlp:Status>", &format!("<samlp:StatusDetail>{evil}</samlp:StatusDetail></samlp:Status>")),
        text.replace(signed, ""),
    ] {
        let refused = service().receive(&provider(), &post::encode(&changed), &expect()).unwrap_err();
        assert_eq!(refused, SamlError::Assertions);
    }
    // Also where the provider signed it: which would be meant?
    let advice = Xml::new("samlp:Extensions").child(Xml::new("saml:Assertion"));
    let answer = Answer { signs: Signs::Response, after: Some(advice), ..Answer::default() };
    assert_eq!(answer.refusal(), SamlError::Assertions);
}

/// The corpus of wrapping, judged by the reader of claims itself.
#[test]
fn xsw_1_to_8() {
    fn element<'t>(text: &'t str, name: &str) -> &'t str {
        let start = text.find(&format!("<{name} ")).unwrap();
        let end = format!("</{name}>");
        &text[start..text.rfind(&end).unwrap() + end.len()]
    }
    fn into(outer: &str, name: &str, inner: &str) -> String {
        let at = outer.rfind(&format!("</{name}>")).unwrap();
        format!("{}{inner}{}", &outer[..at], &outer[at..])
    }
    fn after_issuer(outer: &str, inner: &str) -> String {
        outer.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}"), 1)
    }
    let forged = |text: &str| text.replace("_a1", "_evil").replace("_r1", "_evil_r").replace("user@", "admin@");
    let whole = Answer { signs: Signs::Response, ..Answer::default() }.text();
    let signature = element(&whole, "ds:Signature").to_owned();
    let bare = whole.replace(&signature, "");
    let evil_whole = forged(&bare);
    let partly = Answer::default().text();
    let signed = element(&partly, "saml:Assertion").to_owned();
    let inner = element(&signed, "ds:Signature").to_owned();
    let bare_inner = signed.replace(&inner, "");
    let evil = forged(&bare_inner);
    let around = |content: &str| partly.replace(&signed, content);
    let corpus = [
        after_issuer(&evil_whole, &into(&signature, "ds:Signature", &bare)),
        after_issuer(&evil_whole, &format!("{bare}{signature}")),
        around(&format!("{evil}{signed}")),
        around(&into(&evil, "saml:Assertion", &signed)),
        around(&format!("{}{bare_inner}", after_issuer(&evil, &inner))),
        around(&after_issuer(&evil, &into(&inner, "ds:Signature", &bare_inner))),
        around(&format!("<samlp:Extensions>{signed}</samlp:Extensions>{evil}")),
        around(&after_issuer(&evil, &into(&inner, "ds:Signature", &format!("<ds:Object>{bare_inner}</ds:Object>")))),
    ];
    let judge = |text: &str| service().receive(&provider(), &post::encode(text), &expect());
    let structure = SamlError::Signature(SignatureError::Structure("children of Signature"));
    let misplaced = SamlError::Signature(SignatureError::Missing);
    // An assertion in whatever place is found before any signature is looked at.
    let reasons = [structure, misplaced].into_iter().chain([SamlError::Assertions; 6]);
    for ((number, text), reason) in corpus.iter().enumerate().zip(reasons) {
        assert!(text.contains("admin@example.com"));
        assert_eq!(judge(text).unwrap_err(), reason, "XSW{}", number + 1);
    }
    for untouched in [&whole, &partly] {
        assert_eq!(judge(untouched).unwrap().name_id.value, "user@example.com");
    }
}

#[test]
fn comments_entities_and_cdata_in_a_name() {
    for (content, reason) in [
        ("user@example.com<!-- -->.evil.example", XmlError::Comment),
        ("user@example.com<?x?>.evil.example", XmlError::ProcessingInstruction),
        ("<![CDATA[user@example.com]]>", XmlError::Cdata),
        ("&user;", XmlError::Entity),
    ] {
        let text = Answer::default().text().replacen("user@example.com", content, 1);
        let refused = service().receive(&provider(), &post::encode(&text), &expect()).unwrap_err();
        assert_eq!(refused, SamlError::Xml(reason));
    }
}

#[test]
fn times_one_second_before_and_after() {
    let judged = |answer: &Answer| answer.judge(&expect()).map(drop);
    // The clock may be off by 60 seconds.
    let not_before = |seconds| judged(&Answer { not_before: Some(at(seconds)), ..Answer::default() });
    assert_eq!((not_before(60), not_before(61)), (Ok(()), Err(SamlError::Early)));
    let until = |seconds| judged(&Answer { not_on_or_after: Some(at(seconds)), ..Answer::default() });
    assert_eq!((until(-59), until(-60)), (Ok(()), Err(SamlError::Expired)));
    let confirmed = |seconds| judged(&Answer { confirmed_until: Some(at(seconds)), ..Answer::default() });
    assert_eq!((confirmed(-59), confirmed(-60)), (Ok(()), Err(SamlError::Expired)));
    let from = |seconds| judged(&Answer { confirmed_from: Some(at(seconds)), ..Answer::default() });
    assert_eq!((from(60), from(61)), (Ok(()), Err(SamlError::Early)));
    let session = |seconds| judged(&Answer { session_ends: Some(at(seconds)), ..Answer::default() });
    assert_eq!((session(-59), session(-60)), (Ok(()), Err(SamlError::Expired)));
    let issued = |seconds| judged(&Answer { issued: at(seconds), ..Answer::default() });
    assert_eq!((issued(60), issued(61)), (Ok(()), Err(SamlError::Early)));
    let instant = |seconds| judged(&Answer { authenticated: at(seconds), ..Answer::default() });
    assert_eq!((instant(60), instant(61)), (Ok(()), Err(SamlError::Early)));
    let none = Answer { confirmed_until: None, ..Answer::default() };
    assert_eq!(none.refusal(), SamlError::Part("NotOnOrAfter"));
    let garbage = Answer { not_on_or_after: Some("tomorrow".to_owned()), ..Answer::default() };
    assert_eq!(garbage.refusal(), SamlError::Part("a time"));
}

#[test]
fn audience() {
    let judged = |audiences: &[&[&str]]| {
        let audiences = audiences.iter().map(|list| list.iter().map(|one| (*one).to_owned()).collect()).collect();
        Answer { audiences, ..Answer::default() }.judge(&expect()).map(drop)
    };
    assert_eq!(judged(&[&["https://other.example", SP]]), Ok(()));
    let refused = Err(SamlError::Audience);
    assert_eq!(judged(&[]), refused);
    assert_eq!(judged(&[&[]]), refused);
    assert_eq!(judged(&[&["https://other.example"]]), refused);
    assert_eq!(judged(&[&[SP], &["https://other.example"]]), refused, "each restriction must name us");
    assert_eq!(judged(&[&["https://sp.example/metadata/"]]), refused);
    let unknown = Answer { condition: Some(Xml::new("saml:Condition")), ..Answer::default() };
    assert_eq!(unknown.refusal(), SamlError::Part("Conditions"));
    let known = Answer { condition: Some(Xml::new("saml:OneTimeUse")), ..Answer::default() };
    assert!(known.judge(&expect()).is_ok());
}

#[test]
fn recipient_and_destination() {
    for other in ["https://sp.example/acs/", "https://sp.example/ACS", "https://evil.example/acs", ""] {
        let recipient = Answer { recipient: Some(other.to_owned()), ..Answer::default() };
        assert_eq!(recipient.refusal(), SamlError::Recipient, "{other}");
        let destination = Answer { destination: Some(other.to_owned()), ..Answer::default() };
        assert_eq!(destination.refusal(), SamlError::Destination, "{other}");
    }
    assert_eq!(Answer { recipient: None, ..Answer::default() }.refusal(), SamlError::Recipient);
    let other_method =
        Answer { method: "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches".to_owned(), ..Answer::default() };
    assert_eq!(other_method.refusal(), SamlError::Recipient);
    // Unsigned, a response may leave its destination out: the assertion has its recipient.
    assert!(Answer { destination: None, ..Answer::default() }.judge(&expect()).is_ok());
    let signed = Answer { destination: None, signs: Signs::Response, ..Answer::default() };
    assert_eq!(signed.refusal(), SamlError::Destination);
}

#[test]
fn in_response_to() {
    let judged = |response: Option<&str>, assertion: Option<&str>, answers: Answers<'_>| {
        let owned = |id: Option<&str>| id.map(ToOwned::to_owned);
        let answer =
            Answer { response_in_response_to: owned(response), in_response_to: owned(assertion), ..Answer::default() };
        answer.judge(&Expect { answers, ..expect() }).map(drop)
    };
    let (own, other) = (Some("_q1"), Some("_q2"));
    let refused = Err(SamlError::InResponseTo);
    assert_eq!(judged(own, own, Answers::Request("_q1")), Ok(()));
    assert_eq!(judged(None, None, Answers::Unasked), Ok(()));
    for (response, assertion) in [(other, own), (own, other), (None, own), (own, None), (None, None), (other, other)] {
        assert_eq!(judged(response, assertion, Answers::Request("_q1")), refused, "{response:?} {assertion:?}");
    }
    // What was asked for isn't taken as unasked.
    for (response, assertion) in [(own, own), (None, own), (own, None)] {
        assert_eq!(judged(response, assertion, Answers::Unasked), refused);
    }
}

#[test]
fn issuer() {
    let other = "https://evil.example/metadata".to_owned();
    assert_eq!(Answer { issuer: other.clone(), ..Answer::default() }.refusal(), SamlError::Issuer);
    assert_eq!(Answer { response_issuer: Some(other), ..Answer::default() }.refusal(), SamlError::Issuer);
    assert!(Answer { response_issuer: None, ..Answer::default() }.judge(&expect()).is_ok());
}

#[test]
fn status_and_version() {
    let status = |outer, inner| Answer { status: (outer, inner), ..Answer::default() }.refusal();
    assert_eq!(status("Responder", Some("NoPassive")), SamlError::Refused(Status::NoPassive));
    assert_eq!(status("Responder", Some("AuthnFailed")), SamlError::Refused(Status::AuthnFailed));
    assert_eq!(status("Requester", None), SamlError::Refused(Status::Other));
    assert_eq!(status("Success2", Some("Success")), SamlError::Refused(Status::Other));
    assert_eq!(Answer { version: "1.1", ..Answer::default() }.refusal(), SamlError::Message);
    let request = Xml::new("samlp:AuthnRequest").with("xmlns:samlp", ns::SAMLP).render().unwrap();
    let refused = service().receive(&provider(), &post::encode(request.as_str()), &expect()).unwrap_err();
    assert_eq!(refused, SamlError::Message);
}

#[test]
fn what_was_asked_of_the_provider_is_in_the_answer() {
    let asked = Expect { contexts: &["urn:example:strong"], ..expect() };
    assert_eq!(Answer::default().judge(&asked).unwrap_err(), SamlError::Context);
    let strong = Answer { context: "urn:example:strong".to_owned(), ..Answer::default() };
    assert!(strong.judge(&asked).is_ok());
    let fresh = |since: i64| Expect { fresh_since: Some(Millis(NOW.0 + since * 1_000)), ..expect() };
    assert!(Answer::default().judge(&fresh(55)).is_ok());
    assert_eq!(Answer::default().judge(&fresh(56)).unwrap_err(), SamlError::Stale);
}

#[test]
fn an_encrypted_name() {
    for signs in [Signs::Assertion, Signs::Response] {
        let answer = Answer { encrypted_name: true, signs, ..Answer::default() };
        assert_eq!(answer.judge(&expect()).unwrap().name_id.value, "user@example.com");
    }
    let both = Answer { encrypted_name: true, encrypted: Some(ContentCipher::Aes256Gcm), ..Answer::default() };
    assert_eq!(both.judge(&expect()).unwrap().name_id.value, "user@example.com");
    assert_eq!(Answer { name: " ".to_owned(), ..Answer::default() }.refusal(), SamlError::Part("NameID"));
}

#[test]
fn requests_by_redirect_and_by_post() {
    let (world, _) = World::made(NOW, 3);
    let ask = Ask { force: true, contexts: &["urn:example:strong"], relay_state: Some("back here"), ..Ask::default() };
    let started = service().start(&provider(), &ask, &world).unwrap();
    let Send::Redirect(address) = &started.send else { panic!("{started:?}") };
    let query = address.strip_prefix("https://idp.example/sso?x=1&").unwrap();
    let message = xmlsig::redirect::Message::parse(query, &xmlsig::Limits::MESSAGE).unwrap();
    let root = message.unverified().root();
    assert!(root.is(ns::SAMLP, "AuthnRequest") && !message.is_signed());
    assert_eq!(root.attribute("ID"), Some(started.id.as_str()));
    assert_eq!(root.attribute("ForceAuthn"), Some("true"));
    assert_eq!(root.attribute("AssertionConsumerServiceURL"), Some(ACS));
    assert_eq!(root.only(ns::SAML, "Issuer").unwrap().text(), Ok(SP));
    assert_eq!(message.relay_state(), Some("back here"));
    assert_ne!(service().start(&provider(), &ask, &world).unwrap().id, started.id);

    let strict = Provider {
        wants_signed_requests: true,
        sign_on: vec![Endpoint { binding: Binding::Post, location: "https://idp.example/post".to_owned() }],
        ..provider()
    };
    assert_eq!(service().start(&strict, &ask, &world).unwrap_err(), SamlError::Part("our signing key"));
    let signing = Service { signing: Some(KEY.signing()), ..service() };
    let started = signing.start(&strict, &ask, &world).unwrap();
    let Send::Post { action, request, relay_state } = started.send else { panic!() };
    assert_eq!((action.as_str(), relay_state.as_deref()), ("https://idp.example/post", Some("back here")));
    let document = post::decode(&request, &xmlsig::Limits::MESSAGE).unwrap();
    let verified = xmlsig::verify(document.root(), &[KEY.public()], xmlsig::Accept::default()).unwrap();
    assert_eq!(verified.root().attribute("ID"), Some(started.id.as_str()));
}

fn metadata(role: &str, attributes: &str) -> String {
    let certificate = data_encoding::BASE64.encode(&KEY.certificate);
    format!(
        "<?xml version=\"1.0\"?><!-- made by hand --><md:EntityDescriptor xmlns:md=\"{}\" xmlns:ds=\"{}\" ID=\"_m\" entityID=\"{IDP}\" {attributes}>\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol {}\" WantAuthnRequestsSigned=\"true\">\
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
         <md:KeyDescriptor use=\"encryption\"><ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>{role}\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        ns::MD,
        ns::DS,
        ns::SAMLP
    )
}

const SSO: &str = "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://idp.example/soap\"/>\
    <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/post\"/>\
    <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/redirect\"/>";

fn read(text: &str, entity: Option<&str>) -> Result<Provider, SamlError> {
    Provider::from_metadata(text.as_bytes(), entity, None, NOW)
}

#[test]
fn metadata_of_a_provider() {
    let text = metadata(SSO, "cacheDuration=\"PT1H\" validUntil=\"2026-11-22T06:00:01Z\"");
    let provider = read(&text, None).unwrap();
    assert_eq!(provider.entity_id, IDP);
    assert_eq!(provider.keys, [KEY.public()]);
    assert!(provider.wants_signed_requests);
    assert_eq!(provider.sign_on.len(), 2);
    assert_eq!(provider.cache_for, Some(Duration::from_secs(3_600)));
    assert_eq!(provider.valid_until, Some(Millis(NOW.0 + 1_000)));
    assert!(read(&text, Some(IDP)).is_ok());
    assert!(read(&text, Some("https://other.example")).is_err());
    assert_eq!(read(&metadata(SSO, "validUntil=\"2026-11-22T06:00:00Z\""), None).unwrap_err(), SamlError::Expired);
    assert_eq!(read(&metadata("", ""), None).unwrap_err(), SamlError::Metadata("SingleSignOnService"));
    let clear = SSO.replace("https:", "http:");
    assert_eq!(read(&metadata(&clear, ""), None).unwrap_err(), SamlError::Metadata("SingleSignOnService"));
    let two = text.replace("use=\"signing\"", "use=\"encryption\"");
    assert_eq!(read(&two, None).unwrap_err(), SamlError::Metadata("a signing certificate"));
}

#[test]
fn metadata_of_several_and_signed() {
    let one = metadata(SSO, "").replace("<?xml version=\"1.0\"?>", "");
    let other = one.replace(IDP, "https://other.example").replace("_m", "_n");
    let all =
        format!("<md:EntitiesDescriptor xmlns:md=\"{}\" ID=\"_all\">{one}{other}</md:EntitiesDescriptor>", ns::MD);
    assert_eq!(read(&all, Some(IDP)).unwrap().entity_id, IDP);
    assert!(matches!(read(&all, None), Err(SamlError::Metadata(_))));
    assert!(matches!(read(&all, Some("https://third.example")), Err(SamlError::Metadata(_))));
    let unsigned = Provider::from_metadata(one.as_bytes(), None, Some(&[KEY.public()]), NOW).unwrap_err();
    assert_eq!(unsigned, SamlError::Signature(SignatureError::Missing));
}

#[test]
fn our_metadata_can_be_read() {
    let service = Service { signing: Some(KEY.signing()), ..service() };
    let text = service.metadata().unwrap();
    let document = xmlsig::Document::parse(text.as_bytes(), &xmlsig::Limits::METADATA).unwrap();
    let role = document.root().only(ns::MD, "SPSSODescriptor").unwrap();
    assert_eq!(role.attribute("AuthnRequestsSigned"), Some("true"));
    assert_eq!(role.children_of(ns::MD, "KeyDescriptor").count(), 2);
    let consumer = role.only(ns::MD, "AssertionConsumerService").unwrap();
    assert_eq!(consumer.attribute("Location"), Some(ACS));
}

struct Serves(std::sync::Mutex<Option<String>>);

impl crate::Fetch for Serves {
    fn fetch<'a>(&'a self, _request: outbound::Request<'a>) -> crate::Fetching<'a> {
        let text = self.0.lock().unwrap().clone();
        Box::pin(async move {
            let body = text.ok_or(outbound::FetchError::Unreachable)?.into_bytes();
            Ok(outbound::Fetched { status: 200, content_type: String::new(), body })
        })
    }
}

#[tokio::test]
async fn metadata_is_fetched_again_in_time_and_outlives_a_failure() {
    let serves = Serves(std::sync::Mutex::new(Some(metadata(SSO, "cacheDuration=\"PT1H\""))));
    let source = Source::new("https://idp.example/metadata", None, None).unwrap();
    let later = |hours: i64| Millis(NOW.0 + hours * 3_600_000);
    assert_eq!(source.provider(&serves, NOW).await.unwrap().sign_on.len(), 2);
    *serves.0.lock().unwrap() = Some(metadata(&SSO.replace("HTTP-Redirect", "PAOS"), ""));
    assert_eq!(source.provider(&serves, Millis(later(1).0 - 1)).await.unwrap().sign_on.len(), 2);
    assert_eq!(source.provider(&serves, later(1)).await.unwrap().sign_on.len(), 1);
    // Broken, then gone: what is kept is used for a week.
    *serves.0.lock().unwrap() = Some("<!DOCTYPE a>".to_owned());
    assert!(source.provider(&serves, later(30)).await.is_ok());
    *serves.0.lock().unwrap() = None;
    assert!(source.provider(&serves, later(100)).await.is_ok());
    assert_eq!(
        source.provider(&serves, later(200)).await.unwrap_err(),
        SamlError::Fetch(outbound::FetchError::Unreachable)
    );
    assert!(Source::new("http://idp.example/metadata", None, None).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A changed octet gives the same identity or none.
    #[test]
    fn an_octet_changed_gives_the_same_identity_or_none(place in any::<prop::sample::Index>(), bit in 0_u8..7, both in any::<bool>()) {
        let signs = if both { Signs::Response } else { Signs::Assertion };
        let text = Answer { signs, ..Answer::default() }.text();
        let genuine = service().receive(&provider(), &post::encode(&text), &expect()).unwrap();
        let mut octets = text.into_bytes();
        let place = place.index(octets.len());
        octets[place] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(octets)
            && let Ok(identity) = service().receive(&provider(), &post::encode(&changed), &expect())
        {
            prop_assert_eq!(identity, genuine);
        }
    }

    #[test]
    fn whatever_comes_is_refused(value in "[A-Za-z0-9+/=<>&]{0,200}") {
        prop_assert!(service().receive(&provider(), &value, &expect()).is_err());
    }
}
