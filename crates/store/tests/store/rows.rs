//! Rows of what a browser leaves behind, ready to be made.

use crate::support::{NOW, Site};
use countersign_store::{ChangeRow, GrantRow, PasskeyRow, RecoveryRow, SessionRow, SignInEnd, SignInRow};
use types::{Millis, SessionId, UserId};

/// Ten minutes after the clock of every site.
pub(crate) const LATER: Millis = Millis(NOW.0 + 600_000);
/// The application of every sign-in here.
pub(crate) const IKEY: &str = "DIAAAAAAAAAAAAAAAAAA";
/// The code of a sign-in that [`allowed`] ends.
pub(crate) const CODE: [u8; 32] = [7; 32];

/// How a sign-in ends that gives [`CODE`].
pub(crate) fn allowed(user: UserId) -> SignInEnd<'static> {
    SignInEnd { state: "allowed", user: Some(user), result: Some(vec![8]), code: Some(CODE), expires: LATER }
}

impl Site {
    pub(crate) fn new_passkey(&self, user_id: UserId, credential: u8) -> PasskeyRow {
        PasskeyRow {
            id: self.id(),
            user_id,
            credential_id: vec![credential; 32],
            credential: vec![1; 77],
            name: "laptop".to_owned(),
            aaguid: "00000000-0000-0000-0000-000000000000".to_owned(),
            transports: "internal,hybrid".to_owned(),
            counter: 0,
            backup_eligible: true,
            backed_up: false,
            user_verified: true,
            attestation: "none".to_owned(),
            suspended_at: None,
            suspended_reason: String::new(),
            last_used: None,
            created: NOW,
        }
    }

    pub(crate) fn new_sign_in(&self) -> SignInRow {
        SignInRow {
            id: self.id(),
            ikey: IKEY.to_owned(),
            user_id: None,
            browser: vec![1; 32],
            purpose: "application".to_owned(),
            state: "open".to_owned(),
            request: vec![2; 100],
            ceremony: None,
            attempt: None,
            canary: String::new(),
            canary_host: String::new(),
            result: None,
            code: None,
            created: NOW,
            expires: LATER,
            decided_at: None,
            redeemed_at: None,
        }
    }

    pub(crate) fn new_session(&self, user_id: UserId) -> SessionRow {
        SessionRow {
            id: self.id(),
            user_id,
            digest: vec![3; 32],
            strength: "passkey".to_owned(),
            detail: vec![4; 60],
            created: NOW,
            last_seen: NOW,
            expires: LATER,
            ended_at: None,
            level: 3,
            amr: "hwk,user,mfa".to_owned(),
            auth_time: NOW,
            bound_key: None,
            proved_at: Millis(0),
        }
    }

    pub(crate) fn new_grant(&self, user_id: UserId, session_id: SessionId, digest: u8) -> GrantRow {
        GrantRow {
            digest: vec![digest; 32],
            session_id,
            user_id,
            action: "add".to_owned(),
            expires: LATER,
            used_at: None,
        }
    }

    pub(crate) fn new_recovery(&self, user_id: UserId, kind: &str) -> RecoveryRow {
        RecoveryRow {
            id: self.id(),
            user_id,
            kind: kind.to_owned(),
            digest: vec![5; 32],
            expires: (kind == "pass").then_some(LATER),
            used_at: None,
            created: NOW,
            created_by: "user".to_owned(),
        }
    }

    pub(crate) fn new_change(&self, user_id: UserId, undo: u8) -> ChangeRow {
        ChangeRow {
            id: self.id(),
            user_id,
            kind: "passkey".to_owned(),
            object: "WAAAAAAAAAAAAAAAAAAA".to_owned(),
            label: "laptop".to_owned(),
            undo: vec![undo; 32],
            made_at: NOW,
            undo_until: LATER,
            undone_at: None,
            made_by: "user".to_owned(),
        }
    }
}
