//! What makes a telephone of a number: `/admin/v1/phones/{phone}/activation_url`, `send_sms_activation`, `send_sms_passcodes`.

use super::{
    desk::{Desk, failed, found, part, refused},
    grants::reads_numbers,
};
use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use data_encoding::BASE64_NOPAD;
use messaging::{Address, Content, Outgoing, Purpose};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::PhoneRow;
use types::{MessageId, SecretString, UserId};

/// How long an activation works when the caller doesn't say: a day.
const DEFAULT_SECS: i64 = 86_400;

/// An activation that was made.
struct Activation {
    user: UserId,
    link: String,
    barcode: String,
    secs: u64,
}

/// A code for the telephone and its owner. One that nobody has can't be activated; of several owners the first counts.
async fn activate(call: &Call, desk: &Desk, phone: &PhoneRow) -> Result<Activation, ApiError> {
    let secs = call.params.int("valid_secs", 0..=2_592_000)?.filter(|secs| *secs > 0).unwrap_or(DEFAULT_SECS);
    let secs = u64::try_from(secs).unwrap_or(0).max(60);
    let owners = desk.rows().users_of_phones(&[phone.id]).await.map_err(|error| failed(&error))?;
    let (_, user) = owners.into_iter().next().ok_or_else(|| ApiError::invalid_parameter("the phone has no user"))?;
    let life = Duration::from_secs(secs);
    let (tenant, by) = (call.app.tenant, &call.app.ikey);
    let code = call.auth().activation_by(tenant, user.id, Some(phone.id), life, by).await.map_err(refusal)?;
    let host = &call.app.api_host;
    let text = format!("duo://{}-{}", code.expose(), BASE64_NOPAD.encode(host.as_bytes()));
    let detail = json!({ "user_id": user.id.to_string(), "valid_secs": secs });
    desk.scope().note("phone_activation_code", &phone.id.to_string(), detail).await.map_err(refused)?;
    Ok(Activation {
        user: user.id,
        link: call.auth().activation_url(host, call.app.tenant, &code),
        barcode: format!("{}/frame/qr?value={}", call.auth().site(host), utf8_percent_encode(&text, NON_ALPHANUMERIC)),
        secs,
    })
}

/// Parameter `valid_secs`. Gives a link and a barcode that attach an authenticator, once.
pub(super) async fn url(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let phone = found(desk.rows().phone(part(&call, 0)?).await)?;
    let made = activate(&call, &desk, &phone).await?;
    Ok(Envelope::ok(json!({
        "activation_barcode": made.barcode,
        "activation_url": made.link,
        "valid_secs": made.secs,
    })))
}

/// Whether a text holds the place of the link, and no other link: whoever has stolen a key shall not send a link of their own in the
/// organisation's name.
fn is_template(words: &str) -> bool {
    let rest = words.replacen("<acturl>", "", 1).to_lowercase();
    let link = ["://", "http", "www.", "<acturl>"].iter().any(|mark| rest.contains(mark));
    // A name with a dot in it is made a link by many telephones; the end of a sentence is followed by white space.
    let dotted =
        rest.split_whitespace().any(|word| word.trim_end_matches(['.', ',', '!', '?', ':', ')']).contains('.'));
    words.contains("<acturl>") && words.len() <= 300 && !link && !dotted
}

/// Parameters: `valid_secs`, and `activation_msg` with `<acturl>` where the link belongs. Sends the link to the telephone.
///
/// The answer's `activation_msg` has the link, as at Duo: the caller may make links anyway.
pub(super) async fn send(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let phone = found(desk.rows().phone(part(&call, 0)?).await)?;
    let words = match call.params.filled("activation_msg")? {
        Some(words) if is_template(words) => words.to_owned(),
        Some(_) => return Err(ApiError::invalid_parameter("activation_msg")),
        None => "To set up how you sign in, open this link: <acturl>".to_owned(),
    };
    if phone.number.is_none() {
        return Err(ApiError::invalid_parameter("the phone has no number"));
    }
    desk.scope().spend_number(reads_numbers(&call)).await.map_err(refused)?;
    let made = activate(&call, &desk, &phone).await?;
    let rows = desk.rows();
    call.auth().store().numbers().live(call.app.tenant, made.user, [&phone], call.auth().world().now());
    let number = rows.number_to_send(&phone, Some(made.user)).await.map_err(|error| refused(error.into()))?;
    let words: String = words.replace("<acturl>", &made.link).chars().filter(|c| !c.is_control()).collect();
    let world = call.auth().world();
    let id = MessageId::new(world.now(), world.random.as_ref());
    let content = Content::Text(SecretString::new(words.clone()));
    let to = Address::Number(number, String::new());
    let message =
        Outgoing { user: Some(made.user), ..Outgoing::new(id, call.app.tenant, Purpose::Enrollment, to, content) };
    if let Err(error) = call.auth().courier().deliver(message).await {
        tracing::warn!(%error, "an activation could not be sent");
        return Err(ApiError::invalid_parameter("The message could not be sent."));
    }
    Ok(Envelope::ok(json!({
        "activation_barcode": made.barcode,
        "activation_msg": words,
        "installation_msg": "",
        "valid_secs": made.secs,
    })))
}

/// Sends a new batch of passcodes; the old ones die.
pub(super) async fn send_passcodes(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let phone = found(desk.rows().phone(part(&call, 0)?).await)?;
    desk.scope().spend_number(reads_numbers(&call)).await.map_err(refused)?;
    let outcome = call.auth().send_passcodes(&call.app, phone.id).await.map_err(refusal)?;
    desk.scope()
        .note("phone_send_passcodes", &phone.id.to_string(), Value::Object(Map::new()))
        .await
        .map_err(refused)?;
    if outcome.status == "sent" { Ok(Envelope::ok("")) } else { Err(ApiError::invalid_parameter(outcome.message)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_the_link_that_is_put_in_and_no_other() {
        for words in ["Open <acturl>", "Welcome! To sign in, open <acturl> on this phone. Thanks.", "<acturl>"] {
            assert!(is_template(words), "{words}");
        }
        for words in [
            "Open this",
            "Open https://evil.example, not <acturl>",
            "WWW.evil.example <acturl>",
            "evil.example/login <acturl>",
            "<acturl> <acturl>",
            &format!("<acturl>{}", "x".repeat(300)),
        ] {
            assert!(!is_template(words), "{words}");
        }
    }
}
