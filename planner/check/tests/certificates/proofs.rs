//! Proofs of survival: what each field of a tree is for.
use crate::build::{
    accepted, ascending, at_once, built, full_tree, h, hs, in_turn, judge, pool, refusal, spec, tree, v,
};
use lifeboat_check::{Claim, Why};
use lifeboat_model::Pool;
use lifeboat_model::certificate::{Certificate, Closure, Node, Placement, Policy, Proof, Proven, Tree};
use lifeboat_model::spec::HostState;

/// Four hosts alike, a VM of 2 on each, room for two more on each.
fn even() -> Pool {
    pool(&[(4, &[2]), (4, &[2]), (4, &[2]), (4, &[2])])
}

fn closed(pool: &Pool, closure: Closure) -> Tree {
    let policy = match closure {
        Closure::Slots => Policy::BestBlock { chain: vec![2] },
        _ => ascending(pool),
    };
    tree(pool, policy, closure)
}

fn nothing(failures: u32) -> Certificate {
    Certificate {
        simultaneous_proven: Some(Proven { failures, proof: Proof::Nothing }),
        ..Certificate::default()
    }
}

#[test]
fn each_closure_proves_exactly_as_many_failures_as_there_is_room_for() {
    let pool = even();
    for closure in [Closure::AnyFit, Closure::Slots, Closure::FixedOrder] {
        for failures in 0..=2 {
            let tree = closed(&pool, closure);
            assert_eq!(
                accepted(&pool, &at_once(failures, tree.clone())),
                [Claim::SimultaneousProven(failures)],
                "{closure:?}"
            );
            assert_eq!(accepted(&pool, &in_turn(failures, tree)), [Claim::SequentialProven(failures)]);
        }
        // Three VMs of 2 do not fit the last host's 4.
        for certificate in [at_once(3, closed(&pool, closure)), in_turn(3, closed(&pool, closure))] {
            assert!(matches!(refusal(&pool, &certificate), Why::TestFails { node: 0, .. }), "{closure:?}");
        }
    }
}

#[test]
fn nothing_needs_no_place_only_where_that_is_so() {
    assert_eq!(accepted(&even(), &nothing(0)), [Claim::SimultaneousProven(0)]);
    assert_eq!(refusal(&even(), &nothing(1)), Why::SomethingToPlace);
    let empty = pool(&[(1, &[]), (1, &[])]);
    assert_eq!(accepted(&empty, &nothing(2)), [Claim::SimultaneousProven(2)]);
    assert_eq!(refusal(&empty, &nothing(3)), Why::MoreThanHosts { failures: 3, hosts: 2 });
}

#[test]
fn all_hosts_cannot_fail_where_a_vm_needs_a_place() {
    let pool = even();
    let certificate = at_once(4, closed(&pool, Closure::AnyFit));
    assert_eq!(refusal(&pool, &certificate), Why::EveryHostFails);
    assert_eq!(refusal(&pool, &nothing(5)), Why::MoreThanHosts { failures: 5, hosts: 4 });
    // Nor all targets: the only other host is disabled and takes nothing.
    let mut two = spec(&[(9, &[2]), (9, &[2]), (9, &[])]);
    two.hosts[1].state = HostState::Disabled;
    two.hosts[2].state = HostState::Disabled;
    two.vms[0].allowed_hosts = None;
    let pool = built(&two);
    for closure in [Closure::AnyFit, Closure::Slots, Closure::FixedOrder] {
        assert_eq!(accepted(&pool, &at_once(1, closed(&pool, closure))), [Claim::SimultaneousProven(1)]);
        let both = at_once(2, closed(&pool, closure));
        assert!(matches!(refusal(&pool, &both), Why::TestFails { .. }), "{closure:?}");
    }
}

#[test]
fn the_order_is_every_host_that_can_fail_once() {
    let pool = even();
    for order in [hs(&[0, 1, 2]), hs(&[0, 1, 2, 2]), hs(&[0, 1, 2, 3, 3]), hs(&[0, 1, 2, 9]), hs(&[])] {
        let tree = Tree { order, ..closed(&pool, Closure::AnyFit) };
        assert_eq!(refusal(&pool, &at_once(1, tree)), Why::TreeOrder);
    }
}

