//! The scenario files themselves.
use lifeboat_simulator::{NoDocuments, Scenario};
use std::path::{Path, PathBuf};

/// Where they lie.
pub(super) fn folder() -> PathBuf {
    root().join("simulator/scenarios")
}

/// The workspace's root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_path_buf()
}

/// Every scenario: its name, and its text; by name.
pub(super) fn scenarios() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder()).expect("the scenarios' folder");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut found: Vec<(String, String)> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    found.sort();
    assert!(found.len() > 100, "only {} scenarios", found.len());
    found
}

#[test]
fn every_scenario_can_be_read_expects_something_and_opens_with_what_it_shows() {
    for (name, text) in scenarios() {
        let scenario = Scenario::parse(&text, &NoDocuments);
        let scenario = scenario.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!scenario.expectations.is_empty(), "{name} expects nothing");
        let opening = text.lines().next().unwrap_or_default();
        assert!(opening.starts_with("# ") && opening.len() > 30, "{name} opens with {opening:?}");
    }
}

#[test]
fn a_scenarios_name_is_a_sentence_in_kebab_case() {
    for (name, _) in scenarios() {
        let fine = |byte: u8| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
        assert!(name.bytes().all(fine) && name.split('-').count() >= 4, "{name}");
    }
}
