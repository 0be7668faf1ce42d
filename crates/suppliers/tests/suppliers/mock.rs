//! A supplier on this machine: it keeps every request, and answers as it is told.

use countersign_suppliers::{Content, Driver, Letter, Patience, Settings};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use types::{Millis, SecretString, World};

/// 14 November 2026, 10:20:30.405 UTC.
pub(crate) const NOW: Millis = Millis(1_794_651_630_405);
pub(crate) const NUMBER: &str = "+15035550100";
pub(crate) const TEXT: &str = "Acme: never share this. Your code is 778899";

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `POST /path?query`.
    pub(crate) line: String,
    pub(crate) body: String,
}

pub(crate) enum Answer {
    /// Status, further headers (each with its line end), body.
    Say(u16, &'static str, String),
    /// Reads the request and closes.
    Close,
    /// Reads the request and says nothing.
    Silence,
    /// Begins an answer of so many bytes and keeps on.
    Flood(usize),
}

impl Answer {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Say(status, "", body.to_string())
    }
}

pub(crate) struct Supplier {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    answers: VecDeque<Answer>,
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

    /// What the next requests are answered; then nothing but `500`.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Waits until there are so many requests.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Request> {
        for _ in 0..2000 {
            if self.requests().len() >= count {
                return self.requests();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{count} requests were expected, and these came: {:?}", self.requests());
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(request) = read(&mut stream).await {
        let answer = {
            let mut state = state.lock().unwrap();
            state.requests.push(request);
            state.answers.pop_front()
        };
        let (status, headers, body) = match answer {
            None => (500, "", String::new()),
            Some(Answer::Say(status, headers, body)) => (status, headers, body),
            Some(Answer::Close) => return,
            Some(Answer::Silence) => {
                // Until the other side gives up.
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Some(Answer::Flood(length)) => {
                let head = format!("HTTP/1.1 200 X\r\nContent-Length: {length}\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                let block = [b'x'; 8192];
                for _ in 0..length / block.len() {
                    if stream.write_all(&block).await.is_err() {
                        break;
                    }
                }
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
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|text| text.trim().parse().unwrap())
        })
        .unwrap_or(0);
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count @ 1..) => body.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
    let line = head.lines().next()?.rsplit_once(' ')?.0.to_owned();
    Some(Request { line, body: String::from_utf8(body).unwrap() })
}

/// Nobody waits long in a test.
pub(crate) fn hasty() -> Patience {
    Patience {
        tries: 2,
        pause: Duration::from_millis(1),
        request: Duration::from_millis(400),
        deadline: Duration::from_secs(20),
        grace: Duration::from_secs(3600),
        deletion: [0, 1, 1, 1].map(Duration::from_millis).to_vec(),
    }
}

pub(crate) fn driver(kind: &str, table: serde_json::Value, patience: Patience) -> Driver {
    let (world, _) = World::made(NOW, 5);
    Driver::new(Settings::read(kind, table).unwrap().unwrap(), patience, world).unwrap()
}

pub(crate) fn plivo(url: &str) -> Driver {
    let table =
        serde_json::json!({"auth_id": "MA1", "auth_token": "the-token-of-plivo", "from": "Acme", "base_url": url});
    driver("plivo", table, hasty())
}

pub(crate) fn vonage(url: &str, patience: Patience) -> Driver {
    let table = serde_json::json!({"api_key": "k", "api_secret": "the-secret-of-vonage", "from": "Acme",
        "signature_secret": "the-signature-secret", "base_url": url, "redact_url": url});
    driver("vonage", table, patience)
}

pub(crate) fn letter(content: Content) -> Letter {
    Letter {
        to: NUMBER.parse().unwrap(),
        content,
        from: None,
        callback: Some("https://mfa.example/telephony/x/status/TICKET".to_owned()),
        validity: Duration::from_secs(300),
        language: "de-AT".to_owned(),
    }
}

pub(crate) fn text() -> Letter {
    letter(Content::Text(SecretString::new(TEXT.to_owned())))
}

pub(crate) fn code(code: &str) -> Letter {
    letter(Content::Code { code: SecretString::new(code.to_owned()), brand: "Acme".to_owned() })
}
