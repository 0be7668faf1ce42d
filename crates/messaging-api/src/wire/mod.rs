//! What goes over the wire: forms in, JSON out, names of things, times, pages, errors.

mod date;
mod error;
mod form;
mod page;
mod reply;
mod sid;

pub(crate) use date::{instant, iso, rfc2822, span};
pub(crate) use error::{ApiError, rejected};
pub(crate) use form::{Form, words};
pub(crate) use page::Paging;
pub(crate) use reply::Reply;
pub(crate) use sid::{Prefix, sid, uuid_of};
