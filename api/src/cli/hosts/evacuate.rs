//! `lifeboat host evacuate`: the plan first, in the order in which it will be carried out; then, with `--yes`, the
//! evacuation itself, which is a task.
use super::route;
use crate::cli::Status;
use crate::cli::change::{Change, DangerousArguments, How, make};
use crate::cli::fields::{flag, list, memory, number, text};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::standing::line;
use crate::cli::style::{BAD, GOOD, STRONG, count, section, styled};
use crate::cli::tasks;
use crate::cli::trouble::Trouble;
use crate::dto::admission::AdmissionAnswer;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What becomes of the host when it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It stays, in maintenance.
    Stays,
    /// It leaves.
    Leaves,
}

pub(super) fn run(
    session: &Session,
    host: &str,
    then: Then,
    how: &DangerousArguments,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    if !how.yes {
        let plan = session.get(&route(session, host, "/evacuation")?)?;
        if json { output.json(&plan) } else { output.text(&page(host, &plan, output.width())) }
            .map_err(Trouble::Output)?;
        return Ok(if harmless(&plan) { Status::Answered } else { Status::Overcommitted });
    }
    let (action, done) = match then {
        Then::Stays => ("/actions/evacuate", format!("host {host} is being emptied")),
        Then::Leaves => ("/actions/shutdown", format!("host {host} is being emptied, then it leaves")),
    };
    let change = Change::post(route(session, host, action)?, json!({}), done);
    let made = make(session, &change, &How::from(how), json, output)?;
    match made.task {
        Some(task) if watching => tasks::follow(session, &task, json, output),
        _ => Ok(made.status),
    }
}

/// Whether everything has a place, and admission lets it be done.
fn harmless(plan: &Value) -> bool {
    flag(plan, "complete") && plan.get("admission").is_some_and(|admission| flag(admission, "allowed"))
}

fn page(host: &str, plan: &Value, width: Option<u16>) -> String {
    let (moves, stuck) = (list(plan, "moves"), list(plan, "stuck"));
    let outcome = if stuck.is_empty() {
        styled(GOOD, "all have a place")
    } else {
        styled(BAD, format_args!("{} without a place", count(stuck.len(), "VM")))
    };
    let mut page =
        format!("To empty {}: {}, {outcome}\n", styled(STRONG, host), count(moves.len(), "migration"));
    let rows = moves.iter().enumerate().map(|(position, step)| {
        let size = memory(number(step, "memory_mib").into());
        let under_way = if flag(step, "under_way") { "under way" } else { "" };
        let [vm, to, priority] = ["vm", "to", "restart_priority"].map(|field| text(step, field));
        [(position + 1).to_string(), vm, to, size, priority, under_way.to_owned()]
    });
    let header = ["", "VM", "to", "memory", "priority", ""];
    section(&mut page, "Migrations, in this order", header, rows, width);
    let rows = stuck.iter().map(|vm| [text(vm, "vm"), text(vm, "reason")]);
    section(&mut page, "Without a place", ["VM", "why"], rows, width);
    if let Some(Ok(admission)) = plan.get("admission").map(AdmissionAnswer::deserialize) {
        let allowed = if admission.allowed { styled(GOOD, "allowed") } else { styled(BAD, "better not") };
        let _ = writeln!(page, "\n  {allowed}: {}", admission.reason);
        let (before, after) = (line(&admission.before), line(&admission.after));
        let _ = writeln!(page, "  {:<6}{before}\n  {:<6}{after}", "now", "then");
    }
    let _ = writeln!(page, "\n{}", styled(STRONG, "Nothing has been changed; --yes does it."));
    page
}
