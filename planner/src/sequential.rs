//! The sequential notion: hosts fail in any order and any grouping, with restarts in between, and restarted VMs
//! stay where they were put. What is proven is proven for one policy, the very one that does the restarting; a
//! batch is replayed host by host, so a policy that survives every order survives every grouping.
//!
//! A root test settles most pools (slots, fixed order, any order). Otherwise every host is let fail, the policy
//! places what was on it, and the same question is asked of the state that comes out, with one failure fewer.
use crate::Limits;
use crate::bound::slots::{self, Slots};
use crate::bound::stuck::{Before, Buffers, Stuck};
use crate::bound::{any_fit, fixed_order};
use crate::plain::Plain;
use crate::problem::{Position, Problem, Rank};
use crate::search::branch::test_cost;
use crate::search::packing::{Effort, Packed, Sequence, pack_items};
use crate::search::work::{Meter, of_placing};
use crate::simultaneous::{Found, any_fit_tree, report};
use crate::state::{PositionPolicy, State};
use lifeboat_model::certificate::{Closure, Node, Placement, Policy, Proof, Tree};
use lifeboat_model::verdict::{Notion, StoppedBy};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What is proven of the notion.
#[expect(clippy::struct_field_names, reason = "the number proven, as in `Bounds`")]
pub(crate) struct Proven {
    /// The most failures.
    pub(crate) proven: usize,
    /// Why.
    pub(crate) proof: Proof,
    /// What stopped the search short.
    pub(crate) stopped_by: Option<StoppedBy>,
}

/// What one test of the root proves of a plain pool, for at most `most` failures (those survived at once).
/// The stuck test at the root proves `at_root` of those.
pub(crate) fn of_plain(pool: &Pool, plain: &Plain, most: usize, at_root: usize) -> Proven {
    // One failure is one batch: what any fit survives at once it survives in turn. (What only some packing
    // survives, the policy may not.)
    let mut best = (usize::from(at_root > 0 && most > 0), Closure::AnyFit, None);
    if most > best.0 {
        if let Some(found) = slots::best_chain(plain, most)
            && found.survived > best.0
        {
            best = (found.survived, Closure::Slots, Some(found.chain));
        }
        if best.0 < most {
            let survived = fixed_order::survivable_in_turn(plain, most);
            if survived > best.0 {
                best = (survived, Closure::FixedOrder, None);
            }
        }
        if best.0 < most {
            let survived = any_fit::survivable_in_turn(plain, most);
            if survived > best.0 {
                best = (survived, Closure::AnyFit, None);
            }
        }
    }
    let (proven, closure, chain) = best;
    if proven == 0 {
        return Proven { proven, proof: Proof::Nothing, stopped_by: None };
    }
    let rounded = proven == 1 && plain.exact_sizes;
    let mut tree = any_fit_tree(pool, plain, rounded);
    if let Some(chain) = chain {
        tree.policy = Policy::BestBlock { chain };
    }
    tree.nodes[0].closure = closure;
    Proven { proven, proof: Proof::Tree(tree), stopped_by: None }
}

/// Work for one policy and number of failures, so that a policy that gets nowhere does not use up the rest.
const SHARE: u64 = 3_000_000;

