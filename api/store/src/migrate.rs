//! From the schema of an older version to ours: an ordered list of steps, each of which rewrites what its version changed.
//!
//! All steps that are due are put together into one batch, with the new version as its last write. A batch is whole, so
//! a crash on the way leaves the old schema, and the next leader begins again. Only a leader migrates, in its own term:
//! an older process that led before it can write nothing any more.
use crate::{Batch, Key, Record, Store, StoreError, Term, own};
use std::collections::BTreeMap;

/// Everything that is kept, as a step of migration sees and changes it.
pub type Records = BTreeMap<Key, Vec<u8>>;

/// One step: from the version before it to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// What it does, in a few words, for the log.
    pub what: &'static str,
    /// Rewrites the records. A fault in them is a text that says which.
    pub step: fn(&mut Records) -> Result<(), String>,
}

/// The steps there are: the first leads from version 0, which is a new store, to version 1.
pub const MIGRATIONS: &[Migration] = &[Migration { what: "begin", step: |_| Ok(()) }];

/// How many records are read at once.
const PAGE: usize = 1_000;

/// The schema that a store has.
///
/// # Errors
/// If the store cannot be read; [`StoreError::TooNew`] if it is newer than these steps lead to.
pub fn schema(store: &dyn Store, migrations: &[Migration]) -> Result<u32, StoreError> {
    let known = migrations.len() as u32;
    let found = own::read_schema(store.get(&own::schema())?.as_deref())?;
    if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(found) }
}

/// Brings what a store keeps to the newest schema, in the term of its leader.
///
/// # Errors
/// If the store cannot be read or written, is newer than we are, or holds what a step cannot read.
pub fn migrate(store: &dyn Store, term: Term, migrations: &[Migration]) -> Result<(), StoreError> {
    let found = schema(store, migrations)?;
    let due = &migrations[found as usize..];
    if due.is_empty() {
        return Ok(());
    }
    let before = read(store)?;
    let mut after = before.clone();
    for migration in due {
        tracing::info!(what = migration.what, "migrating the store");
        (migration.step)(&mut after).map_err(StoreError::Damaged)?;
    }
    let mut batch = difference(&before, after);
    batch.put(own::schema(), own::number(migrations.len() as u64));
    // Reading may have taken a good part of a lease, and nobody else renews it yet.
    store.renew(term)?;
    store.commit(term, &batch)
}

fn read(store: &dyn Store) -> Result<Records, StoreError> {
    let all = Key::of(&[]);
    let mut records = Records::new();
    loop {
        let after = records.last_key_value().map(|(key, _)| key);
        let page = store.scan(&all, after, PAGE)?;
        if page.is_empty() {
            records.retain(|key, _| !key.is_under(&own::all()));
            return Ok(records);
        }
        records.extend(page.into_iter().map(|Record { key, value }| (key, value)));
    }
}

fn difference(before: &Records, after: Records) -> Batch {
    let mut batch = Batch::default();
    for key in before.keys().filter(|key| !after.contains_key(key)) {
        batch.delete(key.clone());
    }
    for (key, value) in after {
        if before.get(&key) != Some(&value) {
            batch.put(key, value);
        }
    }
    batch
}
