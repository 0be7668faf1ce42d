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

fn on_the_login_path(name: &str) -> bool {
    ["login_", "attempt_", "code_", "limit_", "prompting_"].iter().any(|prefix| name.starts_with(prefix))
        || ["integration_by_ikey", "integration_owner", "auth_log_insert"].contains(&name)
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
            let reference = TENANTLESS.contains(&name);
            if !reference && !by_tenant && !ROWS_AT_HAND.iter().any(|rows| line.contains(rows)) {
                return Some(format!("doesn't search by tenant: {line}"));
            }
            if on_the_login_path(name) && !reference && !further {
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
            if !TENANTLESS.contains(&name) && !condition.contains("tenant = ") {
                return Some(format!("doesn't search by tenant: {line} {condition}"));
            }
            if on_the_login_path(name) && !TENANTLESS.contains(&name) && !condition.contains(" AND ") {
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

async fn plan(site: &Site, statement: &'static Statement) -> Vec<String> {
    match site.store.engine().plan(statement).await {
        Ok(plan) => plan,
        Err(error) => panic!("{} on {}: {error}", statement.name, site.store.engine().name()),
    }
}

#[test]
fn every_statement_prepares_and_none_scans() {
    each_engine(async |site| {
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
fn sets_of_three_rows_prepare_and_scan_as_little() {
    each_engine(async |site| {
        let engine = site.store.engine().name();
        for statement in statements().filter(|statement| statement.is_set()) {
            let sql: &'static str = Box::leak(statement.for_rows(3).into_boxed_str());
            let params: &'static [Type] = Box::leak(statement.params.repeat(3).into_boxed_slice());
            let many: &'static Statement = Box::leak(Box::new(Statement::new(statement.name, sql, params)));
            let plan = plan(site, many).await;
            let found = complaint(engine, statement.name, &plan);
            assert!(found.is_none(), "{} on {engine}: {found:?} {plan:#?}", statement.name);
        }
    });
}

#[test]
fn a_scan_would_be_noticed() {
    static BY_NOTES: Statement =
        Statement::new("user_by_notes", "SELECT id FROM users WHERE notes = $1", &[Type::Text]);
    static BY_ANY_ID: Statement = Statement::new("user_by_any_id", "SELECT notes FROM users WHERE id = $1", &[Type::Id]);
    static LOGIN_BY_STATUS: Statement = Statement::new(
        "login_by_status",
        "SELECT id FROM users WHERE tenant = $1 AND status = $2",
        &[Type::Id, Type::Text],
    );
    static UNKNOWN: Statement = Statement::new("unknown", "SELECT no_such_column FROM users", &[]);
    each_engine(async |site| {
        let engine = site.store.engine();
        for statement in [&BY_NOTES, &BY_ANY_ID, &LOGIN_BY_STATUS] {
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
        for statement in statements() {
            println!("{}\n  {}", statement.name, plan(site, statement).await.join("\n  "));
        }
    });
}
