//! What is true of a tiny pool, found by trying everything. It shares nothing with the checker: it works on VMs
//! and bundles of them, copies states, and enumerates failure sets and placements.
use core::slice::Iter;
use lifeboat_model::certificate::{Closure, Node, Placement, Policy, Tree};
use lifeboat_model::spec::{RestartPriority, Rule, RuleMode};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use std::cell::Cell;

/// VMs that are placed as one.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    /// Ascending.
    pub(crate) vms: Vec<VmIndex>,
    pub(crate) home: Option<usize>,
    pub(crate) eligible: Vec<bool>,
    pub(crate) demand: Vec<i64>,
}

/// A pool, its pending VMs placed (or not).
pub(crate) struct Truth<'p> {
    pub(crate) pool: &'p Pool,
    pub(crate) bundles: Vec<Bundle>,
    homes: Vec<Option<usize>>,
    pub(crate) failable: Vec<usize>,
    pub(crate) targets: Vec<bool>,
    free: Vec<Vec<i64>>,
    /// Steps that may still be taken; with none left, answers mean nothing.
    fuel: Cell<u32>,
}

/// Enough for all but one pool in thousands, and less than a second.
const FUEL: u32 = 500_000;

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) alive: Vec<bool>,
    pub(crate) free: Vec<Vec<i64>>,
    /// By bundle; a dead host: waits for a place.
    pub(crate) at: Vec<Option<usize>>,
}

impl<'p> Truth<'p> {
    /// The problem of the pending VMs: nothing is placed.
    pub(crate) fn pending(pool: &'p Pool) -> Self {
        let homes = pool.vm_indices().map(|vm| pool.runs_on(vm).map(HostIndex::get)).collect();
        let mut truth = Self::blank(pool, homes);
        let movable: Vec<VmIndex> = pool
            .vm_indices()
            .filter(|&vm| pool.is_pending(vm) && eligible(pool, vm).contains(&true))
            .collect();
        truth.bundles = truth.merged(&movable);
        for bundle in &mut truth.bundles {
            for group in pool.groups().iter().filter(|group| group.mode == RuleMode::Required) {
                let mine = group.vms.iter().filter(|vm| bundle.vms.contains(vm)).count();
                let hosts: Vec<usize> =
                    group.vms.iter().filter_map(|&vm| pool.runs_on(vm)).map(HostIndex::get).collect();
                for (host, eligible) in bundle.eligible.iter_mut().enumerate() {
                    let refused = if group.rule == Rule::Affinity {
                        mine > 0 && !hosts.is_empty() && !hosts.contains(&host)
                    } else {
                        mine > 1
                    };
                    *eligible &= !refused;
                }
            }
        }
        truth
    }

    /// The problem after this placement of the pending VMs.
    pub(crate) fn after(pool: &'p Pool, placement: &[(VmIndex, HostIndex)]) -> Self {
        let mut homes: Vec<Option<usize>> =
            pool.vm_indices().map(|vm| pool.runs_on(vm).map(HostIndex::get)).collect();
        for &(vm, host) in placement {
            homes[vm.get()] = Some(host.get());
        }
        let mut truth = Self::blank(pool, homes);
        for &(vm, host) in placement {
            for (left, &amount) in truth.free[host.get()].iter_mut().zip(pool.demand_of(vm)) {
                *left -= amount as i64;
            }
        }
        let items: Vec<VmIndex> = pool
            .vm_indices()
            .filter(|&vm| {
                let Some(home) = truth.homes[vm.get()] else { return false };
                let elsewhere = eligible(pool, vm).iter().enumerate().any(|(host, &can)| can && host != home);
                pool.vm(vm).restart_priority == RestartPriority::Restart && elsewhere
            })
            .collect();
        truth.bundles = truth.merged(&items);
        truth
    }

    fn blank(pool: &'p Pool, homes: Vec<Option<usize>>) -> Self {
        let width = pool.resources().len();
        Self {
            pool,
            bundles: Vec::new(),
            homes,
            failable: pool.failable_hosts().iter().map(HostIndex::get).collect(),
            targets: pool.host_indices().map(|host| pool.target_hosts().contains(host)).collect(),
            free: pool.free().chunks(width).map(<[i64]>::to_vec).collect(),
            fuel: Cell::new(FUEL),
        }
    }

