//! Encryption: for us and by us.

use countersign_xmlsig::{
    Accept, ContentCipher, EncryptionError, Fragment, KeyTransport, Limits, Xml, XmlError, decrypt, encrypt, ns, sign,
    verify,
};
use types::{Millis, World};

use crate::support::{EC, OTHER_RSA, RSA, assertion, find, parse, response};

const GCM: [ContentCipher; 2] = [ContentCipher::Aes128Gcm, ContentCipher::Aes256Gcm];
const CBC: [ContentCipher; 2] = [ContentCipher::Aes128Cbc, ContentCipher::Aes256Cbc];

fn sealed(content: &Fragment, cipher: ContentCipher, transport: KeyTransport) -> Fragment {
    let (world, _) = World::made(Millis(0), 7);
    encrypt(content, &RSA.public(), cipher, transport, &*world.random).unwrap()
}

fn in_response(data: Fragment) -> Fragment {
    let wrapped = Xml::new("saml:EncryptedAssertion").with("xmlns:saml", ns::SAML).fragment(data).render().unwrap();
    response("_r1", wrapped)
}

fn signed() -> Fragment {
    sign(&assertion("_a1", "user").render().unwrap(), "_a1", &EC.signing()).unwrap()
}

#[test]
fn there_and_back_and_the_signature_inside_is_verified() {
    for cipher in GCM {
        for transport in [KeyTransport::OaepSha1, KeyTransport::OaepSha256] {
            let message = in_response(sealed(&signed(), cipher, transport));
            assert!(!message.as_str().contains("user"));
            let document = parse(message.as_str());
            let data = find(&document, "EncryptedData");
            let opened = decrypt(data, &[OTHER_RSA.decryption(), RSA.decryption()]).unwrap();
            let verified = verify(opened.root(), &[EC.public()], Accept::default()).unwrap();
            assert_eq!(verified.root().attribute("ID"), Some("_a1"));
            assert_eq!(decrypt(data, &[OTHER_RSA.decryption()]).unwrap_err(), EncryptionError::Closed);
            assert_eq!(decrypt(data, &[]).unwrap_err(), EncryptionError::Closed);
        }
    }
}

#[test]
fn cbc_is_opened_only_inside_what_was_signed() {
    for cipher in CBC {
        let message = in_response(sealed(&signed(), cipher, KeyTransport::OaepSha1));
        let document = parse(message.as_str());
        let refused = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err();
        assert_eq!(refused, EncryptionError::Algorithm);

        let outer = sign(&message, "_r1", &EC.signing()).unwrap();
        let document = parse(outer.as_str());
        let verified = verify(document.root(), &[EC.public()], Accept::default()).unwrap();
        let data = verified.root().descendants().find(|element| element.name() == "EncryptedData").unwrap();
        let opened = verified.decrypt(data, &[RSA.decryption()]).unwrap();
        assert_eq!(opened.root().name(), "Assertion");
        // An element of the unverified document isn't one of the verified.
        let outside = find(&document, "EncryptedData");
        assert!(matches!(
            verified.decrypt(outside, &[RSA.decryption()]),
            Err(EncryptionError::Xml(XmlError::Missing(_)))
        ));
    }
}

#[test]
fn a_changed_cipher_text_is_not_opened() {
    let message = in_response(sealed(&signed(), ContentCipher::Aes256Gcm, KeyTransport::OaepSha256));
    let document = parse(message.as_str());
    let values: Vec<String> = document
        .root()
        .descendants()
        .filter(|element| element.name() == "CipherValue")
        .map(|element| element.text().unwrap().to_owned())
        .collect();
    assert_eq!(values.len(), 2);
    for value in values {
        let mut octets = data_encoding::BASE64.decode(value.as_bytes()).unwrap();
        for place in [0, octets.len() / 2, octets.len() - 1] {
            octets[place] ^= 1;
            let changed = message.as_str().replace(&value, &data_encoding::BASE64.encode(&octets));
            octets[place] ^= 1;
            let document = parse(&changed);
            let refused = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err();
            assert_eq!(refused, EncryptionError::Closed);
        }
        for short in ["", "AAAA"] {
            let document = parse(&message.as_str().replace(&value, short));
            assert_eq!(
                decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err(),
                EncryptionError::Closed
            );
        }
    }
}

#[test]
fn the_key_may_stand_beside_the_content() {
    let text = in_response(sealed(&signed(), ContentCipher::Aes128Gcm, KeyTransport::OaepSha1)).as_str().to_owned();
    let start = text.find("<xenc:EncryptedKey>").unwrap();
    let end = text.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let key = text[start..end].replacen('>', &format!(" xmlns:xenc=\"{}\">", ns::XENC), 1);
    let moved = format!("{}{}", &text[..start], &text[end..])
        .replace("</saml:EncryptedAssertion>", &format!("{key}</saml:EncryptedAssertion>"));
    let document = parse(&moved);
    assert!(decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).is_ok());
    let many = moved.replace(&key, &key.repeat(5));
    let document = parse(&many);
    let refused = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err();
    assert_eq!(refused, EncryptionError::Xml(XmlError::Limit("encrypted keys")));
}

