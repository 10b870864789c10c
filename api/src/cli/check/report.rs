//! What `lifeboat check` tells people.
use crate::cli::standing::{bounds, line};
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, elapsed, names, section, styled, table, wrapped};
use crate::dto::admission::AdmissionAnswer;
use crate::dto::standing::MemoryUseAnswer;
use std::fmt::Write as _;

pub(in crate::cli) fn text(answer: &AdmissionAnswer<'_>, width: Option<u16>) -> String {
    let verdict = match (answer.allowed, answer.open) {
        (true, false) => styled(GOOD, "allowed"),
        (true, true) => styled(OPEN, "allowed"),
        (false, true) => styled(OPEN, "better not"),
        (false, false) => styled(BAD, "better not"),
    };
    let mut text = format!("{}  {}: {verdict}\n\n", styled(STRONG, answer.pool), answer.change.text);
    let _ = writeln!(text, "{}", wrapped(&sentence(answer.reason), width));
    let _ = writeln!(text, "\n  {:<13}{}", "now", line(&answer.before));
    let _ = writeln!(text, "  {:<13}{}", "then", line(&answer.after));
    if let (Some(host), false) = (answer.suggested_host, answer.candidates.is_empty()) {
        let _ = writeln!(text, "  {:<13}{}", "start it on", styled(STRONG, host));
    }
    for broken in &answer.newly_broken_rules {
        let warning = styled(OPEN, "breaks a rule");
        let _ = writeln!(text, "  {warning} {}: {}", broken.group, names(&broken.vms, 2));
    }
    if let Some(witness) = answer.witness.as_ref().filter(|_| !answer.allowed) {
        let failed = names(&witness.failed_hosts, 8);
        let why = format!("If {failed} failed: {}", witness.reason);
        let _ = writeln!(text, "\n{}", wrapped(&why, width));
    }
    candidates(&mut text, answer, width);
    let _ = writeln!(text, "\n{}", styled(STRONG, "Memory"));
    memory(&mut text, answer, width);
    let _ = writeln!(text, "\n{}", styled(QUIET, format_args!("{} of search", elapsed(answer.elapsed_us))));
    text
}

fn candidates(text: &mut String, answer: &AdmissionAnswer<'_>, width: Option<u16>) {
    let rows = answer.candidates.iter().map(|candidate| {
        [
            candidate.host.to_owned(),
            bounds(&candidate.tolerance),
            candidate.target_status.word().to_owned(),
            format!("{}.{} %", candidate.load_permille / 10, candidate.load_permille % 10),
            candidate.verdict.replace('-', " "),
        ]
    });
    let header = ["host", "tolerance left", "target", "load", "the start there"];
    section(text, "Hosts that could take it, best first", header, rows, width);
    let rows = answer.unfit.iter().map(|unfit| [unfit.host.to_owned(), unfit.reason.clone()]);
    section(text, "Hosts that could not", ["host", "why"], rows, width);
}

fn memory(text: &mut String, answer: &AdmissionAnswer<'_>, width: Option<u16>) {
    let row = |name: String, memory: &MemoryUseAnswer| {
        let MemoryUseAnswer { protected_mib, best_effort_mib, unprotected_mib, free_mib, .. } = memory;
        [
            name,
            protected_mib.to_string(),
            best_effort_mib.to_string(),
            unprotected_mib.to_string(),
            free_mib.to_string(),
        ]
    };
    let mut rows = vec![
        row("pool now".to_owned(), &answer.memory_before.pool),
        row("pool then".to_owned(), &answer.memory_after.pool),
    ];
    let before = |host: &str| answer.memory_before.hosts.iter().find(|known| known.host == host);
    for after in &answer.memory_after.hosts {
        let changed = before(after.host).is_none_or(|before| {
            let (old, new) = (&before.memory, &after.memory);
            (old.free_mib, old.protected_mib, old.best_effort_mib)
                != (new.free_mib, new.protected_mib, new.best_effort_mib)
        });
        if changed {
            rows.push(row(format!("{} then", after.host), &after.memory));
        }
    }
    let header = ["MiB", "protected", "best-effort", "unprotected", "free"];
    text.push_str(&table(header, rows, width));
}

/// The first letter raised, a full stop at the end.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