#[test]
fn nodes_are_neither_missing_nor_left_over() {
    let pool = even();
    let right = full_tree(&pool, ascending(&pool), 2, Placement::Incremental, false);
    assert_eq!(accepted(&pool, &at_once(2, right.clone())), [Claim::SimultaneousProven(2)]);
    let mut short = right.clone();
    short.nodes.pop();
    assert_eq!(refusal(&pool, &at_once(2, short)), Why::NodesMissing);
    let mut empty = right.clone();
    empty.nodes.clear();
    assert_eq!(refusal(&pool, &at_once(2, empty)), Why::NodesMissing);
    let mut long = right.clone();
    long.nodes.push(Node { placement: Placement::Incremental, closure: Closure::Done });
    assert_eq!(refusal(&pool, &at_once(2, long)), Why::LeftOver("nodes"));
    let mut packed = right.clone();
    packed.packings.push(Vec::new());
    assert_eq!(refusal(&pool, &at_once(2, packed)), Why::LeftOver("packings"));
    // A sequential tree has a child for every host that is alive, not only for later ones.
    assert!(judge(&pool, &in_turn(2, right)).is_err());
}

#[test]
fn a_node_is_not_done_while_hosts_may_fail_and_does_not_branch_while_none_may() {
    let pool = even();
    let mut early = full_tree(&pool, ascending(&pool), 1, Placement::Incremental, false);
    assert_eq!(refusal(&pool, &at_once(2, early.clone())), Why::FailuresLeft { node: 1, left: 1 });
    early.nodes[1].closure = Closure::Branch;
    assert_eq!(refusal(&pool, &at_once(1, early)), Why::FailuresLeft { node: 1, left: 0 });
    let done = tree(&pool, ascending(&pool), Closure::Done);
    assert_eq!(refusal(&pool, &in_turn(1, done)), Why::FailuresLeft { node: 0, left: 1 });
}

#[test]
fn in_a_sequential_tree_what_fails_now_is_placed_by_the_policy_or_by_a_packing() {
    let pool = even();
    let joint = full_tree(&pool, ascending(&pool), 1, Placement::Joint, true);
    assert_eq!(refusal(&pool, &in_turn(1, joint)), Why::NotByPolicy(1));
    let mut at_root = full_tree(&pool, ascending(&pool), 1, Placement::Incremental, true);
    at_root.nodes[1].closure = Closure::AnyFitAtRoot;
    assert_eq!(refusal(&pool, &in_turn(1, at_root.clone())), Why::NotByPolicy(1));
    assert_eq!(accepted(&pool, &at_once(1, at_root)), [Claim::SimultaneousProven(1)]);
    // Two failures: h1 takes v0 from h0, and fails with v1 and v0; node 3 is that.
    let mut packed = full_tree(&pool, ascending(&pool), 2, Placement::Incremental, true);
    packed.nodes[2].placement = Placement::Explicit;
    packed.packings = vec![vec![(v(0), h(2)), (v(1), h(3))]];
    assert_eq!(accepted(&pool, &in_turn(2, packed.clone())), [Claim::SequentialProven(2)]);
    for wrong in [
        vec![(v(1), h(3))],
        vec![(v(0), h(2)), (v(1), h(3)), (v(2), h(3))],
        vec![(v(0), h(0)), (v(1), h(3))],
        vec![(v(2), h(3)), (v(1), h(3))],
    ] {
        packed.packings = vec![wrong];
        assert!(matches!(refusal(&pool, &in_turn(2, packed.clone())), Why::Packing { node: 2, .. }));
    }
}

#[test]
fn the_tests_of_the_root_hold_for_a_prefix_or_do_not() {
    // h0 and h1 are too much at once, every other pair is not.
    let pool = pool(&[(0, &[2, 2]), (0, &[2, 2]), (3, &[]), (3, &[])]);
    let root = tree(&pool, ascending(&pool), Closure::AnyFit);
    assert!(matches!(refusal(&pool, &at_once(2, root.clone())), Why::TestFails { node: 0, .. }));
    let mut below = root;
    let node = |closure| Node { placement: Placement::Incremental, closure };
    below.order = hs(&[2, 3, 0, 1]);
    below.nodes = vec![
        node(Closure::Branch),
        node(Closure::AnyFitAtRoot),
        node(Closure::AnyFitAtRoot),
        node(Closure::AnyFitAtRoot),
        node(Closure::AnyFitAtRoot),
    ];
    assert!(matches!(refusal(&pool, &at_once(2, below)), Why::TestFails { .. }));
}

