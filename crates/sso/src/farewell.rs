//! Signing out in front of the person: those who can only be told through the browser, one after the other.
//!
//! Service providers that speak SAML are told by a message that the browser carries, and they send it back with their answer. So whoever
//! has ended a session sends the browser on to where the door of SAML does that, and it comes back to `then`. Those that this server tells
//! itself ([`crate::Logouts`]) aren't told a second time in front of the person.

use crate::{Held, Participant, Participation, Sso, SsoError, Visit};
use serde::{Deserialize, Serialize};

/// Where the browser goes to tell the others: the id of what is held stands behind it.
pub const FAREWELL: &str = "/saml/farewell/";
/// More applications than one person opens in a day.
const MOST: usize = 50;

/// Who is still to be told, and what comes after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Farewell {
    /// In this order.
    pub left: Vec<Left>,
    /// A path on this host, or an address that was verified before.
    pub then: String,
}

/// One who is to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Left {
    /// The key of its integration.
    pub ikey: String,
    /// What the session is called there.
    pub sid: String,
    /// What the person is called there.
    pub detail: Participant,
}

impl Farewell {
    /// Of those where a session was ended: those that speak SAML, and can't be told but through the browser.
    #[must_use]
    pub fn left(ended: &[Participation]) -> Vec<Left> {
        let left = ended.iter().filter(|one| needs_browser(one)).map(|one| Left {
            ikey: one.party.ikey().to_owned(),
            sid: one.sid.clone(),
            detail: one.detail.clone(),
        });
        left.take(MOST).collect()
    }
}

fn needs_browser(participation: &Participation) -> bool {
    participation.party.saml().is_some_and(|settings| settings.back_logout().is_none())
}

impl Sso {
    /// Where a browser goes on to when its session has been ended at `ended`, so that everybody is told, and the cookie that it needs
    /// there; it comes to `then` in the end. None where nobody is left to be told through the browser: then go to `then` at once.
    ///
    /// `then` is a path on this host, or an address that the caller has verified.
    pub async fn farewell(
        &self,
        visit: &Visit,
        ended: &[Participation],
        then: &str,
    ) -> Result<Option<(String, Held)>, SsoError> {
        let left = Farewell::left(ended);
        let Some(first) = ended.iter().find(|one| needs_browser(one)) else { return Ok(None) };
        let farewell = Farewell { left, then: then.to_owned() };
        let plain = serde_json::to_vec(&farewell).map_err(|_| SsoError::Damaged("request"))?;
        let held = self.hold(visit, &first.party, &plain, FAREWELL, None).await?;
        Ok(Some((format!("{FAREWELL}{}", held.id), held)))
    }
}
