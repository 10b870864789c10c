//! The file with results: a JSON object a line, added as runs end, so that nothing that was measured is lost.
use super::Fault;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Outcome {
    /// Guests came back.
    Measured {
        case: String,
        timeout_s: u64,
        hosts: usize,
        vms: usize,
        first_start_s: f64,
        last_up_s: f64,
        /// The longest time for which the machine did not let the recorder look.
        stalled_s: f64,
    },
    /// They did not, or not as they should.
    Failed { case: String, timeout_s: u64, why: String },
    /// Random faults.
    Faults {
        seed: u64,
        hosts: usize,
        vms: usize,
        timeout_s: u64,
        minutes: u64,
        rounds: usize,
        faults: usize,
        falls: usize,
        restarts: usize,
        stalls: usize,
        failures: Vec<String>,
    },
}

/// A longer stall is the machine's, not the pool's: such a run is marked and made again.
pub(crate) const STALL_S: f64 = 0.2;

/// All results so far.
pub(crate) fn read(path: &Path) -> Result<Vec<Outcome>, Fault> {
    let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// One more.
pub(crate) fn add(path: &Path, outcome: &Outcome) -> Result<(), Fault> {
    let mut file = File::options().create(true).append(true).open(path)?;
    writeln!(file, "{}", serde_json::to_string(outcome)?)?;
    Ok(())
}
