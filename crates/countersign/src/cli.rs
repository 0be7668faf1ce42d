//! The command line.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use types::World;

use crate::{
    admin::{self, AdminArgs},
    app_command::{self, AppArgs},
    backup::{self, BackupArgs, RestoreArgs},
    config::{self, Config, keys::FILE_VARIABLE, print},
    demo::{self, DemoArgs},
    device::command::{self, AuthenticatorArgs},
    doctor, doors,
    fido::{self, command::FidoArgs},
    gateway,
    keys_command::{self, KeysArgs},
    log_command::{self, LogArgs},
    message_command::{self, MessageArgs},
    route_health,
    serve::{Server, Shutdown, signals},
    services::Services,
    telemetry::{self, Registry},
    tls::Tls,
};

/// Multi-factor authentication that an organisation runs itself.
#[derive(Parser)]
#[command(name = "countersign", version, about)]
pub struct Cli {
    /// The configuration file
    #[arg(long, short, global = true, env = FILE_VARIABLE, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does. To add a command: a variant, its arguments, and an arm in [`Cli::run`].
#[derive(Subcommand)]
pub enum Command {
    /// Serve until told to stop
    Serve,
    /// Show the configuration that holds, without its secrets
    Config(ConfigArgs),
    /// Make, show and change what tenants have
    Admin(AdminArgs),
    /// Connect applications that people sign in to by single sign-on
    App(AppArgs),
    /// Look for what keeps a server from working, and say what to do
    Doctor,
    /// Show FIDO's metadata of authenticators, or verify a new file of it
    Fido(FidoArgs),
    /// Rotate root keys and tenants' keys, also while a server serves
    Keys(KeysArgs),
    /// Read the message log with the organisation's private key, or make such a key
    Log(LogArgs),
    /// Send a message, ask what became of one, see and cut carriers
    Message(MessageArgs),
    /// Write a backup, also while a server serves
    Backup(BackupArgs),
    /// Restore a backup
    Restore(RestoreArgs),
    /// Show real logins on a server in a scratch directory, and keep it serving to be tried
    Demo(DemoArgs),
    /// Be a person's authenticator, at a terminal
    Authenticator(AuthenticatorArgs),
}

/// Arguments of `config`.
#[derive(Args)]
pub struct ConfigArgs {
    /// Write docs/configuration.md instead: every key that there is
    #[arg(long)]
    pub reference: bool,
}

impl Cli {
    /// Does it.
    ///
    /// # Errors
    /// What went wrong, for the administrator.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Config(ConfigArgs { reference: true }) => say(&print::reference()),
            Command::Config(ConfigArgs { reference: false }) => {
                let settings = config::read(self.config.as_deref())?;
                say(&print::effective(&settings))?;
                // What can be read may still mean nothing.
                Config::from_settings(&settings)?;
                Ok(())
            }
            Command::Admin(arguments) => {
                let config = Config::load(self.config.as_deref())?;
                telemetry::start(&config.log)?;
                runtime()?.block_on(administer(&config, arguments))
            }
            Command::App(arguments) => app_command::run(self.config.as_deref(), arguments),
            Command::Doctor => runtime()?.block_on(doctor::run(self.config.as_deref())),
            Command::Fido(arguments) => {
                let config = Config::load(self.config.as_deref())?;
                telemetry::start(&config.log)?;
                runtime()?.block_on(fido::command::run(&config, arguments))
            }
            Command::Keys(arguments) => {
                let config = Config::load(self.config.as_deref())?;
                telemetry::start(&config.log)?;
                runtime()?.block_on(keys_command::run(&config, arguments))
            }
            Command::Log(arguments) => log_command::run(self.config.as_deref(), arguments),
            Command::Message(arguments) => {
                let config = Config::load(self.config.as_deref())?;
                telemetry::start(&config.log)?;
                runtime()?.block_on(message_command::run(&config, arguments))
            }
            Command::Backup(arguments) => {
                let config = Config::load(self.config.as_deref())?;
                runtime()?.block_on(backup::backup(&config, arguments))
            }
            Command::Restore(arguments) => {
                let config = Config::load(self.config.as_deref())?;
                telemetry::start(&config.log)?;
                runtime()?.block_on(backup::restore(&config, arguments))
            }
            Command::Demo(arguments) => runtime()?.block_on(demo::run(arguments)),
            Command::Authenticator(arguments) => runtime()?.block_on(command::run(arguments)),
            Command::Serve => {
                let config = Config::load(self.config.as_deref())?;
                telemetry::start(&config.log)?;
                runtime()?.block_on(serve(&config))
            }
        }
    }
}

/// The runtime of commands that wait for something.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("can't start the runtime")
}

/// How long the log and the last connections' tasks may take to end.
const LAST_BREATH: Duration = Duration::from_millis(100);

/// How long a command waits for the notices that it caused.
const NOTICES: Duration = Duration::from_secs(45);
/// How long a server that stops waits for them.
const LAST_NOTICES: Duration = Duration::from_secs(5);

async fn administer(config: &Config, arguments: AdminArgs) -> anyhow::Result<()> {
    let services = Services::beside(config, &World::real()).await?;
    let done = admin::run(arguments, &services).await;
    services.auth.settle(NOTICES).await;
    services.auth.stop();
    done
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let world = World::real();
    let registry = Registry::new();
    registry.install();
    let shutdown = Shutdown::new();
    let reload = signals::listen(shutdown.clone()).context("can't listen to signals")?;
    let tls = Tls::start(config, &world, &registry, &shutdown, reload.clone()).await?;
    let server = Server::bind(config, &tls, Arc::clone(&registry), &world).await?;
    for address in server.addresses() {
        tracing::info!(%address, "serving HTTPS");
    }
    let services = Services::open(config, &world, Vec::new()).await?;
    if let Some(files) = &config.fido {
        let mut keeper = fido::Keeper::new(files, &services.auth, &registry);
        // Before anybody is served: an unsafe model must not be registered in the first second.
        keeper.load(false).await;
        tokio::spawn(keeper.keep(shutdown.clone(), reload.clone()));
    }
    let courier = Arc::clone(&services.courier);
    tokio::spawn(route_health::keep(config.clone(), Arc::clone(&courier), world.clone(), shutdown.clone()));
    tokio::spawn(gateway::keep(config.clone(), courier, world.clone(), shutdown.clone(), reload));
    let application = doors::application(config, &services, tls.has_certificate(), &shutdown)?;
    let stopped = server.run(application, shutdown).await;
    if stopped.cut_off > 0 {
        tracing::warn!(connections = stopped.cut_off, "some requests took longer than the stop could wait");
    }
    services.auth.settle(LAST_NOTICES).await;
    tokio::time::sleep(LAST_BREATH).await;
    tracing::info!("stopped");
    Ok(())
}

/// Writes to standard output; a reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// Any other.
pub fn say(text: &str) -> anyhow::Result<()> {
    // A question has no line break at its end, and must be seen all the same.
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}
