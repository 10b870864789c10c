//! Certificates made up with little regard for the truth: well formed often enough to be judged on what they
//! claim, true often enough to be accepted.
use crate::draw::Draw;
use crate::truth::{State, Truth};
use lifeboat_model::certificate::{
    Certificate, Closure, Node, Placement, Policy, Proof, Proven, Refutation, Refuted, SequentialRefuted,
    Strategy, StuckTests, Tree,
};
use lifeboat_model::{GroupIndex, HostIndex, Pool, VmIndex};

/// A certificate for the state after `pending`, or for the pending VMs themselves (`broken`).
pub(crate) fn certificate(
    draw: &mut Draw<'_>,
    truth: &Truth<'_>,
    pending: &[(VmIndex, HostIndex)],
) -> Certificate {
    let mut certificate = Certificate { pending: pending.to_vec(), ..Certificate::default() };
    let hosts = truth.failable.len();
    match draw.below(8) {
        0..=2 => certificate.simultaneous_proven = Some(proven(draw, truth, false)),
        3..=5 => certificate.sequential_proven = Some(proven(draw, truth, true)),
        6 if hosts > 0 => {
            let (state, failed, waiting) = failure(draw, truth, &truth.start(), hosts);
            let refutation = refutation(draw, truth, &state, &waiting, 2);
            certificate.simultaneous_refuted = Some(Refuted { failed, refutation });
        }
        7 if hosts > 0 && truth.bundles.len() <= 8 => {
            let failures = draw.from(1, hosts.min(3));
            let strategy = strategy(draw, truth, &truth.start(), failures, &mut 200);
            certificate.sequential_refuted = Some(SequentialRefuted { failures: failures as u32, strategy });
        }
        _ => {}
    }
    certificate
}

/// "The pending VMs cannot be placed."
pub(crate) fn broken(draw: &mut Draw<'_>, truth: &Truth<'_>) -> Certificate {
    let waiting: Vec<usize> = (0..truth.bundles.len()).collect();
    let refutation = refutation(draw, truth, &truth.start(), &waiting, 2);
    Certificate {
        simultaneous_refuted: Some(Refuted { failed: Vec::new(), refutation }),
        ..Certificate::default()
    }
}

fn proven(draw: &mut Draw<'_>, truth: &Truth<'_>, in_turn: bool) -> Proven {
    let hosts = truth.failable.len();
    let failures =
        if draw.once_in(8) { draw.from(0, hosts + 1) } else { draw.from(1, hosts.saturating_sub(1).max(1)) };
    if draw.once_in(12) {
        return Proven { failures: failures as u32, proof: Proof::Nothing };
    }
    let policy = policy(draw, truth);
    let order: Vec<HostIndex> = truth.failable.iter().map(|&host| HostIndex::new(host)).collect();
    let mut tree = Tree {
        order: draw.shuffled(&order),
        tests: tests(draw, truth.pool, &policy),
        policy,
        nodes: Vec::new(),
        packings: Vec::new(),
    };
    let closures = match tree.policy {
        Policy::FirstFit { .. } => [Closure::AnyFit, Closure::FixedOrder, Closure::FixedOrder],
        Policy::BestBlock { .. } => [Closure::AnyFit, Closure::Slots, Closure::Slots],
        Policy::BestFit { .. } | Policy::WorstFit { .. } => [Closure::AnyFit; 3],
    };
    let state = Some(truth.start());
    let mut grower =
        Grower { truth, in_turn, failed: Vec::new(), state, closures, branching: draw.from(0, 3), left: 400 };
    grower.grow(draw, &mut tree, failures, 0, Placement::Incremental);
    Proven { failures: failures as u32, proof: Proof::Tree(tree) }
}

struct Grower<'t, 'p> {
    truth: &'t Truth<'p>,
    in_turn: bool,
    failed: Vec<usize>,
    /// In a sequential tree, the state that was reached; none where no state is.
    state: Option<State>,
    closures: [Closure; 3],
    /// How readily a node branches: 0 never, 3 always while it can.
    branching: usize,
    left: usize,
}

