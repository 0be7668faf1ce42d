//! The schema, in small forward-only steps, the same text on every engine.
//!
//! A step is never changed once it has landed; a mistake is mended by the next step. Old code must run on the new schema, so
//! that nodes can be replaced one by one. Types are BIGINT (numbers, milliseconds, flags), TEXT, BYTEA and UUID; SQLite takes
//! the words and keeps what it is given. Each primary key begins with the tenant, which is also the sharding key; the reference
//! tables (tenants, API host names, integration keys) are the exceptions. `/* clustered */` asks an engine that can to keep
//! the rows in the order of the primary key.

use crate::engine::{Engine, Row, Statement, StoreError};
use std::time::Duration;

/// The steps; the place in the list (from 1) is the version.
pub(crate) const STEPS: &[&str] = &[
    // Reference tables: what is looked up before the tenant is known.
    "CREATE TABLE tenant (
        id UUID NOT NULL, name TEXT NOT NULL, api_host TEXT NOT NULL, created BIGINT NOT NULL,
        settings TEXT NOT NULL, log_key TEXT, PRIMARY KEY (id));
     CREATE UNIQUE INDEX tenant_by_host ON tenant (api_host);
     CREATE TABLE integration_key (ikey TEXT NOT NULL, tenant UUID NOT NULL, PRIMARY KEY (ikey)) /* clustered */;",
    // Wrapped keys, every version: the newest encrypts, all decrypt.
    "CREATE TABLE tenant_key (
        tenant UUID NOT NULL, version BIGINT NOT NULL, root TEXT NOT NULL, wrapped BYTEA NOT NULL, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, version)) /* clustered */;",
    // Applications and their policies. `settings` holds the fields that only the Admin API reads.
    "CREATE TABLE integration (
        tenant UUID NOT NULL, ikey TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, secret BYTEA NOT NULL,
        signature_v1 BIGINT NOT NULL, normalization TEXT NOT NULL, policy UUID, settings TEXT NOT NULL, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, ikey)) /* clustered */;
     CREATE TABLE policy (
        tenant UUID NOT NULL, id UUID NOT NULL, name TEXT NOT NULL, is_global BIGINT NOT NULL, sections TEXT NOT NULL,
        created BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE group_policy (
        tenant UUID NOT NULL, ikey TEXT NOT NULL, group_id UUID NOT NULL, policy UUID NOT NULL, place BIGINT NOT NULL,
        PRIMARY KEY (tenant, ikey, group_id)) /* clustered */;",
    // People. `user_name` holds the normalised name and each alias: one bucket for every spelling. `failures` counts wrong
    // answers since the last right one; `locked_at` is when they became too many.
    "CREATE TABLE users (
        tenant UUID NOT NULL, id UUID NOT NULL, username TEXT NOT NULL, realname TEXT NOT NULL, firstname TEXT NOT NULL,
        lastname TEXT NOT NULL, email TEXT NOT NULL, notes TEXT NOT NULL, status TEXT NOT NULL, failures BIGINT NOT NULL,
        locked_at BIGINT, deleted_at BIGINT, last_login BIGINT, created BIGINT NOT NULL, attributes TEXT NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE user_name (
        tenant UUID NOT NULL, name TEXT NOT NULL, user_id UUID NOT NULL, place BIGINT NOT NULL,
        PRIMARY KEY (tenant, name)) /* clustered */;
     CREATE INDEX user_name_by_user ON user_name (tenant, user_id);
     CREATE TABLE groups (
        tenant UUID NOT NULL, id UUID NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL,
        created BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX groups_by_name ON groups (tenant, name);
     CREATE TABLE membership (
        tenant UUID NOT NULL, user_id UUID NOT NULL, group_id UUID NOT NULL,
        PRIMARY KEY (tenant, user_id, group_id)) /* clustered */;
     CREATE INDEX membership_by_group ON membership (tenant, group_id);",
    // Devices. `number` and `tail` are sealed apart, so that a page which shows four digits never opens the number.
    // `counter` of a token is the last accepted TOTP step, HOTP counter or Yubico counter: a code is used by moving it on.
    "CREATE TABLE phone (
        tenant UUID NOT NULL, id UUID NOT NULL, number BYTEA, tail BYTEA, extension TEXT NOT NULL, name TEXT NOT NULL,
        type TEXT NOT NULL, platform TEXT NOT NULL, model TEXT NOT NULL, predelay BIGINT NOT NULL, postdelay BIGINT NOT NULL,
        public_key BYTEA, device_name TEXT NOT NULL, last_seen BIGINT, sms_sent BIGINT NOT NULL, last_used BIGINT,
        created BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE user_phone (
        tenant UUID NOT NULL, user_id UUID NOT NULL, phone_id UUID NOT NULL,
        PRIMARY KEY (tenant, user_id, phone_id)) /* clustered */;
     CREATE INDEX user_phone_by_phone ON user_phone (tenant, phone_id);
     CREATE TABLE token (
        tenant UUID NOT NULL, id UUID NOT NULL, type TEXT NOT NULL, serial TEXT NOT NULL, seed BYTEA NOT NULL,
        digits BIGINT NOT NULL, period BIGINT NOT NULL, counter BIGINT NOT NULL, drift BIGINT NOT NULL, last_used BIGINT,
        created BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX token_by_serial ON token (tenant, type, serial);
     CREATE TABLE user_token (
        tenant UUID NOT NULL, user_id UUID NOT NULL, token_id UUID NOT NULL,
        PRIMARY KEY (tenant, user_id, token_id)) /* clustered */;
     CREATE INDEX user_token_by_token ON user_token (tenant, token_id);",
    // Codes, as keyed hashes only.
    "CREATE TABLE bypass_code (
        tenant UUID NOT NULL, user_id UUID NOT NULL, id UUID NOT NULL, digest BYTEA NOT NULL, uses_left BIGINT,
        expires BIGINT, created BIGINT NOT NULL, created_by TEXT NOT NULL, PRIMARY KEY (tenant, user_id, id)) /* clustered */;
     CREATE INDEX bypass_code_by_id ON bypass_code (tenant, id);
     CREATE TABLE sms_code (
        tenant UUID NOT NULL, phone_id UUID NOT NULL, id UUID NOT NULL, digest BYTEA NOT NULL, first_digit TEXT NOT NULL,
        expires BIGINT, used_at BIGINT, created BIGINT NOT NULL, PRIMARY KEY (tenant, phone_id, id)) /* clustered */;
     CREATE TABLE trusted_device (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, user_id UUID NOT NULL, ikey TEXT NOT NULL, created BIGINT NOT NULL,
        expires BIGINT NOT NULL, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX trusted_device_by_user ON trusted_device (tenant, user_id);
     CREATE TABLE activation (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, user_id UUID NOT NULL, phone_id UUID, expires BIGINT NOT NULL,
        used_at BIGINT, created BIGINT NOT NULL, PRIMARY KEY (tenant, digest)) /* clustered */;",
    // Attempts that outlive their request: push, call, passcodes that were sent, asynchronous ones. `result` is 0 while it is
    // pending and never changes once it isn't. `sequence` grows with each change that a waiter must hear of.
    "CREATE TABLE attempt (
        tenant UUID NOT NULL, id UUID NOT NULL, user_id UUID NOT NULL, ikey TEXT NOT NULL, factor TEXT NOT NULL, phone_id UUID,
        result BIGINT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, sequence BIGINT NOT NULL, code_digest BYTEA,
        context BYTEA NOT NULL, request_digest BYTEA, created BIGINT NOT NULL, expires BIGINT NOT NULL, decided_at BIGINT,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX attempt_by_request ON attempt (tenant, request_digest);
     CREATE INDEX attempt_by_expiry ON attempt (expires);
     CREATE TABLE prompting (
        tenant UUID NOT NULL, user_id UUID NOT NULL, open_attempt UUID, open_until BIGINT NOT NULL, last_at BIGINT NOT NULL,
        unapproved BIGINT NOT NULL, recent_a BIGINT NOT NULL, recent_b BIGINT NOT NULL, suspended_at BIGINT, reason TEXT NOT NULL,
        PRIMARY KEY (tenant, user_id)) /* clustered */;
     CREATE INDEX attempt_by_user ON attempt (tenant, user_id, result);",
    // Append-only logs. The log of authentications is not clustered: each login would write into the middle of its tenant's wide rows
    // and split pages (2.1 pages a row, measured); so rows go to the end and only the key's small index is written in the middle (1.4).
    // A message's number, place and exact time are sealed to the tenant's public key or not kept at all.
    "CREATE TABLE auth_log (
        tenant UUID NOT NULL, id UUID NOT NULL, at BIGINT NOT NULL, user_id UUID, username TEXT NOT NULL, ikey TEXT NOT NULL,
        factor TEXT NOT NULL, result TEXT NOT NULL, reason TEXT NOT NULL, ip TEXT NOT NULL, device TEXT NOT NULL,
        detail TEXT NOT NULL, PRIMARY KEY (tenant, id));
     CREATE TABLE admin_log (
        tenant UUID NOT NULL, id UUID NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        object TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE message_log (
        tenant UUID NOT NULL, id UUID NOT NULL, day BIGINT NOT NULL, channel TEXT NOT NULL, supplier TEXT NOT NULL,
        purpose TEXT NOT NULL, state TEXT NOT NULL, billing_class TEXT NOT NULL, error_class TEXT NOT NULL,
        user_mark BYTEA NOT NULL, receipt BYTEA, sealed BYTEA, txid UUID, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE message_receipt (
        receipt BYTEA NOT NULL, tenant UUID NOT NULL, message UUID NOT NULL, expires BIGINT NOT NULL,
        PRIMARY KEY (receipt)) /* clustered */;",
    // Counters that must hold on every node: keyed by internal ids, never by what somebody typed.
    "CREATE TABLE rate_limit (
        tenant UUID NOT NULL, bucket BYTEA NOT NULL, window_start BIGINT NOT NULL, spent BIGINT NOT NULL,
        PRIMARY KEY (tenant, bucket)) /* clustered */;
     CREATE INDEX rate_limit_by_age ON rate_limit (window_start);",
    // What the Admin API looks up: addresses, who is to be deleted; what is left behind by a deleted user or phone; receipts that
    // can't come any more. And of global policies a tenant has one.
    "CREATE INDEX users_by_email ON users (tenant, email);
     CREATE INDEX users_by_deletion ON users (tenant, deleted_at) WHERE deleted_at IS NOT NULL;
     CREATE INDEX activation_by_user ON activation (tenant, user_id);
     CREATE INDEX activation_by_phone ON activation (tenant, phone_id);
     CREATE INDEX message_receipt_by_expiry ON message_receipt (expires);
     CREATE UNIQUE INDEX policy_global ON policy (tenant) WHERE is_global = 1;",
    // When the end of an attempt was told to who began it: it is told once.
    "ALTER TABLE attempt ADD COLUMN delivered_at BIGINT;",
    // Passkeys, and how many of a user's can be used: a login must know it and reads the user's row anyway.
    "ALTER TABLE users ADD COLUMN passkeys BIGINT NOT NULL DEFAULT 0;
     CREATE TABLE passkey (
        tenant UUID NOT NULL, id UUID NOT NULL, user_id UUID NOT NULL, credential_id BYTEA NOT NULL, credential BYTEA NOT NULL,
        name TEXT NOT NULL, aaguid TEXT NOT NULL, transports TEXT NOT NULL, counter BIGINT NOT NULL,
        backup_eligible BIGINT NOT NULL, backed_up BIGINT NOT NULL, user_verified BIGINT NOT NULL, attestation TEXT NOT NULL,
        suspended_at BIGINT, suspended_reason TEXT NOT NULL, last_used BIGINT, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX passkey_by_credential ON passkey (tenant, credential_id);
     CREATE INDEX passkey_by_user ON passkey (tenant, user_id);
     CREATE TABLE fido_metadata (
        name TEXT NOT NULL, serial BIGINT NOT NULL, next_update BIGINT NOT NULL, PRIMARY KEY (name));",
    // Sign-ins in a browser. Not clustered: the rows are wide and written several times.
    "CREATE TABLE sign_in (
        tenant UUID NOT NULL, id UUID NOT NULL, ikey TEXT NOT NULL, user_id UUID, browser BYTEA NOT NULL, purpose TEXT NOT NULL,
        state TEXT NOT NULL, request BYTEA NOT NULL, ceremony BYTEA, attempt UUID, canary TEXT NOT NULL,
        canary_host TEXT NOT NULL, result BYTEA, code BYTEA, created BIGINT NOT NULL, expires BIGINT NOT NULL,
        decided_at BIGINT, redeemed_at BIGINT, PRIMARY KEY (tenant, id));
     CREATE UNIQUE INDEX sign_in_by_code ON sign_in (tenant, code) WHERE code IS NOT NULL;
     CREATE INDEX sign_in_by_user ON sign_in (tenant, user_id) WHERE user_id IS NOT NULL;
     CREATE INDEX sign_in_by_expiry ON sign_in (expires);",
    // What follows a sign-in: sessions of people's own pages, leave to do one thing in them, and browsers that are known.
    "CREATE TABLE session (
        tenant UUID NOT NULL, id UUID NOT NULL, user_id UUID NOT NULL, digest BYTEA NOT NULL, strength TEXT NOT NULL,
        detail BYTEA NOT NULL, created BIGINT NOT NULL, last_seen BIGINT NOT NULL, expires BIGINT NOT NULL, ended_at BIGINT,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX session_by_user ON session (tenant, user_id);
     CREATE INDEX session_by_expiry ON session (expires);
     CREATE TABLE grants (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, session_id UUID NOT NULL, user_id UUID NOT NULL, action TEXT NOT NULL,
        expires BIGINT NOT NULL, used_at BIGINT, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX grants_by_user ON grants (tenant, user_id);
     CREATE INDEX grants_by_expiry ON grants (expires);
     CREATE TABLE browser (
        tenant UUID NOT NULL, user_id UUID NOT NULL, digest BYTEA NOT NULL, created BIGINT NOT NULL, last_used BIGINT NOT NULL,
        expires BIGINT NOT NULL, PRIMARY KEY (tenant, user_id, digest)) /* clustered */;
     CREATE INDEX browser_by_expiry ON browser (expires);",
    // Recovery, changes that can be undone, subscriptions to push messages, and the secrets that a tenant makes for itself.
    "CREATE TABLE recovery (
        tenant UUID NOT NULL, user_id UUID NOT NULL, id UUID NOT NULL, kind TEXT NOT NULL, digest BYTEA NOT NULL,
        expires BIGINT, used_at BIGINT, created BIGINT NOT NULL, created_by TEXT NOT NULL,
        PRIMARY KEY (tenant, user_id, id)) /* clustered */;
     CREATE INDEX recovery_by_expiry ON recovery (expires) WHERE expires IS NOT NULL;
     CREATE TABLE authenticator_change (
        tenant UUID NOT NULL, id UUID NOT NULL, user_id UUID NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL,
        label TEXT NOT NULL, undo BYTEA NOT NULL, made_at BIGINT NOT NULL, undo_until BIGINT NOT NULL, undone_at BIGINT,
        made_by TEXT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX authenticator_change_by_undo ON authenticator_change (tenant, undo);
     CREATE INDEX authenticator_change_by_user ON authenticator_change (tenant, user_id);
     CREATE INDEX authenticator_change_by_age ON authenticator_change (undo_until);
     CREATE TABLE push_subscription (
        tenant UUID NOT NULL, phone_id UUID NOT NULL, sealed BYTEA NOT NULL, failures BIGINT NOT NULL, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, phone_id)) /* clustered */;
     CREATE TABLE tenant_secret (
        tenant UUID NOT NULL, name TEXT NOT NULL, sealed BYTEA NOT NULL, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, name)) /* clustered */;",
    // The message log's keys: the header of each segment, and which day keys the house uses.
    "CREATE TABLE log_segment (
        tenant UUID NOT NULL, id UUID NOT NULL, day BIGINT NOT NULL, header BYTEA NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE log_day (
        name TEXT NOT NULL, day BIGINT NOT NULL, value BYTEA NOT NULL, PRIMARY KEY (name)) /* clustered */;",
    // Messages on their way out, sealed under keys that stand in no database, and the carriers that are cut off.
    "CREATE TABLE message_queue (
        tenant UUID NOT NULL, id UUID NOT NULL, holder BYTEA NOT NULL, key_id BYTEA NOT NULL, until BIGINT NOT NULL,
        state TEXT NOT NULL, carrier TEXT NOT NULL, sealed BYTEA NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX message_queue_by_holder ON message_queue (holder);
     CREATE INDEX message_queue_by_until ON message_queue (until);
     CREATE TABLE carrier_cut (
        carrier TEXT NOT NULL PRIMARY KEY, since BIGINT NOT NULL, reason TEXT NOT NULL) /* clustered */;",
    // What programs make through the messaging API, the messages that they sent, verifications of numbers, factors of their people.
    "CREATE TABLE api_object (
        tenant UUID NOT NULL, id UUID NOT NULL, kind TEXT NOT NULL, parent UUID NOT NULL, handle TEXT, name TEXT NOT NULL,
        detail TEXT NOT NULL, digest BYTEA, created BIGINT NOT NULL, updated BIGINT NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX api_object_by_parent ON api_object (tenant, kind, parent, id);
     CREATE UNIQUE INDEX api_object_by_handle ON api_object (tenant, kind, parent, handle) WHERE handle IS NOT NULL;
     CREATE UNIQUE INDEX api_object_key ON api_object (id) WHERE kind = 'key';
     CREATE TABLE api_message (
        tenant UUID NOT NULL, id UUID NOT NULL, kind TEXT NOT NULL, mark BYTEA NOT NULL, once BYTEA, sealed BYTEA,
        told TEXT NOT NULL, tries BIGINT NOT NULL, due BIGINT, leased BIGINT NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX api_message_by_once ON api_message (tenant, once) WHERE once IS NOT NULL;
     CREATE INDEX api_message_by_due ON api_message (due) WHERE due IS NOT NULL;
     CREATE TABLE verification (
        tenant UUID NOT NULL, id UUID NOT NULL, service UUID NOT NULL, whose BYTEA NOT NULL, digest BYTEA NOT NULL,
        sealed BYTEA NOT NULL, channel TEXT NOT NULL, sends BIGINT NOT NULL, checks BIGINT NOT NULL, message UUID,
        created BIGINT NOT NULL, updated BIGINT NOT NULL, expires BIGINT NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE UNIQUE INDEX verification_by_whose ON verification (tenant, service, whose);
     CREATE INDEX verification_by_expiry ON verification (expires);
     CREATE TABLE verify_attempt (
        tenant UUID NOT NULL, id UUID NOT NULL, service UUID NOT NULL, verification UUID NOT NULL, channel TEXT NOT NULL,
        country TEXT NOT NULL, converted BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE verify_factor (
        tenant UUID NOT NULL, id UUID NOT NULL, entity UUID NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        state TEXT NOT NULL, config TEXT NOT NULL, sealed BYTEA NOT NULL, period BIGINT NOT NULL, last_step BIGINT NOT NULL,
        drift BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX verify_factor_by_entity ON verify_factor (tenant, entity, id);
     CREATE TABLE verify_challenge (
        tenant UUID NOT NULL, id UUID NOT NULL, entity UUID NOT NULL, factor UUID NOT NULL, state TEXT NOT NULL,
        sealed BYTEA NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, responded BIGINT, expires BIGINT NOT NULL,
        PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX verify_challenge_by_entity ON verify_challenge (tenant, entity, id);
     CREATE INDEX verify_challenge_by_expiry ON verify_challenge (expires);
     CREATE INDEX integration_by_type ON integration (tenant, type);",
    // Numbers that want no texts, and countries that messages may go to because the tenant's people are there: keyed digests both.
    "CREATE TABLE opt_out (
        tenant UUID NOT NULL, mark BYTEA NOT NULL, day BIGINT NOT NULL, PRIMARY KEY (tenant, mark)) /* clustered */;
     CREATE TABLE known_country (
        tenant UUID NOT NULL, mark BYTEA NOT NULL, PRIMARY KEY (tenant, mark)) /* clustered */;",
    // An administrator adds nothing alone to the account of somebody who has a passkey.
    "CREATE TABLE addition_request (
        tenant UUID NOT NULL, user_id UUID NOT NULL, asked_by TEXT NOT NULL, asked_at BIGINT NOT NULL, allowed_by TEXT NOT NULL,
        allowed_at BIGINT, PRIMARY KEY (tenant, user_id)) /* clustered */;",
    // What applications want to hear of, and what they haven't heard yet.
    "CREATE TABLE signal_stream (
        tenant UUID NOT NULL, id UUID NOT NULL, ikey TEXT NOT NULL, method TEXT NOT NULL, endpoint TEXT NOT NULL, credential BYTEA,
        events TEXT NOT NULL, subject TEXT NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL, created BIGINT NOT NULL,
        updated BIGINT NOT NULL, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE TABLE signal (
        tenant UUID NOT NULL, stream UUID NOT NULL, id UUID NOT NULL, kind TEXT NOT NULL, user_id UUID, detail TEXT NOT NULL,
        created BIGINT NOT NULL, due BIGINT NOT NULL, tries BIGINT NOT NULL, PRIMARY KEY (tenant, stream, id)) /* clustered */;
     CREATE INDEX signal_by_due ON signal (due);
     CREATE INDEX signal_by_created ON signal (created);",
    // Those who read numbers or the log: how much in which hour, from where, whether they were stopped; and numbers that are nobody's,
    // as keyed digests.
    "CREATE TABLE watched (
        tenant UUID NOT NULL, who TEXT NOT NULL, frozen_at BIGINT, reason TEXT NOT NULL, allowed BIGINT NOT NULL,
        allowed_until BIGINT NOT NULL, asked_at BIGINT NOT NULL, PRIMARY KEY (tenant, who)) /* clustered */;
     CREATE TABLE reading (
        tenant UUID NOT NULL, who TEXT NOT NULL, hour BIGINT NOT NULL, rows_read BIGINT NOT NULL,
        PRIMARY KEY (tenant, who, hour)) /* clustered */;
     CREATE TABLE reading_place (
        tenant UUID NOT NULL, who TEXT NOT NULL, place BYTEA NOT NULL, since BIGINT NOT NULL,
        PRIMARY KEY (tenant, who, place)) /* clustered */;
     CREATE TABLE canary_number (
        tenant UUID NOT NULL, mark BYTEA NOT NULL, PRIMARY KEY (tenant, mark)) /* clustered */;",
    // A session says how strongly, by what and when somebody proved who they are, and which key binds it to its browser. 0 and '' are
    // what the release before writes: then its `strength` and `created` say so.
    "ALTER TABLE session ADD COLUMN level BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT '';
     ALTER TABLE session ADD COLUMN auth_time BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE session ADD COLUMN bound_key BYTEA;
     ALTER TABLE session ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;",
    // Applications that sign people in here, what they have asked for, where somebody is signed in, and what somebody agreed to.
    "CREATE TABLE relying_party (
        tenant UUID NOT NULL, ikey TEXT NOT NULL, protocol TEXT NOT NULL, key TEXT NOT NULL, settings TEXT NOT NULL, secret BYTEA,
        created BIGINT NOT NULL, updated BIGINT NOT NULL, PRIMARY KEY (tenant, ikey)) /* clustered */;
     CREATE UNIQUE INDEX relying_party_by_key ON relying_party (tenant, protocol, key);
     CREATE TABLE sso_request (
        tenant UUID NOT NULL, id UUID NOT NULL, ikey TEXT NOT NULL, browser BYTEA NOT NULL, sealed BYTEA NOT NULL,
        created BIGINT NOT NULL, expires BIGINT NOT NULL, released_at BIGINT, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX sso_request_by_expiry ON sso_request (expires);
     CREATE TABLE sso_participant (
        tenant UUID NOT NULL, session_id UUID NOT NULL, ikey TEXT NOT NULL, sid TEXT NOT NULL, user_id UUID NOT NULL,
        detail BYTEA NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL, ended_at BIGINT,
        PRIMARY KEY (tenant, session_id, ikey)) /* clustered */;
     CREATE UNIQUE INDEX sso_participant_by_sid ON sso_participant (tenant, sid);
     CREATE INDEX sso_participant_by_user ON sso_participant (tenant, user_id);
     CREATE INDEX sso_participant_by_expiry ON sso_participant (expires);
     CREATE TABLE consent (
        tenant UUID NOT NULL, user_id UUID NOT NULL, ikey TEXT NOT NULL, scopes TEXT NOT NULL, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, user_id, ikey)) /* clustered */;",
    // Tokens: the keys that sign them, what was granted, and what may be seen once. All of one sign-in hang on one family.
    "CREATE TABLE signing_key (
        tenant UUID NOT NULL, usage TEXT NOT NULL, alg TEXT NOT NULL, generation BIGINT NOT NULL, kid TEXT NOT NULL,
        private BYTEA NOT NULL, public TEXT NOT NULL, certificate BYTEA, created BIGINT NOT NULL, active_from BIGINT NOT NULL,
        retire_at BIGINT, expires BIGINT, PRIMARY KEY (tenant, usage, alg, generation)) /* clustered */;
     CREATE INDEX signing_key_by_expiry ON signing_key (expires);
     CREATE TABLE grant_family (
        tenant UUID NOT NULL, id UUID NOT NULL, user_id UUID, ikey TEXT NOT NULL, session_id UUID, detail BYTEA NOT NULL,
        created BIGINT NOT NULL, expires BIGINT NOT NULL, revoked_at BIGINT, PRIMARY KEY (tenant, id)) /* clustered */;
     CREATE INDEX grant_family_by_user ON grant_family (tenant, user_id, ikey) WHERE user_id IS NOT NULL;
     CREATE INDEX grant_family_by_session ON grant_family (tenant, session_id) WHERE session_id IS NOT NULL;
     CREATE INDEX grant_family_by_client ON grant_family (tenant, ikey);
     CREATE INDEX grant_family_by_expiry ON grant_family (expires);
     CREATE TABLE grant_token (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, kind TEXT NOT NULL, family UUID NOT NULL, generation BIGINT NOT NULL,
        detail BYTEA, expires BIGINT NOT NULL, used_at BIGINT, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX grant_token_by_expiry ON grant_token (expires);
     CREATE TABLE spent (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX spent_by_expiry ON spent (expires);
     CREATE TABLE pushed_request (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, ikey TEXT NOT NULL, sealed BYTEA NOT NULL, expires BIGINT NOT NULL,
        PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX pushed_request_by_expiry ON pushed_request (expires);
     CREATE TABLE device_grant (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, user_code BYTEA NOT NULL, ikey TEXT NOT NULL, state TEXT NOT NULL,
        sealed BYTEA NOT NULL, user_id UUID, session_id UUID, next_poll BIGINT NOT NULL, pause BIGINT NOT NULL,
        created BIGINT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE UNIQUE INDEX device_grant_by_user_code ON device_grant (tenant, user_code);
     CREATE INDEX device_grant_by_user ON device_grant (tenant, user_id) WHERE user_id IS NOT NULL;
     CREATE INDEX device_grant_by_expiry ON device_grant (expires);",
    // The key of the device on which a session lives, where the browser has Device Bound Session Credentials.
    "CREATE TABLE session_device (
        tenant UUID NOT NULL, session_id UUID NOT NULL, user_id UUID NOT NULL, key TEXT NOT NULL, created BIGINT NOT NULL,
        expires BIGINT NOT NULL, PRIMARY KEY (tenant, session_id)) /* clustered */;
     CREATE INDEX session_device_by_user ON session_device (tenant, user_id);
     CREATE INDEX session_device_by_expiry ON session_device (expires);",
    // Applications that are owed word of a session's end; and leave to register an application without an administrator.
    "CREATE TABLE logout_delivery (
        tenant UUID NOT NULL, sid TEXT NOT NULL, ikey TEXT NOT NULL, user_id UUID NOT NULL, created BIGINT NOT NULL,
        due BIGINT NOT NULL, tries BIGINT NOT NULL, PRIMARY KEY (tenant, sid)) /* clustered */;
     CREATE INDEX logout_delivery_by_due ON logout_delivery (due);
     CREATE INDEX logout_delivery_by_user ON logout_delivery (tenant, user_id);
     CREATE TABLE registration_leave (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, left_over BIGINT NOT NULL, made_by TEXT NOT NULL, created BIGINT NOT NULL,
        expires BIGINT NOT NULL, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX registration_leave_by_expiry ON registration_leave (expires);",
    // Passwords, sealed: only ever the first of two proofs.
    "CREATE TABLE password (
        tenant UUID NOT NULL, user_id UUID NOT NULL, hash BYTEA NOT NULL, set_at BIGINT NOT NULL, set_by TEXT NOT NULL,
        PRIMARY KEY (tenant, user_id)) /* clustered */;",
    // Messages that suppliers are still to be asked to forget, also after a restart.
    "CREATE TABLE supplier_deletion (
        id BYTEA NOT NULL, holder BYTEA NOT NULL, key_id BYTEA NOT NULL, carrier TEXT NOT NULL, until BIGINT NOT NULL,
        sealed BYTEA NOT NULL, PRIMARY KEY (id));
     CREATE INDEX supplier_deletion_by_holder ON supplier_deletion (holder);
     CREATE INDEX supplier_deletion_by_age ON supplier_deletion (until);",
    // An application that is deleted takes with it where people are signed in to it, and what they agreed to.
    "CREATE INDEX sso_participant_by_ikey ON sso_participant (tenant, ikey);
     CREATE INDEX consent_by_ikey ON consent (tenant, ikey);",
    // A tenant's directory, against which passwords are tried, and whose entry of it is whose.
    "CREATE TABLE user_directory (
        tenant UUID NOT NULL, name TEXT NOT NULL, settings TEXT NOT NULL, secret BYTEA NOT NULL, set_at BIGINT NOT NULL,
        set_by TEXT NOT NULL, PRIMARY KEY (tenant, name)) /* clustered */;
     CREATE TABLE directory_link (
        tenant UUID NOT NULL, subject BYTEA NOT NULL, user_id UUID NOT NULL, created BIGINT NOT NULL,
        PRIMARY KEY (tenant, subject)) /* clustered */;
     CREATE UNIQUE INDEX directory_link_by_user ON directory_link (tenant, user_id);",
    // A session that nobody uses ends by a hand of ours, so that applications are told: when each is worth a look, as long as it hasn't ended.
    "ALTER TABLE session ADD COLUMN look_at BIGINT DEFAULT 0;
     CREATE INDEX session_to_look_at ON session (look_at) WHERE look_at IS NOT NULL;",
    // What a person was called at an application is owed with word of the end: who is deleted is known nowhere else any more.
    "ALTER TABLE logout_delivery ADD COLUMN detail BYTEA;",
    // Providers at whom people sign in elsewhere, whose their subjects are, and browsers that are on their way there and back.
    "CREATE TABLE provider (
        tenant UUID NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, settings TEXT NOT NULL, secret BYTEA, enabled BIGINT NOT NULL,
        set_at BIGINT NOT NULL, set_by TEXT NOT NULL, PRIMARY KEY (tenant, key)) /* clustered */;
     CREATE TABLE provider_link (
        tenant UUID NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL, user_id UUID NOT NULL, created BIGINT NOT NULL,
        made_by TEXT NOT NULL, PRIMARY KEY (tenant, provider, subject)) /* clustered */;
     CREATE UNIQUE INDEX provider_link_by_user ON provider_link (tenant, user_id, provider);
     CREATE TABLE provider_request (
        tenant UUID NOT NULL, digest BYTEA NOT NULL, provider TEXT NOT NULL, sign_in UUID NOT NULL, sealed BYTEA NOT NULL,
        answer BYTEA, created BIGINT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (tenant, digest)) /* clustered */;
     CREATE INDEX provider_request_by_expiry ON provider_request (expires);",
    // A sign-in has one way to a provider at a time.
    "CREATE INDEX provider_request_by_sign_in ON provider_request (tenant, sign_in);",
    // A code to enrol by that comes of a provider's word counts as long as that does.
    "ALTER TABLE activation ADD COLUMN provider TEXT;",
    // Programs write a person's address in small letters, whatever an administrator wrote.
    "CREATE INDEX users_by_email_in_any_case ON users (tenant, LOWER(email COLLATE \"C\"));",
];

