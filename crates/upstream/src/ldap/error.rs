//! Why a directory gave no answer.

/// Why a directory gave no answer that counts. No text repeats a name or a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LdapError {
    /// Settings that would send a password in clear text, or can't be used; what is wrong.
    #[error("the directory's settings can't be used: {0}")]
    Settings(&'static str),
    /// No connection to any of the servers.
    #[error("no server of the directory can be reached")]
    Unreachable,
    /// TLS failed: the certificate isn't right, or StartTLS was refused.
    #[error("TLS to the directory failed")]
    Tls,
    /// It took too long.
    #[error("the directory didn't answer in time")]
    TimedOut,
    /// What came isn't LDAP, or over the limits.
    #[error("the directory sent what is no LDAP message within the limits")]
    Protocol,
    /// Our own account was refused.
    #[error("the directory refused the account that looks people up")]
    Account,
    /// Several entries fit: whose password would it be?
    #[error("several entries fit")]
    Ambiguous,
    /// Another result (RFC 4511, 4.1.9).
    #[error("the directory answered with result {0}")]
    Result(u32),
    /// All connections are in use, and nobody gave one back in time.
    #[error("all connections to the directory are in use")]
    Busy,
}
