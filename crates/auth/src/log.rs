//! Rows of the authentication log.

use crate::application::Application;
use store::{AuthLogRow, login::Recorded};
use types::{LogId, Millis, UserId, World};

/// What a row tells.
pub(crate) struct Entry<'a> {
    pub(crate) user: Option<UserId>,
    pub(crate) username: &'a str,
    pub(crate) factor: &'a str,
    pub(crate) result: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) rule: &'a str,
    pub(crate) ip: String,
    pub(crate) hostname: &'a str,
    pub(crate) device: String,
    pub(crate) txid: Option<String>,
}

/// A row, with a new id.
pub(crate) fn row(app: &Application, entry: Entry<'_>, now: Millis, world: &World) -> AuthLogRow {
    let mut detail = serde_json::Map::new();
    for (name, value) in [("rule", entry.rule), ("hostname", entry.hostname), ("application", &app.name)] {
        if !value.is_empty() {
            detail.insert(name.to_owned(), value.into());
        }
    }
    if let Some(txid) = entry.txid {
        detail.insert("txid".to_owned(), txid.into());
    }
    AuthLogRow {
        id: LogId::new(now, world.random.as_ref()),
        at: now,
        user_id: entry.user,
        username: entry.username.to_owned(),
        ikey: app.ikey.clone(),
        factor: entry.factor.to_owned(),
        result: entry.result.to_owned(),
        reason: entry.reason.to_owned(),
        ip: entry.ip,
        device: entry.device,
        detail: serde_json::Value::Object(detail).to_string(),
    }
}

/// The row, now that its result and reason are known.
pub(crate) fn ended(mut row: AuthLogRow, (result, reason): (&str, &str)) -> AuthLogRow {
    result.clone_into(&mut row.result);
    reason.clone_into(&mut row.reason);
    row
}

/// Result and reason of a code that was tried, of whatever kind.
pub(crate) const fn of_code(recorded: Recorded) -> (&'static str, &'static str) {
    match recorded {
        Recorded::Won => ("success", "valid_passcode"),
        Recorded::Spent => ("denied", "passcode_already_used"),
        Recorded::Failed(_) => ("denied", "invalid_passcode"),
        Recorded::LockedOut => ("denied", "locked_out"),
    }
}

/// Counts an authentication that ended, for `/metrics`. Factors and results are words of ours: nothing of a person is in them.
pub(crate) fn count(factor: &'static str, result: &'static str) {
    metrics::counter!("countersign_authentications_total", "factor" => factor, "result" => result).increment(1);
}

/// An address as the log keeps it.
pub(crate) fn ip(client: &crate::Client) -> String {
    client.ip.map(|ip| ip.to_string()).unwrap_or_default()
}
