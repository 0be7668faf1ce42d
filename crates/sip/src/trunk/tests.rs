//! A trunk on the loopback interface, played by sockets of the test.

use super::*;
use crate::{
    Cause, Event,
    message::{Message, parse_datagram, parse_stream},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";

fn config(server: &SocketAddr, transport: Transport) -> Config {
    Config { transport, probe: None, ..Config::new(&server.to_string(), "alice") }
}

struct Server {
    socket: UdpSocket,
    sound: UdpSocket,
}

impl Server {
    async fn new() -> Self {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        Self { socket: bind().await.unwrap(), sound: bind().await.unwrap() }
    }

    async fn start(&self) -> Trunk {
        Trunk::start(config(&self.socket.local_addr().unwrap(), Transport::Udp), World::real()).await.unwrap()
    }

    /// The next message with this method or status; others are passed over.
    async fn next(&self, word: &str) -> (Message, SocketAddr) {
        let mut buffer = vec![0; 65_535];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).await.unwrap();
            let message = parse_datagram(&buffer[..length]).unwrap();
            if message.method() == Some(word) || message.status().is_some_and(|status| status.to_string() == word) {
                return (message, from);
            }
        }
    }

    async fn answer(&self, request: &Message, to: SocketAddr, status: u16) {
        self.socket.send_to(&response(request, status, self.sound.local_addr().unwrap()), to).await.unwrap();
    }
}

fn response(request: &Message, status: u16, sound: SocketAddr) -> Zeroizing<Vec<u8>> {
    let mut response = Message::response_to(request, status, "Text", "them");
    if status == 200 && request.method() == Some("INVITE") {
        response.push("Content-Type", "application/sdp");
        let stream = format!("m=audio {} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", sound.port());
        response.body = format!("{SDP}{stream}").into_bytes();
    }
    response.to_bytes()
}

async fn ends(call: &mut Call) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = call.event().await {
        events.push(event);
    }
    events
}

