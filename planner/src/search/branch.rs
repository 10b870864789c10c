//! Branch and bound over failure sets, where no test at the root settles all sets of n hosts at once. A node is a
//! set of failed hosts (the prefix) whose items are packed; if the stuck test holds for all further failures
//! *there*, the whole subtree is settled, because full hosts no longer pay the "up to x − 1 unused" toll
//! (PERF 3.4b). The tree that comes out is the certificate.
//!
//! The subtrees of the root are independent tasks; threads take them in order, and what is reported depends on
//! their order alone.
use super::packing::{Effort, Packed, fail_all, pack};
use super::work::{Meter, of_placing};
use crate::Limits;
use crate::bound::stuck::{Active, Before, Buffers, Stuck};
use crate::bound::top::top_sum;
use crate::problem::{Position, Problem, Rank};
use crate::state::{PositionPolicy, State};
use lifeboat_model::certificate::{Closure, Node, Placement, Refutation, Tree};
use lifeboat_model::{HostIndex, VmIndex};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What became of "every set of at most n hosts".
#[derive(Debug)]
pub(crate) enum Level {
    /// Survived, with the tree.
    Proven(Tree),
    /// Not survived by this set.
    Refuted(Vec<Position>, Refutation),
    /// These sets are undecided; none where the limit came first.
    Open(Vec<Vec<Position>>),
}

/// One settled part of the tree.
#[derive(Default)]
struct Part {
    nodes: Vec<Node>,
    packings: Vec<Vec<(VmIndex, HostIndex)>>,
    /// Sets that are neither packed nor refuted: the tree is void, the search for a refuted set goes on.
    undecided: Vec<Vec<Position>>,
}

enum Outcome {
    Closed,
    Refuted(Vec<Position>, Refutation),
    Stopped,
}

/// Packings found before, by set.
pub(crate) type Known = BTreeMap<Vec<Position>, Vec<(Rank, Position)>>;

/// Undecided sets after which a task gives up.
const MOST_UNDECIDED: usize = 4;

/// Undecided sets after which the level gives up.
const MOST_UNDECIDED_IN_ALL: usize = 24;

/// Everything that a level's search reads.
struct Ground<'s, 'p> {
    problem: &'s Problem<'p>,
    stuck: &'s Stuck,
    root: &'s State,
    /// Candidates in branching order: the most dangerous first.
    order: Vec<Position>,
    /// Tests of the root that are not settled, with their largest sums over suffixes of `order`.
    active: Vec<ActiveTest>,
    groups: usize,
    /// Whether the stuck test is worth its price at inner nodes.
    test_inside: bool,
    /// Packings found before.
    known: &'s Known,
}

/// One test of the root over the branching order.
struct ActiveTest {
    group: usize,
    weight: Vec<i64>,
    bound: i64,
    holds: Vec<bool>,
    /// Whether an item of the group is on this candidate or a later one.
    holds_from: Vec<bool>,
    /// Largest sum of at most k weights from an index on: row-major by k.
    suffix: Vec<Vec<i64>>,
}

