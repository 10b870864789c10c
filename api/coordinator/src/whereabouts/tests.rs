//! When a VM is proven to be nowhere, and when it is not.
use super::*;
use alloc::string::String;

const VM: VmIndex = VmIndex(0);
const A: HostIndex = HostIndex(0);
const B: HostIndex = HostIndex(1);
const NOW: Instant = Instant::from_micros(1);

fn one_vm() -> Whereabouts {
    let mut whereabouts = Whereabouts::default();
    whereabouts.grow(1);
    whereabouts
}

fn sent_start(whereabouts: &mut Whereabouts, host: HostIndex) -> OrderNumber {
    let proof = whereabouts.nowhere(VM).expect("it is nowhere");
    let order = whereabouts.start(proof, host, NOW);
    assert!(whereabouts.send(order, NOW).is_some(), "nothing speaks against it");
    order
}

fn running(host: HostIndex) -> Whereabouts {
    let mut whereabouts = one_vm();
    whereabouts.record(VM, host, Claim::Runs);
    whereabouts
}

fn failed() -> Outcome {
    Outcome::Failed { reason: String::from("no") }
}

#[test]
fn a_vm_is_nowhere_only_between_the_end_of_one_claim_and_the_next_order() {
    let mut whereabouts = one_vm();
    let order = sent_start(&mut whereabouts, A);
    assert!(whereabouts.nowhere(VM).is_none(), "its start is ordered");
    whereabouts.finished(order, A, &Outcome::Done);
    assert!(whereabouts.nowhere(VM).is_none(), "it runs");
    assert!(whereabouts.stopped(VM, A));
    assert!(whereabouts.nowhere(VM).is_some());
}

#[test]
fn a_vm_that_stopped_is_not_nowhere_while_an_order_to_stop_it_is_outstanding() {
    let mut whereabouts = running(A);
    let order = whereabouts.stop(VM, A, NOW);
    assert!(whereabouts.stopped(VM, A));
    assert!(whereabouts.nowhere(VM).is_none(), "its outcome would be taken for the next run's end");
    whereabouts.finished(order, A, &Outcome::Done);
    assert!(whereabouts.nowhere(VM).is_some());
}

#[test]
fn word_of_an_earlier_run_does_not_end_the_claim_of_an_ordered_start() {
    let mut whereabouts = one_vm();
    let order = sent_start(&mut whereabouts, A);
    assert!(!whereabouts.stopped(VM, A));
    assert_eq!(whereabouts.claims(VM), [(A, Claim::Ordered)]);
    assert!(whereabouts.finished(order, B, &failed()).is_none(), "another host's word about it is none");
    assert!(whereabouts.nowhere(VM).is_none());
    assert!(whereabouts.finished(order, A, &failed()).is_some());
    assert!(whereabouts.nowhere(VM).is_some());
}

#[test]
fn an_inventory_voids_what_was_handed_over_before_it_and_keeps_what_was_not() {
    let mut whereabouts = one_vm();
    sent_start(&mut whereabouts, A);
    let (gone, void) = whereabouts.inventory(A, &BTreeMap::new());
    assert_eq!((gone.len(), void.len()), (0, 1));
    assert!(whereabouts.nowhere(VM).is_none(), "the order may have crossed the inventory");
    assert_eq!(whereabouts.unsettled(VM), Some((A, Unsettled::Contradicted)));
    let stop = whereabouts.stop(VM, A, NOW);
    whereabouts.finished(stop, A, &Outcome::Done);
    let proof = whereabouts.nowhere(VM).expect("it was stopped after it was started, if ever");
    let order = whereabouts.start(proof, A, NOW);
    let (gone, void) = whereabouts.inventory(A, &BTreeMap::new());
    assert_eq!((gone.len(), void.len()), (0, 0), "it will be handed over in the new session");
    assert!(whereabouts.nowhere(VM).is_none());
    assert!(whereabouts.send(order, NOW).is_some());
}

#[test]
fn an_order_is_not_handed_over_when_the_vm_has_turned_up_elsewhere() {
    let mut whereabouts = one_vm();
    let proof = whereabouts.nowhere(VM).expect("it is nowhere");
    let order = whereabouts.start(proof, A, NOW);
    whereabouts.inventory(B, &BTreeMap::from([(VM, Seen::Running)]));
    assert!(whereabouts.send(order, NOW).is_none());
    assert!(whereabouts.take_back(order).is_some());
    assert_eq!(whereabouts.runs_on(VM), Some(B));
}

#[test]
fn what_was_handed_over_is_not_taken_back() {
    let mut whereabouts = one_vm();
    let order = sent_start(&mut whereabouts, A);
    assert!(whereabouts.take_back(order).is_none());
    assert!(whereabouts.nowhere(VM).is_none());
}

