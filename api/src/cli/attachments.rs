//! `lifeboat storage` and `lifeboat network`: what there is, and which hosts have it.
use super::Status;
use super::change::{Change, DangerousArguments, How, OrdinaryArguments, make};
use super::fields::{flag, list, text, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::{PoolServiceArguments, Session};
use super::trouble::Trouble;
use crate::client::Call;
use crate::client::path::segment;
use clap::Subcommand;
use serde_json::{Value, json};

/// Storages and networks of a pool: list them, plug them into hosts, unplug them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat storage list\n  lifeboat network list\n  lifeboat storage plug h07 san1\n  \
                  lifeboat network unplug h07 lan --yes",
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

/// What is plugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A storage.
    Storage,
    /// A network.
    Network,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List them
    #[command(after_help = "Examples:\n  lifeboat storage list\n  lifeboat network list")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Plug one into a host
    #[command(after_help = "Example:\n  lifeboat storage plug h07 san1")]
    Plug {
        /// The host
        host: String,
        /// The storage or network
        name: String,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Unplug one from a host
    #[command(
        after_help = "Examples:\n  lifeboat storage unplug h07 san1\n  lifeboat storage unplug h07 san1 --yes"
    )]
    Unplug {
        /// The host
        host: String,
        /// The storage or network
        name: String,
        #[command(flatten)]
        how: DangerousArguments,
    },
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Network => "network",
        }
    }

    /// The field of a host, and the route of the pool.
    fn plural(self) -> &'static str {
        match self {
            Self::Storage => "storages",
            Self::Network => "networks",
        }
    }

    /// Whether a host has it that does not say what it has.
    fn is_usual(self, one: &Value) -> bool {
        self == Self::Network || one.get("shared").is_none() || flag(one, "shared")
    }
}

pub(super) fn run(arguments: &Arguments, kind: Kind, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much, watch } => {
            let listing = Listing {
                route: session.route(&format!("/{}", kind.plural()))?,
                noun: kind.word(),
                how_much: *how_much,
                header: [kind.word(), "shared"],
                row: &|one| [text(one, "id"), if kind.is_usual(one) { "yes" } else { "no" }.to_owned()],
            };
            listing.show(&session, json, &session.watching(*watch)?, output)
        }
        Verb::Plug { host, name, how } => set(&session, kind, (host, name), true, &how.into(), json, output),
        Verb::Unplug { host, name, how } => {
            set(&session, kind, (host, name), false, &how.into(), json, output)
        }
    }
}

fn set(
    session: &Session,
    kind: Kind,
    (host, name): (&str, &str),
    plugged: bool,
    how: &How,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = session.route(&format!("/hosts/{}", segment(host)))?;
    let reply = session.client().ask(&Call::get(&*route))?;
    let mut has = has(session, kind, &reply.json()?)?;
    let state = if plugged { "has" } else { "has no" };
    let word = kind.word();
    if has.iter().any(|one| one == name) == plugged {
        let text = format!("nothing to do: host {host} {state} {word} {name} already\n");
        output.note(&text);
        return Ok(Status::Answered);
    }
    if plugged {
        has.push(name.to_owned());
    } else {
        has.retain(|one| one != name);
    }
    let body = json!({kind.plural(): has});
    let change =
        Change::patch(route, body, format!("host {host} {state} {word} {name}")).of_version(reply.etag());
    Ok(make(session, &change, how, json, output)?.status)
}

/// What a host has: what it says, or what hosts have that say nothing.
fn has(session: &Session, kind: Kind, host: &Value) -> Result<Vec<String>, Trouble> {
    if host.get(kind.plural()).is_some() {
        let names = list(host, kind.plural()).iter().filter_map(Value::as_str);
        return Ok(names.map(str::to_owned).collect());
    }
    let all = session.client().list(&session.route(&format!("/{}", kind.plural()))?, None)?.items;
    Ok(all.iter().filter(|one| kind.is_usual(one)).map(|one| word(one, "id").to_owned()).collect())
}
