//! `lifeboat token`: who may ask the service, and for what. The secret of a token is shown once, when it is made.
use super::Status;
use super::change::{Change, have_done, tell, would};
use super::fields::{NOTHING, text, time, word};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::ServiceArguments;
use super::style::{GOOD, styled};
use super::trouble::Trouble;
use super::watch::Watching;
use crate::client::path::segment;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const DAY_S: u64 = 24 * 60 * 60;

/// Tokens: list them, make one, take one back
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat token list\n  lifeboat token create grafana --role viewer --out grafana.token\n  \
                  lifeboat token remove 4kq7 --yes",
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

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// See everything but the audit log and tokens
    Viewer,
    /// Change pools as well
    Operator,
    /// Everything
    Admin,
    /// Tell events, ask whether a VM may start
    Agent,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Agent => "agent",
        }
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the tokens, without their secrets
    #[command(after_help = "Example:\n  lifeboat token list")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
    },
    /// Make a token; its secret is shown this once
    #[command(after_help = "Examples:
  lifeboat token create grafana --role viewer --out grafana.token
  lifeboat token create h07 --role agent --for-pool prod-a --days 90 > h07.token")]
    Create {
        /// What it is for
        name: String,
        /// What its holder may do: viewer, operator, admin or agent
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// Only in this pool; may be given more than once [default: in all]
        #[arg(long = "for-pool", value_name = "POOL")]
        pools: Vec<String>,
        /// It ends after so many days [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36_500))]
        days: Option<u64>,
        /// Write the secret to this new file, which nobody else can read [default: print it]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take a token back: it is worth nothing any more
    #[command(after_help = "Example:\n  lifeboat token remove 4kq7 --yes")]
    Remove {
        /// The token's id, as `lifeboat token list` shows it
        id: String,
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much } => {
            let header = ["token", "for", "role", "pools", "made", "by", "ends", "last used"];
            let listing = Listing {
                route: "/v1/tokens".to_owned(),
                noun: "token",
                how_much: *how_much,
                header,
                row: &row,
            };
            listing.show(&session, json, &Watching::Once, output)
        }
        Verb::Create { name, role, pools, days, out } => {
            let pools = if pools.is_empty() { Value::Null } else { json!(pools) };
            let expires = days.map(|days| days * DAY_S);
            let body = json!({"name": name, "role": role.word(), "pools": pools, "expires_in_s": expires});
            let mut answer = tell(&session, &Change::post("/v1/tokens".to_owned(), body, String::new()))?;
            let token = word(&answer, "token").to_owned();
            if token.is_empty() {
                return Err(Trouble::Answer("a token"));
            }
            let id = answer.get("record").map_or_else(String::new, |record| text(record, "id"));
            if let Some(path) = out {
                keep(path, &token).map_err(|source| Trouble::Unwritable { path: path.clone(), source })?;
                let kept = path.display();
                output.note(&format!("{}: token {id}, its secret in {kept}\n", styled(GOOD, "done")));
                if let Some(fields) = answer.as_object_mut() {
                    fields.remove("token");
                }
            } else {
                output.note(&format!("token {id}; this secret is shown once, keep it in a file:\n"));
            }
            match (json, out) {
                (true, _) => output.json(&answer),
                (false, None) => output.text(&format!("{token}\n")),
                (false, Some(_)) => Ok(()),
            }
            .map_err(Trouble::Output)?;
            Ok(Status::Answered)
        }
        Verb::Remove { id, yes: false } => would(
            &format!(
                "Token {id} would be worth nothing any more, for whoever holds it, from now on and for ever."
            ),
            output,
        ),
        Verb::Remove { id, yes: true } => {
            let route = format!("/v1/tokens/{}", segment(id));
            have_done(
                &session,
                &Change::delete(route, format!("token {id} is worth nothing any more")),
                json,
                output,
            )
        }
    }
}

fn row(token: &Value) -> [String; 8] {
    let pools = match token.get("pools") {
        None | Some(Value::Null) => "all".to_owned(),
        Some(_) => text(token, "pools"),
    };
    let ends = match word(token, "expires_at") {
        "" => "never".to_owned(),
        at => time(at),
    };
    let used = match word(token, "last_used_at") {
        "" => NOTHING.to_owned(),
        at => time(at),
    };
    [
        text(token, "id"),
        text(token, "name"),
        text(token, "role"),
        pools,
        time(word(token, "created_at")),
        text(token, "created_by"),
        ends,
        used,
    ]
}

/// Writes a secret to a file of its own, which must not be there yet.
fn keep(path: &Path, token: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")?;
    file.sync_all()
}
