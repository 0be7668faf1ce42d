//! The answer to an application: an assertion about its person, or why there is none. Signed, perhaps encrypted, and carried by a form.

use super::sign_on::{Pending, settings};
use crate::{
    context,
    door::{Call, count},
    error::Refused,
    message::{
        name_id::NameId,
        new_id,
        response::{self, Assertion, Envelope},
        status::Status,
    },
};
use axum::response::{IntoResponse as _, Response};
use sso::{
    Leaf, RelyingParty, SignedIn,
    claims::{Field, Person, Source},
    party::{EncryptionAlgorithm, KeyTransport, NameIdFormat, SamlParty},
};
use std::time::Duration;
use types::SsoRequestId;
use xmlsig::{ContentCipher, Fragment, PublicKey, SigningKey, Xml};

/// Somebody is signed in.
pub(crate) async fn signed(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    held: Option<SsoRequestId>,
    signed: &SignedIn,
) -> Result<Response, Refused> {
    let ours = |error: &sso::SsoError| call.ours(error);
    let settings = settings(party)?;
    let Some(class) = context::say(pending.context.as_ref(), signed.level) else {
        return failed(call, party, pending, held, Status::NoAuthnContext).await;
    };
    // An application that knows one class only is told that one, but never in place of one that it asked for.
    let class = match (&settings.authn_context, &pending.context) {
        (Some(registered), None) => registered.clone(),
        _ => class,
    };
    let person = call.door.sso.person(party, signed.user).await.map_err(|error| ours(&error))?;
    let Some(person) = person else { return failed(call, party, pending, held, Status::RequestDenied).await };
    let Some(name) = name(call, party, pending, settings, signed, &person).await? else {
        return failed(call, party, pending, held, Status::InvalidNameIdPolicy).await;
    };
    if pending.subject.as_ref().is_some_and(|wanted| !name.is(wanted)) {
        return failed(call, party, pending, held, Status::UnknownPrincipal).await;
    }
    spend(call, party, pending, held).await?;
    let session_index =
        call.door.sso.participate(signed, party, &name.participant()).await.map_err(|error| ours(&error))?;
    // Never longer than the session here: that is all that can be said for sure.
    let session = call.door.sso.auth().session_by_id(party.tenant(), signed.session).await;
    let ends = session.map_err(|error| call.ours(&error))?.ok_or(Refused::NobodyAsked)?.expires();
    let wanted = settings.session_seconds.map(|seconds| call.now() + Duration::from_secs(seconds.into()));
    let session_until = wanted.map_or(ends, |wanted| wanted.min(ends));
    let (id, assertion_id) = (new_id(call.world()), new_id(call.world()));
    let envelope = envelope(call, pending, &id);
    let audiences: Vec<&str> =
        std::iter::once(party.key.as_str()).chain(settings.audiences.iter().map(String::as_str)).collect();
    let attributes = call.door.sso.attributes(&person, party);
    let assertion = Assertion {
        id: &assertion_id,
        subject: &name,
        audiences: &audiences,
        life: Duration::from_secs(settings.assertion_seconds.into()),
        auth_time: signed.auth_time,
        session_index: &session_index,
        session_until: Some(session_until),
        class: &class,
        attributes: &attributes,
    };
    let key = call.door.sso.signing().saml_signer(party.tenant()).await.map_err(|error| ours(&error))?;
    let message = seal(settings, &key, &envelope, &assertion, call.world().random.as_ref());
    let message = message.map_err(|error| call.ours(error.as_ref()))?;
    count("answered", "Success");
    Ok(carry(pending, &message))
}

/// The message as the application wants it: which of the two is signed, and whether the inner one is encrypted.
pub(crate) fn seal(
    settings: &SamlParty,
    key: &SigningKey,
    envelope: &Envelope<'_>,
    said: &Assertion<'_>,
    random: &dyn types::Random,
) -> Result<Fragment, Box<dyn std::error::Error>> {
    let mut assertion = said.xml(envelope).render()?;
    // Configuration refuses an application that wants neither; should it come to that, the assertion is signed.
    if settings.sign_assertion || !settings.sign_response {
        assertion = xmlsig::sign(&assertion, said.id, key)?;
    }
    if settings.encrypt {
        let certificate = settings.encryption_certificate.as_deref().ok_or("no certificate to encrypt to")?;
        let to = PublicKey::from_certificate_text(certificate)?;
        let data =
            xmlsig::encrypt(&assertion, &to, cipher(settings.encryption), transport(settings.key_transport), random)?;
        assertion = response::encrypted(data).render()?;
    }
    let whole = response::response(envelope, Status::Success).fragment(assertion).render()?;
    Ok(if settings.sign_response { xmlsig::sign(&whole, envelope.id, key)? } else { whole })
}

