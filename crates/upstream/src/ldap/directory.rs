//! The directory as others see it: who is it, and is that the password?

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio::time::timeout;
use types::{SecretString, World};

use super::{
    Authorities, Filter, LdapError, Server,
    connection::{Connection, Found},
    message::{INVALID_CREDENTIALS, NO_SUCH_OBJECT, Outcome as Answered, SIZE_LIMIT, SUCCESS, SearchRequest},
    pool::Pool,
};

/// Octets of a name and of a password that are sent.
const MAX_NAME: usize = 256;
const MAX_PASSWORD: usize = 1_024;

/// How deep is searched (RFC 4511, 4.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The children of the base.
    OneLevel,
    /// The base and all below it.
    Subtree,
}

impl Scope {
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::OneLevel => 1,
            Self::Subtree => 2,
        }
    }
}

/// How people are found.
#[derive(Debug, Clone)]
pub struct Search {
    /// Where.
    pub base: String,
    /// How deep.
    pub scope: Scope,
    /// What an entry must be.
    pub filter: Filter,
    /// Which attributes are read, as `mail`, `memberOf`.
    pub attributes: Vec<String>,
}

/// How a directory is spoken to.
pub struct Settings {
    /// Its servers, the one to ask first at the front.
    pub servers: Vec<Server>,
    /// Who may have signed their certificates.
    pub authorities: Authorities,
    /// The account that looks people up: its DN and its password.
    pub account: (String, SecretString),
    /// How people are found.
    pub search: Search,
    /// How long connecting may take, and each answer.
    pub patience: Duration,
    /// Connections of each kind (look-ups, binds) at most.
    pub connections: usize,
}

/// An entry of the directory. As the answer to a bind it is the person's whose password it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name in the directory. It changes when the person moves or marries: `entryUUID` or `objectGUID` doesn't.
    pub dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// The values of an attribute, by its name in any case; those that aren't UTF-8 are left out.
    pub fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.octets(name).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The values of an attribute as octets: `objectGUID`.
    pub fn octets<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.attributes
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }
}

/// What became of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is this person's.
    Allowed(Entry),
    /// It isn't, or counts for nothing.
    Refused(Refusal),
}

/// Why a password counts for nothing. Strangers are told none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No such person, or another password.
    Wrong,
    /// The account is disabled or has expired.
    Disabled,
    /// The account is locked for a while.
    Locked,
    /// The password has expired or must be changed.
    PasswordExpired,
}

/// A directory.
pub struct Directory {
    settings: Settings,
    tls: Arc<ClientConfig>,
    world: World,
    /// Connections that are bound as our own account.
    lookups: Pool,
    /// Connections on which nothing is done but binding.
    binds: Pool,
}

impl Directory {
    /// Looks the settings over; connects to nobody yet.
    ///
    /// # Errors
    /// [`LdapError::Settings`].
    pub fn new(settings: Settings, world: World) -> Result<Self, LdapError> {
        if settings.servers.is_empty() {
            return Err(LdapError::Settings("no server"));
        }
        for server in &settings.servers {
            server.check()?;
        }
        let (dn, password) = &settings.account;
        if dn.is_empty() || password.expose().is_empty() {
            return Err(LdapError::Settings("an account without name or password"));
        }
        let tls = settings.authorities.config()?;
        let size = settings.connections.clamp(1, 64);
        Ok(Self { settings, tls, world, lookups: Pool::new(size), binds: Pool::new(size) })
    }

