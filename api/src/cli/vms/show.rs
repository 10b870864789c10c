//! `lifeboat vm show` and `lifeboat vm diagnose`.
use super::{order, priority, route, state};
use crate::cli::Status;
use crate::cli::diagnose;
use crate::cli::fields::{details, list, memory, number, text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{STRONG, styled};
use crate::cli::trouble::Trouble;
use crate::cli::watch::{self, Shown};
use crate::dto::agility::VmAgility;
use serde::Deserialize;
use serde_json::Value;

pub(super) fn one(
    session: &Session,
    vm: &str,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = route(session, vm, "")?;
    watch::show(session, &session.watching(watching)?, output, |_| {
        let vm = session.get(&route)?;
        Ok((if json { Shown::Json(vm) } else { Shown::Text(page(&vm)) }, true))
    })
}

fn page(vm: &Value) -> String {
    let place = match word(vm, "host") {
        "" => state(vm).to_owned(),
        host => format!("{} on {host}", state(vm)),
    };
    let allowed = match vm.get("allowed_hosts") {
        None | Some(Value::Null) => "any".to_owned(),
        Some(_) if list(vm, "allowed_hosts").is_empty() => "none".to_owned(),
        Some(_) => text(vm, "allowed_hosts"),
    };
    let mut page = format!("{}  {place}\n\n", styled(STRONG, text(vm, "id")));
    page.push_str(&details(&[
        ("memory", memory(number(vm, "memory_mib").into())),
        ("overhead", memory(number(vm, "overhead_mib").into())),
        ("resources", text(vm, "resources")),
        ("priority", priority(vm).to_owned()),
        ("order", order(vm)),
        ("migrating to", text(vm, "migrating_to")),
        ("storages", text(vm, "storages")),
        ("networks", text(vm, "networks")),
        ("allowed hosts", allowed),
        ("lowest CPU level", number(vm, "min_cpu_level").to_string()),
    ]));
    page
}

pub(super) fn diagnosis(
    session: &Session,
    vm: &str,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let answer = session.get(&route(session, vm, "/diagnosis")?)?;
    if json {
        output.json(&answer)
    } else {
        let answer = VmAgility::deserialize(&answer).map_err(|_| Trouble::Answer("a readable diagnosis"))?;
        output.text(&diagnose::report::one(&answer, output.width()))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
