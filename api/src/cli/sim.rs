//! `lifeboat sim`: a pool lives through a scenario in virtual time, with the product's own state machines and codecs.
mod answer;
mod documents;
mod drawing;
mod random;
mod story;
mod timeline;
mod words;

use super::Status;
use super::file;
use super::output::Output;
use super::trouble::Trouble;
use crate::source;
use documents::PoolDocuments;
use lifeboat_simulator::run::Prepared;
use lifeboat_simulator::{Outcome, RunError, Scenario, Violation, Watch};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "Examples:
  What becomes of a pool when a host loses power, told line by line:
    lifeboat sim simulator/scenarios/a-host-loses-power.toml
  The same under another seed, as JSON, with a drawing:
    lifeboat sim scenario.toml --seed 7 --json --svg timeline.svg
  A thousand pools and their faults, made from seeds:
    lifeboat sim --random --seeds 0..1000
  One of them once more, told line by line:
    lifeboat sim --random --seeds 17
  Its scenario, as small as it gets, if it fails:
    lifeboat sim --random --seeds 17 --minimise > small.toml

Exit status: 0 only if every law held and every expectation was met; 5 if not; 1 if the scenario cannot be run.";

/// Let a pool live through failures in virtual time
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct Arguments {
    /// The scenario, in TOML; `-` reads standard input
    #[arg(value_name = "SCENARIO", required_unless_present_any = ["random", "exhaustive"])]
    scenario: Option<PathBuf>,
    /// All chance follows from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw the timeline into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Make pools and faults from seeds, and demand that every law holds and every pool heals
    #[arg(long, conflicts_with_all = ["scenario", "exhaustive"])]
    random: bool,
    /// Which seeds: A..B without B, or one
    #[arg(long, value_name = "A..B", requires = "random")]
    seeds: Option<String>,
    /// Make the scenario of the one seed that fails as small as it gets while it still breaks the same law, and print it
    #[arg(long, requires = "random")]
    minimise: bool,
    /// Try every pair of faults on three hosts
    #[arg(long, conflicts_with = "scenario")]
    exhaustive: bool,
    /// Runs at once [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    if arguments.random {
        return random::run(arguments, output);
    }
    if arguments.exhaustive {
        return random::exhaust(arguments, output);
    }
    let path = arguments.scenario.as_deref().unwrap_or(Path::new("-"));
    let unusable = |error: RunError| Trouble::Scenario { path: shown(path), source: error };
    let text = source::read(path, source::MOST_FILE_BYTES)?;
    let text = String::from_utf8_lossy(&text);
    let scenario = Scenario::parse(&text, &PoolDocuments).map_err(|error| unusable(error.into()))?;
    let beside = |file: &Path| beside(path, file);
    let prepared = Prepared::new(&scenario, &PoolDocuments, &beside).map_err(unusable)?;
    let mut watch = Watch::all();
    let outcome = prepared.run(arguments.seed, &mut watch).map_err(unusable)?;
    tell(arguments, output, &scenario, &outcome, watch.violations())
}

/// Prints and draws what came of one run.
fn tell(
    arguments: &Arguments,
    output: &mut Output<'_>,
    scenario: &Scenario,
    outcome: &Outcome,
    violations: &[Violation],
) -> Result<Status, Trouble> {
    if let Some(path) = &arguments.svg {
        let drawing = drawing::draw(scenario, outcome, violations);
        file::save(path, |writer| writer.write_all(drawing.as_bytes()))?;
    }
    if arguments.json {
        output.json(&answer::Answer::new(scenario, outcome, violations)).map_err(Trouble::Output)?;
    } else {
        let told = timeline::text(scenario, outcome, violations, output.width());
        output.text(&told).map_err(Trouble::Output)?;
    }
    let well = violations.is_empty() && outcome.unmet.is_empty();
    Ok(if well { Status::Answered } else { Status::Unmet })
}

/// Reads a file that a scenario names, relative to the scenario's own.
fn beside(scenario: &Path, file: &Path) -> Result<Vec<u8>, String> {
    let folder = scenario.parent().filter(|_| scenario != Path::new("-")).unwrap_or(Path::new(""));
    source::read(&folder.join(file), source::MOST_FILE_BYTES).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    })
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
