//! What a signature must be to count.

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{self, EcdsaKeyPair},
};
use countersign_xmlsig::{
    Accept, Canonical, KeyError, PublicKey, SignError, SignatureError, SigningKey, Verified, Xml, canonicalize,
    fuzzing, ns, sign, verify,
};
use types::SecretBytes;

use crate::support::{EC, Made, OTHER_RSA, RSA, assertion, find, parse, signed_assertion, signed_response};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// A signature that is made by hand, so that each part of it can be wrong while the key's signature is right.
#[derive(Clone)]
struct ByHand {
    form: String,
    algorithm: String,
    uri: String,
    transforms: String,
    hash: &'static digest::Algorithm,
    hash_uri: String,
    covers: Option<String>,
    references: usize,
    after: String,
}

impl Default for ByHand {
    fn default() -> Self {
        Self {
            form: EXCLUSIVE.to_owned(),
            algorithm: RSA_SHA256.to_owned(),
            uri: "#_a1".to_owned(),
            transforms: transforms(&[ENVELOPED, EXCLUSIVE]),
            hash: &digest::SHA256,
            hash_uri: SHA256.to_owned(),
            covers: None,
            references: 1,
            after: String::new(),
        }
    }
}

fn transforms(uris: &[&str]) -> String {
    let each = uris.iter().map(|uri| format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>"));
    format!("<ds:Transforms>{}</ds:Transforms>", each.collect::<String>())
}

type Sign<'s> = &'s dyn Fn(&[u8]) -> Vec<u8>;

impl ByHand {
    /// The assertion with this signature in it.
    fn text(&self, by: Sign<'_>) -> String {
        let source = assertion("_a1", "user").render().unwrap();
        let document = parse(source.as_str());
        let how = Canonical { inclusive: self.transforms.contains("REC-xml"), ..Canonical::default() };
        let covered = self.covers.clone().unwrap_or_else(|| canonicalize(document.root(), &how).unwrap());
        let digest = data_encoding::BASE64.encode(digest::digest(self.hash, covered.as_bytes()).as_ref());
        let reference = format!(
            "<ds:Reference URI=\"{}\">{}<ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>",
            self.uri, self.transforms, self.hash_uri
        );
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"{}\"><ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod><ds:SignatureMethod \
             Algorithm=\"{}\"></ds:SignatureMethod>{}</ds:SignedInfo>",
            ns::DS,
            self.form,
            self.algorithm,
            reference.repeat(self.references)
        );
        // The inclusive form sees the prefixes around it.
        let around =
            if self.form.contains("REC-xml") { format!(" xmlns:saml=\"{}\"", ns::SAML) } else { String::new() };
        let signed = info.replacen("><ds:CanonicalizationMethod", &format!("{around}><ds:CanonicalizationMethod"), 1);
        let value = data_encoding::BASE64.encode(&by(signed.as_bytes()));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue>{}</ds:Signature>",
            ns::DS,
            self.after
        );
        source.as_str().replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }

    fn verify(&self, by: Sign<'_>, key: &PublicKey, accept: Accept) -> Result<Verified, SignatureError> {
        let document = parse(&self.text(by));
        verify(document.root(), std::slice::from_ref(key), accept)
    }

    fn by_rsa(&self) -> Result<Verified, SignatureError> {
        self.verify(&rsa(&signature::RSA_PKCS1_SHA256), &RSA.public(), Accept::default())
    }
}

fn rsa(how: &'static dyn signature::RsaEncoding) -> impl Fn(&[u8]) -> Vec<u8> {
    move |octets| {
        let pair = KeyPair::from_pkcs8(&RSA.pkcs8).unwrap();
        let mut value = vec![0; pair.public_modulus_len()];
        pair.sign(how, &SystemRandom::new(), octets, &mut value).unwrap();
        value
    }
}

#[test]
fn what_is_signed_here_is_verified_here_with_both_kinds_of_keys() {
    for key in [&*RSA, &*EC] {
        let signed = sign(&assertion("_a1", "user & co").render().unwrap(), "_a1", &key.signing()).unwrap();
        let document = parse(signed.as_str());
        let verified = verify(document.root(), &[OTHER_RSA.public(), key.public()], Accept::default()).unwrap();
        assert_eq!(verified.key(), 1);
        assert_eq!(find(&document, "NameID").text(), Ok("user & co"));
        // The signature itself isn't part of what was signed.
        assert!(verified.root().descendants().all(|element| element.namespace() != ns::DS));
        let refused = verify(document.root(), &[OTHER_RSA.public()], Accept::default()).unwrap_err();
        assert_eq!(refused, SignatureError::Key);
        assert_eq!(verify(document.root(), &[], Accept::default()).unwrap_err(), SignatureError::Key);
    }
}

