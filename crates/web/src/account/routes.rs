//! `/account/routes`: the carriers and routes of messages, how they do, and what became of the organisation's own messages. For the readers of
//! its message log; it shows no number, no time of a message and nobody's name, so it asks for no step-up.

use super::owner::{Away, Owner};
use crate::frame::{headers::Policy, page::Page, visit::Visit};
use askama::Template;
use auth::account::{Action, Needs};
use axum::response::Response;
use http::StatusCode;
use messaging::{
    CarrierState, ChannelKind, RouteHealth, State,
    routing::{Route, Tally},
};
use std::time::Duration;
use store::OutcomeCount;

struct CarrierLine {
    name: String,
    kinds: Vec<&'static str>,
    state: &'static str,
}

struct RouteLine {
    kind: &'static str,
    prefixes: String,
    carriers: String,
    then: Option<&'static str>,
}

struct HealthLine {
    carrier: String,
    prefix: String,
    delivered: String,
    verified: String,
    median: String,
    slow: String,
}

struct OutcomeLine {
    supplier: String,
    kind: Option<&'static str>,
    state: &'static str,
    why: String,
    count: i64,
}

#[derive(Template)]
#[template(path = "account/routes.html")]
struct Routes {
    p: Page,
    carriers: Vec<CarrierLine>,
    routes: Vec<RouteLine>,
    health: Vec<HealthLine>,
    outcomes: Vec<OutcomeLine>,
}

/// `GET /account/routes`.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let auth = &owner.visit.web.auth;
    let able = owner.session.needs(Action::ReadMessages) != Needs::AnotherSignIn;
    if !able || !auth.reads_messages(&owner.session).await? {
        return Err(Away::To("/account".to_owned()));
    }
    let outcomes = auth.message_outcomes(&owner.session).await?;
    let (states, table) = (auth.courier().carrier_states(), auth.courier().routes());
    let page = owner.visit.page("routes-title").widened();
    let health = states.iter().flat_map(|state| state.health.iter().map(|health| health_line(&page, state, health)));
    let template = Routes {
        health: health.collect(),
        carriers: states.iter().map(carrier_line).collect(),
        routes: table.routes.iter().map(route_line).collect(),
        outcomes: outcomes.into_iter().map(outcome_line).collect(),
        p: page,
    };
    Ok(owner.visit.show(StatusCode::OK, &template, Policy::default()))
}

fn carrier_line(state: &CarrierState) -> CarrierLine {
    CarrierLine {
        name: state.name.clone(),
        kinds: state.kinds.iter().copied().map(kind_key).collect(),
        // Why a carrier was cut off is for those who look after the server: their words may name others.
        state: match (state.cut.is_some(), state.ready) {
            (true, _) => "routes-cut",
            (false, true) => "routes-ready",
            (false, false) => "routes-down",
        },
    }
}

fn route_line(route: &Route) -> RouteLine {
    RouteLine {
        kind: kind_key(route.kind),
        prefixes: route.prefixes.join(", "),
        carriers: route.carriers.join(", "),
        then: route.then.map(kind_key),
    }
}

fn health_line(page: &Page, state: &CarrierState, health: &RouteHealth) -> HealthLine {
    let share = |tally: Tally| match tally.percent() {
        Some(percent) => {
            page.words().filled("routes-share", &[("percent", &percent.to_string()), ("all", &tally.all.to_string())])
        }
        None => "–".to_owned(),
    };
    let seconds = |took: Option<Duration>| match took {
        Some(took) => page.with("routes-seconds", "seconds", &format!("{:.1}", took.as_secs_f64())),
        None => "–".to_owned(),
    };
    HealthLine {
        carrier: state.name.clone(),
        prefix: health.prefix.clone(),
        delivered: share(health.delivered),
        verified: share(health.verified),
        median: seconds(health.latency.map(|it| it.median)),
        slow: seconds(health.latency.map(|it| it.slow)),
    }
}

fn outcome_line(outcome: OutcomeCount) -> OutcomeLine {
    OutcomeLine {
        kind: ChannelKind::of(&outcome.channel).map(kind_key),
        state: state_key(State::of(&outcome.state)),
        supplier: outcome.supplier,
        why: outcome.error_class,
        count: outcome.count,
    }
}

/// A kind, as the key of its text.
const fn kind_key(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Sms => "routes-sms",
        ChannelKind::Voice => "routes-voice",
        ChannelKind::Email => "routes-email",
        ChannelKind::WhatsApp => "routes-whatsapp",
        ChannelKind::Telegram => "routes-telegram",
    }
}

/// How a message stands, as the key of its text.
const fn state_key(state: State) -> &'static str {
    match state {
        State::Scheduled => "routes-scheduled",
        State::Queued => "routes-queued",
        State::Sent => "routes-sent",
        State::Delivered => "routes-arrived",
        State::Undelivered => "routes-undelivered",
        State::Failed => "routes-failed",
        State::Canceled => "routes-canceled",
    }
}
