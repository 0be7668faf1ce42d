//! Defence M1, at its full size: fifty thousand messages to known numbers, over HTTP, SMPP, SIP and a channel in the process, and
//! everything that somebody who has the house can take: database, journal, backup, the log at its most talkative, the metrics, every page
//! of the log that a session can get, and the memory of the process that sent them.
//!
//! The sender is a process of its own, this binary started again, so that its memory holds no list of the numbers: they are computed one by
//! one from their place. It says when everything was delivered and its connections have closed; then its memory is read.

mod sender;
mod smsc;

use crate::{
    supplier::Supplier,
    trunk::{Exchange, Plan},
};
use countersign_e2e::loot::{self, Loot, subscriber};
use keys::TenantPrivateKey;
use smsc::Smsc;
use std::{fs, path::Path, process::Stdio};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use types::World;

/// As many as the requirement asks for.
const MESSAGES: u32 = 50_000;
/// The last seven digits alone are looked for of one number in so many.
const TAILS: usize = 1_000;
/// So many runs of seven digits may be the end of one of those by chance: of some ten thousand runs that are compared with fifty ends, one
/// is in twenty searches.
const MOST_BY_CHANCE: usize = 3;
/// So many numbers may be those that went last through a connection that is still open.
const MOST_IN_BUFFERS: usize = 2;
/// Of them so many go over HTTP, with a client's and a connection's buffers …
const OVER_HTTP: u32 = 1_000;
/// … so many over SMPP, whose receipts name the number again …
const OVER_SMPP: u32 = 5_000;
/// … and so many are called, at a line that is busy, or by somebody who presses the keys. The others go through a channel in the process.
const BUSY: u32 = 200;
const ANSWERED: u32 = 5;

/// What the process has in memory.
fn memory(process: u32) -> Vec<u8> {
    loot::memory(process).unwrap()
}

/// Every file of the directory, by its name.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let named = |path: &str| Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
    loot::files(directory).unwrap().into_iter().map(|(path, bytes)| (named(&path), bytes)).collect()
}

#[tokio::test]
async fn m1_m12_nothing_that_can_be_stolen_holds_one_of_fifty_thousand_numbers() {
    let supplier = Supplier::start().await;
    let (smsc, busy, answers) = (
        Smsc::start().await,
        Exchange::new(Plan::Refuse("486 Busy Here")).await,
        Exchange::new(Plan::Press("42")).await,
    );
    let directory = tempfile::tempdir().unwrap();
    let private = TenantPrivateKey::generate(World::real().random.as_ref());
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["theft::sender::the_sender", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(sender::DIRECTORY, directory.path())
        .env(sender::SUPPLIER, &supplier.url)
        .env(sender::SMSC, smsc.port.to_string())
        .env(sender::BUSY_TRUNK, busy.address.to_string())
        .env(sender::TRUNK, answers.address.to_string())
        .env(sender::KEY, private.public().to_text())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut wait_for = async |wanted: &str| {
        while let Some(line) = said.next_line().await.unwrap() {
            if line.contains(wanted) {
                return;
            }
        }
        panic!("the sender ended before it said {wanted}");
    };
    wait_for(sender::DELIVERED).await;
    let process = child.id().unwrap();
    let (memory, files) = tokio::task::spawn_blocking({
        let directory = directory.path().to_owned();
        move || (memory(process), files(&directory))
    })
    .await
    .unwrap();
    let mut says = child.stdin.take().unwrap();
    says.write_all(b"one more\n").await.unwrap();
    wait_for(sender::ON_ITS_WAY).await;
    let while_sending = tokio::task::spawn_blocking(move || self::memory(process)).await.unwrap();
    says.write_all(b"enough\n").await.unwrap();
    assert!(child.wait().await.unwrap().success());
    // It is also asked to forget them, as far as there was time for that.
    assert!(supplier.requests().len() >= OVER_HTTP as usize, "the supplier got what it should");
    assert_eq!(smsc.taken(), OVER_SMPP, "so did the SMSC");
    assert!(busy.count("INVITE") >= BUSY as usize && answers.count("BYE") >= ANSWERED as usize, "and the trunks");
    drop(supplier);
    let tenant = fs::read_to_string(directory.path().join(sender::TENANT)).unwrap().parse().unwrap();

    // The loot is what it should be: the journal and the backup are in it, the log is talkative, every row stands there.
    for wanted in ["db.sqlite", "db.sqlite-wal", "backup.sqlite", "trace.log", "metrics.txt", "pages.json"] {
        let found = files.iter().find(|(name, _)| name == wanted).map_or(0, |(_, bytes)| bytes.len());
        assert!(found > 1000, "{wanted}: {found} bytes");
    }
    assert!(memory.len() > 1_000_000, "{} bytes of memory", memory.len());
    let loot = Loot::new((0..MESSAGES).map(subscriber), TAILS);
    let mut found: Vec<String> = Vec::new();
    let (mut by_chance, mut in_buffers) = (0, 0);
    for (name, bytes) in files.iter().map(|(name, bytes)| (name.as_str(), bytes)).chain([("memory", &memory)]) {
        for hit in loot.hits(bytes) {
            // Seven digits alone may stand anywhere; of a number that was kept, hundreds would. And a connection's buffer holds what
            // went through it last until it is used again or closed (docs/message-log.md).
            if hit.may_be_chance() && by_chance < MOST_BY_CHANCE {
                by_chance += 1;
            } else if name == "memory" && in_buffers < MOST_IN_BUFFERS {
                in_buffers += 1;
            } else {
                found.push(format!("{name}: {} at {}", hit.form, hit.at));
            }
        }
    }
    assert!(found.is_empty(), "{} hits, the first: {:?}", found.len(), &found[..found.len().min(20)]);
    // M12: who has the memory while a message is on its way has that one, and no other.
    let all = Loot::new((0..=MESSAGES).map(subscriber), TAILS);
    let seen: std::collections::HashSet<u32> =
        all.hits(&while_sending).into_iter().filter(|hit| !hit.may_be_chance()).map(|hit| hit.subscriber).collect();
    assert_eq!(seen, std::collections::HashSet::from([subscriber(MESSAGES)]));
    // And what the organisation can read with its key is all there.
    sender::read_all(directory.path(), tenant, private).await;
}

/// The positive control: the same numbers in the same columns, sealed by nobody.
#[tokio::test]
async fn the_same_search_finds_all_of_them_where_nothing_is_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let _store = sender::write_in_clear(directory.path()).await;
    let loot = Loot::new((0..MESSAGES).map(subscriber), TAILS);
    let mut seen = std::collections::HashSet::new();
    for (_, bytes) in files(directory.path()) {
        seen.extend(loot.hits(&bytes).into_iter().map(|hit| hit.subscriber));
    }
    assert_eq!(seen.len(), MESSAGES as usize);
}
