//! The blob's inside (MDS v3.0 §3.1.6): only what is used, so that what FIDO adds breaks nothing.

use super::{Metadata, Status, digest};
use crate::{Aaguid, MetadataError};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Deserializer, de::Error};
use std::collections::HashMap;
use types::Millis;

/// One model.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What its maker calls it; may be empty.
    pub(super) name: String,
    /// Where its attestations lead to.
    pub(super) roots: Vec<CertificateDer<'static>>,
    /// What was reported against it, in the blob's order.
    pub(super) reports: Vec<Report>,
}

/// One report against a model.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) status: Status,
    pub(super) since: Option<Millis>,
    /// SHA-256 of the one attestation certificate that it is about; `None`: all of the model's.
    pub(super) certificate: Option<[u8; 32]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    no: u64,
    #[serde(deserialize_with = "day")]
    next_update: Millis,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    aaguid: Option<String>,
    #[serde(default)]
    attestation_certificate_key_identifiers: Vec<String>,
    #[serde(default)]
    metadata_statement: Option<Statement>,
    #[serde(default)]
    status_reports: Vec<StatusReport>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(default)]
    description: String,
    #[serde(default)]
    attestation_root_certificates: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusReport {
    status: String,
    #[serde(default, deserialize_with = "maybe_day")]
    effective_date: Option<Millis>,
    #[serde(default)]
    certificate: Option<String>,
}

/// Reads a payload that was verified.
pub(super) fn read(payload: &[u8]) -> Result<Metadata, MetadataError> {
    let payload: Payload = serde_json::from_slice(payload).map_err(MetadataError::Payload)?;
    let mut models = HashMap::with_capacity(payload.entries.len());
    let mut by_key = HashMap::new();
    for entry in payload.entries {
        let aaguid = entry.aaguid.as_deref().and_then(|text| text.parse::<Aaguid>().ok());
        let keys = entry.attestation_certificate_key_identifiers.clone();
        let model = Model::from(entry);
        if let Some(aaguid) = aaguid.filter(|aaguid| !aaguid.is_unknown()) {
            models.insert(aaguid, model.clone());
        }
        for key in keys {
            let key = HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok();
            if let Some(key) = key.and_then(|key| <[u8; 20]>::try_from(key).ok()) {
                by_key.insert(key, model.clone());
            }
        }
    }
    Ok(Metadata { serial: payload.no, next_update: payload.next_update, models, by_key })
}

impl From<Entry> for Model {
    fn from(entry: Entry) -> Self {
        let statement = entry.metadata_statement;
        let (name, roots) = statement
            .map(|statement| (statement.description, statement.attestation_root_certificates))
            .unwrap_or_default();
        let roots: Vec<CertificateDer<'static>> = roots.iter().filter_map(|text| certificate(text)).collect();
        let reports = entry.status_reports.into_iter().filter_map(|report| {
            let certificate = report.certificate.as_deref().and_then(certificate).map(|der| digest(&der));
            Some(Report {
                status: Status::from_word(&report.status)?,
                since: report.effective_date,
                // Only an attestation key is one certificate's affair, and a root's loss is everybody's.
                certificate: certificate.filter(|lost| {
                    report.status == Status::AttestationKeyCompromise.as_str()
                        && !roots.iter().any(|root| digest(root) == *lost)
                }),
            })
        });
        Self { reports: reports.collect(), name: shown(&name), roots }
    }
}

/// A certificate in base64, as makers write it: some with line breaks, some without padding.
fn certificate(text: &str) -> Option<CertificateDer<'static>> {
    let mut text: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    BASE64.decode(text.as_bytes()).ok().map(CertificateDer::from)
}

/// A name as it may be shown: one line, 100 characters.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(100).collect::<String>().trim().to_owned()
}

/// `YYYY-MM-DD`, as 00:00 UTC.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    let text = String::deserialize(deserializer)?;
    let date: jiff::civil::Date = text.parse().map_err(|_| D::Error::custom("no date"))?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| D::Error::custom("no date"))?;
    Ok(Millis(start.timestamp().as_millisecond()))
}

/// A report whose date can't be read holds from the beginning.
fn maybe_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Millis>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let date = text.and_then(|text| text.parse::<jiff::civil::Date>().ok());
    let start = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    Ok(start.map(|start| Millis(start.timestamp().as_millisecond())))
}
