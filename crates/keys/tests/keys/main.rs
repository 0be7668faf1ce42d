//! The crate as the floors above see it. One binary, so that it links once.

#[cfg(test)]
mod day_keys;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod root_file;
#[cfg(test)]
mod root_token;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod support;
