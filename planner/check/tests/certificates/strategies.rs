//! Sequential refutations: what each field of a strategy is for.
use crate::build::{accepted, built, h, hs, pool, refusal, spec, v};
use lifeboat_check::{Claim, Why};
use lifeboat_model::Pool;
use lifeboat_model::certificate::{Certificate, Refutation, Refuted, SequentialRefuted, Strategy};
use lifeboat_model::spec::StorageLoss;

fn refuted(failures: u32, strategy: Strategy) -> Certificate {
    let sequential_refuted = Some(SequentialRefuted { failures, strategy });
    Certificate { sequential_refuted, ..Certificate::default() }
}

fn dies(hosts: &[usize], items: &[usize]) -> Strategy {
    let items = items.iter().map(|&vm| v(vm)).collect();
    Strategy::AtOnce(Refuted { failed: hs(hosts), refutation: Refutation::Exhaustion { items, nodes: 1000 } })
}

fn fail(host: usize, answers: Vec<Strategy>) -> Strategy {
    Strategy::Fail { host: h(host), answers }
}

/// A VM of 2 on h0; two of the other hosts have room for it.
fn one_vm() -> Pool {
    pool(&[(0, &[2]), (2, &[]), (2, &[])])
}

#[test]
fn an_answer_to_every_placement_wins_and_one_less_does_not() {
    let pool = one_vm();
    // Wherever it goes, that host dies, and the other still takes it; then that one dies too.
    let last = |hosts: &[usize]| dies(hosts, &[0]);
    let won = fail(0, vec![fail(1, vec![last(&[2])]), fail(2, vec![last(&[1])])]);
    assert_eq!(accepted(&pool, &refuted(3, won)), [Claim::SequentialRefuted(3)]);
    let missing = fail(0, vec![fail(1, vec![last(&[2])])]);
    assert_eq!(refusal(&pool, &refuted(3, missing)), Why::Answers);
    let more = fail(0, vec![fail(1, vec![last(&[2])]), fail(2, vec![last(&[1])]), last(&[1])]);
    assert_eq!(refusal(&pool, &refuted(3, more)), Why::Answers);
}

#[test]
fn no_more_hosts_fail_than_claimed_and_each_once() {
    let pool = one_vm();
    let both = |k| refuted(k, fail(0, vec![dies(&[1, 2], &[0]), dies(&[1, 2], &[0])]));
    assert_eq!(accepted(&pool, &both(3)), [Claim::SequentialRefuted(3)]);
    assert_eq!(refusal(&pool, &both(2)), Why::FailureSet);
    assert_eq!(refusal(&pool, &both(4)), Why::MoreThanHosts { failures: 4, hosts: 3 });
    let again = fail(0, vec![dies(&[0, 1], &[0]), dies(&[0, 1], &[0])]);
    assert_eq!(refusal(&pool, &refuted(3, again)), Why::FailureSet);
    let twice = fail(0, vec![fail(0, vec![]), fail(0, vec![])]);
    assert_eq!(refusal(&pool, &refuted(3, twice)), Why::CannotFail(h(0)));
    assert_eq!(refusal(&pool, &refuted(3, fail(9, vec![]))), Why::CannotFail(h(9)));
    assert_eq!(refusal(&pool, &refuted(0, fail(0, vec![]))), Why::CannotFail(h(0)));
    assert_eq!(refusal(&pool, &refuted(3, dies(&[], &[]))), Why::FailureSet);
}

#[test]
fn a_vm_without_a_place_needs_no_answer() {
    let pool = pool(&[(0, &[3]), (2, &[]), (2, &[])]);
    assert_eq!(accepted(&pool, &refuted(1, fail(0, vec![]))), [Claim::SequentialRefuted(1)]);
    assert_eq!(refusal(&pool, &refuted(1, fail(1, vec![]))), Why::Answers);
    assert_eq!(accepted(&pool, &refuted(1, dies(&[0], &[0]))), [Claim::SequentialRefuted(1)]);
}

#[test]
fn liveness_counts_the_hosts_that_failed_before() {
    let mut spec = spec(&[(0, &[2]), (2, &[]), (2, &[])]);
    spec.settings.storage_loss = Some(StorageLoss::Majority);
    let pool = built(&spec);
    let gone =
        |host: usize| Strategy::AtOnce(Refuted { failed: hs(&[host]), refutation: Refutation::Liveness });
    assert_eq!(refusal(&pool, &refuted(1, gone(0))), Why::LivenessHolds(1));
    let second = fail(0, vec![gone(1), gone(1)]);
    assert_eq!(accepted(&pool, &refuted(2, second)), [Claim::SequentialRefuted(2)]);
}
