//! `lifeboat pool show` and `lifeboat pool tolerance`.
use super::inner;
use crate::cli::Status;
use crate::cli::fields::{NOTHING, details, flag, number, text, time, word};
use crate::cli::output::Output;
use crate::cli::plan::verdict;
use crate::cli::session::{Session, pool_name};
use crate::cli::standing::bounds;
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, elapsed, styled};
use crate::cli::trouble::Trouble;
use crate::cli::watch::{self, Shown};
use crate::dto::verdict::{BoundsAnswer, PlanAnswer, ToleranceAnswer};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

pub(super) fn summary(
    session: &Session,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = session.route("/summary")?;
    watch::show(session, &session.watching(watching)?, output, |_| {
        let summary = session.get(&route)?;
        Ok((if json { Shown::Json(summary) } else { Shown::Text(page(&summary)) }, true))
    })
}

fn page(pool: &Value) -> String {
    let mut page = format!("{}  {}\n\n", styled(STRONG, pool_name(pool).unwrap_or_default()), status(pool));
    page.push_str(&details(&[
        ("HA", ha_state(pool)),
        ("hosts", text(pool, "hosts")),
        ("VMs", text(pool, "vms")),
        ("protected", text(pool, "protected")),
        ("tolerates", tolerates(pool)),
        ("target", text(pool, "target")),
        ("effective target", text(pool, "effective_target")),
        ("revision", text(pool, "revision")),
        ("plan", plan_age(pool)),
    ]));
    page
}

/// What a summary says of HA.
pub(super) fn ha_state(pool: &Value) -> String {
    match pool.get("ha") {
        Some(Value::Object(ha)) => ha.get("state").and_then(Value::as_str).unwrap_or(NOTHING).to_owned(),
        _ => text(pool, "ha"),
    }
}

/// The bounds that the target is held against, in few words.
pub(super) fn tolerates(pool: &Value) -> String {
    let notion = if word(pool, "guarantee") == "simultaneous" { "simultaneous" } else { "sequential" };
    let found = inner(pool, "tolerance", notion).and_then(|found| BoundsAnswer::deserialize(found).ok());
    found.map_or_else(|| text(pool, "tolerance"), |found| bounds(&found))
}

/// Whether the target holds, in colour.
pub(super) fn status(pool: &Value) -> String {
    match (flag(pool, "overcommitted"), word(pool, "target_status")) {
        (true, "open") => styled(OPEN, "overcommitted (open)"),
        (true, _) => styled(BAD, "overcommitted"),
        (false, "") => NOTHING.to_owned(),
        (false, status) => styled(GOOD, status),
    }
}

/// How old the plan is.
pub(super) fn plan_age(pool: &Value) -> String {
    let age = match (pool.get("plan_age_us"), pool.get("plan_age_ms")) {
        (Some(Value::Number(us)), _) => us.as_u64(),
        (_, Some(Value::Number(ms))) => ms.as_u64().map(|ms| ms.saturating_mul(1000)),
        _ => None,
    };
    match age {
        _ if flag(pool, "up_to_date") => "up to date".to_owned(),
        Some(us) => format!("{} old", elapsed(us)),
        None => NOTHING.to_owned(),
    }
}

pub(super) fn tolerance(
    session: &Session,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = session.route("/tolerance")?;
    watch::show(session, &session.watching(watching)?, output, |width| {
        let answer = session.get(&route)?;
        let shown = if json { Shown::Json(answer) } else { Shown::Text(verdict_page(&answer, width)?) };
        Ok((shown, true))
    })
}

fn verdict_page(answer: &Value, width: Option<u16>) -> Result<String, Trouble> {
    let verdict = PlanAnswer::deserialize(answer).map_err(|_| Trouble::Answer("a readable verdict"))?;
    let mut page = verdict::text(&verdict, width);
    let fresh = if answer.get("up_to_date").is_none() || flag(answer, "up_to_date") {
        "up to date".to_owned()
    } else {
        styled(OPEN, "newer events are being worked on")
    };
    let of =
        format!("revision {}, events up to {}", number(answer, "revision"), time(word(answer, "reflects")));
    let _ = writeln!(page, "{}", styled(QUIET, format_args!("{of}: {fresh}")));
    Ok(page)
}

/// Both notions in few words.
pub(super) fn both(tolerance: &ToleranceAnswer) -> [(&'static str, String); 2] {
    [("at once", bounds(&tolerance.simultaneous)), ("one after another", bounds(&tolerance.sequential))]
}
