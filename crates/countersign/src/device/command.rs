//! `countersign authenticator`: the authenticator at a terminal.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use types::World;

use super::{Answer, Device, Waiting};
use crate::{cli::say, client::Https};

/// Arguments of `authenticator`.
#[derive(Args)]
pub struct AuthenticatorArgs {
    /// The file with the authenticator's key
    #[arg(long, global = true, value_name = "FILE", default_value = "authenticator.json")]
    pub key: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What an authenticator does.
#[derive(Subcommand)]
pub enum Action {
    /// Attach a new key to the account that an activation link is for
    Activate {
        /// https://HOST/activate/TENANT/CODE
        link: String,
        /// Where the server is, if not at the link's host: https://host:port
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// The certificate authority to trust, PEM; the system's if not given
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// What the device is called in logs
        #[arg(long, default_value = "terminal")]
        name: String,
    },
    /// Wait for a login request and show it
    Wait,
    /// Approve a login request
    Approve {
        /// The six digits that the sign-in shows, or what its QR code says (countersign:approve?…)
        code: Option<String>,
        /// Which request, if more than one waits
        #[arg(long)]
        id: Option<String>,
    },
    /// Refuse a login request
    Deny {
        /// Which request, if more than one waits
        #[arg(long)]
        id: Option<String>,
    },
    /// Show the passcode of now; needs no network
    Code,
    /// Give this authenticator another name
    Rename {
        /// At most 100 bytes
        name: String,
    },
    /// End this authenticator at the server, and delete its file
    Remove,
    /// Refuse a login request and report that somebody else asked for it
    Report {
        /// Which request, if more than one waits
        #[arg(long)]
        id: Option<String>,
    },
}

/// How long `wait` waits, in seconds: what one request may.
const PATIENCE: u8 = 50;

/// Does it.
///
/// # Errors
/// What went wrong, for the device's owner.
pub async fn run(arguments: AuthenticatorArgs) -> anyhow::Result<()> {
    let world = World::real();
    let file = &arguments.key;
    if let Action::Activate { link, server, ca, name } = &arguments.action {
        let (base, tenant, code) = parts(link).context("the link is not https://HOST/activate/TENANT/CODE")?;
        let ca = ca.as_deref().map(std::path::absolute).transpose()?;
        let https = Https::new(server.as_deref().unwrap_or(base), ca.as_deref())?;
        if file.exists() {
            bail!("{} is there already", file.display());
        }
        let device = Device::activate(&https, tenant, code, name, &world).await?;
        device.keep(file, ca.as_deref()).with_context(|| file.display().to_string())?;
        return say(&format!("activated; the key is in {}\n", file.display()));
    }
    let device = Device::open(file, &world).with_context(|| file.display().to_string())?;
    let (id, answer) = match &arguments.action {
        Action::Activate { .. } => return Ok(()),
        Action::Wait => {
            let requests = device.requests(PATIENCE).await?;
            if requests.is_empty() {
                bail!("no login request within {PATIENCE} seconds");
            }
            return requests.iter().try_for_each(|request| say(&format!("{}\n", shown(request))));
        }
        Action::Code => {
            let (code, left) = device.passcode()?;
            return say(&format!("{}  (for {left} s)\n", code.expose()));
        }
        Action::Rename { name } => {
            device.rename(name).await?;
            return say("done\n");
        }
        Action::Remove => {
            device.remove().await?;
            std::fs::remove_file(file).with_context(|| file.display().to_string())?;
            return say("removed\n");
        }
        Action::Approve { code, id } => match code.as_deref().map(scanned) {
            Some(Some((attempt, digits))) => (&Some(attempt.to_owned()), Answer::Approve(Some(digits))),
            _ => (id, Answer::Approve(code.as_deref())),
        },
        Action::Deny { id } => (id, Answer::Deny),
        Action::Report { id } => (id, Answer::Fraud),
    };
    let id = match id {
        Some(id) => id.clone(),
        None => only(&device.requests(0).await?)?.id.clone(),
    };
    if device.answer(&id, answer).await? {
        say("done\n")
    } else {
        bail!("the answer didn't count: a wrong code, or too late")
    }
}

fn only(requests: &[Waiting]) -> anyhow::Result<&Waiting> {
    match requests {
        [] => bail!("no login request waits"),
        [one] => Ok(one),
        _ => bail!("more than one login request waits: name one with --id"),
    }
}

/// A request in one line.
#[must_use]
pub fn shown(request: &Waiting) -> String {
    let printable = |text: &str| text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    let mut line = format!("{}  {} as {}", request.id, printable(&request.application), printable(&request.username));
    let told = [
        ("from", request.ip.as_deref()),
        ("with", Some(request.browser.as_str())),
        ("on", Some(request.os.as_str())),
        ("at", Some(request.hostname.as_str())),
    ];
    for (word, text) in told {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            line.push_str(&format!(" {word} {}", printable(text)));
        }
    }
    if request.typed {
        line.push_str("  (approve with the six digits that the sign-in shows)");
    }
    line
}

/// Server, tenant and code of an activation link.
fn parts(link: &str) -> Option<(&str, &str, &str)> {
    let (base, rest) = link.trim().split_once("/activate/")?;
    let (tenant, code) = rest.split_once('/')?;
    Some((base, tenant, code))
}

/// Attempt and digits of `countersign:approve?tenant=…&attempt=…&code=…`.
fn scanned(text: &str) -> Option<(&str, &str)> {
    let asked = text.strip_prefix("countersign:approve?")?;
    let value = |name: &str| asked.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
    Some((value("attempt")?.1, value("code")?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_three_parts() {
        assert_eq!(parts("https://h:1/activate/T/C"), Some(("https://h:1", "T", "C")));
        assert_eq!(parts("https://h/activate/T"), None);
        assert_eq!(parts("https://h/T/C"), None);
    }

    #[test]
    fn what_a_terminal_must_not_be_sent_is_left_out() {
        let waiting = Waiting {
            id: "1".to_owned(),
            application: "V\u{1b}[2JPN".to_owned(),
            username: "anna\n".to_owned(),
            ip: None,
            hostname: String::new(),
            browser: "Firefox 140".to_owned(),
            os: "Linux".to_owned(),
            typed: false,
        };
        assert_eq!(shown(&waiting), "1  V[2JPN as anna with Firefox 140 on Linux");
    }

    #[test]
    fn a_scanned_code_names_its_request() {
        let code = "countersign:approve?tenant=DA&attempt=0197&code=123456";
        assert_eq!(scanned(code), Some(("0197", "123456")));
        for other in ["123456", "countersign:approve?attempt=1", "https://h/?attempt=1&code=2"] {
            assert_eq!(scanned(other), None);
        }
    }
}
