//! `lifeboat host`: the hosts of a served pool.
mod act;
mod evacuate;
mod invite;
mod show;

use super::Status;
use super::change::{DangerousArguments, OrdinaryArguments};
use super::fields::{memory, number, text, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::{PoolServiceArguments, Session};
use super::trouble::Trouble;
use crate::client::path::{segment, with_query};
use clap::Subcommand;
use serde_json::Value;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  All hosts; those that are dead:
    lifeboat host list
    lifeboat host list --state dead
  Empty a host: the plan first, then do it and follow:
    lifeboat host evacuate h07
    lifeboat host evacuate h07 --yes --watch
  A host lies on the floor in pieces, so its VMs may start elsewhere:
    lifeboat host confirm-dead h07 --yes";

/// Hosts of a pool: list, show, add, remove, enable, disable, evacuate
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
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
    /// List the hosts
    #[command(
        after_help = "Examples:\n  lifeboat host list\n  lifeboat host list --state maintenance --watch"
    )]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Only those in this state: live, disabled, maintenance, dead or fenced
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show a host, its memory and what runs there
    #[command(after_help = "Examples:\n  lifeboat host show h07\n  lifeboat host show h07 --watch")]
    Show {
        /// The host
        host: String,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Add a host, described as in a pool document
    #[command(
        after_help = "Example:\n  echo '{\"id\": \"h65\", \"memory_mib\": 786432}' | lifeboat host add -"
    )]
    Add {
        /// The description; `-` reads standard input
        #[arg(value_name = "HOST.json")]
        file: PathBuf,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Remove a host from the pool for good
    #[command(after_help = "Examples:\n  lifeboat host remove h07\n  lifeboat host remove h07 --yes")]
    Remove {
        /// The host
        host: String,
        #[command(flatten)]
        how: DangerousArguments,
    },
    /// Let a host take VMs again
    #[command(after_help = "Example:\n  lifeboat host enable h07")]
    Enable {
        /// The host
        host: String,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Let a host take no new VMs
    #[command(after_help = "Examples:\n  lifeboat host disable h07\n  lifeboat host disable h07 --yes")]
    Disable {
        /// The host
        host: String,
        #[command(flatten)]
        how: DangerousArguments,
    },
    /// Move everything off a host: the plan, and with --yes its execution
    #[command(
        after_help = "Examples:\n  lifeboat host evacuate h07\n  lifeboat host evacuate h07 --yes --watch"
    )]
    Evacuate {
        /// The host
        host: String,
        #[command(flatten)]
        how: DangerousArguments,
        /// With --yes: follow it to its end
        #[arg(long, requires = "yes")]
        watch: bool,
    },
    /// Empty a host with an agent, and have it leave the pool until it is started again: no failure
    #[command(
        after_help = "Examples:\n  lifeboat host shutdown h07\n  lifeboat host shutdown h07 --yes --watch"
    )]
    Shutdown {
        /// The host
        host: String,
        #[command(flatten)]
        how: DangerousArguments,
        /// With --yes: follow it to its end
        #[arg(long, requires = "yes")]
        watch: bool,
    },
    /// Invite a host: prints a one-time token for `lifeboat-agent join`
    #[command(
        after_help = "The token lets its bearer into the pool, once. Carry it as you would a password.\n\n\
                      Examples:\n  lifeboat host invite > token\n  lifeboat host invite h09 --hours 8"
    )]
    Invite {
        /// The host that it is for [default: any]
        host: Option<String>,
        /// For how long it holds
        #[arg(long, value_name = "HOURS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=168))]
        hours: u32,
    },
    /// Say that a host is dead, so that its VMs may start elsewhere
    #[command(
        name = "confirm-dead",
        after_help = "Your word takes the place of evidence: if the host still runs its VMs, they run twice.\n\n\
                      Examples:\n  lifeboat host confirm-dead h07\n  lifeboat host confirm-dead h07 --yes"
    )]
    ConfirmDead {
        /// The host
        host: String,
        #[command(flatten)]
        how: DangerousArguments,
    },
    /// Change fields of a host
    #[command(after_help = "Examples:
  lifeboat host set h07 memory_mib=1048576
  lifeboat host set h07 fault_domain=rack-2 reserved_mib=8192
  lifeboat host set h07 fault_domain=null")]
    Set {
        /// The host
        host: String,
        /// Fields as in the pool document; values as in JSON, text needs no quotes, null removes
        #[arg(value_name = "FIELD=VALUE", required = true)]
        fields: Vec<String>,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much, state, watch } => {
            let route = with_query(&session.route("/hosts")?, &[("state", state.as_deref())]);
            list(&session, route, *how_much, *watch, json, output)
        }
        Verb::Show { host, watch } => show::run(&session, host, *watch, json, output),
        Verb::Add { file, how } => act::add(&session, file, how, json, output),
        Verb::Remove { host, how } => act::remove(&session, host, how, json, output),
        Verb::Enable { host, how } => act::enable(&session, host, how, json, output),
        Verb::Disable { host, how } => act::disable(&session, host, how, json, output),
        Verb::Evacuate { host, how, watch } => {
            evacuate::run(&session, host, evacuate::Then::Stays, how, *watch, json, output)
        }
        Verb::Shutdown { host, how, watch } => {
            evacuate::run(&session, host, evacuate::Then::Leaves, how, *watch, json, output)
        }
        Verb::Invite { host, hours } => invite::run(&session, host.as_deref(), *hours, json, output),
        Verb::ConfirmDead { host, how } => act::confirm_dead(&session, host, how, json, output),
        Verb::Set { host, fields, how } => act::set(&session, host, fields, how, json, output),
    }
}

/// The route of a host, and `rest` behind it.
fn route(session: &Session, host: &str, rest: &str) -> Result<String, Trouble> {
    session.route(&format!("/hosts/{}{rest}", segment(host)))
}

fn list(
    session: &Session,
    route: String,
    how_much: ListArguments,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let listing = Listing {
        route,
        noun: "host",
        how_much,
        header: ["host", "state", "memory", "reserved", "resources", "fault domain"],
        row: &|host| {
            [
                text(host, "id"),
                state(host).to_owned(),
                memory(number(host, "memory_mib").into()),
                memory(number(host, "reserved_mib").into()),
                text(host, "resources"),
                text(host, "fault_domain"),
            ]
        },
    };
    listing.show(session, json, &session.watching(watching)?, output)
}

/// A host's state; absence means live.
fn state(host: &Value) -> &str {
    match word(host, "state") {
        "" => "live",
        state => state,
    }
}
