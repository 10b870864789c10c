//! `lifeboat host evacuate`: the plan first, in the order in which it will be carried out; then, with `--yes`, the
//! evacuation itself, which is a task.
use super::route;
use crate::cli::Status;
use crate::cli::change::{Change, DangerousArguments, How, make};
use crate::cli::fields::{NOTHING, list, text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{BAD, GOOD, STRONG, count, section, styled};
use crate::cli::tasks;
use crate::cli::trouble::Trouble;
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn run(
    session: &Session,
    host: &str,
    how: &DangerousArguments,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    if !how.yes {
        let plan = session.get(&route(session, host, "/evacuation")?)?;
        if json { output.json(&plan) } else { output.text(&page(host, &plan, output.width())) }
            .map_err(Trouble::Output)?;
        return Ok(if complete(&plan) { Status::Answered } else { Status::Overcommitted });
    }
    let done = format!("host {host} is being emptied");
    let change = Change::post(route(session, host, "/actions/evacuate")?, json!({}), done);
    let made = make(session, &change, &How::from(how), json, output)?;
    match made.task {
        Some(task) if watching => tasks::follow(session, &task, json, output),
        _ => Ok(made.status),
    }
}

/// Whether everything has a place.
fn complete(plan: &Value) -> bool {
    list(plan, "stuck").is_empty() && list(plan, "unplaced").is_empty()
}

fn page(host: &str, plan: &Value, width: Option<u16>) -> String {
    let moves = [list(plan, "moves"), list(plan, "steps")].concat();
    let stuck = [list(plan, "stuck"), list(plan, "unplaced")].concat();
    let outcome = if stuck.is_empty() {
        styled(GOOD, "all have a place")
    } else {
        styled(BAD, format_args!("{} without a place", count(stuck.len(), "VM")))
    };
    let mut page =
        format!("To empty {}: {}, {outcome}\n", styled(STRONG, host), count(moves.len(), "migration"));
    let rows = moves.iter().enumerate().map(|(position, step)| {
        let to = ["to", "host"].iter().map(|field| word(step, field)).find(|to| !to.is_empty());
        [(position + 1).to_string(), text(step, "vm"), to.unwrap_or(NOTHING).to_owned()]
    });
    section(&mut page, "Migrations, in this order", ["", "VM", "to"], rows, width);
    let rows = stuck.iter().map(|vm| [text(vm, "vm"), text(vm, "reason")]);
    section(&mut page, "Without a place", ["VM", "why"], rows, width);
    let _ = writeln!(page, "\n{}", styled(STRONG, "Nothing has been changed; --yes does it."));
    page
}