#[test]
fn closures_need_their_policy() {
    let pool = even();
    let mut slots = closed(&pool, Closure::Slots);
    slots.policy = ascending(&pool);
    assert!(matches!(refusal(&pool, &in_turn(1, slots)), Why::ClosureNeeds { node: 0, .. }));
    let mut fixed = closed(&pool, Closure::FixedOrder);
    fixed.policy = Policy::BestFit { weights: vec![1] };
    assert!(matches!(refusal(&pool, &in_turn(1, fixed)), Why::ClosureNeeds { node: 0, .. }));
}

#[test]
fn policies_are_well_formed() {
    let pool = even();
    let with = |policy| at_once(1, Tree { policy, ..closed(&pool, Closure::AnyFit) });
    for order in [hs(&[0, 1, 2]), hs(&[0, 1, 2, 3, 0]), hs(&[0, 1, 2, 70])] {
        let policy = Policy::FirstFit { weights: vec![1], order };
        assert_eq!(refusal(&pool, &with(policy)), Why::Policy("the order is not every target once"));
    }
    for weights in [vec![], vec![1, 1], vec![(1 << 40) + 1], vec![u64::MAX]] {
        let refused = refusal(&pool, &with(Policy::BestFit { weights }));
        assert!(matches!(refused, Why::OutOfRange(_)), "{refused}");
    }
    for chain in [vec![], vec![1], vec![2, 3], vec![2, 2], vec![4, 2], vec![0, 2], vec![2, u64::MAX]] {
        let refused = refusal(&pool, &with(Policy::BestBlock { chain }));
        assert!(matches!(refused, Why::Policy(_) | Why::OutOfRange(_)), "{refused}");
    }
}

#[test]
fn stuck_tests_are_well_formed() {
    let pool = even();
    let with = |change: &dyn Fn(&mut Tree)| {
        let mut tree = closed(&pool, Closure::AnyFit);
        change(&mut tree);
        at_once(1, tree)
    };
    let none = with(&|tree| tree.tests.multipliers.clear());
    assert!(matches!(refusal(&pool, &none), Why::TestFails { .. }));
    let zero = with(&|tree| tree.tests.multipliers = vec![vec![0]]);
    assert!(matches!(refusal(&pool, &zero), Why::TestFails { .. }));
    let wide = with(&|tree| tree.tests.multipliers = vec![vec![1, 1]]);
    assert!(matches!(refusal(&pool, &wide), Why::OutOfRange(_)));
    let large = with(&|tree| tree.tests.multipliers = vec![vec![u64::MAX]]);
    assert!(matches!(refusal(&pool, &large), Why::OutOfRange(_)));
    let many = with(&|tree| tree.tests.multipliers = vec![vec![1]; 17]);
    assert!(matches!(refusal(&pool, &many), Why::Tests(_)));
    let buckets = with(&|tree| tree.tests.buckets = vec![2, 2]);
    assert!(matches!(refusal(&pool, &buckets), Why::Tests(_)));
}

#[test]
fn rounding_counts_what_sizes_can_fill() {
    // A host with 4 free that refuses a 4 holds at least 1; of VMs of 4, at least 4.
    let hosts = |last| pool(&[(0, &[4, 4, 4]), (4, &[]), (4, &[]), (last, &[])]);
    let mut tree = closed(&hosts(4), Closure::AnyFit);
    tree.order = hs(&[0, 1, 2, 3]);
    assert!(matches!(refusal(&hosts(4), &at_once(1, tree.clone())), Why::TestFails { .. }));
    tree.tests.rounded = true;
    assert_eq!(accepted(&hosts(4), &at_once(1, tree.clone())), [Claim::SimultaneousProven(1)]);
    assert!(matches!(refusal(&hosts(3), &at_once(1, tree)), Why::Policy(_) | Why::TestFails { .. }));
}

