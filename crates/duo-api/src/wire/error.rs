//! What a client is told when its request fails: one five-digit code, a message, and always a detail.

use http::StatusCode;
use std::borrow::Cow;

/// A refusal as Duo's clients read it.
///
/// The first three digits of the code are the HTTP status. Code, message and detail are all present in every answer:
/// Vault and OpenBao dereference the detail unguarded, and duo_unix needs a code that is a number other than 0.
///
/// duo_unix with its default `failmode=safe` lets a user in when preauth is answered by 401 or 5xx, and denies on every
/// other 4xx. So 401 is kept for bad credentials alone, and [`ApiError::internal`] must not be the answer of preauth,
/// auth or status (answer those with a denial).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message} ({detail})")]
pub struct ApiError {
    code: u32,
    message: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<u32>,
}

impl ApiError {
    const fn new(code: u32, message: &'static str, detail: Cow<'static, str>) -> Self {
        Self { code, message, detail, retry_after: None }
    }

    /// 40001: a parameter that must be there isn't. The detail is its name (README of basecamp's duo-api).
    pub fn missing_parameter(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(40_001, "Missing required request parameters", name.into())
    }

    /// 40002: a parameter is wrong. The detail is its name, or a phrase such as `no capable device` (Duo's Postman
    /// collection). It must never carry the value.
    pub fn invalid_parameter(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(40_002, "Invalid request parameters", detail.into())
    }

    /// 40003: what should be made is there already. Not seen from Duo; its Admin API often says 40002 instead.
    pub fn duplicate(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(40_003, "Duplicate resource", detail.into())
    }

    /// 40101: no `Authorization` header.
    #[must_use]
    pub const fn missing_credentials() -> Self {
        Self::new(40_101, "Missing request credentials", Cow::Borrowed("The Authorization header is missing."))
    }

    /// 40102: no integration has this key, or it is switched off.
    #[must_use]
    pub const fn invalid_integration_key() -> Self {
        Self::new(
            40_102,
            "Invalid integration key in request credentials",
            Cow::Borrowed("No active integration has this key."),
        )
    }

    /// 40103: no accepted form of the request has this signature.
    #[must_use]
    pub const fn invalid_signature() -> Self {
        Self::new(
            40_103,
            "Invalid signature in request credentials",
            Cow::Borrowed("Check the secret key, the host name and the signature version."),
        )
    }

    /// 40104: the `Authorization` header is not `Basic base64(key ":" hex digest)`. The code was not seen from Duo.
    #[must_use]
    pub const fn malformed_credentials() -> Self {
        Self::new(
            40_104,
            "Malformed request credentials",
            Cow::Borrowed("The Authorization header must be Basic, an integration key and a hexadecimal signature."),
        )
    }

    /// 40105: the signed date is absent, unreadable, or more than five minutes away.
    pub fn bad_timestamp(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(40_105, "Bad request timestamp", detail.into())
    }

    /// 40301: the integration may not do this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(40_301, "Access forbidden", detail.into())
    }

    /// 40301 with the detail that Duo gives when, say, an Auth API integration calls the Admin API (Postman collection).
    #[must_use]
    pub const fn wrong_integration_type() -> Self {
        Self::new(40_301, "Access forbidden", Cow::Borrowed("Wrong integration type for this API."))
    }

    /// 40301: this very signature was used before. Not 401, which duo_unix may take as leave to let the user in.
    #[must_use]
    pub const fn replayed() -> Self {
        Self::new(40_301, "Access forbidden", Cow::Borrowed("This signed request was already received."))
    }

    /// 40401: no such thing, or it belongs to another tenant.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(40_401, "Resource not found", Cow::Borrowed("There is no such resource."))
    }

    /// 40501: the path exists, the method doesn't. Code not seen from Duo.
    #[must_use]
    pub const fn method_not_allowed() -> Self {
        Self::new(40_501, "Method not allowed", Cow::Borrowed("This path does not answer that method."))
    }

    /// 42901: too much, come back in `retry_after` seconds.
    ///
    /// duo_unix 2.1 and later waits as told when that is 32 seconds or less and gives up otherwise; the libraries wait
    /// 1, 2, 4 … 32 seconds whatever they are told, **and send the same signature again**: such a request must not
    /// stay in the [`ReplayLedger`](super::ReplayLedger).
    #[must_use]
    pub const fn too_many_requests(retry_after: u32) -> Self {
        let mut error = Self::new(42_901, "Too Many Requests", Cow::Borrowed("Rate limit exceeded. Try again later."));
        error.retry_after = Some(retry_after);
        error
    }

    /// 50000: our fault. The cause goes to the log, not to the client. Never for preauth, auth or status (see the type).
    #[must_use]
    pub const fn internal() -> Self {
        Self::new(50_000, "Server error", Cow::Borrowed("The server could not complete the request."))
    }

    /// The five digits.
    #[must_use]
    pub const fn code(&self) -> u32 {
        self.code
    }

    /// What the code means.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        self.message
    }

    /// Which parameter, or why. Never empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        if self.detail.is_empty() { self.message } else { &self.detail }
    }

    /// Seconds to wait, for a 429.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The HTTP status: the code's first three digits.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        u16::try_from(self.code / 100)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// One of each, for tests that hold for all of them.
    #[cfg(test)]
    pub(crate) fn one_of_each() -> Vec<Self> {
        vec![
            Self::missing_parameter("username"),
            Self::invalid_parameter("no capable device"),
            Self::invalid_parameter(""),
            Self::duplicate("username already exists"),
            Self::missing_credentials(),
            Self::invalid_integration_key(),
            Self::invalid_signature(),
            Self::malformed_credentials(),
            Self::bad_timestamp("too old"),
            Self::forbidden("grant"),
            Self::wrong_integration_type(),
            Self::replayed(),
            Self::not_found(),
            Self::method_not_allowed(),
            Self::too_many_requests(7),
            Self::internal(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_the_first_three_digits() {
        for error in ApiError::one_of_each() {
            assert!((40_000..60_000).contains(&error.code()), "{error}");
            assert_eq!(u32::from(error.status().as_u16()), error.code() / 100, "{error}");
        }
    }

    #[test]
    fn the_codes_are_those_that_duos_clients_know() {
        let codes: Vec<_> = ApiError::one_of_each().iter().map(ApiError::code).collect();
        for code in
            [40_001, 40_002, 40_003, 40_101, 40_102, 40_103, 40_104, 40_105, 40_301, 40_401, 40_501, 42_901, 50_000]
        {
            assert!(codes.contains(&code), "{code}");
        }
    }

    #[test]
    fn constraint_3_only_bad_credentials_answer_401() {
        for error in ApiError::one_of_each() {
            let about_credentials =
                error.message().contains("credentials") || error.message() == "Bad request timestamp";
            assert_eq!(error.status() == StatusCode::UNAUTHORIZED, about_credentials, "{error}");
        }
    }

    #[test]
    fn only_a_429_tells_when_to_come_back() {
        for error in ApiError::one_of_each() {
            assert_eq!(error.retry_after().is_some(), error.status() == StatusCode::TOO_MANY_REQUESTS, "{error}");
        }
    }
}