    fn merged(&self, vms: &[VmIndex]) -> Vec<Bundle> {
        let mut label: Vec<usize> = (0..vms.len()).collect();
        loop {
            let before = label.clone();
            for group in self.pool.groups() {
                if group.rule != Rule::Affinity || group.mode != RuleMode::Required {
                    continue;
                }
                for a in 0..vms.len() {
                    for b in 0..vms.len() {
                        if group.vms.contains(&vms[a])
                            && group.vms.contains(&vms[b])
                            && self.homes[vms[a].get()] == self.homes[vms[b].get()]
                        {
                            label[a] = label[a].min(label[b]);
                        }
                    }
                }
            }
            if label == before {
                break;
            }
        }
        let mut labels = label.clone();
        labels.sort_unstable();
        labels.dedup();
        labels
            .into_iter()
            .map(|wanted| {
                let vms: Vec<VmIndex> =
                    (0..vms.len()).filter(|&position| label[position] == wanted).map(|p| vms[p]).collect();
                let mut can = vec![true; self.pool.hosts().len()];
                let mut demand = vec![0; self.pool.resources().len()];
                for &vm in &vms {
                    for (can, also) in can.iter_mut().zip(eligible(self.pool, vm)) {
                        *can &= also;
                    }
                    for (sum, &amount) in demand.iter_mut().zip(self.pool.demand_of(vm)) {
                        *sum += amount as i64;
                    }
                }
                Bundle { home: self.homes[vms[0].get()], vms, eligible: can, demand }
            })
            .collect()
    }

    /// Whether what it says is no longer to be trusted.
    pub(crate) fn is_tired(&self) -> bool {
        self.fuel.get() == 0
    }

    pub(crate) fn start(&self) -> State {
        State {
            alive: vec![true; self.pool.hosts().len()],
            free: self.free.clone(),
            at: self.bundles.iter().map(|bundle| bundle.home).collect(),
        }
    }

    /// The state after these hosts fail, and the bundles that wait for a place.
    pub(crate) fn fail(&self, state: &State, hosts: &[usize]) -> (State, Vec<usize>) {
        let mut state = state.clone();
        for &host in hosts {
            state.alive[host] = false;
        }
        let waits = |bundle: &usize| state.at[*bundle].is_some_and(|at| hosts.contains(&at));
        let waiting = (0..self.bundles.len()).filter(waits).collect();
        (state, waiting)
    }

    /// The domain of a host under a group's rule.
    fn domain(&self, rule: Rule, host: usize) -> usize {
        match rule {
            Rule::Spread => usize::from(self.pool.hosts()[host].fault_domain.0),
            Rule::Affinity | Rule::AntiAffinity => host,
        }
    }

    pub(crate) fn can_take(&self, state: &State, bundle: usize, host: usize) -> bool {
        let placed = &self.bundles[bundle];
        state.alive[host]
            && self.targets[host]
            && placed.eligible[host]
            && placed
                .demand
                .iter()
                .zip(&state.free[host])
                .all(|(&amount, &left)| amount == 0 || amount <= left)
            && self.rules_admit(state, bundle, host)
    }

    fn rules_admit(&self, state: &State, bundle: usize, host: usize) -> bool {
        for group in self.pool.groups() {
            if group.mode != RuleMode::Required || group.rule == Rule::Affinity {
                continue;
            }
            let mine = group.vms.iter().filter(|vm| self.bundles[bundle].vms.contains(vm));
            for &vm in mine {
                let colour = self.homes[vm.get()].map(|home| self.domain(group.rule, home));
                for &other in group.vms.iter().filter(|other| !self.bundles[bundle].vms.contains(other)) {
                    let in_bundle = self.bundles.iter().position(|bundle| bundle.vms.contains(&other));
                    let now = in_bundle.map_or(self.homes[other.get()], |bundle| state.at[bundle]);
                    let end = self.pool.migration_end(other).map(HostIndex::get);
                    let there = [now, end].into_iter().flatten().any(|at| {
                        state.alive[at] && self.domain(group.rule, at) == self.domain(group.rule, host)
                    });
                    let other_colour = self.homes[other.get()].map(|home| self.domain(group.rule, home));
                    if there && (colour.is_none() || colour != other_colour) {
                        return false;
                    }
                }
            }
        }
        true
    }