/// Raises what is proven by search, up to what is survived at once.
pub(crate) fn settle(
    problem: &Problem<'_>,
    stuck: &Stuck,
    known: Option<Proven>,
    chain: Option<Slots>,
    at_once: &Found,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Proven {
    let mut best = known.unwrap_or(Proven { proven: 0, proof: Proof::Nothing, stopped_by: None });
    let mut policies = vec![PositionPolicy::FirstFit, PositionPolicy::BestFit, PositionPolicy::WorstFit];
    if let Some(chain) = chain {
        let chain = chain.chain.into_iter().map(|slot| slot as i64).collect();
        policies.insert(0, PositionPolicy::BestBlock(chain));
    }
    while best.proven < at_once.proven {
        let n = best.proven + 1;
        report(limits, Notion::Sequential, n, at_once, meter);
        let tree = policies.iter().enumerate().find_map(|(index, policy)| {
            let mut share = meter.part(SHARE);
            let tree = prove(problem, stuck, policy, n, limits, &mut share);
            meter.add(&share);
            tree.map(|tree| (index, tree))
        });
        let Some((index, tree)) = tree else {
            best.stopped_by = Some(meter.stopped().unwrap_or(StoppedBy::Work));
            break;
        };
        // The policy that got here is the likeliest to get further.
        policies[..=index].rotate_right(1);
        best = Proven { proven: n, proof: Proof::Tree(tree), stopped_by: None };
    }
    best
}

/// Tries to prove that `policy` survives any `n` failures in any order; `None` where it does not, or the meter ran
/// out.
pub(crate) fn prove(
    problem: &Problem<'_>,
    stuck: &Stuck,
    policy: &PositionPolicy,
    n: usize,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Option<Tree> {
    let root = State::initial(problem);
    let mut walk = Walk::new(problem, stuck, policy, n, &root);
    let closure = walk.closure(&root, n, meter);
    let mut nodes =
        vec![Node { placement: Placement::Incremental, closure: closure.unwrap_or(Closure::Branch) }];
    let mut packings = Vec::new();
    if closure.is_none() {
        let found = children(problem, stuck, policy, n, &root, limits, meter)?;
        nodes.extend(found.nodes);
        packings = found.packings;
    }
    Some(Tree {
        order: problem.failable.iter().map(|&p| problem.host[usize::from(p)]).collect(),
        policy: policy.spell(problem),
        tests: stuck.spell(),
        nodes,
        packings,
    })
}

/// Root subtrees of one round; see `search::branch` for why rounds are fixed.
const ROUND: usize = 16;

fn children(
    problem: &Problem<'_>,
    stuck: &Stuck,
    policy: &PositionPolicy,
    n: usize,
    root: &State,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Option<Branch> {
    // The most loaded hosts first: a policy that fails is found out early.
    let mut order = problem.failable.clone();
    let load = |position: Position| -> i128 {
        problem.at_home[usize::from(position)]
            .iter()
            .map(|&rank| i128::from(problem.items[rank as usize].key))
            .sum()
    };
    order.sort_by_key(|&position| (core::cmp::Reverse(load(position)), position));
    let mut parts: Vec<(Position, Branch)> = Vec::with_capacity(order.len());
    for round in order.chunks(ROUND) {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let found: Mutex<Vec<(usize, Option<Branch>, Meter<'_>)>> = Mutex::new(Vec::new());
        let share = meter.part(u64::MAX);
        let work = || {
            let mut walk = Walk::new(problem, stuck, policy, n, root);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(&position) = round.get(index) else { return };
                let mut part_meter = share.part(u64::MAX);
                walk.branch = Branch::default();
                let held = walk.child(position, n, &mut part_meter);
                let nodes = held.then(|| core::mem::take(&mut walk.branch));
                if !held {
                    failed.store(true, Ordering::Relaxed);
                }
                let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                found.push((index, nodes, part_meter));
            }
        };
        let threads = limits.threads.get().min(round.len());
        if threads <= 1 || n <= 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            });
        }
        let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.sort_by_key(|&(index, ..)| index);
        for (index, nodes, part_meter) in found {
            meter.add(&part_meter);
            parts.push((round[index], nodes?));
        }
        if failed.load(Ordering::Relaxed) || meter.stopped().is_some() {
            return None;
        }
    }
    // The certificate has the children in the order of its candidates.
    parts.sort_by_key(|&(position, _)| {
        problem.failable.iter().position(|&candidate| candidate == position).unwrap_or(usize::MAX)
    });
    let mut whole = Branch::default();
    for (_, part) in parts {
        whole.nodes.extend(part.nodes);
        whole.packings.extend(part.packings);
    }
    Some(whole)
}

/// Settled nodes in preorder, with the explicit placements that they use.
#[derive(Default)]
struct Branch {
    nodes: Vec<Node>,
    packings: Vec<Vec<(VmIndex, HostIndex)>>,
}

