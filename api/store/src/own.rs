//! The records that are the store's own, kept among the others under one name that nobody else may use: which schema
//! the records have, where terms begin, and whether a restore was broken off.
use crate::{Key, StoreError, Term};

/// The first name of every key that is the store's own.
const NAME: &str = "_store";
/// How many records there can be under it.
pub(crate) const MOST: usize = 3;

/// What all of them lie under.
pub(crate) fn all() -> Key {
    Key::of(&[NAME])
}

/// The version of the schema of everything else that is kept.
pub(crate) fn schema() -> Key {
    Key::of(&[NAME, "schema"])
}

/// A number that every term must be beyond: that of the last term known to the backup that was restored.
pub(crate) fn terms() -> Key {
    Key::of(&[NAME, "terms"])
}

/// Kept while a backup is being restored.
pub(crate) fn restoring() -> Key {
    Key::of(&[NAME, "restoring"])
}

/// Whether a key, or anything under it, is the store's own.
pub(crate) fn touches(key: &Key) -> bool {
    key.is_under(&all()) || all().is_under(key)
}

/// A number as it is kept: in decimal digits, for people who look.
pub(crate) fn number(value: u64) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The schema kept; 0 where none is.
pub(crate) fn read_schema(kept: Option<&[u8]>) -> Result<u32, StoreError> {
    let number = read_number(kept)?;
    u32::try_from(number).map_err(|_| StoreError::Damaged(format!("its schema is said to be {number}")))
}

/// The term kept that all others must be beyond; 0 where none is.
pub(crate) fn read_terms(kept: Option<&[u8]>) -> Result<Term, StoreError> {
    read_number(kept).map(Term)
}

fn read_number(kept: Option<&[u8]>) -> Result<u64, StoreError> {
    let Some(bytes) = kept else { return Ok(0) };
    let number = str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| StoreError::Damaged("one of its own numbers is none".to_owned()))
}
