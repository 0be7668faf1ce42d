//! Asking for documents and sounds. How that is done safely is for whoever implements it.

use std::{future::Future, pin::Pin};
use types::SecretString;

/// How something is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Method {
    /// The form stands in the query.
    Get,
    /// The form is the body.
    #[default]
    Post,
}

/// What is asked for.
pub struct Request {
    /// `http` or `https`, and absolute.
    pub url: url::Url,
    /// How.
    pub method: Method,
    /// Which keys were pressed, if that is why it is asked.
    pub digits: Option<SecretString>,
    /// Whether it is a document, which is asked for with the call's parameters, or a sound, which is the same for everybody.
    pub is_document: bool,
    /// The most that is read, in bytes.
    pub limit: usize,
}

/// What came.
pub struct Fetched {
    /// The address that answered in the end: what is relative is so to this one.
    pub url: url::Url,
    /// Its type, as the answer says: `text/xml`, `audio/wav`.
    pub content_type: String,
    /// The answer. It may hold a code.
    pub body: zeroize::Zeroizing<Vec<u8>>,
}

/// Why nothing came.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum FetchError {
    /// An address that may not be asked.
    #[error("this address may not be asked")]
    Forbidden,
    /// No answer, or one of failure.
    #[error("no usable answer came")]
    Failed,
    /// The answer is too long.
    #[error("the answer is too long")]
    TooLong,
}

/// Asks for documents and sounds: with the parameters of the call that its implementation adds, signed as the program expects it,
/// within limits of time and size, and never at an address that only this house should reach.
pub trait Fetch: Send + Sync {
    /// Asks.
    fn fetch<'a>(&'a self, request: Request) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;
}
