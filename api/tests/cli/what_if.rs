//! What the verbs that look ahead end with, and what they refuse. What they print is shown in
//! `docs/what-if.md`, which a test of the pages keeps true.
use super::{lifeboat, root};
use lifeboat::cli::Status;
use serde_json::Value;

fn json(command: &str) -> Value {
    let run = lifeboat(&format!("{command} --json"));
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{command}: {error}: {}", run.err))
}

#[test]
fn a_check_ends_with_three_where_the_change_is_better_not_made() {
    for (change, verdict, status) in [
        ("--migrate mail --to b", "fine", Status::Answered),
        ("--stop build", "fine", Status::Answered),
        ("--hftt 2", "breaks-target", Status::Overcommitted),
        ("--maintenance c", "fine", Status::Answered),
        ("--memory web1=900000", "cannot-be-done", Status::Overcommitted),
        ("--protect build=none", "fine", Status::Answered),
        ("--remove-host c --leave-pending", "breaks-target", Status::Overcommitted),
        ("--host-memory a=40000", "cannot-be-done", Status::Overcommitted),
        ("--guarantee simultaneous", "fine", Status::Answered),
    ] {
        let command = format!("lifeboat check docs/examples/three-hosts.json {change}");
        assert_eq!(lifeboat(&command).status, status, "{change}");
        let answer = json(&command);
        assert_eq!(answer["verdict"], verdict, "{change}: {}", answer["reason"]);
        assert_eq!(answer["allowed"], status == Status::Answered);
    }
}

#[test]
fn a_change_that_makes_no_sense_cannot_be_judged() {
    for (change, told) in [
        ("--migrate mail --to c", "VM mail is on c already: choose another host"),
        ("--remove-host c", "3 VM(s) still run on c, mail among them"),
        ("--resume mail", "VM mail already runs on c: migrate it, or stop it first"),
        ("--stop nobody", "the pool has no VM \"nobody\""),
        ("--memory mail", "--memory \"mail\" is not NAME=VALUE"),
        ("--memory mail=lots", "--memory \"lots\" is not a whole number of MiB"),
        ("--start docs/examples/three-hosts.json", "/format: unknown field"),
        ("--stop mail --disable a", "cannot be used with"),
        ("", "required"),
    ] {
        let run = lifeboat(&format!("lifeboat check docs/examples/three-hosts.json {change}"));
        assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""), "{change}");
        assert!(run.err.contains(told), "{change}: {}", run.err);
    }
}

#[test]
fn every_remedy_that_repair_prints_is_verified() {
    let answer = json("lifeboat repair docs/examples/fragmented.json");
    let remedies = answer["remedies"].as_array().expect("a list");
    let kinds: Vec<&str> = remedies.iter().filter_map(|remedy| remedy["kind"].as_str()).collect();
    assert_eq!(kinds[0], "migrate");
    assert!(kinds.contains(&"add-host") && kinds.contains(&"lower-to-best-effort"), "{kinds:?}");
    for remedy in remedies {
        assert_eq!(remedy["after"]["target_status"], "proven", "{}", remedy["kind"]);
    }
}

#[test]
fn capacity_needs_a_size() {
    let run = lifeboat("lifeboat capacity docs/examples/three-hosts.json");
    assert_eq!(run.status, Status::Unusable);
    assert!(run.err.contains("--vm"), "{}", run.err);
    let answer = json("lifeboat capacity docs/examples/fragmented.json --memory-mib 1024");
    assert_eq!(answer["fits"], Value::Null, "the target does not hold as it is");
}

#[test]
fn the_answers_have_schemas() {
    for of in ["check", "explain", "repair", "capacity"] {
        let run = lifeboat(&format!("lifeboat schema --of {of}"));
        assert_eq!(run.status, Status::Answered, "{of}: {}", run.err);
        assert!(run.out.contains("\"elapsed_us\"") && run.out.contains("\"type\": \"object\""), "{of}");
    }
    assert!(root().join("docs/what-if.md").exists());
}