#[test]
fn the_signature_stands_after_the_issuer_or_first() {
    let document = parse(signed_response("user").as_str());
    let names: Vec<_> = document.root().children().map(|child| child.name()).collect();
    assert_eq!(names, ["Issuer", "Signature", "Status", "Assertion"]);
    let metadata = Xml::new("md:EntityDescriptor")
        .with("xmlns:md", ns::MD)
        .with("ID", "_m")
        .child(Xml::new("md:IDPSSODescriptor"))
        .render()
        .unwrap();
    let signed = sign(&metadata, "_m", &RSA.signing()).unwrap();
    let document = parse(signed.as_str());
    assert_eq!(document.root().children().next().unwrap().name(), "Signature");
    assert!(verify(document.root(), &[RSA.public()], Accept::default()).is_ok());
}

#[test]
fn both_response_and_assertion_can_be_signed() {
    let inner = signed_assertion("user");
    let both = sign(&inner, "_r1", &EC.signing()).unwrap();
    let document = parse(both.as_str());
    let whole = verify(document.root(), &[EC.public()], Accept::default()).unwrap();
    // The assertion's own signature is still right, in the document and in what was verified of the whole.
    assert!(verify(find(&document, "Assertion"), &[RSA.public()], Accept::default()).is_ok());
    let assertion = whole.root().only(ns::SAML, "Assertion").unwrap();
    assert!(verify(assertion, &[RSA.public()], Accept::default()).is_ok());
    assert_eq!(sign(&both, "_r1", &EC.signing()).unwrap_err(), SignError::Signed);
    assert_eq!(sign(&both, "_none", &EC.signing()).unwrap_err(), SignError::Id);
}

#[test]
fn by_hand_as_it_should_be() {
    assert!(ByHand::default().by_rsa().is_ok());
    let key_info =
        ByHand { after: "<ds:KeyInfo><ds:KeyName>any</ds:KeyName></ds:KeyInfo>".to_owned(), ..ByHand::default() };
    assert!(key_info.by_rsa().is_ok());
}

#[test]
fn each_algorithm_that_is_known() {
    let hashes: [(&'static digest::Algorithm, &str, &str); 3] = [
        (&digest::SHA256, SHA256, "sha256"),
        (&digest::SHA384, "http://www.w3.org/2001/04/xmldsig-more#sha384", "sha384"),
        (&digest::SHA512, "http://www.w3.org/2001/04/xmlenc#sha512", "sha512"),
    ];
    let encodings: [&'static dyn signature::RsaEncoding; 3] =
        [&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_SHA512];
    for ((hash, hash_uri, name), encoding) in hashes.into_iter().zip(encodings) {
        let by_hand = ByHand {
            hash,
            hash_uri: hash_uri.to_owned(),
            algorithm: format!("http://www.w3.org/2001/04/xmldsig-more#rsa-{name}"),
            ..ByHand::default()
        };
        assert!(by_hand.verify(&rsa(encoding), &RSA.public(), Accept::default()).is_ok(), "{name}");
    }
    let curves: [(&'static rcgen::SignatureAlgorithm, &'static signature::EcdsaSigningAlgorithm, &str); 3] = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING, "sha256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING, "sha384"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, &signature::ECDSA_P521_SHA512_FIXED_SIGNING, "sha512"),
    ];
    for (curve, how, name) in curves {
        let made = Made::new(curve);
        let pair = EcdsaKeyPair::from_pkcs8(how, &made.pkcs8).unwrap();
        let by_hand =
            ByHand { algorithm: format!("http://www.w3.org/2001/04/xmldsig-more#ecdsa-{name}"), ..ByHand::default() };
        // Often enough that numbers with leading zeros and ones come, too.
        for _ in 0..40 {
            let signing = |octets: &[u8]| pair.sign(&SystemRandom::new(), octets).unwrap().as_ref().to_vec();
            assert!(by_hand.verify(&signing, &made.public(), Accept::default()).is_ok(), "{name}");
        }
    }
}

#[test]
fn sha_1_counts_only_where_it_is_accepted() {
    let signature_only =
        ByHand { algorithm: "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned(), ..ByHand::default() };
    let digest_only = ByHand {
        hash: &digest::SHA1_FOR_LEGACY_USE_ONLY,
        hash_uri: "http://www.w3.org/2000/09/xmldsig#sha1".to_owned(),
        ..ByHand::default()
    };
    let old = Accept { sha1: true, ..Accept::default() };
    assert_eq!(digest_only.by_rsa().unwrap_err(), SignatureError::Algorithm);
    assert!(digest_only.verify(&rsa(&signature::RSA_PKCS1_SHA256), &RSA.public(), old).is_ok());
    assert_eq!(signature_only.by_rsa().unwrap_err(), SignatureError::Algorithm);
}

#[test]
fn algorithms_that_do_not_fit_the_key() {
    let confused =
        ByHand { algorithm: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(), ..ByHand::default() };
    assert_eq!(confused.by_rsa().unwrap_err(), SignatureError::Key);
    for unknown in [
        "",
        "none",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    ] {
        let by_hand = ByHand { algorithm: unknown.to_owned(), ..ByHand::default() };
        assert_eq!(by_hand.by_rsa().unwrap_err(), SignatureError::Algorithm, "{unknown}");
    }
    // HMAC with the public key as its secret: the confusion that JWT libraries fell for.
    let hmac = |octets: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, RSA.public().spki());
        aws_lc_rs::hmac::sign(&key, octets).as_ref().to_vec()
    };
    assert_eq!(ByHand::default().verify(&hmac, &RSA.public(), Accept::default()).unwrap_err(), SignatureError::Key);
}

