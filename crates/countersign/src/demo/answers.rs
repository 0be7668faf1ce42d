//! Login requests to your authenticator, answered from the terminal in which the demo runs.

use std::{io::BufRead as _, time::Duration};

use tokio::sync::mpsc;

use crate::{
    cli::say,
    device::{Answer, Device, command::shown},
};

/// How long one question for requests waits, in seconds.
const PATIENCE: u8 = 30;
/// After a question that failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Shows each request that comes, and answers the newest with what is typed. Ends with the program.
pub(super) async fn take(device: Device) {
    let mut typed = keyboard();
    let mut open: Option<String> = None;
    loop {
        tokio::select! {
            line = typed.recv() => match line {
                Some(line) => answer(&device, &mut open, line.trim()).await,
                None => return,
            },
            requests = device.requests(if open.is_none() { PATIENCE } else { 0 }) => {
                let newest = requests.as_ref().ok().and_then(|requests| requests.last());
                match newest {
                    Some(request) if open.as_ref() != Some(&request.id) => {
                        let _ = say(&format!("\n  login request: {}\n  six digits, n or f: ", shown(request)));
                        open = Some(request.id.clone());
                    }
                    Some(_) => tokio::time::sleep(Duration::from_millis(500)).await,
                    None => {
                        if open.take().is_some() {
                            let _ = say("\n  the login request has ended\n");
                        }
                        if requests.is_err() {
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                }
            }
        }
    }
}

async fn answer(device: &Device, open: &mut Option<String>, line: &str) {
    let Some(id) = open.as_deref() else { return };
    let answer = match line {
        "" => return,
        "n" => Answer::Deny,
        "f" => Answer::Fraud,
        code => Answer::Approve(Some(code)),
    };
    let said = match device.answer(id, answer).await {
        Ok(true) => "  done\n".to_owned(),
        Ok(false) => "  that didn't count: a wrong code, or too late\n".to_owned(),
        Err(error) => format!("  {error}\n"),
    };
    *open = None;
    let _ = say(&said);
}

/// The lines that are typed. A thread of its own: reading from a terminal can't be called off.
fn keyboard() -> mpsc::UnboundedReceiver<String> {
    let (lines, typed) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    typed
}
