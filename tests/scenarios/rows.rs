//! The design's outcome table, row by row, and the page for operators: each row there names the scenarios that show it.
use super::files::{root, scenarios};
use std::collections::BTreeSet;

/// The rows of the design's outcome table, as the page's first column begins.
const ROWS: [&str; 23] = [
    "a host loses power",
    "the network splits, every side has the medium",
    "the network splits, only one side has the medium",
    "two hosts on a switch, one cable pulled",
    "one host loses the medium only",
    "all lose the medium, network fine",
    "one host keeps the medium, all others lose it",
    "`storage_loss = \"majority\"` is set",
    "partial connectivity",
    "more than half die at once",
    "mass failure beyond a set share",
    "an agent crashes or is paused",
    "the hypervisor's daemon or the coordinator's process hangs",
    "a host is shut down on purpose",
    "the whole pool goes off and on",
    "a second host fails while the first one's VMs restart",
    "capacity appears while protected VMs wait",
    "a host flaps",
    "the pool is disarmed for a time",
    "a member boots while the pool is disarmed",
    "a VM does not start, crashes, hangs",
    "evidence is at hand",
    "evidence is claimed about a host that lives",
];

/// Rows that speak of both media.
const ON_BOTH_MEDIA: [&str; 10] = [
    "a host loses power",
    "the network splits, every side has the medium",
    "two hosts on a switch, one cable pulled",
    "one host loses the medium only",
    "all lose the medium, network fine",
    "one host keeps the medium, all others lose it",
    "more than half die at once",
    "a host is shut down on purpose",
    "the whole pool goes off and on",
    "the pool is disarmed for a time",
];

/// The lines of the page's tables, each with the scenarios that it links to.
fn lines() -> Vec<(String, Vec<String>)> {
    let page = std::fs::read_to_string(root().join("docs/liveness.md")).expect("the page for operators");
    page.lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| (line[2..].to_owned(), links(line)))
        .collect()
}

fn links(line: &str) -> Vec<String> {
    let targets = line.split("](../simulator/scenarios/").skip(1);
    targets.filter_map(|rest| Some(rest.split_once(".toml)")?.0.to_owned())).collect()
}

/// The scenarios of the row that begins so.
fn row(start: &str) -> Vec<String> {
    let mut rows = lines().into_iter().filter(|(line, names)| line.starts_with(start) && !names.is_empty());
    rows.next().map(|(_, names)| names).unwrap_or_default()
}

#[test]
fn every_row_of_the_outcome_table_has_a_scenario() {
    for start in ROWS {
        assert!(!row(start).is_empty(), "no scenario shows {start:?}");
    }
}

#[test]
fn rows_about_both_media_have_a_scenario_on_each() {
    let etcd: BTreeSet<String> = scenarios()
        .into_iter()
        .filter(|(_, text)| text.contains("medium = \"etcd\""))
        .map(|(name, _)| name)
        .collect();
    for start in ON_BOTH_MEDIA {
        let (on_etcd, on_statefile): (Vec<_>, Vec<_>) =
            row(start).into_iter().partition(|name| etcd.contains(name));
        assert!(!on_etcd.is_empty() && !on_statefile.is_empty(), "{start:?} lacks a medium");
    }
}

#[test]
fn the_page_names_every_scenario_and_none_that_is_not_there() {
    let there: BTreeSet<String> = scenarios().into_iter().map(|(name, _)| name).collect();
    let named: BTreeSet<String> = lines().into_iter().flat_map(|(_, names)| names).collect();
    assert_eq!(named, there);
}
