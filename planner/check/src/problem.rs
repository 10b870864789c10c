//! The problem that certificates speak of, lowered from a pool in the plainest way: items, targets, what is
//! free, and who excludes whom. The words are defined at the head of [`lifeboat_model::certificate`].
use alloc::collections::BTreeMap;
use alloc::{vec, vec::Vec};
use lifeboat_model::spec::{RestartPriority, Rule, RuleMode};
use lifeboat_model::{GroupIndex, HostIndex, HostSet, Pool, VmIndex};

/// Everything that the checker needs to know of a pool. Hosts and items are positions.
pub(crate) struct Problem {
    /// Hosts of the pool.
    pub(crate) hosts: usize,
    /// Resources; the first is memory.
    pub(crate) width: usize,
    /// Hosts that can fail.
    pub(crate) failable: HostSet,
    /// Hosts that take items while they are alive.
    pub(crate) targets: HostSet,
    /// What is free, by host and resource.
    pub(crate) free: Vec<i64>,
    /// The items, by lowest VM ascending.
    pub(crate) items: Vec<Item>,
    /// The items by the host where they are before any failure.
    pub(crate) at_home: Vec<Vec<u32>>,
    /// The item of each VM, if it is in one.
    pub(crate) item_of: Vec<Option<u32>>,
    /// Eligible sets; an item names one.
    pub(crate) eligible: Vec<HostSet>,
    /// The rules that keep items apart, those that cannot exclude anybody left out.
    pub(crate) separations: Vec<Separation>,
    /// Hosts by host and by fault domain, see [`Separation::domains`].
    pub(crate) domains: [Domains; 2],
    /// The most failures that liveness lets be survived.
    pub(crate) liveness: Option<u32>,
}

/// What is placed as one.
pub(crate) struct Item {
    /// Its lowest VM, by which certificates name it.
    pub(crate) vm: VmIndex,
    /// All its VMs, ascending.
    pub(crate) vms: Vec<VmIndex>,
    /// Where it is before any failure; pending items are nowhere.
    pub(crate) home: Option<usize>,
    /// Its eligible set.
    pub(crate) class: usize,
    /// What it demands, by resource.
    pub(crate) demand: Vec<i64>,
    /// The separations that it is in, ascending, with its colour.
    pub(crate) separations: Vec<(usize, u32)>,
    /// Items of one kind demand the same, have the same eligible set and are in no separation; none for
    /// items that are in one.
    pub(crate) kind: Option<u32>,
}

/// A required anti-affinity or spread group.
pub(crate) struct Separation {
    /// The group.
    pub(crate) group: GroupIndex,
    /// Which of [`Problem::domains`] it is about.
    pub(crate) domains: usize,
    /// Who is somewhere, and with which colour.
    pub(crate) occupants: Vec<Occupant>,
}

/// A member of a separation, somewhere.
pub(crate) struct Occupant {
    pub(crate) place: Place,
    /// The domain where the member ran before any failure, or a number of its own.
    pub(crate) colour: u32,
}

/// Where an occupant is.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// Wherever this item is.
    Item(u32),
    /// On this host until the host fails.
    Host(usize),
}

/// A partition of the hosts.
pub(crate) struct Domains {
    /// The domain of a host.
    pub(crate) of: Vec<u32>,
    /// The hosts of a domain.
    pub(crate) hosts: Vec<HostSet>,
}

/// VMs that are to be one item.
pub(crate) struct Bundle {
    pub(crate) vms: Vec<VmIndex>,
    pub(crate) home: Option<usize>,
    pub(crate) eligible: HostSet,
}

