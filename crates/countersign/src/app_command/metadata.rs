//! A service provider's metadata, from a file or from an address.

use super::Wishes;
use crate::config::Config;
use anyhow::{Context as _, bail};
use outbound::{Outbound, Request};
use saml::metadata::PartyMetadata;
use sso::party::SamlParty;
use std::{fs, io::Read as _, path::Path};
use types::World;

/// The largest metadata that is read, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;

/// Reads what `--metadata` names; none where it names nothing. `entity` is which one is meant, where there are several.
pub(super) async fn read(
    wishes: &Wishes,
    entity: Option<&str>,
    config: &Config,
    world: &World,
) -> anyhow::Result<Option<PartyMetadata>> {
    let Some(from) = &wishes.metadata else { return Ok(None) };
    let octets = if is_address(from) { fetch(from, config).await? } else { file(Path::new(from))? };
    let fingerprint = wishes.metadata_fingerprint.as_deref();
    Ok(Some(PartyMetadata::read(&octets, entity, fingerprint, world.now()).with_context(|| from.clone())?))
}

/// Puts it into the settings, with where it is fetched again.
pub(super) fn apply(read: &PartyMetadata, wishes: &Wishes, party: &mut SamlParty) {
    party.metadata_url = wishes.metadata.clone().filter(|from| is_address(from));
    party.metadata_fingerprint.clone_from(&wishes.metadata_fingerprint);
    read.apply(party);
    // It says that it wants them; what an administrator switched off stays so only where they say so after.
    party.sign_assertion |= read.wants_assertions_signed;
}

fn is_address(from: &str) -> bool {
    from.starts_with("https://") || from.starts_with("http://")
}

/// From an address that somebody else named: private networks only where the configuration allows them.
async fn fetch(url: &str, config: &Config) -> anyhow::Result<Vec<u8>> {
    let outbound = Outbound::new(config.callback_networks.clone(), "Countersign")?;
    let answer = outbound.send(Request::get(url).up_to(LARGEST)).await.with_context(|| url.to_owned())?;
    if answer.status != 200 {
        bail!("{url} answered {}", answer.status);
    }
    Ok(answer.body)
}

fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let opened = fs::File::open(path).with_context(|| path.display().to_string())?;
    opened.take(LARGEST as u64 + 1).read_to_end(&mut octets).with_context(|| path.display().to_string())?;
    if octets.len() > LARGEST {
        bail!("{} is too large", path.display());
    }
    Ok(octets)
}
