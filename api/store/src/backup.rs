//! Backups: everything that a store keeps, as of one moment, as text that can be read without us.
//!
//! A backup is gzip of lines of JSON (`zcat backup.gz | less`):
//!
//! ```text
//! {"format":"lifeboat.backup/v1","schema":1,"term":17}
//! {"key":"pools\u0000prod\u0000","value":"{\"id\":\"prod\"}"}       a record; more of them, in key order
//! {"key64":"/wA=","value64":"AAEC"}                               where either is not UTF-8: both as base64
//! {"records":2,"sha256":"9f86d081..."}                            last: how many, and the digest of all lines before
//! ```
//!
//! A file that was cut short has no last line; one that was changed has another digest. What follows the last line is
//! damage too. The store's own records are not in it: the schema stands in the first line, with a term that no term
//! was beyond.
mod line;
mod reader;
mod restore;
mod writer;

pub use line::FORMAT;
pub use reader::Reader;
pub use restore::{Restored, restore, restore_into};
pub(crate) use writer::Writer;
