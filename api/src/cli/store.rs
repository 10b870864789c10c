//! `lifeboat store`: the store of a service that does not run. A backup is brought back here, since a service needs a store
//! before it can answer anything.
use super::Status;
use super::output::Output;
use super::serve::{configured, secrets, sound};
use super::style::{GOOD, count, styled};
use super::trouble::Trouble;
use crate::startup::store_of;
use clap::Subcommand;
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// The store of a service that does not run: bring a backup back
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lifeboat store restore lifeboat-2026-11-22.backup --store /var/lib/lifeboat/lifeboat.redb",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Bring a backup back into an empty store, of whatever kind
    #[command(
        after_help = "A store that has anything is refused and left as it is: give a new file, or a new prefix of an etcd.

Examples:
  lifeboat store restore lifeboat-2026-11-22.backup --store new.redb && lifeboat serve --store new.redb
  lifeboat store restore lifeboat-2026-11-22.backup --store etcd://10.0.0.1:2379,10.0.0.2:2379/lifeboat-2
  lifeboat store restore lifeboat-2026-11-22.backup --config /etc/lifeboat/lifeboat.toml"
    )]
    Restore {
        /// The backup, as `lifeboat backup` made it
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Into which store, instead of what is configured: a file, or etcd://host:port[,host:port...]
        #[arg(long, value_name = "STORE")]
        store: Option<String>,
        /// The configuration file, which says how to enter an etcd [default: /etc/lifeboat/lifeboat.toml, if there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let Verb::Restore { file, store, config, json } = &arguments.verb;
    let config = sound(configured(config.as_deref(), store.as_deref())?)?;
    let (address, options) = store_of(&config, &secrets())?;
    let unreadable = |source| Trouble::Unreadable { path: file.clone(), source };
    let mut backup = BufReader::new(File::open(file).map_err(unreadable)?);
    let restored = lifeboat_store::restore(&address, &options, &mut backup)?;
    let (records, schema) = (restored.records, restored.schema);
    if *json {
        output.json(&json!({"store": address.to_string(), "records": records, "schema": schema}))
    } else {
        let told = count(usize::try_from(records).unwrap_or(usize::MAX), "record");
        output.text(&format!(
            "{}: {told} of schema {schema} in {address}\nnext: lifeboat serve --store {address}\n",
            styled(GOOD, "restored")
        ))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
