//! The memory floor: tenants' rows, on two engines, by one set of SQL statements.
//!
//! - [`Store::tenant`] is the only way to a tenant's rows. Every statement names the tenant first, so another tenant's object
//!   is simply not found.
//! - A [`Transaction`](engine::Transaction) is an object: open it, use it in order, commit it; dropping it rolls back.
//!   One that is known as a whole before it begins is a [`Plan`]: an engine in this process is then asked once.
//! - Single use is a constraint: a conditional `UPDATE … RETURNING` or a unique key says who won.
//! - The login path works on batches ([`login`]), because group commit decides the speed of both engines.
//!
//! It never decides anything: rules stand in `auth`. It never sees a seed or a code in clear, and a number only where [`numbers`] opens it.
//!
//! To add a statement: a `static` [`Statement`](engine::Statement) beside the repository that uses it, and its name in that
//! file's `ALL`; the statement test then prepares it on every engine, and the plan test refuses it if it scans.

mod addition_requests;
mod admin_log;
mod alarms;
mod api_messages;
mod api_objects;
pub mod attempts;
mod auth_log;
mod batch;
mod browsers;
mod bypass_codes;
mod carrier_cuts;
mod changes;
pub mod codes;
mod directories;
pub mod engine;
mod fido;
pub mod fields;
mod grant_requests;
mod grants;
mod groups;
mod holdings;
mod integrations;
pub mod limits;
mod log_segments;
pub mod login;
mod logout_deliveries;
mod message_log;
mod message_queue;
mod migrate;
pub mod numbers;
mod opt_outs;
mod page;
mod passkeys;
mod passwords;
mod phones;
mod plan;
mod policies;
mod postgres;
pub mod prompting;
mod providers;
mod push_subscriptions;
mod recovery;
mod registration_leaves;
mod relying_parties;
mod restored;
mod row_cache;
mod scope;
pub mod sealed;
mod secrets;
mod session_ends;
mod session_keys;
mod sessions;
mod sign_ins;
mod signals;
mod signing_keys;
mod sqlite;
mod sso_requests;
mod supplier_deletions;
mod tenants;
mod tokens;
mod user_changes;
mod users;
mod verifications;
mod verify_factors;
mod watched;

pub use addition_requests::{AdditionRequest, OPEN_FOR};
pub use admin_log::AdminLogRow;
pub use alarms::{Alarm, GUARD};
pub use api_messages::ApiMessageRow;
pub use api_objects::ApiObjectRow;
pub use auth_log::{AuthLogRow, ResultCount};
pub use carrier_cuts::{CUT_NOTICE, CarrierCut};
pub use changes::{Addition, ChangeRow, NewChange, UNDO_LIFE, UNDO_PREFIX};
pub use directories::DirectoryRow;
pub use engine::{Engine, StoreError};
pub use fido::MetadataSerial;
pub use grant_requests::{DeviceGrantRow, PushedRequestRow};
pub use grants::{Ended, EndedOfUser, GrantFamilyRow, GrantTokenRow, StandingGrant};
pub use groups::{GroupChange, GroupRow};
pub use integrations::{IntegrationChange, IntegrationRow};
pub use log_segments::LogSegment;
pub use logout_deliveries::LogoutDeliveryRow;
pub use message_log::{BillingCount, MessageRow, OutcomeCount};
pub use message_queue::{QueuedRow, ten_minutes};
pub use opt_outs::OptOut;
pub use page::{Page, Slice, Span};
pub use passkeys::{PasskeyModel, PasskeyRow};
pub use passwords::PasswordRow;
pub use phones::{PhoneChange, PhoneRow, SealedNumber};
pub use plan::{Changes, Outcome, Plan, Planned};
pub use policies::{GroupPolicyRow, PolicyChange, PolicyRow};
pub use providers::{ProviderLinkRow, ProviderRequestRow, ProviderRow};
pub use push_subscriptions::PushSubscriptionRow;
pub use recovery::RecoveryRow;
pub use registration_leaves::RegistrationLeaveRow;
pub use relying_parties::{RelyingPartyChange, RelyingPartyRow};
pub use row_cache::{Reading, RowCache};
pub use scope::{Store, Tenant, Tx};
pub use secrets::SecretRow;
pub use session_ends::{SessionLook, SessionTimes};
pub use session_keys::SessionDeviceRow;
pub use sessions::{GrantRow, SessionRise, SessionRow};
pub use sign_ins::{SignInEnd, SignInRow};
pub use signals::{SignalRow, StreamRow};
pub use signing_keys::SigningKeyRow;
pub use sqlite::file as sqlite_file;
pub use sso_requests::{ConsentRow, ParticipantRow, SsoRequestRow};
pub use supplier_deletions::SupplierDeletionRow;
pub use tenants::TenantRow;
pub use tokens::{APP_TOKEN_TYPE, TokenRow, app_token_serial, phone_of_app_token};
pub use user_changes::UserChange;
pub use users::{UserNameRow, UserRow};
pub use verifications::{AttemptFilter, VerificationRow, VerifyAttemptRow};
pub use verify_factors::{ChallengeRow, FactorRow};
pub use watched::WatchedRow;

