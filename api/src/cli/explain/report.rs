//! What `lifeboat explain` tells people.
use crate::cli::standing::line;
use crate::cli::style::{GOOD, OPEN, QUIET, STRONG, count, elapsed, names, section, styled, wrapped};
use crate::dto::explanation::{ExplainAnswer, NearMissAnswer};
use crate::dto::verdict::{NotionWord, WitnessAnswer};
use std::fmt::Write as _;

pub(super) fn text(answer: &ExplainAnswer<'_>, width: Option<u16>) -> String {
    let mut text = format!("{}  {}\n\n", styled(STRONG, answer.pool), line(&answer.standing));
    match (&answer.witness, answer.failures) {
        (Some(witness), _) => why(&mut text, answer, witness, width),
        (None, Some(failures)) => {
            let open = format!("Whether {} can be survived is open.", count(failures as usize, "failure"));
            let _ = writeln!(text, "  {}", styled(OPEN, open));
        }
        (None, None) => {
            let _ = writeln!(text, "  {}", styled(GOOD, "There is no failure that cannot be survived."));
        }
    }
    let misses = answer.near_misses.iter().map(|miss| [miss.host.to_owned(), obstacle(miss)]);
    let heading = format!("Where {} could go", answer.largest.unwrap_or("it"));
    section(&mut text, &heading, ["survivor", "what keeps it out"], misses, width);
    let hosts = answer.hosts.iter().map(|row| {
        let free: Vec<String> =
            row.free.iter().map(|(name, free)| format!("{free} {}", unit(name))).collect();
        [
            row.host.to_owned(),
            if row.fails { format!("{}, fails", row.state) } else { row.state.to_owned() },
            row.vms.to_string(),
            row.protected_mib.to_string(),
            row.best_effort_mib.to_string(),
            row.unprotected_mib.to_string(),
            free.join(", "),
        ]
    });
    let header = ["host", "state", "VMs", "protected", "best-effort", "unprotected", "free"];
    section(&mut text, "Hosts, memory in MiB", header, hosts, width);
    let _ = writeln!(text, "\n{}", styled(QUIET, format_args!("{} of search", elapsed(answer.elapsed_us))));
    text
}

fn why(text: &mut String, answer: &ExplainAnswer<'_>, witness: &WitnessAnswer<'_>, width: Option<u16>) {
    let failed = names(&witness.failed_hosts, 12);
    let opening = match (witness.failed_hosts.is_empty(), witness.notion) {
        (true, _) => "Even with no failure".to_owned(),
        (false, NotionWord::Simultaneous) => format!("If {failed} failed at once"),
        (false, NotionWord::Sequential) => format!("If {failed} failed first of {}", witness.n),
    };
    let vms = names(&witness.vms, 8);
    let outcome = match witness.vms.len() {
        0 => String::new(),
        1 => format!(", {vms} would have no place"),
        _ => format!(", {vms} could not all be placed"),
    };
    let _ = writeln!(text, "{}", wrapped(&format!("{opening}{outcome}: {}.", witness.reason), width));
    if let Some(resource) = witness.resource {
        let asked = answer.asked.get(resource).copied().unwrap_or(0);
        let there = answer.there.get(resource).copied().unwrap_or(0);
        let hosts = count(answer.near_misses.len(), "survivor");
        let unit = unit(resource);
        let sum = format!("Together they ask for {asked} {unit}; {hosts} have {there} {unit} free in all.");
        let _ = writeln!(text, "{}", wrapped(&sum, width));
    }
}

fn obstacle(miss: &NearMissAnswer<'_>) -> String {
    if miss.could_take_it_alone {
        return "nothing, if it were the only one".to_owned();
    }
    let short = miss.short.iter().map(|(resource, by)| format!("{by} {} short", unit(resource)));
    let rules = miss.rules.iter().map(|rule| format!("rule {}: {} is there", rule.group, rule.vm));
    let all: Vec<String> = miss.obstacles.iter().cloned().chain(short).chain(rules).collect();
    all.join("; ")
}

/// How amounts of a resource are told.
fn unit(resource: &str) -> &str {
    if resource == "memory_mib" { "MiB" } else { resource }
}