#[test]
fn prefixes_from_around_the_encrypted_element_count() {
    // xmlsec1 writes an element without what its ancestors declared.
    let bare = Xml::new("saml:Assertion").with("ID", "_a1").child(Xml::new("saml:Issuer").text("x"));
    let message = in_response(sealed(&bare.render().unwrap(), ContentCipher::Aes256Gcm, KeyTransport::OaepSha1));
    let document = parse(message.as_str());
    let opened = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap();
    assert!(opened.root().is(ns::SAML, "Assertion"));
    assert!(opened.root().only(ns::SAML, "Issuer").is_ok());
}

#[test]
fn what_was_decrypted_is_parsed_as_strictly_as_anything() {
    for (content, reason) in
        [("<a><!-- --></a>", XmlError::Comment), ("<a>&e;</a>", XmlError::Entity), ("<!DOCTYPE a><a/>", XmlError::Dtd)]
    {
        let message = in_response(hostile(content));
        let document = parse(message.as_str());
        let refused = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err();
        assert_eq!(refused, EncryptionError::Xml(reason));
    }
}

/// `EncryptedData` around octets that no builder would write.
fn hostile(content: &str) -> Fragment {
    use aws_lc_rs::{aead, rsa};
    let key = [9_u8; 16];
    let public = rsa::PublicEncryptingKey::from_der(RSA.public().spki()).unwrap();
    let public = rsa::OaepPublicEncryptingKey::new(public).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    public.encrypt(&rsa::OAEP_SHA1_MGF1SHA1, &key, &mut wrapped, None).unwrap();
    let aead = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).unwrap());
    let mut sealed = content.as_bytes().to_vec();
    aead.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key([0; 12]), aead::Aad::empty(), &mut sealed)
        .unwrap();
    let value = |octets: &[u8]| {
        Xml::new("xenc:CipherData").child(Xml::new("xenc:CipherValue").text(data_encoding::BASE64.encode(octets)))
    };
    let method = |uri: &str| Xml::new("xenc:EncryptionMethod").with("Algorithm", uri);
    let key = Xml::new("xenc:EncryptedKey")
        .child(method("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"))
        .child(value(&wrapped));
    Xml::new("xenc:EncryptedData")
        .with("xmlns:xenc", ns::XENC)
        .child(method(ContentCipher::Aes128Gcm.uri()))
        .child(Xml::new("ds:KeyInfo").with("xmlns:ds", ns::DS).child(key))
        .child(value(&[[0; 12].as_slice(), &sealed].concat()))
        .render()
        .unwrap()
}

#[test]
fn rsa_1_5_and_other_algorithms_are_refused() {
    let message = in_response(sealed(&signed(), ContentCipher::Aes128Gcm, KeyTransport::OaepSha1));
    for (from, to) in [
        ("xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5"),
        ("xmldsig#sha1", "xmlenc#sha256"),
        ("xmlenc11#aes128-gcm", "xmlenc#tripledes-cbc"),
        ("xmlenc11#aes128-gcm", "xmlenc11#aes192-gcm"),
        ("xmlenc#Element", "xmlenc#Content"),
    ] {
        let changed = message.as_str().replace(from, to);
        assert_ne!(changed, message.as_str());
        let document = parse(&changed);
        let refused = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err();
        assert_eq!(refused, EncryptionError::Algorithm, "{to}");
    }
    let document = parse(message.as_str());
    assert!(decrypt(document.root(), &[RSA.decryption()]).is_err());
    let (world, _) = World::made(Millis(0), 7);
    let to_ec = encrypt(&signed(), &EC.public(), ContentCipher::Aes256Gcm, KeyTransport::OaepSha1, &*world.random);
    assert_eq!(to_ec.unwrap_err(), EncryptionError::Kind);
    assert!(RSA.public().takes_encryption() && !EC.public().takes_encryption());
}

#[test]
fn limits_hold_for_what_was_decrypted() {
    let many = Xml::new("a").children((0..100).map(|_| Xml::new("b"))).render().unwrap();
    let message = in_response(sealed(&many, ContentCipher::Aes128Gcm, KeyTransport::OaepSha1));
    let limits = Limits { elements: 50, ..Limits::MESSAGE };
    let document = countersign_xmlsig::Document::parse(message.as_str().as_bytes(), &limits).unwrap();
    let refused = decrypt(find(&document, "EncryptedData"), &[RSA.decryption()]).unwrap_err();
    assert_eq!(refused, EncryptionError::Xml(XmlError::Limit("elements")));
}
