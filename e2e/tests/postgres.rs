//! The fixture itself, against the real server.

#![expect(clippy::unwrap_used, reason = "clippy knows the tests here, but not the functions that they share")]

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use countersign_e2e::engines::{Engine, wanted};
use countersign_e2e::postgres::{Options, Postgres};

fn postgres_is_wanted() -> bool {
    wanted().unwrap().contains(&Engine::Postgres)
}

fn home(postgres: &Postgres) -> PathBuf {
    postgres.log().parent().unwrap().to_path_buf()
}

/// The servers over the data directory: processes that have it on their command line. A server's own child, just forked, still has its
/// parent's and is no second server.
fn processes_over(directory: &Path) -> usize {
    let mark = directory.join("data");
    let mark = mark.as_os_str().as_encoded_bytes();
    let has_mark = |line: &[u8]| line.split(|byte| *byte == 0).any(|argument| argument == mark);
    let found: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| has_mark(&line)))
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, parent(&entry.path())?)))
        .collect();
    found.iter().filter(|(_, parent)| !found.iter().any(|(pid, _)| pid == parent)).count()
}

/// Field 4 of `/proc/<pid>/stat`; field 2 is the name in parentheses and may hold anything.
fn parent(process: &Path) -> Option<u32> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn what_was_committed_survives_a_kill_and_a_dropped_server_leaves_nothing() {
    if !postgres_is_wanted() {
        return;
    }
    let postgres = Postgres::start().unwrap();
    assert_eq!(postgres.sql("postgres", "SHOW fsync").unwrap(), "on");
    assert_eq!(postgres.url(), format!("postgresql://postgres@127.0.0.1:{}/postgres", postgres.port()));

    let url = postgres.create_database("kept").unwrap();
    assert!(url.ends_with("/kept"));
    assert!(postgres.create_database("kept").is_err(), "the name is taken");
    assert!(postgres.create_database("x\"; DROP").is_err());

    postgres.sql("kept", "CREATE TABLE t (n int); INSERT INTO t VALUES (41), (1)").unwrap();
    postgres.kill9().unwrap();
    assert!(postgres.sql("kept", "SELECT 1").is_err(), "it is down");
    assert!(postgres.kill9().is_err(), "it is already down");
    postgres.restart().unwrap();
    let log = std::fs::read_to_string(postgres.log()).unwrap();
    assert!(log.contains("not properly shut down"), "no crash, so the kill proves nothing: {log}");
    assert_eq!(postgres.sql("kept", "SELECT sum(n) FROM t").unwrap(), "42");

    postgres.stop().unwrap();
    postgres.restart().unwrap();
    let log = std::fs::read_to_string(postgres.log()).unwrap();
    assert!(!log.contains("not properly shut down"), "{log}");

    let directory = home(&postgres);
    assert_eq!(processes_over(&directory), 1);
    drop(postgres);
    assert!(!directory.exists());
    assert_eq!(processes_over(&directory), 0);
}

#[test]
fn the_shared_server_gives_each_caller_a_database_of_its_own() {
    if !postgres_is_wanted() {
        return;
    }
    let first = Postgres::shared().fresh_database().unwrap();
    let second = Postgres::shared().fresh_database().unwrap();
    assert_ne!(first, second);
}

#[test]
fn settings_reach_the_server() {
    if !postgres_is_wanted() {
        return;
    }
    let settings = vec![("work_mem".to_owned(), "7MB".to_owned())];
    let postgres = Postgres::with(Options { fsync: false, settings }).unwrap();
    assert_eq!(postgres.sql("postgres", "SHOW fsync; SHOW work_mem").unwrap(), "off\n7MB");
}

/// The fixture in a process of its own, as the tests in other languages use it.
struct Holder {
    process: Child,
    answers: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl Holder {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_e2e-postgres"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = answers.next().unwrap().unwrap();
        Self { process, answers, url }
    }

    fn ask(&mut self, command: &str) -> String {
        writeln!(self.process.stdin.as_mut().unwrap(), "{command}").unwrap();
        self.answers.next().unwrap().unwrap()
    }

    /// The server's directory: the one of the names that this process may have taken.
    fn directory(&self) -> PathBuf {
        std::env::temp_dir().join(format!("countersign-pg-{}-0", self.process.id()))
    }
}

#[test]
fn the_program_for_other_languages_obeys_and_ends_with_its_input() {
    if !postgres_is_wanted() {
        return;
    }
    let mut holder = Holder::start();
    let url = holder.ask("database other");
    assert_eq!(url, holder.url.replace("/postgres", "/other").replacen("//other", "//postgres", 1));
    assert_eq!(holder.ask("kill9"), "done");
    assert!(holder.ask("stop").starts_with("error: "));
    assert_eq!(holder.ask("restart"), "done");
    assert!(holder.ask("dance").starts_with("error: "));
    let directory = holder.directory();
    assert_eq!(processes_over(&directory), 1);
    drop(holder.process.stdin.take());
    assert!(holder.process.wait().unwrap().success());
    assert!(!directory.exists());
}

#[test]
fn a_killed_process_leaves_nothing() {
    if !postgres_is_wanted() {
        return;
    }
    let mut holder = Holder::start();
    let directory = holder.directory();
    assert_eq!(processes_over(&directory), 1);
    holder.process.kill().unwrap();
    holder.process.wait().unwrap();
    for _ in 0..1_500 {
        if !directory.exists() {
            assert_eq!(processes_over(&directory), 0);
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("{} is still there", directory.display());
}
