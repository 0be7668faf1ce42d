//! Where an address is, as far as a database that the operator gives says: for people to read. Nothing is decided by it.

use crate::Auth;
use std::net::IpAddr;

/// A location. What isn't known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The city, in English.
    pub city: String,
    /// Its state or region.
    pub region: String,
    /// The country, in English.
    pub country: String,
}

impl Location {
    /// As a person reads it: `Lyon, France`. Empty where nothing is known.
    #[must_use]
    pub fn words(&self) -> String {
        let known = [&self.city, &self.country].into_iter().filter(|name| !name.is_empty());
        known.map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Finds locations. Asked on the way of a request: it must not wait for anything.
pub trait Locations: Send + Sync {
    /// Where an address is.
    fn find(&self, ip: IpAddr) -> Option<Location>;
}

impl Auth {
    /// Where an address is; nowhere without a database, or for one that isn't in it.
    #[must_use]
    pub fn location(&self, ip: Option<IpAddr>) -> Location {
        self.locations.as_ref().zip(ip).and_then(|(locations, ip)| locations.find(ip)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        let place = |city: &str, country: &str| Location {
            city: city.to_owned(),
            region: "Rhône".to_owned(),
            country: country.to_owned(),
        };
        assert_eq!(place("Lyon", "France").words(), "Lyon, France");
        assert_eq!(place("", "France").words(), "France");
        assert_eq!(Location::default().words(), "");
    }
}
