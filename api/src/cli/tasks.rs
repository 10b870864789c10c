//! `lifeboat task`: what takes long, and how far it is.
use super::Status;
use super::fields::{NOTHING, details, list, text, time, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::{PoolServiceArguments, Session};
use super::style::{BAD, GOOD, OPEN, STRONG, section, styled};
use super::trouble::Trouble;
use super::watch::{self, Shown};
use crate::client::path::segment;
use anstyle::Style;
use clap::Subcommand;
use serde_json::Value;

/// Long actions of a pool, evacuations among them: list, show, follow
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat task list\n  lifeboat task show 12 --watch",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    service: PoolServiceArguments,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the tasks, the newest first
    #[command(after_help = "Example:\n  lifeboat task list --watch")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show a task and its steps
    #[command(after_help = "Examples:\n  lifeboat task show 12\n  lifeboat task show 12 --watch")]
    Show {
        /// The task
        task: String,
        /// Follow it to its end
        #[arg(long)]
        watch: bool,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    match &arguments.verb {
        Verb::List { how_much, watch } => {
            let listing = Listing {
                route: session.route("/tasks")?,
                noun: "task",
                how_much: *how_much,
                header: ["task", "what", "state", "begun", "ended", "by"],
                row: &|task| {
                    [
                        text(task, "id"),
                        what(task),
                        word(task, "state").to_owned(),
                        time(word(task, "began_at")),
                        time(word(task, "ended_at")),
                        text(task, "by"),
                    ]
                },
            };
            listing.show(&session, arguments.json, &session.watching(*watch)?, output)
        }
        Verb::Show { task, watch } if *watch => follow(&session, task, arguments.json, output),
        Verb::Show { task, .. } => {
            show(&session, task, false, arguments.json, output).map(|(status, _)| status)
        }
    }
}

/// Follows a task to its end. One that fails is input that cannot be used, for scripts.
pub(super) fn follow(
    session: &Session,
    task: &str,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (status, state) = show(session, task, true, json, output)?;
    Ok(if matches!(state.as_str(), "failed" | "canceled") { Status::Unusable } else { status })
}

fn show(
    session: &Session,
    task: &str,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<(Status, String), Trouble> {
    let route = session.route(&format!("/tasks/{}", segment(task)))?;
    let mut state = String::new();
    let status = watch::show(session, &session.watching(watching)?, output, |width| {
        let task = session.get(&route)?;
        word(&task, "state").clone_into(&mut state);
        let goes_on = !matches!(state.as_str(), "done" | "failed" | "canceled");
        let shown = if json { Shown::Json(task) } else { Shown::Text(page(&task, width)) };
        Ok((shown, goes_on))
    })?;
    Ok((status, state))
}

fn what(task: &Value) -> String {
    ["what", "kind"].iter().map(|field| word(task, field)).find(|word| !word.is_empty()).map_or_else(
        || NOTHING.to_owned(),
        |kind| match word(task, "host") {
            "" => kind.to_owned(),
            host => format!("{kind} {host}"),
        },
    )
}

fn style(state: &str) -> Style {
    match state {
        "done" => GOOD,
        "failed" | "canceled" => BAD,
        _ => OPEN,
    }
}

fn page(task: &Value, width: Option<u16>) -> String {
    let state = word(task, "state");
    let mut page = format!(
        "{}  {}: {}\n\n",
        styled(STRONG, format_args!("task {}", text(task, "id"))),
        what(task),
        styled(style(state), state)
    );
    page.push_str(&details(&[
        ("by", text(task, "by")),
        ("begun", time(word(task, "began_at"))),
        ("ended", time(word(task, "ended_at"))),
        ("why", text(task, "reason")),
    ]));
    let rows = list(task, "steps").iter().enumerate().map(|(position, step)| {
        [
            (position + 1).to_string(),
            text(step, "vm"),
            text(step, "to"),
            text(step, "state"),
            text(step, "reason"),
        ]
    });
    section(&mut page, "Steps", ["", "VM", "to", "state", "why"], rows, width);
    page
}
