//! The crate as the floors above see it. One binary, so that it links once.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod attestation;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod service;
#[cfg(test)]
mod tpm;
#[cfg(test)]
mod vectors;
