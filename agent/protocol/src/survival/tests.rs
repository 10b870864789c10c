//! Survivors against brute force on up to 12 hosts, and the outcome table's ties one by one.
use super::*;
use proptest::prelude::*;

fn plain(host: usize) -> Candidate {
    Candidate {
        host: HostIndex::new(host),
        has_medium: true,
        carrier: true,
        protected_memory_mib: 0,
        coordinator: false,
    }
}

fn plain_pool(hosts: usize) -> Vec<Candidate> {
    (0..hosts).map(plain).collect()
}

/// Rows of a pool in which all are connected but the named pairs.
fn all_but(hosts: usize, broken: &[(usize, usize)]) -> Vec<HostSet> {
    let mut rows = alloc::vec![HostSet::full(hosts); hosts];
    for &(a, b) in broken {
        rows[a].remove(HostIndex::new(b));
        rows[b].remove(HostIndex::new(a));
    }
    rows
}

/// Rows of a pool split into sides that hear only themselves.
fn split(sides: &[&[usize]]) -> Vec<HostSet> {
    let hosts = sides.iter().map(|side| side.len()).sum();
    let mut rows = alloc::vec![HostSet::empty(hosts); hosts];
    for side in sides {
        for &host in *side {
            rows[host] = HostSet::of(hosts, side.iter().map(|&other| HostIndex::new(other)));
        }
    }
    rows
}

fn living(candidates: &[Candidate], connected: &[HostSet]) -> Vec<usize> {
    let survivors = survivors(candidates, connected, WORK_LIMIT);
    assert!(survivors.exact);
    survivors.hosts.iter().map(HostIndex::get).collect()
}

#[test]
fn the_larger_side_lives() {
    assert_eq!(living(&plain_pool(5), &split(&[&[0, 1], &[2, 3, 4]])), [2, 3, 4]);
}

#[test]
fn storage_outranks_numbers() {
    let mut pool = plain_pool(3);
    pool[1].has_medium = false;
    pool[2].has_medium = false;
    assert_eq!(living(&pool, &split(&[&[0], &[1, 2]])), [0]);
}

#[test]
fn of_two_hosts_the_one_with_carrier_lives() {
    let mut pool = plain_pool(2);
    pool[0].carrier = false;
    pool[0].protected_memory_mib = 1 << 40;
    pool[0].coordinator = true;
    assert_eq!(living(&pool, &split(&[&[0], &[1]])), [1]);
}

#[test]
fn equal_sides_are_told_apart_by_memory_then_coordinator_then_ids() {
    let rows = split(&[&[0, 1], &[2, 3]]);
    let mut pool = plain_pool(4);
    assert_eq!(living(&pool, &rows), [0, 1]);
    pool[3].coordinator = true;
    assert_eq!(living(&pool, &rows), [2, 3]);
    pool[1].protected_memory_mib = 1;
    assert_eq!(living(&pool, &rows), [0, 1]);
}

#[test]
fn one_broken_pair_costs_one_host() {
    let mut pool = plain_pool(3);
    pool[2].protected_memory_mib = 512;
    assert_eq!(living(&pool, &all_but(3, &[(0, 2)])), [1, 2]);
}

#[test]
fn a_pair_that_hears_only_one_way_is_broken() {
    let mut rows = all_but(2, &[]);
    rows[1].remove(HostIndex::new(0));
    assert_eq!(living(&plain_pool(2), &rows), [0]);
}

#[test]
fn nobody_survives_where_nobody_is_a_candidate() {
    assert_eq!(living(&[], &all_but(3, &[])), [] as [usize; 0]);
}

#[test]
fn thirty_two_broken_pairs_among_64_hosts_are_decided_at_once() {
    let broken: Vec<(usize, usize)> = (0..32).map(|pair| (pair, 63 - pair)).collect();
    assert_eq!(living(&plain_pool(64), &all_but(64, &broken)), (0..32).collect::<Vec<_>>());
}

#[test]
fn a_large_pool_that_splits_is_decided_within_the_limit() {
    for hosts in [64usize, 200] {
        let (low, high): (Vec<usize>, Vec<usize>) = (0..hosts).partition(|host| host % 2 == 0);
        assert_eq!(living(&plain_pool(hosts), &split(&[&low, &high])), low);
    }
}

#[test]
fn beyond_the_limit_the_worst_connected_goes_first_and_then_the_lowest_rank() {
    // Host 0 is cut off from three; then 1 and 4 remain as a broken pair, of which 1 has no medium.
    let rows = all_but(6, &[(0, 1), (0, 2), (0, 3), (1, 4)]);
    let mut pool = plain_pool(6);
    pool[1].has_medium = false;
    let quick = survivors(&pool, &rows, 0);
    assert!(!quick.exact);
    assert_eq!(quick.hosts.iter().map(HostIndex::get).collect::<Vec<_>>(), [2, 3, 4, 5]);
}

