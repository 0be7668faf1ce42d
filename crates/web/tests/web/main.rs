//! The pages, as browsers and as attackers meet them: through the router that the server serves.

mod assets;
mod defence;
mod hostile;
mod pages;
mod sign_in;
mod support;
mod texts;
mod tour;
