//! `lifeboat sim` as its users meet it.
use super::lifeboat;
use lifeboat::cli::Status;
use serde_json::Value;
use std::fs;

/// A scenario in a file of its own; the path, which has no space.
fn scenario(name: &str, text: &str) -> String {
    let path = format!("{}/{name}.toml", env!("CARGO_TARGET_TMPDIR"));
    fs::write(&path, text).expect("a place for files");
    path
}

const POWER_LOSS: &str = r#"
[generate]
hosts = 3
vms = 6
[[event]]
at_s = 10
do = "power-off"
hosts = ["coordinator"]
[[expect]]
by_s = 32
vm = "vm1"
on_any = ["h2", "h3"]
[[expect]]
by_s = 32
vms_running = 6
[[expect]]
by_s = 32
host = "h1"
state = "off"
"#;

#[test]
fn the_json_answer_tells_seed_events_and_the_end_and_is_the_same_each_time() {
    let path = scenario("power-loss", POWER_LOSS);
    let command = format!("lifeboat sim {path} --seed 3 --json");
    let run = lifeboat(&command);
    assert_eq!((run.status, run.err.as_str()), (Status::Answered, ""), "{}", run.out);
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(answer["seed"], 3);
    assert_eq!((&answer["violations"], &answer["unmet"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    let events = answer["events"].as_array().expect("a list");
    assert_eq!((&events[0]["what"], &events[0]["at_s"]), (&"power-off".into(), &10.0.into()));
    let starts: Vec<&Value> = events.iter().filter(|event| event["what"] == "start-command").collect();
    assert_eq!(starts.len(), 2, "two VMs ran on the host that lost power");
    let first = starts[0]["at_s"].as_f64().expect("a number");
    assert!((25.0..30.0).contains(&first), "not before the lease of the dead host has run out: {first}");
    let known = [
        "start-command",
        "vm-running",
        "vm-stopped",
        "lease-lost",
        "fenced",
        "evidence",
        "liveset",
        "coordinator",
        "alert",
        "power-off",
    ];
    assert!(
        events.iter().all(|event| known.contains(&event["what"].as_str().expect("a word"))),
        "{}",
        run.out
    );
    assert_eq!(answer["final"]["hosts"]["h1"]["state"], "off");
    assert_eq!(answer["final"]["vms"]["vm1"]["running"], true);
    assert_eq!(lifeboat(&command).out, run.out, "same scenario and seed, same bytes");
    assert_ne!(lifeboat(&format!("lifeboat sim {path} --seed 4 --json")).out, run.out);
}

#[test]
fn what_is_not_met_is_told_in_words_and_in_the_exit_status() {
    let text = "[generate]\nhosts = 2\nvms = 2\n[[expect]]\nby_s = 1\nvms_running = 3\n[[expect]]\nby_s = 1\nfenced = [\"h2\"]\n";
    let run = lifeboat(&format!("lifeboat sim {}", scenario("unmet", text)));
    assert_eq!(run.status, Status::Unmet);
    assert_eq!(run.status.code(), 5);
    assert!(run.out.contains("unmet (expect 1): 3 VMs run at 1 s; 2 run\n"), "{}", run.out);
    assert!(run.out.contains("unmet (expect 2): exactly h2 fenced by 1 s; fenced: none\n"), "{}", run.out);
}

#[test]
fn the_timeline_tells_who_did_what_when_and_why() {
    let run = lifeboat(&format!("lifeboat sim {}", scenario("told", POWER_LOSS)));
    let lines: Vec<&str> = run.out.lines().collect();
    let at = |text: &str| {
        lines
            .iter()
            .position(|line| line.contains(text))
            .unwrap_or_else(|| panic!("no {text} in {}", run.out))
    };
    assert!(at("scenario  power-off coordinator") < at("vm1 and vm4 stop with the host: it has lost power"));
    assert!(
        at("knows that h1 is safe to replace: its lease and its watchdog's time have run out")
            < at("starts vm1")
    );
    assert!(run.out.ends_with("Every law held, and every expectation was met.\n"), "{}", run.out);
}

#[test]
fn a_scenario_that_makes_no_sense_is_refused_with_the_place() {
    let run = lifeboat(&format!(
        "lifeboat sim {}",
        scenario("field", "[generate]\n[[event]]\nat_s = 1\ndo = \"heal\"\nppm = 3\n")
    ));
    assert_eq!(run.status, Status::Unusable);
    assert!(run.err.contains("line 2: event 1 (heal): has no field `ppm`"), "{}", run.err);
    let run = lifeboat(&format!(
        "lifeboat sim {}",
        scenario("name", "[generate]\n[[event]]\nat_s = 1\ndo = \"power-off\"\nhosts = [\"h9\"]\n")
    ));
    assert!(run.err.contains("event 1 (power-off): the pool has no host \"h9\""), "{}", run.err);
    let run = lifeboat(&format!("lifeboat sim {}", scenario("file", "pool = \"nowhere.json\"\n")));
    assert!(run.err.contains("nowhere.json"), "{}", run.err);
    assert_eq!(lifeboat("lifeboat sim").status, Status::Unusable);
    assert_eq!(lifeboat("lifeboat sim --random --seeds 5..5").status, Status::Unusable);
}

#[test]
fn a_pool_document_beside_the_scenario_is_used_and_changed_by_pointer() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let document = r#"{ "format": "lifeboat.pool/v1", "id": "two",
        "hosts": [ {"id": "a", "memory_mib": 4096}, {"id": "b", "memory_mib": 4096} ],
        "vms": [ {"id": "kept", "memory_mib": 1024, "host": "a", "restart_priority": "restart"},
                 {"id": "left", "memory_mib": 1024, "host": "a", "restart_priority": "restart"} ] }"#;
    fs::write(format!("{folder}/two.json"), document).expect("a place for files");
    let text = r#"
pool = "two.json"
[[event]]
at_s = 2
do = "set"
path = "/vms/1/restart_priority"
value = ""
[[event]]
at_s = 5
do = "power-off"
hosts = ["a"]
[[expect]]
by_s = 40
vm = "kept"
on_any = ["b"]
[[expect]]
by_s = 40
vm = "left"
running = false
"#;
    let run = lifeboat(&format!("lifeboat sim {}", scenario("pointer", text)));
    assert_eq!(run.status, Status::Answered, "{}{}", run.out, run.err);
}

#[test]
fn a_drawing_has_a_lane_for_each_host_and_a_number_for_each_event() {
    let svg = format!("{}/drawn.svg", env!("CARGO_TARGET_TMPDIR"));
    let run = lifeboat(&format!("lifeboat sim {} --svg {svg}", scenario("drawn", POWER_LOSS)));
    assert_eq!(run.status, Status::Answered);
    let drawing = fs::read_to_string(svg).expect("just written");
    assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"));
    for text in [">h1<", ">h2<", ">h3<", ">power-off coordinator<", ">1</text>", "every law held"] {
        assert!(drawing.contains(text), "{text}");
    }
}

#[test]
fn random_runs_are_told_by_seed_and_repeat_alike() {
    let run = lifeboat("lifeboat sim --random --seeds 0..3 --jobs 2 --json");
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(answer["runs"], 3);
    for failed in answer["failed"].as_array().expect("a list") {
        assert_eq!(failed["repeat"], format!("lifeboat sim --random --seeds {}", failed["seed"]));
    }
    assert_eq!(lifeboat("lifeboat sim --random --seeds 0..=2 --jobs 1 --json").out, run.out);
}
