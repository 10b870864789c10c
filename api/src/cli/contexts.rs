//! `lifeboat context`: which service is meant, under a name of one's own.
use super::Status;
use super::environment::Environment;
use super::fields::{NOTHING, details};
use super::output::Output;
use super::style::{GOOD, QUIET, STRONG, styled, table};
use super::trouble::Trouble;
use crate::client::ServerAddress;
use crate::client::context::{Context, ContextError, Contexts};
use clap::Subcommand;
use std::path::{self, Path, PathBuf};

/// Contexts: services under names of your own, with the token to show there
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  lifeboat context set prod --server https://lb1:7878 --server https://lb2:7878 \\
    --token-file ~/.config/lifeboat/prod.token --ca ca.pem --pool prod-a
  lifeboat context use prod
  lifeboat context list",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the contexts; the one that is meant is marked
    #[command(after_help = "Example:\n  lifeboat context list")]
    List,
    /// Show a context
    #[command(after_help = "Example:\n  lifeboat context show prod")]
    Show {
        /// The context [default: the one that is meant]
        name: Option<String>,
    },
    /// Keep a context, or change what is named of it; the first one is meant from then on
    #[command(after_help = "Examples:
  lifeboat context set prod --server https://lb1:7878 --token-file prod.token
  lifeboat context set prod --pool prod-a")]
    Set(Box<Given>),
    /// Have a context be meant from now on
    #[command(name = "use", after_help = "Example:\n  lifeboat context use prod")]
    Use {
        /// The context
        name: String,
    },
    /// Forget a context
    #[command(after_help = "Example:\n  lifeboat context remove lab")]
    Remove {
        /// The context
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Given {
    /// The context
    name: String,
    /// The service; several stand in for one another
    #[arg(long = "server", value_name = "URL")]
    servers: Vec<ServerAddress>,
    /// The file with the token that says who asks
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Believe the authorities in this file and no others
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Show this certificate
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// The pool that is meant where none is named
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let file = Environment::read().contexts_file.ok_or(ContextError::NoHome)?;
    let mut contexts = Contexts::load(&file)?;
    let said = match &arguments.verb {
        Verb::List => return list(&contexts, arguments.json, output),
        Verb::Show { name } => return show(&contexts, name.as_deref(), &file, arguments.json, output),
        Verb::Set(given) => {
            let known = contexts.all.get(&given.name).cloned().unwrap_or_default();
            let context = changed(known, given)?;
            contexts.set(&given.name, context)?;
            format!("context {} is kept in {}", given.name, file.display())
        }
        Verb::Use { name } => {
            contexts.choose(name)?;
            format!("context {name} is meant from now on")
        }
        Verb::Remove { name } => {
            contexts.remove(name)?;
            format!("context {name} is forgotten")
        }
    };
    contexts.save(&file)?;
    output.text(&format!("{}: {said}\n", styled(GOOD, "done"))).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

/// What is known of a context, with what is given now in its place.
fn changed(known: Context, given: &Given) -> Result<Context, Trouble> {
    let whole = |path: &Option<PathBuf>, known: Option<PathBuf>| match path {
        // The command that reads it may be run from elsewhere.
        Some(path) => path::absolute(path)
            .map(Some)
            .map_err(|source| Trouble::Unwritable { path: path.clone(), source }),
        None => Ok(known),
    };
    let servers = if given.servers.is_empty() {
        known.servers
    } else {
        given.servers.iter().map(ToString::to_string).collect()
    };
    if servers.is_empty() {
        return Err(Trouble::Unwise {
            what: format!("context {} names no service", given.name),
            step: format!("lifeboat context set {} --server https://HOST:7878", given.name),
        });
    }
    Ok(Context {
        servers,
        token_file: whole(&given.token_file, known.token_file)?,
        ca_file: whole(&given.ca, known.ca_file)?,
        certificate_file: whole(&given.client_certificate, known.certificate_file)?,
        key_file: whole(&given.client_key, known.key_file)?,
        pool: given.pool.clone().or(known.pool),
    })
}

fn list(contexts: &Contexts, json: bool, output: &mut Output<'_>) -> Result<Status, Trouble> {
    if json {
        output.json(contexts)
    } else if contexts.all.is_empty() {
        let hint = "no contexts; without one, http://127.0.0.1:7878 is asked";
        output.text(&format!("  {}\n", styled(QUIET, hint)))
    } else {
        let rows = contexts.all.iter().map(|(name, context)| {
            let meant = if contexts.current.as_ref() == Some(name) { "*" } else { "" };
            [
                meant.to_owned(),
                name.clone(),
                context.servers.join(", "),
                context.pool.clone().unwrap_or_else(|| NOTHING.to_owned()),
                shown(context.token_file.as_deref()),
            ]
        });
        output.text(&table(["", "context", "service", "pool", "token file"], rows, output.width()))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

fn show(
    contexts: &Contexts,
    name: Option<&str>,
    file: &Path,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let name = name.or(contexts.current.as_deref());
    let Some(name) = name else { return list(contexts, json, output) };
    let context = contexts.named(name)?;
    if json {
        output.json(context)
    } else {
        let pairs = [
            ("service", context.servers.join(", ")),
            ("pool", context.pool.clone().unwrap_or_else(|| NOTHING.to_owned())),
            ("token file", shown(context.token_file.as_deref())),
            ("authorities", shown(context.ca_file.as_deref())),
            ("certificate", shown(context.certificate_file.as_deref())),
            ("key", shown(context.key_file.as_deref())),
            ("kept in", file.display().to_string()),
        ];
        output.text(&format!("{}\n\n{}", styled(STRONG, name), details(&pairs)))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| NOTHING.to_owned(), |path| path.display().to_string())
}
