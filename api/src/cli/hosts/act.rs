//! What can be done to a host, an evacuation apart.
use super::route;
use crate::cli::Status;
use crate::cli::assign::assignments;
use crate::cli::change::{Change, DangerousArguments, OrdinaryArguments, make};
use crate::cli::described::described;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use serde_json::json;
use std::path::Path;

pub(super) fn add(
    session: &Session,
    file: &Path,
    how: &OrdinaryArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (name, body) = described(file, "host")?;
    let change =
        Change::put(route(session, &name, "")?, body, format!("host {name} is in the pool")).new_only();
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn remove(
    session: &Session,
    host: &str,
    how: &DangerousArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let change = Change::delete(route(session, host, "")?, format!("host {host} is removed"));
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn enable(
    session: &Session,
    host: &str,
    how: &OrdinaryArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = format!("host {host} takes VMs");
    let change = Change::post(route(session, host, "/actions/enable")?, json!({}), done);
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn disable(
    session: &Session,
    host: &str,
    how: &DangerousArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = format!("host {host} takes no new VMs");
    let change = Change::post(route(session, host, "/actions/disable")?, json!({}), done);
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn confirm_dead(
    session: &Session,
    host: &str,
    how: &DangerousArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = format!("host {host} is dead, and its VMs may start elsewhere");
    let change = Change::post(route(session, host, "/actions/confirm-dead")?, json!({}), done);
    Ok(make(session, &change, &how.into(), json, output)?.status)
}

pub(super) fn set(
    session: &Session,
    host: &str,
    fields: &[String],
    how: &OrdinaryArguments,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = format!("host {host} has {}", fields.join(", "));
    let change = Change::patch(route(session, host, "")?, assignments(fields)?, done);
    Ok(make(session, &change, &how.into(), json, output)?.status)
}
