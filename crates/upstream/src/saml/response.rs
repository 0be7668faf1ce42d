//! The answer: everything is checked, then somebody is known.

use std::time::Duration;

use types::Millis;
use xmlsig::{Accept, Document, Element, Limits, SignatureError, Verified, decrypt, is_signed, ns, post, verify};

use super::{Answers, Provider, SamlError, Service, Status, times};

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// What is told of an assertion is looked at only within these.
const MAX_ATTRIBUTES: usize = 256;
const MAX_VALUES: usize = 4_096;

/// What an answer must be.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// What it answers.
    pub answers: Answers<'a>,
    /// Now.
    pub now: Millis,
    /// How far the provider's clock may be off.
    pub skew: Duration,
    /// Kinds of authentication of which it must be one; empty: any.
    pub contexts: &'a [&'a str],
    /// The person proved who they are after this, where that was asked for (`ForceAuthn`).
    pub fresh_since: Option<Millis>,
}

/// A name of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameId {
    /// The name itself.
    pub value: String,
    /// Its format; `…:unspecified` where none is named.
    pub format: String,
    /// In whose names it is unique, if that was said.
    pub name_qualifier: Option<String>,
    /// For which service provider it was made, if that was said.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    /// Whether it is another one at each sign-in, so that no account can hang on it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.format == "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    }
}

/// Who somebody is, by the word of the provider, after everything was checked. Only [`Service::receive`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Who said so: the provider's entity id. A name is unique within it and nowhere else.
    pub issuer: String,
    /// The subject.
    pub name_id: NameId,
    /// Names of attributes and their values, in the assertion's order; what isn't plain text isn't among them.
    pub attributes: Vec<(String, Vec<String>)>,
    /// How the person proved who they are.
    pub context: Option<String>,
    /// When.
    pub authenticated: Millis,
    /// The provider's session, for logout.
    pub session_index: Option<String>,
    /// The provider's session ends then.
    pub session_ends: Option<Millis>,
    /// The assertion's id: whoever comes with it again is refused. Keep (issuer, id) until `expires`, under a unique key.
    pub assertion_id: String,
    /// After this the assertion is refused anyway.
    pub expires: Millis,
}

impl Identity {
    /// The values of an attribute.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.attributes.iter().find(|(own, _)| own == name).map_or(&[], |(_, values)| values)
    }
}

/// An assertion inside what was verified: the whole of it, or the response around it.
#[derive(Clone, Copy)]
struct Believed<'v> {
    by: &'v Verified,
    assertion: Element<'v>,
}

impl Service {
    /// Judges the field `SAMLResponse` of a form that a browser posted to our address.
    ///
    /// The response or its assertion is signed by a key of `provider`; where both are, both signatures must be right. There is exactly
    /// one assertion, encrypted or not.
    ///
    /// # Errors
    /// [`SamlError`]: the first thing that is wrong.
    pub fn receive(&self, provider: &Provider, value: &str, expect: &Expect<'_>) -> Result<Identity, SamlError> {
        let document = post::decode(value, &Limits::MESSAGE)?;
        let root = document.root();
        if !root.is(ns::SAMLP, "Response") {
            return Err(SamlError::Message);
        }
        if is_signed(root) {
            let whole = verify(root, &provider.keys, Accept::default())?;
            self.head(whole.root(), provider, expect, true)?;
            return self.in_whole(&whole, provider, expect);
        }
        // Unsigned, the response's own word is believed only where it speaks against itself.
        self.head(root, provider, expect, false)?;
        one_assertion(root)?;
        if let Some(assertion) = root.child(ns::SAML, "Assertion")? {
            return self.signed_assertion(assertion, provider, expect);
        }
        let wrapper = root.only(ns::SAML, "EncryptedAssertion").map_err(|_| SamlError::Assertions)?;
        let opened: Document = decrypt(wrapper.only(ns::XENC, "EncryptedData")?, &self.decryption)?;
        self.signed_assertion(opened.root(), provider, expect)
    }

