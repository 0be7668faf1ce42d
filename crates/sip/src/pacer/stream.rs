//! What one call sends.

use super::frames::{Frame, Frames};
use crate::{call::Command, g711, key_events, rtp, sdes::Crypto, sdp::Plan, srtp::Sender};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};
use tokio::sync::mpsc;
use types::World;

/// Samples of a packet.
const SAMPLES: u32 = super::frames::FRAME as u32;

/// The sending half of a call's sound.
pub(crate) struct Stream {
    socket: UdpSocket,
    /// Gets [`Command::Played`].
    owner: mpsc::UnboundedSender<Command>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    key_began: u32,
    plan: Option<Plan>,
    cipher: Option<(Crypto, Sender)>,
    talks: bool,
    busy: bool,
    frames: Frames,
    /// The next packet is the first, or the first after a pause.
    marker: bool,
    packet: Vec<u8>,
}

impl Stream {
    /// Sends from a socket that doesn't block.
    pub(crate) fn new(socket: UdpSocket, owner: mpsc::UnboundedSender<Command>, world: &World) -> Self {
        Self {
            socket,
            owner,
            ssrc: u32::from_be_bytes(world.bytes()),
            // Not near its end: a receiver that loses the first packets couldn't know whether it has wrapped (RFC 3711 §3.3.1).
            sequence: u16::from_be_bytes(world.bytes()) >> 1,
            timestamp: u32::from_be_bytes(world.bytes()),
            key_began: 0,
            plan: None,
            cipher: None,
            talks: false,
            busy: false,
            frames: Frames::default(),
            marker: true,
            packet: Vec::with_capacity(256),
        }
    }

    pub(super) fn plan(&mut self, plan: Plan) {
        self.cipher = match (&plan.crypto, self.cipher.take()) {
            (None, _) => None,
            // Under the same key the counters go on.
            (Some((ours, _)), Some((before, sender))) if before.master.ct_eq(ours.master.expose()) => {
                Some((before, sender))
            }
            (Some((ours, _)), _) => match Sender::new(ours.suite, &ours.master) {
                Ok(sender) => Some((ours.clone(), sender)),
                // Nothing is sent rather than in clear.
                Err(_) => {
                    self.plan = None;
                    return;
                }
            },
        };
        if self.plan.as_ref().is_some_and(|before| !before.send) && plan.send {
            self.marker = true;
        }
        self.plan = Some(plan);
    }

    pub(super) fn remote(&mut self, remote: SocketAddr) {
        if let Some(plan) = &mut self.plan {
            plan.remote = remote;
        }
    }

    pub(super) fn talk(&mut self) {
        self.talks = true;
    }

    pub(super) fn play(&mut self, samples: Arc<[i16]>) {
        self.frames.play(samples);
        self.busy = true;
    }

    pub(super) fn press(&mut self, digits: &str) {
        self.frames.press(digits);
        self.busy = true;
    }

    pub(super) fn stop(&mut self) {
        self.frames.clear();
        self.busy = false;
    }

    /// Sends the next 20 ms. Where there is nothing to say it is silence, so that the way through address translators stays open and the
    /// other side sees that we are there.
    pub(super) fn tick(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        let Some(plan) = &self.plan else { return };
        if !plan.send {
            return;
        }
        let frame = if self.talks { self.frames.next(plan.keys.is_some()) } else { Frame::Idle };
        match frame {
            Frame::Idle => {
                let silence = [g711::silence(plan.codec); SAMPLES as usize];
                self.send(plan.payload_type, self.marker, self.timestamp, &silence);
            }
            Frame::Sound(samples) => {
                let codec = plan.codec;
                let sound = samples.map(|sample| g711::encode(codec, sample));
                self.send(plan.payload_type, self.marker, self.timestamp, &sound);
            }
            Frame::Key { event, first, end, duration } => {
                if first {
                    self.key_began = self.timestamp;
                }
                let payload = key_events::payload(event, end, duration);
                let kind = plan.keys.unwrap_or(plan.payload_type);
                self.send(kind, first, self.key_began, &payload);
            }
        }
        if self.talks && self.busy && self.frames.is_empty() {
            self.busy = false;
            let _ = self.owner.send(Command::Played);
        }
    }

    fn send(&mut self, kind: u8, marker: bool, timestamp: u32, payload: &[u8]) {
        let Some(plan) = &self.plan else { return };
        self.sequence = self.sequence.wrapping_add(1);
        rtp::write(&mut self.packet, marker, kind, self.sequence, timestamp, self.ssrc, payload);
        let ready = match &mut self.cipher {
            Some((_, cipher)) => cipher.protect(&mut self.packet).is_ok(),
            None => plan.crypto.is_none(),
        };
        if ready {
            // A full buffer or a port that nobody has any more: the next packet may get through.
            let _ = self.socket.send_to(&self.packet, plan.remote);
        }
        self.marker = false;
    }
}
