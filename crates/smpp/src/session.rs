//! One connection to an SMSC, from bind to end. Whatever the other side sends or doesn't send ends the session at worst.

use crate::{
    Status,
    desk::{Answer, Desk},
    pdu::{Bind, Header, Malformed, Message, Pdu, Role, decode, frame_length},
};
use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{Notify, Semaphore, oneshot},
    time::{Instant, sleep_until, timeout},
};
use zeroize::Zeroize;

/// The version this client speaks.
pub(crate) const VERSION: u8 = 0x34;
/// Room of the buffer for what is read, in octets; a longer PDU gets its own.
const ROOM: usize = 16 * 1024;

/// Who is told what an SMSC hands over.
pub(crate) trait Hears: Send + Sync {
    /// A `deliver_sm` or `data_sm` came; gives the status of its answer.
    fn delivered(&self, message: &Message<'_>) -> Status;
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("the SMSC closed the connection")]
    ByPeer,
    #[error("the SMSC unbound")]
    Unbound,
    #[error("the SMSC sent what is no PDU: {0}")]
    Garbage(#[from] Malformed),
    #[error("the SMSC doesn't answer")]
    Silent,
    #[error("the SMSC takes nothing more")]
    Stalled,
    #[error("closed from this side")]
    Closed,
}

/// What became of a submit.
pub(crate) enum Submitted {
    Answered(Status, String),
    NotSent,
    /// It was sent, or maybe; and no answer came.
    Unknown,
}

/// A session, as those see it who submit.
pub(crate) struct Session {
    desk: Desk,
    /// The window.
    pub(crate) window: Semaphore,
    response: Duration,
    enquire_link: Duration,
    heard: Mutex<Instant>,
    /// Somebody waited in vain: ask now whether the SMSC is there.
    doubt: Notify,
    stop: Notify,
}

impl Session {
    pub(crate) fn new(window: u16, response: Duration, enquire_link: Duration) -> Self {
        Self {
            desk: Desk::default(),
            window: Semaphore::new(window.max(1).into()),
            response,
            enquire_link,
            heard: Mutex::new(Instant::now()),
            doubt: Notify::new(),
            stop: Notify::new(),
        }
    }

    /// Asks to be bound. `None`: no answer came in time.
    pub(crate) async fn bind(&self, bind: Bind<'_>) -> Option<Status> {
        let (_, answer) = self.desk.request(&Pdu::Bind(bind)).ok()?;
        match timeout(self.response, answer).await {
            Ok(Ok(Answer::Came(status, _))) => Some(status),
            _ => None,
        }
    }

    /// Submits, and waits for the answer no longer than the response timer.
    pub(crate) async fn submit(&self, message: Message<'_>) -> Submitted {
        let Ok((sequence, answer)) = self.desk.request(&Pdu::Submit(message)) else { return Submitted::NotSent };
        match self.answer(sequence, answer).await {
            Some(Answer::Came(status, id)) => Submitted::Answered(status, id),
            Some(Answer::NotSent) => Submitted::NotSent,
            Some(Answer::Lost) | None => Submitted::Unknown,
        }
    }

    /// Nothing more is submitted; what is on its way may come to its end, then the session is unbound.
    pub(crate) async fn unbind(&self) {
        self.window.close();
        let patience = Instant::now() + self.response;
        while !self.desk.is_idle() && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Ok((sequence, answer)) = self.desk.request(&Pdu::Unbind) {
            self.answer(sequence, answer).await;
        }
        self.close();
    }

    /// Ends the session at once.
    pub(crate) fn close(&self) {
        self.stop.notify_one();
    }

    async fn answer(&self, sequence: u32, answer: oneshot::Receiver<Answer>) -> Option<Answer> {
        let mut waits = Waits { session: self, sequence, in_vain: true };
        let answer = timeout(self.response, answer).await.ok()?;
        waits.in_vain = false;
        answer.ok()
    }

