//! A hundred calls at once: how evenly their sound leaves, alone and beside threads that never rest.
//!
//! The trunk is played here: it takes every call, wants SRTP, and a thread notes when each packet arrives. What is measured so holds the
//! receiver's own delays, too: the sender's are less.

use crate::report::{Report, Times};
use anyhow::{Context as _, Result, bail};
use sip::{
    Call, Config, Event, Srtp, Trunk,
    message::{Message, parse_datagram},
};
use std::{
    collections::HashMap,
    net::UdpSocket,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use types::World;

const CALLS: usize = 100;
/// From one packet of a call to its next.
const PACKET: Duration = Duration::from_millis(20);

/// When the packets of each source came, with their sequence numbers.
type Arrivals = HashMap<[u8; 4], Vec<(u16, Instant)>>;

/// Twice for as long as `length`.
pub(crate) async fn run(length: Duration, report: &mut Report) -> Result<()> {
    let sound = UdpSocket::bind("127.0.0.1:0")?;
    sound.set_read_timeout(Some(Duration::from_millis(200)))?;
    let signalling = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
    let server = signalling.local_addr()?.to_string();
    let answers = tokio::spawn(answer(signalling, sound.local_addr()?.port()));

    let config = Config { srtp: Srtp::Required, probe: None, ..Config::new(&server, "bench") };
    let trunk = Trunk::start(config, World::real()).await?;
    let began = Instant::now();
    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        calls.push(placed(&trunk).await?);
    }
    let part = format!("{CALLS} calls, SRTP");
    report.add(
        &part,
        "calls placed and answered, one after the other",
        CALLS as f64 / began.elapsed().as_secs_f64(),
        "/s",
    );

    // A minute of something that isn't silence.
    let samples: Arc<[i16]> = (0..60 * 8000_i64).map(|at| ((at * 7919) % 20_000 - 10_000) as i16).collect();
    for call in &calls {
        call.play(Arc::clone(&samples));
    }
    measure(&part, "alone", &sound, length, report)?;
    let busy = Busy::start();
    measure(&part, "beside busy threads", &sound, length, report)?;
    drop(busy);
    for call in &calls {
        call.hang_up();
    }
    for call in &mut calls {
        while call.event().await.is_some() {}
    }
    trunk.stop().await;
    answers.abort();
    Ok(())
}

async fn placed(trunk: &Trunk) -> Result<Call> {
    let mut call = trunk.call("+15550100", &[]).await?;
    match call.event().await {
        Some(Event::Answered) => Ok(call),
        other => bail!("a call wasn't answered: {other:?}"),
    }
}

/// Takes every call: sound comes to one port, whoever sends it.
async fn answer(socket: tokio::net::UdpSocket, port: u16) -> Result<()> {
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let request = parse_datagram(buffer.get(..length).unwrap_or_default())?;
        if request.method().is_none_or(|method| method == "ACK") {
            continue;
        }
        let mut response = Message::response_to(&request, 200, "OK", "bench");
        if request.method() == Some("INVITE") {
            let offer = String::from_utf8(request.body.clone())?;
            // A key of ours is never used: nothing is sent back. The other side's own will do.
            let key = offer.lines().find(|line| line.starts_with("a=crypto:1 ")).context("no key was offered")?;
            response.push("Content-Type", "application/sdp");
            response.body = format!(
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/SAVP 8\r\n{key}\r\n"
            )
            .into_bytes();
        }
        socket.send_to(&response.to_bytes(), from).await?;
    }
}

fn measure(part: &str, name: &str, sound: &UdpSocket, length: Duration, report: &mut Report) -> Result<()> {
    let arrivals = Mutex::new(Arrivals::new());
    std::thread::scope(|scope| scope.spawn(|| listen(sound, length, &arrivals)).join())
        .map_err(|_| anyhow::anyhow!("the receiver broke"))??;
    let arrivals = arrivals.into_inner().unwrap_or_else(PoisonError::into_inner);
    if arrivals.len() != CALLS {
        bail!("{} calls were heard", arrivals.len());
    }
    let (mut apart, mut late) = (Times::default(), Times::default());
    let mut missing = 0_u64;
    for packets in arrivals.values() {
        let (first, start) = *packets.first().context("no packet")?;
        let due = |sequence: u16| start + PACKET * u32::from(sequence.wrapping_sub(first));
        for pair in packets.windows(2) {
            let &[(before, then), (sequence, now)] = pair else { continue };
            missing += u64::from(sequence.wrapping_sub(before).saturating_sub(1));
            apart.add((now - then).abs_diff(PACKET));
        }
        // The packet that was least late stands for the schedule.
        let early = packets
            .iter()
            .map(|(sequence, at)| due(*sequence).saturating_duration_since(*at))
            .max()
            .unwrap_or_default();
        for (sequence, at) in packets {
            late.add(*at + early - due(*sequence));
        }
    }
    report.add(part, format!("{name}: packets heard"), apart.count() as f64 / length.as_secs_f64(), "/s");
    report.add(part, format!("{name}: packets missing"), missing as f64, "");
    report.times(part, &format!("{name}: interval's distance from 20 ms"), &mut apart);
    report.times(part, &format!("{name}: behind schedule"), &mut late);
    Ok(())
}

fn listen(sound: &UdpSocket, length: Duration, arrivals: &Mutex<Arrivals>) -> Result<()> {
    // The clock of the measurement shouldn't wait for what is measured; without the right to this, it does.
    let _ = rustix::process::setpriority_process(None, -15);
    let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    let mut packet = [0; 2048];
    // What has waited since the last measurement isn't of this one.
    sound.set_nonblocking(true)?;
    while sound.recv(&mut packet).is_ok() {}
    sound.set_nonblocking(false)?;
    let end = Instant::now() + length;
    loop {
        let size = sound.recv(&mut packet)?;
        let now = Instant::now();
        if now >= end {
            return Ok(());
        }
        let Some(&[_, _, s0, s1, _, _, _, _, c0, c1, c2, c3]) = packet.get(..size).and_then(<[u8]>::first_chunk::<12>)
        else {
            bail!("a packet that is none");
        };
        arrivals.entry([c0, c1, c2, c3]).or_default().push((u16::from_be_bytes([s0, s1]), now));
    }
}

/// A thread for each processor that never rests.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Self {
        let runs = Arc::new(AtomicBool::new(true));
        for _ in 0..std::thread::available_parallelism().map_or(2, Into::into) {
            let runs = Arc::clone(&runs);
            std::thread::spawn(move || {
                while runs.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(runs)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
