//! What a thief takes: files, and the memory of a process.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// A page of memory.
const PAGE: usize = 4096;

/// What a process has in memory, less what it only maps from files and can't write: what a core dump holds of its own.
///
/// # Errors
/// There is no such process, or this one may not look into it.
pub fn memory(process: u32) -> io::Result<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mut memory = fs::File::open(format!("/proc/{process}/mem"))?;
    let mut all = Vec::new();
    for line in maps.lines() {
        let Some((start, end)) = writable(line) else { continue };
        // Page by page: some of a range may not be there. What is all zeros is left out, but nothing is joined that isn't neighbours.
        let mut page = [0; PAGE];
        for at in (start..end).step_by(PAGE) {
            let is_there = memory.seek(SeekFrom::Start(at)).and_then(|_| memory.read_exact(&mut page)).is_ok();
            if is_there && page != [0; PAGE] {
                all.extend_from_slice(&page);
            } else if all.last().is_some_and(|last| *last != 0) {
                all.push(0);
            }
        }
    }
    Ok(all)
}

/// The range of a line of `/proc/…/maps`, if the process can write there (proc(5)).
fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let (start, end) = range.split_once('-')?;
    let range = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    rights.starts_with("rw").then_some(range)
}

/// Every file below a directory, with its path. One that goes away meanwhile, as a running server's may, is left out.
///
/// # Errors
/// The directory itself can't be read.
pub fn files(directory: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut open = vec![fs::read_dir(directory)?];
    while let Some(entries) = open.pop() {
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.extend(fs::read_dir(&path)),
                Ok(kind) if kind.is_file() => {
                    found.extend(fs::read(&path).ok().map(|bytes| (path.display().to_string(), bytes)));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}