impl Problem {
    /// The state after the pending VMs are placed: `homes` is where each VM runs then.
    pub(crate) fn after_pending(pool: &Pool, homes: &[Option<HostIndex>]) -> Self {
        let eligible = eligible_sets(pool);
        let failable = pool.failable_hosts();
        let protected = pool.vm_indices().filter(|&vm| {
            let state = pool.vm(vm);
            let Some(home) = homes[vm.get()] else { return false };
            state.restart_priority == RestartPriority::Restart
                && failable.contains(home)
                && eligible[state.profile.0 as usize].iter().any(|host| host != home)
        });
        let bundles = bundle(pool, &protected.collect::<Vec<_>>(), |vm| homes[vm.get()])
            .into_iter()
            .map(|vms| {
                let mut common = pool.target_hosts();
                for &vm in &vms {
                    common.intersect_with(&eligible[pool.vm(vm).profile.0 as usize]);
                }
                Bundle { home: homes[vms[0].get()].map(HostIndex::get), vms, eligible: common }
            })
            .collect();
        Self::new(pool, homes, bundles)
    }

    /// The problem of placing these bundles, ascending by their first VM, while VMs run on `homes`.
    pub(crate) fn new(pool: &Pool, homes: &[Option<HostIndex>], bundles: Vec<Bundle>) -> Self {
        let width = pool.resources().len();
        let mut free = pool.free();
        for vm in pool.vm_indices().filter(|&vm| pool.runs_on(vm).is_none()) {
            if let Some(home) = homes[vm.get()] {
                for (left, &amount) in free[home.get() * width..].iter_mut().zip(pool.demand_of(vm)) {
                    *left -= amount as i64;
                }
            }
        }
        let mut classes = BTreeMap::new();
        let mut at_home = vec![Vec::new(); pool.hosts().len()];
        let mut items = Vec::with_capacity(bundles.len());
        for (position, bundle) in bundles.into_iter().enumerate() {
            let mut demand = vec![0i64; width];
            for &vm in &bundle.vms {
                for (sum, &amount) in demand.iter_mut().zip(pool.demand_of(vm)) {
                    *sum += amount as i64;
                }
            }
            if let Some(home) = bundle.home {
                at_home[home].push(position as u32);
            }
            let next = classes.len();
            items.push(Item {
                vm: bundle.vms[0],
                vms: bundle.vms,
                home: bundle.home,
                class: *classes.entry(bundle.eligible).or_insert(next),
                demand,
                separations: Vec::new(),
                kind: None,
            });
        }
        let mut eligible = vec![HostSet::empty(0); classes.len()];
        for (set, class) in classes {
            eligible[class] = set;
        }
        let domains = [Domains::hosts(pool), Domains::fault_domains(pool)];
        let item_of = item_of(pool, &items);
        let separations = separations(pool, homes, &item_of, &mut items, &domains);
        name_kinds(&mut items);
        Self {
            hosts: pool.hosts().len(),
            width,
            failable: pool.failable_hosts(),
            targets: pool.target_hosts(),
            free,
            items,
            at_home,
            item_of,
            eligible,
            separations,
            domains,
            liveness: pool.liveness_limit().map(|(most, _)| most),
        }
    }

    /// The item whose lowest VM this is.
    pub(crate) fn item_named(&self, vm: VmIndex) -> Option<usize> {
        self.items.binary_search_by_key(&vm, |item| item.vm).ok()
    }
}

impl Domains {
    fn hosts(pool: &Pool) -> Self {
        Self::new(pool, pool.hosts().len(), |host| host.0)
    }

    fn fault_domains(pool: &Pool) -> Self {
        Self::new(pool, pool.domain_count(), |host| pool.host(host).fault_domain.0)
    }

    fn new(pool: &Pool, count: usize, domain: impl Fn(HostIndex) -> u16) -> Self {
        let mut hosts = vec![HostSet::empty(pool.hosts().len()); count];
        for host in pool.host_indices() {
            hosts[domain(host) as usize].insert(host);
        }
        Self { of: pool.host_indices().map(|host| u32::from(domain(host))).collect(), hosts }
    }
}

/// The eligible set of every profile.
pub(crate) fn eligible_sets(pool: &Pool) -> Vec<HostSet> {
    (0..pool.profiles().len())
        .map(|profile| pool.eligible_hosts(lifeboat_model::ProfileIndex::new(profile)))
        .collect()
}

