//! The rules: one engine behind every door.
//!
//! A door translates its protocol into the same few calls and the answers back:
//! [`Auth::preauth`] (may this person go on, and with what), [`Auth::begin`] (try a factor), [`Auth::answer`] (the authenticator
//! says yes, no or "not me"), [`Auth::wait`] (how far is it). A rule (state, lock-out, policy, replay, fatigue) stands here once,
//! so no door can forget it.
//!
//! In a browser the same engine stands behind [`sign_in`], and what people change of their own account behind [`account`]; [`binding`]
//! ties a session to its browser.
//!
//! It never speaks a protocol, never holds a code longer than a call, and never answers an internal error with a way in.
//!
//! To add a factor: a [`Factor`] and its arm in `begin.rs`; if it waits for somebody, an attempt with a status of its own, which
//! `wait.rs` shows and `ending.rs` ends; if it spends something, a [`store::login::Proof`] whose conditional update says who won.

pub mod account;
mod admit;
pub mod application;
pub mod attempt;
mod begin;
pub mod binding;
mod call;
mod device;
mod device_account;
mod ending;
mod enroll;
mod error;
mod fido;
mod guard;
mod hasher;
mod housekeeping;
mod locations;
mod log;
pub mod otp;
mod passcode;
pub mod policy;
mod preauth;
pub mod providers;
mod push;
mod renewal;
mod resync;
mod retention;
pub mod settings;
pub mod sign_in;
mod sms;
mod trust;
pub mod user_directory;
mod wait;
mod wake;

pub use application::{Application, Applications};
pub use attempt::{
    Admission, Begin, Begun, Capability, Client, Decision, Device, DeviceId, Factor, Offer, Outcome, Preauth, Progress,
    Subject, Verdict,
};
pub use device::{Activated, Answer, DeviceProof, Request, VerifiedDevice, WRONG_CLOCK, approval_uri};
pub use device_account::{DeviceAccount, LAST_ONE, Moving};
pub use enroll::{EnrollStatus, Enrollment};
pub use error::AuthError;
pub use fido::{METADATA, ROLLED_BACK, Round, WalkedTo};
pub use locations::{Location, Locations};
pub use preauth::Hints;
pub use settings::Settings;
pub use wake::AccountNotice;

use messaging::Courier;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use store::{Store, login::Login};
use tokio::sync::watch;
use types::{AttemptId, SecretString, TenantId, World};
use webauthn::Metadata;

/// How long a prompt, a call or an asynchronous answer waits for the person.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(60);
/// How long a code that preauth shows may be used to begin a push.
pub const OFFER_LIFE: Duration = Duration::from_secs(180);

/// The engine.
pub struct Auth {
    store: Arc<Store>,
    login: Login,
    courier: Arc<Courier>,
    applications: Applications,
    world: World,
    /// What each attempt's client has been told, so that a state is told once.
    told: quick_cache::sync::Cache<AttemptId, wait::Told>,
    waker: wake::Waker,
    errands: account::Errands,
    hasher: hasher::Hasher,
    user_directories: quick_cache::sync::Cache<TenantId, Arc<user_directory::KeptDirectory>>,
    providers: quick_cache::sync::Cache<(TenantId, String), Arc<providers::KeptProvider>>,
    fetch: Arc<dyn upstream::Fetch>,
    stopping: watch::Sender<bool>,
    public_port: u16,
    beacons: Option<Duration>,
    locations: Option<Arc<dyn Locations>>,
    /// What FIDO's metadata service says of authenticators; replaced while the server runs.
    metadata: RwLock<Option<Arc<Metadata>>>,
}

/// What the engine is started with.
#[derive(Clone)]
pub struct Options {
    /// The port by which browsers reach this server: stands in every link unless it is 443.
    pub public_port: u16,
    /// What FIDO's metadata service says of authenticators.
    pub metadata: Option<Arc<Metadata>>,
    /// How long a code waits for the beacon of the page that it was typed in, where the pages have beacons. None: they have none, and
    /// that none comes means nothing.
    pub beacons: Option<Duration>,
    /// Says where addresses are, for people to read.
    pub locations: Option<Arc<dyn Locations>>,
    /// The way to the providers that people come from. None: nobody comes from any.
    pub fetch: Option<Arc<dyn upstream::Fetch>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { public_port: 443, metadata: None, beacons: None, locations: None, fetch: None }
    }
}

impl Auth {
    /// Starts the engine on port 443 and without metadata; needs a Tokio runtime. Its housekeeping ends when the engine is dropped.
    #[must_use]
    pub fn start(store: Arc<Store>, courier: Arc<Courier>) -> Arc<Self> {
        Self::start_with(store, courier, Options::default())
    }

    /// Starts the engine, as [`start`](Self::start).
    #[must_use]
    pub fn start_with(store: Arc<Store>, courier: Arc<Courier>, options: Options) -> Arc<Self> {
        let auth = Arc::new(Self {
            login: Login::start(&store.shared_engine()),
            applications: Applications::new(Arc::clone(&store)),
            world: store.world().clone(),
            told: quick_cache::sync::Cache::new(50_000),
            waker: wake::Waker::new(&store, &courier),
            errands: account::Errands::new(),
            hasher: hasher::Hasher::new(store.world()),
            user_directories: quick_cache::sync::Cache::new(user_directory::KEPT),
            providers: quick_cache::sync::Cache::new(providers::KEPT),
            fetch: options.fetch.unwrap_or_else(|| Arc::new(providers::Nowhere)),
            stopping: watch::Sender::new(false),
            public_port: options.public_port,
            beacons: options.beacons,
            locations: options.locations,
            metadata: RwLock::new(options.metadata),
            courier,
            store,
        });
        housekeeping::start(&auth);
        auth
    }

    /// The applications of the store.
    #[must_use]
    pub const fn applications(&self) -> &Applications {
        &self.applications
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Time and chance.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The way out for messages.
    #[must_use]
    pub const fn courier(&self) -> &Arc<Courier> {
        &self.courier
    }

    /// The address of a host's pages, without a slash at its end. What leads to a page from outside begins with it, and never with
    /// what a request calls the host.
    #[must_use]
    pub fn site(&self, api_host: &str) -> String {
        // An installation may have written the port into the name.
        match self.public_port {
            port if port != 443 && !api_host.contains(':') => format!("https://{api_host}:{port}"),
            _ => format!("https://{api_host}"),
        }
    }

    /// Where a person enrols with `code`.
    #[must_use]
    pub fn activation_url(&self, api_host: &str, tenant: TenantId, code: &SecretString) -> String {
        format!("{}/activate/{tenant}/{}", self.site(api_host), code.expose())
    }

    /// What is known of authenticators.
    #[must_use]
    pub fn metadata(&self) -> Option<Arc<Metadata>> {
        self.metadata.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts newer metadata in place.
    pub fn set_metadata(&self, metadata: Option<Arc<Metadata>>) {
        *self.metadata.write().unwrap_or_else(PoisonError::into_inner) = metadata;
    }

    /// Whether [`stop`](Self::stop) was called: whoever asks again and again ends by it.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Answers every waiter at once with what is known, and every later one too: the process is about to end.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }
}
