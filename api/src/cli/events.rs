//! `lifeboat event`: what has happened in a pool; what happens; and telling the service what has happened.
use super::Status;
use super::change::{Change, tell};
use super::fields::{list, number, shown, text, time, word};
use super::listing::whole;
use super::output::Output;
use super::session::{PoolServiceArguments, Session};
use super::style::{BAD, GOOD, QUIET, count, styled, table};
use super::trouble::Trouble;
use super::watch::{Occurrence, listen, lost};
use crate::client::feed::FeedItem;
use crate::client::page::Items;
use crate::client::path::with_query;
use crate::source;
use clap::Subcommand;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Events that are told at once.
const BATCH: usize = 1000;

/// Events of a pool: what has happened, what happens, telling what has happened
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat event list --watch\n  \
                  echo '{\"kind\": \"vm-started\", \"vm\": \"db1\", \"host\": \"h07\"}' | lifeboat event tell -",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    service: PoolServiceArguments,
    /// Print JSON, one event a line where they are watched
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what has happened, the latest last
    #[command(
        after_help = "Examples:\n  lifeboat event list --last 50\n  lifeboat event list --kind alert --watch"
    )]
    List {
        /// So many of the latest
        #[arg(long, value_name = "N", default_value_t = 20, conflicts_with_all = ["all", "after"])]
        last: usize,
        /// All that are kept
        #[arg(long)]
        all: bool,
        /// All that came after the one with this number
        #[arg(long, value_name = "ID")]
        after: Option<u64>,
        /// Only those of this kind
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// Go on with each as it happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Tell what has happened: facts, which are not refused for what they do to the tolerance
    #[command(after_help = "Examples:
  lifeboat event tell events.jsonl
  echo '{\"kind\": \"host-down\", \"host\": \"h07\"}' | lifeboat event tell -")]
    Tell {
        /// An event, a JSON array of them, or one a line; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { last, all, after, kind, watch } => {
            let route = with_query(&session.route("/events")?, &[("kind", kind.as_deref())]);
            let from = after.map(|after| after.to_string());
            let mut items =
                session.client().list(&with_query(&route, &[("after", from.as_deref())]), None)?;
            if !all && after.is_none() {
                items.items.drain(..items.items.len().saturating_sub(*last));
            }
            print(&items, *watch, json, output)?;
            let newest = items.items.last().map(|event| number(event, "id").to_string());
            if *watch { follow(&session, route, newest.or(from), json, output) } else { Ok(Status::Answered) }
        }
        Verb::Tell { file } => tell_all(&session, file, json, output),
    }
}

fn print(items: &Items, watching: bool, json: bool, output: &mut Output<'_>) -> Result<(), Trouble> {
    let printed = match (json, watching) {
        (true, true) => items.items.iter().try_for_each(|event| output.text(&format!("{event}\n"))),
        (true, false) => output.json(&whole(items)),
        (false, true) => items.items.iter().try_for_each(|event| output.text(&line(event))),
        (false, false) if items.items.is_empty() => {
            output.text(&format!("  {}\n", styled(QUIET, "no events")))
        }
        (false, false) => {
            let rows = items.items.iter().map(|event| {
                [
                    text(event, "id"),
                    time(word(event, "at")),
                    text(event, "kind"),
                    what(event),
                    text(event, "by"),
                ]
            });
            output.text(&table(["event", "at", "kind", "what", "by"], rows, output.width()))
        }
    };
    printed.and_then(|()| output.flush()).map_err(Trouble::Output)
}

/// Prints each event as it happens.
fn follow(
    session: &Session,
    route: String,
    after: Option<String>,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (occurrences, _feed) = listen(session, Some(route), after)?;
    while let Ok(occurrence) = occurrences.recv() {
        match occurrence {
            Occurrence::Interrupted => break,
            Occurrence::Feed(FeedItem::Connected) => (),
            Occurrence::Feed(FeedItem::Lost { why, wait }) => lost(output, &why, wait),
            Occurrence::Feed(FeedItem::Ended(error)) => return Err(error.into()),
            Occurrence::Feed(FeedItem::Event(event)) => {
                let event: Value = serde_json::from_str(&event.data).unwrap_or(Value::String(event.data));
                let text = if json { format!("{event}\n") } else { line(&event) };
                output.text(&text).and_then(|()| output.flush()).map_err(Trouble::Output)?;
            }
        }
    }
    Ok(Status::Answered)
}

/// An event on a line of its own.
fn line(event: &Value) -> String {
    let by = match word(event, "by") {
        "" => String::new(),
        by => format!("  {}", styled(QUIET, format_args!("by {by}"))),
    };
    let (id, at) = (text(event, "id"), time(word(event, "at")));
    format!(
        "{}  {:<18} {}{by}\n",
        styled(QUIET, format_args!("{id:>6}  {at}")),
        text(event, "kind"),
        what(event)
    )
}

/// What an event says besides its number, time, kind and author.
fn what(event: &Value) -> String {
    let Value::Object(fields) = event else { return shown(Some(event)) };
    let known = ["id", "at", "kind", "by"];
    let rest = fields.iter().filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null());
    rest.map(|(name, value)| format!("{name} {}", shown(Some(value)))).collect::<Vec<_>>().join(", ")
}

fn tell_all(session: &Session, file: &Path, json: bool, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let events = read(file)?;
    let route = session.route("/events")?;
    let mut refused = 0;
    for (position, batch) in events.chunks(BATCH).enumerate() {
        let change = Change::post(route.clone(), Value::Array(batch.to_vec()), String::new());
        let answer = tell(session, &change)?;
        for (offset, outcome) in list(&answer, "outcomes").iter().enumerate() {
            if word(outcome, "outcome") == "refused" {
                refused += 1;
                let number = position * BATCH + offset + 1;
                let why = if word(outcome, "detail").is_empty() {
                    word(outcome, "code")
                } else {
                    word(outcome, "detail")
                };
                output.note(&format!("{} event {number}: {why}\n", styled(BAD, "left out:")));
            }
        }
        if json {
            output.json(&answer).map_err(Trouble::Output)?;
        }
    }
    if !json {
        let taken = count(events.len() - refused, "event");
        output.text(&format!("{}: {taken} told\n", styled(GOOD, "done"))).map_err(Trouble::Output)?;
    }
    Ok(if refused == 0 { Status::Answered } else { Status::Unusable })
}

/// One event, an array of them, or one a line.
fn read(file: &Path) -> Result<Vec<Value>, Trouble> {
    let bytes = source::read(file, source::MOST_FILE_BYTES)?;
    let mut events = Vec::new();
    for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
        match value {
            Ok(Value::Array(all)) => events.extend(all),
            Ok(event) => events.push(event),
            Err(error) => {
                return Err(Trouble::Unwise {
                    what: format!("event {} of {} is no JSON: {error}", events.len() + 1, file.display()),
                    step: "an event reads {\"kind\": \"vm-started\", \"vm\": …, \"host\": …}".to_owned(),
                });
            }
        }
    }
    Ok(events)
}
