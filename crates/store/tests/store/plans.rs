//! Every statement is understood by every engine, and none reads a table through.

use crate::{
    registry::TENANTLESS,
    support::{Site, each_engine},
};
use countersign_store::{
    engine::{Statement, Type},
    statements,
};

/// What SQLite calls a scan although it reads no table: the rows of parameters, and what a subquery has found.
const ROWS_AT_HAND: &[&str] = &["input", "CONSTANT ROW", "found", "(subquery", "(join"];

/// May read an index or a table through.
const SCANS: &[&str] = &[
    // One row for each step of the schema.
    "schema_version",
];

/// May find rows by the tenant alone.
fn of_the_whole_tenant(name: &str) -> bool {
    // Pages and counts of all that a tenant has of a kind.
    let pages = [
        "user",
        "group",
        "phone",
        "token",
        "bypass",
        "integration",
        "policy",
        "passkey",
        "session",
        "push",
        "secret",
        "factor",
    ];
    let page = pages.iter().any(|kind| name == format!("{kind}_page") || name == format!("{kind}_count"));
    // A tenant has few integrations, policies and keys, and these are not looked up so at a login.
    let few = [
        "integration_of_policy",
        "policy_unlink_integrations",
        "policy_unlink_groups",
        "policy_groups_of_policy",
        "group_delete_policies",
        "tenant_keys",
        // A handful of countries.
        "known_country_list",
        // A handful of numbers that are nobody's.
        "canary_number_list",
        // A tenant's receivers of security events.
        "signal_streams",
        // All that applications were granted, for an administrator who ends it.
        "grant_revoke_all",
        // What devices were allowed in the last ten minutes, for the same administrator.
        "device_grant_deny_client",
        "device_grant_deny_all",
        // Leaves to register an application, which are few and short.
        "registration_leave_open",
        "registration_leave_close",
        "signal_stream_insert",
        "signal_insert",
        "sealed_streams",
        // A tenant's providers, which are a handful.
        "provider_list",
        // All sign-ins that are on their way, for an administrator who shuts a provider.
        "sign_in_drop_of_provider",
        // Another directory has other entries.
        "directory_link_delete_all",
        // A tenant's keys that sign, for whoever seals them anew.
        "sealed_signing_keys",
        "sealed_signing_key",
    ];
    // Housekeeping, once an hour, of rows that are few because it removes them.
    let purge = name.starts_with("code_purge_");
    // For an administrator who asks.
    let asked = name == "passkey_models";
    // Once after a restore, before anybody is served.
    let restored = name.starts_with("restored_");
    page || few.contains(&name) || purge || asked || restored || name == "policy_global"
}

/// Looked up before the tenant is known, so their keys begin with something else.
fn of_a_reference_table(line: &str) -> bool {
    ["integration_key", "message_receipt"].iter().any(|table| line.contains(table))
}

/// What is wrong with a plan of SQLite.
fn sqlite_complaint(name: &str, plan: &[String]) -> Option<String> {
    for line in plan {
        if let Some(what) = line.strip_prefix("SCAN ")
            && !ROWS_AT_HAND.iter().any(|rows| what.starts_with(rows))
            && !what.contains("CONSTANT ROW")
        {
            return Some(format!("scans: {line}"));
        }
        if line.starts_with("SEARCH ") {
            let by_tenant = line.contains("(tenant=?");
            let further = line.contains("(tenant=? AND ");
            let reference = TENANTLESS.contains(&name) || of_a_reference_table(line);
            if !reference && !by_tenant && !ROWS_AT_HAND.iter().any(|rows| line.contains(rows)) {
                return Some(format!("doesn't search by tenant: {line}"));
            }
            if !of_the_whole_tenant(name) && !reference && !further {
                return Some(format!("searches all of the tenant: {line}"));
            }
            if line.contains("AUTOMATIC") {
                return Some(format!("builds an index on the way: {line}"));
            }
        }
    }
    None
}

