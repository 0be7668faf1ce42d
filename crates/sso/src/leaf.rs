//! Pages that a door shows itself: what is on them. How they look and what they say in whose language is the matter of the pages' crate,
//! which draws whatever answer has one of these in it; a door writes no markup and holds no text for people.
//!
//! To add one: a variant here, and its template and texts where the others are drawn.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use std::time::Duration;

/// What is on a page. Every text in it may be anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// A request that gets no answer which goes to an application.
    Refused {
        /// The word of the reason, for whoever set the application up.
        word: &'static str,
        /// The same in an English sentence; may be empty.
        detail: &'static str,
        /// Whether it is our fault.
        ours: bool,
        /// Where it is only too early: for how long.
        wait: Option<Duration>,
    },
    /// Whether to sign out, asked of whoever came by a link that may be anybody's.
    SignOut {
        /// The application that asks, if it says which.
        app: Option<String>,
        /// Where the form goes: a path on this host.
        action: String,
        /// What it sends back: names and values.
        fields: Vec<(&'static str, String)>,
        /// The origin that the form's answer may lead on to.
        leads_to: Option<String>,
    },
    /// Somebody is signed out; the browser tells applications on the way.
    SignedOut {
        /// Addresses to load in frames, each of a web origin ([`crate::headers::origin_of`]).
        frames: Vec<String>,
        /// Applications that may not have heard of it, by name.
        missed: Vec<String>,
        /// Where to go on to: a path on this host, or an address that was verified.
        next: Option<String>,
        /// Whether the browser goes on by itself.
        goes_on: bool,
    },
    /// On the way to telling applications; goes on by itself.
    SigningOut {
        /// A path on this host.
        next: String,
    },
    /// Whether to open an application, asked of whoever another site sent.
    Open {
        /// The application's name.
        app: String,
        /// A path on this host.
        next: String,
    },
    /// Asks for the code that a device shows.
    DeviceCode {
        /// Where the form goes: a path on this host.
        action: &'static str,
        /// What stands in the field.
        typed: String,
        /// Whether a wrong one was typed.
        wrong: bool,
    },
    /// Whether a device may act for the person.
    Device(Box<DeviceQuestion>),
    /// What became of a device.
    DeviceEnd(DeviceEnd),
    /// Carries fields to an application by a form that sends itself.
    Carry {
        /// A registered address.
        action: String,
        /// Names and values.
        fields: Vec<(&'static str, String)>,
    },
}

/// What is asked about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceQuestion {
    /// Where the form goes: a path on this host.
    pub action: String,
    /// What the form sends back.
    pub token: String,
    /// Who is signed in.
    pub username: String,
    /// The application that the device belongs to.
    pub app: String,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// Minutes since it asked.
    pub minutes: u64,
    /// The address that it asked from.
    pub from: Option<String>,
    /// What it calls itself; may be empty.
    pub agent: String,
    /// The code that it shows.
    pub code: String,
}

/// What became of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEnd {
    /// It may act for the person.
    Connected,
    /// The person refused.
    Refused,
    /// The code is over.
    Over,
    /// The question is over, or another browser's.
    Gone,
    /// Nobody signed in.
    NotSignedIn,
}

impl Leaf {
    /// An answer that shows it, with this status.
    #[must_use]
    pub fn with(self, status: StatusCode) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Leaf {
    fn into_response(self) -> Response {
        self.with(StatusCode::OK)
    }
}
