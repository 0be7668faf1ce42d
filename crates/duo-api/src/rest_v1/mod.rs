//! REST v1: the API of duo_unix up to 2.1 and of duo_openvpn. The suffix of a path says the encoding: none or `.json` for JSON,
//! `.bson` for BSON.

mod auth;
mod preauth;
mod status;

use crate::{
    door::{Call, Closed, Route, Surface, Verb},
    wire::{ApiError, Envelope},
};

const DENY: Closed = Closed::Deny("status");

macro_rules! routes {
    ($($method:ident $path:literal $closed:ident $handler:path;)*) => {
        &[$(
            Route { method: Verb::$method, path: $path, surface: Surface::Auth, closed: routes!($closed), handler: |call| Box::pin($handler(call)) },
            Route { method: Verb::$method, path: concat!($path, ".json"), surface: Surface::Auth, closed: routes!($closed), handler: |call| Box::pin($handler(call)) },
            Route { method: Verb::$method, path: concat!($path, ".bson"), surface: Surface::Auth, closed: routes!($closed), handler: |call| Box::pin($handler(call)) },
        )*]
    };
    (deny) => { DENY };
    (error) => { Closed::Error };
}

pub(crate) static ROUTES: &[Route] = routes! {
    Get "/rest/v1/ping" error ping;
    Get "/rest/v1/check" error check;
    Post "/rest/v1/preauth" deny preauth::preauth;
    Post "/rest/v1/auth" deny auth::auth;
    Get "/rest/v1/status" deny status::status;
};

async fn ping(_: Call) -> Result<Envelope, ApiError> {
    Ok(Envelope::ok("pong"))
}

async fn check(_: Call) -> Result<Envelope, ApiError> {
    Ok(Envelope::ok("valid"))
}
