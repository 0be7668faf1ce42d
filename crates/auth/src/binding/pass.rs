//! A session at an application's own host, where neither its cookie nor its key can be: carried over once, and then shown by a pass.
//!
//! A pass says which session it stands for. Whoever takes one looks at that session each time, so it ends when the session does.

use super::{Holder, Kind};
use crate::{Auth, AuthError, account::Session};
use std::time::Duration;
use types::{Millis, SecretString, SessionId, TenantId};

/// How long a pass can be good at the longest; an application may set less.
pub const PASS_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// Between the session's id and the mark.
const BETWEEN: char = '.';

/// A pass, or what was carried over, that is good.
pub struct Passed {
    /// The session, as it is now.
    pub session: Session,
    /// When it was made.
    pub made: Millis,
}

impl Auth {
    /// Carries a session over to another host: `about` says to which, and for whom. Good once, for a minute.
    pub async fn hand_over(&self, session: &Session, about: &str) -> Result<SecretString, AuthError> {
        self.name_mark(session, Kind::HandOver, about).await
    }

    /// Takes a session over: of many with the same text one is given it.
    pub async fn take_over(&self, tenant: TenantId, text: &str, about: &str) -> Result<Option<Passed>, AuthError> {
        let Some((id, mark)) = parts(text) else { return Ok(None) };
        let Some(mark) = self.read_mark(tenant, Kind::HandOver, id, about, mark).await? else { return Ok(None) };
        let Some(session) = self.session_by_id(tenant, id).await? else { return Ok(None) };
        let mut tx = self.store.tenant(tenant).begin().await?;
        if !self.spend(&mut tx, Holder::from(&session), &mark).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(Passed { session, made: mark.made() }))
    }

    /// A pass of a session; `about` says for what.
    pub async fn pass(&self, session: &Session, about: &str) -> Result<SecretString, AuthError> {
        self.name_mark(session, Kind::Pass, about).await
    }

    /// The session of a pass; none where it isn't ours, is for something else, or is over, or where the session is.
    pub async fn passed(&self, tenant: TenantId, text: &str, about: &str) -> Result<Option<Passed>, AuthError> {
        let Some((id, mark)) = parts(text) else { return Ok(None) };
        let Some(mark) = self.read_mark(tenant, Kind::Pass, id, about, mark).await? else { return Ok(None) };
        let session = self.session_by_id(tenant, id).await?;
        Ok(session.map(|session| Passed { session, made: mark.made() }))
    }

    async fn name_mark(&self, session: &Session, kind: Kind, about: &str) -> Result<SecretString, AuthError> {
        let mark = self.make_mark(session.tenant(), kind, session.id(), about).await?;
        Ok(SecretString::new(format!("{}{BETWEEN}{}", session.id(), mark.expose())))
    }
}

fn parts(text: &str) -> Option<(SessionId, &str)> {
    // Longer than any: not looked at.
    let (id, mark) = text.split_once(BETWEEN).filter(|_| text.len() <= 160)?;
    Some((id.parse().ok()?, mark))
}
