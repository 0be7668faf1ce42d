//! Keys and messages that the tests share.

use std::sync::LazyLock;

use countersign_xmlsig::{DecryptionKey, Document, Element, Fragment, Limits, PublicKey, SigningKey, Xml, ns, sign};
use types::SecretBytes;

/// A key with its certificate.
pub(crate) struct Made {
    pub(crate) pkcs8: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
}

impl Made {
    pub(crate) fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&pair).unwrap();
        Self { pkcs8: pair.serialize_der(), certificate: certificate.der().to_vec() }
    }

    pub(crate) fn signing(&self) -> SigningKey {
        SigningKey::from_pkcs8(&SecretBytes::new(self.pkcs8.clone()), self.certificate.clone()).unwrap()
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_certificate(&self.certificate).unwrap()
    }

    pub(crate) fn decryption(&self) -> DecryptionKey {
        DecryptionKey::from_pkcs8(&SecretBytes::new(self.pkcs8.clone())).unwrap()
    }
}

pub(crate) static RSA: LazyLock<Made> = LazyLock::new(|| Made::new(&rcgen::PKCS_RSA_SHA256));
pub(crate) static OTHER_RSA: LazyLock<Made> = LazyLock::new(|| Made::new(&rcgen::PKCS_RSA_SHA256));
pub(crate) static EC: LazyLock<Made> = LazyLock::new(|| Made::new(&rcgen::PKCS_ECDSA_P256_SHA256));

pub(crate) fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::MESSAGE).unwrap()
}

/// An assertion as an element of its own.
pub(crate) fn assertion(id: &str, name: &str) -> Xml {
    let subject = Xml::new("saml:Subject").child(Xml::new("saml:NameID").text(name));
    let value = Xml::new("saml:AttributeValue").text("staff & <guests>");
    let attribute = Xml::new("saml:Attribute").with("Name", "groups").child(value);
    Xml::new("saml:Assertion")
        .with("xmlns:saml", ns::SAML)
        .with("ID", id)
        .with("Version", "2.0")
        .child(Xml::new("saml:Issuer").text("https://idp.example"))
        .child(subject)
        .child(Xml::new("saml:AttributeStatement").child(attribute))
}

/// A response around what is finished already.
pub(crate) fn response(id: &str, content: Fragment) -> Fragment {
    let code = Xml::new("samlp:StatusCode").with("Value", "urn:oasis:names:tc:SAML:2.0:status:Success");
    Xml::new("samlp:Response")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", id)
        .child(Xml::new("saml:Issuer").text("https://idp.example"))
        .child(Xml::new("samlp:Status").child(code))
        .fragment(content)
        .render()
        .unwrap()
}

/// A response whose assertion is signed.
pub(crate) fn signed_assertion(name: &str) -> Fragment {
    let made = assertion("_a1", name).render().unwrap();
    response("_r1", sign(&made, "_a1", &RSA.signing()).unwrap())
}

/// A response that is signed as a whole.
pub(crate) fn signed_response(name: &str) -> Fragment {
    let made = assertion("_a1", name).render().unwrap();
    sign(&response("_r1", made), "_r1", &RSA.signing()).unwrap()
}

/// The first element of this name in the document.
pub(crate) fn find<'d>(document: &'d Document, name: &str) -> Element<'d> {
    document.root().descendants().find(|element| element.name() == name).unwrap()
}
