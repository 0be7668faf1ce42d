//! The driver against suppliers on this machine that behave as their documentation says, or don't.

mod failures;
mod forgetting;
mod messengers;
mod mock;
mod quiet;
