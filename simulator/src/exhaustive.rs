//! Three hosts and few events, all of them: every pair or triple of faults from a small alphabet, at moments on both sides of
//! each boundary. Where the random mode looks far, this looks everywhere nearby.
use crate::coverage::Coverage;
use crate::run::run;
use crate::scenario::{Action, Event, Generate, PoolSource};
use crate::threads::in_order;
use crate::{At, NoDocuments, Scenario, Violation, Watch};
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use core::time::Duration;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every pair of faults from the small alphabet.
    SmallPairs,
    /// Every pair of faults from the whole alphabet.
    Pairs,
    /// Every triple of faults from the small alphabet.
    Triples,
}

/// T of these pools: the shortest whose boundaries lie well apart.
const TIMEOUT_S: u64 = 5;

/// When the next fault comes after the one before: at once, within the silence limit, just before and after it (T - 1.5 s), just
/// before and after leases run out (T), when evidence is at hand (T + 1 s), and while VMs restart.
const GAPS_MS: [u64; 7] = [0, 1_500, 3_300, 3_800, 5_200, 6_200, 7_000];
const FEW_GAPS_MS: [u64; 3] = [300, 3_700, 6_300];

/// When the first fault comes, and when everything is healed after the last.
const FIRST: Duration = Duration::from_secs(3);
const HOLD: Duration = Duration::from_secs(12);

/// All scenarios of an extent, each with the faults that it is made of.
pub fn scenarios(extent: Extent) -> Vec<Scenario> {
    let gaps: &[u64] = if extent == Extent::Pairs { &GAPS_MS } else { &FEW_GAPS_MS };
    let letters = if extent == Extent::Pairs { alphabet() } else { small_alphabet() };
    let mut out = Vec::new();
    for first in &letters {
        for second in &letters {
            for &gap in gaps {
                let two = [(FIRST, first), (FIRST + Duration::from_millis(gap), second)];
                if extent != Extent::Triples {
                    out.push(scenario(&two));
                    continue;
                }
                for third in &letters {
                    let at = two[1].0 + Duration::from_millis(FEW_GAPS_MS[1]);
                    out.push(scenario(&[two[0], two[1], (at, third)]));
                }
            }
        }
    }
    out
}

/// What came of one scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its position among [`scenarios`].
    pub position: usize,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// What the run has met.
    pub coverage: Coverage,
    /// How much virtual time it took.
    pub lasted: Duration,
}

/// Runs scenarios under one seed, so many at once, and hands each report over in order.
pub fn run_all(
    scenarios: &[Scenario],
    seed: u64,
    at_once: NonZeroUsize,
    hand_over: impl FnMut(Report) -> ControlFlow<()>,
) {
    let Some(last) = scenarios.len().checked_sub(1) else { return };
    let work = |position: u64| run_one(&scenarios[position as usize], position as usize, seed);
    in_order(0..=last as u64, at_once, work, hand_over);
}

fn run_one(scenario: &Scenario, position: usize, seed: u64) -> Report {
    let healed = scenario.events.iter().map(|event| event.at).max().unwrap_or_default();
    let mut watch = Watch::all().until_well(healed);
    let ran = run(scenario, seed, &NoDocuments, &mut watch);
    let lasted = ran.as_ref().map(|outcome| outcome.ended.since(At::START)).unwrap_or_default();
    let (mut violations, coverage) = watch.into_findings();
    if let Err(error) = ran {
        violations.push(Violation { invariant: "the scenario runs", at: At::START, text: error.to_string() });
    }
    Report { position, violations, coverage, lasted }
}

fn scenario(faults: &[(Duration, &Vec<Action>)]) -> Scenario {
    let mut scenario =
        Scenario::quiet(PoolSource::Generate(Generate { hosts: 3, vms: 4, ..Generate::default() }));
    scenario.settings.timeout_s = Some(TIMEOUT_S);
    scenario.world.host_boot = Duration::from_secs(8);
    scenario.world.vm_boot = Duration::from_millis(500);
    let happens = |(at, actions): &(Duration, &Vec<Action>)| {
        let at = *at;
        actions.iter().map(move |action| Event { at, action: action.clone() }).collect::<Vec<_>>()
    };
    scenario.events = faults.iter().flat_map(happens).collect();
    let healed = faults.iter().map(|(at, _)| *at).max().unwrap_or_default() + HOLD;
    scenario.events.extend(healing().into_iter().map(|action| Event { at: healed, action }));
    // T + 60 s until a pool forms with those that are up, T + 5 s + 60 s for healing, and what it takes to boot.
    scenario.end = Some(healed + Duration::from_secs(2 * TIMEOUT_S + 5 + 120 + 20));
    scenario
}

