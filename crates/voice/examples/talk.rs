//! Calls a number, has one of the house's own conversations, and says how it ended. It is a way to try a trunk, a synthesiser and recorded
//! digits by hand, and the tests with real telephones drive it:
//!
//! ```text
//! talk --server 127.0.0.1:5060 --number +15550100 --language fr --line "Ici Acme." --lead "Votre code est :" < code
//! talk --server 127.0.0.1:5060 --number +15550100 --line "If it is you, press the two digits." --keys 2 --fraud 9
//! ```
//!
//! A code is read from standard input, and only where there is a lead to it.

use countersign_voice::{Dialogue, Outcome, SipLine, Speech, SpeechSettings, speech::joined};
use std::{error::Error, io::Read as _, io::Write as _, time::Duration};
use types::{SecretString, World};

type Done<T> = Result<T, Box<dyn Error>>;

#[derive(Default)]
struct Settings {
    server: String,
    number: String,
    language: String,
    lines: Vec<String>,
    lead: Option<String>,
    keys: usize,
    fraud: Option<char>,
    speech: SpeechSettings,
}

fn settings(mut words: impl Iterator<Item = String>) -> Done<Settings> {
    let mut settings = Settings { language: "en".to_owned(), ..Settings::default() };
    while let Some(name) = words.next() {
        let value = words.next().ok_or("a value is missing")?;
        match name.as_str() {
            "--server" => settings.server = value,
            "--number" => settings.number = value,
            "--language" => settings.language = value,
            "--line" => settings.lines.push(value),
            "--lead" => settings.lead = Some(value),
            "--keys" => settings.keys = value.parse()?,
            "--fraud" => settings.fraud = value.chars().next(),
            "--program" => settings.speech.program = value.into(),
            "--recordings" => settings.speech.recordings = Some(value.into()),
            "--words-a-minute" => settings.speech.words_a_minute = value.parse()?,
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    Ok(settings)
}

async fn dialogue(settings: &Settings) -> Done<Dialogue> {
    let speech = Speech::new(settings.speech.clone())?;
    let mut greeting = Vec::new();
    for line in &settings.lines {
        greeting.push(speech.say(line, &settings.language).await?);
    }
    let secret = match &settings.lead {
        Some(lead) => {
            let mut code = String::new();
            std::io::stdin().read_to_string(&mut code)?;
            let code = speech.spell(&SecretString::new(code.trim().to_owned()), &settings.language).await?;
            Some(joined([&speech.say(lead, &settings.language).await?, &code], Duration::from_millis(500)))
        }
        None => None,
    };
    Ok(Dialogue {
        greeting: joined(&greeting, Duration::from_millis(600)),
        secret,
        keys: settings.keys,
        hash_ends: true,
        fraud_key: settings.fraud,
        longest: Duration::from_secs(60),
    })
}

#[tokio::main]
async fn main() -> Done<()> {
    let settings = settings(std::env::args().skip(1))?;
    let dialogue = dialogue(&settings).await?;
    let mut config = sip::Config::new(&settings.server, "countersign");
    config.probe = None;
    let trunk = sip::Trunk::start(config, World::real()).await?;
    let mut call = trunk.call(&settings.number, &[]).await?;
    let ended = loop {
        match call.event().await {
            Some(sip::Event::Answered) => break None,
            Some(sip::Event::Ended(cause)) => break Some(cause.name().to_owned()),
            None => break Some("lost".to_owned()),
            Some(_) => {}
        }
    };
    let ended = match ended {
        Some(cause) => cause,
        None => match dialogue.hold(&mut SipLine::new(call)).await {
            Outcome::Keys(keys) => format!("keys {}", keys.expose()),
            Outcome::Fraud => "fraud".to_owned(),
            Outcome::Told => "told".to_owned(),
            Outcome::Said => "said".to_owned(),
            Outcome::Silence => "silence".to_owned(),
        },
    };
    trunk.stop().await;
    writeln!(std::io::stdout(), "{ended}")?;
    Ok(())
}
