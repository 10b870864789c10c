//! A pool as the search sees it: dense arrays of items, hosts in first-fit order, eligible sets as masks. What an
//! item, a class and a separation are is defined with the certificate format, so that the independent checker
//! lowers a pool to the same things by code of its own.
//!
//! Hosts are renumbered by *position*: targets in ascending order of free room first, then hosts that can fail
//! but take nothing. First fit in ascending room is then the lowest set bit of a mask.
pub(crate) mod clusters;
mod pending;
pub(crate) mod separation;

use crate::plain::Curve;
use clusters::Clusters;
use lifeboat_model::certificate::Policy;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};
use separation::{Member, Separation};
use std::collections::BTreeMap;

/// A host's place in first-fit order.
pub(crate) type Position = u16;
/// An item's rank: larger keys first, ties by lowest VM.
pub(crate) type Rank = u32;

/// The home of a pending item.
pub(crate) const NOWHERE: Position = Position::MAX;

/// What must be placed when its host fails: a protected VM, or several that affinity binds together.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The lowest VM of the item.
    pub(crate) vm: VmIndex,
    /// Key: what descending order means.
    pub(crate) key: i64,
    /// Index of its class.
    pub(crate) class: u32,
    /// Where it runs.
    pub(crate) home: Position,
    /// Its memberships: a range of [`Problem::members`].
    pub(crate) members: (u32, u32),
    /// Lowest restart order of its VMs.
    pub(crate) order: u32,
}

/// A lowered pool; pending VMs are no part of it (they are placed before).
pub(crate) struct Problem<'p> {
    /// The pool.
    pub(crate) pool: &'p Pool,
    /// Resources.
    pub(crate) width: usize,
    /// Which host a position is.
    pub(crate) host: Vec<HostIndex>,
    /// Positions below this are targets.
    pub(crate) targets: usize,
    /// Positions of hosts that can fail, ascending by host.
    pub(crate) failable: Vec<Position>,
    /// Free by position and resource.
    pub(crate) free: Vec<i64>,
    /// The items by rank.
    pub(crate) items: Vec<Item>,
    /// Demand by rank and resource.
    pub(crate) demand: Vec<i64>,
    /// Ranks of the items at home at a position, ascending.
    pub(crate) at_home: Vec<Vec<Rank>>,
    /// Eligible targets of each class as a mask over positions, `words` words each.
    pub(crate) eligible: Vec<u64>,
    /// Words of a mask.
    pub(crate) words: usize,
    /// How many classes.
    pub(crate) classes: usize,
    /// Memberships of items, see [`Item::members`].
    pub(crate) members: Vec<Member>,
    /// Required anti-affinity and spread groups that have an item.
    pub(crate) separations: Vec<Separation>,
    /// Key weight by resource.
    pub(crate) weights: Vec<u64>,
    /// By resource: φ over memory, for those that some item demands; memory has none.
    pub(crate) curves: Vec<Option<Curve>>,
    /// The VMs of items that are more than one VM.
    pub(crate) clusters: Clusters,
    /// Protected VMs without a place to go, ascending.
    pub(crate) unprotectable: Vec<VmIndex>,
    /// Whether memory alone can bind, every item can run on every target, and no separation touches one.
    pub(crate) plain: bool,
}

impl<'p> Problem<'p> {
    /// Lowers a pool whose pending VMs are placed, or left out.
    pub(crate) fn new(pool: &'p Pool) -> Self {
        let failable = pool.failable_hosts();
        let drafts = Drafts::new(pool, &failable, &pool.target_hosts());
        Self::lower(pool, &failable, drafts)
    }

    /// Lowers the question where pending VMs go: they are the items, and have no home.
    pub(crate) fn of_pending(pool: &'p Pool) -> Self {
        Self::lower(pool, &pool.failable_hosts(), pending::drafts(pool))
    }

