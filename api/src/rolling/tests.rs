//! Which hosts can be down together, and runs with all that can come between.
mod hazards;
mod placing;

use super::drive::named;
use super::plan::{self, Wish};
use super::run::{Do, Phase, PlannedMove, Run, RunGroup, RunHost, RunState};
use super::view::{Seen, View};
use lifeboat_coordinator::record::Duty;
use lifeboat_model::spec::{
    HostSpec, HostState, PoolSpec, RestartPriority, SettingsSpec, StorageSpec, VmSpec,
};
use lifeboat_model::{HostIndex, Pool};
use lifeboat_planner::Limits;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// Hosts of so much memory each, and VMs as (host, memory).
fn pool(hosts: &[u64], target: u64, vms: &[(usize, u64)]) -> PoolSpec {
    let host = |(position, &memory_mib): (usize, &u64)| HostSpec {
        id: format!("h{}", position + 1),
        memory_mib,
        ..HostSpec::default()
    };
    let vm = |(position, &(on, memory_mib)): (usize, &(usize, u64))| VmSpec {
        id: format!("vm{}", position + 1),
        memory_mib,
        host: Some(format!("h{on}")),
        should_run: true,
        restart_priority: RestartPriority::Restart,
        ..VmSpec::default()
    };
    PoolSpec {
        id: "p".into(),
        settings: SettingsSpec { host_failures_to_tolerate: Some(target), ..SettingsSpec::default() },
        hosts: hosts.iter().enumerate().map(host).collect(),
        vms: vms.iter().enumerate().map(vm).collect(),
        ..PoolSpec::default()
    }
}

fn planned(spec: &PoolSpec, last: Option<usize>, at_once: usize) -> (Pool, plan::Plan) {
    let pool = Pool::new(spec).expect("sound");
    let wish = Wish { hosts: plan::usual_hosts(&pool), last: last.map(HostIndex::new), at_once };
    let plan = plan::plan(&pool, &wish, &Limits::default(), &|| false);
    (pool, plan)
}

fn groups(pool: &Pool, plan: &plan::Plan) -> Vec<String> {
    let name = |group: &plan::Group| {
        let hosts: Vec<&str> = group.hosts.iter().map(|&host| pool.host_id(host)).collect();
        hosts.join(" ")
    };
    plan.groups.iter().map(name).collect()
}

#[test]
fn a_group_is_as_large_as_its_vms_have_places_elsewhere() {
    let spec = pool(&[10; 4], 1, &[(1, 4), (2, 4), (3, 4), (4, 4)]);
    let (sound, plan) = planned(&spec, None, 0);
    assert_eq!(groups(&sound, &plan), ["h1 h2", "h3 h4"], "two hosts hold the VMs of four");
    assert_eq!(plan.groups[0].moves.len(), 2);
    for step in &plan.groups[0].moves {
        assert!(!plan.groups[0].hosts.contains(&step.to), "nobody goes where a host goes down");
    }
    assert!(plan.needed.is_empty());
    let (sound, plan) = planned(&spec, None, 1);
    assert_eq!(groups(&sound, &plan), ["h1", "h2", "h3", "h4"], "no more than the operator wants");
}

#[test]
fn a_plan_that_takes_too_long_ends_with_groups_of_one() {
    let sound = Pool::new(&pool(&[10; 5], 1, &[(1, 4), (2, 4), (3, 4), (4, 4)])).expect("sound");
    let wish = Wish { hosts: plan::usual_hosts(&sound), last: Some(HostIndex::new(0)), at_once: 0 };
    let asked = std::cell::Cell::new(0);
    let after_two = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    let plan = plan::plan(&sound, &wish, &Limits::default(), &after_two);
    assert_eq!(groups(&sound, &plan), ["h5 h2", "h3", "h4", "h1"]);
    assert!(asked.get() < 12, "{asked:?}");
}

#[test]
fn maintenance_counts_as_one_of_the_failures() {
    // Any one host of these can be lost, and any two; with a target of 2 one may be down while another fails.
    let spec = |target| pool(&[10; 3], target, &[(1, 3), (2, 3), (3, 3)]);
    let (sound, plan) = planned(&spec(2), None, 0);
    assert_eq!(groups(&sound, &plan), ["h1 h2", "h3"], "nine fit on one host");
    assert_eq!(plan.groups[1].survives, 1);
    let tight = |target| pool(&[10; 3], target, &[(1, 5), (2, 5), (3, 5)]);
    let (_, plan) = planned(&tight(2), None, 0);
    assert_eq!(plan.needed.len(), 3, "with one down, no other failure is survivable");
    assert!(plan.needed[0].reason.contains("1 more failure"), "{}", plan.needed[0].reason);
    let (sound, plan) = planned(&tight(1), None, 0);
    assert_eq!(groups(&sound, &plan), ["h1", "h2", "h3"]);
}

