//! Records lie in the order of their keys, and scans walk along it.
use super::{Kind, everything, lead, names};
use lifeboat_store::{Batch, Key, Store};

fn filled(kind: &dyn Kind) -> Box<dyn Store> {
    let store = kind.open(&kind.fresh());
    let mut batch = Batch::default();
    for number in [10, 9, 2, 100, 1] {
        batch.put(Key::numbered(&["events"], number), number.to_string().into_bytes());
    }
    batch.put(Key::of(&["event"]), Vec::new());
    batch.put(Key::of(&["eventt"]), Vec::new());
    batch.put(Key::from_bytes([0xFF, 0xFF]), Vec::new());
    store.commit(lead(&*store), &batch).expect("a commit");
    store
}

fn numbers(store: &dyn Store, after: Option<u64>, most: usize) -> Vec<String> {
    let after = after.map(|after| Key::numbered(&["events"], after));
    let page = store.scan(&Key::of(&["events"]), after.as_ref(), most).expect("a scan");
    page.into_iter().map(|record| String::from_utf8(record.value).expect("digits")).collect()
}

pub(super) fn records_come_in_the_order_of_their_keys(kind: &dyn Kind) {
    let store = filled(kind);
    assert_eq!(numbers(&*store, None, 100), ["1", "2", "9", "10", "100"]);
    let all = everything(&*store);
    assert!(all.is_sorted_by_key(|record| record.key.clone()));
    assert_eq!(all.len(), 8);
}

pub(super) fn a_scan_goes_on_where_the_last_one_ended(kind: &dyn Kind) {
    let store = filled(kind);
    assert_eq!(numbers(&*store, None, 2), ["1", "2"]);
    assert_eq!(numbers(&*store, Some(2), 2), ["9", "10"]);
    assert_eq!(numbers(&*store, Some(10), 2), ["100"]);
    assert_eq!(numbers(&*store, Some(100), 2), [""; 0]);
    // The record it ended at need not be there any more.
    assert_eq!(numbers(&*store, Some(3), 1), ["9"]);
    assert_eq!(numbers(&*store, None, 0), [""; 0]);
}

pub(super) fn a_scan_stays_below_its_prefix(kind: &dyn Kind) {
    let store = filled(kind);
    let events = Key::of(&["events"]);
    let scan = |after: &Key| names(&store.scan(&events, Some(after), 10).expect("a scan"));
    assert_eq!(scan(&Key::of(&["a"])).len(), 5, "what is before the prefix begins at its beginning");
    assert!(scan(&Key::of(&["eventt"])).is_empty(), "what is beyond the prefix has nothing below it");
    assert_eq!(store.scan(&Key::from_bytes([0xFF]), None, 10).expect("a scan").len(), 1);
}