/// Tries to settle n failures at once.
pub(crate) fn settle(
    problem: &Problem<'_>,
    stuck: &Stuck,
    n: usize,
    known: &Known,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Level {
    let root = State::initial(problem);
    let candidates = problem.failable.clone();
    let mut buffers = Buffers::default();
    meter.spend(test_cost(problem, stuck));
    let order_of = |order: &[Position]| order.iter().map(|&p| problem.host[usize::from(p)]).collect();
    if stuck.holds(problem, &root, &candidates, n, Before::Larger, &mut buffers) {
        let nodes = vec![Node { placement: Placement::Incremental, closure: Closure::AnyFit }];
        return Level::Proven(tree(problem, stuck, order_of(&candidates), nodes, Vec::new()));
    }
    let active = stuck.active_at_root(problem, &root, &candidates, n);
    meter.spend(2 * test_cost(problem, stuck));
    let ground = Ground::new(problem, stuck, &root, &candidates, &active, n, known);
    let tasks = ground.order.len();
    let results = run(&ground, n, tasks, limits, meter);
    let mut nodes = vec![Node { placement: Placement::Incremental, closure: Closure::Branch }];
    let mut packings = Vec::new();
    let mut undecided = Vec::new();
    let mut stopped = results.len() < tasks;
    for (part, outcome) in results {
        match outcome {
            Outcome::Closed => {
                nodes.extend(part.nodes);
                packings.extend(part.packings);
            }
            Outcome::Refuted(set, refutation) => return Level::Refuted(set, refutation),
            Outcome::Stopped => stopped = true,
        }
        undecided.extend(part.undecided);
    }
    if stopped || !undecided.is_empty() {
        return Level::Open(undecided);
    }
    Level::Proven(tree(problem, stuck, order_of(&ground.order), nodes, packings))
}

fn tree(
    problem: &Problem<'_>,
    stuck: &Stuck,
    order: Vec<HostIndex>,
    nodes: Vec<Node>,
    packings: Vec<Vec<(VmIndex, HostIndex)>>,
) -> Tree {
    Tree { order, policy: problem.first_fit(), tests: stuck.spell(), nodes, packings }
}

/// What one evaluation of all stuck tests costs, in work units.
pub(crate) fn test_cost(problem: &Problem<'_>, stuck: &Stuck) -> u64 {
    let each = problem.items.len() + problem.hosts() * stuck.buckets.len();
    1 + (stuck.families.len() * each) as u64 / 200
}

/// Tasks of one round: their shares of the work are set when it begins, so the outcome does not depend on how
/// many threads carry them out.
const ROUND: usize = 16;

/// Carries out the root's subtrees. Stops early once a refutation, or the limit, makes the rest idle.
fn run(
    ground: &Ground<'_, '_>,
    n: usize,
    tasks: usize,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Vec<(Part, Outcome)> {
    let mut results = Vec::with_capacity(tasks);
    for start in (0..tasks).step_by(ROUND) {
        let round: Vec<usize> = (start..tasks.min(start + ROUND)).collect();
        let next = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<(usize, Part, Outcome, Meter<'_>)>> = Mutex::new(Vec::new());
        let share = meter.part(u64::MAX);
        let work = || {
            let mut buffers = Buffers::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(&task) = round.get(index) else { return };
                let mut part = Part::default();
                let mut part_meter = share.part(u64::MAX);
                let mut descent = Descent {
                    ground,
                    part: &mut part,
                    buffers: &mut buffers,
                    states: vec![ground.root.clone(); n + 1],
                    prefix: Vec::with_capacity(n),
                    orphans: Vec::new(),
                };
                let outcome = descent.child(task, n, &mut part_meter);
                let mut outcomes = outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                outcomes.push((index, part, outcome, part_meter));
            }
        };
        let threads = limits.threads.get().min(round.len());
        if threads <= 1 || (n <= 1 && ground.problem.items.len() < 5_000) {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            });
        }
        let mut outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        outcomes.sort_by_key(|&(index, ..)| index);
        let mut stop = false;
        for (_, part, outcome, part_meter) in outcomes {
            meter.add(&part_meter);
            stop |= !matches!(outcome, Outcome::Closed);
            results.push((part, outcome));
        }
        let undecided: usize = results.iter().map(|(part, _)| part.undecided.len()).sum();
        if stop || meter.stopped().is_some() || undecided >= MOST_UNDECIDED_IN_ALL {
            return results;
        }
    }
    results
}

impl<'s, 'p> Ground<'s, 'p> {
    fn new(
        problem: &'s Problem<'p>,
        stuck: &'s Stuck,
        root: &'s State,
        candidates: &[Position],
        active: &Active,
        n: usize,
        known: &'s Known,
    ) -> Self {
        let order = danger_order(candidates, active);
        let tests = active
            .groups
            .iter()
            .enumerate()
            .flat_map(|(group, tests)| {
                let order = &order;
                tests.tests.iter().map(move |(weights, bound)| {
                    let weight: Vec<i64> = order.iter().map(|&c| weights[c]).collect();
                    let holds: Vec<bool> = order.iter().map(|&c| tests.holds[c]).collect();
                    let mut holds_from = holds.clone();
                    for index in (0..holds.len().saturating_sub(1)).rev() {
                        holds_from[index] |= holds_from[index + 1];
                    }
                    let mut scratch = Vec::new();
                    let suffix = (0..n)
                        .map(|k| {
                            (0..=weight.len()).map(|from| top_sum(&weight[from..], k, &mut scratch)).collect()
                        })
                        .collect();
                    ActiveTest { group, weight, bound: *bound, holds, holds_from, suffix }
                })
            })
            .collect();
        let test_inside = test_cost(problem, stuck) <= 400;
        Self {
            problem,
            stuck,
            root,
            order: order.iter().map(|&c| candidates[c]).collect(),
            active: tests,
            groups: active.groups.len(),
            test_inside,
            known,
        }
    }

    /// Whether the root's tests settle every set of this prefix (indices into `order`) and at most `k` later
    /// candidates.
    fn settled_at_root(&self, prefix: &[usize], k: usize, from: usize, passed: &mut Vec<bool>) -> bool {
        passed.clear();
        passed.resize(self.groups, false);
        for test in &self.active {
            if passed[test.group] {
                continue;
            }
            let concerned = prefix.iter().any(|&i| test.holds[i])
                || (k > 0 && test.holds_from.get(from).copied().unwrap_or(false));
            let sum: i64 = prefix.iter().map(|&i| test.weight[i]).sum::<i64>() + test.suffix[k][from];
            if !concerned || sum <= test.bound {
                passed[test.group] = true;
            }
        }
        passed.iter().all(|&passed| passed)
    }
}

