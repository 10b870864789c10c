//! `lifeboat alert`: what somebody should look at, and the channels by which people are told of it.
use super::Status;
use super::change::{Change, have_done, tell};
use super::fields::{NOTHING, flag, number, text, time, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::PoolServiceArguments;
use super::style::{BAD, GOOD, OPEN, styled};
use super::trouble::Trouble;
use super::watch::Watching;
use crate::client::path::{segment, with_query};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

/// Alerts: list them, take note of them, test the channels that tell people
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat alert list --watch\n  lifeboat alert acknowledge 12\n  lifeboat alert test mail",
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

/// Which alerts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// Those that go on
    Open,
    /// Those that are over
    Closed,
    /// All of them
    All,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the alerts, the newest first
    #[command(after_help = "Examples:\n  lifeboat alert list --watch\n  lifeboat alert list --state all")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Which: open, closed or all
        #[arg(long, value_name = "STATE", default_value = "open")]
        state: Which,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Take note of an alert, so that others know that somebody does
    #[command(after_help = "Example:\n  lifeboat alert acknowledge 12")]
    Acknowledge {
        /// The alert
        alert: String,
    },
    /// Show the channels by which people are told, and how they do
    #[command(after_help = "Example:\n  lifeboat alert channels --watch")]
    Channels {
        /// Show it again whenever it has changed, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Send a test message through a channel
    #[command(after_help = "Example:\n  lifeboat alert test mail")]
    Test {
        /// The channel
        channel: String,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much, state, watch } => {
            let state = match state {
                Which::Open => "open",
                Which::Closed => "closed",
                Which::All => "all",
            };
            let listing = Listing {
                route: with_query(&session.route("/alerts")?, &[("state", Some(state))]),
                noun: "alert",
                how_much: *how_much,
                header: ["alert", "severity", "what", "since", "over", "noted by"],
                row: &row,
            };
            listing.show(&session, json, &session.watching(*watch)?, output)
        }
        Verb::Acknowledge { alert } => {
            let route = session.route(&format!("/alerts/{}/acknowledge", segment(alert)))?;
            have_done(
                &session,
                &Change::post(route, json!({}), format!("alert {alert} is noted")),
                json,
                output,
            )
        }
        Verb::Channels { watch } => {
            let listing = Listing {
                route: "/v1/alerts/channels".to_owned(),
                noun: "channel",
                // They come all at once.
                how_much: ListArguments { all: true, limit: 1000 },
                header: ["channel", "kind", "leads to", "waiting", "told", "lost", "last failure"],
                row: &channel,
            };
            listing.show(&session, json, if *watch { &Watching::Now } else { &Watching::Once }, output)
        }
        Verb::Test { channel } => {
            let route = format!("/v1/alerts/channels/{}/test", segment(channel));
            let answer = tell(&session, &Change::post(route, json!({}), String::new()))?;
            let through = flag(&answer, "delivered");
            if json {
                output.json(&answer)
            } else {
                let outcome =
                    if through { styled(GOOD, "got through") } else { styled(BAD, "did not get through") };
                output.text(&format!("{channel}: the test {outcome}: {}\n", word(&answer, "said")))
            }
            .map_err(Trouble::Output)?;
            Ok(if through { Status::Answered } else { Status::Unusable })
        }
    }
}

fn row(alert: &Value) -> [String; 6] {
    let severity = word(alert, "severity");
    let severity = match severity {
        "critical" | "major" => styled(BAD, severity),
        "warning" => styled(OPEN, severity),
        _ => severity.to_owned(),
    };
    let noted = alert.get("acknowledged").map_or_else(String::new, |noted| word(noted, "by").to_owned());
    [
        text(alert, "id"),
        severity,
        text(alert, "summary"),
        time(word(alert, "raised_at")),
        time(word(alert, "closed_at")),
        noted,
    ]
}

fn channel(channel: &Value) -> [String; 7] {
    [
        text(channel, "name"),
        text(channel, "kind"),
        text(channel, "target"),
        (number(channel, "queued") + number(channel, "gathered")).to_string(),
        text(channel, "told"),
        text(channel, "lost"),
        channel.get("last_error").filter(|error| !error.is_null()).map_or_else(
            || NOTHING.to_owned(),
            |error| format!("{} {}", time(word(error, "at")), word(error, "reason")),
        ),
    ]
}
