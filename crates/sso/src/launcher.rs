//! The applications that a person may open, for the page that shows them.

use crate::{Protocol, RelyingParty, Sso, SsoError, party::Kind};
use auth::{AuthError, Client, Subject, Verdict};
use std::sync::Arc;
use types::{TenantId, UserId};

/// So many are shown at most.
const MOST: usize = 500;
/// So many are read at once.
const PIECE: i64 = 100;

/// An application in the launcher.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The key of its integration.
    pub ikey: String,
    /// Its name.
    pub name: String,
    /// One line about it; empty for none.
    pub about: String,
    /// Where it is opened: an address that was checked, or a path on this host.
    pub url: String,
    /// Its picture as a `data:` address; none: its initial.
    pub icon: Option<String>,
    /// How it signs people in.
    pub protocol: Protocol,
    /// Whether `url` is where an OpenID client is asked to begin a sign-in (OpenID Connect Core §4), and is to be told who asks.
    pub initiates: bool,
}

impl Sso {
    /// What a person may open, by name. The engine is asked for each, as it would be at its door.
    pub async fn launcher(&self, tenant: TenantId, user: UserId, client: &Client) -> Result<Vec<Tile>, SsoError> {
        let mut tiles = Vec::new();
        for party in self.parties_of(tenant).await? {
            let Some(url) = start_of(&party) else { continue };
            if party.settings.tile.hidden || !party.app.enabled {
                continue;
            }
            let admission = match self.auth().admit(&party.app, &Subject::Id(user), client).await {
                Err(AuthError::NoUser) => return Ok(Vec::new()),
                done => done?,
            };
            if !matches!(admission.decision.verdict, Verdict::Allow | Verdict::Challenge) {
                continue;
            }
            tiles.push(Tile {
                ikey: party.ikey().to_owned(),
                name: party.app.name.clone(),
                about: party.settings.tile.about.clone(),
                url,
                icon: party.settings.tile.icon.clone(),
                protocol: party.protocol,
                initiates: party.protocol == Protocol::Oidc && party.settings.tile.url.is_none(),
            });
        }
        tiles.sort_by_key(|tile| tile.name.to_lowercase());
        Ok(tiles)
    }

    /// All relying parties of a tenant, in the order of their keys.
    pub async fn parties_of(&self, tenant: TenantId) -> Result<Vec<Arc<RelyingParty>>, SsoError> {
        let (mut parties, mut after) = (Vec::new(), String::new());
        loop {
            let rows = self.store().tenant(tenant).relying_parties(&after, PIECE).await?;
            let Some(last) = rows.last() else { return Ok(parties) };
            last.ikey.clone_into(&mut after);
            for row in rows {
                if let Some(party) = self.party_of(tenant, &row.ikey).await? {
                    parties.push(party);
                }
            }
            if parties.len() >= MOST {
                return Ok(parties);
            }
        }
    }
}

/// Where an application is opened.
fn start_of(party: &RelyingParty) -> Option<String> {
    if let Some(url) = &party.settings.tile.url {
        return Some(url.clone());
    }
    match &party.settings.kind {
        Kind::Oidc(client) => client.initiate_login_uri.clone(),
        Kind::Saml(saml) => saml.allow_idp_initiated.then(|| format!("/saml/start/{}", party.ikey())),
        Kind::Forward(host) => Some(host.origin.clone()),
    }
}