#[test]
fn a_doubted_vm_is_nowhere_only_when_every_host_has_spoken() {
    let mut whereabouts = one_vm();
    whereabouts.doubt(VM);
    whereabouts.not_heard(A);
    whereabouts.not_heard(B);
    assert!(whereabouts.nowhere(VM).is_none());
    whereabouts.inventory(A, &BTreeMap::new());
    assert!(whereabouts.nowhere(VM).is_none());
    whereabouts.over(B);
    assert!(whereabouts.nowhere(VM).is_some());
}

#[test]
fn a_host_that_denies_what_the_store_says_makes_the_vm_doubted() {
    let mut whereabouts = one_vm();
    whereabouts.record(VM, A, Claim::Recorded);
    whereabouts.not_heard(A);
    whereabouts.not_heard(B);
    whereabouts.inventory(A, &BTreeMap::new());
    assert!(whereabouts.nowhere(VM).is_none(), "somebody may have moved it to the other");
    whereabouts.inventory(B, &BTreeMap::new());
    assert!(whereabouts.nowhere(VM).is_some());
}

#[test]
fn the_ends_of_a_migration_settle_it_in_every_order_of_their_words() {
    type Word = fn(&mut Whereabouts, OrderNumber);
    type Case<'a> = (&'a str, &'a [Word], &'a [(HostIndex, Claim)]);
    let done: Word = |w, order| assert!(w.finished(order, A, &Outcome::Done).is_some());
    let not_done: Word = |w, order| assert!(w.finished(order, A, &failed()).is_some());
    let source_stopped: Word = |w, _| assert!(w.stopped(VM, A));
    let target_stopped: Word = |w, _| assert!(!w.stopped(VM, B), "the source has still to say");
    let target_runs: Word = |w, _| assert!(w.confirmed(VM, B));
    let source_over: Word = |w, _| assert_eq!(w.over(A).0.len(), 1);
    let target_over: Word = |w, _| assert_eq!(w.over(B).0.len(), 1);
    let cases: [Case<'_>; 11] = [
        ("it arrives", &[done], &[(B, Claim::Runs)]),
        ("it stays", &[not_done], &[(A, Claim::Runs)]),
        ("both say that it arrived", &[target_runs, done], &[(B, Claim::Runs)]),
        ("it crashes on the way, perhaps arriving", &[source_stopped, not_done], &[(B, Claim::Contradicted)]),
        ("the source's hypervisor sees it go first", &[source_stopped, done], &[(B, Claim::Runs)]),
        ("the far end contradicts", &[target_stopped, done], &[(B, Claim::Contradicted)]),
        ("the far end gives up", &[target_stopped, not_done], &[(A, Claim::Runs)]),
        ("the source dies", &[source_over], &[(B, Claim::Arriving)]),
        ("the far end dies, then it fails", &[target_over, not_done], &[(A, Claim::Runs)]),
        ("it arrives on a host that is over", &[target_over, done], &[]),
        ("both die", &[source_over, target_over], &[]),
    ];
    for (name, words, claims) in cases {
        let mut whereabouts = running(A);
        let order = whereabouts.migrate(VM, B, NOW).expect("it runs and is at rest");
        assert!(whereabouts.send(order, NOW).is_some());
        for word in words {
            assert!(whereabouts.nowhere(VM).is_none(), "{name}: too early");
            word(&mut whereabouts, order);
        }
        assert_eq!(whereabouts.claims(VM), claims, "{name}");
        assert_eq!(whereabouts.nowhere(VM).is_some(), claims.is_empty(), "{name}");
    }
}

#[test]
fn a_migration_that_crossed_an_inventory_still_tells_its_outcome() {
    for (outcome, there) in [(Outcome::Done, B), (failed(), A)] {
        let mut whereabouts = running(A);
        let order = whereabouts.migrate(VM, B, NOW).expect("it runs and is at rest");
        assert!(whereabouts.send(order, NOW).is_some());
        whereabouts.inventory(A, &BTreeMap::from([(VM, Seen::Running)]));
        assert_eq!(
            whereabouts.unsettled(VM),
            Some((B, Unsettled::MayBeOrdered)),
            "it may have been lost, too"
        );
        assert!(whereabouts.finished(order, A, &outcome).is_some());
        assert_eq!(whereabouts.claims(VM), [(there, Claim::Runs)]);
    }
}

#[test]
fn an_inventory_of_the_far_end_does_not_end_a_migration_whose_source_has_still_to_say() {
    let mut whereabouts = running(A);
    let order = whereabouts.migrate(VM, B, NOW).expect("it runs and is at rest");
    assert!(whereabouts.send(order, NOW).is_some());
    whereabouts.inventory(B, &BTreeMap::new());
    whereabouts.finished(order, A, &Outcome::Done);
    assert_eq!(whereabouts.claims(VM), [(B, Claim::Runs)]);
}
