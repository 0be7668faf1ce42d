//! What a call's program is asked and told while the call goes on.

use super::{
    KIND,
    create::Wanted,
    live::{Progress, Seen},
};
use crate::{
    Api, caller,
    wire::{Prefix, rfc2822, sid},
};
use messaging::{
    BoxFuture, CallEvent, CallFacts, CallHost, Changed, State,
    fetch::{Ask, Method},
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use types::{MessageId, SecretString, TenantId};
use voice::twiml::{self, Fetched, Request};

/// The waits before an event is posted once more.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

struct Host(Weak<Api>);

/// Stands behind the courier's calls from now on.
pub(crate) fn start(api: &Arc<Api>) {
    api.courier().serve_calls(Arc::new(Host(Arc::downgrade(api))));
    tokio::spawn(hear(Arc::downgrade(api), api.courier().changes()));
}

/// Calls that end before a trunk has said anything: refused, expired, taken back.
async fn hear(api: Weak<Api>, mut changes: tokio::sync::broadcast::Receiver<Changed>) {
    loop {
        let heard = changes.recv().await;
        let Some(api) = api.upgrade() else { return };
        let Changed { tenant, message, standing } = match heard {
            Ok(changed) => changed,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let ended = match standing.state {
            State::Failed => Progress::Failed,
            State::Canceled => Progress::Canceled,
            // Busy and no answer look the same in the log: the trunk's own word comes before this one.
            State::Undelivered => Progress::NoAnswer,
            State::Scheduled | State::Queued | State::Sent | State::Delivered => continue,
        };
        api.calls.moved(tenant, message, ended, api.world().now());
    }
}

impl CallHost for Host {
    fn fetch<'a>(&'a self, call: &'a CallFacts, request: Request) -> BoxFuture<'a, Result<Fetched, twiml::FetchError>> {
        Box::pin(async move {
            let api = self.0.upgrade().ok_or(twiml::FetchError::Failed)?;
            // Only what a program of this account has placed: nothing else has documents.
            let known = api.store().tenant(call.tenant).api_message(KIND, call.message).await;
            if !known.is_ok_and(|row| row.is_some()) {
                return Err(twiml::FetchError::Forbidden);
            }
            asked(&api, call, &request).await
        })
    }

    fn heard(&self, call: &CallFacts, event: CallEvent) {
        if let Some(api) = self.0.upgrade() {
            api.calls.heard(call.tenant, call.message, event, api.world().now());
        }
    }
}

async fn asked(api: &Api, call: &CallFacts, request: &Request) -> Result<Fetched, twiml::FetchError> {
    let token = caller::signing_token(api, call.tenant).await.map_err(|_| twiml::FetchError::Failed)?;
    let mut form = Vec::new();
    if request.is_document {
        form = parameters(call.tenant, call.message, call.to.expose(), &call.from, "in-progress");
        if let Some(digits) = &request.digits {
            form.push(("Digits".to_owned(), digits.expose().to_owned()));
        }
    }
    let method = match request.method {
        twiml::Method::Get => Method::Get,
        twiml::Method::Post => Method::Post,
    };
    let ask = Ask { method, url: request.url.as_str(), form: &form, token: token.as_ref() };
    let answer = api.fetcher.fetch_up_to(&ask, request.limit).await.map_err(|error| match error {
        messaging::fetch::FetchError::Address | messaging::fetch::FetchError::Forbidden => twiml::FetchError::Forbidden,
        messaging::fetch::FetchError::TooLong => twiml::FetchError::TooLong,
        _ => twiml::FetchError::Failed,
    })?;
    if !(200..300).contains(&answer.status) {
        return Err(twiml::FetchError::Failed);
    }
    Ok(Fetched { url: request.url.clone(), content_type: answer.content_type, body: answer.body.into() })
}

fn parameters(tenant: TenantId, id: MessageId, to: &str, from: &str, status: &str) -> Vec<(String, String)> {
    [
        ("CallSid", sid(Prefix::CALL, id.uuid())),
        ("AccountSid", sid(Prefix::ACCOUNT, tenant.uuid())),
        ("To", to.to_owned()),
        ("Called", to.to_owned()),
        ("From", from.to_owned()),
        ("Caller", from.to_owned()),
        ("CallStatus", status.to_owned()),
        ("Direction", "outbound-api".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Tells a program of its call, one event after the other, until the call's end.
pub(super) fn teller(api: &Arc<Api>, tenant: TenantId, id: MessageId, wanted: Wanted) -> mpsc::UnboundedSender<Seen> {
    let (teller, mut events) = mpsc::unbounded_channel::<Seen>();
    let api = Arc::downgrade(api);
    tokio::spawn(async move {
        let mut number = 0_u32;
        while let Some(seen) = events.recv().await {
            if wanted.events.iter().any(|event| event == seen.progress.event()) {
                tell(&api, tenant, id, &wanted, &seen, number).await;
                number += 1;
            }
        }
    });
    teller
}

async fn tell(api: &Weak<Api>, tenant: TenantId, id: MessageId, wanted: &Wanted, seen: &Seen, number: u32) {
    for wait in [None].into_iter().chain(WAITS.map(Some)) {
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        let Some(api) = api.upgrade() else { return };
        let Ok(token) = caller::signing_token(&api, tenant).await else { continue };
        if posted(&api, tenant, id, wanted, seen, number, token.as_ref()).await {
            return;
        }
    }
}

/// Whether it was taken: an answer that says no is one, a failing server isn't.
async fn posted(
    api: &Api,
    tenant: TenantId,
    id: MessageId,
    wanted: &Wanted,
    seen: &Seen,
    number: u32,
    token: Option<&SecretString>,
) -> bool {
    let mut form = parameters(tenant, id, seen.to.expose(), &seen.from, seen.progress.as_str());
    form.push(("CallbackSource".to_owned(), "call-progress-events".to_owned()));
    form.push(("SequenceNumber".to_owned(), number.to_string()));
    form.push(("Timestamp".to_owned(), rfc2822(api.world().now())));
    if let Some(seconds) = seen.seconds() {
        form.push(("CallDuration".to_owned(), seconds.to_string()));
        // In minutes, as it would be billed.
        form.push(("Duration".to_owned(), seconds.div_ceil(60).to_string()));
    }
    let ask = Ask { method: wanted.method, url: &wanted.url, form: &form, token };
    let taken = api.fetcher.fetch(&ask).await.is_ok_and(|answer| answer.status < 500);
    metrics::counter!("countersign_status_callbacks_total", "outcome" => if taken { "taken" } else { "failed" })
        .increment(1);
    taken
}
