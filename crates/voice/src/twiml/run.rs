//! Running a document on a line.

use super::{Document, Fetch, FetchError, Gather, Method, Request, Sounding, TwimlError, Verb};
use crate::{
    Line, RATE, Sound, Speech,
    player::{Keys, Played, play, wait},
};
use std::{sync::Arc, time::Duration};
use types::SecretString;
use url::Url;

/// A file that is played has at most so many bytes.
const MAX_FILE: usize = 4 * 1_024 * 1_024;
/// So many keys are taken at most.
const MAX_KEYS: usize = 64;

/// How far a call may go, whatever its documents say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// It lasts no longer.
    pub time: Duration,
    /// So many verbs are executed; each turn of a `loop` counts as one.
    pub verbs: u32,
    /// So many documents and files are asked for.
    pub fetches: u32,
}

impl Default for Limits {
    /// A minute, 100 verbs, 20 documents.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), verbs: 100, fetches: 20 }
    }
}

/// How a call with a document ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The document ended, or said to hang up.
    Completed,
    /// The person hung up.
    HungUp,
    /// A limit was reached.
    Limit,
    /// A document could not be had.
    Fetch(FetchError),
    /// A document could not be read.
    Document(TwimlError),
    /// There was no sound for something.
    Sound,
}

/// What a document is run with.
pub struct Run<'a> {
    /// Who speaks.
    pub speech: &'a Speech,
    /// Who asks for what stands elsewhere.
    pub fetch: &'a dyn Fetch,
    /// How far it may go.
    pub limits: Limits,
}

/// Why a document is left.
enum Left {
    /// For another.
    To(Url, Method, Option<SecretString>),
    For(Ended),
}

struct State<'a> {
    run: &'a Run<'a>,
    base: Option<Url>,
    verbs: u32,
    fetches: u32,
}

impl Run<'_> {
    /// Runs a document, and those that it leads to, and hangs up. `base` is where the document came from, if it has an address.
    pub async fn call<L: Line>(&self, line: &mut L, document: &Document, base: Option<Url>) -> Ended {
        let mut state = State { run: self, base, verbs: 0, fetches: 0 };
        let ended = tokio::time::timeout(self.limits.time, state.documents(line, document)).await;
        line.stop();
        line.hang_up().await;
        ended.unwrap_or(Ended::Limit)
    }
}