#[test]
fn a_reference_to_something_else() {
    for uri in
        ["#_other", "#", "_a1", "http://attacker.example/", "#xpointer(/)", "#xpointer(id('_a1'))", "##_a1", "#_A1"]
    {
        let by_hand = ByHand { uri: uri.to_owned(), ..ByHand::default() };
        assert_eq!(by_hand.by_rsa().unwrap_err(), SignatureError::Reference, "{uri}");
    }
    // Empty: the whole document, so only where the element is its root.
    let empty = ByHand { uri: String::new(), ..ByHand::default() };
    assert!(empty.by_rsa().is_ok());
    let text = empty.text(&rsa(&signature::RSA_PKCS1_SHA256));
    let document = parse(&format!("<a>{text}</a>"));
    let refused = verify(find(&document, "Assertion"), &[RSA.public()], Accept::default()).unwrap_err();
    assert_eq!(refused, SignatureError::Reference);
}

#[test]
fn an_id_of_the_wrong_type() {
    // The element's `Id` or `xml:id` names it, too, but SAML's id is `ID`.
    for attribute in ["Id", "id", "xml:id"] {
        let by_hand = ByHand::default();
        let source = assertion("_a1", "user").render().unwrap().as_str().replace(" ID=", &format!(" {attribute}="));
        let covered = canonicalize(parse(&source).root(), &Canonical::exclusive()).unwrap();
        let by_hand = ByHand { covers: Some(covered), ..by_hand };
        let text = by_hand.text(&rsa(&signature::RSA_PKCS1_SHA256)).replacen(" ID=", &format!(" {attribute}="), 1);
        let refused = verify(parse(&text).root(), &[RSA.public()], Accept::default()).unwrap_err();
        assert_eq!(refused, SignatureError::Reference, "{attribute}");
    }
}

#[test]
fn two_references_or_none() {
    for references in [0, 2] {
        let by_hand = ByHand { references, ..ByHand::default() };
        assert!(matches!(by_hand.by_rsa().unwrap_err(), SignatureError::Structure(_)), "{references}");
    }
}

