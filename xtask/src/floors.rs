//! The floors of the house, and that no arrow runs up or sideways.
//!
//! A crate uses crates on the floors below its own and no others: not one on its own floor, and none above, not even
//! in its tests. `ARCHITECTURE.md` has the same floors as a picture, see [`crate::picture`].

use crate::workspace::{Dependency, Kind, Package};

/// From the top down. A new crate gets its place here and in the picture of `ARCHITECTURE.md`.
pub(crate) const FLOORS: &[&[&str]] = &[
    // The one binary, where everything is wired together.
    &["countersign"],
    // Doors: each translates one protocol.
    &[
        "countersign-duo-api",
        "countersign-authenticator",
        "countersign-web",
        "countersign-messaging-api",
        "countersign-oidc",
        "countersign-saml",
        "countersign-signals",
    ],
    // Sessions at applications.
    &["countersign-sso"],
    // Rules.
    &["countersign-auth", "countersign-directory"],
    // Delivery.
    &["countersign-messaging"],
    // Memory.
    &["countersign-store"],
    // Ways out of the house; they know nothing of tenants.
    &["countersign-voice", "countersign-suppliers", "countersign-fraud", "countersign-upstream"],
    // Ground.
    &[
        "countersign-keys",
        "countersign-webauthn",
        "countersign-smpp",
        "countersign-sip",
        "countersign-numbers",
        "countersign-jose",
        "countersign-xmlsig",
        "countersign-outbound",
    ],
    &["countersign-types"],
];

/// Beside the house. The load generator may use any crate of it; nobody uses the load generator.
pub(crate) const BESIDE: &[&str] = &["countersign-bench"];

/// Beside the house, and using nothing of it.
pub(crate) const APART: &[&str] = &["countersign-e2e", "xtask"];

/// The one that everybody may use in tests, because it uses nobody.
const FIXTURES: &str = "countersign-e2e";

/// Every way in which these packages don't keep to the floors, a line each.
pub(crate) fn violations(packages: &[Package]) -> Vec<String> {
    let exists = |name: &str| packages.iter().any(|package| package.name == name);
    let mut found = Vec::new();
    for package in packages {
        if !is_placed(&package.name) {
            found.push(format!("{} has no floor", package.name));
            continue;
        }
        for arrow in &package.dependencies {
            let ours = exists(&arrow.name) || is_placed(&arrow.name);
            if ours && !may_use(&package.name, arrow) {
                found.push(format!("{} must not use {}", package.name, arrow.name));
            }
        }
    }
    for name in FLOORS.iter().copied().flatten().chain(BESIDE).chain(APART) {
        if !exists(name) {
            found.push(format!("{name} has a place but doesn't exist"));
        }
    }
    found
}

fn may_use(from: &str, arrow: &Dependency) -> bool {
    let to = arrow.name.as_str();
    if to == FIXTURES && arrow.kind == Some(Kind::Dev) {
        return true;
    }
    match (floor(from), floor(to)) {
        (Some(above), Some(below)) => above < below,
        (None, Some(_)) => BESIDE.contains(&from),
        // The load generator starts its servers with the fixtures; else nobody uses what stands beside the house.
        (_, None) => BESIDE.contains(&from) && to == FIXTURES,
    }
}

/// Where a package stands; a greater number is lower.
fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|crates| crates.contains(&name))
}

fn is_placed(name: &str) -> bool {
    floor(name).is_some() || BESIDE.contains(&name) || APART.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn no_arrow_runs_up_or_sideways() {
        let workspace = Workspace::find().unwrap();
        assert_eq!(violations(&workspace.packages), [] as [String; 0]);
    }

    // The rest checks the check, on a made-up house.

    fn house(further: &[(&str, &str, Option<Kind>)]) -> Vec<Package> {
        let names = FLOORS.iter().copied().flatten().chain(BESIDE).chain(APART);
        let mut packages: Vec<Package> = names.map(|name| package(name)).collect();
        for (from, to, kind) in further {
            let at = packages.iter().position(|package| package.name == *from).unwrap_or_else(|| {
                packages.push(package(from));
                packages.len() - 1
            });
            packages[at].dependencies.push(Dependency { name: (*to).to_owned(), kind: *kind });
        }
        packages
    }

    fn package(name: &str) -> Package {
        Package { name: name.to_owned(), dependencies: Vec::new() }
    }

    #[test]
    fn arrows_down_and_to_other_peoples_crates_are_fine() {
        let arrows = [
            ("countersign", "countersign-types", None),
            ("countersign-auth", "countersign-messaging", None),
            ("countersign-store", "countersign-keys", Some(Kind::Dev)),
            ("countersign-store", "countersign-e2e", Some(Kind::Dev)),
            ("countersign-bench", "countersign-e2e", None),
            ("countersign-bench", "countersign-auth", None),
            ("countersign-types", "uuid", None),
        ];
        assert_eq!(violations(&house(&arrows)), [] as [String; 0]);
    }

    #[test]
    fn an_arrow_that_runs_up_is_found() {
        for kind in [None, Some(Kind::Build), Some(Kind::Dev)] {
            let found = violations(&house(&[("countersign-store", "countersign-auth", kind)]));
            assert_eq!(found, ["countersign-store must not use countersign-auth"], "{kind:?}");
        }
    }

    #[test]
    fn an_arrow_that_runs_sideways_is_found() {
        let found = violations(&house(&[("countersign-duo-api", "countersign-authenticator", None)]));
        assert_eq!(found, ["countersign-duo-api must not use countersign-authenticator"]);
    }

    #[test]
    fn an_arrow_out_of_the_house_is_found() {
        let found = violations(&house(&[
            ("countersign", "countersign-bench", None),
            ("countersign-auth", "countersign-e2e", None),
            ("countersign-auth", "xtask", Some(Kind::Dev)),
            ("countersign-e2e", "countersign-types", None),
            ("xtask", "countersign-types", None),
        ]));
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn a_crate_without_a_floor_and_a_floor_without_its_crate_are_found() {
        let mut packages = house(&[("countersign-new", "countersign-types", None)]);
        packages.retain(|package| package.name != "countersign-keys");
        let found = violations(&packages);
        assert_eq!(found, ["countersign-new has no floor", "countersign-keys has a place but doesn't exist"]);
    }

    #[test]
    fn cargos_own_words_are_understood() {
        let text = r#"{"packages": [{"name": "countersign-types", "version": "0.1.0", "dependencies": [
            {"name": "countersign-auth", "kind": null, "rename": "auth", "optional": false},
            {"name": "countersign-e2e", "kind": "dev"},
            {"name": "countersign-keys", "kind": "build"}]}],
            "workspace_root": "/w", "target_directory": "/t", "version": 1}"#;
        let workspace: Workspace = serde_json::from_str(text).unwrap();
        let found = violations(&workspace.packages);
        assert!(found.contains(&"countersign-types must not use countersign-auth".to_owned()), "{found:?}");
        assert!(found.contains(&"countersign-types must not use countersign-keys".to_owned()), "{found:?}");
        assert!(!found.iter().any(|line| line.contains("use countersign-e2e")), "{found:?}");
    }
}
