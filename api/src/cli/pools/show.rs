//! `lifeboat pool show` and `lifeboat pool tolerance`.
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
    let (route, ha) = (session.route("/summary")?, session.route("/ha")?);
    watch::show(session, &session.watching(watching)?, output, |_| {
        let summary = session.get(&route)?;
        let shown = if json { Shown::Json(summary) } else { Shown::Text(page(&summary, &session.get(&ha)?)) };
        Ok((shown, true))
    })
}

fn page(pool: &Value, ha: &Value) -> String {
    let mut page = format!("{}  {}\n\n", styled(STRONG, pool_name(pool).unwrap_or_default()), status(pool));
    let hosts = ["live", "disabled", "maintenance", "dead", "fenced"];
    let vms = ["running", "pending", "protected", "best_effort"];
    page.push_str(&details(&[
        ("HA", ha_state(ha)),
        ("hosts", counts(pool, "hosts", &hosts)),
        ("VMs", counts(pool, "vms", &vms)),
        ("storages", text(pool, "storages")),
        ("networks", text(pool, "networks")),
        ("rules", text(pool, "groups")),
        ("tolerates", tolerates(pool)),
        ("target", target(pool)),
        ("verdict", age(pool)),
        ("revision", text(pool, "revision")),
    ]));
    page
}

/// A count, and its parts that are not 0, each with its name.
fn counts(pool: &Value, of: &str, names: &[&str]) -> String {
    let Some(counts) = pool.get(of) else { return NOTHING.to_owned() };
    let parts = names.iter().filter(|name| number(counts, name) > 0);
    let parts: Vec<String> =
        parts.map(|name| format!("{} {}", number(counts, name), name.replace('_', "-"))).collect();
    let all = text(counts, "total");
    if parts.is_empty() { all } else { format!("{all} ({})", parts.join(", ")) }
}

/// One count of a summary.
pub(super) fn count_of(pool: &Value, of: &str, name: &str) -> String {
    pool.get(of).map_or_else(|| NOTHING.to_owned(), |counts| text(counts, name))
}

/// Whether HA is enabled, and on what.
pub(super) fn ha_state(ha: &Value) -> String {
    if !flag(ha, "enabled") {
        return styled(OPEN, "disabled");
    }
    let medium = match word(ha, "storage") {
        "" => text(ha, "medium"),
        storage => format!("{} on {storage}", text(ha, "medium")),
    };
    format!("{}, {medium}, T {} s", styled(GOOD, "enabled"), text(ha, "timeout_s"))
}

fn target(pool: &Value) -> String {
    let notion = if word(pool, "guarantee") == "simultaneous" { "at once" } else { "one after another" };
    match (number(pool, "target"), number(pool, "effective_target")) {
        (target, effective) if target == effective => format!("{target} {notion}"),
        (target, effective) => format!("{effective} {notion} ({target} less hosts in maintenance)"),
    }
}

/// The bounds that the target is held against, in few words.
pub(super) fn tolerates(pool: &Value) -> String {
    let notion = if word(pool, "guarantee") == "simultaneous" { "simultaneous" } else { "sequential" };
    let found = plan(pool).get("tolerance").and_then(|tolerance| tolerance.get(notion));
    let found = found.and_then(|found| BoundsAnswer::deserialize(found).ok());
    found.map_or_else(|| NOTHING.to_owned(), |found| bounds(&found))
}

/// Whether the target holds, in colour.
pub(super) fn status(pool: &Value) -> String {
    match (flag(plan(pool), "overcommitted"), word(plan(pool), "target_status")) {
        (true, "open") => styled(OPEN, "overcommitted (open)"),
        (true, _) => styled(BAD, "overcommitted"),
        (false, "") => styled(OPEN, "no verdict yet"),
        (false, status) => styled(GOOD, status),
    }
}

/// How old the verdict is.
pub(super) fn age(pool: &Value) -> String {
    match plan(pool) {
        Value::Null => NOTHING.to_owned(),
        plan if flag(plan, "up_to_date") => "up to date".to_owned(),
        plan => format!("{} old", elapsed(number(plan, "age_ms").saturating_mul(1000))),
    }
}

fn plan(pool: &Value) -> &Value {
    pool.get("plan").unwrap_or(&Value::Null)
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
