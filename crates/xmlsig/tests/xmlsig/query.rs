//! The HTTP-Redirect binding.

use countersign_xmlsig::{
    Accept, Limits, SignatureError, Xml, XmlError, ns,
    redirect::{Message, Parameter, encode},
};
use flate2::{Compression, write::DeflateEncoder};
use proptest::prelude::*;
use std::io::Write as _;

use crate::support::{EC, OTHER_RSA, RSA};

fn request() -> countersign_xmlsig::Fragment {
    Xml::new("samlp:AuthnRequest").with("xmlns:samlp", ns::SAMLP).with("ID", "_q1").render().unwrap()
}

fn read(query: &str) -> Result<Message, XmlError> {
    Message::parse(query, &Limits::MESSAGE)
}

fn deflated(octets: &[u8]) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    let base64 = data_encoding::BASE64.encode(&encoder.finish().unwrap());
    percent_encoding::utf8_percent_encode(&base64, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn there_and_back() {
    for key in [&*RSA, &*EC] {
        let query = encode(Parameter::Request, &request(), Some("a b&c=d"), Some(&key.signing())).unwrap();
        let message = read(&query).unwrap();
        assert_eq!((message.parameter(), message.relay_state()), (Parameter::Request, Some("a b&c=d")));
        let (verified, state) = message.verify(&[OTHER_RSA.public(), key.public()], Accept::default()).unwrap();
        assert_eq!(verified.root().attribute("ID"), Some("_q1"));
        assert_eq!(state.as_deref(), Some("a b&c=d"));
    }
}

#[test]
fn unsigned() {
    let query = encode(Parameter::Response, &request(), None, None).unwrap();
    let message = read(&query).unwrap();
    assert!(!message.is_signed());
    assert_eq!(message.unverified().root().attribute("ID"), Some("_q1"));
    assert_eq!(message.verify(&[RSA.public()], Accept::default()).unwrap_err(), SignatureError::Missing);
}

#[test]
fn the_signature_covers_relay_state_and_algorithm() {
    let query = encode(Parameter::Request, &request(), Some("state"), Some(&RSA.signing())).unwrap();
    for changed in [
        query.replace("RelayState=state", "RelayState=other"),
        query.replace("&RelayState=state", ""),
        query.replace("rsa-sha256", "rsa-sha512"),
        query.replace("SAMLRequest=", "SAMLResponse="),
        query.replace("RelayState=state", "RelayState=stat%65"),
    ] {
        assert_ne!(changed, query);
        let refused = read(&changed).unwrap().verify(&[RSA.public()], Accept::default()).unwrap_err();
        assert_eq!(refused, SignatureError::Key);
    }
}

#[test]
fn the_order_of_parameters_does_not_matter() {
    let query = encode(Parameter::Request, &request(), Some("state"), Some(&RSA.signing())).unwrap();
    let mut parts: Vec<_> = query.split('&').collect();
    parts.reverse();
    assert!(read(&parts.join("&")).unwrap().verify(&[RSA.public()], Accept::default()).is_ok());
}

#[test]
fn a_parameter_twice() {
    let query = encode(Parameter::Request, &request(), Some("state"), Some(&RSA.signing())).unwrap();
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        assert_eq!(read(&format!("{query}&{name}=x")).unwrap_err(), XmlError::Repeated(name));
    }
    assert!(matches!(read(&format!("{query}&SAMLResponse=x")), Err(XmlError::Repeated(_))));
    assert!(matches!(read("RelayState=x"), Err(XmlError::Missing(_))));
    assert_eq!(read(&query.replace("&SigAlg=", "&Other=")).unwrap_err(), XmlError::Missing("SigAlg"));
    assert_eq!(read(&query.replace("&Signature=", "&Other=")).unwrap_err(), XmlError::Missing("Signature"));
}

#[test]
fn inflation_ends_at_the_limit() {
    let bomb = format!("SAMLRequest={}", deflated(&vec![b' '; 8 * 1024 * 1024]));
    assert!(bomb.len() < 16 * 1024, "{}", bomb.len());
    assert_eq!(read(&bomb).unwrap_err(), XmlError::Limit("octets"));
    assert_eq!(
        read(&format!("SAMLRequest={}", "x".repeat(20_000))).unwrap_err(),
        XmlError::Limit("octets of the query")
    );
    let trailing = [data_encoding::BASE64.decode(b"s0nUB7IA").unwrap(), b"more".to_vec()].concat();
    let query = format!("SAMLRequest={}", data_encoding::BASE64.encode(&trailing).replace('+', "%2B"));
    assert!(read(&query).is_err());
    let long = format!("SAMLRequest={}&RelayState={}", deflated(b"<a/>"), "x".repeat(2_049));
    assert_eq!(read(&long).unwrap_err(), XmlError::Limit("octets of RelayState"));
}

#[test]
fn sha_1_in_a_query_counts_only_where_it_is_accepted() {
    let query = format!(
        "SAMLRequest={}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1&Signature=AAAA",
        deflated(b"<a/>")
    );
    let refused = |accept| read(&query).unwrap().verify(&[RSA.public()], accept).unwrap_err();
    assert_eq!(refused(Accept::default()), SignatureError::Algorithm);
    assert_eq!(refused(Accept { sha1: true, ..Accept::default() }), SignatureError::Key);
}

proptest! {
    #[test]
    fn whatever_comes_ends_in_a_message_or_an_error(query in "(SAMLRequest|SAMLResponse|SigAlg|Signature|RelayState|=|&|%|[a-zA-Z0-9+/]){0,30}") {
        let _ = read(&query);
    }

    #[test]
    fn whatever_relay_state_comes_back(state in "\\PC{1,100}") {
        let query = encode(Parameter::Request, &request(), Some(&state), None).unwrap();
        let message = read(&query).unwrap();
        prop_assert_eq!(message.relay_state(), Some(state.as_str()));
    }
}
