//! Sends one message: it is put into the queue, and a server takes it from there when this command ends.

use std::{
    io::{self, Read as _},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use messaging::{Address, Content, EmailAddress, Outgoing, Purpose, Terms};
use types::{E164, MessageId, SecretString};

use crate::{admin::office::Office, cli::say, services::Services};

/// The longest text, in bytes.
const LONGEST: u64 = 4096;

/// Arguments of `message send`.
#[derive(Args)]
pub struct SendArgs {
    /// The number in E.164 form (+4915112345678), or the mail address
    #[arg(long)]
    pub to: String,
    /// The text; read from standard input if not given, so that it stands in no list of processes
    #[arg(long)]
    pub text: Option<String>,
    /// The subject of a mail
    #[arg(long, default_value = "A message")]
    pub subject: String,
    /// The user whom it is for: it counts as theirs in the log
    #[arg(long)]
    pub user: Option<String>,
    /// Through this carrier and no other
    #[arg(long)]
    pub carrier: Option<String>,
    /// Not before so many minutes from now
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=50_400))]
    pub in_minutes: u64,
    /// It is worth sending for so many minutes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub valid_minutes: u64,
}

pub(super) async fn run(arguments: SendArgs, services: &Services, office: &Office<'_>) -> anyhow::Result<()> {
    let text = match arguments.text {
        Some(text) => text,
        None => {
            let mut text = String::new();
            io::stdin().take(LONGEST).read_to_string(&mut text).context("standard input")?;
            text
        }
    };
    if text.trim().is_empty() {
        bail!("there is no text");
    }
    let text = SecretString::new(text);
    let (to, content) = match arguments.to.parse::<E164>() {
        Ok(number) => (Address::Number(number, String::new()), Content::Text(text)),
        // The address is not repeated: what is said here may end in a log.
        Err(_) => match arguments.to.parse::<EmailAddress>() {
            Ok(address) => (Address::Mail(address), Content::Mail { subject: arguments.subject, text }),
            Err(_) => bail!("--to is neither a number in E.164 form nor a mail address"),
        },
    };
    let user = match &arguments.user {
        Some(named) => Some(office.user(named).await?.id),
        None => None,
    };
    let world = services.store.world();
    let now = world.now();
    let message = Outgoing {
        user,
        valid_for: Duration::from_secs(60 * arguments.valid_minutes),
        terms: Terms {
            not_before: (arguments.in_minutes > 0).then(|| now + Duration::from_secs(60 * arguments.in_minutes)),
            carrier: arguments.carrier,
            ..Terms::default()
        },
        ..Outgoing::new(MessageId::new(now, world.random.as_ref()), office.tenant, Purpose::Notice, to, content)
    };
    let id = services.courier.enqueue(message).await.context("the message was not taken")?;
    say(&format!("{id}\n"))
}
