//! `countersign message`: send one, ask what became of it, see and cut carriers. All of it works beside a server, by way of the database.
//!
//! What is shown holds no number and no text: whose message it was, through which carrier, what became of it and why
//! (`countersign log read` shows the rest, to whoever has the organisation's private key).

mod carriers;
mod send;
mod show;

use clap::{Args, Subcommand};
use types::World;

use crate::{admin::office::Office, config::Config, route_health, services::Services};

/// Arguments of `message`.
#[derive(Args)]
pub struct MessageArgs {
    /// Whose: a tenant's id, API host name or name; not needed where there is only one tenant
    #[arg(long, global = true)]
    pub tenant: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with messages.
#[derive(Subcommand)]
pub enum Action {
    /// Send a text to a number, or a mail to a mailbox: a server sends it, with all limits and rules
    Send(send::SendArgs),
    /// What became of a message, or of the last messages to a user: the carrier, the state, the reason
    Show(show::ShowArgs),
    /// The routes, in the order in which they are looked through, and how the carriers do on them, where a server runs on this machine
    Routes,
    /// The carriers: what they carry, whether they are cut off, and how they did on this tenant's messages
    Suppliers {
        /// Count the messages of so many days, the present one included
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=31))]
        days: i64,
    },
    /// Cut a carrier off, on every node: nothing goes through it any more, and codes that are under way through it count no more
    Cut {
        /// Its name
        carrier: String,
        /// Why, for those who ask later
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a carrier work again
    Restore {
        /// Its name
        carrier: String,
    },
}

/// Does it.
///
/// # Errors
/// What went wrong, for the administrator.
pub async fn run(config: &Config, arguments: MessageArgs) -> anyhow::Result<()> {
    let services = Services::idle(config, &World::real()).await?;
    let directory = services.directory();
    let office = async || Office::open(&directory, arguments.tenant.as_deref()).await;
    let done = match arguments.action {
        Action::Send(arguments) => send::run(arguments, &services, &office().await?).await,
        Action::Show(arguments) => show::run(arguments, &services, &office().await?).await,
        Action::Routes => carriers::routes(&services, route_health::read(config, services.store.world().now())).await,
        // Carriers are the house's; a tenant is only needed to count its messages.
        Action::Suppliers { days } => {
            carriers::suppliers(&services, office().await.ok().map(|it| it.tenant), days).await
        }
        Action::Cut { carrier, reason } => carriers::cut(&services, &carrier, &reason).await,
        Action::Restore { carrier } => carriers::restore(&services, &carrier).await,
    };
    services.auth.stop();
    done
}
