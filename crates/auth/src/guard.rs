//! Alarms of the store's guards, told to the organisation's people by mail, if its settings name an address.

use crate::{Auth, AuthError};
use std::{sync::Weak, time::Duration};
use store::{Alarm, fields, limits::Limit};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// So many mails about alarms an organisation gets; the administrator log has them all.
const MAILS: Limit = Limit { max: 30, window: Duration::from_secs(3600) };

/// Mails alarms as they come, until the engine is gone.
pub(crate) async fn listen(auth: Weak<Auth>, mut alarms: Receiver<Alarm>) {
    loop {
        let alarm = match alarms.recv().await {
            Ok(alarm) => alarm,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Some(auth) = auth.upgrade() else { return };
        if let Err(error) = auth.mail_alarm(&alarm).await {
            tracing::error!(%error, "an alarm was not mailed");
        }
    }
}

/// What happened, in a sentence.
fn said(what: &str) -> &'static str {
    match what {
        "numbers_refused" => "asked for more telephone numbers than are given in a minute.",
        "numbers_in_bulk" => "reads the telephone numbers of the directory in bulk.",
        "numbers_without_a_sign_in" => "More telephone numbers were wanted than there are sign-ins for.",
        "number_canary_read" => {
            "was given a telephone number that is nobody's and stands in the directory to be stolen."
        }
        "number_canary_written_to" => {
            "A message was to go to a telephone number that is nobody's and stands in the directory to be stolen, or came in for it."
        }
        "number_canary_wrote" => {
            "A message came in from a telephone number that is nobody's and stands in the directory to be stolen."
        }
        "log_canary_read" => "was given rows of the message log without the key that opens them: a thief reads so.",
        "log_read_without_key" => "read the message log on the server's host without the key that opens it.",
        "log_read_too_much" => "reads more of the message log than ever.",
        "log_read_from_elsewhere" => "reads the message log from a place or a browser where they never were.",
        "reader_frozen" => "was stopped from reading.",
        _ => "An alarm was raised.",
    }
}

impl Auth {
    async fn mail_alarm(&self, alarm: &Alarm) -> Result<(), AuthError> {
        let portal = self.portal(alarm.tenant).await?;
        if !portal.settings.fraud_email_enabled {
            return Ok(());
        }
        let scope = self.store.tenant(alarm.tenant);
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"guard-mails"]);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, MAILS, 1, self.world.now()).await?;
        tx.commit().await?;
        if !may {
            return Ok(());
        }
        let who = match alarm.who.parse() {
            Ok(id) => scope.user(id).await?.map_or_else(|| alarm.who.clone(), |user| user.username),
            Err(_) => alarm.who.clone(),
        };
        let text = format!("{who} {}\n\nSee: countersign admin alerts", said(alarm.what));
        self.alert(&portal, "Somebody reads what they should not", text.trim_start().to_owned());
        Ok(())
    }
}
