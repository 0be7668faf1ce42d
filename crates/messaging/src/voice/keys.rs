//! The table of a carrier of kind `sip`.

use super::Sip;
use crate::{Channel, Surroundings, gateway};
use serde::Deserialize;
use std::{net::IpAddr, ops::RangeInclusive, path::PathBuf, sync::Arc, time::Duration};
use voice::{Speech, SpeechSettings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    server: String,
    #[serde(default)]
    transport: sip::Transport,
    user: String,
    password: Option<String>,
    password_file: Option<PathBuf>,
    domain: Option<String>,
    realm: Option<String>,
    from: Option<String>,
    plus: Option<bool>,
    prefix: Option<String>,
    #[serde(default)]
    srtp: sip::Srtp,
    codecs: Option<Vec<sip::Codec>>,
    local: Option<IpAddr>,
    advertised: Option<IpAddr>,
    port: Option<u16>,
    /// `16384-32767`.
    media_ports: Option<String>,
    ca_file: Option<PathBuf>,
    /// So long it rings.
    ring_seconds: Option<u64>,
    /// How often the trunk is asked whether it lives; 0 for never.
    probe_seconds: Option<u64>,
    /// So many calls at once.
    calls: Option<usize>,
    /// So long a call lasts at most, once it was answered.
    call_seconds: Option<u64>,
    speech_program: Option<PathBuf>,
    words_a_minute: Option<u16>,
    recordings: Option<PathBuf>,
}

/// Sets the carrier up.
pub(crate) fn from_keys(name: &str, keys: toml::Table, around: &Surroundings) -> Result<Arc<dyn Channel>, String> {
    let keys: Keys = gateway::keys_of(keys)?;
    let password = gateway::secret("password", keys.password, keys.password_file.as_deref())?;
    let mut config = sip::Config::new(&keys.server, &keys.user);
    config.transport = keys.transport;
    config.password = password;
    config.domain = keys.domain;
    config.realm = keys.realm;
    config.from = keys.from;
    config.plus = keys.plus.unwrap_or(config.plus);
    config.prefix = keys.prefix.unwrap_or_default();
    config.srtp = keys.srtp;
    config.codecs = keys.codecs.unwrap_or(config.codecs);
    config.local = keys.local;
    config.advertised = keys.advertised;
    config.port = keys.port.unwrap_or_default();
    config.ca_file = keys.ca_file;
    if let Some(ports) = keys.media_ports {
        config.media_ports = range(&ports).ok_or("`media_ports` must be two ports, as in 16384-32767")?;
    }
    config.ring = Duration::from_secs(within("ring_seconds", keys.ring_seconds, 30, 5..=120)?);
    config.probe = match within("probe_seconds", keys.probe_seconds, 30, 0..=3_600)? {
        0 => None,
        seconds => Some(Duration::from_secs(seconds)),
    };
    let calls = within("calls", keys.calls.map(|calls| calls as u64), 30, 1..=1_000)?;
    let longest = within("call_seconds", keys.call_seconds, 60, 10..=600)?;
    let speech = SpeechSettings::default();
    let words = within("words_a_minute", keys.words_a_minute.map(u64::from), speech.words_a_minute.into(), 80..=250)?;
    let speech = Speech::new(SpeechSettings {
        program: keys.speech_program.unwrap_or(speech.program),
        words_a_minute: u16::try_from(words).unwrap_or(speech.words_a_minute),
        recordings: keys.recordings,
    });
    let speech = speech.map_err(|error| format!("`recordings`: {error}"))?;
    let calls = usize::try_from(calls).unwrap_or(1);
    Ok(Arc::new(Sip::new(name, config, speech, calls, Duration::from_secs(longest), around.world.clone())))
}

fn within(name: &str, value: Option<u64>, usual: u64, range: RangeInclusive<u64>) -> Result<u64, String> {
    match value {
        None => Ok(usual),
        Some(value) if range.contains(&value) => Ok(value),
        Some(_) => Err(format!("`{name}` must be {} to {}", range.start(), range.end())),
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first >= 1_024 && first < last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::World;

    fn set_up(text: &str) -> Result<Arc<dyn Channel>, String> {
        let around = Surroundings { world: World::real(), public_url: None, data_dir: None };
        from_keys("trunk", toml::from_str(text).unwrap(), &around)
    }

    #[test]
    fn a_trunk_as_it_is_described() {
        let text = "server = \"sip.example.org\"\nuser = \"acme\"\npassword = \"x\"\ntransport = \"tls\"\nsrtp = \"required\"\n\
                    codecs = [\"pcmu\"]\nmedia_ports = \"20000-20100\"\ncalls = 2\n";
        let channel = set_up(text).unwrap();
        assert_eq!(channel.name(), "trunk");
        assert!(channel.carries(crate::ChannelKind::Voice) && !channel.carries(crate::ChannelKind::Sms));
        assert!(!channel.is_ready(), "nobody has connected it");
    }

    #[test]
    fn the_example_in_the_documentation_is_right() {
        let text = include_str!("../../../../docs/calls.md")
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        let place = tempfile::tempdir().unwrap();
        let password = place.path().join("password");
        std::fs::write(&password, "x\n").unwrap();
        let text = text.unwrap().replace("/etc/countersign/trunk.password", &password.display().to_string());
        let around = Surroundings { world: World::real(), public_url: None, data_dir: None };
        let carriers = gateway::Gateway::read(&text).unwrap().set_up(&[], &around).unwrap();
        assert!(carriers.iter().any(|carrier| carrier.channel.carries(crate::ChannelKind::Voice)));
    }

    #[test]
    fn what_can_not_be_so_is_named() {
        let base = "server = \"sip.example.org\"\nuser = \"acme\"\n";
        for (more, named) in [
            ("calls = 0", "`calls`"),
            ("ring_seconds = 1", "`ring_seconds`"),
            ("media_ports = \"80-90\"", "`media_ports`"),
            ("media_ports = \"2000\"", "`media_ports`"),
            ("recordings = \"/nowhere\"", "`recordings`"),
            ("password = \"x\"\npassword_file = \"y\"", "`password`"),
            ("codec = \"opus\"", "codec"),
        ] {
            let error = set_up(&format!("{base}{more}\n")).err().unwrap_or_default();
            assert!(error.contains(named), "{more}: {error}");
        }
        assert!(set_up("user = \"acme\"").err().unwrap_or_default().contains("server"));
    }
}