    fn lower(pool: &'p Pool, failable: &HostSet, mut drafts: Drafts) -> Self {
        let width = pool.resources().len();
        let pool_free = pool.free();
        let target = pool.target_hosts();
        let curves: Vec<Option<Curve>> = (0..width).map(|resource| curve(&drafts.demand, resource)).collect();
        let weights = if only_memory_binds(&pool_free, &target, &curves) {
            (0..width).map(|resource| u64::from(resource == 0)).collect()
        } else {
            key_weights(&pool_free, &target, &drafts.demand, width)
        };
        let (host, targets) = first_fit_order(&pool_free, &weights, failable, &target);
        let mut position_of = vec![Position::MAX; pool.hosts().len()];
        for (position, &host) in host.iter().enumerate() {
            position_of[host.get()] = position as Position;
        }
        let (separations, memberships) = separation::lower(pool, &position_of, &drafts.item_of);
        let (items, demand, members) = drafts.rank(&weights, &position_of, &memberships, width);
        let words = host.len().div_ceil(64).max(1);
        let mut eligible = vec![0; drafts.classes.len() * words];
        for (class, set) in drafts.classes.iter().enumerate() {
            for host in set.iter() {
                let position = usize::from(position_of[host.get()]);
                eligible[class * words + position / 64] |= 1 << (position % 64);
            }
        }
        let mut at_home = vec![Vec::new(); host.len()];
        for (rank, item) in items.iter().enumerate().filter(|(_, item)| item.home != NOWHERE) {
            at_home[usize::from(item.home)].push(rank as Rank);
        }
        let mut problem = Self {
            plain: false,
            pool,
            width,
            targets,
            failable: failable.iter().map(|host| position_of[host.get()]).collect(),
            free: host.iter().flat_map(|h| pool_free[h.get() * width..][..width].iter().copied()).collect(),
            items,
            demand,
            at_home,
            eligible,
            words,
            classes: drafts.classes.len(),
            members,
            separations,
            weights,
            curves,
            clusters: drafts.clusters,
            unprotectable: drafts.unprotectable,
            host,
        };
        problem.plain = problem.is_plain();
        problem
    }

    /// How many hosts there are in first-fit order.
    pub(crate) fn hosts(&self) -> usize {
        self.host.len()
    }

    /// What an item demands.
    #[inline]
    pub(crate) fn demand_of(&self, rank: Rank) -> &[i64] {
        &self.demand[rank as usize * self.width..][..self.width]
    }

    /// An item's eligible targets.
    #[inline]
    pub(crate) fn eligible_of(&self, class: u32) -> &[u64] {
        &self.eligible[class as usize * self.words..][..self.words]
    }

    /// Whether an item's class has a position.
    #[inline]
    pub(crate) fn is_eligible(&self, class: u32, position: usize) -> bool {
        self.eligible_of(class)[position / 64] >> (position % 64) & 1 == 1
    }

    /// An item's memberships.
    #[inline]
    pub(crate) fn members_of(&self, rank: Rank) -> &[Member] {
        let (start, end) = self.items[rank as usize].members;
        &self.members[start as usize..end as usize]
    }

    /// The VMs of an item, ascending.
    pub(crate) fn vms_of(&self, rank: Rank) -> Vec<VmIndex> {
        self.clusters.vms_of(self.items[rank as usize].vm)
    }

    /// The position of a host that is up.
    pub(crate) fn position_of(&self, host: HostIndex) -> Option<Position> {
        self.host.iter().position(|&h| h == host).map(|position| position as Position)
    }

    /// First fit in ascending order of room: the policy that positions are made for.
    pub(crate) fn first_fit(&self) -> Policy {
        Policy::FirstFit { weights: self.weights.clone(), order: self.host[..self.targets].to_vec() }
    }

    fn is_plain(&self) -> bool {
        let all = self.eligible_mask_of_targets();
        self.separations.is_empty()
            && (0..self.classes).all(|class| self.eligible_of(class as u32) == all)
            && self.weights[1..].iter().all(|&weight| weight == 0)
    }

    fn eligible_mask_of_targets(&self) -> Vec<u64> {
        let mut mask = vec![0u64; self.words];
        for position in 0..self.targets {
            mask[position / 64] |= 1 << (position % 64);
        }
        mask
    }
}

