//! `lifeboat group`: rules between the VMs of a served pool.
use super::Status;
use super::change::{Change, DangerousArguments, OrdinaryArguments, make};
use super::fields::{details, list, text, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::{PoolServiceArguments, Session};
use super::style::{STRONG, styled};
use super::trouble::Trouble;
use crate::client::path::segment;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

/// Rules between VMs: list, show, create, remove
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat group list\n  lifeboat group create db anti-affinity db1 db2\n  \
                  lifeboat group remove db --yes",
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

/// What a rule asks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rule {
    /// Restarted with a running member, on its host, and with each other
    Affinity,
    /// No two on one host
    AntiAffinity,
    /// No two in one fault domain
    Spread,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rules
    #[command(after_help = "Example:\n  lifeboat group list --watch")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show a rule
    #[command(after_help = "Example:\n  lifeboat group show db")]
    Show {
        /// The rule
        group: String,
    },
    /// Make a rule, or put it in the place of one of that name
    #[command(
        after_help = "Examples:\n  lifeboat group create db anti-affinity db1 db2\n  lifeboat group create web spread web1 web2 --preferred"
    )]
    Create {
        /// The rule's name
        group: String,
        /// What it asks: affinity, anti-affinity or spread
        rule: Rule,
        /// Its members
        #[arg(value_name = "VM", required = true)]
        vms: Vec<String>,
        /// It may be broken where there is no other way
        #[arg(long)]
        preferred: bool,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Remove a rule
    #[command(after_help = "Example:\n  lifeboat group remove db --yes")]
    Remove {
        /// The rule
        group: String,
        #[command(flatten)]
        how: DangerousArguments,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much, watch } => {
            let header = ["rule", "asks", "mode", "VMs"];
            let listing = Listing {
                route: session.route("/groups")?,
                noun: "rule",
                how_much: *how_much,
                header,
                row: &row,
            };
            listing.show(&session, json, &session.watching(*watch)?, output)
        }
        Verb::Show { group } => show(&session, group, json, output),
        Verb::Create { group, rule, vms, preferred, how } => {
            let rule = match rule {
                Rule::Affinity => "affinity",
                Rule::AntiAffinity => "anti-affinity",
                Rule::Spread => "spread",
            };
            let mode = if *preferred { "preferred" } else { "required" };
            let body = json!({"id": group, "rule": rule, "mode": mode, "vms": vms});
            let change = Change::put(route(&session, group)?, body, format!("rule {group} is in force"));
            Ok(make(&session, &change, &how.into(), json, output)?.status)
        }
        Verb::Remove { group, how } => {
            let change = Change::delete(route(&session, group)?, format!("rule {group} is removed"));
            Ok(make(&session, &change, &how.into(), json, output)?.status)
        }
    }
}

fn route(session: &Session, group: &str) -> Result<String, Trouble> {
    session.route(&format!("/groups/{}", segment(group)))
}

fn mode(group: &Value) -> &str {
    match word(group, "mode") {
        "" => "required",
        mode => mode,
    }
}

fn row(group: &Value) -> [String; 4] {
    let members: Vec<&str> = list(group, "vms").iter().filter_map(Value::as_str).collect();
    let told = super::style::names(&members, 6);
    [text(group, "id"), text(group, "rule"), mode(group).to_owned(), told]
}

fn show(session: &Session, group: &str, json: bool, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let group = session.get(&route(session, group)?)?;
    if json {
        output.json(&group)
    } else {
        let pairs =
            [("asks", text(&group, "rule")), ("mode", mode(&group).to_owned()), ("VMs", text(&group, "vms"))];
        output.text(&format!("{}\n\n{}", styled(STRONG, text(&group, "id")), details(&pairs)))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
