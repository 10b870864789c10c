//! The oracle against cases worked out by hand. What judges the planner must itself be judged.
use lifeboat_model::Pool;
use lifeboat_model::spec::{PoolSpec, RestartPriority, Rule};
use lifeboat_tests::by_hand::{pool, rule};
use lifeboat_tests::oracle::{Budget, Settled, World};
use lifeboat_tests::tiny;

/// Simultaneous and sequential tolerance after the only, or the first, pending placement.
fn tolerances(spec: &PoolSpec) -> Option<(usize, usize)> {
    Pool::new(spec).expect("a pool without defects");
    let world = World::new(spec);
    let mut budget = Budget(50_000_000);
    let placements = world.pending_placements(&mut budget).expect("enough budget");
    let settled = Settled::new(&world, placements.first()?);
    let simultaneous = settled.simultaneous(&mut budget).expect("enough budget");
    Some((simultaneous, settled.sequential(&mut budget).expect("enough budget")))
}

#[test]
fn a_packing_that_greedy_misses_is_found() {
    assert_eq!(tolerances(&pool(&[40, 30, 0], &[&[], &[], &[30, 20, 20]])), Some((1, 1)));
}

#[test]
fn at_once_and_in_turn_differ_where_they_should() {
    assert_eq!(tolerances(&pool(&[6, 4, 5, 1, 5], &[&[5, 2], &[], &[], &[3, 3]])), Some((2, 1)));
    assert_eq!(tolerances(&pool(&[8, 10, 8, 5], &[&[7, 2], &[], &[4], &[6, 3]])), Some((2, 1)));
}

#[test]
fn both_of_the_reference_planners_holes_are_survivable_at_once() {
    assert_eq!(
        tolerances(&pool(&[0, 6, 4, 3], &[&[3, 2], &[2]])).map(|(simultaneous, _)| simultaneous),
        Some(2)
    );
    let hole = pool(&[5, 7, 1, 9], &[&[], &[], &[5, 3], &[3]]);
    assert_eq!(tolerances(&hole).map(|(simultaneous, _)| simultaneous), Some(2));
}

#[test]
fn equal_sizes_with_eligible_sets_are_survived_at_once_but_not_in_turn() {
    let mut spec = pool(&[2, 1, 1, 1], &[&[1], &[1], &[1], &[1]]);
    for (vm, hosts) in [(1, ["h0", "h1", "h3"]), (2, ["h0", "h1", "h2"]), (3, ["h0", "h2", "h3"])] {
        spec.vms[vm].allowed_hosts = Some(hosts.map(String::from).to_vec());
    }
    assert_eq!(tolerances(&spec), Some((2, 1)));
}

#[test]
fn a_pool_without_protected_vms_survives_the_loss_of_every_host() {
    assert_eq!(tolerances(&pool(&[1, 1, 1], &[])), Some((3, 3)));
    assert_eq!(tolerances(&pool(&[1, 1, 1], &[&[0]])), Some((2, 2)));
}

#[test]
fn anti_affinity_keeps_members_apart_but_lets_be_what_is_broken_already() {
    let mut spec = pool(&[9, 9, 9], &[&[1], &[1]]);
    spec.groups.push(rule(Rule::AntiAffinity, &["v0", "v1"]));
    assert_eq!(tolerances(&spec), Some((1, 1)));
    let mut broken = pool(&[9, 9, 9], &[&[1, 1]]);
    broken.groups.push(rule(Rule::AntiAffinity, &["v0", "v1"]));
    assert_eq!(tolerances(&broken), Some((2, 2)));
}

#[test]
fn an_unprotected_member_keeps_others_out_until_its_host_fails() {
    let mut spec = pool(&[9, 9], &[&[1], &[1]]);
    spec.vms[1].restart_priority = RestartPriority::Unprotected;
    spec.groups.push(rule(Rule::AntiAffinity, &["v0", "v1"]));
    assert_eq!(tolerances(&spec), Some((0, 0)));
    // With a fault domain of two hosts the second one frees the place of the first.
    let mut racks = pool(&[9, 9, 9], &[&[1], &[1], &[]]);
    racks.vms[1].restart_priority = RestartPriority::Unprotected;
    for host in &mut racks.hosts[1..] {
        host.fault_domain = Some("rack".into());
    }
    racks.groups.push(rule(Rule::Spread, &["v0", "v1"]));
    assert_eq!(tolerances(&racks), Some((0, 0)));
    let world = World::new(&racks);
    let settled = Settled::new(&world, &[]);
    assert_eq!(settled.survives(&[0], &mut Budget(1000)), Some(false));
    assert_eq!(settled.survives(&[0, 1], &mut Budget(1000)), Some(true));
}

