//! Proofs of possession at our own endpoints (RFC 9449): each is accepted once, for this method and address, with a nonce that this server gave
//! minutes ago, so that none can be made in advance.

use crate::frame::{
    error::{Code, OAuthError},
    params::Form,
    place::Place,
};
use sso::{
    OidcClient,
    tokens::{Binding, ProofError, Proving},
};

const WRONG: OAuthError =
    OAuthError::new(Code::InvalidDpopProof, "The DPoP proof is not one for this request, or was used before.");
const NONCE: OAuthError =
    OAuthError::new(Code::UseDpopNonce, "The DPoP proof must have the nonce of the DPoP-Nonce header.");

/// The key that a program's request proves to have; none where it has no proof.
pub(super) async fn proved(
    place: &Place,
    form: &Form,
    path: &str,
    client: &OidcClient,
) -> Result<Option<Binding>, OAuthError> {
    let uri = place.url(path);
    let allowed = client.proof_algorithms();
    let proving = Proving { parts: &form.parts, uri: &uri, token: None, needs_nonce: true, allowed };
    place.sso().grants().proved(place.tenant, proving).await.map_err(refused)
}

/// What a client is told of its proof.
pub(super) fn refused(error: ProofError) -> OAuthError {
    match error {
        ProofError::Refused => WRONG,
        ProofError::Nonce => NONCE,
        ProofError::Ours(error) => OAuthError::ours(&error),
    }
}
