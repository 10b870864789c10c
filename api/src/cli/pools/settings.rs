//! The settings of a pool. The failures that it tolerates are guarded: raising them is refused where the pool does not
//! survive so many, lowering them takes `--yes`.
use crate::cli::Status;
use crate::cli::assign::assignments;
use crate::cli::change::{Change, DangerousArguments, How, OrdinaryArguments, make};
use crate::cli::fields::{details, number, shown};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{STRONG, styled};
use crate::cli::trouble::Trouble;
use crate::cli::watch::{self, Shown};
use serde_json::{Value, json};

/// Settings that a pool has without setting them, as they are shown.
const USUAL: [(&str, &str); 6] = [
    ("host_failures_to_tolerate", "0"),
    ("guarantee", "sequential"),
    ("timeout_s", "15"),
    ("medium", "statefile"),
    ("storage_loss", "keep"),
    ("brake", "-"),
];

pub(super) fn show(
    session: &Session,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (pool, route) = (session.pool()?, session.route("/settings")?);
    watch::show(session, &session.watching(watching)?, output, |_| {
        let settings = session.get(&route)?;
        Ok((if json { Shown::Json(settings) } else { Shown::Text(page(&pool, &settings)) }, true))
    })
}

fn page(pool: &str, settings: &Value) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for (name, usual) in USUAL {
        let set = settings.get(name);
        pairs.push((name, set.map_or_else(|| format!("{usual} (default)"), |value| shown(Some(value)))));
    }
    for (name, value) in settings.as_object().into_iter().flatten() {
        if !USUAL.iter().any(|(usual, _)| usual == name) {
            pairs.push((name, shown(Some(value))));
        }
    }
    format!("{}\n\n{}", styled(STRONG, pool), details(&pairs))
}

pub(super) fn set_hftt(
    session: &Session,
    hftt: u32,
    how: &DangerousArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = session.route("/settings")?;
    let now = number(&session.get(&route)?, "host_failures_to_tolerate");
    let lowers = u64::from(hftt) < now;
    let mut made = How::from(how);
    made.judge_only &= lowers;
    let done = format!("the pool is to tolerate {hftt} host failures (before: {now})");
    let change = Change::patch(route, json!({"host_failures_to_tolerate": hftt}), done);
    Ok(make(session, &change, &made, json, output)?.status)
}

pub(super) fn set(
    session: &Session,
    fields: &[String],
    how: &OrdinaryArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let patch = assignments(fields)?;
    if patch.get("host_failures_to_tolerate").is_some() {
        return Err(Trouble::Unwise {
            what: "host_failures_to_tolerate has a verb of its own".to_owned(),
            step: "lifeboat pool set-hftt N".to_owned(),
        });
    }
    let change =
        Change::patch(session.route("/settings")?, patch, format!("the pool has {}", fields.join(", ")));
    Ok(make(session, &change, &how.into(), json, output)?.status)
}
