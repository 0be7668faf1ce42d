//! `POST /rest/v1/preauth`.

use crate::{
    auth_v2::client,
    door::{Call, refusal},
    prompt::prompt,
    wire::{ApiError, Envelope},
};
use ::auth::{Hints, Subject, Verdict};
use serde_json::{Value, json};

/// Parameters: `user`, `ipaddr`, `hostname`, `failmode`. The prompt that is sent is shown, so a push's code can stand in it.
pub(super) async fn preauth(call: Call) -> Result<Envelope, ApiError> {
    let user = call.params.required("user")?;
    let client = client(&call.params)?;
    let hints = Hints { trusted_token: None, shows_code: true };
    let subject = Subject::Name(user.to_owned());
    let preauth = call.auth().preauth(&call.app, &subject, &client, &hints).await.map_err(refusal)?;
    let message = preauth.decision.message.as_str();
    let response: Value = match preauth.decision.verdict {
        Verdict::Allow => json!({ "result": "allow", "status": message }),
        Verdict::Deny => json!({ "result": "deny", "status": message }),
        Verdict::Enroll => {
            let url = preauth.enroll_url.as_deref().unwrap_or_default();
            json!({ "result": "enroll", "status": format!("Please enroll at {url}") })
        }
        Verdict::Challenge => {
            let prompt = prompt(user, &preauth);
            json!({ "result": "auth", "prompt": prompt.text, "factors": prompt.factors })
        }
    };
    Ok(Envelope::ok(response))
}