/// Failures left up to which other placements are tried: beyond, a failing subtree costs too much to try again.
const MOST_LOOKED_AHEAD: usize = 3;
/// Work for one searched placement.
const LOOK_AHEAD_SHARE: u64 = 50_000;
/// Other placements to try.
const ATTEMPTS: usize = 14;

struct Walk<'w, 'p> {
    problem: &'w Problem<'p>,
    stuck: &'w Stuck,
    policy: &'w PositionPolicy,
    n: usize,
    states: Vec<State>,
    branch: Branch,
    orphans: Vec<Rank>,
    buffers: Buffers,
    in_state: fixed_order::InState,
    scratch: Vec<i64>,
    cost: u64,
}

impl<'w, 'p> Walk<'w, 'p> {
    fn new(
        problem: &'w Problem<'p>,
        stuck: &'w Stuck,
        policy: &'w PositionPolicy,
        n: usize,
        root: &State,
    ) -> Self {
        Self {
            problem,
            stuck,
            policy,
            n,
            states: vec![root.clone(); n + 1],
            branch: Branch::default(),
            orphans: Vec::new(),
            buffers: Buffers::default(),
            in_state: fixed_order::InState::default(),
            scratch: Vec::new(),
            cost: test_cost(problem, stuck),
        }
    }

    /// Lets `position` fail in the state of the depth above, with k failures left before it. Where the policy, or
    /// what follows from it, fails, other placements are tried: the policy looks ahead.
    fn child(&mut self, position: Position, k: usize, meter: &mut Meter<'_>) -> bool {
        let depth = self.n - k + 1;
        if !meter.spend(1) {
            return false;
        }
        let mut orphans = core::mem::take(&mut self.orphans);
        orphans.clear();
        let mut failed = self.states[depth - 1].clone();
        failed.fail(self.problem, position, &mut orphans);
        meter.spend(of_placing(orphans.len(), self.problem.hosts()));
        let by_policy = self.place(depth, &failed, self.policy, &orphans)
            && self.try_node(Placement::Incremental, Vec::new(), k - 1, meter);
        let held = by_policy || self.look_ahead(depth, &failed, &orphans, k, meter);
        self.orphans = orphans;
        held
    }

    /// Copies the state into its depth and lets a policy place the orphans there.
    fn place(&mut self, depth: usize, failed: &State, policy: &PositionPolicy, orphans: &[Rank]) -> bool {
        self.states[depth].clone_from(failed);
        self.states[depth].place_all(self.problem, policy, orphans).is_ok()
    }

    /// Other placements than the policy's: those of other rules, and one that is searched for.
    fn look_ahead(
        &mut self,
        depth: usize,
        failed: &State,
        orphans: &[Rank],
        k: usize,
        meter: &mut Meter<'_>,
    ) -> bool {
        if k > MOST_LOOKED_AHEAD {
            return false;
        }
        let mut seen: Vec<Vec<(Rank, Position)>> = Vec::new();
        let mut random = Sequence(0x2127_599b_f432_5c37);
        for attempt in 0..ATTEMPTS {
            if meter.stopped().is_some() {
                return false;
            }
            let Some(placed) = self.attempt(attempt, failed, orphans, &mut random, meter) else { continue };
            if seen.contains(&placed) {
                continue;
            }
            self.states[depth].clone_from(failed);
            let mut named: Vec<(VmIndex, HostIndex)> = Vec::with_capacity(placed.len());
            for &(rank, at) in &placed {
                self.states[depth].put(self.problem, rank, usize::from(at));
                named.push((self.problem.items[rank as usize].vm, self.problem.host[usize::from(at)]));
            }
            named.sort_unstable();
            seen.push(placed);
            if self.try_node(Placement::Explicit, named, k - 1, meter) {
                return true;
            }
        }
        false
    }