    pub(crate) fn place(&self, state: &mut State, bundle: usize, host: usize) {
        state.at[bundle] = Some(host);
        for (left, &amount) in state.free[host].iter_mut().zip(&self.bundles[bundle].demand) {
            *left -= amount;
        }
    }

    /// Every placement of the waiting bundles, in order, each on every host ascending; stops when told to.
    pub(crate) fn placements(
        &self,
        state: &State,
        waiting: &[usize],
        visit: &mut dyn FnMut(&State) -> bool,
    ) -> bool {
        if self.is_tired() {
            return false;
        }
        self.fuel.set(self.fuel.get() - 1);
        let Some((&first, rest)) = waiting.split_first() else { return visit(state) };
        for host in 0..state.alive.len() {
            if self.can_take(state, first, host) {
                let mut next = state.clone();
                self.place(&mut next, first, host);
                if !self.placements(&next, rest, visit) {
                    return false;
                }
            }
        }
        true
    }

    pub(crate) fn can_place(&self, state: &State, waiting: &[usize]) -> bool {
        !self.placements(state, waiting, &mut |_| false)
    }

    fn liveness(&self) -> usize {
        self.pool.liveness_limit().map_or(usize::MAX, |(most, _)| most as usize)
    }

    /// Whether these hosts can fail at once and be survived.
    pub(crate) fn survives_set(&self, hosts: &[usize]) -> bool {
        let (state, waiting) = self.fail(&self.start(), hosts);
        hosts.len() <= self.liveness() && self.can_place(&state, &waiting)
    }

    /// The most failures of which every set of at most so many is survived at once.
    pub(crate) fn most_at_once(&self) -> usize {
        let hosts = self.failable.len();
        let smallest_fatal = (0..1usize << hosts)
            .filter(|set| {
                let set: Vec<usize> =
                    (0..hosts).filter(|h| set >> h & 1 == 1).map(|h| self.failable[h]).collect();
                !self.survives_set(&set)
            })
            .map(|set| set.count_ones() as usize)
            .min();
        smallest_fatal.map_or(hosts, |fatal| fatal - 1)
    }

    /// Whether some policy survives so many failures in turn.
    pub(crate) fn some_policy_survives(&self, failures: usize) -> bool {
        self.game(&self.start(), failures, 0)
    }

    fn game(&self, state: &State, failures: usize, dead: usize) -> bool {
        failures == 0
            || self.failable.iter().filter(|&&host| state.alive[host]).all(|&host| {
                let (failed, waiting) = self.fail(state, &[host]);
                let mut survived = false;
                self.placements(&failed, &waiting, &mut |next| {
                    survived = self.game(next, failures - 1, dead + 1);
                    !survived
                });
                dead < self.liveness() && survived
            })
    }

    /// Whether this policy survives so many failures in turn.
    pub(crate) fn policy_survives(&self, policy: &Policy, failures: usize) -> bool {
        failures <= self.liveness() && self.follow(policy, &self.start(), failures)
    }

    fn follow(&self, policy: &Policy, state: &State, failures: usize) -> bool {
        failures == 0
            || self.failable.iter().filter(|&&host| state.alive[host]).all(|&host| {
                self.restart(policy, state, host).is_some_and(|next| self.follow(policy, &next, failures - 1))
            })
    }

    /// The state after this host fails and the policy has placed what was there, if it can.
    pub(crate) fn restart(&self, policy: &Policy, state: &State, host: usize) -> Option<State> {
        let (mut failed, mut waiting) = self.fail(state, &[host]);
        waiting.sort_by_key(|&bundle| (-key(policy, &self.bundles[bundle].demand), bundle));
        for bundle in waiting {
            let host = self.choose(policy, &failed, bundle)?;
            self.place(&mut failed, bundle, host);
        }
        Some(failed)
    }

