//! The front room over a real store: requests as browsers and programs send them, and what attackers make of them.

mod authorize;
mod bound;
mod clients;
mod codes;
mod hostile;
mod logout;
mod programs;
mod register;
mod support;
mod told;