#[test]
fn small_hosts_count_only_where_the_fixed_order_tries_them_first() {
    // The 2s must go to the small hosts, or no room is left for the 11 where it fits.
    let pool = pool(&[(0, &[11, 2, 2, 2, 2, 2, 2]), (10, &[]), (10, &[]), (10, &[]), (20, &[])]);
    let with = |order: &[usize]| {
        let policy = Policy::FirstFit { weights: vec![1], order: hs(order) };
        in_turn(1, tree(&pool, policy, Closure::FixedOrder))
    };
    assert_eq!(accepted(&pool, &with(&[0, 1, 2, 3, 4])), [Claim::SequentialProven(1)]);
    assert!(matches!(refusal(&pool, &with(&[4, 0, 1, 2, 3])), Why::TestFails { .. }));
}

#[test]
fn an_explicit_packing_places_every_item_of_the_failed_hosts_once() {
    let pool = pool(&[(0, &[2, 3]), (3, &[]), (3, &[])]);
    let explicit = |packing: &[(usize, usize)]| {
        let mut tree = full_tree(&pool, ascending(&pool), 1, Placement::Incremental, false);
        tree.nodes[1].placement = Placement::Explicit;
        tree.packings = vec![packing.iter().map(|&(vm, host)| (v(vm), h(host))).collect()];
        at_once(1, tree)
    };
    assert_eq!(accepted(&pool, &explicit(&[(0, 2), (1, 1)])), [Claim::SimultaneousProven(1)]);
    assert_eq!(accepted(&pool, &explicit(&[(1, 2), (0, 1)])), [Claim::SimultaneousProven(1)]);
    for wrong in [
        &[(0, 1), (1, 1)][..],
        &[(0, 0), (1, 1)],
        &[(0, 2)],
        &[(0, 2), (0, 1)],
        &[(0, 2), (1, 1), (1, 2)],
        &[(0, 2), (7, 1)],
        &[(0, 2), (1, 9)],
        &[],
    ] {
        assert!(matches!(refusal(&pool, &explicit(wrong)), Why::Packing { node: 1, .. }), "{wrong:?}");
    }
    let mut none = full_tree(&pool, ascending(&pool), 1, Placement::Explicit, false);
    none.packings.clear();
    assert_eq!(refusal(&pool, &at_once(1, none)), Why::Packing { node: 1, fault: "none is left" });
}

#[test]
fn what_is_not_memory_counts_too() {
    let mut two = spec(&[(8, &[2, 2]), (8, &[]), (8, &[])]);
    for (position, gpus) in [2, 1, 1].into_iter().enumerate() {
        two.hosts[position].resources = vec![("gpu".into(), gpus)];
    }
    for vm in &mut two.vms {
        vm.resources = vec![("gpu".into(), 1)];
    }
    let closed = |pool: &Pool, closure, l: [u64; 2]| {
        let mut tree = closed(pool, closure);
        tree.tests.multipliers = vec![l.to_vec()];
        in_turn(1, tree)
    };
    let enough = built(&two);
    assert_eq!(accepted(&enough, &closed(&enough, Closure::AnyFit, [0, 1])), [Claim::SequentialProven(1)]);
    for closure in [Closure::Slots, Closure::FixedOrder] {
        let refused = refusal(&enough, &closed(&enough, closure, [0, 1]));
        assert!(matches!(refused, Why::ClosureNeeds { .. }), "{closure:?}");
    }
    // One GPU less, and no multiplier proves it.
    two.hosts[1].resources = vec![("gpu".into(), 0)];
    let short = built(&two);
    for l in [[0, 1], [1, 0], [1, 1]] {
        assert!(matches!(refusal(&short, &closed(&short, Closure::AnyFit, l)), Why::TestFails { .. }));
    }
    // Plenty of them, and memory decides.
    for host in &mut two.hosts {
        host.resources = vec![("gpu".into(), 9)];
    }
    let plenty = built(&two);
    for closure in [Closure::Slots, Closure::FixedOrder] {
        assert_eq!(accepted(&plenty, &closed(&plenty, closure, [1, 0])), [Claim::SequentialProven(1)]);
    }
}
