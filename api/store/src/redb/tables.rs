//! The tables of the file, and what is read from and written to them in one transaction.
use super::recovering::Fault;
use crate::{Batch, Key, Record, StoreError, Term, Write};
use ::redb::{
    Database, Error, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition,
    WriteTransaction,
};
use std::ops::Bound;

const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
/// The counter of terms.
const TERM: &str = "term";

/// Makes the tables, where they are not there yet.
pub(super) fn make(database: &Database) -> Result<(), Error> {
    if database.begin_read()?.list_tables()?.next().is_some() {
        return Ok(());
    }
    let writing = database.begin_write()?;
    writing.open_table(RECORDS)?;
    writing.open_table(COUNTERS)?;
    Ok(writing.commit()?)
}

pub(super) fn get(snapshot: &ReadTransaction, key: &Key) -> Result<Option<Vec<u8>>, Error> {
    let value = snapshot.open_table(RECORDS)?.get(key.as_bytes())?;
    Ok(value.map(|value| value.value().to_vec()))
}

/// Visits the first `most` records under `prefix` beyond `after`, in key order.
pub(super) fn each(
    snapshot: &ReadTransaction,
    prefix: &Key,
    after: Option<&Key>,
    most: usize,
    visit: &mut dyn FnMut(Record) -> Result<(), StoreError>,
) -> Result<(), Fault> {
    let table = snapshot.open_table(RECORDS)?;
    let end = prefix.end();
    if end.as_ref().zip(after).is_some_and(|(end, after)| after >= end) {
        return Ok(());
    }
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after.as_bytes()),
        _ => Bound::Included(prefix.as_bytes()),
    };
    for entry in table.range::<&[u8]>((start, below(end.as_ref())))?.take(most) {
        let (key, value) = entry?;
        let record = Record { key: Key::from_bytes(key.value()), value: value.value().to_vec() };
        visit(record).map_err(Fault::Store)?;
    }
    Ok(())
}

fn below(end: Option<&Key>) -> Bound<&[u8]> {
    end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.as_bytes()))
}

pub(super) fn write(writing: &WriteTransaction, batch: &Batch) -> Result<(), Error> {
    let mut records: Table<'_, &[u8], &[u8]> = writing.open_table(RECORDS)?;
    for write in &batch.writes {
        match write {
            Write::Put(record) => drop(records.insert(record.key.as_bytes(), record.value.as_slice())?),
            Write::Delete(key) => drop(records.remove(key.as_bytes())?),
            Write::DeleteUnder(key) => {
                let end = key.end();
                let range = (Bound::Included(key.as_bytes()), below(end.as_ref()));
                records.retain_in::<&[u8], _>(range, |_, _| false)?;
            }
        }
    }
    Ok(())
}

/// The last term that began.
pub(super) fn term(writing: &WriteTransaction) -> Result<Term, Error> {
    counted(&writing.open_table(COUNTERS)?)
}

/// The last term that had begun.
pub(super) fn last_term(snapshot: &ReadTransaction) -> Result<Term, Error> {
    counted(&snapshot.open_table(COUNTERS)?)
}

fn counted(counters: &impl ReadableTable<&'static str, u64>) -> Result<Term, Error> {
    Ok(Term(counters.get(TERM)?.map_or(0, |last| last.value())))
}

pub(super) fn set_term(writing: &WriteTransaction, term: Term) -> Result<(), Error> {
    writing.open_table(COUNTERS)?.insert(TERM, term.0)?;
    Ok(())
}
