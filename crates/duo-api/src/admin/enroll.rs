//! `POST /admin/v1/users/enroll`: a user gets a link to attach an authenticator.

use super::desk::{Desk, failed, refused};
use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use directory::NewUser;
use messaging::{Address, ChannelKind, Content, EmailAddress, Outgoing, Purpose};
use serde_json::json;
use std::time::Duration;
use types::{MessageId, Normalization, UserName};

/// How long a link works when the caller doesn't say: 30 days, as at Duo.
const DEFAULT_SECS: i64 = 2_592_000;

/// Parameters: `username`, `email`, `valid_secs` (60 to 2,592,000, which also stands for 0). An unknown name becomes a user first.
///
/// The link goes to the address by mail, and the answer is empty. Where no mail channel is configured the answer is the link: the
/// caller must bring it to the person.
pub(super) async fn enroll(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let params = &call.params;
    let username = params.required("username")?;
    let address: EmailAddress = params.required("email")?.parse().map_err(|_| ApiError::invalid_parameter("email"))?;
    let secs = params.int("valid_secs", 0..=DEFAULT_SECS)?.filter(|secs| *secs > 0).unwrap_or(DEFAULT_SECS);
    let valid = Duration::from_secs(u64::try_from(secs).unwrap_or(0).max(60));
    let name = UserName::new(username, Normalization::None).map_err(|_| ApiError::invalid_parameter("username"))?;
    let known = desk.rows().user_by_name(&name).await.map_err(|error| failed(&error))?;
    let user = match known {
        Some(user) => user,
        None => {
            let new =
                NewUser { username: username.to_owned(), email: address.expose().to_owned(), ..NewUser::default() };
            desk.scope().create_user(&new).await.map_err(refused)?
        }
    };
    let by = &call.app.ikey;
    let code = call.auth().activation_by(call.app.tenant, user.id, None, valid, by).await.map_err(refusal)?;
    let link = call.auth().activation_url(&call.app.api_host, call.app.tenant, &code);
    let mailed = call.auth().courier().carries(ChannelKind::Email);
    let detail = json!({ "user_id": user.id.to_string(), "valid_secs": valid.as_secs(), "mailed": mailed });
    desk.scope().note("user_enroll", &user.username, detail).await.map_err(refused)?;
    if !mailed {
        return Ok(Envelope::ok(link));
    }
    let world = call.auth().world();
    let (subject, text) = messaging::text::notice::invitation(
        &call.app.settings.brand,
        &call.app.settings.page.language,
        &user.username,
        &link,
    )
    .map_err(|_| ApiError::invalid_parameter("brand"))?;
    let id = MessageId::new(world.now(), world.random.as_ref());
    let content = Content::Mail { subject, text };
    let message = Outgoing {
        user: Some(user.id),
        ..Outgoing::new(id, call.app.tenant, Purpose::Enrollment, Address::Mail(address), content)
    };
    if let Err(error) = call.auth().courier().deliver(message).await {
        tracing::warn!(%error, "an enrolment mail could not be sent");
        return Err(ApiError::invalid_parameter("The mail could not be sent."));
    }
    Ok(Envelope::ok(""))
}