const fn cipher(algorithm: EncryptionAlgorithm) -> ContentCipher {
    match algorithm {
        EncryptionAlgorithm::Aes256Gcm => ContentCipher::Aes256Gcm,
        EncryptionAlgorithm::Aes128Gcm => ContentCipher::Aes128Gcm,
        EncryptionAlgorithm::Aes256Cbc => ContentCipher::Aes256Cbc,
        EncryptionAlgorithm::Aes128Cbc => ContentCipher::Aes128Cbc,
    }
}

const fn transport(algorithm: KeyTransport) -> xmlsig::KeyTransport {
    match algorithm {
        KeyTransport::RsaOaepMgf1p => xmlsig::KeyTransport::OaepSha1,
        KeyTransport::RsaOaepSha256 => xmlsig::KeyTransport::OaepSha256,
    }
}

/// What the person is called there; none where they have no such name.
async fn name(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    settings: &SamlParty,
    signed: &SignedIn,
    person: &Person,
) -> Result<Option<NameId>, Refused> {
    let format = pending.format.unwrap_or(settings.name_id.format);
    let value_of = |source: &Source| match source.value(person) {
        Some(serde_json::Value::String(text)) => Some(text),
        _ => None,
    };
    let registered = settings.name_id.pinned || format == settings.name_id.format;
    let value = match format {
        _ if settings.name_id.pinned => value_of(&settings.name_id.value),
        NameIdFormat::Persistent => {
            let subject = call.door.sso.subject(signed.user, party).await;
            Some(subject.map_err(|error| call.ours(&error))?)
        }
        NameIdFormat::Transient => Some(new_id(call.world())),
        // Where the format is the registered one, so is the source, unless nobody said a source: a user's name is no address.
        NameIdFormat::EmailAddress if registered && settings.name_id.value != Source::default() => {
            value_of(&settings.name_id.value)
        }
        NameIdFormat::EmailAddress => value_of(&Source::Field(Field::Email)),
        NameIdFormat::Unspecified => value_of(&settings.name_id.value),
    };
    let fits = |value: &String| !value.is_empty() && value.len() <= 256;
    Ok(value.filter(fits).map(|value| NameId::new(format, value, &call.entity_id, &party.key)))
}

/// There is no assertion; the application is told why, once.
pub(crate) async fn failed(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    held: Option<SsoRequestId>,
    status: Status,
) -> Result<Response, Refused> {
    if held.is_none() {
        call.stranger().await?;
    }
    spend(call, party, pending, held).await?;
    let id = new_id(call.world());
    let xml = response::response(&envelope(call, pending, &id), status);
    let key = call.door.sso.signing().saml_signer(party.tenant()).await.map_err(|error| call.ours(&error))?;
    // Always signed: that there is no assertion in it that could be is no reason to believe it.
    let message = sign(&xml, &id, &key).map_err(|error| call.ours(error.as_ref()))?;
    count("answered", status.word());
    tracing::info!(ikey = party.ikey(), status = status.word(), "an application was told that nobody is signed in");
    Ok(carry(pending, &message))
}

/// A whole message, signed.
pub(crate) fn sign(xml: &Xml, id: &str, key: &SigningKey) -> Result<Fragment, Box<dyn std::error::Error>> {
    Ok(xmlsig::sign(&xml.render()?, id, key)?)
}

fn envelope<'a>(call: &'a Call, pending: &'a Pending, id: &'a str) -> Envelope<'a> {
    Envelope {
        id,
        issuer: &call.entity_id,
        destination: &pending.acs,
        in_response_to: pending.request.as_deref(),
        issued: call.now(),
    }
}

/// One answer is all that a request gets, wherever it is shown again: in this browser, in another, at another node.
async fn spend(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    held: Option<SsoRequestId>,
) -> Result<(), Refused> {
    if let Some(id) = held
        && !call.door.sso.release(&call.visit, id).await.map_err(|error| call.ours(&error))?
    {
        return Err(Refused::Replayed);
    }
    match &pending.request {
        Some(request) => call.once(party, request).await,
        None => Ok(()),
    }
}

fn carry(pending: &Pending, message: &Fragment) -> Response {
    let encoded = xmlsig::post::encode(message.as_str());
    let mut fields = vec![("SAMLResponse", encoded)];
    fields.extend(pending.relay.clone().map(|relay| ("RelayState", relay)));
    Leaf::Carry { action: pending.acs.clone(), fields }.into_response()
}
