//! `lifeboat vm`: the VMs of a served pool.
mod act;
mod monitor;
mod readiness;
mod show;
mod verbs;

pub(super) use verbs::{Arguments, Priority};

use super::Status;
use super::fields::{NOTHING, flag, memory, number, text, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::Session;
use super::trouble::Trouble;
use crate::client::path::{segment, with_query};
use serde_json::Value;
use verbs::Verb;

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much, host, state, priority, watch } => {
            let priority = priority.map(verbs::Priority::word);
            let query = [("host", host.as_deref()), ("state", state.as_deref()), ("priority", priority)];
            list(&session, with_query(&session.route("/vms")?, &query), *how_much, *watch, json, output)
        }
        Verb::Show { vm, watch } => show::one(&session, vm, *watch, json, output),
        Verb::Diagnose { vm } => show::diagnosis(&session, vm, json, output),
        Verb::Readiness { vm, when } => readiness::run(&session, vm, *when, json, output),
        Verb::Monitor { vm, how } => monitor::run(&session, vm, how, json, output),
        verb => act::run(&session, verb, json, output),
    }
}

/// The route of a VM, and `rest` behind it.
fn route(session: &Session, vm: &str, rest: &str) -> Result<String, Trouble> {
    session.route(&format!("/vms/{}{rest}", segment(vm)))
}

fn list(
    session: &Session,
    route: String,
    how_much: ListArguments,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let header = ["VM", "on", "state", "memory", "priority", "order", "migrating to"];
    let listing = Listing { route, noun: "VM", how_much, header, row: &row };
    listing.show(session, json, &session.watching(watching)?, output)
}

/// A VM in a table.
pub(super) fn row(vm: &Value) -> [String; 7] {
    [
        text(vm, "id"),
        text(vm, "host"),
        state(vm).to_owned(),
        memory((number(vm, "memory_mib") + number(vm, "overhead_mib")).into()),
        priority(vm).to_owned(),
        order(vm),
        text(vm, "migrating_to"),
    ]
}

/// Whether it holds memory on its host.
pub(super) fn holds_memory(vm: &Value) -> bool {
    matches!(state(vm), "running" | "paused")
}

/// A VM's power state, with what its absence means.
pub(super) fn state(vm: &Value) -> &str {
    let runs_nowhere = word(vm, "host").is_empty();
    match word(vm, "power_state") {
        "" | "halted" if runs_nowhere && flag(vm, "should_run") => "should run",
        "" if runs_nowhere => "halted",
        "" => "running",
        state => state,
    }
}

/// A VM's restart priority.
pub(super) fn priority(vm: &Value) -> &str {
    match word(vm, "restart_priority") {
        "" => NOTHING,
        priority => priority,
    }
}

/// A VM's restart order, with the delay after it.
fn order(vm: &Value) -> String {
    match number(vm, "start_delay_s") {
        0 => number(vm, "order").to_string(),
        delay => format!("{}, then {delay} s", number(vm, "order")),
    }
}
