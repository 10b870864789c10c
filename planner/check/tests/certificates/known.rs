//! Pools on which the field's reference planner is known to go wrong.
use crate::build::{
    accepted, ascending, at_once, built, full_tree, h, hs, in_turn, pool, refusal, refuted, spec, tree, v,
    volume,
};
use lifeboat_check::{Claim, Why};
use lifeboat_model::certificate::{
    Certificate, Closure, Placement, Policy, Refutation, Refuted, SequentialRefuted, Strategy,
};

#[test]
fn greedy_worst_fit_says_none_where_one_failure_is_survived() {
    let pool = pool(&[(40, &[]), (30, &[]), (0, &[30, 20, 20])]);
    let right = full_tree(&pool, ascending(&pool), 1, Placement::Incremental, false);
    assert_eq!(accepted(&pool, &at_once(1, right.clone())), [Claim::SimultaneousProven(1)]);
    assert_eq!(accepted(&pool, &in_turn(1, right.clone())), [Claim::SequentialProven(1)]);
    // The greedy policy does get stuck: 30 to the emptiest host, then 20 and 20 on 10 and 30.
    let mut greedy = right;
    greedy.policy = Policy::WorstFit { weights: vec![1] };
    assert_eq!(refusal(&pool, &in_turn(1, greedy)), Why::Stuck { node: 3, vm: v(2) });
    assert_eq!(
        accepted(&pool, &refuted(&[0, 2], volume(&pool, &[0, 1, 2]))),
        [Claim::SimultaneousRefuted(2), Claim::SequentialRefuted(2)]
    );
}

#[test]
fn two_die_at_once_and_a_packing_exists_that_greedy_misses() {
    let pool = pool(&[(0, &[3, 2]), (6, &[2]), (4, &[]), (3, &[])]);
    let greedy = Policy::WorstFit { weights: vec![1] };
    let mut certificate = full_tree(&pool, greedy, 2, Placement::Joint, false);
    assert!(matches!(refusal(&pool, &at_once(2, certificate.clone())), Why::Stuck { node: 2, .. }));
    // Node 2 is {h0, h1}: 3 on h3, both 2 on h2.
    certificate.nodes[2].placement = Placement::Explicit;
    certificate.packings = vec![vec![(v(0), h(3)), (v(1), h(2)), (v(2), h(2))]];
    assert_eq!(accepted(&pool, &at_once(2, certificate.clone())), [Claim::SimultaneousProven(2)]);
    certificate.packings = vec![vec![(v(0), h(3)), (v(1), h(2)), (v(2), h(3))]];
    let overfull = Why::Packing { node: 2, fault: "a host cannot take its item" };
    assert_eq!(refusal(&pool, &at_once(2, certificate)), overfull);
}

#[test]
fn two_at_once_are_survived_but_only_one_in_turn() {
    let pool = pool(&[(6, &[5, 2]), (4, &[]), (5, &[]), (1, &[3, 3]), (5, &[])]);
    let both = |vms: [usize; 2]| Refutation::Values {
        surrogate: vec![1],
        values: vms.iter().map(|&vm| (v(vm), 1)).collect(),
    };
    let dies = |host: usize, refutation| Strategy::AtOnce(Refuted { failed: hs(&[host]), refutation });
    let nowhere = Refutation::Cases { item: v(0), cases: Vec::new() };
    // The 5 goes to h2 or h4, the 2 to h1 or the other of these.
    let answers =
        vec![dies(3, both([2, 3])), dies(2, nowhere.clone()), dies(3, both([2, 3])), dies(4, nowhere)];
    // The answers belong to the placements in their order.
    let mut swapped = answers.clone();
    swapped.swap(0, 1);
    let strategy = Strategy::Fail { host: h(0), answers: swapped };
    let sequential_refuted = Some(SequentialRefuted { failures: 2, strategy });
    let wrong = Certificate { sequential_refuted, ..Certificate::default() };
    assert_eq!(refusal(&pool, &wrong), Why::Cases(v(0)));
    let strategy = Strategy::Fail { host: h(0), answers };
    let mut certificate = Certificate {
        sequential_refuted: Some(SequentialRefuted { failures: 2, strategy }),
        ..at_once(2, full_tree(&pool, ascending(&pool), 2, Placement::Joint, false))
    };
    let one = in_turn(1, full_tree(&pool, ascending(&pool), 1, Placement::Incremental, true));
    certificate.sequential_proven = one.sequential_proven;
    assert_eq!(
        accepted(&pool, &certificate),
        [Claim::SimultaneousProven(2), Claim::SequentialProven(1), Claim::SequentialRefuted(2)]
    );
    let two = in_turn(2, full_tree(&pool, ascending(&pool), 2, Placement::Incremental, true));
    assert!(matches!(refusal(&pool, &two), Why::Stuck { .. }));
}

#[test]
fn one_large_vm_does_not_make_every_vm_count_as_large() {
    let small = [2; 10];
    let with_large = [64, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2];
    let mut hosts: Vec<(u64, &[u64])> = vec![(100, &small[..]); 33];
    hosts[7] = (100, &with_large);
    let pool = pool(&hosts);
    let blocks = Policy::BestBlock { chain: vec![2, 64] };
    let mut certificate = at_once(26, tree(&pool, blocks.clone(), Closure::AnyFit));
    certificate.sequential_proven =
        in_turn(26, tree(&pool, blocks.clone(), Closure::Slots)).sequential_proven;
    assert!(matches!(refusal(&pool, &certificate), Why::TestFails { test: "stuck test", .. }));
    // The large one needs a bucket of its own.
    let mut bucketed = tree(&pool, blocks.clone(), Closure::AnyFit);
    bucketed.tests.buckets = vec![3];
    certificate.simultaneous_proven = at_once(26, bucketed.clone()).simultaneous_proven;
    assert_eq!(accepted(&pool, &certificate), [Claim::SimultaneousProven(26), Claim::SequentialProven(26)]);
    assert!(matches!(refusal(&pool, &at_once(28, bucketed)), Why::TestFails { .. }));
    assert!(matches!(
        refusal(&pool, &in_turn(28, tree(&pool, blocks, Closure::Slots))),
        Why::TestFails { .. }
    ));
}

#[test]
fn one_vm_with_a_local_disk_is_left_out_and_the_rest_is_proven() {
    let mut local = spec(&[(4, &[4, 3]), (4, &[]), (4, &[])]);
    local.vms[1].allowed_hosts = Some(vec!["h0".into()]);
    let pool = built(&local);
    let certificate = at_once(1, full_tree(&pool, ascending(&pool), 1, Placement::Incremental, false));
    assert_eq!(accepted(&pool, &certificate), [Claim::SimultaneousProven(1)]);
    // Where it could go somewhere else, it counts: 4 fills h1, and h2 is not for it.
    local.vms[1].allowed_hosts = Some(vec!["h0".into(), "h1".into()]);
    assert_eq!(refusal(&built(&local), &certificate), Why::Stuck { node: 1, vm: v(1) });
}
