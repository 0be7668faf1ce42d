//! A store with tenants, and the Python environment of the tests.

#[expect(dead_code, reason = "the tests within the crate use the rest")]
#[path = "../../src/testing/fixture.rs"]
mod fixture;

pub(crate) use fixture::{Fixture, NOW};
use messaging::{
    Address, CallScript, Content, Outgoing, Purpose,
    log::{LogReader, Opened},
};
use std::path::{Path, PathBuf};

/// The interpreter of the environment that `cargo xtask test` makes in the target directory.
pub(crate) fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let interpreter = target.join("venv/bin/python");
    assert!(
        interpreter.is_file(),
        "{} is missing. This test needs programs from PyPI (aiosmtpd, twilio, http_ece, py_vapid); `cargo xtask test` installs them and runs it, and so does\n  \
         python3 -m venv {1} && {1}/bin/pip install aiosmtpd==1.4.6 twilio==9.13.0 http_ece==1.2.1 py_vapid==1.9.6",
        interpreter.display(),
        target.join("venv").display(),
    );
    interpreter
}
