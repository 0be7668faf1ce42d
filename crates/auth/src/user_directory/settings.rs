//! What an administrator says of a directory: all of it but the one password, which is kept apart and sealed.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use types::{SecretString, World};
use upstream::ldap::{self, Authorities, Filter, LdapError, Scope, Search, Security, Server};

/// How long connecting may take, and each answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of each kind, of each node.
const CONNECTIONS: usize = 8;
/// The longest settings, in bytes: with certificates of authorities among them.
const LONGEST: usize = 64 * 1024;
/// The most servers.
const MOST_SERVERS: usize = 8;

/// How a tenant's directory is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectorySettings {
    /// `ldaps://host` (TLS), `ldap://host` (StartTLS, always) or `ldap-local://127.0.0.1` (clear text, to this machine only), each with
    /// `:port` where it isn't the usual one. The first that can be reached is asked.
    pub servers: Vec<String>,
    /// Where people are.
    pub base: String,
    /// Who of them is meant: a filter (RFC 4515) with `{user}` in the place of the user name.
    pub filter: String,
    /// The DN of the account that looks people up.
    pub account: String,
    /// Which authorities may have signed the servers' certificates, PEM; the system's if not given.
    pub authorities: Option<String>,
    /// The attribute that is an entry's own for ever: `entryUUID`, or `objectGUID` in Active Directory.
    pub id_attribute: String,
}

