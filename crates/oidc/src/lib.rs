//! The door for applications that speak OpenID Connect or OAuth.