    /// Reads and writes until the session ends. Whoever waits then is told so.
    pub(crate) async fn drive<S: AsyncRead + AsyncWrite>(&self, stream: S, hears: &dyn Hears) -> Ended {
        let (reader, writer) = tokio::io::split(stream);
        let (reader, writer) = (std::pin::pin!(reader), std::pin::pin!(writer));
        let mut writer = Writer { stream: writer, buffer: Vec::new() };
        let ended = tokio::select! {
            ended = self.read(reader, hears) => ended,
            ended = self.write(&mut writer) => ended,
            ended = self.keep() => ended,
            () = self.stop.notified() => Ended::Closed,
        };
        self.window.close();
        // What was still to be said (a nack, the answer to an unbind) is said if that goes at once.
        if matches!(ended, Ended::Unbound | Ended::Garbage(_) | Ended::Closed) {
            let farewell = async {
                if self.desk.has_output() {
                    self.desk.take(&mut writer.buffer).await;
                }
                let _ = writer.stream.write_all(&writer.buffer).await;
                let _ = writer.stream.shutdown().await;
            };
            let _ = timeout(Duration::from_millis(500), farewell).await;
        }
        writer.buffer.as_mut_slice().zeroize();
        self.desk.close();
        ended
    }

    async fn write<W: AsyncWrite + Unpin>(&self, writer: &mut Writer<W>) -> Ended {
        loop {
            self.desk.take(&mut writer.buffer).await;
            let sent = timeout(self.response, async {
                writer.stream.write_all(&writer.buffer).await?;
                writer.stream.flush().await
            });
            let sent = sent.await;
            writer.buffer.as_mut_slice().zeroize();
            writer.buffer.clear();
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error.into(),
                Err(_) => return Ended::Stalled,
            }
        }
    }

    /// Asks after the other side when it has been silent for long, or when an answer is missing.
    async fn keep(&self) -> Ended {
        loop {
            let due = *self.heard() + self.enquire_link;
            let doubted = tokio::select! {
                () = sleep_until(due) => false,
                () = self.doubt.notified() => true,
            };
            if !doubted && *self.heard() + self.enquire_link > Instant::now() {
                continue;
            }
            let Ok((sequence, answer)) = self.desk.request(&Pdu::EnquireLink) else { return Ended::Closed };
            if self.answer(sequence, answer).await.is_none() {
                return Ended::Silent;
            }
        }
    }

    async fn read<R: AsyncRead + Unpin>(&self, mut reader: R, hears: &dyn Hears) -> Ended {
        let mut inbox = Inbox { octets: vec![0; ROOM], filled: 0 };
        loop {
            self.desk.room().await;
            let Some(free) = inbox.octets.get_mut(inbox.filled..) else { return Ended::ByPeer };
            match reader.read(free).await {
                Ok(0) => return Ended::ByPeer,
                Ok(read) => inbox.filled += read,
                Err(error) => return error.into(),
            }
            *self.heard() = Instant::now();
            let mut start = 0;
            loop {
                let rest = inbox.octets.get(start..inbox.filled).unwrap_or_default();
                let length = match frame_length(rest) {
                    Ok(Some(length)) => length,
                    Ok(None) => break,
                    Err(malformed) => {
                        // Where the next PDU begins, nobody knows.
                        self.desk.reply(&Pdu::GenericNack, Status::RINVCMDLEN, 0);
                        return malformed.into();
                    }
                };
                let Some(frame) = rest.get(..length) else {
                    inbox.make_room(length);
                    break;
                };
                if let Some(ended) = self.handle(frame, hears) {
                    return ended;
                }
                start += length;
            }
            inbox.forget(start);
        }
    }

