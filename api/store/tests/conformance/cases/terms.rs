//! Who leads, writes; who led, does not.
use super::{Kind, candidate, everything, key, lead, names, puts};
use lifeboat_store::StoreError;
use std::time::Duration;

pub(super) fn terms_only_rise(kind: &dyn Kind) {
    let address = kind.fresh();
    let mut last = None;
    for _ in 0..3 {
        let store = kind.open(&address);
        for _ in 0..2 {
            let term = lead(&*store);
            assert!(last < Some(term), "{last:?}, then {term:?}");
            last = Some(term);
            store.renew(term).expect("it lives");
            store.resign(term).expect("a resignation");
        }
    }
}

pub(super) fn a_resigned_term_writes_no_more(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let term = lead(&*store);
    store.resign(term).expect("a resignation");
    assert!(matches!(store.commit(term, &puts([("a", "1")])), Err(StoreError::Superseded)));
    assert!(matches!(store.renew(term), Err(StoreError::Superseded)));
    store.resign(term).expect("it is over already");
    assert!(everything(&*store).is_empty());
    assert_eq!(store.leader().expect("an answer"), None);
}

pub(super) fn a_superseded_term_writes_no_more(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let first = lead(&*store);
    store.commit(first, &puts([("a", "1")])).expect("a commit");
    // Who leads and campaigns again begins a new term at once, and ends its own.
    let second = lead(&*store);
    assert!(first < second);
    for batch in [puts([("b", "1")]), puts([])] {
        let late = store.commit(first, &batch);
        assert!(matches!(late, Err(StoreError::Superseded)), "{late:?}");
    }
    assert!(matches!(store.renew(first), Err(StoreError::Superseded)));
    store.resign(first).expect("it is over already");
    store.commit(second, &puts([("c", "2")])).expect("the second term goes on");
    assert_eq!(names(&everything(&*store)), ["a", "c"]);
    assert_eq!(store.get(&key("b")).expect("a read"), None);
}

pub(super) fn who_leads_is_known(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    assert_eq!(store.leader().expect("an answer"), None);
    let term =
        store.campaign(&candidate("b"), Duration::ZERO).expect("a campaign").expect("nobody else leads");
    let leadership = store.leader().expect("an answer").expect("somebody leads");
    assert_eq!((leadership.term, leadership.leader), (term, candidate("b")));
    store.resign(term).expect("a resignation");
    assert_eq!(store.leader().expect("an answer"), None);
}
