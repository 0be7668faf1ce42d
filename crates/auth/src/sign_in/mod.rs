//! One sign-in in a browser, for every door: Universal Prompt, the person's own pages, a step-up inside a session, single sign-on.
//!
//! A door opens one ([`Auth::open_sign_in`]) and sends the browser to its page. The page finds it by id and by the secret that only
//! this browser has ([`Auth::sign_in`]), shows what can be done ([`Auth::choices`]), tries factors through the engine that every door
//! uses ([`Auth::attempt`], [`Auth::passkey_answer`], [`Auth::follow`]), and hands the end over once ([`Auth::finish_sign_in`]).
//!
//! The row goes from `open` to `allowed` or `denied`, and from `allowed` to `redeemed`, by conditional updates only: of a hundred who
//! answer at once one wins. What it carries is sealed; the browser's secret and the code for the application are kept as hashes.
//!
//! What a person is offered depends on the account and the policy, never on what the browser says of itself. A browser only counts
//! as known by a secret that an earlier success left in it.
//!
//! To add a purpose: a variant of [`Purpose`], its strictness in `stand.rs`, and its end in `finish.rs`.
//!
//! Who proves who they are at a provider goes there by [`Auth::start_provider`] and comes back by [`Auth::finish_provider`], which is the
//! first of two proofs.
//!
//! [`Auth::start_provider`]: crate::Auth::start_provider
//! [`Auth::finish_provider`]: crate::Auth::finish_provider
//! [`Auth::open_sign_in`]: crate::Auth::open_sign_in
//! [`Auth::sign_in`]: crate::Auth::sign_in
//! [`Auth::choices`]: crate::Auth::choices
//! [`Auth::attempt`]: crate::Auth::attempt
//! [`Auth::passkey_answer`]: crate::Auth::passkey_answer
//! [`Auth::follow`]: crate::Auth::follow
//! [`Auth::finish_sign_in`]: crate::Auth::finish_sign_in

mod agent;
mod attempt;
mod browsers;
mod canary;
mod choices;
mod code;
mod decide;
mod finish;
mod first;
mod follow;
mod level;
mod model;
mod open;
mod party;
mod passkey;
mod provider;
mod redeem;
mod stand;
mod suits;
mod whose;

pub use agent::Agent;
pub(crate) use level::Assurance;
pub use level::Level;
pub use model::{
    Browser, ChoiceKind, Choices, Done, Finished, Hidden, Opened, Purpose, Redeemed, Sighting, SignIn, SignInState,
    Step,
};
pub use open::{is_local_path, neighbourhood};
pub(crate) use party::relying_party;
pub use provider::Returned;

use std::time::Duration;
use types::SignInId;

/// How long a sign-in may take.
pub const SIGN_IN_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long an application has to redeem its code, and a browser to take its session.
pub const CODE_LIFE: Duration = Duration::from_secs(120);
/// How long a browser stays known after its last success.
pub const BROWSER_LIFE: Duration = Duration::from_secs(180 * 86_400);

/// The name of the cookie that holds a sign-in's browser secret. Each sign-in has its own, so two tabs don't disturb each other.
/// `secure` is whether the page came by https; only there a browser takes the `__Host-` prefix.
#[must_use]
pub fn cookie_name(id: SignInId, secure: bool) -> String {
    let text = id.to_string();
    // The end of the id is chance; the beginning is time.
    let tail = text.get(text.len().saturating_sub(13)..).unwrap_or_default();
    format!("{}countersign-si-{tail}", if secure { "__Host-" } else { "" })
}
