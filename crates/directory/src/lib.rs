//! Who and what a tenant has, and every change of it: users, aliases, groups, telephones, tokens, passkeys, bypass codes, applications,
//! policies, settings.
//!
//! Whoever changes something (the Admin API, the command line, an import, the demo) does it here, so that there is one place which
//! checks what is given, seals numbers, seeds and secrets, keeps codes as keyed hashes only, and writes the administrator log in the
//! transaction of the change itself. What is kept elsewhere of an application or a tenant is dropped by a notice of that
//! transaction.
//!
//! ```text
//! directory.tenant(tenant, "admin").create_user(&NewUser { username: "alice".to_owned(), ..NewUser::default() }).await?
//! ```
//!
//! It never signs anybody in, never decides what a setting or a policy means (the engine's own reader of them is handed in as
//! [`Checks`]), and never writes a number, a code, a seed or a secret into a log.
//!
//! To add a kind of change: a method of [`Scope`] in the file of what it changes, which takes typed values or checks them, opens one
//! transaction, logs, notifies where something is kept elsewhere, and commits.

mod additions;
mod bypass_codes;
mod error;
mod fields;
mod groups;
mod integrations;
mod passkeys;
mod passwords;
mod phones;
mod policies;
mod providers;
mod relying_parties;
mod scope;
mod tenants;
mod text;
mod tokens;
mod user_directories;
mod users;

pub use bypass_codes::{Codes, NewBypassCodes};
pub use error::DirectoryError;
pub use fields::{Field, FieldKind, INTEGRATION_FIELDS, IntegrationFields, SETTINGS_FIELDS, SettingsFields};
pub use groups::{GroupPatch, NewGroup};
pub use integrations::{IntegrationKeys, IntegrationPatch, NewIntegration, Secret, UserAccess};
pub use phones::{NewPhone, PhonePatch, Removal};
pub use policies::Sections;
pub use relying_parties::{NewRelyingParty, RelyingPartyPatch};
pub use scope::{Checks, Directory, Scope};
pub use tenants::NewTenant;
pub use tokens::{NewToken, Seed};
pub use users::{NewUser, Status, UserPatch};
