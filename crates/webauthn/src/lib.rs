//! Passkey ceremonies and authenticator metadata: what was verified, as types.
