//! `/account/messages`: the organisation's message log, for its readers. The rows come sealed, and are opened in the browser with a private
//! key that stays there.

use super::owner::{Away, Owner};
use crate::frame::{
    headers::Policy,
    page::Page,
    trouble::Trouble,
    visit::{Visit, json},
};
use askama::Template;
use auth::{
    AuthError,
    account::{Action, Needs, Permit, Reading},
};
use axum::{body::Body, response::Response};
use data_encoding::{BASE64, HEXLOWER};
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;
use types::{Millis, UserId};

#[derive(Template)]
#[template(path = "account/messages.html")]
struct Messages {
    p: Page,
    token: String,
    step_up: &'static str,
    /// The tenant's id, hexadecimal, as the sealing binds it.
    tenant: String,
    has_key: bool,
    from: String,
    to: String,
}

/// What the page's script asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    /// Unix milliseconds.
    from: i64,
    to: i64,
    #[serde(default)]
    user: String,
    after: Option<&'a str>,
    /// What the challenge held.
    #[serde(default)]
    proof: String,
    /// Instead of rows: a challenge.
    #[serde(default)]
    prove: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Users' ids as they were sealed, hexadecimal.
    ids: Vec<String>,
}

/// Nobody else is told that there is such a page.
async fn reader(visit: Visit) -> Result<Owner, Away> {
    let owner = Owner::of_account(visit).await?;
    let able = owner.session.needs(Action::ReadMessages) != Needs::AnotherSignIn;
    if able && owner.visit.web.auth.reads_messages(&owner.session).await? {
        Ok(owner)
    } else {
        Err(Away::To("/account".to_owned()))
    }
}

/// `GET /account/messages`.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = reader(visit).await?;
    let ready = owner.permit(Action::ReadMessages).await?.is_some();
    let auth = &owner.visit.web.auth;
    let today = auth.world().now();
    let page = owner.visit.page("messages-title").script("forms.js").script("messages.js").widened();
    let template = Messages {
        p: page,
        token: owner.token(),
        step_up: if ready { "" } else { Action::ReadMessages.as_str() },
        tenant: HEXLOWER.encode(owner.session.tenant().as_bytes()),
        has_key: auth.log_key(owner.session.tenant()).await?.is_some(),
        from: date(Millis(today.0 - 86_400_000)),
        to: date(today),
    };
    Ok(owner.visit.show(StatusCode::OK, &template, Policy::default()))
}

fn date(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// `POST /account/messages/rows`: a page of rows, sealed, with the segments that they were written in.
pub(super) async fn rows(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = reader(visit).await?;
    let posted = owner.posted(request).await?;
    let permit = owner.permit(Action::ReadMessages).await?.ok_or(Trouble::Refused)?;
    let asked: Asked<'_> = serde_json::from_slice(&posted.body).map_err(|_| Trouble::Malformed)?;
    if asked.prove {
        return prove(&owner, &permit).await;
    }
    let browser = owner.visit.browser();
    let reading = Reading {
        proof: &asked.proof,
        address: browser.client.ip,
        browser: &browser.user_agent,
        from: Millis(asked.from),
        to: Millis(asked.to),
        user: Some(asked.user.as_str()).filter(|user| !user.is_empty()),
        after: asked.after.map(str::parse).transpose().map_err(|_| Trouble::Malformed)?,
    };
    let page = match owner.visit.web.auth.read_messages(&owner.session, &permit, &reading).await {
        Ok(page) => page,
        Err(AuthError::Refused("no such user")) => {
            let error = owner.visit.words.say("messages-no-user");
            return Ok(json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "error": error })));
        }
        Err(error) => return Err(error.into()),
    };
    let rows = page.rows.iter().map(|row| {
        json!({
            "id": HEXLOWER.encode(row.id.as_bytes()),
            "day": row.day,
            "channel": row.channel,
            "supplier": row.supplier,
            "purpose": row.purpose,
            "state": row.state,
            "error": row.error_class,
            "sealed": row.sealed.as_ref().map(|sealed| BASE64.encode(sealed)),
        })
    });
    let segments = page.segments.iter().map(|segment| {
        let header = segment.header.as_ref().map(|header| BASE64.encode(header));
        json!({ "id": HEXLOWER.encode(segment.id.as_bytes()), "day": segment.day, "header": header })
    });
    let next = page.next.and_then(|next| next.after).map(|after| after.hyphenated().to_string());
    let answer = json!({
        "rows": rows.collect::<Vec<_>>(),
        "segments": segments.collect::<Vec<_>>(),
        "next": next,
        "user": page.user.map(|user| HEXLOWER.encode(user.as_bytes())),
    });
    Ok(json(StatusCode::OK, &answer))
}

/// A row to open, in the form of the others: what is sealed in it shows that the reader has the key.
async fn prove(owner: &Owner, permit: &Permit) -> Result<Response, Away> {
    let challenge = owner.visit.web.auth.reader_challenge(&owner.session, permit).await?;
    let challenge = challenge.map(|challenge| {
        let segment = challenge.segment;
        json!({
            "segment": {
                "id": HEXLOWER.encode(segment.id.as_bytes()), "day": segment.day,
                "header": segment.header.as_ref().map(|header| BASE64.encode(header)),
            },
            "id": HEXLOWER.encode(challenge.id.as_bytes()),
            "sealed": BASE64.encode(&challenge.sealed),
        })
    });
    Ok(json(StatusCode::OK, &json!({ "challenge": challenge })))
}

/// `POST /account/messages/names`: the names of users whose ids were found in opened rows.
pub(super) async fn names(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = reader(visit).await?;
    let posted = owner.posted(request).await?;
    let permit = owner.permit(Action::ReadMessages).await?.ok_or(Trouble::Refused)?;
    let named: Named = serde_json::from_slice(&posted.body).map_err(|_| Trouble::Malformed)?;
    let id = |text: &String| Some(UserId::from_bytes(HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()?));
    let ids: Option<Vec<UserId>> = named.ids.iter().map(id).collect();
    let ids = ids.ok_or(Trouble::Malformed)?;
    let names = owner.visit.web.auth.names_for_reader(&owner.session, &permit, &ids).await?;
    let names: serde_json::Map<_, _> =
        names.into_iter().map(|(id, name)| (HEXLOWER.encode(id.as_bytes()), name.into())).collect();
    Ok(json(StatusCode::OK, &json!({ "names": names })))
}