static VERSION: Statement = Statement::new("schema_version", "SELECT MAX(version) FROM schema_version", &[]);

pub(crate) static ALL: &[&Statement] = &[&VERSION];

/// How often something is tried that another node, or another process, is in the way of: a minute, without the waits for locks.
const TRIES: usize = 600;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Brings the schema to the newest version. Several nodes may start at once: the loser of a step finds it done.
pub(crate) async fn migrate(engine: &dyn Engine) -> Result<(), StoreError> {
    let table = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)";
    let mut patience = Patience::default();
    // On PostgreSQL one of two nodes that do this at the same moment gets an error in spite of the IF; then the table is there.
    while let Err(error) = engine.execute(table.to_owned()).await {
        patience.after(error).await?;
    }
    let mut version = loop {
        match current(engine).await {
            Ok(version) => break version,
            Err(error) => patience.after(error).await?,
        }
    };
    if version > STEPS.len() {
        return Err(StoreError::Migration(format!(
            "the database has schema version {version}, this program knows {}; start a newer program",
            STEPS.len()
        )));
    }
    while version < STEPS.len() {
        match step(engine, version).await {
            Ok(now) => (version, patience) = (now, Patience::default()),
            Err(error) => patience.after(error).await.map_err(|error| StoreError::Migration(error.to_string()))?,
        }
    }
    Ok(())
}

