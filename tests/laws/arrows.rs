//! Which crate may use which of ours, and what the pure crates never use. The table stands in ARCHITECTURE.md too.
use super::metadata;
use std::collections::{BTreeMap, BTreeSet};

/// What the product's crates may use of ours. Crates that are not named are no part of the product.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("lifeboat-model", &[]),
    ("lifeboat-check", &["lifeboat-model"]),
    ("lifeboat-planner", &["lifeboat-model"]),
    ("lifeboat-generate", &["lifeboat-model"]),
    ("lifeboat-protocol", &["lifeboat-model"]),
    ("lifeboat-coordinator", &["lifeboat-model", "lifeboat-check"]),
    ("lifeboat-interpreter", &["lifeboat-model", "lifeboat-protocol", "lifeboat-coordinator"]),
    (
        "lifeboat-simulator",
        &[
            "lifeboat-model",
            "lifeboat-check",
            "lifeboat-planner",
            "lifeboat-generate",
            "lifeboat-protocol",
            "lifeboat-coordinator",
            "lifeboat-interpreter",
        ],
    ),
    ("lifeboat-link", &["lifeboat-model", "lifeboat-protocol"]),
    ("lifeboat-agent", &["lifeboat-model", "lifeboat-protocol", "lifeboat-link", "lifeboat-store"]),
    ("lifeboat-store", &[]),
    ("lifeboat-delivery", &[]),
    (
        "lifeboat",
        &[
            "lifeboat-model",
            "lifeboat-check",
            "lifeboat-planner",
            "lifeboat-generate",
            "lifeboat-protocol",
            "lifeboat-link",
            "lifeboat-coordinator",
            "lifeboat-interpreter",
            "lifeboat-simulator",
            "lifeboat-store",
            "lifeboat-delivery",
        ],
    ),
];

/// What they may use of ours in their own tests besides: the checker judges the planner, never the reverse, and the
/// coordinator, which knows a planner only as a trait, is tried with the real one.
const MAY_TEST_WITH: [(&str, &[&str]); 3] = [
    ("lifeboat-planner", &["lifeboat-check", "lifeboat-generate"]),
    ("lifeboat-check", &["lifeboat-generate"]),
    ("lifeboat-coordinator", &["lifeboat-planner", "lifeboat-generate"]),
];

/// The only things from outside that the pure crates use.
const FROM_OUTSIDE: [(&str, &[&str]); 8] = [
    ("lifeboat-model", &["thiserror"]),
    ("lifeboat-check", &["thiserror"]),
    ("lifeboat-planner", &["good_lp", "microlp", "thiserror"]),
    ("lifeboat-generate", &["rand", "rand_chacha", "thiserror"]),
    ("lifeboat-protocol", &["chacha20poly1305", "crc", "thiserror"]),
    ("lifeboat-coordinator", &["thiserror"]),
    ("lifeboat-interpreter", &[]),
    ("lifeboat-simulator", &["rand", "rand_chacha", "serde", "thiserror", "toml"]),
];

/// Dependencies by crate: of ours and from outside, in the product and in tests.
fn dependencies() -> BTreeMap<String, Vec<(String, bool, bool)>> {
    let mut by_crate = BTreeMap::new();
    for package in metadata(&["--no-deps"])["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name").to_owned();
        let uses = package["dependencies"].as_array().expect("dependencies").iter().map(|dependency| {
            let ours = dependency["path"].is_string();
            let in_tests_only = dependency["kind"].as_str() == Some("dev");
            (dependency["name"].as_str().expect("a name").to_owned(), ours, in_tests_only)
        });
        by_crate.insert(name, uses.collect());
    }
    by_crate
}

fn allowed(table: &[(&str, &[&str])], name: &str) -> BTreeSet<String> {
    let entry = table.iter().find(|(crate_name, _)| *crate_name == name);
    entry.map(|(_, uses)| uses.iter().map(|&used| used.to_owned()).collect()).unwrap_or_default()
}

#[test]
fn arrows_point_down() {
    let dependencies = dependencies();
    for (name, _) in MAY_USE {
        assert!(dependencies.contains_key(name), "{name} is in the table, but not in the workspace");
    }
    for (name, uses) in &dependencies {
        if ["lifeboat-tests", "lifeboat-lab", "lifeboat-machines", "lifeboat-benches"]
            .contains(&name.as_str())
        {
            continue;
        }
        let product = allowed(&MAY_USE, name);
        let tests: BTreeSet<String> = allowed(&MAY_TEST_WITH, name).union(&product).cloned().collect();
        for (used, ours, in_tests_only) in uses {
            let may = if *in_tests_only { &tests } else { &product };
            assert!(!ours || may.contains(used), "{name} may not use {used}");
        }
    }
}

#[test]
fn the_pure_crates_use_nothing_from_outside_but_what_is_listed() {
    for (name, uses) in dependencies() {
        let Some((_, outside)) = FROM_OUTSIDE.iter().find(|(pure, _)| *pure == name) else { continue };
        for (used, ours, in_tests_only) in uses {
            assert!(ours || in_tests_only || outside.contains(&used.as_str()), "{name} may not use {used}");
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for (path, text) in super::files("Cargo.toml") {
        let stands_alone = text.contains("[workspace]");
        // The agent alone has a module that says `unsafe`; a table that differs in that cannot be inherited.
        let by_hand = path == "agent/Cargo.toml";
        assert!(
            stands_alone || by_hand || text.contains("[lints]\nworkspace = true"),
            "{path} lacks [lints] workspace = true"
        );
    }
}

#[test]
fn the_agents_lints_are_those_of_the_workspace_but_for_unsafe_code() {
    let files = super::files("Cargo.toml");
    let lints = |of: &str, from: &str, until: Option<&str>| {
        let (_, text) = files.iter().find(|(path, _)| path == of).expect("it is there");
        let text = text.replace("[workspace.lints.", "[lints.");
        let begin = text.find(from).expect("it has lints");
        let end = until.and_then(|until| text.find(until)).unwrap_or(text.len());
        let lines = text[begin..end].lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let workspace = lints("Cargo.toml", "[lints.rust]", Some("[profile.dev]"));
    let agent = lints("agent/Cargo.toml", "[lints.rust]", None);
    let differs: Vec<_> = workspace.iter().zip(&agent).filter(|(one, other)| one != other).collect();
    assert_eq!(differs.len(), 1, "{differs:?}");
    assert_eq!(differs[0].1, "unsafe_code = \"deny\"");
    assert_eq!(workspace.len(), agent.len());
}
