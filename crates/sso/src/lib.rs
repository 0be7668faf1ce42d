//! Single sign-on: what every door that signs people in to applications shares.

use auth::Auth;
use std::sync::Arc;

/// The floor itself.
pub struct Sso {
    auth: Arc<Auth>,
}

/// What it needs to know of the server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port in public addresses.
    pub public_port: u16,
    /// Whether browsers come by https.
    pub secure_origin: bool,
}

impl Sso {
    /// Starts it over the engine.
    #[must_use]
    pub fn start(auth: Arc<Auth>, _options: Options) -> Arc<Self> {
        Arc::new(Self { auth })
    }

    /// The engine.
    #[must_use]
    pub const fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }
}
