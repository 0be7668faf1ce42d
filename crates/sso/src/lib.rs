//! Single sign-on: what every door that signs people in to applications shares.
