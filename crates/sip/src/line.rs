//! A call's task: what comes (commands, messages, packets, time) goes to the dialog, and what the dialog wants is done.

use crate::{
    call::Command,
    dialog::{Action, Dialog, Time},
    event::Event,
    link::{Incoming, Link},
    media::{Ear, Pair},
    pacer::{Order, Pacer, StreamId},
};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// More than a packet of sound ever has.
const LONGEST: usize = 2048;

/// Everything that a call's task holds.
pub(crate) struct Line {
    pub(crate) link: Arc<Link>,
    pub(crate) pacer: Pacer,
    pub(crate) stream: StreamId,
    pub(crate) call_id: String,
    pub(crate) dialog: Dialog,
    /// Zero of the dialog's time.
    pub(crate) began: Instant,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    pub(crate) events: Option<mpsc::UnboundedSender<Event>>,
    pub(crate) sound: Option<(UdpSocket, Pair)>,
    pub(crate) ear: Option<Ear>,
    pub(crate) talks: bool,
}

impl Line {
    /// Until nothing remains to be said. Ends with the sockets closed and the Call-ID forgotten.
    pub(crate) async fn run(mut self) {
        let mut buffer = vec![0; LONGEST];
        loop {
            self.act().await;
            if self.dialog.is_done(self.now()) {
                break;
            }
            let deadline = self.dialog.deadline().map(|time| self.began + time);
            tokio::select! {
                Some(command) = self.commands.recv() => self.command(command),
                Some(incoming) = self.incoming.recv() => self.incoming(incoming).await,
                heard = hear(self.sound.as_ref(), &mut buffer) => {
                    if let Ok((length, from)) = heard {
                        self.packet(buffer.get(..length).unwrap_or_default(), from);
                    }
                }
                () = until(deadline) => {}
            }
            self.dialog.tick(self.now());
        }
        self.close();
        self.link.forget(&self.call_id);
    }

    fn now(&self) -> Time {
        self.began.elapsed()
    }

    async fn act(&mut self) {
        for action in self.dialog.actions() {
            match action {
                Action::Send(bytes, hop) => self.link.send(bytes, &hop).await,
                Action::Event(event) => {
                    if let Some(events) = &self.events {
                        let _ = events.send(event);
                    }
                    if matches!(event, Event::Ended(_)) {
                        tracing::debug!(call = self.call_id, ?event, "a call has ended");
                        self.close();
                    }
                }
                Action::Media(plan) => {
                    // After the end nothing is sent or heard.
                    if self.sound.is_none() {
                        continue;
                    }
                    let signalling = self.link.trunk().map_or(plan.remote.ip(), |trunk| trunk.ip());
                    self.ear = match self.ear.take() {
                        Some(ear) => ear.change(&plan),
                        None => Ear::new(&plan, signalling),
                    };
                    self.pacer.tell(Order::Plan(self.stream, plan));
                    // A description that says the same again doesn't undo where the other side was found.
                    if let Some(remote) = self.ear.as_ref().and_then(Ear::peer) {
                        self.pacer.tell(Order::Remote(self.stream, remote));
                    }
                }
                Action::Talk => {
                    self.talks = true;
                    self.pacer.tell(Order::Talk(self.stream));
                }
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Play(samples) => self.pacer.tell(Order::Play(self.stream, samples)),
            Command::Digits(digits) => self.pacer.tell(Order::Digits(self.stream, digits)),
            Command::Stop => self.pacer.tell(Order::Stop(self.stream)),
            Command::Played => {
                if let Some(events) = &self.events {
                    let _ = events.send(Event::Played);
                }
            }
            Command::HangUp => self.dialog.hang_up(self.now()),
        }
    }

    async fn incoming(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(message, from) => self.dialog.receive(&message, from, self.now()),
            Incoming::Lost => self.dialog.connection_lost(),
            Incoming::Stop(done) => {
                self.dialog.hang_up(self.now());
                self.act().await;
                let _ = done.send(());
            }
        }
    }

    fn packet(&mut self, bytes: &[u8], from: SocketAddr) {
        let Some(ear) = &mut self.ear else { return };
        let heard = ear.hear(&mut bytes.to_vec(), from);
        if let Some(remote) = heard.moved {
            self.pacer.tell(Order::Remote(self.stream, remote));
        }
        // A key before the answer is part of somebody's announcement.
        if let (Some(key), true, Some(events)) = (heard.key, self.talks, &self.events) {
            let _ = events.send(Event::Key(key));
        }
    }

    /// No more sound, and no more events.
    fn close(&mut self) {
        self.pacer.tell(Order::Remove(self.stream));
        self.sound = None;
        self.ear = None;
        self.events = None;
    }
}

async fn hear(sound: Option<&(UdpSocket, Pair)>, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match sound {
        Some((socket, _)) => socket.recv_from(buffer).await,
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