fn healing() -> Vec<Action> {
    vec![
        Action::Heal,
        Action::LinkUp { hosts: hosts(), networks: Vec::new() },
        Action::StorageHeal { hosts: None },
        Action::StorageSlow { hosts: None, latency: Duration::from_millis(2) },
        Action::PowerOn { hosts: hosts() },
    ]
}

fn hosts() -> Vec<String> {
    ["h1", "h2", "h3"].map(str::to_owned).to_vec()
}

fn one(host: &str) -> Vec<String> {
    vec![host.to_owned()]
}

/// The faults that matter most; h1 coordinates at first.
fn small_alphabet() -> Vec<Vec<Action>> {
    vec![
        vec![Action::PowerOff { hosts: one("h1") }],
        vec![Action::PowerOff { hosts: one("h2") }],
        isolated("h1"),
        isolated("h3"),
        vec![Action::Cut { from: one("h2"), to: one("h3"), networks: Vec::new() }],
        vec![storage_loss(Some(one("h1")))],
        vec![storage_loss(Some(vec!["h2".to_owned(), "h3".to_owned()]))],
        vec![storage_loss(None)],
        vec![Action::AgentPause { hosts: one("h2"), lasts: Duration::from_secs(TIMEOUT_S + 1) }],
        vec![Action::Heal, Action::StorageHeal { hosts: None }],
    ]
}

/// All faults.
fn alphabet() -> Vec<Vec<Action>> {
    let mut letters = small_alphabet();
    for host in ["h1", "h2", "h3"] {
        letters.push(vec![Action::AgentCrash { hosts: one(host) }]);
        letters.push(vec![Action::PowerOff { hosts: one(host) }, Action::PowerOn { hosts: one(host) }]);
        letters.push(vec![Action::MediumDelay {
            hosts: Some(one(host)),
            lasts: Duration::from_secs(TIMEOUT_S - 1),
        }]);
        letters.push(vec![Action::LinkDown { hosts: one(host), networks: Vec::new() }]);
    }
    letters.extend([
        vec![Action::PowerOff { hosts: one("h3") }],
        isolated("h2"),
        vec![storage_loss(Some(one("h3")))],
        vec![Action::Cut { from: one("h1"), to: one("h2"), networks: Vec::new() }],
        vec![Action::Cut { from: one("h3"), to: one("h1"), networks: Vec::new() }],
        vec![Action::AgentPause { hosts: one("h1"), lasts: Duration::from_secs(TIMEOUT_S) }],
        vec![Action::ControlHang { hosts: one("coordinator"), lasts: None }],
        vec![Action::StorageSlow { hosts: None, latency: Duration::from_millis(900) }],
        vec![Action::Disarm { lasts: Duration::from_secs(6) }],
        vec![Action::Shutdown { hosts: one("h2") }],
        vec![Action::PowerOff { hosts: hosts() }, Action::PowerOn { hosts: one("h2") }],
        vec![Action::VmCrash { vm: "vm1".to_owned() }],
    ]);
    letters
}

fn isolated(host: &str) -> Vec<Action> {
    let others = hosts().into_iter().filter(|other| other != host).collect();
    vec![Action::Partition { groups: vec![one(host), others], networks: Vec::new() }]
}

fn storage_loss(hosts: Option<Vec<String>>) -> Action {
    Action::StorageLoss { hosts, vm_storage: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::check_names;

    #[test]
    fn every_scenario_speaks_of_what_there_is_and_no_two_are_alike() {
        let pool = Generate { hosts: 3, vms: 4, ..Generate::default() }.pool();
        for extent in [Extent::SmallPairs, Extent::Pairs, Extent::Triples] {
            let all = scenarios(extent);
            for scenario in &all {
                check_names(scenario, &pool).unwrap();
            }
            let mut printed: Vec<String> =
                all.iter().map(|scenario| format!("{:?}", scenario.events)).collect();
            printed.sort();
            let count = printed.len();
            printed.dedup();
            assert_eq!(printed.len(), count, "{extent:?}");
        }
    }
}