/// Tries again while another node stands in the way: on a machine that is short of processors or of disk, its step takes longer than
/// anybody waits for a lock.
#[derive(Default)]
struct Patience {
    tried: usize,
}

impl Patience {
    /// Waits, or gives the error back if it is none that passes, or has not passed for too long.
    async fn after(&mut self, error: StoreError) -> Result<(), StoreError> {
        // A key that somebody has written who was rolled back after all is free again.
        let passes = matches!(error, StoreError::Unavailable(_) | StoreError::Duplicate);
        if !passes || self.tried >= TRIES {
            return Err(error);
        }
        self.tried += 1;
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Makes the step that follows `version`, or finds that somebody else has made it, and gives the version that is there now.
async fn step(engine: &dyn Engine, version: usize) -> Result<usize, StoreError> {
    let Some(step) = STEPS.get(version) else { return Ok(version) };
    // The version's primary key makes one of two racing nodes fail, and its step is rolled back whole.
    let sql = format!("BEGIN; INSERT INTO schema_version (version) VALUES ({}); {step} COMMIT;", version + 1);
    match engine.execute(sql).await {
        Ok(()) => Ok(version + 1),
        Err(error) => match current(engine).await? {
            now if now > version => Ok(now),
            _ => Err(error),
        },
    }
}

pub(crate) async fn current(engine: &dyn Engine) -> Result<usize, StoreError> {
    let answers = engine.read(vec![(&VERSION, Vec::new())]).await?;
    let newest: Option<i64> = match answers.into_iter().flatten().next().map(Row::read) {
        Some(mut columns) => columns.take()?,
        None => None,
    };
    Ok(usize::try_from(newest.unwrap_or(0)).unwrap_or(usize::MAX))
}