#[test]
fn the_coordinators_host_comes_last_and_hosts_in_other_hands_are_left_alone() {
    let mut spec = pool(&[10; 5], 1, &[(2, 1), (3, 1)]);
    spec.hosts[4].state = HostState::Disabled;
    let (sound, plan) = planned(&spec, Some(0), 0);
    assert_eq!(groups(&sound, &plan), ["h4 h2 h3", "h1"]);
}

#[test]
fn vms_that_can_go_nowhere_are_shown_with_the_reason() {
    let mut spec = pool(&[10; 3], 1, &[(1, 1), (2, 1)]);
    spec.storages = vec![StorageSpec { id: "local".into(), shared: false }];
    spec.hosts[0].storages = Some(vec!["local".into()]);
    spec.hosts[1].storages = Some(Vec::new());
    spec.hosts[2].storages = Some(Vec::new());
    spec.vms[0].storages = vec!["local".into()];
    let (sound, plan) = planned(&spec, None, 0);
    let stuck: Vec<_> =
        plan.stuck().map(|stuck| (sound.vm_id(stuck.vm), sound.host_id(stuck.host))).collect();
    assert_eq!(stuck, [("vm1", "h1")]);
    assert!(plan.needed.is_empty(), "it can be done, if the VM may be stopped");
}

fn run(groups: &[&[&str]]) -> Run {
    let group = |hosts: &&[&str]| RunGroup {
        hosts: hosts.iter().map(|host| RunHost::waiting(host)).collect(),
        ..RunGroup::default()
    };
    Run { id: 1, returns_within_s: 600, groups: groups.iter().map(group).collect(), ..Run::default() }
}

/// A host that takes VMs.
fn member(boot: u64) -> Seen {
    Seen { member: Some(boot), takes_vms: true, ..Seen::default() }
}

/// Hosts that do as they are told, and a planner that agrees.
struct World {
    run: Run,
    view: View,
    /// Hosts that were told to go, and those that have gone.
    going: BTreeMap<String, bool>,
    enabled: Vec<String>,
    brought_back: usize,
    /// The coordinator does not answer.
    silent: bool,
    /// VMs take their time to go back.
    slow: bool,
}

impl World {
    fn of(run: Run) -> Self {
        let names = run.groups.iter().flat_map(|group| &group.hosts).map(|host| host.host.clone());
        let hosts = names.map(|host| (host, member(1))).collect();
        let view = View { leader: "h1".to_owned(), hosts, ..View::default() };
        let (going, enabled) = (BTreeMap::new(), Vec::new());
        Self { run, view, going, enabled, brought_back: 0, silent: false, slow: false }
    }

    fn look(&mut self) {
        self.view.now += Duration::from_secs(1);
        let mut acts = self.run.advance(&self.view);
        if let [Do::Judge { group, .. }] = *acts.as_slice() {
            acts = self.run.judged(group, Ok(RunGroup::default()), &self.view);
        }
        // Kept, and read by the next term: nothing may depend on what is not kept.
        for act in acts {
            match act {
                Do::Reboot { .. } | Do::Enable { .. } if self.silent => {}
                Do::Reboot { hosts, .. } => {
                    for host in hosts {
                        self.run.heard(&host);
                        let seen = self.view.hosts.get_mut(&host).expect("there is one");
                        (seen.duty, seen.takes_vms) = (Duty::Rebooting, false);
                        self.going.entry(host).or_insert(false);
                    }
                }
                Do::Enable { host } => {
                    if self.going.get(&host) == Some(&false) {
                        self.going.remove(&host);
                    }
                    self.run.heard(&host);
                    let seen = self.view.hosts.get_mut(&host).expect("there is one");
                    (seen.duty, seen.takes_vms) = (Duty::Enabled, seen.member.is_some());
                    self.enabled.push(host);
                }
                Do::PlaceBack { group, .. } => {
                    self.brought_back += 1;
                    if !self.slow {
                        self.run.placed_back(group);
                    }
                }
                Do::Judge { .. } => unreachable!("answered"),
            }
        }
    }

    fn looks(&mut self, times: u64) {
        for _ in 0..times {
            self.look();
        }
    }

    fn seen(&mut self, host: &str) -> &mut Seen {
        self.view.hosts.get_mut(host).expect("there is one")
    }

