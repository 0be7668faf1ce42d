//! The other side of a dialog, and the way to it (RFC 3261 §12.1.2, §12.2.1.1, §16.12).

use super::Hop;
use crate::message::{Message, NameAddr, Uri, split_list};

use zeroize::Zeroizing;

/// The most proxies that a way may have.
const MAX_ROUTES: usize = 16;

/// Who answered.
#[derive(Clone)]
pub(super) struct Peer {
    /// Tells apart those who answered one INVITE.
    pub(super) tag: String,
    /// `To` as the response had it.
    pub(super) address: Zeroizing<String>,
    pub(super) target: Uri,
    /// It told us its address; else everything goes the INVITE's way.
    direct: bool,
    routes: Vec<Uri>,
    /// The sequence number of their last request.
    pub(super) cseq: Option<u32>,
}

impl Peer {
    /// From a 2xx to the INVITE. Without a `Contact` the way leads where the INVITE went.
    pub(super) fn of(response: &Message, invited: &Uri) -> Option<Self> {
        let routes = response.all("Record-Route").flat_map(split_list);
        let mut routes: Vec<Uri> =
            routes.take(MAX_ROUTES + 1).filter_map(|one| Some(NameAddr::parse(one).ok()?.uri)).collect();
        if routes.len() > MAX_ROUTES {
            return None;
        }
        routes.reverse();
        let contact = response.contact();
        Some(Self {
            direct: contact.is_some(),
            tag: response.tag("To").unwrap_or_default(),
            address: Zeroizing::new(response.header("To")?.to_owned()),
            target: contact.unwrap_or_else(|| invited.clone()),
            routes,
            cseq: None,
        })
    }

    /// The request's address and its `Route`s.
    pub(super) fn way(&self) -> (Uri, Vec<Uri>) {
        match self.routes.split_first() {
            // A strict router wants its own address in the first line.
            Some((first, rest)) if first.param("lr").is_none() => {
                let mut routes = rest.to_vec();
                routes.push(self.target.clone());
                (first.clone(), routes)
            }
            _ => (self.target.clone(), self.routes.clone()),
        }
    }

    /// The next place on the way.
    pub(super) fn hop(&self, datagram: bool) -> Hop {
        let next = self.routes.first().unwrap_or(&self.target);
        match next.host() {
            Some(host) if datagram && (self.direct || !self.routes.is_empty()) => {
                Hop::Named(host.to_owned(), next.port().unwrap_or(5060))
            }
            _ => Hop::Trunk,
        }
    }
}
