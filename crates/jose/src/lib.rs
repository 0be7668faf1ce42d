//! Signed tokens as types: nothing of a token can be read before its signature, its algorithm and its times were verified.