    /// It is empty and leaves.
    fn leaves(&mut self, host: &str) {
        if let Some(gone) = self.going.get_mut(host).filter(|gone| !**gone) {
            *gone = true;
            let seen = self.seen(host);
            (seen.member, seen.takes_vms) = (None, false);
        }
    }

    /// It has booted.
    fn returns(&mut self, host: &str) {
        if self.going.get(host) == Some(&true) {
            self.going.remove(host);
            *self.seen(host) = member(1000 + self.view.now.as_secs());
        }
    }

    fn phase(&self, host: &str) -> Phase {
        let mut hosts = self.run.groups.iter().flat_map(|group| &group.hosts);
        hosts.find(|known| known.host == host).expect("there is one").phase
    }

    fn next_term(&mut self) {
        let kept = serde_json::to_vec(&self.run.kept()).expect("it can be kept");
        self.run = serde_json::from_slice(&kept).expect("it can be read");
        self.view.now = Duration::ZERO;
    }
}

#[test]
fn a_run_goes_from_group_to_group_and_the_coordinators_host_is_last() {
    let mut world = World::of(run(&[&["h1"], &["h2", "h3"]]));
    world.looks(3);
    assert_eq!(world.going.keys().collect::<Vec<_>>(), ["h2", "h3"]);
    world.leaves("h2");
    world.look();
    world.leaves("h3");
    world.returns("h2");
    world.looks(3);
    assert_eq!((world.phase("h2"), world.phase("h3")), (Phase::Back, Phase::Rebooting));
    assert_eq!(world.brought_back, 0, "all of them first");
    world.returns("h3");
    world.view.unrest = Some("VM db is down".to_owned());
    world.looks(3);
    assert_eq!((world.phase("h2"), world.brought_back), (Phase::Done, 1));
    world.looks(5);
    assert!(world.going.is_empty(), "not while the pool is not at rest: {:?}", world.going);
    world.view.unrest = None;
    world.looks(3);
    world.leaves("h1");
    world.looks(2);
    world.returns("h1");
    world.looks(4);
    assert_eq!(world.run.state, RunState::Done);
    assert!(world.enabled.is_empty(), "to have come back is enough: {:?}", world.enabled);
}

#[test]
fn a_host_that_does_not_come_back_stops_the_run_and_nobody_else_goes() {
    let mut world = World::of(run(&[&["h2"], &["h3"]]));
    world.looks(3);
    world.leaves("h2");
    world.looks(600);
    assert_eq!(world.run.state, RunState::Running);
    world.looks(5);
    assert_eq!(world.run.state, RunState::Stopped);
    assert!(world.run.reason.contains("h2 has not come back"), "{}", world.run.reason);
    assert_eq!(world.phase("h3"), Phase::Waiting);
}

#[test]
fn a_host_that_cannot_be_emptied_stops_the_run_and_takes_vms_again() {
    let mut world = World::of(run(&[&["h2"], &["h3"]]));
    world.looks(3);
    world.seen("h2").stalled = Some("db has no place".to_owned());
    world.looks(100);
    world.seen("h2").stalled = None;
    world.look();
    world.seen("h2").stalled = Some("db has no place".to_owned());
    world.looks(100);
    assert_eq!(world.run.state, RunState::Running, "it went on for a moment");
    world.looks(30);
    assert_eq!((world.run.state, &*world.enabled), (RunState::Stopped, &["h2".to_owned()][..]));
    assert!(world.run.reason.contains("db has no place"), "{}", world.run.reason);
}

#[test]
fn a_pool_that_cannot_do_without_a_group_any_more_stops_the_run_before_it_begins() {
    let mut world = World::of(run(&[&["h2"]]));
    let refuse = |world: &mut World| {
        world.view.now += Duration::from_secs(1);
        if let [Do::Judge { group, .. }] = *world.run.advance(&world.view).as_slice() {
            let none = world.run.judged(group, Err("a host more is needed".to_owned()), &world.view);
            assert_eq!(none, []);
        }
    };
    (0..100).for_each(|_| refuse(&mut world));
    assert_eq!(world.run.state, RunState::Running, "it may be over soon");
    (0..30).for_each(|_| refuse(&mut world));
    assert_eq!(world.run.state, RunState::Stopped);
    assert!(world.run.reason.contains("a host more is needed"), "{}", world.run.reason);
    assert_eq!(world.phase("h2"), Phase::Waiting);
}

