//! Where addresses are, by a MaxMind DB file of the operator's (<https://maxmind.github.io/MaxMind-DB/>), held in memory.

use anyhow::Context as _;
use auth::{Location, Locations};
use maxminddb::{Reader, geoip2};
use std::{net::IpAddr, path::Path};

/// An open database.
pub struct Database(Reader<Vec<u8>>);

impl Database {
    /// Reads the file.
    ///
    /// # Errors
    /// The file can't be read, or isn't such a database.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let reader = Reader::open_readfile(path).with_context(|| format!("geo.database: {}", path.display()))?;
        Ok(Self(reader))
    }
}

impl Locations for Database {
    fn find(&self, ip: IpAddr) -> Option<Location> {
        let record: geoip2::City<'_> = self.0.lookup(ip).ok()?.decode().ok()??;
        let region = record.subdivisions.first().and_then(|region| region.names.english);
        Some(Location {
            city: record.city.names.english.unwrap_or_default().to_owned(),
            region: region.unwrap_or_default().to_owned(),
            country: record.country.names.english.unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_database_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a database").unwrap();
        let refused = Database::open(file.path()).map(drop).unwrap_err().to_string();
        assert!(refused.starts_with("geo.database: "), "{refused}");
    }
}
