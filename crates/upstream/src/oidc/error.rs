//! Why a provider's word wasn't taken.

use jose::JoseError;
use outbound::FetchError;

/// Why a provider's word wasn't taken. None of the texts repeats what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// What we are registered as can't be used; what of it.
    #[error("the registration can't be used: {0}")]
    Registration(&'static str),
    /// The provider couldn't be asked.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It couldn't be asked a moment ago, and is asked again in a minute.
    #[error("the provider could not be reached a moment ago")]
    Paused,
    /// Its answer isn't what it should be; which one.
    #[error("the provider's {0} is not what it should be")]
    Answer(&'static str),
    /// The provider's own description names another issuer, or what comes back does (RFC 9207): a mix-up.
    #[error("the answer is from another provider")]
    Issuer,
    /// The browser came back with what this sign-in didn't begin, or with something twice.
    #[error("the browser came back from another sign-in")]
    State,
    /// The provider refused.
    #[error("the provider refused: {0}")]
    Denied(Denied),
    /// The code wasn't redeemed.
    #[error("the provider didn't redeem the code")]
    Code,
    /// The id token doesn't count.
    #[error(transparent)]
    Token(#[from] JoseError),
    /// The id token was made for another sign-in.
    #[error("the token was made for another sign-in")]
    Nonce,
    /// The sign-in at the provider is older than what was asked for.
    #[error("the sign-in at the provider is too old")]
    Stale,
    /// The provider signed the person in by other means than what was asked for.
    #[error("the sign-in at the provider was weaker than what was asked for")]
    Context,
    /// What userinfo says is about somebody else.
    #[error("the provider's userinfo is about somebody else")]
    Subject,
}

/// Why a provider refused (OpenID Connect Core, 3.1.2.6; RFC 6749, 4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// The person, or the provider, said no.
    AccessDenied,
    /// Somebody would have to be asked, and nobody was to be.
    InteractionRequired,
    /// The provider has trouble.
    Unavailable,
    /// Anything else.
    Other,
}

impl Denied {
    pub(super) fn by_code(code: &str) -> Self {
        match code {
            "access_denied" => Self::AccessDenied,
            "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
                Self::InteractionRequired
            }
            "server_error" | "temporarily_unavailable" => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "access denied",
            Self::InteractionRequired => "somebody would have to be asked",
            Self::Unavailable => "the provider has trouble",
            Self::Other => "an error",
        })
    }
}
