//! What `lifeboat diagnose` tells people.
use crate::cli::obstacles::{host_of, why_nowhere};
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, count, names, section, styled, table};
use crate::dto::agility::{AgilityAnswer, AgilityCounts, VmAgility, agility_word};
use crate::dto::restart::priority_word;
use lifeboat_model::Pool;
use std::fmt::Write as _;

/// The pool in counts, and the VMs that are not free to move.
pub(super) fn all(answer: &AgilityAnswer<'_>, pool: &Pool, width: Option<u16>) -> String {
    let mut text = format!(
        "{}  {}, {}\n\n",
        styled(STRONG, answer.pool),
        count(answer.hosts, "host"),
        count(answer.vms, "VM")
    );
    let row = |name: &str, counts: &AgilityCounts| {
        let AgilityCounts { agile, partly_agile, unprotectable } = counts;
        [name.to_owned(), agile.to_string(), partly_agile.to_string(), unprotectable.to_string()]
    };
    let rows = [row("protected", &answer.protected), row("others", &answer.others)];
    text.push_str(&table(["VMs", "agile", "partly agile", "unprotectable"], rows, width));
    let not_agile = answer.not_agile.vms.iter().map(|&vm| {
        [
            pool.vm_id(vm).to_owned(),
            host_of(pool, vm),
            priority_word(pool.vm(vm).restart_priority).to_owned(),
            agility_word(pool.agility(vm)).to_owned(),
            why_nowhere(pool, vm),
        ]
    });
    section(&mut text, "Not agile", ["VM", "on", "priority", "agility", "what keeps it"], not_agile, width);
    text
}

/// One VM and every host.
pub(in crate::cli) fn one(answer: &VmAgility<'_>, width: Option<u16>) -> String {
    let style = match answer.agility {
        "agile" => GOOD,
        "partly-agile" => OPEN,
        _ => BAD,
    };
    let place = answer.host.map_or_else(|| "on no host".to_owned(), |host| format!("on {host}"));
    let priority = if answer.restart_priority.is_empty() { "unprotected" } else { answer.restart_priority };
    let mut text = format!(
        "{}  {place}, {priority}, {}\n\n",
        styled(STRONG, answer.vm),
        styled(style, answer.agility.replace('-', " "))
    );
    let eligible = if answer.eligible_hosts.is_empty() {
        "no host".to_owned()
    } else {
        format!("{}: {}", count(answer.eligible_hosts.len(), "host"), names(&answer.eligible_hosts, 12))
    };
    let _ = writeln!(text, "  could run on {eligible}");
    if answer.obstacles.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n{} {}", styled(STRONG, "Kept from"), styled(QUIET, answer.obstacles.len()));
    let rows = answer.obstacles.iter().map(|host| [host.host.to_owned(), host.reason.clone()]);
    text.push_str(&table(["host", "because"], rows, width));
    text
}
