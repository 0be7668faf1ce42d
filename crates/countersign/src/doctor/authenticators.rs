//! The metadata of authenticators: whether its file would be taken, and whether the next one is due.

use super::{Finding, fail, ok, warn};
use crate::{
    config::Config,
    fido::{Source, day},
};
use types::Millis;

const WHAT: &str = "metadata";

pub(super) fn metadata(config: &Config, now: Millis) -> Vec<Finding> {
    let Some(fido) = &config.fido else {
        return vec![ok(WHAT, "none is configured (fido.metadata_file): no authenticator's make can be proven")];
    };
    vec![match Source::new(fido).read(now) {
        Err(error) => fail(WHAT, format!("{error}: see fido.metadata_file and fido.roots_file")),
        Ok(metadata) => {
            let (serial, next) = (metadata.serial(), day(metadata.next_update()));
            if metadata.is_overdue(now) {
                let text =
                    format!("issue {serial} is overdue since {next} and proves no make any more: fetch the next");
                warn(WHAT, text)
            } else {
                ok(WHAT, format!("issue {serial}, {} models, the next one is due on {next}", metadata.len()))
            }
        }
    }]
}
