//! How much a store takes at once. The limits are those of the narrowest store, etcd, whose requests hold 1.5 MiB, and
//! they hold for all, so that what one store took can be moved to another.
use crate::{Batch, StoreError, Write};

/// The most bytes of one key.
pub const MOST_KEY_BYTES: usize = 8 << 10;
/// The most bytes of one record, its key counted: one fits into a request to etcd, written as base64.
pub const MOST_RECORD_BYTES: usize = 1 << 20;
/// The most writes of one batch: a pool of 4,096 hosts with 100,000 VMs can be imported whole.
pub const MOST_WRITES: usize = 200_000;
/// The most bytes of one batch, keys counted.
pub const MOST_BATCH_BYTES: usize = 128 << 20;

/// Whether a store takes this batch.
///
/// # Errors
/// [`StoreError::TooLarge`], with what is too large.
pub fn check(batch: &Batch) -> Result<(), StoreError> {
    let too_large = |what: String| Err(StoreError::TooLarge(what));
    if batch.writes.len() > MOST_WRITES {
        return too_large(format!("{} writes (the most are {MOST_WRITES})", batch.writes.len()));
    }
    let mut total = 0;
    for write in &batch.writes {
        let (key, value) = match write {
            Write::Put(record) => (&record.key, record.value.len()),
            Write::Delete(key) | Write::DeleteUnder(key) => (key, 0),
        };
        let bytes = key.as_bytes().len() + value;
        if key.as_bytes().len() > MOST_KEY_BYTES || bytes > MOST_RECORD_BYTES {
            return too_large(format!(
                "a record of {bytes} bytes (the most are {MOST_RECORD_BYTES}, of which {MOST_KEY_BYTES} for its key)"
            ));
        }
        total += bytes;
    }
    if total > MOST_BATCH_BYTES {
        return too_large(format!("{total} bytes (the most are {MOST_BATCH_BYTES})"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn a_batch_at_the_limit_is_taken_and_one_beyond_is_not() {
        let key = Key::of(&["k"]);
        let room = MOST_RECORD_BYTES - key.as_bytes().len();
        let mut batch = Batch::default();
        batch.put(key.clone(), vec![0; room]);
        check(&batch).expect("at the limit");
        batch.put(key, vec![0; room + 1]);
        assert!(matches!(check(&batch), Err(StoreError::TooLarge(_))));
    }

    #[test]
    fn too_many_writes_are_not_taken() {
        let mut batch = Batch::default();
        for number in 0..=MOST_WRITES as u64 {
            batch.delete(Key::numbered(&["k"], number));
        }
        assert!(matches!(check(&batch), Err(StoreError::TooLarge(_))));
    }

    #[test]
    fn many_records_that_are_each_small_enough_can_be_too_much_together() {
        let mut batch = Batch::default();
        for number in 0..(MOST_BATCH_BYTES / MOST_RECORD_BYTES) as u64 {
            batch.put(Key::numbered(&["k"], number), vec![0; MOST_RECORD_BYTES - 100]);
        }
        check(&batch).expect("a hundred bytes less each");
        batch.put(Key::of(&["more"]), vec![0; MOST_RECORD_BYTES - 100]);
        assert!(matches!(check(&batch), Err(StoreError::TooLarge(_))));
    }
}
