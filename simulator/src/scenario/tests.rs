//! What a scenario's text may say, and what is said of what it may not.
use super::*;
use crate::documents::NoDocuments;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, &NoDocuments)
}

fn fault(text: &str) -> String {
    parse(text).expect_err("a fault").to_string()
}

const DESIGN: &str = r#"
[generate]
hosts = 3
vms = 6
vm_mib = 1024
host_mib = 16384
[settings]
timeout_s = 15
medium = "statefile"
networks = ["hb0", "hb1"]
brake = 0.5
[[event]]
at_s = 10.0
do = "power-off"
hosts = ["h1"]
[[expect]]
by_s = 30.0
vm = "vm1"
on_any = ["h2", "h3"]
"#;

#[test]
fn the_scenario_of_the_design_is_read() {
    let scenario = parse(DESIGN).expect("it is right");
    assert_eq!(
        scenario.pool,
        PoolSource::Generate(Generate { hosts: 3, vms: 6, vm_mib: 1024, host_mib: 16384 })
    );
    assert_eq!(scenario.settings.networks(), ["hb0", "hb1"]);
    assert_eq!(scenario.settings.brake_permille, Some(500));
    assert_eq!(scenario.events.len(), 1);
    assert_eq!(scenario.events[0].at, Duration::from_secs(10));
    assert_eq!(scenario.events[0].action, Action::PowerOff { hosts: vec!["h1".to_owned()] });
    let on_any = Some(vec!["h2".to_owned(), "h3".to_owned()]);
    assert_eq!(scenario.expectations[0].expected, Expected::VmRuns { vm: "vm1".to_owned(), on_any });
    assert_eq!(scenario.ends(Duration::from_secs(15)), Duration::from_secs(30));
}

#[test]
fn what_is_printed_reads_the_same_again() {
    let text = r#"
end_s = 99.5
[generate]
hosts = 2
[settings]
quarantine = { failures = 2, decay_s = 60 }
gateway = true
storage_loss = "majority"
guarantee = "simultaneous"
etcd_members = ["h1"]
[world]
vm_boot_s = 0.25
packet_loss = 0.01
clock_ppm = 150
[[event]]
at_s = 1
do = "partition"
groups = [["h1", "gateway"], ["h2"]]
[[event]]
at_s = 1.000001
do = "cut"
from = "h1"
to = ["h2"]
network = "hb0"
[[event]]
at_s = 2
do = "set"
path = "/vms/0"
value = { id = "a\"b", memory_mib = 5, storages = [] }
[[event]]
at_s = 3
do = "packet-loss"
share = 0.25
[[event]]
at_s = 4
do = "storage-loss"
vm_storage = true
[[event]]
at_s = 5
do = "confirm-dead"
hosts = ["coordinator"]
force = true
[[event]]
at_s = 6
do = "clock-rate"
hosts = ["h1"]
ppm = -200
[[event]]
at_s = 7
do = "disarm"
for_s = 30
[[expect]]
by_s = 9
fenced = []
[[expect]]
by_s = 9
alert = "host-failed"
absent = true
[[expect]]
by_s = 9
host = "h1"
state = "rejoined"
[[expect]]
by_s = 9
vm = "vm1"
running = false
"#;
    let scenario = parse(text).expect("it is right");
    let printed = scenario.print(&NoDocuments);
    assert_eq!(parse(&printed).expect("the printed one is right"), scenario, "{printed}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = fault("[generate]\nhosts = 3\nhsots = 4\n");
    assert!(text.contains("line 3") && text.contains("hsots"), "{text}");
}

#[test]
fn a_field_of_another_event_is_refused_and_a_missing_one_asked_for() {
    let text = fault("[generate]\n[[event]]\nat_s = 1\ndo = \"heal\"\nhosts = [\"h1\"]\n");
    assert_eq!(text, "line 2: event 1 (heal): has no field `hosts`");
    let text = fault("[generate]\n\n[[event]]\nat_s = 1\ndo = \"agent-pause\"\nhosts = [\"h1\"]\n");
    assert_eq!(text, "line 3: event 1 (agent-pause): lacks the field `for_s`");
    let text = fault("[generate]\n[[event]]\nat_s = 1\ndo = \"explode\"\n");
    assert!(
        text.starts_with("line 2: event 1 (explode): \"explode\" is no event; there are power-off"),
        "{text}"
    );
    let text = fault("[generate]\n[[event]]\nat_s = -1\ndo = \"heal\"\n");
    assert!(text.ends_with("at_s is not a number of seconds from 0 on"), "{text}");
}

#[test]
fn expectations_that_make_no_sense_are_refused() {
    let text = fault("[generate]\n[[expect]]\nby_s = 1\nvm = \"vm1\"\n");
    assert!(text.starts_with("line 2: expect 1: vm do not make an expectation"), "{text}");
    let text = fault("[generate]\n[[expect]]\nby_s = 1\nhost = \"h1\"\nstate = \"sleepy\"\n");
    assert!(text.ends_with("state \"sleepy\" is none of live, fenced, rejoined, off"), "{text}");
}

#[test]
fn a_scenario_has_exactly_one_pool() {
    assert!(fault("").contains("needs `pool"));
    assert!(fault("pool = \"a.json\"\n[generate]\n").contains("exclude one another"));
}

#[test]
fn names_that_the_pool_does_not_have_are_named() {
    let check = |rest: &str| {
        let scenario = parse(&format!("[generate]\nhosts = 2\nvms = 1\n{rest}")).expect("it is right");
        let PoolSource::Generate(made) = &scenario.pool else { panic!("generated") };
        check_names(&scenario, &made.pool()).map_err(|error| error.to_string())
    };
    let event = |fields: &str| check(&format!("[[event]]\nat_s = 1\n{fields}\n"));
    assert_eq!(event("do = \"power-off\"\nhosts = [\"coordinator\"]"), Ok(()));
    assert_eq!(
        event("do = \"power-off\"\nhosts = [\"h1\", \"h3\"]"),
        Err("event 1 (power-off): the pool has no host \"h3\"".to_owned())
    );
    assert_eq!(
        event("do = \"vm-crash\"\nvm = \"vm2\""),
        Err("event 1 (vm-crash): the pool has no VM \"vm2\"".to_owned())
    );
    assert_eq!(
        event("do = \"link-down\"\nhosts = [\"h1\"]\nnetwork = \"hb9\""),
        Err("event 1 (link-down): the pool has no heartbeat network \"hb9\"".to_owned())
    );
    assert_eq!(
        check("[[expect]]\nby_s = 1\nalert = \"fire\"\n"),
        Err("expect 1: the pool has no alert kind \"fire\"".to_owned())
    );
}
