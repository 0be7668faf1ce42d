//! How often a tenant's integration may call: Duo's limits (a maintainer's words, duo_client_python issue 101, and its
//! documentation later for the logs).

use crate::{
    door::Call,
    wire::{ApiError, Envelope},
};
use std::{future::Future, time::Duration};
use store::{StoreError, fields, limits::Limit};

/// What is counted together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Class {
    /// Changes: 300 a minute.
    Modify,
    /// Single objects: 300 a minute.
    One,
    /// Pages: 200 a minute.
    Page,
    /// Logs: 50 a minute.
    Log,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Class {
    const fn limit(self) -> Limit {
        let max = match self {
            Self::Modify | Self::One => 300,
            Self::Page => 200,
            Self::Log => 50,
        };
        Limit { max, window: MINUTE }
    }

    const fn name(self) -> &'static [u8] {
        match self {
            Self::Modify => b"modify",
            Self::One => b"one",
            Self::Page => b"page",
            Self::Log => b"log",
        }
    }
}

/// Does `handler` if the integration has calls of this class left.
pub(super) async fn within<F>(call: Call, class: Class, handler: fn(Call) -> F) -> Result<Envelope, ApiError>
where
    F: Future<Output = Result<Envelope, ApiError>>,
{
    match spend(&call, class).await {
        Ok(true) => handler(call).await,
        Ok(false) => Err(ApiError::too_many_requests(60)),
        Err(error) => Err(super::desk::failed(&error)),
    }
}

async fn spend(call: &Call, class: Class) -> Result<bool, StoreError> {
    let scope = call.auth().store().tenant(call.app.tenant);
    let parts: [&[u8]; 3] = [b"admin api", class.name(), call.app.ikey.as_bytes()];
    let bucket = scope.keys().await?.digest(fields::LIMIT, &parts);
    let mut tx = scope.begin().await?;
    let left = tx.spend(bucket, class.limit(), 1, call.auth().world().now()).await?;
    tx.commit().await?;
    Ok(left)
}