    /// The assertion of a response that is signed as a whole.
    fn in_whole(&self, whole: &Verified, provider: &Provider, expect: &Expect<'_>) -> Result<Identity, SamlError> {
        one_assertion(whole.root())?;
        if let Some(assertion) = whole.root().child(ns::SAML, "Assertion")? {
            return self.inner(Believed { by: whole, assertion }, provider, expect);
        }
        let wrapper = whole.root().only(ns::SAML, "EncryptedAssertion").map_err(|_| SamlError::Assertions)?;
        let opened = whole.decrypt(wrapper.only(ns::XENC, "EncryptedData")?, &self.decryption)?;
        self.inner(Believed { by: &opened, assertion: opened.root() }, provider, expect)
    }

    /// The response's signature is enough; one of the assertion's own must be right all the same.
    fn inner(&self, believed: Believed<'_>, provider: &Provider, expect: &Expect<'_>) -> Result<Identity, SamlError> {
        if is_signed(believed.assertion) {
            return self.signed_assertion(believed.assertion, provider, expect);
        }
        self.read(believed, provider, expect)
    }

    fn signed_assertion(
        &self,
        assertion: Element<'_>,
        provider: &Provider,
        expect: &Expect<'_>,
    ) -> Result<Identity, SamlError> {
        if !assertion.is(ns::SAML, "Assertion") {
            return Err(SamlError::Assertions);
        }
        if !is_signed(assertion) {
            return Err(SignatureError::Missing.into());
        }
        let verified = verify(assertion, &provider.keys, Accept::default())?;
        self.read(Believed { by: &verified, assertion: verified.root() }, provider, expect)
    }

    /// The response's own attributes and status.
    fn head(
        &self,
        response: Element<'_>,
        provider: &Provider,
        expect: &Expect<'_>,
        is_signed: bool,
    ) -> Result<(), SamlError> {
        if response.attribute("Version") != Some("2.0") {
            return Err(SamlError::Message);
        }
        match response.attribute("Destination") {
            Some(destination) if destination != self.acs => return Err(SamlError::Destination),
            // saml-bindings-2.0-os, 3.5.5.2: a signed message names its destination.
            None if is_signed => return Err(SamlError::Destination),
            _ => {}
        }
        if let Some(issuer) = response.child(ns::SAML, "Issuer")? {
            check_issuer(issuer, provider)?;
        }
        match (response.attribute("InResponseTo"), expect.answers) {
            (Some(id), Answers::Request(own)) if id == own => {}
            (None, Answers::Unasked) => {}
            _ => return Err(SamlError::InResponseTo),
        }
        let code = response.only(ns::SAMLP, "Status")?.only(ns::SAMLP, "StatusCode")?;
        if code.attribute("Value") == Some(SUCCESS) { Ok(()) } else { Err(SamlError::Refused(status(code))) }
    }

    fn read(&self, believed: Believed<'_>, provider: &Provider, expect: &Expect<'_>) -> Result<Identity, SamlError> {
        let assertion = believed.assertion;
        if !assertion.is(ns::SAML, "Assertion") || assertion.attribute("Version") != Some("2.0") {
            return Err(SamlError::Message);
        }
        // Assertions inside of assertions (`Advice`) are nobody's word here.
        if assertion.descendants().filter(is_assertion).count() != 1 {
            return Err(SamlError::Assertions);
        }
        check_issuer(assertion.only(ns::SAML, "Issuer")?, provider)?;
        let id = assertion.attribute("ID").filter(|id| !id.is_empty() && id.len() <= 256);
        let issued = times::parse(assertion.attribute("IssueInstant").ok_or(SamlError::Part("IssueInstant"))?)?;
        if issued > expect.now + expect.skew {
            return Err(SamlError::Early);
        }
        self.conditions(assertion.only(ns::SAML, "Conditions")?, expect)?;
        let subject = assertion.only(ns::SAML, "Subject")?;
        let expires = self.confirmation(subject, expect)?;
        let statement = Statement::read(assertion, expect)?;
        Ok(Identity {
            issuer: provider.entity_id.clone(),
            name_id: self.name_id(believed.by, subject)?,
            attributes: self.attributes(believed)?,
            context: statement.context,
            authenticated: statement.instant,
            session_index: statement.session_index,
            session_ends: statement.session_ends,
            assertion_id: id.ok_or(SamlError::Part("ID"))?.to_owned(),
            expires: expires + expect.skew,
        })
    }

