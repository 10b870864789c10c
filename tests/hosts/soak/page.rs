//! The page of a soak.
use super::results::{self, Outcome, STALL_S};
use super::{Fault, Wishes};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

/// What DESIGN promises of a case: the first start, in seconds beyond T where it counts from T.
fn bound(case: &str, timeout_s: u64) -> u64 {
    match case {
        "power-loss" => timeout_s + 3,
        "evidence" => 2,
        _ => timeout_s + 5,
    }
}

/// First starts, last guests up, and stalls, of runs of one case.
#[derive(Default)]
struct Runs {
    first: Vec<f64>,
    last: Vec<f64>,
    stalled: Vec<(f64, f64, f64)>,
    failed: Vec<String>,
}

/// Prints the tables.
pub(crate) fn print(wishes: &Wishes) -> Result<(), Fault> {
    let mut cases: BTreeMap<(String, u64), Runs> = BTreeMap::new();
    let mut faults = String::new();
    for outcome in results::read(&wishes.results())? {
        match outcome {
            Outcome::Measured { case, timeout_s, first_start_s, last_up_s, stalled_s, .. } => {
                let runs = cases.entry((case, timeout_s)).or_default();
                if stalled_s > STALL_S {
                    runs.stalled.push((first_start_s, last_up_s, stalled_s));
                } else {
                    runs.first.push(first_start_s);
                    runs.last.push(last_up_s);
                }
            }
            Outcome::Failed { case, timeout_s, why } => {
                cases.entry((case, timeout_s)).or_default().failed.push(why);
            }
            Outcome::Faults {
                seed,
                hosts,
                vms,
                timeout_s,
                minutes,
                rounds,
                faults: drawn,
                falls,
                restarts,
                stalls,
                failures,
            } => {
                let _ = writeln!(
                    faults,
                    "Seed {seed}, {hosts} hosts, {vms} guests, T = {timeout_s} s, {minutes} minutes: {rounds} rounds with {drawn} faults; \
                     {falls} hosts fell, {restarts} guests were started; the machine stalled {stalls} times for more than {STALL_S} s; {} failures.\n",
                    failures.len()
                );
                for failure in failures {
                    let _ = writeln!(faults, "* {failure}");
                }
            }
        }
    }
    let mut page = String::from(
        "| case | T | runs | first start: median | maximum | bound | last guest up: median | maximum |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut beside = String::new();
    for ((case, timeout_s), runs) in &mut cases {
        let _ = writeln!(
            page,
            "| {case} | {timeout_s} s | {} | {:.2} s | {:.2} s | {} s | {:.2} s | {:.2} s |",
            runs.first.len(),
            median(&mut runs.first),
            runs.first.last().copied().unwrap_or(f64::NAN),
            bound(case, *timeout_s),
            median(&mut runs.last),
            runs.last.last().copied().unwrap_or(f64::NAN),
        );
        for (first, last, stalled) in &runs.stalled {
            let _ = writeln!(
                beside,
                "* {case}, T = {timeout_s} s: the machine stalled for {stalled:.2} s; first start {first:.2} s, last guest up {last:.2} s"
            );
        }
        for why in &runs.failed {
            let _ = writeln!(beside, "* {case}, T = {timeout_s} s: FAILED: {why}");
        }
    }
    if !beside.is_empty() {
        let _ = write!(page, "\nNot in the table, and made again:\n\n{beside}");
    }
    if !faults.is_empty() {
        let _ = write!(page, "\n## Random faults\n\n{faults}");
    }
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}

/// The median; sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}
