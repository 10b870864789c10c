//! What redb says went wrong, in the words of a store.
use crate::StoreError;
use ::redb::Error;
use std::io::ErrorKind;

/// The fault of the store at `place`.
pub(super) fn into_fault(place: &str, fault: impl Into<Error>) -> StoreError {
    match fault.into() {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => StoreError::InUse(place.to_owned()),
        Error::ValueTooLarge(bytes) => StoreError::TooLarge(format!("a value of {bytes} bytes")),
        // What redb finds in a file that it did not write.
        Error::Io(fault) if fault.kind() == ErrorKind::InvalidData => {
            StoreError::Damaged(format!("{place}: {fault}"))
        }
        Error::Io(fault) if fault.kind() == ErrorKind::UnexpectedEof => {
            StoreError::Damaged(format!("{place} was cut short"))
        }
        Error::Io(fault) => StoreError::Unavailable(format!("{place}: {fault}")),
        // After a failed write nobody knows what the disk has. What is kept is verified when the file is opened again.
        Error::PreviousIo => StoreError::Unavailable(format!(
            "{place}: an earlier write failed: look after the disk, then start again"
        )),
        other => StoreError::Damaged(format!("{place}: {other}")),
    }
}
