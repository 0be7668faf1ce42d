//! Pushes against a push service on this machine, and what it gets read by other people's code.

use crate::support::python;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use messaging::{
    WebPush,
    web_push::{Hosts, KNOWN_HOSTS, Push, PushError, Subscription, Urgency, VapidKey},
};
use std::{
    collections::VecDeque,
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use types::{ManualClock, Millis, World};

const NOW: Millis = Millis(1_795_280_601_805);
/// The browser's keys of RFC 8291 §5.
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

/// A request that reached the service: its head, and its body.
#[derive(Clone)]
struct Arrived {
    head: String,
    body: Vec<u8>,
}

impl Arrived {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// It keeps every request, and answers as it is told, else 201.
struct Service {
    url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Service {
    async fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            arrived: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
        };
        let (arrived, answers) = (Arc::clone(&service.arrived), Arc::clone(&service.answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (arrived, answers) = (Arc::clone(&arrived), Arc::clone(&answers));
                tokio::spawn(async move {
                    while let Some(request) = read(&mut stream).await {
                        arrived.lock().unwrap().push(request);
                        let answer = answers.lock().unwrap().pop_front().unwrap_or("201 Created\r\n");
                        let answer = format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n");
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        service
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    fn subscription(&self) -> Subscription {
        let json = serde_json::json!({ "endpoint": format!("{}/push/JzLQ", self.url), "keys": { "p256dh": PUBLIC, "auth": AUTH } });
        Subscription::read(json.to_string().as_bytes()).unwrap()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    };
    let mut arrived = Arrived { head: String::from_utf8(bytes[..end].to_vec()).unwrap(), body: bytes[end..].to_vec() };
    let length: usize = arrived.header("content-length").map_or(0, |length| length.parse().unwrap());
    while arrived.body.len() < length {
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        arrived.body.extend_from_slice(&chunk[..count]);
    }
    Some(arrived)
}

fn world() -> (World, Arc<ManualClock>) {
    World::made(NOW, 11)
}

fn sender(loopback: bool) -> WebPush {
    WebPush::new(Hosts::new(KNOWN_HOSTS, loopback).unwrap(), world().0).unwrap()
}

fn key() -> VapidKey {
    VapidKey::read(&VapidKey::generate(&world().0).unwrap()).unwrap()
}

async fn send(service: &Service, patience: Duration) -> Result<(), PushError> {
    let push = Push {
        message: br#"{"look":"x"}"#,
        urgency: Urgency::High,
        life: Duration::from_secs(60),
        patience,
        topic: "look",
    };
    sender(true).push(&service.subscription(), &key(), "https://api.example.test", &push).await
}

const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_push_says_how_urgent_it_is_and_nothing_of_its_content() {
    let service = Service::start(&[]).await;
    send(&service, PATIENT).await.unwrap();
    let arrived = service.arrived();
    let [one] = arrived.as_slice() else { panic!("{} requests", arrived.len()) };
    assert!(one.head.starts_with("POST /push/JzLQ HTTP/1.1\r\n"), "{}", one.head);
    assert_eq!(one.header("urgency"), Some("high"));
    assert_eq!(one.header("topic"), Some("look"));
    assert_eq!(one.header("content-encoding"), Some("aes128gcm"));
    let ttl: u64 = one.header("ttl").unwrap().parse().unwrap();
    assert!((30..=60).contains(&ttl), "{ttl}");
    assert!(!one.body.windows(4).any(|window| window == b"look"));
}

const SCRIPT: &str = r#"
import base64, json, sys
import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
case = json.load(sys.stdin)
decode = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
private = ec.derive_private_key(int.from_bytes(decode(case["private"]), "big"), ec.SECP256R1())
plain = http_ece.decrypt(bytes.fromhex(case["body"]), private_key=private, auth_secret=decode(case["auth"]), version="aes128gcm")
print(plain.decode())
print(bool(Vapid02.verify(case["authorization"])))
"#;

#[tokio::test]
async fn other_peoples_code_decrypts_it_and_believes_the_sender() {
    let service = Service::start(&[]).await;
    send(&service, PATIENT).await.unwrap();
    let arrived = service.arrived().remove(0);
    let authorization = arrived.header("authorization").unwrap();
    let case = serde_json::json!({
        "private": PRIVATE, "auth": AUTH, "body": HEXLOWER.encode(&arrived.body), "authorization": authorization,
    });
    let mut child =
        Command::new(python()).args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(case.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"look\":\"x\"}\nTrue\n");
    // The service's own origin and nobody else's: another service can't pass the push on.
    let claims = authorization.split('.').nth(1).unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap();
    assert_eq!(claims["aud"], service.url);
}

#[tokio::test]
async fn a_subscription_that_has_ended_is_told_apart() {
    for answer in ["404 Not Found\r\n", "410 Gone\r\n"] {
        let service = Service::start(&[answer]).await;
        assert!(matches!(send(&service, PATIENT).await, Err(PushError::Gone)));
        assert_eq!(service.arrived().len(), 1);
    }
}

#[tokio::test]
async fn a_busy_service_is_asked_again_while_there_is_time() {
    let service = Service::start(&["503 Busy\r\n", "429 Slow\r\nRetry-After: 1\r\n"]).await;
    send(&service, PATIENT).await.unwrap();
    let arrived = service.arrived();
    assert_eq!(arrived.len(), 3);
    assert_eq!(arrived[0].body, arrived[2].body, "one push, sent again");
    // Who asks for more time than the request lives is not waited for.
    let service = Service::start(&["429 Slow\r\nRetry-After: 3600\r\n"]).await;
    assert!(matches!(send(&service, PATIENT).await, Err(PushError::Unavailable)));
    assert_eq!(service.arrived().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let service = Service::start(&["403 Forbidden\r\n"]).await;
    assert!(matches!(send(&service, PATIENT).await, Err(PushError::Refused(403))));
    assert_eq!(service.arrived().len(), 1);
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let other = Service::start(&[]).await;
    let answer: &'static str = Box::leak(format!("307 Elsewhere\r\nLocation: {}/x\r\n", other.url).into_boxed_str());
    let service = Service::start(&[answer]).await;
    assert!(matches!(send(&service, PATIENT).await, Err(PushError::Refused(307))));
    assert_eq!(other.arrived().len(), 0);
}

#[tokio::test]
async fn who_is_no_push_service_is_never_asked() {
    let service = Service::start(&[]).await;
    let push = Push { message: b"x", urgency: Urgency::Normal, life: PATIENT, patience: PATIENT, topic: "look" };
    let done = sender(false).push(&service.subscription(), &key(), "https://api.example.test", &push).await;
    assert!(matches!(done, Err(PushError::Subscription(_))));
    assert_eq!(service.arrived().len(), 0);
}

#[tokio::test]
async fn a_service_that_is_away_costs_no_more_than_the_patience() {
    let service = Service::start(&[]).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", gone.local_addr().unwrap());
    drop(gone);
    let to = Subscription::from_parts(
        &url,
        &BASE64URL_NOPAD.decode(PUBLIC.as_bytes()).unwrap(),
        &BASE64URL_NOPAD.decode(AUTH.as_bytes()).unwrap(),
    )
    .unwrap();
    let push = Push { message: b"x", urgency: Urgency::High, life: PATIENT, patience: Duration::ZERO, topic: "look" };
    let done = sender(true).push(&to, &key(), "https://api.example.test", &push).await;
    assert!(matches!(done, Err(PushError::Unavailable)));
    assert_eq!(service.arrived().len(), 0);
}