#[test]
fn transforms_that_are_not_allowed() {
    let xpath = "<ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(//a)</ds:XPath>\
        </ds:Transform></ds:Transforms>";
    let lists = [
        transforms(&[]),
        transforms(&[ENVELOPED]),
        transforms(&[EXCLUSIVE]),
        transforms(&[EXCLUSIVE, ENVELOPED]),
        transforms(&[ENVELOPED, EXCLUSIVE, EXCLUSIVE]),
        transforms(&[ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116"]),
        transforms(&[ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64"]),
        transforms(&[ENVELOPED, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"]),
        transforms(&[ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"]),
        xpath.to_owned(),
    ];
    for list in lists {
        let by_hand = ByHand { transforms: list.clone(), ..ByHand::default() };
        assert_eq!(by_hand.by_rsa().unwrap_err(), SignatureError::Transform, "{list}");
    }
    let missing = ByHand { transforms: String::new(), ..ByHand::default() };
    assert!(matches!(missing.by_rsa().unwrap_err(), SignatureError::Structure(_)));
}

#[test]
fn the_inclusive_form_counts_only_where_it_is_accepted() {
    let c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let by_hand = ByHand { form: c14n.to_owned(), transforms: transforms(&[ENVELOPED, c14n]), ..ByHand::default() };
    assert_eq!(by_hand.by_rsa().unwrap_err(), SignatureError::Algorithm);
    let accept = Accept { inclusive: true, ..Accept::default() };
    assert!(by_hand.verify(&rsa(&signature::RSA_PKCS1_SHA256), &RSA.public(), accept).is_ok());
}

#[test]
fn a_digest_over_nothing() {
    let by_hand = ByHand { covers: Some(String::new()), ..ByHand::default() };
    assert_eq!(by_hand.by_rsa().unwrap_err(), SignatureError::Digest);
    let text = ByHand::default().text(&rsa(&signature::RSA_PKCS1_SHA256));
    let start = text.find("<ds:DigestValue>").unwrap() + "<ds:DigestValue>".len();
    let end = text.find("</ds:DigestValue>").unwrap();
    let emptied = format!("{}{}", &text[..start], &text[end..]);
    assert!(verify(parse(&emptied).root(), &[RSA.public()], Accept::default()).is_err());
}

#[test]
fn an_empty_signature_value() {
    let by_hand = ByHand::default();
    let refused = by_hand.verify(&|_| Vec::new(), &RSA.public(), Accept::default()).unwrap_err();
    assert_eq!(refused, SignatureError::Key);
    let ecdsa = ByHand { algorithm: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(), ..by_hand };
    // Zeros: the "psychic" signature.
    for value in [vec![], vec![0; 64], vec![0; 63], vec![0; 128]] {
        let refused = ecdsa.verify(&|_| value.clone(), &EC.public(), Accept::default()).unwrap_err();
        assert_eq!(refused, SignatureError::Key);
    }
}

#[test]
fn an_object_in_the_signature() {
    let by_hand = ByHand { after: "<ds:Object><a xmlns=\"\"></a></ds:Object>".to_owned(), ..ByHand::default() };
    assert!(matches!(by_hand.by_rsa().unwrap_err(), SignatureError::Structure(_)));
}

#[test]
fn the_key_in_the_document_is_not_looked_at() {
    // Signed by somebody else, whose certificate stands in KeyInfo.
    let signed = sign(&assertion("_a1", "user").render().unwrap(), "_a1", &OTHER_RSA.signing()).unwrap();
    assert!(signed.as_str().contains("X509Certificate"));
    let refused = verify(parse(signed.as_str()).root(), &[RSA.public()], Accept::default()).unwrap_err();
    assert_eq!(refused, SignatureError::Key);
}

#[test]
fn a_canonicalization_that_fails_is_an_error() {
    let name = "n".repeat(900);
    let uses = "<p:b></p:b>".repeat(4_000);
    let source = format!("<a xmlns:p=\"urn:{name}\" ID=\"_a1\">{uses}</a>");
    let text = ByHand::default().text(&rsa(&signature::RSA_PKCS1_SHA256));
    let start = text.find("<ds:Signature").unwrap();
    let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let bomb = source.replacen("ID=\"_a1\">", &format!("ID=\"_a1\">{}", &text[start..end]), 1);
    let refused = verify(parse(&bomb).root(), &[RSA.public()], Accept::default()).unwrap_err();
    assert!(matches!(refused, SignatureError::Xml(countersign_xmlsig::XmlError::Limit(_))));
}

#[test]
fn short_and_strange_keys() {
    // SubjectPublicKeyInfo of RSA: 1024 bits, and 2048 bits as the smallest that count.
    let spki = |octets: u16| {
        let modulus = [&[0x02, 0x82][..], &(octets + 1).to_be_bytes(), &[0], &vec![0xc5; octets.into()]].concat();
        let sequence = |content: &[u8]| {
            [&[0x30, 0x82][..], &u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
        };
        let key = [&[0][..], &sequence(&[&modulus[..], &[2, 3, 1, 0, 1]].concat())].concat();
        let bits = [&[0x03, 0x82][..], &u16::try_from(key.len()).unwrap().to_be_bytes(), &key].concat();
        let rsa = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        sequence(&[&rsa[..], &bits].concat())
    };
    assert_eq!(fuzzing::from_spki(&spki(128)).unwrap_err(), KeyError::Size);
    assert!(fuzzing::from_spki(&spki(256)).is_ok());
    assert_eq!(fuzzing::from_spki(&spki(2_048)).unwrap_err(), KeyError::Size);
    assert_eq!(PublicKey::from_certificate(b"not a certificate").unwrap_err(), KeyError::Unreadable);
    let ed25519 = Made::new(&rcgen::PKCS_ED25519);
    assert_eq!(PublicKey::from_certificate(&ed25519.certificate).unwrap_err(), KeyError::Kind);
    let pair = SigningKey::from_pkcs8(&SecretBytes::new(RSA.pkcs8.clone()), OTHER_RSA.certificate.clone());
    assert_eq!(pair.map(drop).unwrap_err(), KeyError::Pair);
    let mut longer = RSA.certificate.clone();
    longer.push(0);
    assert_eq!(PublicKey::from_certificate(&longer).unwrap_err(), KeyError::Unreadable);
}

#[test]
fn certificates_as_metadata_and_files_write_them() {
    let base64 = data_encoding::BASE64.encode(&RSA.certificate);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    for text in [base64.clone(), lines.join("\r\n      "), pem] {
        assert_eq!(PublicKey::from_certificate_text(&text).unwrap(), RSA.public());
    }
}
