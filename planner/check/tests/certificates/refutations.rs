//! Refutations of failure sets: what each field is for.
use crate::build::{accepted, built, group, h, pool, refusal, refuted, spec, v, volume};
use lifeboat_check::{Claim, Why};
use lifeboat_model::Pool;
use lifeboat_model::certificate::Refutation;
use lifeboat_model::spec::{HostState, Rule, StorageLoss};

fn values(surrogate: &[u64], values: &[(usize, u64)]) -> Refutation {
    Refutation::Values {
        surrogate: surrogate.to_vec(),
        values: values.iter().map(|&(vm, value)| (v(vm), value)).collect(),
    }
}

fn exhaustion(items: &[usize], nodes: u64) -> Refutation {
    Refutation::Exhaustion { items: items.iter().map(|&vm| v(vm)).collect(), nodes }
}

/// Three VMs of 3 on h0, room for one of them on each of the others.
fn three_threes() -> Pool {
    pool(&[(9, &[3, 3, 3]), (5, &[]), (5, &[])])
}

const ONE: [Claim; 2] = [Claim::SimultaneousRefuted(1), Claim::SequentialRefuted(1)];

#[test]
fn values_exceed_what_hosts_hold_or_refute_nothing() {
    let pool = three_threes();
    assert_eq!(accepted(&pool, &refuted(&[0], values(&[1], &[(0, 1), (1, 1), (2, 1)]))), ONE);
    // Volume, held by whole items: 3 on each host, though 5 are free.
    assert_eq!(accepted(&pool, &refuted(&[0], volume(&pool, &[0, 1, 2]))), ONE);
    let two = values(&[1], &[(0, 1), (1, 1)]);
    assert_eq!(refusal(&pool, &refuted(&[0], two)), Why::ValuesFit { worth: 2, room: 2 });
    let none = values(&[1], &[]);
    assert_eq!(refusal(&pool, &refuted(&[0], none)), Why::ValuesFit { worth: 0, room: 0 });
    // With a surrogate of nothing every host that can take an item can take all.
    let weightless = values(&[0], &[(0, 1), (1, 1), (2, 1)]);
    assert_eq!(refusal(&pool, &refuted(&[0], weightless)), Why::ValuesFit { worth: 3, room: 6 });
}

#[test]
fn values_name_items_of_the_failed_hosts_once_and_within_range() {
    let pool = pool(&[(9, &[3, 3, 3]), (5, &[1]), (5, &[])]);
    for (wrong, vm) in [
        (values(&[1], &[(0, 1), (1, 1), (1, 1), (2, 1)]), 1),
        (values(&[1], &[(0, 1), (1, 1), (2, 1), (3, 1)]), 3),
        (values(&[1], &[(9, 1)]), 9),
    ] {
        assert_eq!(refusal(&pool, &refuted(&[0], wrong)), Why::NotToPlace(v(vm)));
    }
    for wrong in [
        values(&[], &[(0, 1)]),
        values(&[1, 1], &[(0, 1)]),
        values(&[u64::MAX], &[(0, 1)]),
        values(&[1], &[(0, u64::MAX)]),
    ] {
        assert!(matches!(refusal(&pool, &refuted(&[0], wrong)), Why::OutOfRange(_)));
    }
}

#[test]
fn a_host_that_lacks_one_resource_still_takes_what_does_not_ask_for_it() {
    let mut spec = spec(&[(9, &[4]), (8, &[1])]);
    spec.hosts[0].resources = vec![("gpu".into(), 1)];
    spec.hosts[1].resources = vec![("gpu".into(), 1)];
    spec.vms[1].resources = vec![("gpu".into(), 9)];
    let pool = built(&spec);
    // h1 has 8 MiB and -8 GPUs free; the VM of h0 needs no GPU and fits.
    let wrong = values(&[1, 1], &[(0, 1)]);
    assert_eq!(refusal(&pool, &refuted(&[0], wrong)), Why::ValuesFit { worth: 1, room: 1 });
    assert_eq!(refusal(&pool, &refuted(&[0], exhaustion(&[0], 9))), Why::Placed);
}

