//! What is signed and encrypted: response, assertion, both, and each of them encrypted. An application's reader believes nothing else.

use super::support::*;
use auth::account::Strength;
use sso::{
    Kind, Settings,
    party::{EncryptionAlgorithm, KeyTransport, SamlParty},
};
use xmlsig::{Accept, DecryptionKey, Element, ns};

const CELLS: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

#[tokio::test]
async fn each_cell_is_signed_where_it_says() {
    for (response, assertion) in CELLS {
        let settings = SamlParty { sign_response: response, sign_assertion: assertion, ..party() };
        let house = House::with(settings).await;
        let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
        let (document, keys) = (browser.get(&carried(&plain("_r1"))).await.response(), house.keys().await);
        let found = document.root().only(ns::SAML, "Assertion").unwrap();
        assert_eq!(xmlsig::verify(document.root(), &keys, Accept::default()).is_ok(), response);
        assert_eq!(xmlsig::verify(found, &keys, Accept::default()).is_ok(), assertion);
        assert_eq!((xmlsig::is_signed(document.root()), xmlsig::is_signed(found)), (response, assertion));
        // Somebody else's key made none of it.
        let foreign = [xmlsig::PublicKey::from_certificate_text(&own().certificate).unwrap()];
        assert!(xmlsig::verify(document.root(), &foreign, Accept::default()).is_err());
        assert!(xmlsig::verify(found, &foreign, Accept::default()).is_err());
    }
}

#[test]
fn nothing_signed_is_refused_where_it_is_set() {
    let settings = SamlParty { sign_response: false, sign_assertion: false, ..party() };
    assert!(Settings::of(Kind::Saml(Box::new(settings))).check(APP).is_err());
}

#[tokio::test]
async fn an_encrypted_assertion_is_read_by_its_application_alone() {
    let ciphers = [
        (EncryptionAlgorithm::Aes256Gcm, KeyTransport::RsaOaepMgf1p),
        (EncryptionAlgorithm::Aes128Gcm, KeyTransport::RsaOaepSha256),
        (EncryptionAlgorithm::Aes256Cbc, KeyTransport::RsaOaepMgf1p),
        (EncryptionAlgorithm::Aes128Cbc, KeyTransport::RsaOaepMgf1p),
    ];
    for ((encryption, key_transport), (response, assertion)) in ciphers.into_iter().zip(CELLS.into_iter().cycle()) {
        let settings = SamlParty {
            encrypt: true,
            encryption,
            key_transport,
            encryption_certificate: Some(own().certificate.clone()),
            sign_response: response,
            sign_assertion: assertion,
            ..party()
        };
        let house = House::with(settings).await;
        let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
        let answer = browser.get(&carried(&plain("_r1"))).await;
        let (document, keys) = (answer.response(), house.keys().await);
        assert!(document.root().child(ns::SAML, "Assertion").unwrap().is_none());
        let carried = answer.field("SAMLResponse").unwrap();
        let octets = data_encoding::BASE64.decode(carried.as_bytes()).unwrap();
        assert!(!String::from_utf8(octets).unwrap().contains("alice"));
        let right = || [DecryptionKey::from_pkcs8(&own().private).unwrap()];
        let data = |root: Element<'_>| {
            let outer = root.only(ns::SAML, "EncryptedAssertion").unwrap();
            outer.children_of(ns::XENC, "EncryptedData").count()
        };
        assert_eq!(data(document.root()), 1);
        let whole = xmlsig::verify(document.root(), &keys, Accept::default());
        assert_eq!(whole.is_ok(), response);
        let is_said = |root: Element<'_>| root.descendants().any(|at| at.text() == Ok("alice"));
        // AES-CBC says nothing of whether it was changed: it is opened only where what is around it was signed.
        let inner = match &whole {
            Ok(whole) => {
                let outer = whole.root().only(ns::SAML, "EncryptedAssertion").unwrap();
                let opened = whole.decrypt(outer.only(ns::XENC, "EncryptedData").unwrap(), &right()).unwrap();
                assert!(is_said(opened.root()));
                xmlsig::verify(opened.root(), &keys, Accept::default()).is_ok()
            }
            Err(_) => {
                let outer = document.root().only(ns::SAML, "EncryptedAssertion").unwrap();
                let opened = xmlsig::decrypt(outer.only(ns::XENC, "EncryptedData").unwrap(), &right()).unwrap();
                assert!(is_said(opened.root()));
                xmlsig::verify(opened.root(), &keys, Accept::default()).is_ok()
            }
        };
        assert_eq!(inner, assertion);
        let wrong = DecryptionKey::from_pkcs8(&strangers().private).unwrap();
        let outer = document.root().only(ns::SAML, "EncryptedAssertion").unwrap();
        assert!(xmlsig::decrypt(outer.only(ns::XENC, "EncryptedData").unwrap(), &[wrong]).is_err());
    }
}
