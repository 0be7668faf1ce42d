//! `POST /global-token-revocation`: somebody who may says that a person's sessions and tokens are to end, all of them and now
//! (draft-parecki-oauth-global-token-revocation; what others call universal logout).

use crate::{
    Door, ask,
    caller::{Caller, Scope},
    error::{Refusal, empty},
};
use auth::AuthError;
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use sso::{Kind, party::Subject};
use std::sync::Arc;
use types::UserId;

/// Addresses and names are shorter, in bytes.
const LONGEST: usize = 320;

#[derive(Deserialize)]
struct Wanted {
    sub_id: SubId,
}

/// A person (RFC 9493 §3.2).
#[derive(Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
enum SubId {
    Email { email: String },
    IssSub { iss: String, sub: String },
    Opaque { id: String },
}

/// 204 when it is done, 404 for nobody, 422 where an address is several people's.
pub(crate) async fn revoke(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Revoke).await?;
    let wanted: Wanted = ask::json(&parts, body).await?;
    let user = match find(&caller, wanted.sub_id).await? {
        Found::One(user) => user,
        Found::Nobody => return Ok(empty(StatusCode::NOT_FOUND)),
        Found::Several => return Ok(empty(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let reason = "global token revocation";
    match caller.sso.auth().revoke_user(caller.tenant, user, caller.party.ikey(), reason).await {
        Ok(_) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(AuthError::NoUser) => Ok(empty(StatusCode::NOT_FOUND)),
        Err(error) => {
            tracing::error!(%error, "a person's sessions could not be ended");
            Err(Refusal::Ours)
        }
    }
}

enum Found {
    One(UserId),
    Nobody,
    Several,
}

async fn find(caller: &Caller, subject: SubId) -> Result<Found, Refusal> {
    match subject {
        SubId::Email { email } if email.len() <= LONGEST && !email.is_empty() => {
            // Who asks has often folded it, and mail arrives all the same. Two who differ by that alone are several: nobody knows who is meant.
            let found = caller.rows().users_by_email_in_any_case(&email, 2).await?;
            Ok(match found.as_slice() {
                [] => Found::Nobody,
                [one] => Found::One(one.id),
                _ => Found::Several,
            })
        }
        SubId::IssSub { iss, sub } if iss == caller.issuer => known(caller, &sub).await,
        SubId::Opaque { id } => known(caller, &id).await,
        _ => Ok(Found::Nobody),
    }
}

/// The person whom this client knows by this name. Pairwise names can't be turned back: such a client names people by address.
async fn known(caller: &Caller, sub: &str) -> Result<Found, Refusal> {
    if let Kind::Oidc(client) = &caller.party.settings.kind
        && !matches!(client.subject, Subject::Public)
    {
        return Ok(Found::Nobody);
    }
    let Ok(id) = sub.parse::<UserId>() else { return Ok(Found::Nobody) };
    Ok(if caller.rows().user(id).await?.is_some() { Found::One(id) } else { Found::Nobody })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_as_the_rfc_says() {
        let read = |text: &str| serde_json::from_str::<Wanted>(text).is_ok();
        assert!(read(r#"{"sub_id":{"format":"email","email":"ana@example.test"}}"#));
        assert!(read(r#"{"sub_id":{"format":"iss_sub","iss":"https://a","sub":"b"}}"#));
        assert!(read(r#"{"sub_id":{"format":"opaque","id":"b"}}"#));
        for wrong in [
            "{}",
            r#"{"sub_id":{}}"#,
            r#"{"sub_id":{"format":"email"}}"#,
            r#"{"sub_id":{"format":"phone_number","phone_number":"+1"}}"#,
            r#"{"sub_id":"ana"}"#,
        ] {
            assert!(!read(wrong), "{wrong}");
        }
    }
}
