//! Where a greedy packing, tried failure after failure, answers wrongly.
use super::{restarts, tolerates};
use lifeboat_tests::by_hand::pool;

#[test]
fn greedy_puts_the_largest_on_the_emptiest_host_and_then_reports_none_where_one_is_tolerated() {
    let (pool, answer) = tolerates(&pool(&[40, 30, 0], &[&[], &[], &[30, 20, 20]]), 1, 1);
    assert_eq!(restarts(&pool, &answer, &[2]), [(0, 1), (1, 0), (2, 0)]);
}

#[test]
fn two_that_die_together_are_survived_where_greedy_only_survives_them_in_turn() {
    let spec = pool(&[0, 6, 4, 3], &[&[3, 2], &[2]]);
    let (pool, answer) = super::assessed(&spec);
    assert_eq!(answer.tolerance.simultaneous.proven, Some(2));
    assert_eq!(restarts(&pool, &answer, &[0, 1]), [(0, 3), (1, 2), (2, 2)]);
    lifeboat_tests::judge::judge(&spec).expect("all promises kept");
}

#[test]
fn the_hole_of_the_reference_planner_is_closed() {
    let spec = pool(&[5, 7, 1, 9], &[&[], &[], &[5, 3], &[3]]);
    let (pool, answer) = super::assessed(&spec);
    assert_eq!(answer.tolerance.simultaneous.proven, Some(2));
    assert_eq!(restarts(&pool, &answer, &[2, 3]).len(), 3);
    lifeboat_tests::judge::judge(&spec).expect("all promises kept");
}

#[test]
fn the_second_example_of_two_that_die_together_has_a_plan() {
    let spec = pool(&[4, 4, 7, 5], &[&[], &[4, 2], &[3]]);
    let (pool, answer) = super::assessed(&spec);
    assert_eq!(answer.tolerance.simultaneous.proven, Some(2));
    assert_eq!(restarts(&pool, &answer, &[1, 2]).len(), 3);
    lifeboat_tests::judge::judge(&spec).expect("all promises kept");
}

#[test]
fn two_at_once_does_not_mean_two_in_turn() {
    tolerates(&pool(&[6, 4, 5, 1, 5], &[&[5, 2], &[], &[], &[3, 3]]), 2, 1);
}

#[test]
fn two_at_once_does_not_mean_two_in_turn_with_four_hosts() {
    tolerates(&pool(&[8, 10, 8, 5], &[&[7, 2], &[], &[4], &[6, 3]]), 2, 1);
}

#[test]
fn two_at_once_does_not_mean_two_in_turn_even_for_equal_sizes_with_eligible_sets() {
    let mut spec = pool(&[2, 1, 1, 1], &[&[1], &[1], &[1], &[1]]);
    for (vm, hosts) in [(1, ["h0", "h1", "h3"]), (2, ["h0", "h1", "h2"]), (3, ["h0", "h2", "h3"])] {
        spec.vms[vm].allowed_hosts = Some(hosts.map(String::from).to_vec());
    }
    tolerates(&spec, 2, 1);
}