impl Grower<'_, '_> {
    fn grow(
        &mut self,
        draw: &mut Draw<'_>,
        tree: &mut Tree,
        failures: usize,
        first: usize,
        placement: Placement,
    ) {
        self.left = self.left.saturating_sub(1);
        let wants_branch = failures > 0 && (draw.below(3) < self.branching || draw.once_in(9));
        if !wants_branch || self.left == 0 {
            let closure = if failures == 0 && !draw.once_in(20) {
                if !self.in_turn && draw.once_in(5) { Closure::AnyFitAtRoot } else { Closure::Done }
            } else if !self.in_turn && !self.failed.is_empty() && draw.once_in(3) {
                Closure::AnyFitAtRoot
            } else if draw.once_in(40) {
                draw.pick(&[Closure::Done, Closure::Slots, Closure::FixedOrder, Closure::AnyFit])
            } else {
                draw.pick(&self.closures)
            };
            if placement == Placement::Explicit && closure != Closure::AnyFitAtRoot {
                self.pack(draw, tree);
            }
            tree.nodes.push(Node { placement, closure });
            return;
        }
        if placement == Placement::Explicit {
            self.pack(draw, tree);
        }
        tree.nodes.push(Node { placement, closure: Closure::Branch });
        for position in if self.in_turn { 0 } else { first }..tree.order.len() {
            let host = tree.order[position].get();
            if self.failed.contains(&host) {
                continue;
            }
            self.failed.push(host);
            let parent = self.state.clone();
            let placement = match draw.below(6) {
                0 => Placement::Explicit,
                1 | 2 if !self.in_turn || draw.once_in(60) => Placement::Joint,
                _ => Placement::Incremental,
            };
            if self.in_turn && placement == Placement::Incremental {
                self.state = parent.as_ref().and_then(|state| self.truth.restart(&tree.policy, state, host));
            }
            self.grow(draw, tree, failures - 1, position + 1, placement);
            self.state = parent;
            self.failed.pop();
        }
    }

    /// Some packing of what was on the failed hosts (in a sequential tree: on the last one), now and then spoilt.
    fn pack(&mut self, draw: &mut Draw<'_>, tree: &mut Tree) {
        let failed = if self.in_turn { &self.failed[self.failed.len() - 1..] } else { &self.failed[..] };
        let start = self.truth.start();
        let (state, waiting) = self.truth.fail(self.state.as_ref().unwrap_or(&start), failed);
        let mut reached = None;
        let mut packing: Vec<(VmIndex, HostIndex)> = Vec::new();
        let mut patience = draw.below(6);
        self.truth.placements(&state, &waiting, &mut |placed| {
            reached = Some(placed.clone());
            packing = waiting
                .iter()
                .map(|&bundle| {
                    let host = placed.at[bundle].expect("a placed bundle is somewhere");
                    (self.truth.bundles[bundle].vms[0], HostIndex::new(host))
                })
                .collect();
            patience = patience.saturating_sub(1);
            patience > 0
        });
        if packing.is_empty() && !waiting.is_empty() || draw.once_in(30) {
            let hosts = self.truth.pool.hosts().len();
            packing = waiting
                .iter()
                .map(|&bundle| (self.truth.bundles[bundle].vms[0], HostIndex::new(draw.below(hosts))))
                .collect();
        }
        if draw.once_in(30) {
            packing.pop();
        }
        if self.in_turn {
            self.state = reached;
        }
        tree.packings.push(packing);
    }
}

fn weights(draw: &mut Draw<'_>, pool: &Pool) -> Vec<u64> {
    (0..pool.resources().len())
        .map(
            |resource| {
                if resource == 0 { draw.pick(&[1, 1, 1, 1, 2, 0]) } else { draw.pick(&[0, 0, 1, 2, 3]) }
            },
        )
        .collect()
}

fn policy(draw: &mut Draw<'_>, truth: &Truth<'_>) -> Policy {
    let weights = weights(draw, truth.pool);
    match draw.below(6) {
        0 => Policy::BestFit { weights },
        1 => Policy::WorstFit { weights },
        2 | 3 => Policy::BestBlock {
            chain: draw
                .pick(&[
                    &[1, 2, 4, 8, 16][..],
                    &[1, 3, 6, 12, 24],
                    &[2, 4, 16],
                    &[4, 8, 32],
                    &[32],
                    &[3, 9, 27],
                ])
                .to_vec(),
        },
        _ => {
            let targets: Vec<HostIndex> = truth.pool.target_hosts().iter().collect();
            let mut order = draw.shuffled(&targets);
            if !draw.once_in(4) {
                let start = truth.start();
                order.sort_by_key(|host| start.free[host.get()][0]);
            }
            Policy::FirstFit { weights, order }
        }
    }
}

fn tests(draw: &mut Draw<'_>, pool: &Pool, policy: &Policy) -> StuckTests {
    let mut multipliers: Vec<Vec<u64>> = (0..draw.from(1, 3)).map(|_| weights(draw, pool)).collect();
    if draw.once_in(2) {
        let mut memory = vec![0; pool.resources().len()];
        memory[0] = 1;
        multipliers.push(memory);
    }
    let most = if matches!(policy, Policy::BestBlock { .. }) { 8 } else { 20 };
    let fine = draw.once_in(2);
    let buckets = (1..=most).filter(|_| fine || draw.once_in(3)).collect();
    StuckTests { multipliers, buckets, rounded: draw.once_in(2) }
}