#[test]
fn a_failure_meanwhile_stops_it_and_whoever_has_not_left_stays() {
    let mut world = World::of(run(&[&["h2", "h3"], &["h4"]]));
    world.looks(3);
    world.leaves("h2");
    world.seen("h4").member = None;
    world.looks(2);
    assert_eq!(world.run.state, RunState::Stopped);
    assert!(world.run.reason.contains("h4 failed"), "{}", world.run.reason);
    assert_eq!(world.enabled, ["h3"]);
}

#[test]
fn a_run_that_is_canceled_waits_for_hosts_that_are_down() {
    let mut world = World::of(run(&[&["h2", "h3"], &["h4"]]));
    world.looks(3);
    world.leaves("h2");
    world.look();
    world.run.cancel("ann");
    world.look();
    assert_eq!((world.run.state, &*world.enabled), (RunState::Canceling, &["h3".to_owned()][..]));
    world.returns("h2");
    world.looks(4);
    assert_eq!((world.run.state, world.phase("h2")), (RunState::Canceled, Phase::Done));
    assert_eq!(world.phase("h4"), Phase::Waiting);
    assert_eq!(world.brought_back, 1);
}

#[test]
fn vms_that_can_go_nowhere_are_stopped_only_if_the_operator_allows_it() {
    let spec = pool(&[10, 10], 0, &[(1, 8), (2, 8)]);
    let sound = Pool::new(&spec).expect("sound");
    let found = plan::judge(&sound, &[HostIndex::new(0)], &Limits::default())
        .expect("nothing else speaks against it");
    assert_eq!(found.stuck.len(), 1);
    for (stop_vms, begins) in [(false, false), (true, true)] {
        let mut world = World::of(Run { stop_vms, ..run(&[&["h2"]]) });
        world.view.leader = "h9".to_owned();
        let [Do::Judge { group, .. }] = *world.run.advance(&world.view).as_slice() else { panic!("it asks") };
        world.run.judged(group, Ok(named(&sound, &found)), &world.view);
        assert_eq!(world.phase("h2") == Phase::Emptying, begins);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Look,
    Leave(usize),
    Return(usize),
    Fail(usize),
    Heal(usize),
    NextTerm,
    Unrest(bool),
    Cancel,
    Late,
}

fn step() -> impl Strategy<Value = Step> {
    let host = 0..6_usize;
    prop_oneof![
        6 => Just(Step::Look),
        4 => host.clone().prop_map(Step::Leave),
        4 => host.clone().prop_map(Step::Return),
        1 => host.clone().prop_map(Step::Fail),
        1 => host.prop_map(Step::Heal),
        1 => Just(Step::NextTerm),
        1 => any::<bool>().prop_map(Step::Unrest),
        1 => Just(Step::Cancel),
        1 => Just(Step::Late),
    ]
}

proptest! {
    /// Whatever happens in whatever order: all hosts that are down for a run, or told to go, are of one group.
    #[test]
    fn no_two_hosts_of_different_groups_are_down_for_a_run(
        steps in prop::collection::vec(step(), 1..200),
        cut in 1..6_usize,
        leader in 0..6_usize,
    ) {
        let names: Vec<String> = (1..=6).map(|number| format!("h{number}")).collect();
        let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
        let groups: Vec<&[&str]> = hosts.chunks(cut).collect();
        let mut world = World::of(run(&groups));
        world.view.leader = names[leader].clone();
        for step in steps {
            match step {
                Step::Look => world.look(),
                Step::Leave(host) => world.leaves(&names[host]),
                Step::Return(host) => world.returns(&names[host]),
                Step::Fail(host) => {
                    let seen = world.seen(&names[host]);
                    if seen.member.take().is_some() {
                        *seen = Seen { lost: true, ..Seen::default() };
                        world.going.remove(&names[host]);
                    }
                }
                Step::Heal(host) => {
                    let now = world.view.now.as_secs();
                    let seen = world.seen(&names[host]);
                    if seen.lost {
                        *seen = member(5000 + now);
                    }
                }
                Step::NextTerm => world.next_term(),
                Step::Unrest(unrest) => world.view.unrest = unrest.then(|| "VM db is down".to_owned()),
                Step::Cancel => {
                    if world.view.now > Duration::from_mins(1) {
                        world.run.cancel("ann");
                    }
                }
                Step::Late => world.view.now += Duration::from_secs(200),
            }
            let of = |host: &str| groups.iter().position(|group| group.contains(&host));
            let down: Vec<_> = world.going.keys().map(|host| of(host)).collect();
            prop_assert!(down.windows(2).all(|two| two[0] == two[1]), "{:?} of {groups:?}", world.going);
        }
    }
}
