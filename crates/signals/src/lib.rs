//! The door by which applications hear that a session or a credential is no more.
