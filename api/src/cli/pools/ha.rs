//! HA on and off, and what it needs.
use crate::cli::Status;
use crate::cli::change::{Change, DangerousArguments, OrdinaryArguments, make};
use crate::cli::fields::{NOTHING, flag, list, text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{BAD, GOOD, OPEN, STRONG, section, styled};
use crate::cli::trouble::Trouble;
use crate::cli::watch::{self, Shown};
use serde_json::{Map, Value, json};

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
    let state = word(ha, "state");
    let style = if state == "enabled" { GOOD } else { OPEN };
    let mut page = format!("{}  HA {}\n", styled(STRONG, pool), styled(style, state));
    let yes = |one: &Value, fields: [&str; 2]| {
        if fields.iter().any(|field| flag(one, field)) { styled(GOOD, "yes") } else { styled(BAD, "no") }
    };
    let why = |one: &Value| {
        let why = ["why_not", "reason"].iter().map(|field| word(one, field)).find(|why| !why.is_empty());
        why.unwrap_or(NOTHING).to_owned()
    };
    let rows = list(ha, "preconditions").iter().map(|one| {
        let what =
            ["what", "text", "code"].iter().map(|field| word(one, field)).find(|what| !what.is_empty());
        [what.unwrap_or(NOTHING).to_owned(), yes(one, ["met", "holds"]), why(one)]
    });
    section(&mut page, "What enabling needs", ["", "met", "why not"], rows, width);
    let rows = list(ha, "storages")
        .iter()
        .map(|one| [text(one, "storage"), yes(one, ["can_carry_heartbeat", "can_carry"]), why(one)]);
    section(&mut page, "Storages", ["storage", "can carry the heartbeat", "why not"], rows, width);
    page
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
    how: &DangerousArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = "HA is disabled wherever it was heard".to_owned();
    let change = Change::post(session.route("/ha/emergency-disable")?, json!({}), done);
    Ok(make(session, &change, &how.into(), json, output)?.status)
}
