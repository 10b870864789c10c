//! A restart plan for people: what starts where, in the order in which it will.
use crate::cli::style::{BAD, GOOD, QUIET, STRONG, count, elapsed, names, styled, table};
use crate::dto::restart::RestartPlanAnswer;
use crate::dto::verdict::BoundsAnswer;
use std::fmt::Write as _;

pub(super) fn text(answer: &RestartPlanAnswer<'_>, width: Option<u16>) -> String {
    let verb = if answer.failed.len() == 1 { "fails" } else { "fail" };
    let outcome = if answer.unplaced.is_empty() {
        styled(GOOD, "all restart")
    } else {
        let most = if answer.optimal { ", and no plan restarts more" } else { "" };
        styled(BAD, format_args!("{} without a place{most}", count(answer.unplaced.len(), "VM")))
    };
    let mut text = format!(
        "If {} {verb}: {}, {outcome}\n",
        styled(STRONG, names(&answer.failed, 12)),
        count(answer.restarts.len(), "restart"),
    );
    if !answer.restarts.is_empty() {
        let _ = writeln!(text, "\n{} {}", styled(STRONG, "Restarts"), styled(QUIET, "in this order"));
        let rows = answer.restarts.iter().map(|restart| {
            [
                restart.order.to_string(),
                restart.vm.to_owned(),
                restart.from.unwrap_or("pending").to_owned(),
                restart.to.to_owned(),
                restart.priority.to_owned(),
            ]
        });
        text.push_str(&table(["order", "VM", "from", "to", "priority"], rows, width));
    }
    if !answer.unplaced.is_empty() {
        let _ = writeln!(text, "\n{}", styled(STRONG, "Without a place"));
        let rows = answer.unplaced.iter().map(|unplaced| {
            [unplaced.vm.to_owned(), unplaced.reason_code.to_owned(), unplaced.reason.to_owned()]
        });
        text.push_str(&table(["VM", "code", "why"], rows, width));
    }
    let tolerance = &answer.remaining_tolerance;
    let _ = writeln!(
        text,
        "\nAfter that: {} at once, {} one after another",
        remaining(&tolerance.simultaneous),
        remaining(&tolerance.sequential)
    );
    let _ = writeln!(text, "\n{}", styled(QUIET, format_args!("{} of search", elapsed(answer.elapsed_us))));
    text
}

fn remaining(bounds: &BoundsAnswer) -> String {
    match (bounds.proven, bounds.stopped_by) {
        (None, _) => styled(BAD, "broken"),
        (Some(proven), None) => format!("any {}", count(proven as usize, "more failure")),
        (Some(proven), Some(_)) => format!("at least any {}", count(proven as usize, "more failure")),
    }
}
