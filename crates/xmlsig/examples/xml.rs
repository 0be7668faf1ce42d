//! Reads documents of others, for the tests that compare this crate with other programs:
//!
//! ```text
//! xml canonicalize exclusive|inclusive comments|plain prefix,prefix FILE…    the form of FILE's root, as FILE.ours
//! xml verify CERTIFICATE.der [sha1] [inclusive] < DOCUMENT                    the canonical form of what was signed
//! xml decrypt KEY.der < DOCUMENT                                              the canonical form of what was encrypted
//! ```

use countersign_xmlsig::{
    Accept, Canonical, DecryptionKey, Document, Limits, PublicKey, canonicalize, decrypt, verify,
};
use std::{
    error::Error,
    io::{Read as _, Write as _},
};
use types::SecretBytes;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["canonicalize", form, comments, prefixes, files @ ..] => {
            let how = Canonical {
                inclusive: *form == "inclusive",
                comments: *comments == "comments",
                prefixes: prefixes.split(',').filter(|prefix| !prefix.is_empty()).map(ToOwned::to_owned).collect(),
            };
            for file in files {
                let document = Document::parse(&std::fs::read(file)?, &Limits::METADATA)?;
                std::fs::write(format!("{file}.ours"), canonicalize(document.root(), &how)?)?;
            }
            Ok(())
        }
        ["verify", certificate, options @ ..] => {
            let key = PublicKey::from_certificate(&std::fs::read(certificate)?)?;
            let accept = Accept { sha1: options.contains(&"sha1"), inclusive: options.contains(&"inclusive") };
            let document = given()?;
            let verified = verify(document.root(), &[key], accept)?;
            say(&canonicalize(verified.root(), &Canonical::exclusive())?)
        }
        ["decrypt", key] => {
            let key = DecryptionKey::from_pkcs8(&SecretBytes::new(std::fs::read(key)?))?;
            let document = given()?;
            let data = document.root().descendants().find(|element| element.name() == "EncryptedData");
            let opened = decrypt(data.ok_or("nothing is encrypted")?, &[key])?;
            say(&canonicalize(opened.root(), &Canonical::exclusive())?)
        }
        _ => Err("canonicalize, verify or decrypt".into()),
    }
}

fn given() -> Outcome<Document> {
    let mut octets = Vec::new();
    std::io::stdin().lock().read_to_end(&mut octets)?;
    Ok(Document::parse(&octets, &Limits::MESSAGE)?)
}

fn say(text: &str) -> Outcome<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
