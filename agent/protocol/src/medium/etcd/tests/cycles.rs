//! Cycles on etcd without rivals: how many transactions, what a snapshot tells, what is noticed.
use super::store::{Etcd, POOL, cycle, medium, snapshot};
use crate::medium::explore::Store;
use crate::medium::samples::{configuration, status};
use crate::medium::{Answer, EtcdMedium, Fault, Medium, PoolId, Step, etcd};
use lifeboat_model::HostIndex;

#[test]
fn a_cycle_is_one_transaction_but_for_the_first_and_for_proposals() {
    let (mut store, mut host) = (Etcd::new(2), medium(0, 2));
    let own = status(0, 1, 1, 2);
    let counts = [None, None, Some(1), None, Some(2)].map(|number| {
        let proposal = number.map(|number| configuration(number, 0, 0, 2));
        cycle(&mut host, &mut store, &own, proposal.as_ref()).0
    });
    assert_eq!(counts, [2, 1, 2, 1, 2]);
}

#[test]
fn a_snapshot_lists_who_published_anew_and_what_was_decided() {
    let mut store = Etcd::new(2);
    let (mut first, mut second) = (medium(0, 2), medium(1, 2));
    let (own, other) = (status(0, 1, 1, 2), status(1, 4, 2, 2));
    let (wins, late) = (configuration(1, 0, 1, 2), configuration(1, 1, 2, 2));
    let shown = snapshot(&mut first, &mut store, &own, Some(&wins));
    assert_eq!((shown.renewed.len(), shown.newest.as_ref(), shown.settled), (0, Some(&wins), true));
    let shown = snapshot(&mut second, &mut store, &other, Some(&late));
    assert_eq!(shown.renewed, [(HostIndex(0), own.clone())]);
    assert_eq!((shown.newest, shown.settled), (Some(wins), true));
    let shown = snapshot(&mut first, &mut store, &own, None);
    assert_eq!((shown.renewed, shown.newest), ([(HostIndex(1), other)].into(), None));
    assert_eq!(snapshot(&mut first, &mut store, &own, None).renewed, []);
}

#[test]
fn a_transaction_of_an_earlier_process_that_comes_late_changes_nothing() {
    let (mut store, mut host) = (Etcd::new(1), medium(0, 1));
    let own = status(0, 1, 1, 1);
    snapshot(&mut host, &mut store, &own, None);
    let late = host.begin(&own, None);
    let mut restarted = medium(0, 1);
    let later = status(0, 1, 2, 1);
    snapshot(&mut restarted, &mut store, &later, None);
    let answer = store.serve(&late);
    assert!(matches!(answer, Answer::Transaction { guard_held: false, .. }));
    assert_eq!(host.answered(answer), Step::Failed(Fault::Superseded));
    assert_eq!(cycle(&mut host, &mut store, &own, None).1, Step::Failed(Fault::Superseded));
    snapshot(&mut restarted, &mut store, &later, None);
}

#[test]
fn a_failed_transaction_that_took_effect_is_put_again() {
    let (mut store, mut host) = (Etcd::new(1), medium(0, 1));
    let own = status(0, 1, 1, 1);
    snapshot(&mut host, &mut store, &own, None);
    let request = host.begin(&own, None);
    store.serve(&request);
    assert_eq!(host.answered(Answer::Failed), Step::Failed(Fault::Input));
    let (requests, end) = cycle(&mut host, &mut store, &own, None);
    assert!(requests == 2 && matches!(end, Step::Done(_)), "{requests} {end:?}");
}

#[test]
fn keys_of_no_pool_a_missing_pool_and_an_older_etcd_are_refused() {
    let (mut store, mut host) = (Etcd::new(2), medium(0, 2));
    let own = status(0, 1, 1, 2);
    let mut stranger = EtcdMedium::new(PoolId([1; 16]), HostIndex(0), 2);
    assert_eq!(cycle(&mut stranger, &mut store, &own, None).1, Step::Failed(Fault::Foreign));
    snapshot(&mut host, &mut store, &own, None);
    let backup = store.clone();
    snapshot(&mut host, &mut store, &own, Some(&configuration(1, 0, 0, 2)));
    snapshot(&mut medium(1, 2), &mut store, &status(1, 1, 1, 2), None);
    snapshot(&mut host, &mut store, &own, None);
    store = backup;
    assert_eq!(cycle(&mut host, &mut store, &own, None).1, Step::Failed(Fault::Stale));
    store.keys.clear();
    assert_eq!(cycle(&mut host, &mut store, &own, None).1, Step::Failed(Fault::Foreign));
    store.serve(&etcd::format(POOL, 2));
    assert_eq!(cycle(&mut host, &mut store, &own, None).1, Step::Failed(Fault::Stale), "it remembers more");
}

#[test]
fn values_of_another_version_and_damaged_ones_are_told_apart() {
    for (position, fault) in [(0, Fault::Foreign), (2000, Fault::Unreadable)] {
        let mut store = Etcd::new(2);
        snapshot(&mut medium(1, 2), &mut store, &status(1, 1, 1, 2), Some(&configuration(1, 0, 0, 2)));
        for name in ["host/001", "configuration"] {
            let mut damaged = store.clone();
            let (_, (value, _)) =
                damaged.keys.iter_mut().find(|(key, _)| key.ends_with(name)).expect("it was put");
            match value.get_mut(position) {
                Some(byte) => *byte = 2,
                None => value.push(0),
            }
            let end = cycle(&mut medium(0, 2), &mut damaged, &status(0, 1, 1, 2), None).1;
            assert_eq!(end, Step::Failed(fault), "{name}");
        }
    }
}
