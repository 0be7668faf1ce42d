//! The table of routes.

use crate::{
    admin::{ROUTES, grants},
    door::{Surface, Verb},
};

#[test]
fn each_method_and_path_stands_once() {
    let mut seen: Vec<_> = ROUTES.iter().map(|route| (route.path, route.method.http().to_string())).collect();
    seen.sort();
    let all = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn what_changes_something_never_asks_for_a_reading_grant() {
    for route in ROUTES {
        let Surface::Admin(grant) = route.surface else { panic!("{} is no Admin API", route.path) };
        let reads = [grants::READ, grants::LOG, grants::INFO].contains(&grant);
        assert!(!reads || route.method == Verb::Get, "{:?} {}", route.method, route.path);
    }
}