#[test]
fn affinity_merges_vms_of_one_host_and_lets_be_what_is_apart() {
    let mut spec = pool(&[0, 3, 3], &[&[2, 2]]);
    assert_eq!(tolerances(&spec), Some((1, 1)));
    spec.groups.push(rule(Rule::Affinity, &["v0", "v1"]));
    assert_eq!(tolerances(&spec), Some((0, 0)));
    let mut apart = pool(&[2, 2, 4], &[&[2], &[2]]);
    apart.groups.push(rule(Rule::Affinity, &["v0", "v1"]));
    assert_eq!(tolerances(&apart), Some((2, 2)));
}

#[test]
fn pending_vms_are_placed_first_and_a_state_without_room_for_them_is_broken() {
    let mut spec = pool(&[5, 0], &[&[], &[3]]);
    spec.vms[0].host = None;
    spec.vms[0].should_run = true;
    // It could go to either; each placement leaves room on the other only where there is some.
    let world = World::new(&spec);
    let placements = world.pending_placements(&mut Budget(1000)).expect("enough budget");
    assert_eq!(placements, vec![vec![(0, 0)], vec![(0, 1)]]);
    spec.vms[0].memory_mib = 6;
    assert_eq!(tolerances(&spec), None);
    spec.vms[0].allowed_hosts = Some(Vec::new());
    assert_eq!(tolerances(&spec), Some((2, 2)), "unprotectable, not broken");
}

#[test]
fn a_vm_that_no_other_host_could_run_poisons_nothing() {
    let mut spec = pool(&[4, 4], &[&[3], &[2]]);
    spec.vms[0].allowed_hosts = Some(vec!["h0".into()]);
    let world = World::new(&spec);
    assert_eq!(Settled::new(&world, &[]).unprotectable, vec![0]);
    assert_eq!(tolerances(&spec), Some((1, 1)));
}

#[test]
fn the_best_partial_restart_puts_the_first_order_first() {
    let mut spec = pool(&[0, 3], &[&[3, 1, 1, 1]]);
    spec.vms[0].order = 0;
    for vm in &mut spec.vms[1..] {
        vm.order = 1;
    }
    let world = World::new(&spec);
    let settled = Settled::new(&world, &[]);
    assert_eq!(settled.best(&[0], &mut Budget(10_000)), Some(vec![1, 0]));
    spec.vms[0].order = 1;
    let world = World::new(&spec);
    assert_eq!(Settled::new(&world, &[]).best(&[0], &mut Budget(10_000)), Some(vec![3]));
}

#[test]
fn the_generator_hugs_the_boundary_and_meets_every_feature() {
    let (mut judged, mut by_tolerance, mut differ, mut broken, mut grouped) = (0, [0; 8], 0, 0, 0);
    for seed in 0..2000 {
        let spec = tiny::pool(seed);
        let pool = Pool::new(&spec);
        assert!(pool.is_ok(), "seed {seed}: {:?}", pool.err());
        let world = World::new(&spec);
        let mut budget = Budget(300_000);
        let Some(placements) = world.pending_placements(&mut budget) else { continue };
        let Some(first) = placements.first() else {
            broken += 1;
            continue;
        };
        let settled = Settled::new(&world, first);
        let Some(simultaneous) = settled.simultaneous(&mut budget) else { continue };
        let Some(sequential) = settled.sequential(&mut budget) else { continue };
        assert!(sequential <= simultaneous, "seed {seed}");
        judged += 1;
        by_tolerance[simultaneous] += 1;
        differ += usize::from(sequential < simultaneous);
        grouped += usize::from(!world.apart.is_empty() || !world.together.is_empty());
    }
    println!(
        "{judged} judged, {by_tolerance:?} by tolerance, {differ} differ, {broken} broken, {grouped} grouped"
    );
    assert!(judged >= 1800, "only {judged} judged");
    assert!(by_tolerance[..4].iter().all(|&count| count >= 50), "{by_tolerance:?}");
    assert!(
        differ >= 10 && broken >= 20 && grouped >= 100,
        "{differ} differ, {broken} broken, {grouped} grouped"
    );
}