#[tokio::test]
async fn a_call_from_its_beginning_to_its_end() {
    let server = Server::new().await;
    let trunk = server.start().await;
    assert!(trunk.is_up());
    let mut call = trunk.call("+15550100", &[("X-Test", "1")]).await.unwrap();
    // What is played before there is an answer waits for it.
    call.play(vec![1000; 400].into());
    call.send_digits("5").unwrap();
    let (invite, from) = server.next("INVITE").await;
    assert_eq!(invite.header("X-Test"), Some("1"));
    let offer = String::from_utf8(invite.body.clone()).unwrap();
    let port: u16 = offer.split("m=audio ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(port.is_multiple_of(2) && (16384..=32767).contains(&port));
    server.answer(&invite, from, 200).await;
    server.next("ACK").await;
    assert_eq!(call.event().await, Some(Event::Answered));
    // A key from the peer that the description names, and one from somebody else.
    let mut key = vec![0x80, 0x80 | 101, 0, 1, 0, 0, 0, 9, 0, 0, 0, 5, 3, 10, 0, 160];
    let stranger = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    stranger.send_to(&key, ("127.0.0.1", port)).await.unwrap();
    key[12] = 7;
    server.sound.send_to(&key, ("127.0.0.1", port)).await.unwrap();
    let mut events = vec![call.event().await.unwrap(), call.event().await.unwrap()];
    events.sort_by_key(|event| *event == Event::Played);
    assert_eq!(events, [Event::Key('7'), Event::Played]);
    // What was heard there: three packets of sound (400 samples), then the key.
    let mut buffer = vec![0; 2048];
    let (mut loud, mut keys) = (0, 0);
    while keys < 9 {
        let (length, _) = server.sound.recv_from(&mut buffer).await.unwrap();
        let packet = crate::rtp::parse(&buffer[..length]).unwrap();
        match packet.payload_type {
            0 if packet.payload[0] != 0xff => loud += 1,
            101 => keys += 1,
            _ => {}
        }
    }
    assert_eq!(loud, 3);
    call.hang_up();
    let (bye, from) = server.next("BYE").await;
    server.answer(&bye, from, 200).await;
    assert_eq!(ends(&mut call).await, [Event::Ended(Cause::HungUp)]);
}

#[tokio::test]
async fn whoever_drops_a_call_hangs_up() {
    let server = Server::new().await;
    let trunk = server.start().await;
    let call = trunk.call("100", &[]).await.unwrap();
    let (invite, from) = server.next("INVITE").await;
    server.answer(&invite, from, 180).await;
    let hand = call.hand();
    drop(call);
    server.next("CANCEL").await;
    hand.play(vec![1].into());
}

#[tokio::test]
async fn a_trunk_that_is_stopped_says_goodbye_to_all() {
    let server = Server::new().await;
    let trunk = server.start().await;
    let mut call = trunk.call("100", &[]).await.unwrap();
    let (invite, from) = server.next("INVITE").await;
    server.answer(&invite, from, 200).await;
    assert_eq!(call.event().await, Some(Event::Answered));
    trunk.stop().await;
    assert_eq!(ends(&mut call).await, [Event::Ended(Cause::HungUp)]);
    server.next("BYE").await;
    assert!(matches!(trunk.call("100", &[]).await, Err(CallError::Stopped)));
    assert!(!trunk.is_up());
}

#[tokio::test]
async fn the_trunk_is_asked_and_may_ask() {
    let server = Server::new().await;
    let probing = Config {
        probe: Some(Duration::from_secs(3600)),
        ..config(&server.socket.local_addr().unwrap(), Transport::Udp)
    };
    let trunk = Trunk::start(probing, World::real()).await.unwrap();
    let (question, from) = server.next("OPTIONS").await;
    server.answer(&question, from, 405).await;
    assert!(trunk.is_up());
    let mut ours = question.clone();
    ours.headers.iter_mut().find(|(name, _)| name == "Call-ID").unwrap().1 = "other".to_owned();
    // A stranger gets no answer; the trunk does.
    let stranger = UdpSocket::bind("127.0.0.3:0").await.unwrap();
    stranger.send_to(&ours.to_bytes(), from).await.unwrap();
    server.socket.send_to(b"garbage\r\n\r\n", from).await.unwrap();
    server.socket.send_to(&ours.to_bytes(), from).await.unwrap();
    let (answer, _) = server.next("200").await;
    assert!(answer.header("Allow").is_some_and(|allow| allow.contains("INVITE")));
    let mut nothing = [0; 10];
    assert!(stranger.try_recv(&mut nothing).is_err());
}

#[tokio::test]
async fn a_call_over_a_connection_that_breaks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let trunk = Trunk::start(config(&listener.local_addr().unwrap(), Transport::Tcp), World::real()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut call = trunk.call("100", &[]).await.unwrap();
    let (invite, _) = read(&mut stream).await;
    assert_eq!(invite.method(), Some("INVITE"));
    let answer = response(&invite, 180, listener.local_addr().unwrap());
    // In two pieces, behind line ends that keep the connection open.
    stream.write_all(b"\r\n\r\n").await.unwrap();
    stream.write_all(&answer[..40]).await.unwrap();
    stream.flush().await.unwrap();
    stream.write_all(&answer[40..]).await.unwrap();
    assert_eq!(call.event().await, Some(Event::Ringing));
    drop(stream);
    assert_eq!(ends(&mut call).await, [Event::Ended(Cause::Lost)]);
    // It is made again, and the next call waits for that.
    let (next, accepted) = tokio::join!(trunk.call("100", &[]), listener.accept());
    let (mut stream, _) = accepted.unwrap();
    let mut call = match next {
        Ok(call) => call,
        // The pause had begun before the break was seen by the call.
        Err(_) => trunk.call("100", &[]).await.unwrap(),
    };
    let (invite, _) = read(&mut stream).await;
    stream.write_all(&response(&invite, 486, listener.local_addr().unwrap())).await.unwrap();
    assert_eq!(ends(&mut call).await, [Event::Ended(Cause::Busy)]);
}

/// The clock runs ahead whenever everything waits, so nothing is waited for.
#[tokio::test(start_paused = true)]
async fn a_connection_that_answers_no_question_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probing =
        Config { probe: Some(Duration::from_secs(30)), ..config(&listener.local_addr().unwrap(), Transport::Tcp) };
    let trunk = Trunk::start(probing, World::real()).await.unwrap();
    for _ in 0..2 {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        // To its end, which only the other side can bring about.
        let _ = stream.read_to_end(&mut all).await;
        assert!(all.is_empty() || all.starts_with(b"OPTIONS "));
    }
    assert!(!trunk.is_up());
}