    /// One other placement: three rules, then a search, then best fit in disturbed orders.
    fn attempt(
        &self,
        attempt: usize,
        failed: &State,
        orphans: &[Rank],
        random: &mut Sequence,
        meter: &mut Meter<'_>,
    ) -> Option<Vec<(Rank, Position)>> {
        let before = failed.placed.len();
        let mut trial = failed.clone();
        let rule = match attempt {
            0 => PositionPolicy::BestFit,
            1 => PositionPolicy::FirstFit,
            2 => PositionPolicy::WorstFit,
            3 => {
                let mut share = meter.part(LOOK_AHEAD_SHARE);
                let packed = pack_items(self.problem, failed, orphans, Effort::Thorough, &mut share);
                meter.add(&share);
                return match packed {
                    Packed::Placed(placed) => Some(placed),
                    _ => None,
                };
            }
            _ => {
                let mut order: Vec<(i64, Rank)> = orphans
                    .iter()
                    .map(|&rank| {
                        let share = 70 + (random.next() % 61) as i64;
                        (-(self.problem.items[rank as usize].key / 100 * share), rank)
                    })
                    .collect();
                order.sort_unstable();
                let order: Vec<Rank> = order.into_iter().map(|(_, rank)| rank).collect();
                let rule = if attempt.is_multiple_of(2) {
                    PositionPolicy::BestFit
                } else {
                    PositionPolicy::WorstFit
                };
                meter.spend(1 + of_placing(orphans.len(), self.problem.hosts()));
                trial.place_all(self.problem, &rule, &order).ok()?;
                return Some(trial.placed.split_off(before));
            }
        };
        trial.place_all(self.problem, &rule, orphans).ok()?;
        Some(trial.placed.split_off(before))
    }

    /// Settles a reached node, or leaves no trace of it.
    fn try_node(
        &mut self,
        placement: Placement,
        packing: Vec<(VmIndex, HostIndex)>,
        k: usize,
        meter: &mut Meter<'_>,
    ) -> bool {
        let (nodes, packings) = (self.branch.nodes.len(), self.branch.packings.len());
        if placement == Placement::Explicit {
            self.branch.packings.push(packing);
        }
        let held = self.node(placement, k, meter);
        if !held {
            self.branch.nodes.truncate(nodes);
            self.branch.packings.truncate(packings);
        }
        held
    }

    fn node(&mut self, placement: Placement, k: usize, meter: &mut Meter<'_>) -> bool {
        let depth = self.n - k;
        let state = core::mem::replace(
            &mut self.states[depth],
            State { free: Vec::new(), alive: Vec::new(), placed: Vec::new() },
        );
        let closure = self.closure(&state, k, meter);
        self.states[depth] = state;
        self.branch.nodes.push(Node { placement, closure: closure.unwrap_or(Closure::Branch) });
        if closure.is_some() {
            return true;
        }
        for index in 0..self.problem.failable.len() {
            let position = self.problem.failable[index];
            if self.states[depth].is_alive(position) && !self.child(position, k, meter) {
                return false;
            }
        }
        true
    }

    /// A test that settles k more failures in this state.
    fn closure(&mut self, state: &State, k: usize, meter: &mut Meter<'_>) -> Option<Closure> {
        if k == 0 {
            return Some(Closure::Done);
        }
        let candidates: Vec<Position> =
            self.problem.failable.iter().copied().filter(|&position| state.is_alive(position)).collect();
        if let (PositionPolicy::BestBlock(chain), true) = (self.policy, self.problem.plain) {
            meter.spend(2);
            if slots::holds(self.problem, state, chain, &candidates, k, &mut self.scratch) {
                return Some(Closure::Slots);
            }
        }
        let before = if k == 1 { Before::Larger } else { Before::Anything };
        meter.spend(self.cost);
        if self.stuck.holds(self.problem, state, &candidates, k, before, &mut self.buffers) {
            return Some(Closure::AnyFit);
        }
        if k > 1 && matches!(self.policy, PositionPolicy::FirstFit) && self.problem.plain {
            meter.spend(2 * self.cost);
            if fixed_order::holds(self.problem, state, self.stuck, &candidates, k, &mut self.in_state) {
                return Some(Closure::FixedOrder);
            }
        }
        None
    }
}
