//! `GET /sign-in/{id}/events`: what becomes of a prompt or a call, as it happens (server-sent events), or once (`?once`) for a browser
//! whose stream doesn't come through.
//!
//! A stream ends with the attempt, when the same browser opens another, when the server stops, and after a time that is shorter than
//! what proxies and the server's own sweep cut; the browser comes again by itself.

use super::{end, followers::Place, held::Held, said};
use crate::frame::{
    trouble::Trouble,
    visit::{Visit, json},
};
use auth::sign_in::Step;
use axum::{body::Body, extract::Path, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};
use tokio::time::Instant;

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(15);
/// The longest stream.
const LONGEST: Duration = Duration::from_secs(50);

pub(super) async fn follow(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    let held = Held::find(visit, &id).await?;
    if held.visit.asked("once").is_some() {
        let step = held.visit.web.auth.follow(&held.sign_in, Duration::ZERO).await?;
        return Ok(json(StatusCode::OK, &told(&held, &step).await?));
    }
    let Some(place) = held.visit.web.followers.enter(held.sign_in.id()) else {
        return Err(Trouble::Limited(BEAT));
    };
    let begun = Stream { held, place, until: Instant::now() + LONGEST, state: State::Begun };
    let mut response = Response::new(Body::from_stream(stream::unfold(begun, Stream::next)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Proxies that gather answers before they pass them on are asked not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

#[derive(PartialEq)]
enum State {
    Begun,
    Under,
    Over,
}

struct Stream {
    held: Held,
    place: Place,
    until: Instant,
    state: State,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let text = match self.state {
            State::Begun => {
                self.state = State::Under;
                // How long a browser waits until it comes again, in milliseconds.
                "retry: 1000\n\n".to_owned()
            }
            State::Under => self.news().await?,
            State::Over => return None,
        };
        Some((Ok(Bytes::from(text)), self))
    }

    /// The next event; none when the stream is over.
    async fn news(&mut self) -> Option<String> {
        let web = &self.held.visit.web;
        if web.auth.is_stopping() || Instant::now() >= self.until {
            return None;
        }
        let step = tokio::select! {
            biased;
            () = self.place.replaced() => return None,
            step = web.auth.follow(&self.held.sign_in, BEAT) => step,
        };
        match step {
            Ok(Step::Waiting { .. }) => Some(": waiting\n\n".to_owned()),
            Ok(step) => {
                self.state = State::Over;
                let told = told(&self.held, &step).await.ok()?;
                Some(format!("data: {told}\n\n"))
            }
            // The browser comes again, and is told then.
            Err(_) => None,
        }
    }
}

/// A step as the page's script wants it.
async fn told(held: &Held, step: &Step) -> Result<Value, Trouble> {
    let words = &held.visit.words;
    Ok(match step {
        Step::Waiting { .. } | Step::Sent { .. } | Step::Proved => json!({ "state": "waiting" }),
        Step::Allowed => {
            json!({ "state": "allowed", "text": words.say("allowed-going-on"), "next": end::after(held).await? })
        }
        Step::Refused(outcome) => json!({ "state": "refused", "text": said::refusal(words, outcome) }),
    })
}