/// What is wrong with a plan of PostgreSQL, made with `enable_seqscan = off`: a whole index read instead of a table shows as an index
/// scan without a condition.
fn postgres_complaint(name: &str, plan: &[String]) -> Option<String> {
    for (place, line) in plan.iter().enumerate() {
        let node = line.trim_start().trim_start_matches("->").trim_start();
        if node.starts_with("Seq Scan") {
            return Some(format!("scans: {line}"));
        }
        if ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].iter().any(|kind| node.starts_with(kind)) {
            let condition = plan.get(place + 1).map(|line| line.trim_start()).unwrap_or_default();
            if !condition.starts_with("Index Cond:") {
                return Some(format!("reads a whole index: {line}"));
            }
            let reference = TENANTLESS.contains(&name) || of_a_reference_table(line);
            if !reference && !condition.contains("tenant = ") {
                return Some(format!("doesn't search by tenant: {line} {condition}"));
            }
            if !of_the_whole_tenant(name) && !reference && !condition.contains(" AND ") {
                return Some(format!("searches all of the tenant: {line} {condition}"));
            }
        }
    }
    None
}

fn complaint(engine: &str, name: &str, plan: &[String]) -> Option<String> {
    match engine {
        "sqlite" => sqlite_complaint(name, plan),
        _ => postgres_complaint(name, plan),
    }
}

/// Fifty tenants with a hundred rows each in every table, and their statistics: over empty tables PostgreSQL finds any index as good as
/// the right one. SQLite has its figures written down.
async fn fill(site: &Site) {
    const FILL: &str = "DO $$ DECLARE t record; columns text; BEGIN \
        FOR t IN SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' \
          AND table_name NOT IN ('schema_version', 'tenant') LOOP \
          SELECT string_agg(CASE WHEN column_name = 'tenant' THEN 'md5((i % 50)::text)::uuid' \
            WHEN data_type = 'uuid' THEN 'md5(i::text)::uuid' WHEN data_type = 'bigint' THEN 'i' \
            WHEN data_type = 'bytea' THEN 'decode(md5(i::text), ''hex'')' ELSE 'i::text' END, ', ' ORDER BY ordinal_position) \
            INTO columns FROM information_schema.columns WHERE table_schema = 'public' AND table_name = t.name; \
          EXECUTE format('INSERT INTO %I SELECT %s FROM generate_series(2, 5001) i', t.name, columns); \
        END LOOP; END $$; ANALYZE";
    if site.store.engine().name() == "postgres" {
        for part in FILL.split_inclusive("$$; ") {
            site.store.engine().execute(part.to_owned()).await.unwrap();
        }
    }
}

async fn plan(site: &Site, statement: &'static Statement) -> Vec<String> {
    match site.store.engine().plan(statement).await {
        Ok(plan) => plan,
        Err(error) => panic!("{} on {}: {error}", statement.name, site.store.engine().name()),
    }
}

#[test]
fn every_statement_prepares_and_none_scans() {
    each_engine(async |site| {
        fill(site).await;
        let engine = site.store.engine().name();
        let mut complaints = Vec::new();
        for statement in statements() {
            let plan = plan(site, statement).await;
            if !SCANS.contains(&statement.name)
                && let Some(complaint) = complaint(engine, statement.name, &plan)
            {
                complaints.push(format!("{} on {engine} {complaint}\n  {}", statement.name, plan.join("\n  ")));
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    });
}

#[test]
fn a_scan_would_be_noticed() {
    static BY_NOTES: Statement =
        Statement::new("user_by_notes", "SELECT id FROM users WHERE notes = $1", &[Type::Text]);
    static BY_ANY_ID: Statement =
        Statement::new("user_by_any_id", "SELECT notes FROM users WHERE id = $1", &[Type::Id]);
    static BY_STATUS: Statement = Statement::new(
        "user_by_status",
        "SELECT id FROM users WHERE tenant = $1 AND status = $2",
        &[Type::Id, Type::Text],
    );
    static UNKNOWN: Statement = Statement::new("unknown", "SELECT no_such_column FROM users", &[]);
    each_engine(async |site| {
        fill(site).await;
        let engine = site.store.engine();
        for statement in [&BY_NOTES, &BY_ANY_ID, &BY_STATUS] {
            let plan = plan(site, statement).await;
            assert!(complaint(engine.name(), statement.name, &plan).is_some(), "{} {plan:?}", statement.name);
        }
        assert!(engine.plan(&UNKNOWN).await.is_err());
        // A refused statement leaves the connection as it was.
        assert!(!plan(site, &BY_NOTES).await.is_empty());
        site.user("narroway").await;
    });
}

/// Prints every plan, for a person who wants to read them: `cargo test … -- --ignored --nocapture print_the_plans`.
#[test]
#[ignore = "prints and checks nothing"]
fn print_the_plans() {
    each_engine(async |site| {
        fill(site).await;
        for statement in statements() {
            println!("{}\n  {}", statement.name, plan(site, statement).await.join("\n  "));
        }
    });
}
