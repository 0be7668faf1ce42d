//! Mail, in plain text, to one mail server.
//!
//! The connection is encrypted (STARTTLS required, or TLS from the first byte) unless the server is on this machine. Neither the
//! subject nor an address can add a header: both are checked before, and encoded by the library.

mod keys;

pub(crate) use keys::from_keys;

use crate::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, EmailAddress, ErrorClass, Outgoing, SendError, Ticket,
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header},
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use std::time::{Duration, UNIX_EPOCH};
use types::{SecretString, World};

/// Each command waits so long; the whole delivery no longer than [`DEADLINE`].
const COMMAND: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(25);
/// Idle connections are closed before servers do it (RFC 5321 §4.5.3.2.7 gives five minutes).
const IDLE: Duration = Duration::from_secs(60);
const MAX_CONNECTIONS: u32 = 4;
/// What a mailbox that is busy, or a server that doesn't know us yet, asks for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 200;

/// How the server is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpSecurity {
    /// In clear at first, then TLS; without TLS nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Never: for a server on this machine only.
    Plain,
}

/// How mail is sent.
pub struct SmtpConfig {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: SmtpSecurity,
    /// Name and password, if it asks for them.
    pub sign_in: Option<(String, SecretString)>,
    /// The sender, such as `Countersign <mfa@example.com>`.
    pub from: String,
    /// Certificates (PEM) of an authority that the server's certificate may come from, beside the public ones.
    pub authority: Option<Vec<u8>>,
}

/// What is wrong with an [`SmtpConfig`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSmtpConfig {
    /// The sender is not a mailbox.
    #[error("the sender of mail is not a mailbox such as `Countersign <mfa@example.com>`")]
    From,
    /// Without encryption, and not on this machine.
    #[error("mail goes without encryption to a server on this machine only")]
    Plain,
    /// The authority's certificate can't be read.
    #[error("the mail server's authority is not a PEM certificate")]
    Authority,
    /// TLS could not be set up.
    #[error("TLS to the mail server could not be set up: {0}")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// The channel.
pub struct Smtp {
    name: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    world: World,
}

impl Smtp {
    /// The name of one that has no other.
    pub const NAME: &'static str = "smtp";

    /// Checks the configuration; connects when the first mail goes.
    pub fn new(config: SmtpConfig, world: World) -> Result<Self, InvalidSmtpConfig> {
        let from: Mailbox = config.from.parse().map_err(|_| InvalidSmtpConfig::From)?;
        if config.from.contains(char::is_control) {
            return Err(InvalidSmtpConfig::From);
        }
        let parameters = || {
            let mut builder = TlsParameters::builder(config.host.clone());
            if let Some(pem) = &config.authority {
                let certificate = Certificate::from_pem(pem).map_err(|_| InvalidSmtpConfig::Authority)?;
                builder = builder.add_root_certificate(certificate);
            }
            builder.build_rustls().map_err(InvalidSmtpConfig::Tls)
        };
        let tls = match config.security {
            SmtpSecurity::StartTls => Tls::Required(parameters()?),
            SmtpSecurity::Tls => Tls::Wrapper(parameters()?),
            SmtpSecurity::Plain if is_this_machine(&config.host) => Tls::None,
            SmtpSecurity::Plain => return Err(InvalidSmtpConfig::Plain),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(COMMAND))
            .pool_config(PoolConfig::new().max_size(MAX_CONNECTIONS).idle_timeout(IDLE));
        if let Some((name, password)) = &config.sign_in {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        Ok(Self { name: Self::NAME.to_owned(), transport: builder.build(), from, world })
    }

    /// Under another name, where there are several.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Puts a mail together; [`SendError::Mismatch`] for a subject that is no single line.
    fn compose(&self, to: &EmailAddress, subject: &str, text: &SecretString) -> Result<Message, SendError> {
        if subject.contains(char::is_control) || subject.chars().count() > MAX_SUBJECT {
            return Err(SendError::Mismatch);
        }
        let bad_address = |_| SendError::Refused(ErrorClass::BadAddress);
        let to = to.expose().parse::<lettre::Address>().map_err(bad_address)?;
        let id = data_encoding::HEXLOWER.encode(&self.world.bytes::<16>());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(UNIX_EPOCH + Duration::from_millis(self.world.now().as_u64()))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            // No machine answers it (RFC 3834 §5).
            .raw_header(auto_submitted())
            .header(header::ContentType::TEXT_PLAIN)
            .body(text.expose().to_owned())
            .map_err(|_| SendError::Mismatch)
    }

    async fn mail(&self, to: &EmailAddress, subject: &str, text: &SecretString) -> Result<Accepted, SendError> {
        let message = self.compose(to, subject, text)?;
        let answer = tokio::time::timeout(DEADLINE, self.transport.send(message))
            .await
            .map_err(|_| SendError::Unavailable)?
            .map_err(|error| refused(&error))?;
        // The server's words, its own id of the mail among them.
        let receipt = answer.first_line().unwrap_or_default().chars().take(64).collect();
        Ok(Accepted { receipt, segments: 1 })
    }
}

impl Channel for Smtp {
    fn name(&self) -> &str {
        &self.name
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == ChannelKind::Email
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            match (&message.to, &message.content) {
                (Address::Mail(to), Content::Mail { subject, text }) => self.mail(to, subject, text).await,
                _ => Err(SendError::Mismatch),
            }
        })
    }
}

