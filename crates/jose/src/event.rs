//! The kinds of tokens that tell of an event: each has its own, so that none is taken for another (RFC 8725 §3.11). Who makes one writes its
//! claims; it is signed like any other.

/// The kind of a security event token (RFC 8417 §2.3).
pub const TYPE: &str = "secevent+jwt";
/// The kind of a logout token (OpenID Connect Back-Channel Logout §2.4).
pub const LOGOUT_TYPE: &str = "logout+jwt";
