//! Pools that live through something, end to end: the real agents, coordinator, planner, codecs and media.
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
