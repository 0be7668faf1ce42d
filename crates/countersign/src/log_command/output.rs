//! How opened rows are shown: a table for people, or files for programs.

use std::{
    collections::VecDeque,
    fs::OpenOptions,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::Context as _;
use messaging::log::{Opened, Unreadable};
use serde_json::{Map, Value};
use store::MessageRow;
use types::Millis;

use super::Format;
use crate::cli::say;

/// A row, what was sealed in it, and the user's name.
pub(crate) struct Line {
    pub(crate) row: MessageRow,
    pub(crate) opened: Result<Opened, Unreadable>,
    pub(crate) user: String,
}

/// Takes rows.
pub(crate) trait Output {
    /// The next row.
    fn row(&mut self, line: Line) -> anyhow::Result<()>;
}

/// The columns of files, in their order.
const COLUMNS: [&str; 20] = [
    "time",
    "day",
    "to",
    "carrier",
    "country",
    "place",
    "line",
    "type",
    "purpose",
    "state",
    "error",
    "supplier",
    "billing",
    "user",
    "user_id",
    "receipt_time",
    "receipt_id",
    "receipt",
    "id",
    "unreadable",
];

fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_string()).unwrap_or_default()
}

fn day(day: i64) -> String {
    let at = jiff::Timestamp::from_second(day.saturating_mul(86_400));
    at.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

impl Line {
    fn cells(&self) -> [String; COLUMNS.len()] {
        let opened = self.opened.as_ref().ok();
        let text = |of: fn(&Opened) -> &str| opened.map(|opened| of(opened).to_owned()).unwrap_or_default();
        let row = &self.row;
        [
            opened.map(|opened| time(opened.at())).unwrap_or_default(),
            day(row.day),
            text(Opened::to),
            text(Opened::carrier),
            text(Opened::country),
            text(Opened::place),
            text(Opened::line),
            row.channel.clone(),
            row.purpose.clone(),
            row.state.clone(),
            row.error_class.clone(),
            row.supplier.clone(),
            row.billing_class.clone(),
            self.user.clone(),
            opened.and_then(Opened::user).map(|user| user.to_string()).unwrap_or_default(),
            opened.and_then(Opened::receipt_at).map(time).unwrap_or_default(),
            text(Opened::receipt_id),
            text(Opened::receipt_words),
            row.id.to_string(),
            self.opened.as_ref().err().filter(|_| row.sealed.is_some()).map(ToString::to_string).unwrap_or_default(),
        ]
    }
}

/// A file or standard output, row by row.
pub(crate) struct File {
    format: Format,
    out: BufWriter<Box<dyn Write>>,
}

impl File {
    pub(crate) fn new(format: Format, path: Option<&Path>) -> anyhow::Result<Self> {
        let out: Box<dyn Write> = match path {
            None => Box::new(std::io::stdout()),
            Some(path) => {
                let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                Box::new(made.with_context(|| path.display().to_string())?)
            }
        };
        let mut file = Self { format, out: BufWriter::with_capacity(1 << 16, out) };
        if matches!(format, Format::Csv) {
            writeln!(file.out, "{}\r", COLUMNS.join(","))?;
        }
        Ok(file)
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }
}

impl Output for File {
    fn row(&mut self, line: Line) -> anyhow::Result<()> {
        let cells = line.cells();
        match self.format {
            Format::Csv => {
                let cells: Vec<String> = cells.iter().map(|cell| csv(cell)).collect();
                writeln!(self.out, "{}\r", cells.join(","))?;
            }
            Format::Jsonl => {
                let cells = COLUMNS.iter().zip(cells).map(|(name, cell)| {
                    ((*name).to_owned(), if cell.is_empty() { Value::Null } else { Value::String(cell) })
                });
                serde_json::to_writer(&mut self.out, &Value::Object(cells.collect::<Map<_, _>>()))?;
                self.out.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

/// RFC 4180, and no cell that a spreadsheet would take for a formula: a supplier's words are a stranger's.
fn csv(cell: &str) -> String {
    let number = cell.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number;
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// The last rows of a period, by their time.
pub(crate) struct Table {
    last: usize,
    lines: VecDeque<(Millis, [String; 9])>,
    more: usize,
}

impl Table {
    pub(crate) fn new(last: usize) -> Self {
        Self { last: last.clamp(1, 100_000), lines: VecDeque::new(), more: 0 }
    }

    /// Drops the oldest of more than twice as many as are shown.
    fn trim(&mut self) {
        self.lines.make_contiguous().sort_by_key(|(at, _)| *at);
        let surplus = self.lines.len().saturating_sub(self.last);
        self.lines.drain(..surplus);
        self.more += surplus;
    }

    pub(crate) fn print(mut self) -> anyhow::Result<()> {
        self.trim();
        let head = ["time", "to", "type", "carrier", "country", "place", "state", "supplier", "user"];
        let mut widths = head.map(str::len);
        for (_, cells) in &self.lines {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let written = |cells: &[String; 9]| {
            let cells: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        say(&written(&head.map(str::to_owned)))?;
        for (_, cells) in &self.lines {
            say(&written(cells))?;
        }
        if self.more > 0 { say(&format!("({} earlier ones; --last shows more)\n", self.more)) } else { Ok(()) }
    }
}

impl Output for Table {
    fn row(&mut self, line: Line) -> anyhow::Result<()> {
        let at = line.opened.as_ref().map_or(Millis(line.row.day.saturating_mul(86_400_000)), Opened::at);
        // Nothing that a supplier says may move the cursor of a terminal.
        let calm = |cell: String| cell.replace(char::is_control, " ");
        let [
            time,
            day,
            to,
            carrier,
            country,
            place,
            line_kind,
            kind,
            purpose,
            state,
            error,
            supplier,
            _,
            user,
            ..,
            unreadable,
        ] = line.cells();
        let _ = (line_kind, purpose);
        let state = if error.is_empty() { state } else { format!("{state} ({error})") };
        let (time, to) = if time.is_empty() {
            (day, if unreadable.is_empty() { "not kept".to_owned() } else { unreadable })
        } else {
            (time, to)
        };
        self.lines.push_back((at, [time, to, kind, carrier, country, place, state, supplier, user].map(calm)));
        if self.lines.len() >= self.last.saturating_mul(2) {
            self.trim();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"\n", "\"say \"\"x\"\"\n\""),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("+4915112345678", "+4915112345678"),
            ("+cmd", "'+cmd"),
            ("-5", "'-5"),
        ] {
            assert_eq!(csv(cell), written);
        }
    }
}
