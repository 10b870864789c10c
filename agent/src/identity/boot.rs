//! The number of this boot, and of this start of the agent within it.
use super::files::{self, FileError};
use crate::clock;
use lifeboat_protocol::{Boot, Process};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::SystemTime;

/// This boot and this start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootNumber {
    /// Rises when the operating system starts.
    pub boot: Boot,
    /// Rises when the agent starts.
    pub process: Process,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    boot_id: String,
    boot: u64,
    process: u32,
}

impl BootNumber {
    /// The number of a start that begins now; durable when this returns.
    pub(super) fn next(directory: &Path, boot_id_file: &Path) -> Result<Self, FileError> {
        let path = directory.join("boot.json");
        let boot_id = std::fs::read_to_string(boot_id_file)
            .map_err(|fault| FileError { path: boot_id_file.to_owned(), doing: "read", fault })?
            .trim()
            .to_owned();
        let next = match files::read_json::<Kept>(&path)? {
            Some(kept) if kept.boot_id == boot_id => {
                Kept { boot_id, boot: kept.boot, process: kept.process.saturating_add(1) }
            }
            Some(kept) => Kept { boot_id, boot: kept.boot.saturating_add(1), process: 1 },
            // Beyond what a directory that was lost can have counted to: there are fewer boots than seconds.
            None => Kept { boot_id, boot: seconds_of_the_epoch().max(1), process: 1 },
        };
        files::write_json(&path, &next)?;
        Ok(Self { boot: Boot(next.boot), process: Process(next.process) })
    }
}

fn seconds_of_the_epoch() -> u64 {
    clock::wall().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
