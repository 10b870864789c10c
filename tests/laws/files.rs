//! How a source file looks, and what the pure crates never name.
use super::files;

/// Lines in one file; a file of one idea has fewer.
const MOST_LINES: usize = 500;

#[test]
fn every_module_opens_with_a_paragraph_for_a_newcomer() {
    for (path, text) in files(".rs") {
        // A fuzz target begins with the attribute that makes it one.
        let opening = text.lines().find(|line| !line.starts_with("#![no_main]")).unwrap_or_default();
        assert!(opening.starts_with("//! ") && opening.len() > 12, "{path} opens with {opening:?}");
    }
}

#[test]
fn no_source_file_is_a_monster() {
    for (path, text) in files(".rs") {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{path} has {lines} lines, {MOST_LINES} are the most");
    }
}

#[test]
fn the_pure_crates_are_built_without_the_standard_library() {
    let roots = [
        "planner/model/src/lib.rs",
        "planner/check/src/lib.rs",
        "agent/protocol/src/lib.rs",
        "api/coordinator/src/lib.rs",
    ];
    for path in roots {
        let (_, text) = files(".rs").into_iter().find(|(other, _)| other == path).expect("the crate's root");
        assert!(text.contains("#![no_std]"), "{path} lacks #![no_std]");
    }
}

#[test]
fn the_planner_and_the_simulator_read_no_clock_file_socket_or_environment() {
    let banned =
        ["std::time", "std::fs", "std::net", "std::env", "std::process", "std::io", "SystemTime", "HashMap"];
    let pure = |path: &str| path.starts_with("planner/src/") || path.starts_with("simulator/src/");
    for (path, text) in files(".rs").into_iter().filter(|(path, _)| pure(path)) {
        for word in banned {
            assert!(!text.contains(word), "{path} names {word}");
        }
    }
}

#[test]
fn no_test_is_ignored_and_no_lint_is_allowed_in_silence() {
    // Put together here, so that this file does not break its own law.
    let banned = [["#[ign", "ore"].concat(), ["#[all", "ow("].concat(), ["todo", "!("].concat()];
    for (path, text) in files(".rs") {
        for word in &banned {
            assert!(!text.contains(word.as_str()), "{path} has {word}");
        }
    }
}