#[test]
fn a_failure_set_is_made_of_hosts_that_can_fail_ascending() {
    let mut spec = spec(&[(9, &[3, 3, 3]), (5, &[]), (5, &[])]);
    let count = || values(&[1], &[(0, 1), (1, 1), (2, 1)]);
    let pool = built(&spec);
    for failed in [&[1, 0][..], &[0, 0], &[0, 7]] {
        assert_eq!(refusal(&pool, &refuted(failed, count())), Why::FailureSet, "{failed:?}");
    }
    assert_eq!(refusal(&pool, &refuted(&[1], count())), Why::NotToPlace(v(0)));
    spec.hosts[2].state = HostState::Dead;
    assert_eq!(refusal(&built(&spec), &refuted(&[0, 2], count())), Why::FailureSet);
    assert_eq!(accepted(&built(&spec), &refuted(&[0], count())), ONE);
}

#[test]
fn no_survivor_means_none() {
    let pool = three_threes();
    assert_eq!(refusal(&pool, &refuted(&[0, 1], Refutation::NoSurvivor)), Why::SurvivorLeft);
    let all = refuted(&[0, 1, 2], Refutation::NoSurvivor);
    assert_eq!(accepted(&pool, &all), [Claim::SimultaneousRefuted(3), Claim::SequentialRefuted(3)]);
    let empty = self::pool(&[(1, &[])]);
    assert_eq!(refusal(&empty, &refuted(&[0], Refutation::NoSurvivor)), Why::SurvivorLeft);
}

#[test]
fn liveness_forbids_more_failures_than_it_lets_survive() {
    let mut spec = spec(&[(9, &[1]), (9, &[]), (9, &[])]);
    spec.settings.storage_loss = Some(StorageLoss::Majority);
    let pool = built(&spec);
    assert_eq!(refusal(&pool, &refuted(&[0], Refutation::Liveness)), Why::LivenessHolds(1));
    assert_eq!(
        accepted(&pool, &refuted(&[0, 1], Refutation::Liveness)),
        [Claim::SimultaneousRefuted(2), Claim::SequentialRefuted(2)]
    );
    let free = three_threes();
    assert_eq!(refusal(&free, &refuted(&[0, 1, 2], Refutation::Liveness)), Why::LivenessHolds(3));
}

#[test]
fn exhaustion_tries_everything_within_the_announced_number() {
    let pool = three_threes();
    assert_eq!(accepted(&pool, &refuted(&[0], exhaustion(&[0, 1, 2], 100))), ONE);
    assert_eq!(refusal(&pool, &refuted(&[0], exhaustion(&[0, 1], 100))), Why::Placed);
    assert_eq!(refusal(&pool, &refuted(&[0], exhaustion(&[], 100))), Why::Placed);
    // The hosts are alike: the first item goes on one of them, the second on the other.
    assert_eq!(accepted(&pool, &refuted(&[0], exhaustion(&[0, 1, 2], 2))), ONE);
    assert_eq!(refusal(&pool, &refuted(&[0], exhaustion(&[0, 1, 2], 1))), Why::SearchTooLong(1));
    assert_eq!(refusal(&pool, &refuted(&[0], exhaustion(&[0, 1, 1], 9))), Why::NotToPlace(v(1)));
}

#[test]
fn hosts_are_alike_only_where_nothing_tells_them_apart() {
    // v0 takes 1 MiB and 1 GPU, v1 2 and 2. Both hosts have 2 MiB free, but 3 and 1 GPUs: v0 belongs on h2.
    let mut gpus = spec(&[(0, &[1, 2]), (2, &[]), (2, &[])]);
    for (host, gpu) in [(0, 3), (1, 3), (2, 1)] {
        gpus.hosts[host].resources = vec![("gpu".into(), gpu)];
    }
    for (vm, gpu) in [(0, 1), (1, 2)] {
        gpus.vms[vm].resources = vec![("gpu".into(), gpu)];
    }
    assert_eq!(refusal(&built(&gpus), &refuted(&[0], exhaustion(&[0, 1], 99))), Why::Placed);
    // v1 may not join v2 on h2: v0 belongs there.
    let mut apart = spec(&[(0, &[1, 1]), (1, &[]), (1, &[1])]);
    group(&mut apart, Rule::AntiAffinity, &[1, 2]);
    assert_eq!(refusal(&built(&apart), &refuted(&[0], exhaustion(&[0, 1], 99))), Why::Placed);
    // v1 may only run on h1: v0 belongs on h2.
    let mut restricted = spec(&[(0, &[1, 1]), (1, &[]), (1, &[])]);
    restricted.vms[1].allowed_hosts = Some(vec!["h1".into()]);
    assert_eq!(refusal(&built(&restricted), &refuted(&[0], exhaustion(&[0, 1], 99))), Why::Placed);
}

