//! Known telephone numbers, and the search for them in what a thief could have taken, for tests that aren't written in Rust.
//!
//! `numbers FROM TO` writes the numbers at these places, a line each. `memory PROCESS FILE` writes what a process has in its memory.
//! `search COUNT PATH…` looks for the first `COUNT` numbers in these files, and in all below those that are directories: a line for each
//! that it finds, with the file, the form, the digits behind `+49151` and the byte, and as its last line how many bytes it has seen.

use std::{
    io::{BufWriter, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use countersign_e2e::loot::{self, Loot};

/// The last seven digits alone are looked for of so many numbers: of thousands one would be found by chance.
const TAILS: usize = 50;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["numbers", from, to] => numbers(from.parse()?, to.parse()?),
        ["memory", process, file] => {
            let memory = loot::memory(process.parse()?).context("the memory of another process")?;
            std::fs::write(file, memory).with_context(|| (*file).to_owned())
        }
        ["search", count, paths @ ..] if !paths.is_empty() => search(count.parse()?, paths),
        _ => bail!("numbers FROM TO, memory PROCESS FILE, or search COUNT PATH…"),
    }
}

fn numbers(from: u32, to: u32) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for place in from..to {
        writeln!(out, "{}", loot::number(place))?;
    }
    Ok(out.flush()?)
}

fn search(count: u32, paths: &[&str]) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let every = usize::try_from(count)?.div_ceil(TAILS).max(1);
    let wanted = Loot::new((0..count).map(loot::subscriber), every);
    let mut seen = 0;
    for path in paths.iter().map(Path::new) {
        let files = if path.is_dir() {
            loot::files(path)?
        } else {
            vec![(path.display().to_string(), std::fs::read(path).with_context(|| path.display().to_string())?)]
        };
        for (name, bytes) in files {
            seen += bytes.len();
            for hit in wanted.hits(&bytes) {
                writeln!(out, "{name}\t{}\t{:08}\t{}", hit.form, hit.subscriber, hit.at)?;
            }
        }
    }
    writeln!(out, "{seen}")?;
    Ok(out.flush()?)
}
