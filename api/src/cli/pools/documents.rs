//! Pool documents in and out, and pools that are forgotten.
use crate::cli::Status;
use crate::cli::change::{Change, have_done};
use crate::cli::described::described;
use crate::cli::fields::{list, word};
use crate::cli::file;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{OPEN, STRONG, count, styled, table};
use crate::cli::trouble::Trouble;
use crate::client::path::of_pool;
use crate::client::{Call, ClientError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn export(session: &Session, path: &Path, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let reply = session.client().ask(&Call::get(session.route("")?))?;
    if path == Path::new("-") {
        let text = String::from_utf8_lossy(reply.body());
        output.text(&text).and_then(|()| output.text("\n")).map_err(Trouble::Output)?;
    } else {
        file::save(path, |writer| writer.write_all(reply.body()))?;
    }
    Ok(Status::Answered)
}

/// Makes a pool of a document. Over one that is there, what would change is told first.
pub(super) fn import(
    session: &Session,
    named: Option<&str>,
    path: &Path,
    yes: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (id, mut document) = described(path, "pool")?;
    let pool = named.unwrap_or(&id).to_owned();
    if pool != id
        && let Some(fields) = document.as_object_mut()
    {
        fields.insert("id".to_owned(), pool.as_str().into());
    }
    let route = of_pool(&pool, "");
    let there = match session.client().get(&route) {
        Ok(there) => Some(there),
        Err(ClientError::Refused(problem)) if problem.status == 404 => None,
        Err(error) => return Err(error.into()),
    };
    if let (Some(there), false) = (&there, yes) {
        let changes = changes(there, &document);
        if json {
            output.json(&json!({"done": false, "pool": pool, "changes": changes}))
        } else {
            output.text(&preview(&pool, &changes, output.width()))
        }
        .map_err(Trouble::Output)?;
        return Ok(Status::Answered);
    }
    let done = format!(
        "pool {pool} has {} and {}",
        count(list(&document, "hosts").len(), "host"),
        count(list(&document, "vms").len(), "VM")
    );
    let change = Change::put(route, document, done);
    have_done(session, &if there.is_none() { change.new_only() } else { change }, json, output)
}

/// What an import would add, remove and change, by kind.
fn changes(there: &Value, document: &Value) -> BTreeMap<&'static str, [usize; 3]> {
    ["hosts", "vms", "groups", "storages", "networks"]
        .into_iter()
        .map(|kind| {
            let by_name = |all: &Value| -> BTreeMap<String, Value> {
                list(all, kind).iter().map(|one| (word(one, "id").to_owned(), one.clone())).collect()
            };
            let (old, new) = (by_name(there), by_name(document));
            let added = new.keys().filter(|name| !old.contains_key(*name)).count();
            let removed = old.keys().filter(|name| !new.contains_key(*name)).count();
            let differs =
                new.iter().filter(|(name, one)| old.get(*name).is_some_and(|old| old != *one)).count();
            (kind, [added, removed, differs])
        })
        .collect()
}

fn preview(pool: &str, changes: &BTreeMap<&str, [usize; 3]>, width: Option<u16>) -> String {
    let mut text = format!("{}  is there already; the document would\n\n", styled(STRONG, pool));
    let rows = changes.iter().map(|(kind, counts)| {
        let [added, removed, differing] = counts.map(|count| count.to_string());
        [(*kind).to_owned(), added, removed, differing]
    });
    text.push_str(&table(["", "add", "remove", "describe otherwise"], rows, width));
    let _ = writeln!(text, "\n{}", styled(STRONG, "Nothing has been changed; --yes does it."));
    text
}

pub(super) fn delete(
    session: &Session,
    pool: &str,
    yes: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = of_pool(pool, "");
    if yes {
        return have_done(session, &Change::delete(route, format!("pool {pool} is forgotten")), json, output);
    }
    let there = session.get(&route)?;
    let (hosts, vms) = (list(&there, "hosts").len(), list(&there, "vms").len());
    if json {
        output.json(&json!({"done": false, "pool": pool, "hosts": hosts, "vms": vms}))
    } else {
        let what = format!("{} and {}", count(hosts, "host"), count(vms, "VM"));
        output.text(&format!(
            "{} with {what} would be forgotten, its events and alerts too.\n\n{}\n{}\n",
            styled(STRONG, pool),
            styled(OPEN, format_args!("Keep it first: lifeboat pool export {pool}.json.gz --pool {pool}")),
            styled(STRONG, "Nothing has been changed; --yes does it.")
        ))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
