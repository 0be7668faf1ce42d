//! What is set for an application behind a reverse proxy that asks here for each request.

use crate::claims::{ClaimRule, ClaimsMap, Field, GroupFilter, Source};
use auth::sign_in::Level;
use serde::{Deserialize, Serialize};

/// An application behind a proxy. The relying party's key is its host, lower-case, with the port where it isn't the scheme's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ForwardHost {
    /// `https://host[:port]`: where people reach it.
    pub origin: String,
    /// Paths that anybody may see, whole or, with `*` at the end, all that begin so.
    pub public_paths: Vec<String>,
    /// What the proxy tells the application: names of headers.
    pub headers: ClaimsMap,
    /// Networks that the proxy asks from, and nobody else is believed; empty: this very machine.
    pub proxies: Vec<String>,
    /// How long the application's cookie counts, in seconds. Whoever opens a page is given another by then, unseen; a program in the page
    /// that asks in the background must open one when it is told that it isn't signed in.
    pub session_seconds: u32,
    /// How strongly people must have proved who they are.
    pub level: Level,
}

impl Default for ForwardHost {
    fn default() -> Self {
        let rule = |name: &str, value| ClaimRule { name: name.to_owned(), value, ..ClaimRule::default() };
        Self {
            origin: String::new(),
            public_paths: Vec::new(),
            headers: ClaimsMap(vec![
                rule("Remote-User", Source::Field(Field::Username)),
                rule("Remote-Email", Source::Field(Field::Email)),
                rule("Remote-Name", Source::Field(Field::Realname)),
                rule("Remote-Groups", Source::Groups(GroupFilter::default())),
            ]),
            proxies: Vec::new(),
            session_seconds: 900,
            level: Level::Multi,
        }
    }
}