async fn read(stream: &mut TcpStream) -> (Message, usize) {
    let mut buffer = Vec::new();
    loop {
        if let (Some(message), used) = parse_stream(&buffer).unwrap() {
            return (message, used);
        }
        assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "the connection ended");
    }
}

#[tokio::test]
async fn what_is_no_sip_breaks_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _trunk = Trunk::start(config(&listener.local_addr().unwrap(), Transport::Tcp), World::real()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    // The end, or a reset.
    assert!(matches!(stream.read(&mut [0; 10]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_is_told_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let directory = std::env::temp_dir().join(format!("sip-ca-{}", listener.local_addr().unwrap().port()));
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&directory, other.cert.pem()).unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config { ca_file: Some(directory.clone()), ..config(&address, Transport::Tls) };
    let trunk = Trunk::start(config, World::real()).await.unwrap();
    let server = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(server.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.cert.der().clone()], key)
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    assert!(tokio_rustls::TlsAcceptor::from(Arc::new(tls)).accept(stream).await.is_err());
    assert!(!trunk.is_up());
    std::fs::remove_file(directory).unwrap();
}

#[tokio::test]
async fn what_cannot_be_dialled_or_said_is_refused_before_anything_is_sent() {
    let server = Server::new().await;
    let trunk = server.start().await;
    for number in ["", "+", "a", "1@evil", "1;x=y", "1\r\nVia: x", "1 2", "++1", &"1".repeat(40)] {
        assert!(matches!(trunk.call(number, &[]).await, Err(CallError::Number)), "{number}");
    }
    for header in [("X", "a\r\nB: c"), ("X Y", "a"), ("via", "SIP/2.0/UDP x"), ("f", "x"), ("Route", "<sip:x>")] {
        assert!(matches!(trunk.call("1", &[header]).await, Err(CallError::Header)), "{header:?}");
    }
    let mut call = trunk.call("1*2#", &[]).await.unwrap();
    assert_eq!(call.send_digits("12x"), Err(crate::DigitsError));
    let (invite, from) = server.next("INVITE").await;
    assert!(invite.header("To").is_some_and(|to| to.starts_with("<sip:1*2%23@127.0.0.1")));
    server.answer(&invite, from, 404).await;
    assert_eq!(ends(&mut call).await, [Event::Ended(Cause::NotFound)]);
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    let base = || Config { probe: None, ..Config::new("127.0.0.1:5", "alice") };
    for wrong in [
        Config { codecs: Vec::new(), ..base() },
        Config { server: String::new(), ..base() },
        Config { user: "a\r\nb".to_owned(), ..base() },
        Config { user: String::new(), ..base() },
        Config { from: Some("a b".to_owned()), ..base() },
        Config { prefix: "0@".to_owned(), ..base() },
        Config { domain: Some("a b".to_owned()), ..base() },
        Config { media_ports: 5..=6, ..base() },
        Config { media_ports: std::ops::RangeInclusive::new(9, 6), ..base() },
    ] {
        assert!(matches!(Trunk::start(wrong, World::real()).await, Err(StartError::Config(_))));
    }
    let nameless = Config { server: "no such name".to_owned(), ..base() };
    assert!(matches!(Trunk::start(nameless, World::real()).await, Err(StartError::Name(_))));
    let missing = Config { transport: Transport::Tls, ca_file: Some("/nonexistent".into()), ..base() };
    assert!(matches!(Trunk::start(missing, World::real()).await, Err(StartError::Certificates(_))));
}

#[test]
fn numbers_are_dialled_as_the_trunk_wants_them() {
    let base = Config::new("h", "u");
    let bare = Config { plus: false, prefix: "0".to_owned(), ..Config::new("h", "u") };
    assert_eq!(dialled(&base, "+15550100").as_deref().map(String::as_str), Some("+15550100"));
    assert_eq!(dialled(&bare, "+15550100").as_deref().map(String::as_str), Some("015550100"));
}
