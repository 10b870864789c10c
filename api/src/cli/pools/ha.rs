//! HA on and off, and what it needs.
use super::show::ha_state;
use super::verbs::Policy;
use crate::cli::Status;
use crate::cli::change::{Change, DangerousArguments, How, OrdinaryArguments, have_done, make, would};
use crate::cli::fields::{NOTHING, details, flag, list, number, text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{BAD, GOOD, STRONG, section, styled, wrapped};
use crate::cli::trouble::Trouble;
use crate::cli::watch::{self, Shown};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

pub(super) fn preconditions(
    session: &Session,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (pool, route) = (session.pool()?, session.route("/ha")?);
    watch::show(session, &session.watching(watching)?, output, |width| {
        let ha = session.get(&route)?;
        Ok((if json { Shown::Json(ha) } else { Shown::Text(page(&pool, &ha, width)) }, true))
    })
}

fn page(pool: &str, ha: &Value, width: Option<u16>) -> String {
    let found = ha.get("preconditions").unwrap_or(&Value::Null);
    let could = match (flag(ha, "enabled"), flag(found, "met")) {
        (true, _) => String::new(),
        (false, true) => format!(": {}", styled(GOOD, "it can be enabled")),
        (false, false) => format!(": {}", styled(BAD, "it cannot be enabled")),
    };
    let mut page = format!("{}  HA {}{could}\n\n", styled(STRONG, pool), ha_state(ha));
    page.push_str(&details(&[
        ("medium", text(found, "medium")),
        ("on", text(found, "storage")),
        ("T", format!("{} s", number(found, "timeout_s"))),
        ("admission", text(ha, "admission")),
    ]));
    findings(&mut page, "Against it", list(found, "refusals"), width);
    findings(&mut page, "Could be better", list(found, "warnings"), width);
    let rows = list(found, "storages").iter().map(|one| {
        let fit = if flag(one, "fit") { "yes" } else { "no" }.to_owned();
        let why: Vec<String> = list(one, "obstacles").iter().map(sentence).collect();
        [text(one, "storage"), fit, if why.is_empty() { NOTHING.to_owned() } else { why.join("; ") }]
    });
    section(&mut page, "Storages", ["storage", "can carry the heartbeat", "why not"], rows, width);
    page
}

fn findings(page: &mut String, heading: &str, all: &[Value], width: Option<u16>) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n{}", styled(STRONG, heading));
    for one in all {
        let _ = writeln!(page, "{}", wrapped(&sentence(one), width));
    }
}

fn sentence(finding: &Value) -> String {
    match word(finding, "host") {
        "" => text(finding, "text"),
        host => format!("{host}: {}", text(finding, "text")),
    }
}

pub(super) fn enable(
    session: &Session,
    storage: Option<&str>,
    timeout_s: Option<u32>,
    how: &OrdinaryArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let mut body = Map::new();
    body.extend(storage.map(|storage| ("storage".to_owned(), storage.into())));
    body.extend(timeout_s.map(|timeout_s| ("timeout_s".to_owned(), timeout_s.into())));
    let change = Change::post(session.route("/ha/enable")?, Value::Object(body), "HA is enabled".to_owned());
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn disable(
    session: &Session,
    how: &DangerousArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = "HA is disabled: nothing is fenced, nothing restarts".to_owned();
    let change = Change::post(session.route("/ha/disable")?, json!({}), done);
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn emergency(
    session: &Session,
    yes: bool,
    reason: Option<&str>,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let Some(reason) = reason.filter(|_| yes) else {
        let what = "HA would be disabled wherever the service is heard. A host that does not hear of it goes on \
                    guarding its VMs, and fences itself if it is cut off.";
        let hint = styled(STRONG, "Nothing has been changed; --yes --reason TEXT does it.");
        output.text(&format!("{}\n\n{hint}\n", wrapped(what, output.width()))).map_err(Trouble::Output)?;
        return Ok(Status::Answered);
    };
    let done = "HA is disabled wherever it was heard".to_owned();
    let change = Change::post(session.route("/ha/emergency-disable")?, json!({}), done);
    Ok(make(session, &change, &How::forced(reason.to_owned()), json, output)?.status)
}

pub(super) fn admission(
    session: &Session,
    policy: Policy,
    yes: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    if policy == Policy::Warn && !yes {
        let what = "Changes that make matters worse would be made from now on, with a warning, whoever asks for them: the \
                    pool's target is no longer kept by refusing them.";
        return would(what, output);
    }
    let (word, done) = match policy {
        Policy::Enforce => ("enforce", "changes that make matters worse are refused"),
        Policy::Warn => ("warn", "changes that make matters worse are made, with a warning"),
    };
    let change = Change::put(session.route("/ha/admission")?, json!({"admission": word}), done.to_owned());
    have_done(session, &change, json, output)
}
