//! What a call leaves in the log, in a process of its own: the log is the whole process's.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

use countersign_sip::{
    Cause, Config, Event, Trunk,
    message::{Message, parse_datagram},
};
use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::UdpSocket;
use types::{SecretString, World};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn next(socket: &UdpSocket, method: &str) -> (Message, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let message = parse_datagram(&buffer[..length]).unwrap();
        if message.method() == Some(method) {
            return (message, from);
        }
    }
}

#[tokio::test]
async fn no_log_line_says_who_is_called_or_how_we_log_in() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        password: Some(SecretString::new("opensesame".to_owned())),
        probe: None,
        ..Config::new(&socket.local_addr().unwrap().to_string(), "alice")
    };
    let trunk = Trunk::start(config, World::real()).await.unwrap();
    let mut call = trunk.call("+15550199", &[]).await.unwrap();
    let (invite, from) = next(&socket, "INVITE").await;
    socket.send_to(b"INVITE sip:+15550199@x SIP/2.0\r\n\r\n", from).await.unwrap();
    let mut refusal = Message::response_to(&invite, 401, "No", "them");
    refusal.push("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"");
    socket.send_to(&refusal.to_bytes(), from).await.unwrap();
    next(&socket, "ACK").await;
    let (again, from) = next(&socket, "INVITE").await;
    let mut answer = Message::response_to(&again, 200, "OK", "them");
    answer.push("Content-Type", "application/sdp");
    answer.body =
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\n\
                    a=rtpmap:101 telephone-event/8000\r\n"
            .to_vec();
    socket.send_to(&answer.to_bytes(), from).await.unwrap();
    assert_eq!(call.event().await, Some(Event::Answered));
    call.send_digits("4711").unwrap();
    assert_eq!(call.event().await, Some(Event::Played));
    call.hang_up();
    assert_eq!(call.event().await, Some(Event::Ended(Cause::HungUp)));
    assert_eq!(call.event().await, None);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("a call has ended") && text.contains("can't be read"), "there is a log: {text}");
    let proof = again.header("Authorization").unwrap().split("response=\"").nth(1).unwrap().split('"').next().unwrap();
    for secret in ["5550199", "opensesame", "4711", proof] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