    fn handle(&self, frame: &[u8], hears: &dyn Hears) -> Option<Ended> {
        let (header, pdu) = match decode(frame) {
            Ok(read) => read,
            Err(_) => {
                // The next PDU begins where this one says that it ends, so one that can't be read harms only itself.
                if let Ok(header) = Header::read(frame)
                    && !header.is_answer()
                {
                    self.desk.reply(&Pdu::GenericNack, Status::RINVCMDLEN, header.sequence);
                }
                return None;
            }
        };
        let sequence = header.sequence;
        match pdu {
            Pdu::SubmitAnswer(id) => self.desk.answered(sequence, header.status, id),
            Pdu::GenericNack => {
                // A nack says no, whatever its status says.
                let status = if header.status == Status::ROK { Status::RUNKNOWNERR } else { header.status };
                self.desk.answered(sequence, status, b"");
            }
            Pdu::BindAnswer(..)
            | Pdu::EnquireLinkAnswer
            | Pdu::UnbindAnswer
            | Pdu::DataAnswer(_)
            | Pdu::DeliverAnswer => self.desk.answered(sequence, header.status, b""),
            Pdu::Deliver(message) => {
                self.desk.reply(&Pdu::DeliverAnswer, hears.delivered(&message), sequence);
            }
            Pdu::Data(message) => {
                self.desk.reply(&Pdu::DataAnswer(b""), hears.delivered(&message), sequence);
            }
            Pdu::EnquireLink => self.desk.reply(&Pdu::EnquireLinkAnswer, Status::ROK, sequence),
            Pdu::Unbind => {
                self.desk.reply(&Pdu::UnbindAnswer, Status::ROK, sequence);
                return Some(Ended::Unbound);
            }
            Pdu::Ignored(_) => {}
            // Requests that only a server serves, and commands that nobody knows.
            Pdu::Bind(_) | Pdu::Submit(_) | Pdu::Unknown(_) if !header.is_answer() => {
                self.desk.reply(&Pdu::GenericNack, Status::RINVCMDID, sequence);
            }
            Pdu::Bind(_) | Pdu::Submit(_) | Pdu::Unknown(_) => {}
        }
        None
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for an answer. Whoever gives up, by the timer or because nobody wants to know any more, leaves nothing behind, and has
/// it asked whether the SMSC is there.
struct Waits<'a> {
    session: &'a Session,
    sequence: u32,
    in_vain: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.in_vain {
            self.session.desk.forget(self.sequence);
            self.session.doubt.notify_one();
        }
    }
}

struct Writer<W> {
    stream: W,
    /// What is being sent; erased afterwards.
    buffer: Vec<u8>,
}

/// What was read and not yet understood. What is done with is erased.
struct Inbox {
    octets: Vec<u8>,
    filled: usize,
}

impl Inbox {
    /// A PDU of `length` octets has begun.
    fn make_room(&mut self, length: usize) {
        if length > self.octets.len() {
            let mut larger = vec![0; length.next_power_of_two()];
            if let (Some(to), Some(from)) = (larger.get_mut(..self.filled), self.octets.get(..self.filled)) {
                to.copy_from_slice(from);
            }
            self.octets.as_mut_slice().zeroize();
            self.octets = larger;
        }
    }

    /// The first `done` octets are done with.
    fn forget(&mut self, done: usize) {
        if done == 0 {
            return;
        }
        self.octets.copy_within(done..self.filled, 0);
        let left = self.filled - done;
        if let Some(gone) = self.octets.get_mut(left..self.filled) {
            gone.zeroize();
        }
        self.filled = left;
        if left == 0 && self.octets.len() > ROOM {
            self.octets = vec![0; ROOM];
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.octets.as_mut_slice().zeroize();
    }
}

/// The bind that a session begins with.
pub(crate) fn bind<'a>(role: Role, system_id: &'a str, password: &'a str, system_type: &'a str) -> Bind<'a> {
    Bind {
        role,
        system_id: system_id.as_bytes(),
        password: password.as_bytes(),
        system_type: system_type.as_bytes(),
        interface_version: VERSION,
    }
}
