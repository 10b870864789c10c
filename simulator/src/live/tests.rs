//! A pool that is driven from outside lives as one in a scenario does, whatever the steps in between.
use super::*;
use crate::scenario::{Event, Generate, PoolSource};
use crate::{NoDocuments, Nobody, run};
use lifeboat_model::Pool;

const HOSTS: u32 = 6;

fn pool() -> Pool {
    let generate = Generate { hosts: HOSTS, vms: 24, ..Generate::default() };
    Pool::new(&generate.pool()).expect("a generated pool is right")
}

fn live(seed: u64) -> Live {
    let generate = Generate { hosts: HOSTS, vms: 24, ..Generate::default() };
    Live::form(Scenario::quiet(PoolSource::Generate(generate)), pool(), seed).expect("a healthy pool forms")
}

fn power_off(host: &str) -> Action {
    Action::PowerOff { hosts: vec![host.to_owned()] }
}

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The lines of what happened, with their times.
fn lines(happened: &[Happened]) -> Vec<(Duration, Line)> {
    let line = |happened: &Happened| match &happened.what {
        What::Line(line) => Some((happened.at, line.clone())),
        What::Known { .. } | What::Duty { .. } => None,
    };
    happened.iter().filter_map(line).collect()
}

#[test]
fn the_same_actions_at_the_same_times_give_the_same_pool_whatever_the_steps_in_between() {
    let lived = |steps: &[u64]| {
        let mut live = live(7);
        let mut happened = Vec::new();
        for step in steps {
            live.run_until(at(*step));
            happened.extend(live.take());
            if *step == 5_000 {
                live.act(&power_off("h3")).expect("there is an h3");
            }
        }
        let places: Vec<_> = live.pool().vm_indices().map(|vm| live.runs_at(vm)).collect();
        (happened.iter().map(|happened| happened.what.clone()).collect::<Vec<_>>(), places)
    };
    let coarse = lived(&[5_000, 60_000]);
    let fine: Vec<u64> = (1..=1_200).map(|step| step * 50).collect();
    assert!(coarse.0.iter().any(|what| matches!(what, What::Line(Line::StartCommand { .. }))));
    assert_eq!(coarse, lived(&fine));
}

#[test]
fn it_lives_as_a_pool_in_a_scenario_does() {
    let generate = Generate { hosts: HOSTS, vms: 24, ..Generate::default() };
    let mut scenario = Scenario::quiet(PoolSource::Generate(generate));
    scenario.events = vec![Event { at: at(5_000), action: power_off("h3") }];
    scenario.end = Some(at(40_000));
    let outcome = run(&scenario, 7, &NoDocuments, &mut Nobody).expect("a healthy pool forms");
    let told = outcome
        .trace
        .since_formed()
        .iter()
        .filter(|entry| !matches!(entry.line, Line::Formed | Line::Event { .. }));
    let in_scenario: Vec<_> =
        told.map(|entry| (entry.at.since(outcome.formed), entry.line.clone())).collect();
    let mut live = live(7);
    live.run_until(at(5_000));
    live.act(&power_off("h3")).expect("there is an h3");
    live.run_until(at(40_000));
    assert_eq!(lines(&live.take()), in_scenario);
}

#[test]
fn what_the_pool_knows_of_a_host_comes_after_what_is_true_and_before_its_vms_start_elsewhere() {
    let mut live = live(1);
    let h3 = live.find_host("h3").expect("there is an h3");
    live.act(&power_off("h3")).expect("there is an h3");
    let now = live.host(h3);
    assert_eq!((now.power, now.known, now.vms), (Power::Off, Known::Member, 0), "nobody knows it yet");
    live.run_until(at(30_000));
    let happened = live.take();
    let position =
        |wanted: &dyn Fn(&What) -> bool| happened.iter().position(|happened| wanted(&happened.what));
    let lost = position(&|what| *what == What::Known { host: h3, known: Known::Lost });
    let safe = position(&|what| *what == What::Known { host: h3, known: Known::Safe });
    let started = position(&|what| matches!(what, What::Line(Line::VmExecutes { .. })));
    assert!(lost.is_some() && lost < started && lost < safe, "{lost:?} {safe:?} {started:?}");
    assert_eq!(live.host(h3).known, Known::Safe);
    assert!(live.pool().vm_indices().all(|vm| live.is_well(vm)), "all VMs run again");
    assert_eq!(live.take(), [], "what has happened is handed out once");
}

#[test]
fn an_operators_wish_is_told_when_the_store_has_it_and_migrations_are_told() {
    let mut live = live(1);
    let h2 = live.find_host("h2").expect("there is an h2");
    live.act(&Action::Evacuate { hosts: vec!["h2".to_owned()] }).expect("there is an h2");
    live.run_until(at(20_000));
    let happened = live.take();
    assert!(happened.iter().any(|one| one.what == What::Duty { host: h2, duty: Duty::Maintenance }));
    let migrates = |line: &Line| matches!(line, Line::MigrateCommand { host, .. } if *host == h2);
    let lines = lines(&happened);
    assert_eq!(lines.iter().filter(|(_, line)| migrates(line)).count(), 4, "the VMs of h2");
    let now = live.host(h2);
    assert_eq!((now.vms, now.used_mib, now.known), (0, 0, Known::Member));
    live.act(&Action::Enable { hosts: vec!["h2".to_owned()] }).expect("there is an h2");
    live.run_until(at(21_000));
    assert_eq!(live.host(h2).duty, Duty::Enabled);
}

#[test]
fn a_split_is_seen_and_the_coordinators_name_follows_it() {
    let mut live = live(1);
    let first = live.coordinator().expect("a pool that has formed has one");
    assert_eq!(live.find_host("coordinator"), Some(first));
    live.act(&power_off("coordinator")).expect("there is one");
    live.run_until(at(30_000));
    let next = live.coordinator().expect("another takes over");
    assert!(next != first && live.host(next).coordinator && !live.host(first).coordinator);
    let lonely = live.pool().host_id(HostIndex::new(5)).to_owned();
    let groups = vec![vec![lonely]];
    live.act(&Action::Partition { groups, networks: Vec::new() }).expect("there is such a host");
    assert!(!live.host(HostIndex::new(5)).heard);
    live.act(&Action::Heal).expect("nothing is named");
    assert!(live.host(HostIndex::new(5)).heard);
}

#[test]
fn what_names_nothing_is_refused_and_does_nothing() {
    let mut live = live(1);
    let refused =
        |action: &Action, live: &mut Live| live.act(action).expect_err("it names nothing").to_string();
    assert_eq!(refused(&power_off("h9"), &mut live), "the pool has no host \"h9\"");
    let crash = Action::VmCrash { vm: "vm99".to_owned() };
    assert_eq!(refused(&crash, &mut live), "the pool has no VM \"vm99\"");
    let link = Action::LinkDown { hosts: vec!["h1".to_owned()], networks: vec!["hb7".to_owned()] };
    assert_eq!(refused(&link, &mut live), "the pool has no heartbeat network \"hb7\"");
    let set = Action::Set { path: "/id".to_owned(), value: 1.into() };
    assert!(refused(&set, &mut live).contains("where it is served"));
    assert_eq!(live.take(), []);
}
