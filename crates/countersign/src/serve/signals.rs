//! The process's signals: SIGTERM and SIGINT begin the stop, a second one ends it; SIGHUP means "read again".

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::Shutdown;

/// Counts the SIGHUPs, so that whoever reads files again can wait for the next one.
pub type Reload = watch::Receiver<u64>;

/// Listens to the signals from now on.
///
/// # Errors
/// When the system won't let the process listen.
pub fn listen(shutdown: Shutdown) -> io::Result<Reload> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (reload, reloads) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    reload.send_modify(|count| *count += 1);
                    continue;
                }
            }
            if shutdown.has_begun() {
                tracing::warn!("asked twice to stop: ending without waiting for open requests");
                std::process::exit(1);
            }
            tracing::info!("stopping: no new connections, open long-polls are answered");
            shutdown.begin();
        }
    });
    Ok(reloads)
}
