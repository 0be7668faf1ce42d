//! `countersign`, the program.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use countersign::cli::Cli;

/// What is freed is zeroed, so that a dump of the process holds no number, code or key that was used and done with: also not in buffers of
/// libraries, which know nothing of secrets.
#[global_allocator]
static ZEROING: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One message for a person: the error and what caused it, unless the error has said so itself.
            let mut message = error.to_string();
            for cause in error.chain().skip(1).map(ToString::to_string) {
                if !message.contains(&cause) {
                    message = format!("{message}: {cause}");
                }
            }
            let _ = writeln!(io::stderr(), "countersign: {message}");
            ExitCode::FAILURE
        }
    }
}
