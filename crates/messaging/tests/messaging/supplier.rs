//! A supplier on this machine: it keeps every request, and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The names of the form's fields, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.form.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

pub(crate) enum Answer {
    Json(u16, String),
    /// With `Retry-After`.
    Throttled(u64),
    /// Reads the request and closes.
    Close,
    /// Reads the request and says nothing.
    Silence,
}

pub(crate) struct Supplier {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    answers: VecDeque<Answer>,
    made: u32,
}

impl Supplier {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state }
    }

    /// What the next requests are answered; then it takes everything again.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    pub(crate) fn refuse(&self, status: u16, code: u32) {
        // As the real one does, the refusal repeats what was sent.
        let text = format!(
            r#"{{"code":{code},"message":"The number +15035550100 'Your code is 778899' is refused","more_info":"https://www.twilio.com/docs/errors/{code}","status":{status}}}"#
        );
        self.answer([Answer::Json(status, text)]);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Waits until there are so many requests.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Request> {
        for _ in 0..1000 {
            if self.requests().len() >= count {
                return self.requests();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} requests were expected, and these came: {:?}", self.requests());
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(request) = read(&mut stream).await {
        let (answer, number) = {
            let mut state = state.lock().unwrap();
            state.made += u32::from(request.method == "POST");
            state.requests.push(request.clone());
            (state.answers.pop_front(), state.made)
        };
        let (status, headers, body) = match answer {
            None if request.method == "DELETE" => (204, String::new(), String::new()),
            None => {
                let kind = if request.path.ends_with("/Calls.json") { "CA" } else { "SM" };
                let body = format!(
                    r#"{{"sid":"{kind}{number:032x}","status":"queued","num_segments":"2","to":"+1503555XXXX"}}"#
                );
                (201, String::new(), body)
            }
            Some(Answer::Json(status, body)) => (status, String::new(), body),
            Some(Answer::Throttled(seconds)) => {
                (429, format!("Retry-After: {seconds}\r\n"), r#"{"code":20429,"status":429}"#.to_owned())
            }
            Some(Answer::Close) => return,
            Some(Answer::Silence) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
        };
        let answer = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + length {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    }
    let body = String::from_utf8(bytes[end..end + length].to_vec()).unwrap();
    let mut words = head.split(' ');
    Some(Request {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        authorization: header("authorization").unwrap_or_default(),
        form: form(&body),
        body,
    })
}

/// `application/x-www-form-urlencoded`, read by the URL standard's own parser.
fn form(body: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