/// Every statement that this crate can run: for the tests that prepare each and read its plan.
pub fn statements() -> impl Iterator<Item = &'static engine::Statement> {
    [
        admin_log::ALL,
        attempts::ALL,
        api_messages::ALL,
        api_objects::ALL,
        auth_log::ALL,
        browsers::ALL,
        bypass_codes::ALL,
        carrier_cuts::ALL,
        addition_requests::ALL,
        changes::ALL,
        codes::ALL,
        directories::ALL,
        fido::ALL,
        grant_requests::ALL,
        grants::ALL,
        groups::ALL,
        holdings::ALL,
        integrations::ALL,
        limits::ALL,
        log_segments::ALL,
        login::ALL,
        logout_deliveries::ALL,
        message_log::ALL,
        message_queue::ALL,
        migrate::ALL,
        opt_outs::ALL,
        passkeys::ALL,
        passwords::ALL,
        phones::ALL,
        policies::ALL,
        prompting::ALL,
        providers::ALL,
        push_subscriptions::ALL,
        recovery::ALL,
        registration_leaves::ALL,
        relying_parties::ALL,
        restored::ALL,
        scope::ALL,
        sealed::ALL,
        secrets::ALL,
        session_ends::ALL,
        session_keys::ALL,
        sessions::ALL,
        sign_ins::ALL,
        signing_keys::ALL,
        sso_requests::ALL,
        signals::ALL,
        supplier_deletions::ALL,
        tenants::ALL,
        tokens::ALL,
        user_changes::ALL,
        users::ALL,
        verifications::ALL,
        verify_factors::ALL,
        watched::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections to PostgreSQL, or reading threads of SQLite.
    pub connections: usize,
    /// SQLite's page cache for each connection, KiB.
    pub cache_kib: usize,
    /// A transaction that says nothing for so long is rolled back: it would hold the writer or a connection.
    pub patience: std::time::Duration,
    /// The authorities, PEM, one of which must have signed PostgreSQL's certificate; the system's if not given.
    pub ca_file: Option<std::path::PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 4, cache_kib: 8 * 1024, patience: std::time::Duration::from_secs(5), ca_file: None }
    }
}

/// The version of the schema that this program makes.
#[must_use]
pub const fn schema_version() -> usize {
    migrate::STEPS.len()
}

/// Asks PostgreSQL at `url` for its schema's version, changing nothing: 0 for an empty database. Also tries whether it may be written.
pub async fn probe_postgres(url: &str, options: &Options) -> Result<usize, StoreError> {
    let engine = postgres::Postgres::open(url, options).await?;
    engine.execute("BEGIN; CREATE TABLE countersign_doctor (probe BIGINT); ROLLBACK;".to_owned()).await?;
    Ok(migrate::current(&engine).await.unwrap_or(0))
}

/// Opens the database that `url` names (`sqlite:<path>` or `postgres://…`) and brings its schema up to date.
pub async fn open(url: &str, options: &Options) -> Result<std::sync::Arc<dyn Engine>, StoreError> {
    let engine: std::sync::Arc<dyn Engine> = if let Some(path) = url.strip_prefix("sqlite:") {
        let readers = options.connections.clamp(1, 2);
        std::sync::Arc::new(sqlite::Sqlite::open(
            std::path::Path::new(path),
            sqlite::Options { readers, cache_kib: options.cache_kib, patience: options.patience },
        )?)
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        std::sync::Arc::new(postgres::Postgres::open(url, options).await?)
    } else {
        return Err(StoreError::Unavailable("store.url must begin with sqlite: or postgres://".to_owned()));
    };
    migrate::migrate(engine.as_ref()).await?;
    Ok(engine)
}
