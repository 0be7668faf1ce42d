//! Signatures; bodies follow.

use super::{Browser, Choices, Finished, Opened, Purpose, Redeemed, Sighting, SignIn, Step};
use crate::{Application, Auth, AuthError, DeviceId, Factor};
use std::{sync::Arc, time::Duration};
use types::{SecretString, SignInId, TenantId};

const LATER: AuthError = AuthError::Refused("not yet");

#[expect(clippy::unused_async, unused_variables, reason = "signatures first")]
impl Auth {
    /// Opens a sign-in.
    pub async fn open_sign_in(
        &self,
        app: &Application,
        username: Option<&str>,
        purpose: Purpose,
        browser: &Browser,
    ) -> Result<Opened, AuthError> {
        Err(LATER)
    }

    /// The tenant's own application for its pages, made when first needed.
    pub async fn portal(&self, tenant: TenantId) -> Result<Arc<Application>, AuthError> {
        Err(LATER)
    }

    /// Finds a sign-in.
    pub async fn sign_in(&self, tenant: TenantId, id: SignInId, browser: &str) -> Result<SignIn, AuthError> {
        Err(LATER)
    }

    /// Names the person.
    pub async fn name_user(&self, sign_in: &mut SignIn, username: &str) -> Result<(), AuthError> {
        Err(LATER)
    }

    /// What can be done.
    pub async fn choices(&self, sign_in: &SignIn, browser: &Browser) -> Result<Choices, AuthError> {
        Err(LATER)
    }

    /// The path with a code at which the person enrols, where `Choices::enroll` says that they may.
    pub async fn enroll_here(&self, sign_in: &SignIn, browser: &Browser) -> Result<Option<SecretString>, AuthError> {
        Err(LATER)
    }

    /// Starts a passkey ceremony.
    pub async fn passkey_options(&self, sign_in: &SignIn, browser: &Browser) -> Result<serde_json::Value, AuthError> {
        Err(LATER)
    }

    /// Takes a passkey's answer.
    pub async fn passkey_answer(&self, sign_in: &SignIn, browser: &Browser, response: &[u8]) -> Result<Step, AuthError> {
        Err(LATER)
    }

    /// Tries a factor.
    pub async fn attempt(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        factor: Factor,
        device: Option<DeviceId>,
    ) -> Result<Step, AuthError> {
        Err(LATER)
    }

    /// Waits for news of the sign-in's prompt or call, at most `patience`.
    pub async fn follow(&self, sign_in: &SignIn, patience: Duration) -> Result<Step, AuthError> {
        Err(LATER)
    }

    /// Gives up; where to go, for an application.
    pub async fn cancel_sign_in(&self, sign_in: &SignIn) -> Result<Option<String>, AuthError> {
        Err(LATER)
    }

    /// A cookie that remembers this browser after an allowed sign-in, and for how long it serves.
    pub async fn remember(&self, sign_in: &SignIn) -> Result<Option<(SecretString, Duration)>, AuthError> {
        Err(LATER)
    }

    /// Hands over what an allowed sign-in gives.
    pub async fn finish_sign_in(&self, sign_in: &SignIn, browser: &Browser) -> Result<Finished, AuthError> {
        Err(LATER)
    }

    /// Redeems an application's code.
    pub async fn redeem(&self, app: &Application, code: &str, redirect_uri: &str) -> Result<Redeemed, AuthError> {
        Err(LATER)
    }

    /// What a beacon has seen. `host` is the foreign name, for an alert.
    pub async fn mark_canary(
        &self,
        tenant: TenantId,
        id: SignInId,
        sighting: Sighting,
        host: &str,
    ) -> Result<(), AuthError> {
        Err(LATER)
    }
}
