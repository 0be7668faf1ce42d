//! Where a session is signed in, and its end everywhere.

use crate::{RelyingParty, SignedIn, Sso, SsoError};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use store::{LogoutDeliveryRow, ParticipantRow, StoreError, fields};
use types::{Millis, SessionId, TenantId, UserId};

/// For so long after the session's own time, it is remembered who is signed in by it.
const BEYOND: Duration = Duration::from_secs(2 * 86_400);

/// How a person is known at a relying party in one session: what its end must name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Participant {
    /// At an OpenID client.
    Oidc {
        /// The subject that it was told.
        subject: String,
    },
    /// At a SAML service provider.
    Saml {
        /// The name identifier that it was given.
        name_id: String,
        /// Its format: a URI.
        format: String,
        /// `NameQualifier`, where one was given.
        name_qualifier: Option<String>,
        /// `SPNameQualifier`, where one was given.
        sp_name_qualifier: Option<String>,
    },
    /// At an application behind a proxy.
    Forward,
}

/// A relying party that a session is signed in to.
#[derive(Clone)]
pub struct Participation {
    /// Which.
    pub party: Arc<RelyingParty>,
    /// What the session is called there.
    pub sid: String,
    /// Here.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// How the person is known there.
    pub detail: Participant,
    /// When it was signed in to first.
    pub created: Millis,
}

impl Sso {
    /// Notes that a session is signed in to a relying party, and gives what it is called there: always the same for one session and one
    /// relying party, and nobody else's (OpenID Connect's `sid`, SAML's `SessionIndex`).
    ///
    /// [`SsoError::Over`] where the session has ended meanwhile: then nothing may be answered.
    pub async fn participate(
        &self,
        signed: &SignedIn,
        party: &RelyingParty,
        detail: &Participant,
    ) -> Result<String, SsoError> {
        let scope = self.store().tenant(signed.tenant);
        let keys = scope.keys().await?;
        let known = scope.participants(signed.session).await?;
        let known = known.into_iter().find(|row| row.ikey == party.ikey());
        let first = known.as_ref().is_none_or(|row| row.ended_at.is_some());
        let sid = match known {
            Some(row) => row.sid,
            None => {
                let digest = keys.digest(fields::SSO_SID, &[signed.session.as_bytes(), party.ikey().as_bytes()]);
                BASE64URL_NOPAD.encode(digest.get(..18).unwrap_or(&digest))
            }
        };
        let plain = serde_json::to_vec(detail).map_err(|_| SsoError::Damaged("participant"))?;
        let now = self.world().now();
        let random = self.world().random.as_ref();
        let mut row = ParticipantRow {
            session_id: signed.session,
            ikey: party.ikey().to_owned(),
            sid: sid.clone(),
            user_id: signed.user,
            detail: keys.seal(fields::sso_participant(&sid), &plain, random).map_err(StoreError::from)?,
            created: now,
            expires: now + BEYOND,
            ended_at: None,
        };
        let mut tx = scope.begin().await?;
        // Held until the commit: whoever ends the session in this moment comes before, and then nobody is signed in, or after, and then
        // this relying party is told.
        let lasts = tx.hold_session(signed.session, signed.user, now).await?.ok_or(SsoError::Over)?;
        row.expires = lasts + BEYOND;
        tx.put_participant(&row).await?;
        if first {
            let opened = self.auth().opened(&party.app, (signed.user, &signed.username), signed.session);
            tx.insert_auth_log(&opened).await?;
        }
        tx.commit().await?;
        Ok(sid)
    }

    /// The relying parties that a session is signed in to and has not been ended at.
    pub async fn participants(&self, tenant: TenantId, session: SessionId) -> Result<Vec<Participation>, SsoError> {
        let rows = self.store().tenant(tenant).participants(session).await?;
        self.read(tenant, rows.into_iter().filter(|row| row.ended_at.is_none())).await
    }

    /// The session that a relying party knows as `sid`; none where there is no such one, or it is another relying party's.
    pub async fn participant_by_sid(&self, party: &RelyingParty, sid: &str) -> Result<Option<Participation>, SsoError> {
        let row = self.store().tenant(party.tenant()).participant_by_sid(sid).await?;
        let mut found = self.read(party.tenant(), row.into_iter().filter(|row| row.ikey == party.ikey())).await?;
        Ok(found.pop())
    }

    /// Where a person is signed in, in all their sessions.
    pub async fn participants_of_user(&self, tenant: TenantId, user: UserId) -> Result<Vec<Participation>, SsoError> {
        let rows = self.store().tenant(tenant).participants_of_user(user, self.world().now()).await?;
        self.read(tenant, rows.into_iter()).await
    }

    /// Ends a session here and everywhere: gives who was signed in to and must be told, in front of the person or behind. Of two who end
    /// it at once, one is given them. `asker`: what the session is called at the one who asked for its end, who needs no word of it.
    pub async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        user: UserId,
        asker: Option<&str>,
    ) -> Result<Vec<Participation>, SsoError> {
        let now = self.world().now();
        let mut tx = self.store().tenant(tenant).begin().await?;
        // In this order: the end of a session ends what is still signed in to, and then there is nobody left to name.
        let ended = tx.end_participants(session, now).await?;
        tx.end_session(session, user, now).await?;
        if let Some(asker) = asker {
            tx.logout_delivered(asker).await?;
        }
        tx.commit().await?;
        self.read(tenant, ended.into_iter().filter(|row| row.user_id == user)).await
    }

    /// How a person is known where word of an end is owed; none where it isn't known any more.
    pub async fn told_as(&self, owed: &LogoutDeliveryRow) -> Result<Option<Participant>, SsoError> {
        let Some(sealed) = &owed.detail else { return Ok(None) };
        let opened = self.store().tenant(owed.tenant).open(fields::sso_participant(&owed.sid), sealed).await?;
        serde_json::from_slice(opened.expose()).map(Some).map_err(|_| SsoError::Damaged("participant"))
    }

    async fn read(
        &self,
        tenant: TenantId,
        rows: impl Iterator<Item = ParticipantRow>,
    ) -> Result<Vec<Participation>, SsoError> {
        let scope = self.store().tenant(tenant);
        let mut read = Vec::new();
        for row in rows {
            // One that was deleted meanwhile can't be told anything.
            let Some(party) = self.party_of(tenant, &row.ikey).await? else { continue };
            let opened = scope.open(fields::sso_participant(&row.sid), &row.detail).await?;
            let detail = serde_json::from_slice(opened.expose()).map_err(|_| SsoError::Damaged("participant"))?;
            read.push(Participation {
                party,
                sid: row.sid,
                session: row.session_id,
                user: row.user_id,
                detail,
                created: row.created,
            });
        }
        Ok(read)
    }
}
