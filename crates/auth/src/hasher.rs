//! Passwords are hashed beside the runtime, a few at a time: each takes a quarter of a second of a core and much memory.

use crate::AuthError;
use keys::{Passwords, password::Verdict};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Semaphore;
use types::{SecretString, World};

/// How long one hash should take on this machine.
const TARGET: Duration = Duration::from_millis(250);
/// And the most memory, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// How many at once. More wait.
const AT_ONCE: usize = 2;
/// How many may wait: more are turned away, because each costs what it does.
const WAITING: usize = 64;

/// Hashes and compares.
pub(crate) struct Hasher {
    inner: Arc<Inner>,
    turns: Semaphore,
    room: Semaphore,
}

struct Inner {
    world: World,
    /// Measured when it is first needed.
    passwords: OnceLock<Passwords>,
}

impl Inner {
    fn passwords(&self) -> Result<&Passwords, AuthError> {
        if let Some(passwords) = self.passwords.get() {
            return Ok(passwords);
        }
        let measured = Passwords::calibrate(TARGET, MEMORY_KIB, &self.world).map_err(unusable)?;
        let (memory, passes) = measured.cost();
        tracing::info!(memory_kib = memory, passes, "the cost of a password's hash was measured");
        Ok(self.passwords.get_or_init(|| measured))
    }
}

impl Hasher {
    pub(crate) fn new(world: &World) -> Self {
        let inner = Inner { world: world.clone(), passwords: OnceLock::new() };
        Self { inner: Arc::new(inner), turns: Semaphore::new(AT_ONCE), room: Semaphore::new(AT_ONCE + WAITING) }
    }

    /// The hash to store, as text.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<SecretString, AuthError> {
        let password = password.clone();
        self.run(move |inner| inner.passwords()?.hash(&password, inner.world.random.as_ref()).map_err(unusable)).await
    }

    /// Compares, and gives a new hash where the stored one is cheaper to guess than one that is made today. `None` takes as long.
    pub(crate) async fn check(
        &self,
        password: &SecretString,
        stored: Option<SecretString>,
    ) -> Result<(Verdict, Option<SecretString>), AuthError> {
        // What is too long is nobody's, and isn't worked on.
        if password.expose().len() > keys::password::MAX_PASSWORD {
            return Ok((Verdict::Wrong, None));
        }
        let password = password.clone();
        self.run(move |inner| {
            let passwords = inner.passwords()?;
            let verdict = passwords.verify(&password, stored.as_ref()).map_err(unusable)?;
            let renewed = match verdict {
                Verdict::RightButOld => Some(passwords.hash(&password, inner.world.random.as_ref()).map_err(unusable)?),
                _ => None,
            };
            Ok((verdict, renewed))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        const BUSY: AuthError = AuthError::Limited { retry_after: Duration::from_secs(5) };
        let _room = self.room.try_acquire().map_err(|_| BUSY)?;
        let _turn = self.turns.acquire().await.map_err(|_| BUSY)?;
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(|_| AuthError::Damaged("password"))?
    }
}

fn unusable(error: keys::KeyError) -> AuthError {
    AuthError::Store(store::StoreError::from(error))
}