/// Merges those of `vms` (ascending) that share a required affinity group and, by `home`, a host (or are both
/// nowhere); overlapping groups merge. Bundles are ascending by their first VM.
pub(crate) fn bundle<H: Ord>(pool: &Pool, vms: &[VmIndex], home: impl Fn(VmIndex) -> H) -> Vec<Vec<VmIndex>> {
    let mut leader: Vec<usize> = (0..vms.len()).collect();
    for group in pool.groups().iter().filter(|group| binds(group.mode) && group.rule == Rule::Affinity) {
        let members: Vec<usize> = group.vms.iter().filter_map(|vm| vms.binary_search(vm).ok()).collect();
        // The first member met on each host leads the later ones there.
        let mut met: BTreeMap<H, usize> = BTreeMap::new();
        for member in members {
            let other = *met.entry(home(vms[member])).or_insert(member);
            let (a, b) = (find(&mut leader, other), find(&mut leader, member));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut bundles: BTreeMap<usize, Vec<VmIndex>> = BTreeMap::new();
    for (position, &vm) in vms.iter().enumerate() {
        bundles.entry(find(&mut leader, position)).or_default().push(vm);
    }
    bundles.into_values().collect()
}

/// Who leads the one at `position`; the way there is shortened.
fn find(leader: &mut [usize], mut position: usize) -> usize {
    while leader[position] != position {
        leader[position] = leader[leader[position]];
        position = leader[position];
    }
    position
}

pub(crate) fn binds(mode: RuleMode) -> bool {
    mode == RuleMode::Required
}

fn item_of(pool: &Pool, items: &[Item]) -> Vec<Option<u32>> {
    let mut item_of = vec![None; pool.vms().len()];
    for (position, item) in items.iter().enumerate() {
        for &vm in &item.vms {
            item_of[vm.get()] = Some(position as u32);
        }
    }
    item_of
}

/// The separations among whose occupants there are two colours; the items are told theirs.
fn separations(
    pool: &Pool,
    homes: &[Option<HostIndex>],
    item_of: &[Option<u32>],
    items: &mut [Item],
    domains: &[Domains; 2],
) -> Vec<Separation> {
    let mut separations = Vec::new();
    for (index, group) in pool.groups().iter().enumerate().filter(|(_, group)| binds(group.mode)) {
        let kind = match group.rule {
            Rule::AntiAffinity => 0,
            Rule::Spread => 1,
            Rule::Affinity => continue,
        };
        let mut occupants = Vec::new();
        let mut mine: BTreeMap<u32, u32> = BTreeMap::new();
        for &vm in &group.vms {
            let Some(home) = homes[vm.get()] else {
                // A pending item has a colour of its own: it belongs where nobody is.
                if let Some(item) = item_of[vm.get()] {
                    mine.insert(item, domains[kind].hosts.len() as u32 + item);
                }
                continue;
            };
            let colour = domains[kind].of[home.get()];
            match item_of[vm.get()] {
                Some(item) => {
                    mine.insert(item, colour);
                }
                None => occupants.push(Occupant { place: Place::Host(home.get()), colour }),
            }
            if let Some(end) = pool.migration_end(vm) {
                occupants.push(Occupant { place: Place::Host(end.get()), colour });
            }
        }
        occupants.extend(mine.iter().map(|(&item, &colour)| Occupant { place: Place::Item(item), colour }));
        if occupants.iter().any(|occupant| occupant.colour != occupants[0].colour) {
            for (&item, &colour) in &mine {
                items[item as usize].separations.push((separations.len(), colour));
            }
            separations.push(Separation { group: GroupIndex::new(index), domains: kind, occupants });
        }
    }
    separations
}

fn name_kinds(items: &mut [Item]) {
    let mut kinds: BTreeMap<(usize, Vec<i64>), u32> = BTreeMap::new();
    for item in items.iter_mut().filter(|item| item.separations.is_empty()) {
        let next = kinds.len() as u32;
        item.kind = Some(*kinds.entry((item.class, item.demand.clone())).or_insert(next));
    }
}
