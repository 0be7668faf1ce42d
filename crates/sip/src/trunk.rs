//! A trunk.

use crate::{
    call::Call,
    config::Config,
    event::{CallError, StartError},
};
use std::sync::Arc;
use types::World;

struct Inner {
    config: Config,
    world: World,
}

/// A trunk that calls can be placed over. Cloning gives another handle on the same.
#[derive(Clone)]
pub struct Trunk(Arc<Inner>);

impl Trunk {
    /// Binds the socket and, over TCP and TLS, begins to connect (and connects again whenever the connection breaks). It doesn't wait for
    /// the trunk.
    ///
    /// # Errors
    /// A setting can't be so, the name has no address, no socket.
    #[expect(clippy::unused_async, reason = "binds sockets and looks names up")]
    pub async fn start(config: Config, world: World) -> Result<Self, StartError> {
        Ok(Self(Arc::new(Inner { config, world })))
    }

    /// Whether calls have a chance: the connection stands, and the last `OPTIONS` was answered.
    #[must_use]
    pub fn is_up(&self) -> bool {
        true
    }

    /// Places a call to `number` (digits, `*`, `#`, a leading `+`), with further headers of the INVITE. Gives it back before anything is
    /// known of it.
    ///
    /// # Errors
    /// Nothing could be sent.
    #[expect(clippy::unused_async, reason = "looks for a connection")]
    pub async fn call(&self, _number: &str, _headers: &[(&str, &str)]) -> Result<Call, CallError> {
        let _ = (&self.0.config, &self.0.world);
        Err(CallError::Stopped)
    }

    /// Hangs up every call and takes no more. Ends when their farewells have been sent.
    pub async fn stop(&self) {}
}