#[test]
fn a_thousand_hosts_of_which_one_is_cut_off_are_decided_without_a_search() {
    let broken: Vec<(usize, usize)> = (0..1000).filter(|&host| host != 7).map(|host| (7, host)).collect();
    let quick = survivors(&plain_pool(1000), &all_but(1000, &broken), WORK_LIMIT);
    assert_eq!(quick.hosts.len(), 999);
    assert!(!quick.hosts.contains(HostIndex::new(7)));
}

/// What a set is worth, spelt plainly: compared with `>`, the greater lives.
type Plain = (usize, usize, usize, u64, usize, Vec<core::cmp::Reverse<usize>>);

fn plain_worth(candidates: &[Candidate], set: u32) -> Plain {
    let chosen: Vec<&Candidate> =
        candidates.iter().filter(|candidate| set >> candidate.host.get() & 1 == 1).collect();
    let count = |has: fn(&Candidate) -> bool| chosen.iter().filter(|candidate| has(candidate)).count();
    let mut ids: Vec<usize> = chosen.iter().map(|candidate| candidate.host.get()).collect();
    ids.sort_unstable();
    (
        count(|candidate| candidate.has_medium),
        chosen.len(),
        count(|candidate| candidate.carrier),
        chosen.iter().map(|candidate| candidate.protected_memory_mib).sum(),
        count(|candidate| candidate.coordinator),
        ids.into_iter().map(core::cmp::Reverse).collect(),
    )
}

fn fully_connected(set: u32, connected: &[HostSet]) -> bool {
    let members: Vec<usize> = (0..32).filter(|host| set >> host & 1 == 1).collect();
    members.iter().all(|&a| members.iter().all(|&b| a == b || connected[a].contains(HostIndex::new(b))))
}

fn brute_force(candidates: &[Candidate], connected: &[HostSet]) -> u32 {
    let all = candidates.iter().fold(0u32, |set, candidate| set | 1 << candidate.host.get());
    let sets = (0..1u32 << connected.len()).filter(|set| set & !all == 0);
    sets.filter(|&set| fully_connected(set, connected))
        .max_by_key(|&set| plain_worth(candidates, set))
        .expect("the empty set is connected")
}

fn bits(hosts: &HostSet) -> u32 {
    hosts.iter().fold(0, |set, host| set | 1 << host.get())
}

prop_compose! {
    fn any_candidate(host: usize)(
        has_medium in prop::bool::weighted(0.7),
        carrier in prop::bool::weighted(0.6),
        protected_memory_mib in 0u64..3,
        coordinator in prop::bool::weighted(0.2),
    ) -> Candidate {
        Candidate { host: HostIndex::new(host), has_medium, carrier, protected_memory_mib, coordinator }
    }
}

/// Up to 12 hosts, some of them no candidates, connected with any density, some pairs one way only.
fn any_pool() -> impl Strategy<Value = (Vec<Candidate>, Vec<HostSet>)> {
    (1usize..=12, 0.1f64..1.0).prop_flat_map(|(hosts, density)| {
        let candidates: Vec<_> = (0..hosts).map(any_candidate).collect();
        let present = prop::collection::vec(prop::bool::weighted(0.9), hosts);
        let links = prop::collection::vec(prop::bool::weighted(density), hosts * hosts);
        (candidates, present, links).prop_map(move |(candidates, present, links)| {
            let row = |a: usize| {
                let heard = (0..hosts).filter(|&b| hears(&links, hosts, a, b));
                HostSet::of(hosts, heard.map(HostIndex::new))
            };
            let rows = (0..hosts).map(row).collect();
            let candidates = candidates.into_iter().filter(|candidate| present[candidate.host.get()]);
            (candidates.collect(), rows)
        })
    })
}

/// Both ways where the draw for the pair says so; one way only where the lower host's own draw (a, a) says no.
fn hears(links: &[bool], hosts: usize, a: usize, b: usize) -> bool {
    let (low, high) = (a.min(b), a.max(b));
    let both = links[low * hosts + high];
    let one_way = a < b && links[high * hosts + low];
    a == b || both || (one_way && !links[a * hosts + a])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_answer_is_what_brute_force_finds((candidates, connected) in any_pool()) {
        let found = survivors(&candidates, &connected, WORK_LIMIT);
        prop_assert!(found.exact);
        prop_assert_eq!(bits(&found.hosts), brute_force(&candidates, &connected));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (pool, shuffled) in any_pool().prop_flat_map(|(candidates, connected)| {
            let shuffled = Just(candidates.clone()).prop_shuffle();
            (Just((candidates, connected)), shuffled)
        }),
        limit in 0u64..40,
    ) {
        let (candidates, connected) = pool;
        prop_assert_eq!(survivors(&candidates, &connected, limit), survivors(&shuffled, &connected, limit));
    }

    #[test]
    fn the_quick_answer_is_connected_and_never_empty((candidates, connected) in any_pool()) {
        let quick = survivors(&candidates, &connected, 0);
        prop_assert!(fully_connected(bits(&quick.hosts), &connected));
        prop_assert_eq!(quick.hosts.is_empty(), candidates.is_empty());
    }
}
