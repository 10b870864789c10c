//! Backups are of one moment, come back whole, and are refused when they are not.
use super::{Kind, everything, key, lead, names, puts};
use lifeboat_store::{Batch, Key, Store, StoreAddress, StoreError, restore};

fn backup(store: &dyn Store) -> Vec<u8> {
    let mut out = Vec::new();
    store.backup(&mut out).expect("a backup");
    out
}

fn bring_back(
    kind: &dyn Kind,
    into: &StoreAddress,
    backup: &[u8],
) -> Result<lifeboat_store::Restored, StoreError> {
    restore(into, &kind.options(), &mut &backup[..])
}

fn filled(kind: &dyn Kind) -> Box<dyn Store> {
    let store = kind.open(&kind.fresh());
    let mut batch = puts([("a", "1"), ("b", "{\"text\": \"ü\\u0000\"}")]);
    batch.put(Key::from_bytes([0, 0xFF]), vec![0xFE, 0]);
    for number in 0..2_500 {
        batch.put(Key::numbered(&["many"], number), vec![b'x'; 100]);
    }
    store.commit(lead(&*store), &batch).expect("a commit");
    store
}

pub(super) fn a_backup_comes_back_whole(kind: &dyn Kind) {
    let store = filled(kind);
    let copy = backup(&*store);
    assert_eq!(copy, backup(&*store), "what has not changed has the same backup");
    let address = kind.fresh();
    let restored = bring_back(kind, &address, &copy).expect("a restore");
    assert_eq!((restored.records, restored.schema), (2_503, 1));
    let other = kind.open(&address);
    assert_eq!(everything(&*other), everything(&*store));
    let term = lead(&*other);
    other.commit(term, &puts([("a", "2")])).expect("it is used as any other");
    assert_eq!(everything(&*other).len(), 2_503);
}

/// Two records are always written together, with the same number. A backup in which they differ is of no one moment.
pub(super) fn a_backup_is_of_one_moment(kind: &dyn Kind) {
    let store = filled(kind);
    let term = lead(&*store);
    let write = |number: u32| {
        let text = number.to_string();
        store.renew(term).expect("it lives");
        store.commit(term, &puts([("a", &*text), ("z", &*text)])).expect("a commit");
    };
    write(0);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                number += 1;
                write(number);
            }
            number
        });
        let mut seen = Vec::new();
        for _ in 0..5 {
            let address = kind.fresh();
            bring_back(kind, &address, &backup(&*store)).expect("a restore");
            let copy = kind.open(&address);
            let number = copy.get(&key("a")).expect("a read").expect("it was written");
            assert_eq!(Some(&number), copy.get(&key("z")).expect("a read").as_ref());
            assert_eq!(everything(&*copy).len(), 2_504);
            seen.push(String::from_utf8(number).expect("digits").parse::<u32>().expect("a number"));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let last = writer.join().expect("the writer");
        assert!(seen.is_sorted() && seen[4] <= last, "{seen:?}, at last {last}");
        assert!(seen[0] < seen[4], "writes went on in between: {seen:?}");
    });
}

pub(super) fn a_damaged_backup_leaves_nothing(kind: &dyn Kind) {
    let copy = backup(&*filled(kind));
    let mut flipped = copy.clone();
    flipped[copy.len() / 2] ^= 0x10;
    let mut longer = copy.clone();
    longer.extend_from_slice(b"more");
    let mut twice = copy.clone();
    twice.extend_from_slice(&copy);
    let damaged =
        [&copy[..copy.len() - 1], &copy[..copy.len() / 2], &[], b"no backup", &flipped, &longer, &twice];
    let address = kind.fresh();
    for bytes in damaged {
        let refused = bring_back(kind, &address, bytes);
        assert!(matches!(refused, Err(StoreError::BadBackup(_))), "{} bytes: {refused:?}", bytes.len());
        assert!(everything(&*kind.open(&address)).is_empty());
    }
    bring_back(kind, &address, &copy).expect("the store is as good as new");
}

pub(super) fn a_backup_is_not_restored_over_anything(kind: &dyn Kind) {
    let copy = backup(&*filled(kind));
    let address = kind.fresh();
    let store = kind.open(&address);
    let term = lead(&*store);
    let mut batch = Batch::default();
    batch.put(key("here"), Vec::new());
    store.commit(term, &batch).expect("a commit");
    store.resign(term).expect("a resignation");
    drop(store);
    let refused = bring_back(kind, &address, &copy);
    assert!(matches!(refused, Err(StoreError::NotEmpty(_))), "{refused:?}");
    assert_eq!(names(&everything(&*kind.open(&address))), ["here"]);
}

pub(super) fn terms_go_on_beyond_those_of_the_backup(kind: &dyn Kind) {
    let store = kind.open(&kind.fresh());
    let last = (0..20).map(|_| lead(&*store)).max().expect("twenty terms");
    store.commit(last, &puts([("a", "1")])).expect("a commit");
    let address = kind.fresh();
    bring_back(kind, &address, &backup(&*store)).expect("a restore");
    let copy = kind.open(&address);
    assert!(lead(&*copy) > last);
    // And beyond those of the backup of a store that was restored.
    let last = lead(&*copy);
    let address = kind.fresh();
    bring_back(kind, &address, &backup(&*copy)).expect("a restore");
    assert!(lead(&*kind.open(&address)) > last);
}
