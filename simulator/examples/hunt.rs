//! Runs random seeds until one breaks a law, and says which: `hunt FIRST LAST`. Exit status 0 if none does, 5 if one does. The
//! mutants' script builds this rather than the whole product.
use lifeboat_simulator::random::run_seeds;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [first, last] = numbers[..] else {
        writeln!(io::stderr(), "hunt FIRST LAST: two numbers")?;
        return Ok(ExitCode::from(2));
    };
    let mut found = None;
    let at_once = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    run_seeds(first..=last, at_once, |report| match report.violations.into_iter().next() {
        Some(violation) => {
            found = Some((report.seed, violation));
            ControlFlow::Break(())
        }
        None => ControlFlow::Continue(()),
    });
    let Some((seed, violation)) = found else { return Ok(ExitCode::SUCCESS) };
    writeln!(io::stdout(), "seed {seed}: {}: {}", violation.invariant, violation.text)?;
    Ok(ExitCode::from(5))
}