/// Items before they are ranked.
struct Drafts {
    /// By draft: lowest VM, home (none: pending), class, order.
    items: Vec<(VmIndex, Option<HostIndex>, u32, u32)>,
    /// Demand by draft.
    demand: Vec<Vec<i64>>,
    classes: Vec<HostSet>,
    /// Draft of each VM that is of an item.
    item_of: BTreeMap<VmIndex, usize>,
    clusters: Clusters,
    unprotectable: Vec<VmIndex>,
    class_index: BTreeMap<HostSet, u32>,
}

impl Drafts {
    fn push(
        &mut self,
        vm: VmIndex,
        home: Option<HostIndex>,
        eligible: &HostSet,
        order: u32,
        demand: Vec<i64>,
    ) {
        let class = self.class_index.get(eligible).copied().unwrap_or_else(|| {
            let class = self.classes.len() as u32;
            self.classes.push(eligible.clone());
            self.class_index.insert(eligible.clone(), class);
            class
        });
        self.items.push((vm, home, class, order));
        self.demand.push(demand);
    }

    fn new(pool: &Pool, failable: &HostSet, target: &HostSet) -> Self {
        let mut class_of_profile: Vec<Option<HostSet>> = vec![None; pool.profiles().len()];
        let mut unprotectable = Vec::new();
        let mut protected = Vec::new();
        let spacious = target.len() >= 2;
        for vm in pool.vm_indices() {
            if pool.vm(vm).restart_priority != RestartPriority::Restart {
                continue;
            }
            let profile = pool.vm(vm).profile;
            let eligible =
                class_of_profile[profile.get()].get_or_insert_with(|| pool.eligible_hosts(profile));
            match pool.runs_on(vm) {
                Some(home) => {
                    let nowhere = if spacious && eligible.len() >= 2 {
                        false
                    } else {
                        !eligible.iter().any(|host| host != home)
                    };
                    if nowhere {
                        unprotectable.push(vm);
                    } else if failable.contains(home) {
                        protected.push((vm, home));
                    }
                }
                None if pool.is_pending(vm) && eligible.is_empty() => unprotectable.push(vm),
                None => {}
            }
        }
        let clusters = Clusters::new(pool, &protected);
        let mut drafts = Self {
            items: Vec::with_capacity(protected.len()),
            demand: Vec::with_capacity(protected.len()),
            classes: Vec::new(),
            item_of: BTreeMap::new(),
            clusters,
            unprotectable,
            class_index: BTreeMap::new(),
        };
        let track = !pool.groups().is_empty();
        for &(vm, home) in &protected {
            let vms = drafts.clusters.vms_of(vm);
            if vms[0] != vm {
                continue;
            }
            let mut eligible: Option<HostSet> = None;
            let mut demand = vec![0; pool.resources().len()];
            let mut order = u32::MAX;
            for &vm in &vms {
                for (sum, &amount) in demand.iter_mut().zip(pool.demand_of(vm)) {
                    *sum += amount as i64;
                }
                order = order.min(pool.vm(vm).order);
                let own =
                    class_of_profile[pool.vm(vm).profile.get()].as_ref().expect("filled in the pass above");
                match &mut eligible {
                    Some(eligible) => eligible.intersect_with(own),
                    None => eligible = Some(own.clone()),
                }
                if track {
                    drafts.item_of.insert(vm, drafts.items.len());
                }
            }
            let eligible = eligible.expect("an item has a VM");
            drafts.push(vm, Some(home), &eligible, order, demand);
        }
        drafts
    }

