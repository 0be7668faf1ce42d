//! A queued message as bytes, before it is sealed.

use crate::{Address, CallScript, ChannelKind, Content, Outgoing, Purpose, Terms};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, net::IpAddr, time::Duration};
use types::{AttemptId, MessageId, Millis, SecretString, TenantId, UserId};
use uuid::Uuid;
use zeroize::Zeroizing;

/// It isn't such a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a queued message is malformed")]
pub(crate) struct Malformed;

#[derive(Serialize, Deserialize)]
struct Parcel<'a> {
    to: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extension: Option<Cow<'a, str>>,
    body: Body<'a>,
    purpose: u8,
    user: Option<String>,
    txid: Option<String>,
    /// When it was taken, and until when it is worth sending.
    at: i64,
    until: i64,
    language: Cow<'a, str>,
    not_before: Option<i64>,
    carrier: Option<Cow<'a, str>>,
    from: Option<Cow<'a, str>>,
    checked: bool,
    source: Option<IpAddr>,
}

#[derive(Serialize, Deserialize)]
enum Body<'a> {
    Text(Cow<'a, str>),
    Call { lines: Vec<Cow<'a, str>>, keys: Option<Cow<'a, str>>, fraud_key: Option<char>, code: Option<Cow<'a, str>> },
    Mail { subject: Cow<'a, str>, text: Cow<'a, str> },
    Code { by: Cow<'a, str>, code: Cow<'a, str>, brand: Cow<'a, str> },
    Twiml(Cow<'a, str>),
}

const PURPOSES: [Purpose; 5] =
    [Purpose::Authentication, Purpose::Enrollment, Purpose::Verify, Purpose::AdministratorLogin, Purpose::Notice];

/// The bytes of a message that was taken at `at` and is worth sending until `until`.
pub(crate) fn pack(message: &Outgoing, at: Millis, until: Millis) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    let shown = |secret: &'_ SecretString| -> usize { secret.expose().len() };
    let (to, extension) = match &message.to {
        Address::Number(number, extension) => (number.expose(), Some(Cow::Borrowed(extension.as_str()))),
        Address::Mail(address) => (address.expose(), None),
    };
    let (body, length) = match &message.content {
        Content::Text(text) => (Body::Text(text.expose().into()), shown(text)),
        Content::Twiml(text) => (Body::Twiml(text.expose().into()), shown(text)),
        Content::Mail { subject, text } => {
            (Body::Mail { subject: subject.into(), text: text.expose().into() }, subject.len() + shown(text))
        }
        Content::Code { by, code, brand } => {
            (Body::Code { by: by.as_str().into(), code: code.expose().into(), brand: brand.into() }, brand.len())
        }
        Content::Call(script) => {
            let body = Body::Call {
                lines: script.lines.iter().map(|line| line.expose().into()).collect(),
                keys: script.keys.as_ref().map(|keys| keys.expose().into()),
                fraud_key: script.fraud_key,
                code: script.code.as_ref().map(|code| code.expose().into()),
            };
            (body, script.lines.iter().map(shown).sum())
        }
    };
    let terms = &message.terms;
    let parcel = Parcel {
        to: to.into(),
        extension,
        body,
        purpose: PURPOSES
            .iter()
            .position(|it| *it == message.purpose)
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(0),
        user: message.user.map(|id| id.uuid().simple().to_string()),
        txid: message.txid.map(|id| id.uuid().simple().to_string()),
        at: at.0,
        until: until.0,
        language: message.language.as_str().into(),
        not_before: terms.not_before.map(|at| at.0),
        carrier: terms.carrier.as_deref().map(Cow::from),
        from: terms.from.as_deref().map(Cow::from),
        checked: terms.checked,
        source: terms.source,
    };
    // Large enough at once: a vector that grows leaves copies behind. Escapes take six bytes for one at most.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024 + 6 * length));
    serde_json::to_writer(&mut *bytes, &parcel).map_err(|_| Malformed)?;
    Ok(bytes)
}

/// The message of these bytes, and until when it is worth sending.
pub(crate) fn unpack(tenant: TenantId, id: MessageId, bytes: &[u8]) -> Result<(Outgoing, Millis), Malformed> {
    let parcel: Parcel<'_> = serde_json::from_slice(bytes).map_err(|_| Malformed)?;
    let secret = |text: Cow<'_, str>| SecretString::new(text.into_owned());
    let to = match parcel.extension {
        Some(extension) => Address::Number(parcel.to.parse().map_err(|_| Malformed)?, extension.into_owned()),
        None => Address::Mail(parcel.to.parse().map_err(|_| Malformed)?),
    };
    let content = match parcel.body {
        Body::Text(text) => Content::Text(secret(text)),
        Body::Twiml(text) => Content::Twiml(secret(text)),
        Body::Mail { subject, text } => Content::Mail { subject: subject.into_owned(), text: secret(text) },
        Body::Code { by, code, brand } => {
            Content::Code { by: ChannelKind::of(&by).ok_or(Malformed)?, code: secret(code), brand: brand.into_owned() }
        }
        Body::Call { lines, keys, fraud_key, code } => Content::Call(CallScript {
            lines: lines.into_iter().map(secret).collect(),
            keys: keys.map(secret),
            fraud_key,
            code: code.map(secret),
        }),
    };
    let until = Millis(parcel.until);
    let id_of = |text: Option<String>| text.map(|text| Uuid::try_parse(&text).map_err(|_| Malformed)).transpose();
    let purpose = PURPOSES.get(usize::from(parcel.purpose)).copied().ok_or(Malformed)?;
    let message = Outgoing {
        user: id_of(parcel.user)?.map(UserId::from_uuid),
        txid: id_of(parcel.txid)?.map(AttemptId::from_uuid),
        valid_for: Duration::from_millis(until.since(Millis(parcel.at)).as_millis().try_into().unwrap_or(0)),
        language: parcel.language.into_owned(),
        terms: Terms {
            not_before: parcel.not_before.map(Millis),
            carrier: parcel.carrier.map(Cow::into_owned),
            from: parcel.from.map(Cow::into_owned),
            checked: parcel.checked,
            source: parcel.source,
            gate: None,
        },
        ..Outgoing::new(id, tenant, purpose, to, content)
    };
    Ok((message, until))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::World;

    fn content() -> impl Strategy<Value = (u8, String, String)> {
        (0_u8..5, "\\PC{0,200}", "[0-9]{1,8}")
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out((which, text, code) in content(), mail: bool, checked: bool, from in proptest::option::of("[A-Z]{1,11}")) {
            let (world, _) = World::made(Millis(1_794_651_630_405), 5);
            let random = world.random.as_ref();
            let (tenant, id) = (TenantId::new(world.now(), random), MessageId::new(world.now(), random));
            let secret = |text: &str| SecretString::new(text.to_owned());
            let content = || match which {
                0 => Content::Text(secret(&text)),
                1 => Content::Twiml(secret(&text)),
                2 => Content::Mail { subject: code.clone(), text: secret(&text) },
                3 => Content::Code { by: ChannelKind::Telegram, code: secret(&code), brand: text.clone() },
                _ => Content::Call(CallScript { lines: vec![secret(&text); 2], keys: Some(secret(&code)), fraud_key: Some('9'),
                    code: Some(secret(&code)) }),
            };
            let to = if mail { Address::Mail("a@example.org".parse().unwrap()) } else {
                Address::Number("+4915112345678".parse().unwrap(), "12".to_owned())
            };
            let mut message = Outgoing::new(id, tenant, Purpose::Verify, to, content());
            message.user = Some(UserId::new(world.now(), random));
            message.terms.checked = checked;
            message.terms.from = from;
            let until = world.now() + message.valid_for;
            let bytes = pack(&message, world.now(), until).unwrap();
            let (back, back_until) = unpack(tenant, id, &bytes).unwrap();
            prop_assert_eq!(back_until, until);
            prop_assert_eq!((back.user, back.purpose, back.valid_for), (message.user, Purpose::Verify, message.valid_for));
            prop_assert_eq!(&back.terms.from, &message.terms.from);
            let again = pack(&back, world.now(), until).unwrap();
            prop_assert!(*again == *bytes, "something was lost");
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let nil = Uuid::nil();
            let _ = unpack(TenantId::from_uuid(nil), MessageId::from_uuid(nil), &bytes);
        }
    }
}