/// Why settings of a directory can't be used; says nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDirectory {
    /// A server's address.
    #[error(
        "{0}: a server is ldaps://HOST, ldap://HOST (StartTLS) or, on this machine, ldap-local://HOST, and may have a port"
    )]
    Server(String),
    /// The filter.
    #[error("the filter: {0}")]
    Filter(String),
    /// A name.
    #[error("the {0} can't be used")]
    Name(&'static str),
    /// Something else.
    #[error(transparent)]
    Directory(#[from] LdapError),
    /// They are no settings.
    #[error("the directory's settings can't be read")]
    Unreadable,
}

impl DirectorySettings {
    /// Reads what [`text`](Self::text) has written.
    ///
    /// # Errors
    /// [`InvalidDirectory::Unreadable`].
    pub fn parse(text: &str) -> Result<Self, InvalidDirectory> {
        if text.len() > LONGEST {
            return Err(InvalidDirectory::Unreadable);
        }
        serde_json::from_str(text).map_err(|_| InvalidDirectory::Unreadable)
    }

    /// To be stored.
    ///
    /// # Errors
    /// [`InvalidDirectory::Unreadable`] where it is too long.
    pub fn text(&self) -> Result<String, InvalidDirectory> {
        let text = serde_json::to_string(self).map_err(|_| InvalidDirectory::Unreadable)?;
        if text.len() > LONGEST { Err(InvalidDirectory::Unreadable) } else { Ok(text) }
    }

    /// The directory, which is asked nothing yet. `password` is that of the account.
    ///
    /// # Errors
    /// [`InvalidDirectory`]: the first thing that can't be used.
    pub fn open(&self, password: SecretString, world: World) -> Result<ldap::Directory, InvalidDirectory> {
        if self.servers.len() > MOST_SERVERS {
            return Err(InvalidDirectory::Name("number of servers"));
        }
        let servers = self.servers.iter().map(|text| server(text)).collect::<Result<_, _>>()?;
        let is_name =
            |text: &str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if self.id_attribute.is_empty() || !is_name(&self.id_attribute) {
            return Err(InvalidDirectory::Name("id attribute"));
        }
        let filter = Filter::parse(&self.filter).map_err(|error| InvalidDirectory::Filter(error.to_string()))?;
        let authorities = match &self.authorities {
            Some(pem) => Authorities::Pem(pem.clone().into_bytes()),
            None => Authorities::System,
        };
        Ok(ldap::Directory::new(
            ldap::Settings {
                servers,
                authorities,
                account: (self.account.clone(), password),
                search: Search {
                    base: self.base.clone(),
                    scope: Scope::Subtree,
                    filter,
                    attributes: vec![self.id_attribute.clone()],
                },
                patience: PATIENCE,
                connections: CONNECTIONS,
            },
            world,
        )?)
    }
}

fn server(text: &str) -> Result<Server, InvalidDirectory> {
    let wrong = || InvalidDirectory::Server(text.to_owned());
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let (security, usual) = match scheme {
        "ldaps" => (Security::Tls, 636),
        "ldap" => (Security::StartTls, 389),
        "ldap-local" => (Security::Clear, 389),
        _ => return Err(wrong()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, port))) => (host, port.strip_prefix(':').or(port.is_empty().then_some(""))),
        Some(None) => return Err(wrong()),
        None => rest
            .split_once(':')
            .map_or((rest, Some("")), |(host, port)| (host, Some(port).filter(|port| !port.is_empty()))),
    };
    let port = match port {
        Some("") => usual,
        Some(digits) => digits.parse().map_err(|_| wrong())?,
        None => return Err(wrong()),
    };
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'))
        && port != 0;
    if is_host { Ok(Server { host: host.to_owned(), port, security }) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::Millis;

    fn settings() -> DirectorySettings {
        DirectorySettings {
            servers: vec!["ldaps://ldap.example.org".to_owned()],
            base: "dc=example,dc=org".to_owned(),
            filter: "(uid={user})".to_owned(),
            account: "cn=service,dc=example,dc=org".to_owned(),
            authorities: None,
            id_attribute: "entryUUID".to_owned(),
        }
    }

    fn opened(settings: &DirectorySettings) -> Result<(), InvalidDirectory> {
        settings.open(SecretString::new("secret".to_owned()), World::made(Millis(0), 1).0).map(drop)
    }

    #[test]
    fn servers() {
        let of = |host: &str, port, security| Ok(Server { host: host.to_owned(), port, security });
        assert_eq!(server("ldaps://ldap.example.org"), of("ldap.example.org", 636, Security::Tls));
        assert_eq!(server("ldap://ldap.example.org:3890/"), of("ldap.example.org", 3890, Security::StartTls));
        assert_eq!(server("ldaps://[2001:db8::1]:1636"), of("2001:db8::1", 1636, Security::Tls));
        assert_eq!(server("ldap-local://127.0.0.1"), of("127.0.0.1", 389, Security::Clear));
        for bad in [
            "",
            "ldap.example.org",
            "https://a.example",
            "ldaps://",
            "ldaps://a:",
            "ldaps://a:0",
            "ldaps://a:99999",
            "ldaps://a/b",
            "ldaps://u:p@a",
            "ldaps://[::1",
            "ldaps://[::1]x",
            "ldaps://a b",
            "ldaps://a?x",
        ] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(opened(&settings()), Ok(()));
        let bad: [fn(&mut DirectorySettings); 7] = [
            |settings| settings.servers.clear(),
            |settings| settings.servers = vec!["ldap-local://ldap.example.org".to_owned()],
            |settings| settings.servers = vec!["ldaps://a".to_owned(); 9],
            |settings| settings.filter = "(uid=alice)".to_owned(),
            |settings| settings.filter = "(uid={user}".to_owned(),
            |settings| settings.account.clear(),
            |settings| settings.id_attribute = "a b".to_owned(),
        ];
        for (number, change) in bad.into_iter().enumerate() {
            let mut settings = settings();
            change(&mut settings);
            assert!(opened(&settings).is_err(), "{number}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_stored_is_read_or_refused(text in ".{0,200}") {
            drop(server(&text));
            drop(DirectorySettings::parse(&text));
        }

        #[test]
        fn what_is_written_is_read(base in ".{0,40}", filter in ".{0,40}", pem in proptest::option::of(".{0,40}")) {
            let settings = DirectorySettings { base, filter, authorities: pem, ..settings() };
            prop_assert_eq!(DirectorySettings::parse(&settings.text().unwrap()), Ok(settings));
        }
    }
}