    /// The items by rank, their demand, and their memberships.
    fn rank(
        &mut self,
        weights: &[u64],
        position_of: &[Position],
        memberships: &BTreeMap<usize, Vec<Member>>,
        width: usize,
    ) -> (Vec<Item>, Vec<i64>, Vec<Member>) {
        let key = |demand: &[i64]| -> i64 {
            let key: i128 = demand.iter().zip(weights).map(|(&d, &w)| i128::from(d) * i128::from(w)).sum();
            i64::try_from(key).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
        };
        let mut order: Vec<(core::cmp::Reverse<i64>, VmIndex, usize)> = self
            .items
            .iter()
            .enumerate()
            .map(|(draft, item)| (core::cmp::Reverse(key(&self.demand[draft])), item.0, draft))
            .collect();
        order.sort_unstable();
        let mut items = Vec::with_capacity(order.len());
        let mut demand = Vec::with_capacity(order.len() * width);
        let mut members = Vec::new();
        for (core::cmp::Reverse(key), vm, draft) in order {
            let (_, home, class, order) = self.items[draft];
            let start = members.len() as u32;
            members.extend(memberships.get(&draft).into_iter().flatten().copied());
            let home = home.map_or(NOWHERE, |home| position_of[home.get()]);
            items.push(Item { vm, key, class, home, members: (start, members.len() as u32), order });
            demand.extend_from_slice(&self.demand[draft]);
        }
        (items, demand, members)
    }
}

/// Targets ascending by weighted room, ties by index; then the others that can fail.
fn first_fit_order(
    free: &[i64],
    weights: &[u64],
    failable: &HostSet,
    target: &HostSet,
) -> (Vec<HostIndex>, usize) {
    let width = weights.len();
    let mut order: Vec<HostIndex> = target.iter().collect();
    order.sort_by_key(|host| (room(&free[host.get() * width..][..width], weights), *host));
    let targets = order.len();
    order.extend(failable.iter().filter(|&host| !target.contains(host)));
    (order, targets)
}

/// Weighted room of a host: Σ weight · free, what is negative counted as it is.
pub(crate) fn room(free: &[i64], weights: &[u64]) -> i128 {
    free.iter().zip(weights).map(|(&free, &weight)| i128::from(free) * i128::from(weight)).sum()
}

/// Key weights: memory alone where it is the only resource in demand, else each demanded resource scaled to the
/// same total room. A weight is at most 2^60 / what all items want / width / hosts, so sums over a
/// pool fit an `i64`; where even weight 1 is too large for that, keys saturate and the stuck tests are left out.
fn key_weights(free: &[i64], target: &HostSet, demand: &[Vec<i64>], width: usize) -> Vec<u64> {
    let most: Vec<i64> =
        (0..width).map(|d| demand.iter().map(|demand| demand[d]).max().unwrap_or(0)).collect();
    let mut weights = vec![0; width];
    if most[1..].iter().all(|&most| most == 0) {
        weights[0] = 1;
        return weights;
    }
    for (resource, weight) in weights.iter_mut().enumerate() {
        if most[resource] > 0 {
            let total: i64 =
                target.iter().map(|host| free[host.get() * width + resource].max(0)).sum::<i64>().max(1);
            let wanted: i64 = demand.iter().map(|demand| demand[resource]).sum::<i64>().max(1);
            let hosts = (free.len() / width) as i64 + 1;
            let cap = ((1i64 << 60) / wanted / width as i64 / hosts).max(1);
            *weight = ((1i64 << 30) / total).clamp(1, cap) as u64;
        }
    }
    weights
}

/// Whether no resource but memory can bind on any target: then keys weigh memory alone.
fn only_memory_binds(free: &[i64], target: &HostSet, curves: &[Option<Curve>]) -> bool {
    let width = curves.len();
    curves.iter().enumerate().all(|(resource, curve)| {
        curve.as_ref().is_none_or(|curve| {
            target
                .iter()
                .all(|host| curve.most(free[host.get() * width]) <= free[host.get() * width + resource])
        })
    })
}

fn curve(demand: &[Vec<i64>], resource: usize) -> Option<Curve> {
    if resource == 0 || demand.is_empty() {
        return None;
    }
    let mut kinds: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for item in demand {
        *kinds.entry((item[0], item[resource])).or_insert(0) += 1;
    }
    let curve = Curve::new(kinds.into_iter().map(|((memory, amount), count)| (memory, amount, count)));
    (!curve.is_flat()).then_some(curve)
}
