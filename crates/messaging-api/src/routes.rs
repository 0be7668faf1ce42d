//! The table of routes: every request that this door answers.

use crate::{
    account, calls, lookup, messages,
    pipeline::{Handler, Method},
    verify,
};

/// One request.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As the router takes it. A segment in braces is given to the handler, without `.json` at its end.
    pub(crate) path: &'static str,
    pub(crate) run: Handler,
}

/// All of them, by what they are about.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    [account::ROUTES, messages::ROUTES, calls::ROUTES, verify::ROUTES, lookup::ROUTES].into_iter().flatten()
}

/// A request, for tests that walk all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// `GET`, `POST`, `DELETE`.
    pub method: &'static str,
    /// With its segments in braces.
    pub path: &'static str,
}

/// Every request that this door answers.
pub fn surface() -> impl Iterator<Item = Surface> {
    all().map(|route| Surface { method: route.method.as_str(), path: route.path })
}