fn auto_submitted() -> header::HeaderValue {
    header::HeaderValue::new(header::HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

/// What a server's refusal means. Its words, which repeat the address, are dropped.
fn refused(error: &lettre::transport::smtp::Error) -> SendError {
    let Some(code) = error.status() else { return SendError::Unavailable };
    match u16::from(code) {
        // Busy mailbox, greylisting, too many mails, out of space: it was certainly not taken.
        421 | 450..=452 => SendError::Throttled { retry_after: PATIENCE },
        500.. if matches!(u16::from(code), 550 | 551 | 553) => SendError::Refused(ErrorClass::BadAddress),
        552 | 554 => SendError::Refused(ErrorClass::Blocked),
        530 | 534 | 535 | 538 => SendError::Refused(ErrorClass::Account),
        500.. => SendError::Refused(ErrorClass::Other),
        _ => SendError::Unavailable,
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::Millis;

    fn config(host: &str, security: SmtpSecurity) -> SmtpConfig {
        SmtpConfig {
            host: host.to_owned(),
            port: 25,
            security,
            sign_in: None,
            from: "Countersign <mfa@example.com>".to_owned(),
            authority: None,
        }
    }

    fn smtp() -> Smtp {
        let (world, _) = World::made(Millis(1_794_651_630_405), 5);
        Smtp::new(config("127.0.0.1", SmtpSecurity::Plain), world).unwrap()
    }

    #[tokio::test]
    async fn clear_text_stays_on_this_machine() {
        let (world, _) = World::made(Millis(0), 5);
        let made = |host, security| Smtp::new(config(host, security), world.clone());
        assert!(matches!(made("mail.example.com", SmtpSecurity::Plain).err(), Some(InvalidSmtpConfig::Plain)));
        assert!(made("mail.example.com", SmtpSecurity::StartTls).is_ok());
        assert!(made("mail.example.com", SmtpSecurity::Tls).is_ok());
        let nameless = SmtpConfig { from: "nobody".to_owned(), ..config("localhost", SmtpSecurity::Plain) };
        assert!(matches!(Smtp::new(nameless, world).err(), Some(InvalidSmtpConfig::From)));
    }

    #[tokio::test]
    async fn a_mail_as_it_goes_out() {
        let text = SecretString::new("Grüße\nYour code".to_owned());
        let mail = smtp().compose(&"anna@example.org".parse().unwrap(), "Sign-in", &text).unwrap();
        let mail = String::from_utf8(mail.formatted()).unwrap();
        for line in [
            "From: Countersign <mfa@example.com>\r\n",
            "To: anna@example.org\r\n",
            "Subject: Sign-in\r\n",
            "Date: Sat, 14 Nov 2026 10:20:30 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(mail.contains(line), "{line:?} in {mail}");
        }
        assert!(mail.contains("@example.com>\r\n"), "a Message-ID of the sender's domain");
    }

    #[test]
    fn addresses() {
        for good in ["anna@example.org", " a.b+c@sub.example.org ", "jürgen@example.org"] {
            assert!(good.parse::<EmailAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "anna",
            "anna@",
            "@example.org",
            "anna@localhost",
            "a@b@example.org",
            "anna@example.org\r\nBcc: eve@example.org",
            "anna@example.org,eve@example.org",
            "anna <anna@example.org>",
            "\"anna\"@example.org",
            "anna@[127.0.0.1]",
            "an na@example.org",
            &format!("{}@example.org", "a".repeat(250)),
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_subject_and_no_address_adds_a_header(subject in any::<String>(), to in "[ -~\\r\\n]{1,40}|[a-z]{1,8}@[a-z]{1,8}\\.example") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _inside = runtime.enter();
            let to = to.parse::<EmailAddress>().unwrap_or_else(|_| "anna@example.org".parse().unwrap());
            if let Ok(mail) = smtp().compose(&to, &subject, &SecretString::new("body".to_owned())) {
                let mail = String::from_utf8(mail.formatted()).unwrap();
                let (head, _) = mail.split_once("\r\n\r\n").unwrap();
                let mut names: Vec<&str> = head
                    .split("\r\n")
                    .filter(|line| !line.starts_with([' ', '\t']))
                    .map(|line| line.split_once(':').unwrap().0)
                    .collect();
                names.sort_unstable();
                prop_assert_eq!(names, ["Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-ID",
                    "Subject", "To"]);
            }
        }
    }
}
