//! Batches take effect altogether, in their order, and are there for good.
use super::{Kind, everything, key, lead, names, puts};
use lifeboat_store::{Batch, Key, StoreError, limits};

pub(super) fn what_was_put_is_there(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    assert_eq!(store.get(&key("a")).expect("a read"), None);
    let term = lead(&*store);
    let bytes: Vec<u8> = (0..=255).collect();
    let mut batch = puts([("a", "1"), ("empty", "")]);
    batch.put(Key::from_bytes(bytes.clone()), bytes.clone());
    store.commit(term, &batch).expect("a commit");
    assert_eq!(store.get(&key("a")).expect("a read").as_deref(), Some(&b"1"[..]));
    assert_eq!(store.get(&key("empty")).expect("a read").as_deref(), Some(&b""[..]));
    assert_eq!(store.get(&Key::from_bytes(bytes.clone())).expect("a read"), Some(bytes));
    store.commit(term, &puts([("a", "2")])).expect("a commit");
    assert_eq!(store.get(&key("a")).expect("a read").as_deref(), Some(&b"2"[..]));
    store.commit(term, &Batch::default()).expect("nothing is written");
}

pub(super) fn writes_take_effect_in_their_order(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let term = lead(&*store);
    store.commit(term, &puts([("a", "old"), ("b", "old"), ("c", "old")])).expect("a commit");
    let mut batch = puts([("a", "1"), ("b", "1")]);
    batch.delete(key("a"));
    batch.delete_under(Key::of(&["test"]));
    batch.append(puts([("b", "2"), ("d", "2"), ("e", "2")]));
    batch.delete(key("e"));
    batch.append(puts([("d", "3")]));
    store.commit(term, &batch).expect("a commit");
    let kept: Vec<Vec<u8>> = everything(&*store).into_iter().map(|record| record.value).collect();
    assert_eq!(names(&everything(&*store)), ["b", "d"]);
    assert_eq!(kept, [b"2", b"3"]);
}

pub(super) fn forgetting_below_a_key_spares_its_neighbours(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let term = lead(&*store);
    let mut batch = Batch::default();
    for path in
        [&["pools", "prod"][..], &["pools", "prod", "vms", "a"], &["pools", "prod-b"], &["pools"], &["poolt"]]
    {
        batch.put(Key::of(path), Vec::new());
    }
    store.commit(term, &batch).expect("a commit");
    let mut batch = Batch::default();
    batch.delete_under(Key::of(&["pools", "prod"]));
    store.commit(term, &batch).expect("a commit");
    assert_eq!(names(&everything(&*store)), ["pools", "prod-b", "poolt"]);
}

pub(super) fn a_batch_of_thousands_is_whole(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let term = lead(&*store);
    let many = |value: &str| {
        let mut batch = Batch::default();
        for number in 0..3_000 {
            batch.put(Key::numbered(&["many"], number), value.repeat(300).into_bytes());
        }
        batch
    };
    store.commit(term, &many("1")).expect("a commit");
    let mut batch = many("2");
    batch.delete_under(Key::numbered(&["many"], 7));
    batch.put(key("last"), Vec::new());
    store.commit(term, &batch).expect("a commit");
    // What follows must not be overtaken by what came before.
    store.commit(term, &puts([("last", "3")])).expect("a commit");
    let kept = everything(&*store);
    assert_eq!(kept.len(), 3_000);
    assert!(kept[..2_999].iter().all(|record| record.value == "2".repeat(300).as_bytes()));
    assert_eq!(kept[2_999].value, b"3");
}

pub(super) fn a_batch_beyond_the_limits_is_refused_whole(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let term = lead(&*store);
    let room = limits::MOST_RECORD_BYTES - key("big").as_bytes().len();
    let mut batch = puts([("a", "1")]);
    batch.put(key("big"), vec![7; room]);
    store.commit(term, &batch).expect("a record of the largest size");
    assert_eq!(store.get(&key("big")).expect("a read").map(|value| value.len()), Some(room));
    let mut batch = puts([("a", "2")]);
    batch.put(key("big"), vec![7; room + 1]);
    let refused = store.commit(term, &batch);
    assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{refused:?}");
    assert_eq!(store.get(&key("a")).expect("a read").as_deref(), Some(&b"1"[..]));
}

pub(super) fn its_own_records_are_out_of_reach(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let term = lead(&*store);
    let own = Key::of(&["_store", "schema"]);
    assert_eq!(store.get(&own).expect("a read"), None);
    assert!(everything(&*store).is_empty() && store.scan(&own, None, 10).expect("a scan").is_empty());
    let mut writes = [Batch::default(), Batch::default(), Batch::default()];
    writes[0].put(own.clone(), b"9".to_vec());
    writes[1].delete(own);
    writes[2].delete_under(Key::of(&[]));
    for batch in writes {
        assert!(matches!(store.commit(term, &batch), Err(StoreError::Reserved(_))), "{batch:?}");
    }
}

pub(super) fn what_was_acknowledged_survives_reopening(kind: &dyn Kind) {
    let address = kind.fresh();
    let store = kind.open(&address);
    let term = lead(&*store);
    store.commit(term, &puts([("a", "1")])).expect("a commit");
    store.resign(term).expect("a resignation");
    drop(store);
    let store = kind.open(&address);
    assert_eq!(names(&everything(&*store)), ["a"]);
    assert!(lead(&*store) > term);
}
