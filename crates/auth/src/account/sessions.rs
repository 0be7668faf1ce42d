//! Sessions of a person's own pages.

use super::Strength;
use types::{Millis, SessionId, TenantId, UserId};

/// A session that was checked, now.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) tenant: TenantId,
    pub(super) id: SessionId,
    pub(super) user: UserId,
    pub(super) username: String,
    pub(super) strength: Strength,
    pub(super) created: Millis,
    pub(super) expires: Millis,
}

impl Session {
    /// Whose tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Whose.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The user's name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// By what it was opened.
    #[must_use]
    pub const fn strength(&self) -> Strength {
        self.strength
    }

    /// When it was opened.
    #[must_use]
    pub const fn created(&self) -> Millis {
        self.created
    }

    /// Until when it lasts at the longest.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.expires
    }
}

/// A session as its owner sees it in the list.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// By what it was opened.
    pub strength: Strength,
    /// When it was opened.
    pub created: Millis,
    /// When it was last used, within a minute.
    pub last_seen: Millis,
    /// The address that it was opened from; empty if unknown.
    pub ip: String,
    /// The browser's own words about itself; whoever shows them escapes them.
    pub user_agent: String,
}
