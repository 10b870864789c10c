//! Pools that live through something, end to end: the real agents, coordinator, planner, codecs and media.
use lifeboat_simulator::happening::DownCause;
use lifeboat_simulator::scenario::{FURTHER_WORDS, WORDS};
use lifeboat_simulator::trace::Line;
use lifeboat_simulator::{NoDocuments, Nobody, Outcome, Scenario, run};

fn lives_through(text: &str, seed: u64) -> Outcome {
    let scenario = Scenario::parse(text, &NoDocuments).expect("a scenario");
    run(&scenario, seed, &NoDocuments, &mut Nobody).expect("the pool forms")
}

const POWER_LOSS: &str = r#"
end_s = 30
[generate]
hosts = 3
vms = 6
[world]
clock_ppm = 200
network_jitter_s = 0.005
packet_loss = 0.01
duplicates = 0.01
medium_jitter_s = 0.01
[[event]]
at_s = 10
do = "power-off"
hosts = ["h1"]
[[expect]]
by_s = 27
coordinator_any = ["h2", "h3"]
[[expect]]
by_s = 27
host = "h1"
state = "off"
[[expect]]
by_s = 27
host = "h2"
state = "live"
[[expect]]
by_s = 27
fenced = []
"#;

#[test]
fn another_host_takes_over_from_a_coordinator_that_lost_power() {
    for seed in 0..10 {
        let outcome = lives_through(POWER_LOSS, seed);
        assert_eq!(outcome.unmet, [], "seed {seed}");
    }
}

#[test]
fn the_same_seed_lives_the_same_life_and_another_seed_another() {
    let told = |seed| {
        let outcome = lives_through(POWER_LOSS, seed);
        (outcome.formed, outcome.trace.entries().to_vec(), outcome.hosts, outcome.vms)
    };
    assert_eq!(told(3), told(3));
    assert_ne!(told(3).1, told(4).1);
}

#[test]
fn the_watchdog_resets_a_host_whose_agent_stands_still_and_not_before_the_lease_has_run_out() {
    let text = r#"
[generate]
hosts = 3
vms = 3
[[event]]
at_s = 10
do = "agent-pause"
hosts = ["h2"]
for_s = 40
[[expect]]
by_s = 24.5
fenced = []
[[expect]]
by_s = 25.7
fenced = ["h2"]
[[expect]]
by_s = 25.7
vm = "vm2"
running = false
"#;
    let outcome = lives_through(text, 5);
    assert_eq!(outcome.unmet, []);
    let by_watchdog =
        |line: &Line| matches!(line, Line::Fenced { host, cause: DownCause::Watchdog } if host.get() == 1);
    assert!(outcome.trace.entries().iter().any(|entry| by_watchdog(&entry.line)));
}

#[test]
fn a_clock_that_runs_fast_ends_a_lease_early_by_its_own_rate() {
    // Whoever is alone with a clock twice as fast fences itself in about half the time.
    let fenced_at = |ppm: &str| {
        let text = format!(
            "end_s = 40\n[generate]\nhosts = 3\nvms = 3\n[[event]]\nat_s = 10\ndo = \"clock-rate\"\nhosts = [\"h2\"]\nppm = {ppm}\n\
             [[event]]\nat_s = 10\ndo = \"storage-loss\"\nhosts = [\"h2\"]\n\
             [[event]]\nat_s = 10\ndo = \"partition\"\ngroups = [[\"h2\"], [\"h1\", \"h3\"]]\n"
        );
        let outcome = lives_through(&text, 1);
        let lost = |line: &Line| matches!(line, Line::LeaseLost { host, .. } if host.get() == 1);
        let entry =
            outcome.trace.entries().iter().find(|entry| lost(&entry.line)).expect("its lease runs out");
        entry.at.since(outcome.formed).as_secs_f64() - 10.0
    };
    let (usual, fast) = (fenced_at("0"), fenced_at("500000"));
    assert!((14.0..15.1).contains(&usual), "{usual}");
    assert!((usual / fast - 1.5).abs() < 0.1, "{usual} and {fast}");
}

#[test]
fn every_event_of_a_scenario_stands_on_its_page() {
    let page = include_str!("../../docs/simulator.md");
    for word in WORDS.iter().chain(&FURTHER_WORDS) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}
