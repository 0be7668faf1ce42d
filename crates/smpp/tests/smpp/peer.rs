//! An SMSC whose every word a test says, and a handler that remembers.

use countersign_smpp::{
    Client, Config, Handler, Receipt, Standing, State, Status, Submit,
    pdu::{self, Address, Header, Message, Pdu, Role, Tlvs},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use types::{Millis, SecretString, World};

pub(crate) const NUMBER: &str = "+491701234567";

/// Waits for connections.
pub(crate) struct Smsc {
    listener: TcpListener,
}

impl Smsc {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// How it is reached; timers are short where a test waits for one, and long where it mustn't run out.
    pub(crate) fn config(&self) -> Config {
        let port = self.listener.local_addr().unwrap().port();
        let mut config =
            Config::new("127.0.0.1".to_owned(), port, "acme".to_owned(), SecretString::new("secret08".to_owned()));
        config.response = Duration::from_secs(20);
        config
    }

    pub(crate) async fn accept(&self) -> Line<TcpStream> {
        Line::new(self.listener.accept().await.unwrap().0)
    }

    /// Takes a connection and binds it; gives for what.
    pub(crate) async fn bound(&self) -> (Line<TcpStream>, Role) {
        let mut line = self.accept().await;
        let role = line.bind().await;
        (line, role)
    }
}

/// One connection.
pub(crate) struct Line<S> {
    pub(crate) stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream }
    }

    /// The next PDU's octets; `None` at the end of the connection.
    pub(crate) async fn frame(&mut self) -> Option<Vec<u8>> {
        let mut frame = vec![0; 4];
        self.stream.read_exact(&mut frame).await.ok()?;
        let length = pdu::frame_length(&frame).unwrap().unwrap();
        frame.resize(length, 0);
        self.stream.read_exact(&mut frame[4..]).await.ok()?;
        Some(frame)
    }

    pub(crate) async fn say(&mut self, pdu: &Pdu<'_>, status: Status, sequence: u32) {
        let mut out = Vec::new();
        pdu.encode(status, sequence, &mut out);
        self.stream.write_all(&out).await.unwrap();
    }

    /// Answers a bind.
    pub(crate) async fn bind(&mut self) -> Role {
        let frame = self.frame().await.unwrap();
        let (header, Pdu::Bind(bind)) = pdu::decode(&frame).unwrap() else { panic!() };
        assert!(bind.system_id == b"acme" && bind.password == b"secret08" && bind.interface_version == 0x34);
        self.say(&Pdu::BindAnswer(bind.role, b"smsc", Some(0x34)), Status::ROK, header.sequence).await;
        bind.role
    }

    /// The next `submit_sm`: sequence number, and what `look` makes of it. Answers `enquire_link` on the way.
    pub(crate) async fn submit<T>(&mut self, look: impl Fn(&Message<'_>) -> T) -> (u32, T) {
        loop {
            let frame = self.frame().await.expect("a submit");
            match pdu::decode(&frame).unwrap() {
                (header, Pdu::Submit(message)) => return (header.sequence, look(&message)),
                (header, Pdu::EnquireLink) => self.say(&Pdu::EnquireLinkAnswer, Status::ROK, header.sequence).await,
                _ => panic!("something else"),
            }
        }
    }

    pub(crate) async fn take(&mut self, id: &str) {
        let (sequence, ()) = self.submit(|_| ()).await;
        self.say(&Pdu::SubmitAnswer(id.as_bytes()), Status::ROK, sequence).await;
    }

    pub(crate) async fn receipt(&mut self, text: &str, sequence: u32) {
        self.say(&Pdu::Deliver(deliver(0x04, text.as_bytes())), Status::ROK, sequence).await;
    }

    /// The next PDU's header.
    pub(crate) async fn header(&mut self) -> Header {
        Header::read(&self.frame().await.unwrap()).unwrap()
    }
}

/// From the person to us.
pub(crate) fn deliver(esm_class: u8, text: &[u8]) -> Message<'_> {
    Message {
        service_type: b"",
        source: Address { ton: 1, npi: 1, text: b"491701234567" },
        destination: Address { ton: 5, npi: 0, text: b"Acme" },
        esm_class,
        validity_period: b"",
        registered_delivery: 0,
        data_coding: 0,
        short_message: text,
        tlvs: Tlvs::default(),
    }
}

/// Remembers what it is told.
pub(crate) struct Told {
    receipts: mpsc::UnboundedSender<(String, State)>,
    pub(crate) texts: Mutex<Vec<(String, String, String)>>,
    pub(crate) texts_came: tokio::sync::Notify,
}

impl Handler for Told {
    fn receipt(&self, receipt: Receipt) -> bool {
        self.receipts.send((receipt.id, receipt.state)).is_ok()
    }

    fn inbound(&self, from: &str, to: &str, text: SecretString) {
        self.texts.lock().unwrap().push((from.to_owned(), to.to_owned(), text.expose().to_owned()));
        self.texts_came.notify_one();
    }
}

pub(crate) type Receipts = mpsc::UnboundedReceiver<(String, State)>;

/// A client that has begun to connect.
pub(crate) fn client(config: Config) -> (Arc<Client>, Arc<Told>, Receipts) {
    let (sender, receipts) = mpsc::unbounded_channel();
    let told = Arc::new(Told { receipts: sender, texts: Mutex::default(), texts_came: tokio::sync::Notify::new() });
    let (world, _) = World::made(Millis::from_seconds(1_795_314_600), 3);
    (Arc::new(Client::start(config, world, told.clone())), told, receipts)
}

/// A client that is bound.
pub(crate) async fn bound(config: Config, smsc: &Smsc) -> (Arc<Client>, Receipts, Line<TcpStream>) {
    let (client, _, receipts) = client(config);
    let (line, _) = smsc.bound().await;
    client.wait_for(Standing::Bound).await;
    (client, receipts, line)
}

pub(crate) fn text(text: &str) -> Submit<'_> {
    Submit {
        from: "Acme",
        to: NUMBER,
        text,
        valid_for: Duration::from_secs(600),
        registered: true,
        patience: Duration::from_secs(20),
    }
}
