//! Who lives when not all can hear one another: the best set of hosts that are all connected both ways. Every host
//! computes it from the same agreed records and gets the same answer, whatever the order of its input.
//!
//! *Best* is lexicographic ([`Worth`]): more hosts that have the medium, more hosts, more with carrier, more
//! protected memory, the coordinator's side, lowest ids.
//!
//! Finding it is the maximum clique problem, made small first: a host that hears everybody is always in, and
//! hosts that have no broken pair in common are decided apart ([`components`]). What is left is searched exactly
//! ([`clique`]) up to a work limit. Beyond it the worst-connected host is dropped first, lowest rank first
//! ([`drop_worst`]), until the rest is fully connected.
mod clique;
mod components;
mod drop_worst;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::cmp::Ordering;
use lifeboat_model::{HostIndex, HostSet};

/// Search nodes that one decision may cost: about 40 ms for 64 hosts, far inside the second that the protocol
/// leaves between the silence limit and T.
pub const WORK_LIMIT: u64 = 30_000;

/// A host that may survive, with what is agreed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The host.
    pub host: HostIndex,
    /// Whether it has the medium.
    pub has_medium: bool,
    /// Whether a heartbeat link of it has carrier, and reaches the gateway where one is set.
    pub carrier: bool,
    /// Memory of the protected VMs that run there.
    pub protected_memory_mib: u64,
    /// Whether it leads.
    pub coordinator: bool,
}

/// The set of hosts that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivors {
    /// The hosts; all of them are connected to one another.
    pub hosts: HostSet,
    /// Whether it is the best there is; false where the work limit stopped the search.
    pub exact: bool,
}

/// The best fully connected set of `candidates`. `connected` has a row for every host of the pool: whom it hears and is
/// heard by. A pair counts as connected only if both rows say so; hosts that are no candidates are left out.
///
/// # Panics
/// If a candidate has no row in `connected`, or a row is of another pool's size.
pub fn survivors(candidates: &[Candidate], connected: &[HostSet], work_limit: u64) -> Survivors {
    let graph = Graph::new(candidates, connected);
    let mut hosts = HostSet::empty(connected.len());
    let mut exact = true;
    let mut work = work_limit;
    for component in components::components(&graph) {
        let fallback = drop_worst::drop_worst(&graph, component.clone());
        let best = clique::best(&graph, &component, &fallback, &mut work);
        exact &= best.is_some();
        hosts.union_with(&best.unwrap_or(fallback));
    }
    Survivors { hosts, exact }
}

/// What a set of hosts is worth, most important first. It adds up over disjoint sets, and so does its order: what is
/// worth more stays so when the same hosts join both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    with_medium: u32,
    hosts: u32,
    with_carrier: u32,
    protected_memory_mib: u128,
    with_coordinator: u32,
    ids: Lowest,
}

impl Worth {
    fn nothing(pool_size: usize) -> Self {
        Self {
            with_medium: 0,
            hosts: 0,
            with_carrier: 0,
            protected_memory_mib: 0,
            with_coordinator: 0,
            ids: Lowest(HostSet::empty(pool_size)),
        }
    }

    fn with(&self, candidate: &Candidate) -> Self {
        let mut sum = self.clone();
        sum.with_medium += u32::from(candidate.has_medium);
        sum.hosts += 1;
        sum.with_carrier += u32::from(candidate.carrier);
        sum.protected_memory_mib += u128::from(candidate.protected_memory_mib);
        sum.with_coordinator += u32::from(candidate.coordinator);
        sum.ids.0.insert(candidate.host);
        sum
    }

    fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.with_medium += other.with_medium;
        sum.hosts += other.hosts;
        sum.with_carrier += other.with_carrier;
        sum.protected_memory_mib += other.protected_memory_mib;
        sum.with_coordinator += other.with_coordinator;
        sum.ids.0.union_with(&other.ids.0);
        sum
    }
}

/// A set of hosts that is greater the lower its ids are: of two sets the one that has the lowest host in which they
/// differ. For sets of one size this is the order of their sorted lists.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lowest(HostSet);

impl Ord for Lowest {
    fn cmp(&self, other: &Self) -> Ordering {
        let words = self.0.words().iter().zip(other.0.words());
        let unequal = words.map(|(mine, theirs)| mine.reverse_bits().cmp(&theirs.reverse_bits()));
        unequal.fold(Ordering::Equal, Ordering::then)
    }
}

impl PartialOrd for Lowest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The candidates by host, and who is connected to whom among them.
struct Graph {
    candidates: Vec<Option<Candidate>>,
    neighbours: Vec<HostSet>,
    all: HostSet,
}

impl Graph {
    fn new(candidates: &[Candidate], connected: &[HostSet]) -> Self {
        let pool_size = connected.len();
        let all = HostSet::of(pool_size, candidates.iter().map(|candidate| candidate.host));
        let mut by_host = alloc::vec![None; pool_size];
        for candidate in candidates {
            by_host[candidate.host.get()] = Some(*candidate);
        }
        let both_ways = |host: HostIndex| {
            let row = &connected[host.get()];
            let heard_back = all.iter().filter(|&other| {
                other != host && row.contains(other) && connected[other.get()].contains(host)
            });
            HostSet::of(pool_size, heard_back)
        };
        let rows = (0..pool_size).map(HostIndex::new);
        let neighbours = rows
            .map(|host| if all.contains(host) { both_ways(host) } else { HostSet::empty(pool_size) })
            .collect();
        Self { candidates: by_host, neighbours, all }
    }

    fn candidate(&self, host: HostIndex) -> &Candidate {
        self.candidates[host.get()]
            .as_ref()
            .expect("only hosts of `all` are asked for, and each is a candidate")
    }

    fn neighbours(&self, host: HostIndex) -> &HostSet {
        &self.neighbours[host.get()]
    }

    /// What one host is worth: its rank among hosts.
    fn rank(&self, host: HostIndex) -> Worth {
        Worth::nothing(self.neighbours.len()).with(self.candidate(host))
    }

    /// What a set of hosts is worth.
    fn worth(&self, hosts: &HostSet) -> Worth {
        let nothing = Worth::nothing(self.neighbours.len());
        hosts.iter().fold(nothing, |sum, host| sum.with(self.candidate(host)))
    }

    /// Those of `among` that `host` is not connected to, itself left out.
    fn cut_off(&self, host: HostIndex, among: &HostSet) -> HostSet {
        let mut cut = among.clone();
        cut.subtract(self.neighbours(host));
        cut.remove(host);
        cut
    }
}
