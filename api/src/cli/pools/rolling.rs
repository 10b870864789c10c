//! `lifeboat pool rolling-reboot`: which hosts boot anew together, in what order, and what moves where; with `--yes` it begins.
use super::verbs::RollingReboot;
use crate::cli::Status;
use crate::cli::change::{Change, have_done};
use crate::cli::fields::{NOTHING, details, flag, list, number, text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{BAD, GOOD, OPEN, STRONG, count, section, styled};
use crate::cli::trouble::Trouble;
use crate::cli::watch::{self, Shown};
use anstyle::Style;
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn run(
    session: &Session,
    asked: &RollingReboot,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = session.route("/rolling-reboot")?;
    if asked.status {
        return follow(session, &route, asked.watch, json, output);
    }
    if asked.cancel {
        let done = "it is canceled; hosts that are down for it come back".to_owned();
        return have_done(session, &Change::delete(route, done), json, output);
    }
    if !asked.yes {
        let told = session.get(&format!("{route}?at_once={}", asked.at_once.unwrap_or(0)))?;
        if json { output.json(&told) } else { output.text(&plan_page(&told, output.width())) }
            .map_err(Trouble::Output)?;
        let complete = told.get("plan").is_some_and(|plan| flag(plan, "complete"));
        return Ok(if complete { Status::Answered } else { Status::Overcommitted });
    }
    let mut body = json!({
        "hosts": asked.hosts,
        "at_once": asked.at_once.unwrap_or(0),
        "stop_vms": asked.stop_vms,
    });
    if let Some(within) = asked.returns_within {
        body["returns_within_s"] = within.into();
    }
    let begun = have_done(
        session,
        &Change::post(route.clone(), body, "it has begun: lifeboat pool rolling-reboot --status".to_owned()),
        json,
        output,
    )?;
    if asked.watch { follow(session, &route, true, json, output) } else { Ok(begun) }
}

/// Shows the run; watching, to its end. One that does not come to its end is input that cannot be used, for scripts.
fn follow(
    session: &Session,
    route: &str,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let mut state = String::new();
    watch::show(session, &session.watching(watching)?, output, |width| {
        let told = session.get(route)?;
        let run = told.get("run").cloned().unwrap_or_default();
        word(&run, "state").clone_into(&mut state);
        let goes_on = matches!(state.as_str(), "running" | "canceling" | "stopping");
        let shown = if json { Shown::Json(run) } else { Shown::Text(run_page(&run, width)) };
        Ok((shown, goes_on))
    })?;
    Ok(if matches!(state.as_str(), "stopped" | "canceled") { Status::Unusable } else { Status::Answered })
}

fn plan_page(told: &Value, width: Option<u16>) -> String {
    let Some(plan) = told.get("plan").filter(|plan| !plan.is_null()) else {
        let run = told.get("run").unwrap_or(&Value::Null);
        return format!("{}\n\n{}", styled(OPEN, "A rolling reboot goes on."), run_page(run, width));
    };
    let groups = list(plan, "groups");
    let outcome = if flag(plan, "complete") {
        styled(GOOD, "every VM has a place meanwhile")
    } else {
        styled(BAD, "it cannot be done as things are")
    };
    let mut page = format!("To boot all hosts anew: {}, {outcome}\n", count(groups.len(), "group"));
    let rows = groups.iter().enumerate().map(|(position, group)| {
        [
            (position + 1).to_string(),
            text(group, "hosts"),
            list(group, "moves").len().to_string(),
            list(group, "stuck").len().to_string(),
            number(group, "survives").to_string(),
        ]
    });
    let header = ["", "down together", "VMs move", "VMs stop", "failures survived meanwhile"];
    section(&mut page, "Groups, in this order", header, rows, width);
    let moves: Vec<[String; 4]> = groups
        .iter()
        .enumerate()
        .flat_map(|(position, group)| {
            list(group, "moves").iter().map(move |step| {
                [(position + 1).to_string(), text(step, "vm"), text(step, "from"), text(step, "to")]
            })
        })
        .collect();
    section(&mut page, "Migrations", ["", "VM", "from", "to"], moves.into_iter(), width);
    let stuck: Vec<[String; 3]> = groups
        .iter()
        .flat_map(|group| list(group, "stuck"))
        .map(|stuck| [text(stuck, "vm"), text(stuck, "host"), text(stuck, "reason")])
        .collect();
    let heading = "Can go nowhere, and are stopped meanwhile with --stop-vms";
    section(&mut page, heading, ["VM", "on", "why"], stuck.into_iter(), width);
    let needed = list(plan, "needed").iter().map(|needed| [text(needed, "host"), text(needed, "reason")]);
    section(&mut page, "Cannot be down", ["host", "why"], needed, width);
    let _ = writeln!(page, "\n{}", styled(STRONG, "Nothing has been changed; --yes does it."));
    page
}

fn run_page(run: &Value, width: Option<u16>) -> String {
    if run.is_null() {
        return "There was no rolling reboot.\n".to_owned();
    }
    let state = word(run, "state");
    let mut page = format!(
        "{}  {}\n\n",
        styled(STRONG, format_args!("rolling reboot {}", text(run, "id"))),
        styled(style(state), state)
    );
    page.push_str(&details(&[("by", text(run, "by")), ("why", text(run, "reason"))]));
    let rows: Vec<[String; 3]> = list(run, "groups")
        .iter()
        .enumerate()
        .flat_map(|(position, group)| {
            list(group, "hosts").iter().map(move |host| {
                let phase = word(host, "phase");
                let shown = if phase.is_empty() { NOTHING.to_owned() } else { phase.replace('-', " ") };
                [(position + 1).to_string(), text(host, "host"), shown]
            })
        })
        .collect();
    section(&mut page, "Hosts", ["group", "host", "how far"], rows.into_iter(), width);
    page
}

fn style(state: &str) -> Style {
    match state {
        "done" => GOOD,
        "stopped" | "canceled" => BAD,
        _ => OPEN,
    }
}
