//! Places one call and says what becomes of it, a line for each event. The tests with real peers drive it; it is also a way to try a
//! trunk by hand:
//!
//! ```text
//! call --server 127.0.0.1:5060 --user alice --password-file p --number +15550100 --play hello.wav --hang-up-after played
//! ```

use countersign_sip::{Codec, Config, Event, Srtp, Transport, Trunk};
use std::{collections::HashMap, error::Error, io::Write as _, sync::Arc, time::Duration};
use types::{SecretString, World};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever listened may be gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Sixteen-bit samples of one channel at 8 kHz out of a WAV file.
fn samples(path: &str) -> Outcome<Arc<[i16]>> {
    let bytes = std::fs::read(path)?;
    let mut at = 12;
    while let (Some(kind), Some(length)) = (bytes.get(at..at + 4), bytes.get(at + 4..at + 8)) {
        let length = u32::from_le_bytes(length.try_into()?) as usize;
        let chunk = bytes.get(at + 8..(at + 8 + length).min(bytes.len())).unwrap_or_default();
        if kind == b"data" {
            return Ok(chunk
                .chunks_exact(2)
                .filter_map(|two| Some(i16::from_le_bytes(two.try_into().ok()?)))
                .collect());
        }
        at += 8 + length + length % 2;
    }
    Err("no samples in that file".into())
}

fn config(settings: &HashMap<String, String>) -> Outcome<Config> {
    let get = |name: &str| settings.get(name).map(String::as_str);
    let mut config = Config::new(get("server").ok_or("--server")?, get("user").unwrap_or("countersign"));
    config.transport = match get("transport") {
        None | Some("udp") => Transport::Udp,
        Some("tcp") => Transport::Tcp,
        Some("tls") => Transport::Tls,
        Some(_) => return Err("--transport udp|tcp|tls".into()),
    };
    config.srtp = match get("srtp") {
        None | Some("off") => Srtp::Off,
        Some("offered") => Srtp::Offered,
        Some("required") => Srtp::Required,
        Some(_) => return Err("--srtp off|offered|required".into()),
    };
    config.codecs = match get("codec") {
        None => config.codecs,
        Some("pcmu") => vec![Codec::Pcmu],
        Some("pcma") => vec![Codec::Pcma],
        Some(_) => return Err("--codec pcmu|pcma".into()),
    };
    if let Some(path) = get("password-file") {
        config.password = Some(SecretString::new(std::fs::read_to_string(path)?.trim().to_owned()));
    }
    if get("probe") == Some("off") {
        config.probe = None;
    }
    config.ca_file = get("ca-file").map(Into::into);
    config.from = get("from").map(str::to_owned);
    let seconds = |name: &str| -> Outcome<Option<Duration>> {
        Ok(get(name).map(str::parse).transpose()?.map(Duration::from_secs_f64))
    };
    config.ring = seconds("ring")?.unwrap_or(config.ring);
    config.patience = seconds("patience")?.unwrap_or(config.patience);
    Ok(config)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut settings = HashMap::new();
    while let Some(name) = arguments.next() {
        let name = name.strip_prefix("--").ok_or("--name value")?.to_owned();
        settings.insert(name, arguments.next().ok_or("a value is missing")?);
    }
    let sound = settings.get("play").map(|path| samples(path)).transpose()?;
    let hang_up_after = settings.get("hang-up-after").cloned().unwrap_or_default();
    let trunk = Trunk::start(config(&settings)?, World::real()).await?;
    let number = settings.get("number").ok_or("--number")?;
    let mut call = trunk.call(number, &[]).await?;
    say("called");
    if hang_up_after == "called" {
        call.hang_up();
    }
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(tokio::io::stdin()));
    let mut commands = true;
    loop {
        let event = tokio::select! {
            event = call.event() => event,
            line = lines.next_line(), if commands => {
                match line?.as_deref() {
                    Some("hang-up") => call.hang_up(),
                    Some("stop") => call.stop(),
                    Some(line) if line.starts_with("press ") => call.send_digits(line.trim_start_matches("press "))?,
                    Some(_) => {}
                    None => commands = false,
                }
                continue;
            }
        };
        let Some(event) = event else { break };
        let word = match event {
            Event::Ringing => "ringing".to_owned(),
            Event::EarlyMedia => "early".to_owned(),
            Event::Answered => "answered".to_owned(),
            Event::Key(key) => format!("key {key}"),
            Event::Played => "played".to_owned(),
            Event::Held => "held".to_owned(),
            Event::Resumed => "resumed".to_owned(),
            Event::Ended(cause) => format!("ended {}", cause.name()),
        };
        say(&word);
        if event == Event::Answered {
            if let Some(sound) = &sound {
                call.play(Arc::clone(sound));
            }
            if let Some(digits) = settings.get("press") {
                call.send_digits(digits)?;
            }
        }
        if hang_up_after == word {
            call.hang_up();
        }
    }
    // What is still to be said for the end of the call.
    let last = settings.get("linger").map_or(Ok(0.2), |text| text.parse())?;
    tokio::time::sleep(Duration::from_secs_f64(last)).await;
    Ok(())
}
