//! What a call will say, as sound.

use crate::{CallScript, Content, Outgoing, SendError, text::calls};
use std::time::Duration;
use voice::{Dialogue, Sound, Speech, SpeechError, speech::joined, twiml::Document};

/// Between two sentences.
const SENTENCES: Duration = Duration::from_millis(600);
/// Between "your code is" and the code.
const BEFORE_CODE: Duration = Duration::from_millis(500);

/// A conversation that can begin at once.
pub(super) enum Talk {
    /// One of this house's own.
    Dialogue(Dialogue),
    /// One that a program has described.
    Twiml(Document),
}

/// Makes all sounds of a message. Nothing has left the house: where it fails, another carrier may take the message as it is.
pub(super) async fn prepare(speech: &Speech, message: &Outgoing, longest: Duration) -> Result<Talk, SendError> {
    match &message.content {
        Content::Call(script) => match dialogue(speech, script, &message.language, longest).await {
            Ok(dialogue) => Ok(Talk::Dialogue(dialogue)),
            Err(error) => {
                tracing::warn!(%error, "a call has no words");
                Err(SendError::Down)
            }
        },
        // Whoever described it wrongly did so for every carrier.
        Content::Twiml(text) => Document::read(text.expose()).map(Talk::Twiml).map_err(|error| {
            tracing::warn!(%error, "a call's document can't be read");
            SendError::Refused(crate::ErrorClass::Other)
        }),
        _ => Err(SendError::Mismatch),
    }
}

async fn dialogue(
    speech: &Speech,
    script: &CallScript,
    language: &str,
    longest: Duration,
) -> Result<Dialogue, SpeechError> {
    let worded = calls::wording(language);
    // The same language, with the accent that was asked for.
    let voice = if language.get(..2).is_some_and(|two| two.eq_ignore_ascii_case(worded)) { language } else { worded };
    let mut lines: Vec<Sound> = Vec::with_capacity(script.lines.len());
    for line in &script.lines {
        lines.push(speech.say(line.expose(), voice).await?);
    }
    let secret = match &script.code {
        Some(code) => {
            let lead = speech.say(calls::lead(language), voice).await?;
            Some(joined([&lead, &speech.spell(code, language).await?], BEFORE_CODE))
        }
        None => None,
    };
    let wanted = script.keys.as_ref().map_or("", |keys| keys.expose());
    Ok(Dialogue {
        greeting: joined(&lines, SENTENCES),
        secret,
        keys: wanted.chars().count(),
        hash_ends: script.fraud_key != Some('#') && !wanted.contains('#'),
        fraud_key: script.fraud_key,
        longest,
    })
}
