//! `lifeboat audit`: who has changed what, when, and what was forced.
use super::Status;
use super::fields::{text, time, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::ServiceArguments;
use super::trouble::Trouble;
use super::watch::Watching;
use clap::Subcommand;

/// The audit log: every change, who made it, and why it was forced
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat audit list\n  lifeboat audit list --all --json",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    service: ServiceArguments,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the entries, the newest first
    #[command(after_help = "Example:\n  lifeboat audit list --limit 20")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let Verb::List { how_much } = &arguments.verb;
    let listing = Listing {
        route: "/v1/audit".to_owned(),
        noun: "entry",
        how_much: *how_much,
        header: ["at", "who", "from", "what", "to", "outcome", "forced because"],
        row: &|entry| {
            let fields = ["who", "from", "action", "resource", "outcome", "forced"];
            let [who, from, action, resource, outcome, forced] = fields.map(|field| text(entry, field));
            [time(word(entry, "at")), who, from, action, resource, outcome, forced]
        },
    };
    listing.show(&session, arguments.json, &Watching::Once, output)
}