/// Some hosts that fail at once, and what waits then.
fn failure(
    draw: &mut Draw<'_>,
    truth: &Truth<'_>,
    state: &State,
    most: usize,
) -> (State, Vec<HostIndex>, Vec<usize>) {
    let alive: Vec<usize> = truth.failable.iter().copied().filter(|&host| state.alive[host]).collect();
    let mut failed = draw.shuffled(&alive);
    failed.truncate(draw.from(1, most.max(1)));
    failed.sort_unstable();
    let (next, waiting) = truth.fail(state, &failed);
    (next, failed.into_iter().map(HostIndex::new).collect(), waiting)
}

fn refutation(
    draw: &mut Draw<'_>,
    truth: &Truth<'_>,
    state: &State,
    waiting: &[usize],
    depth: usize,
) -> Refutation {
    let name = |bundle: usize| truth.bundles[bundle].vms[0];
    let demand = |bundle: usize| &truth.bundles[bundle].demand;
    match draw.below(if depth == 0 { 9 } else { 10 }) {
        0 if truth.pool.liveness_limit().is_some() => {
            draw.pick(&[Refutation::Liveness, Refutation::NoSurvivor])
        }
        0 => Refutation::NoSurvivor,
        1..=3 => {
            let surrogate = weights(draw, truth.pool);
            let threshold = draw.from(1, 6) as i64;
            let sort = draw.below(4);
            let named = if draw.once_in(2) { waiting.to_vec() } else { draw.some(waiting) };
            let values = named
                .iter()
                .map(|&bundle| {
                    let value = match sort {
                        0 => demand(bundle)[0],
                        1 => i64::from(demand(bundle)[0] >= threshold),
                        2 => demand(bundle)[0] / threshold,
                        _ => draw.from(0, 5) as i64,
                    };
                    (name(bundle), value as u64)
                })
                .collect();
            Refutation::Values { surrogate, values }
        }
        4 => {
            let group = draw.below(truth.pool.groups().len().max(1));
            let members = truth.pool.groups().get(group).map_or(&[][..], |group| &group.vms);
            let members = waiting
                .iter()
                .filter(|&&bundle| truth.bundles[bundle].vms.iter().any(|vm| members.contains(vm)))
                .map(|&bundle| name(bundle))
                .collect();
            Refutation::Separation { group: GroupIndex::new(group), members }
        }
        5 | 6 => {
            let items = if draw.once_in(3) { draw.some(waiting) } else { draw.shuffled(waiting) };
            let nodes = draw.pick(&[3, 30, 1_000_000, 1_000_000, 1_000_000]);
            Refutation::Exhaustion { items: items.into_iter().map(name).collect(), nodes }
        }
        7 | 8 => {
            let targets = truth.pool.target_hosts();
            let alive = targets.iter().filter(|host| state.alive[host.get()]).collect::<Vec<_>>();
            let mut order = draw.shuffled(&alive);
            if draw.once_in(20) {
                order.pop();
            }
            Refutation::Filling { order }
        }
        _ if waiting.is_empty() => Refutation::NoSurvivor,
        _ => {
            let item = draw.pick(waiting);
            let rest: Vec<usize> = waiting.iter().copied().filter(|&other| other != item).collect();
            let mut cases = Vec::new();
            for host in (0..state.alive.len()).filter(|&host| truth.can_take(state, item, host)) {
                let mut next = state.clone();
                truth.place(&mut next, item, host);
                cases.push((HostIndex::new(host), refutation(draw, truth, &next, &rest, depth - 1)));
            }
            if !cases.is_empty() && draw.once_in(40) {
                cases.pop();
            }
            Refutation::Cases { item: name(item), cases }
        }
    }
}

/// An adversary that plays a host for which it has an answer to everything where there is one.
fn strategy(
    draw: &mut Draw<'_>,
    truth: &Truth<'_>,
    state: &State,
    failures: usize,
    left: &mut usize,
) -> Strategy {
    *left = left.saturating_sub(1);
    let alive: Vec<usize> = truth.failable.iter().copied().filter(|&host| state.alive[host]).collect();
    if failures == 0 || *left == 0 || alive.is_empty() || draw.once_in(if failures > 1 { 6 } else { 2 }) {
        let (next, failed, waiting) = failure(draw, truth, state, failures);
        let nodes = 1_000_000;
        let refutation = if draw.once_in(3) {
            refutation(draw, truth, &next, &waiting, 1)
        } else {
            Refutation::Exhaustion {
                items: waiting.iter().map(|&b| truth.bundles[b].vms[0]).collect(),
                nodes,
            }
        };
        return Strategy::AtOnce(Refuted { failed, refutation });
    }
    let host = draw.pick(&alive);
    let (failed, waiting) = truth.fail(state, &[host]);
    let mut after = Vec::new();
    truth.placements(&failed, &waiting, &mut |next| {
        after.push(next.clone());
        after.len() < 40
    });
    let answers = after.iter().map(|next| strategy(draw, truth, next, failures - 1, left)).collect();
    Strategy::Fail { host: HostIndex::new(host), answers }
}
