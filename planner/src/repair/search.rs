//! Fewest steps that restore the target: every single step, then every pair, and so on, as far as the ration
//! goes. Failure sets that refuted an earlier attempt are remembered: an attempt that one of them still refutes
//! needs no assessment. When a level has more attempts than can be kept, the most promising go on to the next,
//! and from then on *fewest* is no longer proven.
use super::probe::{Probe, look};
use super::{Case, is_refuted};
use crate::Assessment;
use crate::admission::{impediments, newly_broken_rules};
use crate::judge::Judge;
use lifeboat_model::change::Change;
use lifeboat_model::verdict::Notion;
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};
use std::collections::{BTreeMap, BTreeSet};

/// Attempts that go on to the next level.
const BEAM: usize = 120;
/// Solutions of one level among which the best is chosen.
const ENOUGH: usize = 24;
/// Failure sets that are remembered: the latest.
const REMEMBERED: usize = 12;
/// Attempts of one level whose pools are built; the rest is only ranked by numbers.
const BUILT: usize = 2_500;

/// Steps that restore the target.
pub(super) struct Solution {
    pub(super) steps: Vec<Change>,
    pub(super) pool: Pool,
    pub(super) assessment: Assessment,
}

/// Every solution of the lowest level that has one, and whether all lower levels were refuted.
pub(super) struct Found {
    pub(super) solutions: Vec<Solution>,
    pub(super) fewest: bool,
}

struct Node {
    pool: Pool,
    steps: Vec<Change>,
}

/// How far an attempt is from the target: assessed shortfall first (unknown last), then memory left out.
type Score = (u32, u64);

/// Searches to `depth` steps among those that `moves` offers in each state.
pub(super) fn fewest_steps(
    case: &Case<'_>,
    judge: &Judge<'_>,
    depth: usize,
    moves: &dyn Fn(&Pool) -> Vec<Change>,
) -> Found {
    let mut search = Search {
        case,
        judge,
        known: Vec::new(),
        seen: BTreeSet::new(),
        // Rules are not seen by the quick look in full, so their moves may be missed among those taken as alike.
        exhaustive: case.pool.groups().is_empty(),
    };
    search.remember(case.assessment);
    let mut frontier = vec![Node { pool: case.pool.clone(), steps: Vec::new() }];
    for _ in 0..depth {
        let fewest = search.exhaustive;
        let (solutions, next) = search.level(&frontier, moves);
        if !solutions.is_empty() || judge.exhausted() {
            return Found { solutions, fewest };
        }
        frontier = next;
    }
    Found { solutions: Vec::new(), fewest: false }
}

struct Search<'a> {
    case: &'a Case<'a>,
    judge: &'a Judge<'a>,
    known: Vec<HostSet>,
    seen: BTreeSet<Vec<(u8, u32, u32)>>,
    exhaustive: bool,
}

impl Search<'_> {
    fn level(
        &mut self,
        frontier: &[Node],
        moves: &dyn Fn(&Pool) -> Vec<Change>,
    ) -> (Vec<Solution>, Vec<Node>) {
        let mut attempts: Vec<(Score, usize, Change)> = Vec::new();
        let mut promising: Vec<(u64, usize, Change)> = Vec::new();
        for (parent, node) in frontier.iter().enumerate() {
            if self.judge.exhausted() {
                self.exhaustive = false;
                break;
            }
            let probes: Vec<Probe> = self.known.iter().map(|failed| Probe::new(&node.pool, failed)).collect();
            for change in moves(&node.pool) {
                if !self.seen.insert(state_key(&node.steps, &change)) {
                    continue;
                }
                let short = probes.iter().map(|probe| probe.short_after(&node.pool, &change)).sum();
                if short > 0 {
                    attempts.push(((u32::MAX, short), parent, change));
                } else {
                    promising.push((0, parent, change));
                }
            }
        }
        if promising.len() > BUILT {
            promising.truncate(BUILT);
            self.exhaustive = false;
        }
        let mut solutions = Vec::new();
        for (_, parent, change) in promising {
            if self.judge.exhausted() || solutions.len() >= ENOUGH {
                self.exhaustive = false;
                break;
            }
            let node = &frontier[parent];
            let Ok(pool) = node.pool.with(&change) else { continue };
            if !impediments(&node.pool, &pool, &change).is_empty()
                || !newly_broken_rules(&node.pool, &pool).is_empty()
            {
                continue;
            }
            // The latest failure set is the likeliest to refute the next attempt too.
            let left_out = self.known.iter().rev().map(|failed| look(&pool, failed)).find(|&short| short > 0);
            if let Some(left_out) = left_out {
                attempts.push(((u32::MAX, left_out), parent, change));
                continue;
            }
            let (assessment, reached) = self.case.reached(self.judge, &pool);
            if reached {
                let mut steps = node.steps.clone();
                steps.push(change);
                solutions.push(Solution { steps, pool, assessment });
                continue;
            }
            self.exhaustive &= is_refuted(&assessment) || !assessment.overcommitted;
            let shortfall = crate::admission::Objective::of(&pool, &assessment).shortfall;
            let left_out = self.remember(&assessment).map_or(0, |failed| look(&pool, &failed));
            attempts.push(((shortfall, left_out), parent, change));
        }
        if solutions.is_empty() {
            attempts.sort_by_key(|(score, parent, _)| (*score, *parent));
            self.exhaustive &= attempts.len() <= BEAM;
            attempts.truncate(BEAM);
            let next = attempts.into_iter().filter_map(|(_, parent, change)| {
                let node = &frontier[parent];
                let pool = node.pool.with(&change).ok()?;
                let possible = impediments(&node.pool, &pool, &change).is_empty()
                    && newly_broken_rules(&node.pool, &pool).is_empty();
                let steps = node.steps.iter().cloned().chain([change]).collect();
                possible.then_some(Node { pool, steps })
            });
            return (solutions, next.collect());
        }
        (solutions, Vec::new())
    }

    /// Keeps the failure set by which an assessment refutes the target, where it is one that fails at once.
    fn remember(&mut self, assessment: &Assessment) -> Option<HostSet> {
        let witness = assessment.witness.as_ref()?;
        if witness.notion != Notion::Simultaneous || witness.failures > self.case.aim {
            return None;
        }
        let failed = HostSet::of(self.case.pool.hosts().len(), witness.failed_hosts.iter().copied());
        // The planner may refute by more than room: then the quick look sees nothing, and does no harm.
        if !self.known.contains(&failed) {
            if self.known.len() == REMEMBERED {
                self.known.remove(0);
            }
            self.known.push(failed.clone());
        }
        Some(failed)
    }
}

/// The state that steps lead to, whatever their order: where each moved VM is, what was stopped or attached.
fn state_key(steps: &[Change], last: &Change) -> Vec<(u8, u32, u32)> {
    let mut places: BTreeMap<(u8, u32, u32), u32> = BTreeMap::new();
    for step in steps.iter().chain([last]) {
        match step {
            Change::EndMigration { vm: VmIndex(vm), to: HostIndex(to) } => {
                places.insert((0, *vm, 0), u32::from(*to));
            }
            Change::Stop { vm } => {
                places.insert((1, vm.0, 0), 0);
            }
            Change::AttachStorage { host, storage } => {
                places.insert((2, u32::from(storage.0), u32::from(host.0)), 0);
            }
            Change::PlugNetwork { host, network } => {
                places.insert((3, u32::from(network.0), u32::from(host.0)), 0);
            }
            _ => unreachable!("the search offers no other step"),
        }
    }
    places.into_iter().map(|((kind, first, second), place)| (kind, first, second + place)).collect()
}