    /// saml-core-2.0-os, 2.5; the profile asks for an audience (saml-profiles-2.0-os, 4.1.4.2).
    fn conditions(&self, conditions: Element<'_>, expect: &Expect<'_>) -> Result<(), SamlError> {
        check_times(conditions, expect)?;
        let mut restricted = false;
        for condition in conditions.children() {
            match (condition.namespace(), condition.name()) {
                (ns::SAML, "AudienceRestriction") => {
                    restricted = true;
                    let mut audiences = condition.children_of(ns::SAML, "Audience");
                    if !audiences.any(|audience| audience.text().is_ok_and(|text| text.trim() == self.entity_id)) {
                        return Err(SamlError::Audience);
                    }
                }
                // Each assertion is used once here, and none is passed on.
                (ns::SAML, "OneTimeUse" | "ProxyRestriction") => {}
                // What isn't understood makes the assertion indeterminate: not valid.
                _ => return Err(SamlError::Part("Conditions")),
            }
        }
        if restricted { Ok(()) } else { Err(SamlError::Audience) }
    }

    /// The bearer's confirmation (saml-profiles-2.0-os, 4.1.4.2): for this address, for this request, for now. Gives its end.
    fn confirmation(&self, subject: Element<'_>, expect: &Expect<'_>) -> Result<Millis, SamlError> {
        let mut refused = SamlError::Recipient;
        let bearers = subject
            .children_of(ns::SAML, "SubjectConfirmation")
            .filter(|confirmation| confirmation.attribute("Method") == Some(BEARER));
        for confirmation in bearers {
            let data = confirmation.child(ns::SAML, "SubjectConfirmationData")?;
            match data.ok_or(SamlError::Recipient).and_then(|data| self.confirmed(data, expect)) {
                Ok(expires) => return Ok(expires),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn confirmed(&self, data: Element<'_>, expect: &Expect<'_>) -> Result<Millis, SamlError> {
        if data.attribute("Recipient") != Some(&self.acs) {
            return Err(SamlError::Recipient);
        }
        match (data.attribute("InResponseTo"), expect.answers) {
            (Some(id), Answers::Request(own)) if id == own => {}
            (None, Answers::Unasked) => {}
            _ => return Err(SamlError::InResponseTo),
        }
        check_times(data, expect)?;
        times::parse(data.attribute("NotOnOrAfter").ok_or(SamlError::Part("NotOnOrAfter"))?)
    }

    fn name_id(&self, by: &Verified, subject: Element<'_>) -> Result<NameId, SamlError> {
        if let Some(name) = subject.child(ns::SAML, "NameID")? {
            return read_name(name);
        }
        let wrapper = subject.child(ns::SAML, "EncryptedID")?.ok_or(SamlError::Part("NameID"))?;
        let opened = by.decrypt(wrapper.only(ns::XENC, "EncryptedData")?, &self.decryption)?;
        if !opened.root().is(ns::SAML, "NameID") {
            return Err(SamlError::Part("NameID"));
        }
        read_name(opened.root())
    }

    fn attributes(&self, believed: Believed<'_>) -> Result<Vec<(String, Vec<String>)>, SamlError> {
        let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
        let statements = believed.assertion.children_of(ns::SAML, "AttributeStatement");
        for element in statements.flat_map(|statement| statement.children()) {
            if element.is(ns::SAML, "Attribute") {
                read_attribute(element, &mut attributes)?;
            } else if element.is(ns::SAML, "EncryptedAttribute") {
                let opened = believed.by.decrypt(element.only(ns::XENC, "EncryptedData")?, &self.decryption)?;
                if !opened.root().is(ns::SAML, "Attribute") {
                    return Err(SamlError::Part("Attribute"));
                }
                read_attribute(opened.root(), &mut attributes)?;
            }
        }
        let values = attributes.iter().map(|(_, values)| values.len()).fold(0_usize, usize::saturating_add);
        if attributes.len() > MAX_ATTRIBUTES || values > MAX_VALUES {
            return Err(SamlError::Part("AttributeStatement"));
        }
        Ok(attributes)
    }
}

fn is_assertion(element: &Element<'_>) -> bool {
    element.namespace() == ns::SAML && matches!(element.name(), "Assertion" | "EncryptedAssertion")
}

/// Exactly one assertion in the whole message, wherever it stands.
fn one_assertion(response: Element<'_>) -> Result<(), SamlError> {
    if response.descendants().filter(is_assertion).count() == 1 { Ok(()) } else { Err(SamlError::Assertions) }
}

fn check_issuer(issuer: Element<'_>, provider: &Provider) -> Result<(), SamlError> {
    let is_entity = issuer.attribute("Format").is_none_or(|format| format == ENTITY);
    if is_entity && issuer.text()?.trim() == provider.entity_id { Ok(()) } else { Err(SamlError::Issuer) }
}

/// `NotBefore` is the first moment that counts, `NotOnOrAfter` the first that doesn't, each moved by what clocks may be off.
fn check_times(element: Element<'_>, expect: &Expect<'_>) -> Result<(), SamlError> {
    if let Some(from) = element.attribute("NotBefore").map(times::parse).transpose()?
        && expect.now + expect.skew < from
    {
        return Err(SamlError::Early);
    }
    if let Some(until) = element.attribute("NotOnOrAfter").map(times::parse).transpose()?
        && expect.now >= until + expect.skew
    {
        return Err(SamlError::Expired);
    }
    Ok(())
}

fn status(code: Element<'_>) -> Status {
    let inner = code.children_of(ns::SAMLP, "StatusCode").next().and_then(|inner| inner.attribute("Value"));
    match inner.and_then(|value| value.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:")) {
        Some("NoPassive") => Status::NoPassive,
        Some("AuthnFailed") => Status::AuthnFailed,
        Some("NoAuthnContext") => Status::NoAuthnContext,
        Some("RequestDenied") => Status::RequestDenied,
        _ => Status::Other,
    }
}

fn read_name(name: Element<'_>) -> Result<NameId, SamlError> {
    let value = name.text()?.trim();
    if value.is_empty() || value.len() > 1_024 {
        return Err(SamlError::Part("NameID"));
    }
    let format = name.attribute("Format").unwrap_or("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
    Ok(NameId {
        value: value.to_owned(),
        format: format.to_owned(),
        name_qualifier: name.attribute("NameQualifier").map(ToOwned::to_owned),
        sp_name_qualifier: name.attribute("SPNameQualifier").map(ToOwned::to_owned),
    })
}

/// Values of the same name from several elements come together. A value that isn't plain text (a `NameID`, say) is left out whole.
fn read_attribute(attribute: Element<'_>, into: &mut Vec<(String, Vec<String>)>) -> Result<(), SamlError> {
    let name = attribute.attribute("Name").filter(|name| !name.is_empty()).ok_or(SamlError::Part("Attribute"))?;
    let values =
        attribute.children_of(ns::SAML, "AttributeValue").filter_map(|value| value.text().ok()).map(ToOwned::to_owned);
    match into.iter_mut().find(|(own, _)| own == name) {
        Some((_, own)) => own.extend(values),
        None => into.push((name.to_owned(), values.collect())),
    }
    Ok(())
}

/// The first `AuthnStatement`: when and how the person proved who they are.
struct Statement {
    instant: Millis,
    context: Option<String>,
    session_index: Option<String>,
    session_ends: Option<Millis>,
}

impl Statement {
    fn read(assertion: Element<'_>, expect: &Expect<'_>) -> Result<Self, SamlError> {
        let statement = assertion.only(ns::SAML, "AuthnStatement")?;
        let instant = times::parse(statement.attribute("AuthnInstant").ok_or(SamlError::Part("AuthnInstant"))?)?;
        if instant > expect.now + expect.skew {
            return Err(SamlError::Early);
        }
        if expect.fresh_since.is_some_and(|since| instant + expect.skew < since) {
            return Err(SamlError::Stale);
        }
        let session_ends = statement.attribute("SessionNotOnOrAfter").map(times::parse).transpose()?;
        if session_ends.is_some_and(|ends| expect.now >= ends + expect.skew) {
            return Err(SamlError::Expired);
        }
        let context = statement.only(ns::SAML, "AuthnContext")?.child(ns::SAML, "AuthnContextClassRef")?;
        let context = context.map(|class| class.text().map(str::trim)).transpose()?;
        if !expect.contexts.is_empty() && !context.is_some_and(|context| expect.contexts.contains(&context)) {
            return Err(SamlError::Context);
        }
        Ok(Self {
            instant,
            context: context.map(ToOwned::to_owned),
            session_index: statement.attribute("SessionIndex").map(ToOwned::to_owned),
            session_ends,
        })
    }
}
