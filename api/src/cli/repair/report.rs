//! What `lifeboat repair` tells people.
use crate::cli::standing::{bounds, guaranteed, line};
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, elapsed, styled, wrapped};
use crate::dto::repair::{RemedyAnswer, RepairAnswer, StepAnswer};
use std::fmt::Write as _;

/// Steps beyond which the rest is counted.
const MOST_STEPS: usize = 12;

pub(super) fn text(answer: &RepairAnswer<'_>, width: Option<u16>) -> String {
    let mut text = format!("{}  {}\n", styled(STRONG, answer.pool), line(&answer.before));
    if let Some(limit) = answer.beyond_liveness {
        let sentence = format!(
            "The target is beyond what liveness lets survive ({limit}): change that setting or the target first."
        );
        let _ = writeln!(text, "\n{}", styled(BAD, wrapped(&sentence, width)));
    } else if !answer.falls_short {
        let _ = writeln!(text, "\n  {}", styled(GOOD, "The target holds; nothing has to be done for it."));
    } else if !answer.remedies.iter().any(|remedy| remedy.restores_target) {
        let _ = writeln!(text, "\n  {}", styled(BAD, "No remedy was found."));
    }
    for remedy in &answer.remedies {
        tell(&mut text, remedy, width);
    }
    if !answer.unfinished.is_empty() {
        let kinds = answer.unfinished.join(", ");
        let sentence = format!("Not searched to the end: {kinds}. --time-limit and --ration allow more.");
        let _ = writeln!(text, "\n{}", styled(OPEN, wrapped(&sentence, width)));
    }
    let _ = writeln!(text, "\n{}", styled(QUIET, format_args!("{} of search", elapsed(answer.elapsed_us))));
    text
}

fn tell(text: &mut String, remedy: &RemedyAnswer, width: Option<u16>) {
    let steps = remedy.steps.len();
    let fewest = if remedy.certainty == "proven" { "the fewest" } else { "the fewest found" };
    let least = if remedy.certainty == "proven" { "the least" } else { "the least found" };
    let memory = remedy.memory_mib.unwrap_or(0);
    let plural = if steps == 1 { "" } else { "s" };
    let heading = match remedy.kind {
        "migrate" => format!("Migrate {steps} VM{plural} ({fewest})"),
        "make-agile" if remedy.restores_target => format!("Attach more ({fewest})"),
        "make-agile" => "Protect what nothing protects".to_owned(),
        "lower-to-best-effort" => format!("Lower {steps} VM{plural} to best-effort ({fewest})"),
        "stop" => format!("Stop {steps} VM{plural} ({fewest})"),
        "add-memory" => format!("Add {memory} MiB to one host ({least})"),
        "add-memory-everywhere" => format!("Add {memory} MiB, evenly on all live hosts ({least})"),
        _ => format!("Add a host with {memory} MiB ({least})"),
    };
    let _ = writeln!(text, "\n{}", styled(STRONG, heading));
    for (position, step) in remedy.steps.iter().take(MOST_STEPS).enumerate() {
        let _ = writeln!(text, "{}", wrapped(&told(position, step), width));
    }
    if steps > MOST_STEPS {
        let more = format!("  and {} more; --json has them all", steps - MOST_STEPS);
        let _ = writeln!(text, "{}", styled(QUIET, more));
    }
    let _ = writeln!(text, "  then {}", line(&remedy.after));
}

fn told(position: usize, step: &StepAnswer) -> String {
    let mut words = format!("{}. {}", position + 1, step.change.text);
    if let Some(under_way) = &step.under_way {
        let _ = write!(words, " (under way tolerates {}", bounds(guaranteed(under_way)));
        if let Some(after) = &step.after {
            let _ = write!(words, ", then {}", bounds(guaranteed(after)));
        }
        words.push(')');
    }
    words
}