impl State<'_> {
    async fn documents<L: Line>(&mut self, line: &mut L, document: &Document) -> Ended {
        let mut left = self.verbs(line, document).await;
        loop {
            match left {
                Left::For(ended) => return ended,
                Left::To(url, method, digits) => match self.fetch(url, method, digits).await {
                    Ok(next) => left = self.verbs(line, &next).await,
                    Err(ended) => return ended,
                },
            }
        }
    }

    async fn fetch(&mut self, url: Url, method: Method, digits: Option<SecretString>) -> Result<Document, Ended> {
        let got = self.ask(Request { url, method, digits, is_document: true, limit: super::MAX_BYTES }).await?;
        let text = std::str::from_utf8(&got.body).map_err(|_| Ended::Document(TwimlError::NotXml))?;
        let next = Document::read(text).map_err(Ended::Document)?;
        self.base = Some(got.url);
        Ok(next)
    }

    async fn ask(&mut self, request: Request) -> Result<super::Fetched, Ended> {
        self.fetches += 1;
        if self.fetches > self.run.limits.fetches {
            return Err(Ended::Limit);
        }
        let limit = request.limit;
        let got = self.run.fetch.fetch(request).await.map_err(Ended::Fetch)?;
        if got.body.len() > limit { Err(Ended::Fetch(FetchError::TooLong)) } else { Ok(got) }
    }

    /// An address as it stands in a document.
    fn address(&self, text: &str) -> Result<Url, Ended> {
        let url = match &self.base {
            Some(base) => base.join(text),
            None => Url::parse(text),
        };
        url.ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(Ended::Fetch(FetchError::Forbidden))
    }

    async fn verbs<L: Line>(&mut self, line: &mut L, document: &Document) -> Left {
        for verb in &document.verbs {
            let done = match verb {
                Verb::Sound(sound) => match self.sound(line, sound, Keys::Ignored).await {
                    Ok(Played::Ended) => Err(Left::For(Ended::HungUp)),
                    Ok(_) => Ok(()),
                    Err(ended) => Err(Left::For(ended)),
                },
                Verb::Gather(gather) => self.gather(line, gather).await,
                Verb::Redirect { url, method } => match self.count().and_then(|()| self.address(url)) {
                    Ok(url) => Err(Left::To(url, *method, None)),
                    Err(ended) => Err(Left::For(ended)),
                },
                Verb::Hangup | Verb::Reject { .. } => Err(Left::For(Ended::Completed)),
            };
            if let Err(left) = done {
                return left;
            }
        }
        Left::For(Ended::Completed)
    }

    fn count(&mut self) -> Result<(), Ended> {
        self.verbs += 1;
        if self.verbs > self.run.limits.verbs { Err(Ended::Limit) } else { Ok(()) }
    }

    async fn sound<L: Line>(&mut self, line: &mut L, what: &Sounding, keys: Keys) -> Result<Played, Ended> {
        match what {
            Sounding::Say { text, language, times } => {
                self.count()?;
                if text.expose().is_empty() {
                    return Ok(Played::All);
                }
                let sound = self.run.speech.say_once(text.expose(), language).await.map_err(|error| {
                    tracing::warn!(%error, "a call has no words");
                    Ended::Sound
                })?;
                self.repeat(line, &sound, *times, keys).await
            }
            Sounding::Play { url, times } => {
                self.count()?;
                let url = self.address(url)?;
                let request = Request { url, method: Method::Get, digits: None, is_document: false, limit: MAX_FILE };
                let got = self.ask(request).await?;
                let longest = usize::try_from(self.run.limits.time.as_secs()).unwrap_or(60) * RATE as usize;
                let sound = self.run.speech.of_file(got.body, longest).await.map_err(|_| Ended::Sound)?;
                self.repeat(line, &sound, *times, keys).await
            }
            Sounding::Digits(digits) => {
                self.count()?;
                line.send_digits(digits);
                // A key and the gap after it; the pauses say themselves how long they are.
                let pauses = digits.chars().filter(|c| matches!(c, 'w' | 'W')).count();
                let time = Duration::from_millis(250 * digits.len() as u64 + 750 * pauses as u64);
                Ok(wait(line, time, keys).await)
            }
            Sounding::Pause(time) => {
                self.count()?;
                Ok(wait(line, *time, keys).await)
            }
        }
    }

    async fn repeat<L: Line>(&mut self, line: &mut L, sound: &Sound, times: u32, keys: Keys) -> Result<Played, Ended> {
        let mut turn = 0;
        loop {
            match play(line, &Arc::clone(sound), keys).await {
                Played::All => {}
                other => return Ok(other),
            }
            turn += 1;
            if turn == times {
                return Ok(Played::All);
            }
            self.count()?;
        }
    }

    /// Takes keys. With some, or where none is a result, too, it goes on at the action; else with the next verb.
    async fn gather<L: Line>(&mut self, line: &mut L, gather: &Gather) -> Result<(), Left> {
        self.count().map_err(Left::For)?;
        let mut next = None;
        for prompt in &gather.prompts {
            match self.sound(line, prompt, Keys::Stop).await.map_err(Left::For)? {
                Played::All => {}
                Played::Key(key) => {
                    next = Some(key);
                    break;
                }
                Played::Ended => return Err(Left::For(Ended::HungUp)),
            }
        }
        let mut pressed = zeroize::Zeroizing::new(String::with_capacity(MAX_KEYS));
        loop {
            let key = match next.take() {
                Some(key) => key,
                None => match wait(line, gather.timeout, Keys::Stop).await {
                    Played::Key(key) => key,
                    Played::All => break,
                    Played::Ended => return Err(Left::For(Ended::HungUp)),
                },
            };
            if gather.finish == Some(key) {
                break;
            }
            pressed.push(key);
            if pressed.len() >= gather.digits.unwrap_or(MAX_KEYS).min(MAX_KEYS) {
                break;
            }
        }
        if pressed.is_empty() && !gather.empty {
            return Ok(());
        }
        let url = match (&self.base, gather.action.as_str()) {
            (Some(base), "") => base.clone(),
            (_, action) => self.address(action).map_err(Left::For)?,
        };
        Err(Left::To(url, gather.method, Some(SecretString::new(pressed.to_string()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Heard,
        speech::{Speaking, Synthesiser, wav},
        testing::{Did, Record, Wire},
        twiml::Fetched,
    };
    use proptest::prelude::*;
    use std::{collections::HashMap, future::Future, pin::Pin, sync::Mutex};

    /// A second for each character.
    struct Slow;

    impl Synthesiser for Slow {
        fn speak<'a>(&'a self, _: &'static str, text: &'a str) -> Speaking<'a> {
            let first = i16::from(text.as_bytes()[0]);
            Box::pin(async move { Ok(vec![first; RATE as usize * text.len()].into()) })
        }
    }

    /// A web of documents, and what was asked of it.
    #[derive(Default)]
    struct Web {
        documents: HashMap<&'static str, Vec<u8>>,
        asked: Mutex<Vec<String>>,
    }

    impl Web {
        fn with(mut self, url: &'static str, body: &str) -> Self {
            self.documents.insert(url, format!("<Response>{body}</Response>").into_bytes());
            self
        }

        fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Fetch for Web {
        fn fetch<'a>(
            &'a self,
            request: Request,
        ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
            let digits = request.digits.as_ref().map_or("-", SecretString::expose);
            self.asked.lock().unwrap().push(format!("{:?} {} {digits}", request.method, request.url));
            let found = self.documents.get(request.url.as_str()).cloned();
            Box::pin(async move {
                let body = found.ok_or(FetchError::Failed)?;
                Ok(Fetched { url: request.url, content_type: "text/xml".to_owned(), body: body.into() })
            })
        }
    }

    async fn run(web: &Web, body: &str, base: Option<&str>, script: &[(Duration, Heard)]) -> (Ended, Record) {
        let speech = Speech::by(Slow);
        let mut wire = Wire::new(script.iter().copied());
        let record = wire.record();
        let document = Document::read(&format!("<Response>{body}</Response>")).unwrap();
        let run = Run { speech: &speech, fetch: web, limits: Limits::default() };
        (run.call(&mut wire, &document, base.map(|url| url.parse().unwrap())).await, record)
    }

    fn at(seconds: u64, heard: Heard) -> (Duration, Heard) {
        (Duration::from_secs(seconds), heard)
    }

    /// The first characters of what was said.
    fn said(record: &Record) -> String {
        record.played().iter().map(|sound| char::from(u8::try_from(sound[0]).unwrap())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_code_that_is_told_after_a_key() {
        let web =
            Web::default().with("https://a.example/v/code?x=1", "<Say loop=\"2\">c12</Say><Hangup/><Say>no</Say>");
        let body = "<Gather numDigits=\"1\" action=\"code?x=1\"><Say loop=\"3\">press</Say></Gather><Say>bye</Say>";
        let base = Some("https://a.example/v/start");
        let (ended, record) = run(&web, body, base, &[at(7, Heard::Key('5'))]).await;
        assert_eq!((ended, said(&record).as_str()), (Ended::Completed, "ppcc"), "the second 'press' was cut off");
        assert_eq!(web.asked(), ["Post https://a.example/v/code?x=1 5"]);
        let (ended, record) = run(&web, body, base, &[]).await;
        assert_eq!((ended, said(&record).as_str()), (Ended::Completed, "pppb"), "nobody pressed: the next verb");
        assert_eq!(web.asked().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_and_their_ends() {
        let key = |seconds, key| at(seconds, Heard::Key(key));
        for (attributes, script, expected) in [
            ("", vec![key(1, '1'), key(2, '2'), key(3, '#')], Some("Post https://a.example/ 12")),
            ("", vec![key(1, '1'), key(2, '2')], Some("Post https://a.example/ 12")),
            ("numDigits=\"2\"", vec![key(1, '1'), key(2, '2'), key(3, '3')], Some("Post https://a.example/ 12")),
            ("finishOnKey=\"*\"", vec![key(1, '#'), key(2, '*')], Some("Post https://a.example/ #")),
            ("finishOnKey=\"\" numDigits=\"2\"", vec![key(1, '#'), key(2, '*')], Some("Post https://a.example/ #*")),
            ("timeout=\"2\"", vec![key(1, '1'), key(5, '2')], Some("Post https://a.example/ 1")),
            ("method=\"GET\" action=\"/k\"", vec![key(1, '1')], Some("Get https://a.example/k 1")),
            ("actionOnEmptyResult=\"true\"", vec![], Some("Post https://a.example/ ")),
            ("", vec![key(1, '#')], None),
            ("", vec![], None),
            ("", vec![key(1, '1'), at(2, Heard::Ended)], None),
        ] {
            let web = Web::default();
            let (ended, _) = run(&web, &format!("<Gather {attributes}/>"), Some("https://a.example/"), &script).await;
            assert_eq!(web.asked().first().map(String::as_str), expected, "{attributes}");
            assert_eq!(ended == Ended::Fetch(FetchError::Failed), expected.is_some(), "{attributes} {ended:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sounds_keys_and_ends() {
        let mut web = Web::default();
        web.documents.insert("https://a.example/x.wav", wav::write(&[99; 8_000]));
        web.documents.insert("https://a.example/long.wav", wav::write(&vec![99; 8_000 * 61]));
        let base = Some("https://a.example/");
        let (ended, record) =
            run(&web, "<Play>x.wav</Play><Pause length=\"3\"/><Play digits=\"1w2\"/>", base, &[]).await;
        assert_eq!(ended, Ended::Completed);
        assert_eq!(record.played()[0].len(), 8_000);
        assert!(record.all().contains(&Did::Digits("1w2".to_owned())));
        assert_eq!(run(&web, "<Play>long.wav</Play>", base, &[]).await.0, Ended::Sound);
        assert_eq!(run(&web, "<Play>none.wav</Play>", base, &[]).await.0, Ended::Fetch(FetchError::Failed));
        assert_eq!(run(&web, "<Say>hello</Say>", base, &[at(2, Heard::Ended)]).await.0, Ended::HungUp);
        assert_eq!(run(&web, "<Reject/>", base, &[]).await.0, Ended::Completed);
        assert_eq!(run(&web, "", base, &[]).await.0, Ended::Completed);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_web_is_asked() {
        for (body, base) in [
            ("<Redirect>file:///etc/passwd</Redirect>", Some("https://a.example/")),
            ("<Redirect>/relative</Redirect>", None),
            ("<Redirect/>", None),
            ("<Play>data:audio/wav;base64,UklGRg==</Play>", Some("https://a.example/")),
            ("<Gather action=\"gopher://x/\" actionOnEmptyResult=\"true\"/>", Some("https://a.example/")),
        ] {
            let web = Web::default();
            assert_eq!(run(&web, body, base, &[]).await.0, Ended::Fetch(FetchError::Forbidden), "{body}");
            assert!(web.asked().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_on_for_ever() {
        let web = Web::default().with("https://a.example/", "<Redirect/>");
        assert_eq!(run(&web, "<Redirect/>", Some("https://a.example/"), &[]).await.0, Ended::Limit);
        assert_eq!(web.asked().len(), 20);
        for body in [
            "<Say loop=\"0\">x</Say>",
            "<Pause length=\"600\"/>",
            "<Gather timeout=\"600\"/>",
            "<Say>x</Say><Pause length=\"70\"/>",
        ] {
            let (ended, record) = run(&Web::default(), body, None, &[]).await;
            assert_eq!(ended, Ended::Limit, "{body}");
            assert!(matches!(record.all().last(), Some(Did::HangUp(at)) if at.as_secs() <= 60), "{body}");
        }
        let many = "<Gather timeout=\"0\"/>".repeat(60);
        let web = Web::default().with("https://a.example/", &many);
        let (ended, _) = run(&web, &format!("{many}<Redirect/>"), Some("https://a.example/"), &[]).await;
        assert_eq!(ended, Ended::Limit, "a hundred verbs, however little time they take");
    }

    proptest! {
        /// Any document of these pieces, whatever is pressed: it ends in time, and asks no more than it may.
        #[test]
        fn every_call_ends(
            pieces in proptest::collection::vec(prop_oneof![
                Just("<Say loop='0'>x</Say>"), Just("<Say>xy</Say>"), Just("<Pause length='9'/>"), Just("<Redirect/>"), Just("<Hangup/>"),
                Just("<Gather numDigits='2' actionOnEmptyResult='true'><Say>g</Say></Gather>"), Just("<Play digits='1w'/>"),
                Just("<Gather timeout='0'/>"), Just("<Play>/f.wav</Play>"),
            ], 0..12),
            keys in proptest::collection::vec((0_u64..90, 0_u8..4), 0..20),
        ) {
            let mut web = Web::default();
            let body = pieces.concat();
            web.documents.insert("https://a.example/", format!("<Response>{body}</Response>").into_bytes());
            web.documents.insert("https://a.example/f.wav", wav::write(&[9; 800]));
            let mut script: Vec<_> = keys.into_iter().map(|(when, what)| at(when, match what {
                0 => Heard::Held,
                1 => Heard::Resumed,
                _ => Heard::Key('1'),
            })).collect();
            script.sort_by_key(|(at, _)| *at);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let (_, record) = runtime.block_on(run(&web, &body, Some("https://a.example/"), &script));
            prop_assert!(matches!(record.all().last(), Some(Did::HangUp(at)) if at.as_secs() <= 60));
            prop_assert!(web.asked().len() <= 20);
        }
    }
}
