//! Whether what a writer leaves is whole.
use crate::writer::{WIDE, log, wide};
use lifeboat_store::{Key, Record, Store};

/// The last number that is kept, if all before it are, and every batch is whole.
pub(crate) fn everything(store: &dyn Store) -> Result<u64, String> {
    let scan = |prefix: &Key| store.scan(prefix, None, usize::MAX).expect("a scan");
    let numbers: Vec<u64> = scan(&log()).iter().map(number).collect();
    let last = numbers.len() as u64;
    if !numbers.iter().copied().eq(1..=last) {
        return Err(format!("the log has gaps: {numbers:?}"));
    }
    let said = store.get(&Key::of(&["last"])).expect("a read").map_or(0, |value| text(&value));
    if said != last {
        return Err(format!("the log ends at {last}, and {said} is said to be the last"));
    }
    let wide = scan(&wide());
    let newest = last - last % 5;
    let whole = wide.len() as u64 == if newest == 0 { 0 } else { WIDE };
    if !whole || wide.iter().any(|record| number(record) != newest) {
        return Err(format!("of the wide batch {newest}, {} records are there", wide.len()));
    }
    Ok(last)
}

fn number(record: &Record) -> u64 {
    text(&record.value)
}

fn text(value: &[u8]) -> u64 {
    str::from_utf8(value).expect("digits").parse().expect("a number")
}
