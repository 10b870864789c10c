//! The timeline that a person reads: what happened, when, where and why; then what was broken or not met, and how the
//! pool stands at the end.
use super::answer::{seconds, state_at_end};
use super::words::{Sentence, sentence, stopped};
use crate::cli::style::{BAD, GOOD, QUIET, STRONG, count, styled, table};
use lifeboat_simulator::trace::{Entry, Line};
use lifeboat_simulator::{Outcome, Scenario, Violation};
use std::fmt::Write as _;

/// The whole report.
pub(super) fn text(
    scenario: &Scenario,
    outcome: &Outcome,
    violations: &[Violation],
    width: Option<u16>,
) -> String {
    let mut text = heading(outcome);
    let who_width = outcome.pool.hosts().iter().map(|host| host.id.len()).max().unwrap_or(0).clamp(8, 16);
    let mut rest = outcome.trace.since_formed();
    while let Some((at, sentence, left)) = next(scenario, outcome, rest) {
        rest = left;
        if let Some(Sentence { who, text: said, style }) = sentence {
            let _ = writeln!(
                text,
                "{:>10.3} s  {who:<who_width$}  {}",
                seconds(outcome, at.at),
                styled(style, said)
            );
        }
    }
    text.push('\n');
    text.push_str(&ending(outcome, violations, width));
    text
}

fn heading(outcome: &Outcome) -> String {
    format!(
        "{}  {}, {}, seed {}\n{}\n",
        styled(STRONG, outcome.pool.id()),
        count(outcome.pool.hosts().len(), "host"),
        count(outcome.pool.vms().len(), "VM"),
        outcome.seed,
        styled(QUIET, "Times count from when the pool had formed and all VMs ran.")
    )
}

/// The next sentence and what is left; VMs that stop together share one.
fn next<'a>(
    scenario: &Scenario,
    outcome: &Outcome,
    entries: &'a [Entry],
) -> Option<(&'a Entry, Option<Sentence>, &'a [Entry])> {
    let (first, rest) = entries.split_first()?;
    let Line::VmStopped { host, cause, .. } = first.line else {
        return Some((first, sentence(scenario, outcome, &first.line), rest));
    };
    let together = |entry: &&Entry| {
        entry.at == first.at
            && matches!(entry.line, Line::VmStopped { host: h, cause: c, .. } if h == host && c == cause)
    };
    let group: Vec<&Entry> = entries.iter().take_while(together).collect();
    let vms: Vec<&str> = group
        .iter()
        .filter_map(|entry| match entry.line {
            Line::VmStopped { vm, .. } => Some(outcome.pool.vm_id(vm)),
            _ => None,
        })
        .collect();
    Some((first, Some(stopped(outcome, &vms, host, cause)), &entries[group.len()..]))
}

fn ending(outcome: &Outcome, violations: &[Violation], width: Option<u16>) -> String {
    let mut text = String::new();
    let rows = outcome.hosts.iter().map(|host| {
        let role = if host.coordinator { "coordinator" } else { "" };
        let vms: Vec<&str> = outcome
            .vms
            .iter()
            .filter(|vm| vm.host == Some(host.host))
            .map(|vm| outcome.pool.vm_id(vm.vm))
            .collect();
        let vms = if vms.is_empty() { "-".to_owned() } else { crate::cli::style::names(&vms, 8) };
        [
            outcome.pool.host_id(host.host).to_owned(),
            state_at_end(outcome, host).to_owned(),
            role.to_owned(),
            vms,
        ]
    });
    let _ = writeln!(text, "At the end, {:.3} s", seconds(outcome, outcome.ended));
    text.push_str(&table(["host", "state", "", "VMs"], rows, width));
    let down: Vec<&str> =
        outcome.vms.iter().filter(|vm| vm.host.is_none()).map(|vm| outcome.pool.vm_id(vm.vm)).collect();
    if !down.is_empty() {
        let _ = writeln!(text, "  runs nowhere: {}", crate::cli::style::names(&down, 12));
    }
    text.push('\n');
    for violation in violations {
        let at = seconds(outcome, violation.at);
        let _ = writeln!(
            text,
            "{} at {at:.3} s, {}: {}",
            styled(BAD, "violated"),
            violation.invariant,
            violation.text
        );
    }
    for unmet in &outcome.unmet {
        let number = unmet.position + 1;
        let _ =
            writeln!(text, "{} (expect {number}): {}; {}", styled(BAD, "unmet"), unmet.expected, unmet.found);
    }
    if violations.is_empty() && outcome.unmet.is_empty() {
        let _ = writeln!(text, "{}", styled(GOOD, "Every law held, and every expectation was met."));
    }
    text
}
