//! `GET` and `POST /oidc/authorize`: an application sends a browser here with what it asks for.

pub(crate) mod claims_parameter;
pub(crate) mod reply;
pub(crate) mod request;