    /// Whether the policy that a sequential tree is survives so many failures in turn: what stands at its nodes,
    /// and below a node without children what its policy does.
    pub(crate) fn tree_survives(&self, tree: &Tree, failures: usize) -> bool {
        let (mut nodes, mut packings) = (tree.nodes.iter(), tree.packings.iter());
        failures <= self.liveness()
            && nodes.next().is_some_and(|root| {
                self.walk(tree, root.closure, &self.start(), failures, &mut nodes, &mut packings)
            })
    }

    fn walk(
        &self,
        tree: &Tree,
        closure: Closure,
        state: &State,
        failures: usize,
        nodes: &mut Iter<'_, Node>,
        packings: &mut Iter<'_, Vec<(VmIndex, HostIndex)>>,
    ) -> bool {
        if closure != Closure::Branch {
            return self.follow(&tree.policy, state, failures);
        }
        tree.order.iter().map(|host| host.get()).filter(|&host| state.alive[host]).all(|host| {
            let Some(node) = nodes.next() else { return false };
            let next = if node.placement == Placement::Explicit {
                packings.next().and_then(|packing| self.carry_out(packing, state, host))
            } else {
                self.restart(&tree.policy, state, host)
            };
            next.is_some_and(|next| self.walk(tree, node.closure, &next, failures - 1, nodes, packings))
        })
    }

    /// The state after this host fails and what was there is placed as listed, if it can be.
    fn carry_out(&self, packing: &[(VmIndex, HostIndex)], state: &State, host: usize) -> Option<State> {
        let (mut failed, waiting) = self.fail(state, &[host]);
        for &bundle in &waiting {
            let listed = packing.iter().filter(|(vm, _)| self.bundles[bundle].vms.contains(vm));
            let [(_, to)] = listed.collect::<Vec<_>>()[..] else { return None };
            if !self.can_take(&failed, bundle, to.get()) {
                return None;
            }
            self.place(&mut failed, bundle, to.get());
        }
        Some(failed)
    }

    /// Where the policy places a bundle.
    pub(crate) fn choose(&self, policy: &Policy, state: &State, bundle: usize) -> Option<usize> {
        let takers = (0..state.alive.len()).filter(|&host| self.can_take(state, bundle, host));
        let weighed = |weights: &[u64], host: usize| weigh(weights, &state.free[host]);
        match policy {
            Policy::FirstFit { order, .. } => {
                let takers: Vec<usize> = takers.collect();
                order.iter().map(|host| host.get()).find(|host| takers.contains(host))
            }
            Policy::BestFit { weights } => takers.min_by_key(|&host| weighed(weights, host)),
            Policy::WorstFit { weights } => takers.min_by_key(|&host| -weighed(weights, host)),
            Policy::BestBlock { chain } => {
                let memory = self.bundles[bundle].demand[0];
                let chain: Vec<i64> = chain.iter().map(|&size| size as i64).collect();
                let class = chain.iter().position(|&size| size >= memory)?;
                takers.min_by_key(|&host| block(&chain, class, state.free[host][0].max(0)))
            }
        }
    }
}

/// The smallest block, as the definition has it.
fn block(chain: &[i64], class: usize, free: i64) -> usize {
    let floor = |j: usize| if j == chain.len() { 0 } else { free / chain[j] };
    (class..chain.len())
        .find(|&j| {
            let next = if j + 1 == chain.len() { 0 } else { floor(j + 1) * (chain[j + 1] / chain[j]) };
            floor(j) > next
        })
        .unwrap_or(chain.len())
}

fn weigh(weights: &[u64], amounts: &[i64]) -> i64 {
    weights.iter().zip(amounts).map(|(&weight, &amount)| weight as i64 * amount).sum()
}

fn key(policy: &Policy, demand: &[i64]) -> i64 {
    match policy {
        Policy::FirstFit { weights, .. } | Policy::BestFit { weights } | Policy::WorstFit { weights } => {
            weigh(weights, demand)
        }
        Policy::BestBlock { .. } => demand[0],
    }
}

fn eligible(pool: &Pool, vm: VmIndex) -> Vec<bool> {
    let eligible = pool.eligible_hosts(pool.vm(vm).profile);
    pool.host_indices().map(|host| eligible.contains(host)).collect()
}