    /// The entry of a person, if there is one.
    ///
    /// # Errors
    /// [`LdapError`]; [`LdapError::Ambiguous`] if several fit.
    pub async fn find(&self, name: &str) -> Result<Option<Entry>, LdapError> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Ok(None);
        }
        let _place = self.lookups.place(self.settings.patience).await?;
        // A connection that was kept may be gone by now; a new one is tried once.
        if let Some(mut kept) = self.lookups.take(self.world.now())
            && let Ok((found, outcome)) = self.search(&mut kept, name).await
        {
            self.lookups.give(kept, self.world.now());
            return one(found, &outcome);
        }
        let mut connection = self.open().await?;
        let (dn, password) = &self.settings.account;
        match self.bound(&mut connection, dn, password).await?.code {
            SUCCESS => {}
            INVALID_CREDENTIALS => return Err(LdapError::Account),
            code => return Err(LdapError::Result(code)),
        }
        let (found, outcome) = self.search(&mut connection, name).await?;
        self.lookups.give(connection, self.world.now());
        one(found, &outcome)
    }

    /// Whether `password` is that of the person who is called `name`.
    ///
    /// # Errors
    /// [`LdapError`] if the directory gave no answer that counts: then nothing is known, and nobody is let in.
    pub async fn authenticate(&self, name: &str, password: &SecretString) -> Result<Outcome, LdapError> {
        let wrong = Ok(Outcome::Refused(Refusal::Wrong));
        // An empty password would be an anonymous bind, and succeed.
        if password.expose().is_empty() || password.expose().len() > MAX_PASSWORD {
            return wrong;
        }
        let entry = self.find(name).await?.filter(|entry| !entry.dn.is_empty());
        // For a name that nobody has there is a bind, too, to no avail: else time would tell who is in the directory.
        let dn = entry.as_ref().map_or_else(|| self.nobody(), |entry| entry.dn.clone());
        let _place = self.binds.place(self.settings.patience).await?;
        let kept = match self.binds.take(self.world.now()) {
            Some(mut kept) => self.bound(&mut kept, &dn, password).await.ok().map(|outcome| (kept, outcome)),
            None => None,
        };
        let (connection, outcome) = match kept {
            Some(both) => both,
            None => {
                let mut connection = self.open().await?;
                let outcome = self.bound(&mut connection, &dn, password).await?;
                (connection, outcome)
            }
        };
        self.binds.give(connection, self.world.now());
        let Some(entry) = entry else { return wrong };
        match outcome.code {
            SUCCESS => Ok(Outcome::Allowed(entry)),
            INVALID_CREDENTIALS | NO_SUCH_OBJECT => Ok(Outcome::Refused(refusal(&outcome.diagnostic))),
            code => Err(LdapError::Result(code)),
        }
    }

    /// As much as [`authenticate`](Self::authenticate) does, for nobody: for whoever mustn't learn by time that nobody was meant.
    ///
    /// # Errors
    /// [`LdapError`] if the directory gave no answer.
    pub async fn pretend(&self, password: &SecretString) -> Result<(), LdapError> {
        self.authenticate(&self.made_up(), password).await.map(drop)
    }

    /// A name that nobody has.
    fn made_up(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.world.bytes::<16>())
    }

    /// Where nobody is.
    fn nobody(&self) -> String {
        match self.settings.search.base.as_str() {
            "" => format!("cn={}", self.made_up()),
            base => format!("cn={},{base}", self.made_up()),
        }
    }

    /// Whether the directory can be asked: connects anew, binds as our own account, and says goodbye.
    ///
    /// # Errors
    /// [`LdapError`].
    pub async fn check(&self) -> Result<(), LdapError> {
        let mut connection = self.open().await?;
        let (dn, password) = &self.settings.account;
        let outcome = self.bound(&mut connection, dn, password).await?;
        let _late = timeout(self.settings.patience, connection.close()).await;
        match outcome.code {
            SUCCESS => Ok(()),
            INVALID_CREDENTIALS => Err(LdapError::Account),
            code => Err(LdapError::Result(code)),
        }
    }

    /// A connection to the first server that can be reached.
    async fn open(&self) -> Result<Connection, LdapError> {
        let mut last = LdapError::Unreachable;
        for server in &self.settings.servers {
            match Connection::open(server, &self.tls, self.settings.patience).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn bound(&self, on: &mut Connection, dn: &str, password: &SecretString) -> Result<Answered, LdapError> {
        timeout(self.settings.patience, on.bind(dn, password)).await.map_err(|_| LdapError::TimedOut)?
    }

    async fn search(&self, on: &mut Connection, name: &str) -> Result<(Vec<Found>, Answered), LdapError> {
        let search = &self.settings.search;
        let filter = search.filter.encode(name);
        let request = SearchRequest {
            base: &search.base,
            scope: search.scope,
            // A second one is enough to know that it isn't clear.
            limit: 2,
            seconds: u32::try_from(self.settings.patience.as_secs()).unwrap_or(10).max(1),
            filter: &filter,
            attributes: &search.attributes,
        };
        timeout(self.settings.patience, on.search(&request)).await.map_err(|_| LdapError::TimedOut)?
    }
}

fn one(mut found: Vec<Found>, outcome: &Answered) -> Result<Option<Entry>, LdapError> {
    match outcome.code {
        SUCCESS => {}
        SIZE_LIMIT => return Err(LdapError::Ambiguous),
        NO_SUCH_OBJECT => return Ok(None),
        code => return Err(LdapError::Result(code)),
    }
    let first = found.pop();
    if !found.is_empty() {
        return Err(LdapError::Ambiguous);
    }
    Ok(first.map(|found| Entry { dn: found.dn, attributes: found.attributes }))
}

/// Active Directory says why in its text: `… comment: AcceptSecurityContext error, data 775, v4563`.
fn refusal(diagnostic: &str) -> Refusal {
    let reason = diagnostic.split_once(" data ").map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or(""));
    match reason {
        Some("533" | "701" | "530" | "531") => Refusal::Disabled,
        Some("775") => Refusal::Locked,
        Some("532" | "773") => Refusal::PasswordExpired,
        _ => Refusal::Wrong,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