#[test]
fn a_filling_tries_every_host_once_in_its_order() {
    let filling =
        |order: &[usize]| Refutation::Filling { order: order.iter().map(|&host| h(host)).collect() };
    // 3 + 3 + 4 into 5 + 5: volume fits exactly, no filling does.
    let tight = pool(&[(0, &[4, 3, 3]), (5, &[]), (5, &[])]);
    assert_eq!(accepted(&tight, &refuted(&[0], filling(&[1, 2]))), ONE);
    assert_eq!(accepted(&tight, &refuted(&[0], filling(&[2, 1]))), ONE);
    for wrong in [&[1][..], &[1, 1], &[0, 1, 2], &[1, 2, 9], &[]] {
        assert_eq!(refusal(&tight, &refuted(&[0], filling(wrong))), Why::FillingOrder, "{wrong:?}");
    }
    let roomy = pool(&[(0, &[4, 3, 3]), (6, &[]), (4, &[])]);
    assert_eq!(refusal(&roomy, &refuted(&[0], filling(&[1, 2]))), Why::FillingFits);
    assert_eq!(refusal(&roomy, &refuted(&[0], filling(&[2, 1]))), Why::FillingFits);
}

#[test]
fn cases_are_the_hosts_that_can_take_the_item() {
    let pool = three_threes();
    let left = || values(&[1], &[(1, 1), (2, 1)]);
    let cases = |cases: Vec<(usize, Refutation)>| Refutation::Cases {
        item: v(0),
        cases: cases.into_iter().map(|(host, refutation)| (h(host), refutation)).collect(),
    };
    assert_eq!(accepted(&pool, &refuted(&[0], cases(vec![(1, left()), (2, left())]))), ONE);
    for wrong in [
        cases(vec![(1, left())]),
        cases(vec![(2, left()), (1, left())]),
        cases(vec![(0, left()), (1, left()), (2, left())]),
        cases(vec![(1, left()), (2, left()), (9, left())]),
    ] {
        assert_eq!(refusal(&pool, &refuted(&[0], wrong)), Why::Cases(v(0)));
    }
    // In a case the item is placed, and waits no more.
    let again = cases(vec![(1, values(&[1], &[(0, 1), (1, 1), (2, 1)])), (2, left())]);
    assert_eq!(refusal(&pool, &refuted(&[0], again)), Why::NotToPlace(v(0)));
}

#[test]
fn members_that_must_be_apart_need_as_many_domains() {
    let mut spec = spec(&[(9, &[1]), (9, &[1]), (9, &[]), (9, &[1])]);
    group(&mut spec, Rule::AntiAffinity, &[0, 1]);
    let members = |vms: &[usize]| Refutation::Separation {
        group: lifeboat_model::GroupIndex::new(0),
        members: vms.iter().map(|&vm| v(vm)).collect(),
    };
    let pool = built(&spec);
    let room = Why::DomainsLeft { domains: 2, members: 2 };
    assert_eq!(refusal(&pool, &refuted(&[0, 1], members(&[0, 1]))), room);
    assert_eq!(
        accepted(&pool, &refuted(&[0, 1, 2], members(&[0, 1]))),
        [Claim::SimultaneousRefuted(3), Claim::SequentialRefuted(3)]
    );
    let separated = Why::NotSeparated(lifeboat_model::GroupIndex::new(0));
    assert_eq!(refusal(&pool, &refuted(&[0, 1, 3], members(&[0, 2]))), separated);
    assert!(matches!(refusal(&pool, &refuted(&[0, 1, 2], members(&[0, 0]))), Why::NotToPlace(_)));
    // A group of one colour keeps nobody apart.
    let mut together = self::spec(&[(9, &[1, 1]), (9, &[]), (9, &[])]);
    group(&mut together, Rule::AntiAffinity, &[0, 1]);
    let pool = built(&together);
    assert_eq!(refusal(&pool, &refuted(&[0, 1], members(&[0, 1]))), separated);
}
