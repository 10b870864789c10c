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
    /// The number of a start that begins now; durable when this returns. It is kept a second time in the run directory, which ends with
    /// the boot: where the state directory is lost within a boot, or an older one is put back, a higher number would say that the boot
    /// is over and none of its VMs runs.
    pub(super) fn next(directory: &Path, run: &Path, boot_id_file: &Path) -> Result<Self, FileError> {
        files::make_private_directory(run)?;
        let (path, beside) = (directory.join("boot.json"), run.join("boot.json"));
        let boot_id = std::fs::read_to_string(boot_id_file)
            .map_err(|fault| FileError { path: boot_id_file.to_owned(), doing: "read", fault })?
            .trim()
            .to_owned();
        let kept = files::read_json::<Kept>(&path)?;
        let last = kept.as_ref().map_or(0, |kept| kept.boot);
        let of_this_boot = [files::read_json::<Kept>(&beside)?, kept].into_iter().flatten();
        let of_this_boot = of_this_boot.filter(|kept| kept.boot_id == boot_id);
        let next = match of_this_boot.max_by_key(|kept| kept.process) {
            Some(kept) => Kept { boot_id, boot: kept.boot, process: kept.process.saturating_add(1) },
            // Beyond what a directory that was lost, or is older than the last boot, can have counted to: there are fewer boots than seconds.
            None => Kept { boot_id, boot: last.saturating_add(1).max(seconds_of_the_epoch()), process: 1 },
        };
        files::write_json(&path, &next)?;
        files::write_json(&beside, &next)?;
        Ok(Self { boot: Boot(next.boot), process: Process(next.process) })
    }
}

/// The number of this boot by what is kept in the run directory, which needs no disk.
pub(super) fn so_far(run: &Path, boot_id_file: &Path) -> Option<Boot> {
    let boot_id = std::fs::read_to_string(boot_id_file).ok()?;
    let kept = files::read_json::<Kept>(&run.join("boot.json")).ok()??;
    (kept.boot_id == boot_id.trim()).then_some(Boot(kept.boot))
}

fn seconds_of_the_epoch() -> u64 {
    clock::wall().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
