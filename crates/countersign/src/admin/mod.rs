//! `countersign admin …`: what an administrator does at the server's own command line.
//!
//! Each command is a line or two over the directory, which checks, seals and logs. What is secret is never an argument, where every
//! process of the machine could read it: it comes from a file or from standard input, and goes to standard output once.
//!
//! To add a command: a variant of the `Action` of its file, and an arm that does it.

mod access;
mod alerts;
mod codes;
mod devices;
mod groups;
mod guards;
pub(crate) mod import;
mod integrations;
pub(crate) mod office;
mod opt_outs;
mod passkeys;
mod providers;
mod tenants;
mod user_directory;
mod users;

use self::office::Office;
use crate::services::Services;
use clap::{Args, Subcommand};

/// Arguments of `admin`.
#[derive(Args)]
pub struct AdminArgs {
    /// Whose: a tenant's id, API host name or name; not needed where there is only one tenant
    #[arg(long, global = true, env = "COUNTERSIGN_TENANT", value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What an administrator can do.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Organisations: their host names, settings, and the key that their message log is sealed to
    #[command(subcommand)]
    Tenant(tenants::Action),
    /// Applications that ask for authentications, and their keys
    #[command(subcommand)]
    Integration(integrations::Action),
    /// People
    #[command(subcommand)]
    User(users::Action),
    /// Sets of people
    #[command(subcommand)]
    Group(groups::Action),
    /// The LDAP directory against which people give their passwords
    #[command(subcommand)]
    Directory(user_directory::Action),
    /// OpenID and SAML providers that people come from
    #[command(subcommand)]
    Provider(providers::Action),
    /// Telephones
    #[command(subcommand)]
    Phone(devices::PhoneAction),
    /// Passkeys: listed, suspended, taken away
    #[command(subcommand)]
    Passkey(passkeys::Action),
    /// One-time-password tokens
    #[command(subcommand)]
    Token(devices::TokenAction),
    /// Codes that let a person in who has nothing else at hand
    #[command(subcommand)]
    BypassCode(codes::Action),
    /// People who want no texts
    #[command(subcommand)]
    OptOut(opt_outs::Action),
    /// Those who read telephone numbers or the message log: who was stopped, and who may go on
    #[command(subcommand)]
    Reader(guards::ReaderAction),
    /// Numbers in the directory that lead to nobody, and stand there to be stolen
    #[command(subcommand)]
    Canary(guards::CanaryAction),
    /// Sign-in pages that were seen under a foreign name, and readers who did what nobody should
    Alerts(alerts::AlertsArgs),
    /// Bring over what a live Duo account holds
    Import(import::ImportArgs),
}

/// Does it.
///
/// # Errors
/// What was refused, for the administrator.
pub async fn run(arguments: AdminArgs, services: &Services) -> anyhow::Result<()> {
    let directory = services.directory();
    let office = async || Office::open(&directory, arguments.tenant.as_deref()).await;
    match arguments.command {
        // Making and listing tenants happens in no tenant's name.
        AdminCommand::Tenant(action) => tenants::run(action, &directory, arguments.tenant.as_deref()).await,
        AdminCommand::Integration(action) => integrations::run(action, &office().await?).await,
        AdminCommand::User(action) => users::run(action, &office().await?, services).await,
        AdminCommand::Group(action) => groups::run(action, &office().await?).await,
        AdminCommand::Directory(action) => user_directory::run(action, &office().await?, services).await,
        AdminCommand::Provider(action) => providers::run(action, &office().await?, services).await,
        AdminCommand::Phone(action) => devices::run_phone(action, &office().await?, services).await,
        AdminCommand::Passkey(action) => passkeys::run(action, &office().await?).await,
        AdminCommand::Token(action) => devices::run_token(action, &office().await?, services).await,
        AdminCommand::BypassCode(action) => codes::run(action, &office().await?, services).await,
        AdminCommand::OptOut(action) => opt_outs::run(action, &office().await?, services).await,
        AdminCommand::Reader(action) => guards::run_reader(action, &office().await?).await,
        AdminCommand::Canary(action) => guards::run_canary(action, &office().await?).await,
        AdminCommand::Alerts(arguments) => alerts::run(arguments, &office().await?).await,
        AdminCommand::Import(arguments) => import::run(arguments, &office().await?, services).await,
    }
}
