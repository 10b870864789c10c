//! Scenarios lived through, by the command line's own `sim`, in this process.
use super::files::{folder, scenarios};
use lifeboat::cli::{Status, output::Output};
use std::collections::BTreeSet;
use std::ffi::OsString;

/// Seeds under which each scenario must end as it expects: other clocks, phases and draws.
const SEEDS: core::ops::RangeInclusive<u64> = 1..=3;

/// What the design lets an event of the answer be, apart from the events of the scenario itself.
const WHAT: [&str; 9] = [
    "start-command",
    "vm-running",
    "vm-stopped",
    "lease-lost",
    "fenced",
    "evidence",
    "liveset",
    "coordinator",
    "alert",
];

/// Runs a scenario: its status and its answer.
fn run(name: &str, seed: u64) -> (Status, String) {
    let path = folder().join(name).with_extension("toml");
    let words: [OsString; 6] = [
        "lifeboat".into(),
        "sim".into(),
        path.into(),
        "--seed".into(),
        seed.to_string().into(),
        "--json".into(),
    ];
    let (mut answers, mut notes) = (Vec::new(), Vec::new());
    let status = lifeboat::cli::run(words, &mut Output::new(&mut answers, &mut notes));
    let notes = String::from_utf8_lossy(&notes).into_owned();
    let answer = String::from_utf8(answers).expect("text");
    assert!(!answer.is_empty(), "{name} with seed {seed}: {notes}");
    (status, answer)
}

fn parsed(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer).expect("JSON")
}

#[test]
fn every_scenario_ends_as_it_expects_and_breaks_no_law() {
    let mut failures = Vec::new();
    for (name, _) in scenarios() {
        for seed in SEEDS {
            let (status, answer) = run(&name, seed);
            if status.code() != 0 {
                let answer = parsed(&answer);
                let (violations, unmet) = (&answer["violations"], &answer["unmet"]);
                failures.push(format!(
                    "lifeboat sim simulator/scenarios/{name}.toml --seed {seed}\n  {violations}\n  {unmet}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{} runs failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let name = "a-split-with-much-packet-loss-before-it-is-decided-alike";
    let (first, again, other) = (run(name, 1).1, run(name, 1).1, run(name, 2).1);
    assert!(first == again, "a seed is all the chance that there is");
    assert!(first != other, "a seed changes what happens");
}

#[test]
fn the_answer_has_the_form_that_scripts_rely_on() {
    let mut seen = BTreeSet::new();
    for name in ["the-larger-side-of-a-split-lives", "a-coordinator-that-hangs-while-a-host-dies"] {
        let answer = parsed(&run(name, 1).1);
        assert_eq!(answer["seed"], 1);
        assert!(answer["violations"].is_array() && answer["unmet"].is_array());
        assert!(answer["final"]["hosts"].is_array() || answer["final"]["hosts"].is_object());
        let words = ["partition", "heal", "control-hang", "power-off"];
        for event in answer["events"].as_array().expect("events") {
            assert!(event["at_s"].is_number(), "{event}");
            let what = event["what"].as_str().expect("what happened");
            assert!(WHAT.contains(&what) || words.contains(&what), "{event}");
            seen.insert(what.to_owned());
        }
    }
    let missing: Vec<&str> = WHAT.into_iter().filter(|what| !seen.contains(*what)).collect();
    assert!(missing.is_empty(), "no event is {missing:?}");
}