/// Candidates by the largest share of a test's bound that they take, descending.
fn danger_order(candidates: &[Position], active: &Active) -> Vec<usize> {
    let mut danger = vec![0i128; active.wide];
    for (weights, bound) in active.groups.iter().flat_map(|group| &group.tests) {
        for (danger, &weight) in danger.iter_mut().zip(weights) {
            *danger = (*danger).max(i128::from(weight) * 1_000_000 / i128::from((*bound).max(1)));
        }
    }
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&c| (core::cmp::Reverse(danger[c]), candidates[c]));
    order
}

/// A walk down one subtree.
struct Descent<'d, 's, 'p> {
    ground: &'d Ground<'s, 'p>,
    part: &'d mut Part,
    buffers: &'d mut Buffers,
    /// The state after each length of prefix.
    states: Vec<State>,
    prefix: Vec<usize>,
    orphans: Vec<Rank>,
}

impl Descent<'_, '_, '_> {
    /// Settles the child that fails candidate `index` too, with k failures left before it.
    fn child(&mut self, index: usize, k: usize, meter: &mut Meter<'_>) -> Outcome {
        if !meter.spend(1) || self.part.undecided.len() >= MOST_UNDECIDED {
            return Outcome::Stopped;
        }
        let ground = self.ground;
        self.prefix.push(index);
        let mut passed = Vec::new();
        if ground.settled_at_root(&self.prefix, k - 1, index + 1, &mut passed) {
            self.emit(Placement::Incremental, Closure::AnyFitAtRoot);
            self.prefix.pop();
            return Outcome::Closed;
        }
        let outcome = match self.reach(meter) {
            Ok(placement) => self.node(placement, index + 1, k - 1, meter),
            Err(Some((set, refutation))) => Outcome::Refuted(set, refutation),
            Err(None) => Outcome::Closed,
        };
        self.prefix.pop();
        outcome
    }

    /// Packs the prefix into the state of its depth; `Err` where it is refuted, or undecided.
    fn reach(&mut self, meter: &mut Meter<'_>) -> Result<Placement, Option<(Vec<Position>, Refutation)>> {
        let problem = self.ground.problem;
        let depth = self.prefix.len();
        let failed = self.ground.order[self.prefix[depth - 1]];
        let (before, after) = self.states.split_at_mut(depth);
        let state = &mut after[0];
        state.clone_from(&before[depth - 1]);
        self.orphans.clear();
        state.fail(problem, failed, &mut self.orphans);
        meter.spend(of_placing(self.orphans.len(), problem.hosts()) / 2);
        if state.place_all(problem, &PositionPolicy::FirstFit, &self.orphans).is_ok() {
            return Ok(Placement::Incremental);
        }
        let set: Vec<Position> = self.prefix.iter().map(|&index| self.ground.order[index]).collect();
        let (mut joint, orphans) = fail_all(problem, self.ground.root, &set);
        meter.spend(of_placing(orphans.len(), problem.hosts()) / 2);
        if joint.place_all(problem, &PositionPolicy::FirstFit, &orphans).is_ok() {
            *state = joint;
            return Ok(Placement::Joint);
        }
        let mut sorted = set.clone();
        sorted.sort_unstable();
        let packed = match self.ground.known.get(&sorted) {
            Some(placed) => Packed::Placed(placed.clone()),
            None => pack(problem, self.ground.root, &set, Effort::Thorough, meter),
        };
        match packed {
            Packed::Placed(placed) => {
                let (mut packed, _) = fail_all(problem, self.ground.root, &set);
                let mut named = Vec::with_capacity(placed.len());
                for (rank, position) in placed {
                    packed.put(problem, rank, usize::from(position));
                    named.push((problem.items[rank as usize].vm, problem.host[usize::from(position)]));
                }
                *state = packed;
                named.sort_unstable();
                self.part.packings.push(named);
                Ok(Placement::Explicit)
            }
            Packed::Refuted(refutation) => Err(Some((set, refutation))),
            Packed::Unknown => {
                self.part.undecided.push(sorted);
                Err(None)
            }
        }
    }

    /// Settles everything below a reached node.
    fn node(&mut self, placement: Placement, from: usize, k: usize, meter: &mut Meter<'_>) -> Outcome {
        let ground = self.ground;
        if k == 0 {
            self.emit(placement, Closure::Done);
            return Outcome::Closed;
        }
        if ground.test_inside || self.prefix.len() < 2 {
            let state = &self.states[self.prefix.len()];
            let cost = test_cost(ground.problem, ground.stuck);
            meter.spend(if ground.stuck.families.len() == 1 { cost } else { cost / 4 + 1 });
            let candidates = &ground.order[from..];
            if ground.stuck.holds(ground.problem, state, candidates, k, Before::Larger, self.buffers) {
                self.emit(placement, Closure::AnyFit);
                return Outcome::Closed;
            }
        }
        self.emit(placement, Closure::Branch);
        for index in from..ground.order.len() {
            match self.child(index, k, meter) {
                Outcome::Closed => {}
                stopped => return stopped,
            }
        }
        Outcome::Closed
    }

    fn emit(&mut self, placement: Placement, closure: Closure) {
        self.part.nodes.push(Node { placement, closure });
    }
}
