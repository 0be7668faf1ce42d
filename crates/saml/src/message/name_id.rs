//! The name under which an application knows a person (saml-core §8.3).

use super::clean;
use serde::{Deserialize, Serialize};
use sso::{Participant, party::NameIdFormat};
use xmlsig::Xml;

/// The kind of a name by its URI. Some libraries write `2.0` where the standard has `1.1`.
pub(crate) fn format_of(uri: &str) -> Option<NameIdFormat> {
    let forgiven =
        uri.strip_prefix("urn:oasis:names:tc:SAML:2.0:").map(|end| format!("urn:oasis:names:tc:SAML:1.1:{end}"));
    NameIdFormat::of_uri(uri).or_else(|| NameIdFormat::of_uri(forgiven.as_deref()?))
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NameId {
    /// The URI of its kind; none where it isn't said.
    pub(crate) format: Option<String>,
    /// In whose world the name is one.
    pub(crate) qualifier: Option<String>,
    /// For which application.
    pub(crate) sp_qualifier: Option<String>,
    pub(crate) value: String,
}

impl NameId {
    /// A name that is given out by `idp` to `party`.
    pub(crate) fn new(format: NameIdFormat, value: String, idp: &str, party: &str) -> Self {
        // saml-core §8.3.7 and §8.3.8: these two are qualified, the others must not be.
        let qualified = matches!(format, NameIdFormat::Persistent | NameIdFormat::Transient);
        Self {
            format: Some(format.uri().to_owned()),
            qualifier: qualified.then(|| idp.to_owned()),
            sp_qualifier: qualified.then(|| party.to_owned()),
            value,
        }
    }

    /// As it is kept with a session at an application.
    pub(crate) fn participant(&self) -> Participant {
        Participant::Saml {
            name_id: self.value.clone(),
            format: self.format.clone().unwrap_or_default(),
            name_qualifier: self.qualifier.clone(),
            sp_name_qualifier: self.sp_qualifier.clone(),
        }
    }

    /// From there; none for what another door has kept.
    pub(crate) fn of_participant(participant: &Participant) -> Option<Self> {
        let Participant::Saml { name_id, format, name_qualifier, sp_name_qualifier } = participant else { return None };
        Some(Self {
            format: Some(format.clone()).filter(|format| !format.is_empty()),
            qualifier: name_qualifier.clone(),
            sp_qualifier: sp_name_qualifier.clone(),
            value: name_id.clone(),
        })
    }

    /// `saml:NameID`.
    pub(crate) fn xml(&self) -> Xml {
        Xml::new("saml:NameID")
            .with_some("Format", self.format.as_deref())
            .with_some("NameQualifier", self.qualifier.as_deref())
            .with_some("SPNameQualifier", self.sp_qualifier.as_deref())
            .text(clean(&self.value))
    }

    /// Whether `told`, which an application sends back, names the same. What it leaves out is what was said (saml-core §3.3.4 lets the
    /// qualifiers be left out; a format that isn't said is any).
    pub(crate) fn is(&self, told: &Self) -> bool {
        let same = |ours: &Option<String>, theirs: &Option<String>| theirs.is_none() || ours == theirs;
        let format = told.format.as_deref().is_none_or(|format| {
            format_of(format) == Some(NameIdFormat::Unspecified) || Some(format) == self.format.as_deref()
        });
        self.value == told.value
            && format
            && same(&self.qualifier, &told.qualifier)
            && same(&self.sp_qualifier, &told.sp_qualifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_back_is_the_one_that_was_given() {
        let given =
            NameId::new(NameIdFormat::Persistent, "abc".to_owned(), "https://idp.example", "https://app.example");
        assert!(given.is(&given));
        assert!(given.is(&NameId { qualifier: None, sp_qualifier: None, ..given.clone() }));
        assert!(given.is(&NameId { format: None, ..given.clone() }));
        for foreign in [
            NameId { value: "abd".to_owned(), ..given.clone() },
            NameId { value: "ABC".to_owned(), ..given.clone() },
            NameId { value: "abc ".to_owned(), ..given.clone() },
            NameId { qualifier: Some("https://other.example".to_owned()), ..given.clone() },
            NameId { sp_qualifier: Some("https://other.example".to_owned()), ..given.clone() },
            NameId { format: Some(NameIdFormat::EmailAddress.uri().to_owned()), ..given.clone() },
        ] {
            assert!(!given.is(&foreign), "{foreign:?}");
        }
    }

    #[test]
    fn formats_have_one_uri_and_one_that_is_forgiven() {
        for format in NameIdFormat::ALL {
            assert_eq!(format_of(format.uri()), Some(format));
        }
        assert_eq!(
            format_of("urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress"),
            Some(NameIdFormat::EmailAddress)
        );
        assert_eq!(format_of("urn:oasis:names:tc:SAML:2.0:nameid-format:entity"), None);
        assert_eq!(format_of("persistent"), None);
    }
}
