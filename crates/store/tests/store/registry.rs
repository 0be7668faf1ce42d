//! No statement escapes the register, and each names the tenant first.

use countersign_store::statements;
use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// What reaches past one tenant, and why that is needed.
pub(crate) const TENANTLESS: &[&str] = &[
    // The schema's own table.
    "schema_version",
    // Looked up before the tenant is known, in the reference tables.
    "tenant_by_host",
    "tenant_by_id",
    "tenant_list",
    "tenant_insert",
    "tenant_set_settings",
    "canary_number_tenants",
    "integration_owner",
    "api_key_owner",
    // Of no tenant: the issue of the metadata that was accepted last.
    "fido_serial",
    "fido_raise",
    // Of no tenant: which day keys of the message log the house uses.
    "log_day_check",
    "log_day_set",
    "log_day_forget",
    "message_of_receipt",
    // Housekeeping over all tenants.
    "message_purge_receipts",
    "attempt_overdue",
    "attempt_purge",
    "attempt_purge_offers",
    "limit_purge",
    "sign_in_purge",
    "session_purge",
    "session_look_due",
    "session_device_purge",
    "grant_purge",
    "browser_purge",
    "recovery_purge",
    "change_purge",
    "api_message_due",
    "verification_purge",
    "signing_key_purge",
    "grant_token_purge",
    "grant_family_purge",
    "spent_purge",
    "pushed_request_purge",
    "device_grant_purge",
    "challenge_purge",
    // The house's own: carriers that are cut off, what a process holds of the queue, the message log's days.
    "carrier_cut",
    "carrier_restore",
    "carrier_cuts",
    "queue_take_over",
    "queue_left",
    "logout_delivery_due",
    "logout_delivery_in_turn",
    "registration_leave_purge",
    "sso_request_purge",
    "provider_request_purge",
    "sso_participant_purge",
    "signal_due",
    "signal_in_turn",
    "signal_purge",
    // Messages that suppliers are to forget: a row names no tenant.
    "supplier_deletion_insert",
    "supplier_deletion_remove",
    "supplier_deletion_take_over",
    "supplier_deletion_purge",
    "log_day_check",
    "log_day_set",
    "log_day_forget",
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each file of `src` without its unit tests.
fn texts() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
            (path, text)
        })
        .collect()
}

/// The names that stand as literals behind `Statement::new(`.
fn literal_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("Statement::new(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

/// The statics of type `Statement` or `[Statement; n]`, each as the register must name it.
fn statics(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split("static ").skip(1) {
        let Some((name, rest)) = rest.split_once(": ") else { continue };
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        {
            continue;
        }
        if rest.starts_with("Statement ") || rest.starts_with("Statement=") {
            found.push(format!("&{name}"));
        } else if let Some(rest) = rest.strip_prefix("[Statement; ") {
            let many: usize = rest.split(']').next().unwrap().parse().unwrap();
            found.extend((0..many).map(|place| format!("&{name}[{place}]")));
        }
    }
    found
}

/// What a file's `ALL` lists.
fn listed(text: &str) -> HashSet<String> {
    let Some((_, rest)) = text.split_once("static ALL: &[&Statement]") else { return HashSet::new() };
    let list = rest.split_once("&[").unwrap().1.split("];").next().unwrap();
    list.split(',').map(|item| item.trim().to_owned()).collect()
}

#[test]
fn every_static_statement_is_in_the_list_of_its_file() {
    let mut seen = 0;
    for (path, text) in texts() {
        let listed = listed(&text);
        for name in statics(&text) {
            seen += 1;
            assert!(listed.contains(&name), "{}: {name} is not in ALL", path.display());
        }
    }
    assert!(seen > 100, "the scan has found only {seen} statements: it no longer understands the source");
}

#[test]
fn every_statement_in_the_source_is_in_the_register() {
    let registered: HashSet<&str> = statements().map(|statement| statement.name).collect();
    for (path, text) in texts() {
        for name in literal_names(&text) {
            assert!(registered.contains(name), "{}: {name} is not in statements()", path.display());
        }
        // A file whose names are made by a macro has no literals: its list must be in the register all the same.
        let module = path.file_stem().unwrap().to_str().unwrap();
        if text.contains("static ALL: &[&Statement]") {
            let register = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
            assert!(register.contains(&format!("{module}::ALL")), "statements() leaves out {module}::ALL");
        }
    }
}

#[test]
fn names_are_unique_because_connections_know_statements_by_them() {
    let mut seen = HashSet::new();
    for statement in statements() {
        assert!(seen.insert(statement.name), "{} twice", statement.name);
    }
}

#[test]
fn every_statement_names_the_tenant_first() {
    let mut tenantless: BTreeSet<&str> = TENANTLESS.iter().copied().collect();
    for statement in statements() {
        if tenantless.remove(statement.name) {
            continue;
        }
        let sql = statement.sql;
        let first = sql.contains("tenant = $1") || sql.contains("(tenant, ") && sql.contains("VALUES ($1, ");
        assert!(first, "{}: {sql}", statement.name);
        if statement.is_set() {
            // Each table of a set is bound to the row's tenant.
            assert!(
                sql.contains("= input.tenant") || sql.starts_with("WITH input(tenant, id, at"),
                "{}: {sql}",
                statement.name
            );
        }
    }
    assert!(tenantless.is_empty(), "no longer there: {tenantless:?}");
}
