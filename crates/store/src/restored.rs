//! What must not come back from a backup: a code that was used after the backup was made, and is unused in it.

use crate::{
    Ended,
    engine::{Statement, StoreError, Type},
    scope::Tx,
    values,
};
use types::Millis;

// A clock that runs ahead may have shown the code of a later step; one step more is what is accepted either way.
static TOKENS: Statement = Statement::new(
    "restored_tokens",
    "UPDATE token SET counter = $2 / period + 1 + CASE WHEN drift > 0 THEN drift ELSE 0 END \
     WHERE tenant = $1 AND type IN ('t6', 't8') AND period > 0 AND counter < $2 / period + 1 + CASE WHEN drift > 0 THEN drift ELSE 0 END",
    &[Type::Id, Type::Int],
);
static SMS_CODES: Statement =
    Statement::new("restored_sms_codes", "DELETE FROM sms_code WHERE tenant = $1", &[Type::Id]);
static ACTIVATIONS: Statement =
    Statement::new("restored_activations", "DELETE FROM activation WHERE tenant = $1", &[Type::Id]);
static TRUSTED: Statement =
    Statement::new("restored_trusted", "DELETE FROM trusted_device WHERE tenant = $1", &[Type::Id]);
static SIGN_INS: Statement = Statement::new("restored_sign_ins", "DELETE FROM sign_in WHERE tenant = $1", &[Type::Id]);
static PROVIDER_REQUESTS: Statement =
    Statement::new("restored_provider_requests", "DELETE FROM provider_request WHERE tenant = $1", &[Type::Id]);
static SESSIONS: Statement = Statement::new("restored_sessions", "DELETE FROM session WHERE tenant = $1", &[Type::Id]);
static SESSION_DEVICES: Statement =
    Statement::new("restored_session_devices", "DELETE FROM session_device WHERE tenant = $1", &[Type::Id]);
static GRANTS: Statement = Statement::new("restored_grants", "DELETE FROM grants WHERE tenant = $1", &[Type::Id]);
static BROWSERS: Statement = Statement::new("restored_browsers", "DELETE FROM browser WHERE tenant = $1", &[Type::Id]);
static PASSES: Statement =
    Statement::new("restored_passes", "DELETE FROM recovery WHERE tenant = $1 AND expires IS NOT NULL", &[Type::Id]);
static VERIFICATIONS: Statement =
    Statement::new("restored_verifications", "DELETE FROM verification WHERE tenant = $1", &[Type::Id]);
static CHALLENGES: Statement =
    Statement::new("restored_challenges", "DELETE FROM verify_challenge WHERE tenant = $1", &[Type::Id]);
static FACTORS: Statement = Statement::new(
    "restored_factors",
    "UPDATE verify_factor SET last_step = $2 / period + 1 + CASE WHEN drift > 0 THEN drift ELSE 0 END \
     WHERE tenant = $1 AND period > 0 AND last_step < $2 / period + 1 + CASE WHEN drift > 0 THEN drift ELSE 0 END",
    &[Type::Id, Type::Int],
);

// What was under way is reported and not sent again: the keys of the queue are in no backup, and what a carrier had seen may have arrived.
static UNDER_WAY: Statement = Statement::new(
    "restored_under_way",
    "UPDATE message_log SET state = 'failed', error_class = 'lost' \
     WHERE tenant = $1 AND state IN ('queued', 'scheduled') AND id IN (SELECT id FROM message_queue WHERE tenant = $1)",
    &[Type::Id],
);
static QUEUE: Statement = Statement::new("restored_queue", "DELETE FROM message_queue WHERE tenant = $1", &[Type::Id]);

pub(crate) static ALL: &[&Statement] = &[
    &TOKENS,
    &SMS_CODES,
    &ACTIVATIONS,
    &TRUSTED,
    &SIGN_INS,
    &PROVIDER_REQUESTS,
    &SESSIONS,
    &SESSION_DEVICES,
    &GRANTS,
    &BROWSERS,
    &PASSES,
    &VERIFICATIONS,
    &CHALLENGES,
    &FACTORS,
    &UNDER_WAY,
    &QUEUE,
];

impl Tx {
    /// Makes a restored tenant safe, as far as that can be done without knowing what happened since: every TOTP step up to `now` counts
    /// as used, and passcodes that were sent, activation codes, access passes, remembered devices, known browsers, sign-ins, sessions,
    /// what was granted to applications, leave to register, verifications and challenges are gone. Messages that were under way are reported as lost, and not sent again. Counters of HOTP and Yubico tokens and of passkeys, and what is left of bypass and recovery codes, stay as they were.
    pub async fn void_after_restore(&mut self, now: Millis) -> Result<(), StoreError> {
        self.run(&TOKENS, values![now.seconds()]).await?;
        self.run(&FACTORS, values![now.seconds()]).await?;
        self.revoke_grants(Ended::Everything, now).await?;
        self.close_registration().await?;
        for statement in [
            &SMS_CODES,
            &ACTIVATIONS,
            &TRUSTED,
            &SIGN_INS,
            &PROVIDER_REQUESTS,
            &SESSIONS,
            &SESSION_DEVICES,
            &GRANTS,
            &BROWSERS,
            &PASSES,
            &VERIFICATIONS,
            &CHALLENGES,
            // In this order: the second forgets what the first needs.
            &UNDER_WAY,
            &QUEUE,
        ] {
            self.run(statement, Vec::new()).await?;
        }
        Ok(())
    }
}
