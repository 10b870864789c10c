//! The command line. One file a verb; each takes its arguments and the output, and says how it ended. What a
//! verb decides comes from the crates below: here are only arguments, documents and words.
//!
//! A verb is a file `cli/<verb>.rs` with `Arguments` (clap's derive, examples in its help) and
//! `run(&Arguments, &mut Output) -> Result<Status, Trouble>`, a line in [`Verb`] and one in [`run`]. Pools are
//! read through [`pool::PoolArguments`], searches bounded through [`search::SearchArguments`], and everything
//! is printed through [`output::Output`].
mod alerts;
mod assign;
mod attachments;
mod audit;
mod backup;
mod bench;
mod capacity;
pub mod certificate;
mod change;
mod check;
mod completions;
mod config;
mod contexts;
mod demo;
mod described;
mod diagnose;
pub mod environment;
mod events;
mod explain;
mod fields;
pub mod file;
mod generate;
mod groups;
mod hosts;
mod interrupt;
mod libvirt_hook;
mod listing;
mod manual;
mod obstacles;
pub mod output;
mod plan;
pub mod pool;
mod pools;
mod repair;
mod schema;
pub mod search;
mod serve;
pub mod session;
mod sim;
mod standing;
mod store;
pub mod style;
mod tasks;
mod tokens;
pub mod trouble;
mod verify;
mod vms;
mod watch;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use output::Output;
use std::ffi::OsString;
use trouble::Trouble;

/// How a run of the command line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The question was answered.
    Answered,
    /// The input cannot be used.
    Unusable,
    /// Asked to check, and the pool is overcommitted.
    Overcommitted,
    /// The certificate does not establish what it claims.
    Refused,
    /// A simulated pool broke a law, or did not meet an expectation.
    Unmet,
}

impl Status {
    /// The exit status that scripts see.
    pub fn code(self) -> u8 {
        match self {
            Self::Answered => 0,
            Self::Unusable => 1,
            Self::Overcommitted => 3,
            Self::Refused => 4,
            Self::Unmet => 5,
        }
    }
}

/// Proves how many host failures a pool of virtual machines survives, and plans the restarts.
#[derive(Debug, Parser)]
#[command(name = "lifeboat", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit status: 0 answered; 1 the input cannot be used; 3 overcommitted (with --check), or \
                        refused by the service; \
                        4 certificate refused; 5 a simulated pool broke a law or missed an expectation."
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Plan(plan::Arguments),
    Verify(verify::Arguments),
    Diagnose(diagnose::Arguments),
    Explain(explain::Arguments),
    Check(Box<check::Arguments>),
    Repair(repair::Arguments),
    Capacity(capacity::Arguments),
    Schema(schema::Arguments),
    Serve(serve::Arguments),
    Config(config::Arguments),
    LibvirtHook(libvirt_hook::Arguments),
    Sim(sim::Arguments),
    Generate(generate::Arguments),
    Bench(bench::Arguments),
    Pool(Box<pools::Arguments>),
    Host(Box<hosts::Arguments>),
    Vm(Box<vms::Arguments>),
    Group(groups::Arguments),
    Storage(attachments::Arguments),
    Network(attachments::Arguments),
    Alert(alerts::Arguments),
    Event(events::Arguments),
    Task(tasks::Arguments),
    Demo(demo::Arguments),
    Token(tokens::Arguments),
    Audit(audit::Arguments),
    Backup(backup::Arguments),
    Store(store::Arguments),
    Context(contexts::Arguments),
    Completions(completions::Arguments),
    Man(manual::Arguments),
}

/// The whole command line as clap knows it: for completions, manual pages, and whoever asks whether a line is one.
pub fn command() -> clap::Command {
    CommandLine::command()
}

/// Runs one command line, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>, output: &mut Output<'_>) -> Status {
    let ended = match CommandLine::try_parse_from(arguments) {
        Ok(command) => match &command.verb {
            Verb::Plan(arguments) => plan::run(arguments, output),
            Verb::Verify(arguments) => verify::run(arguments, output),
            Verb::Diagnose(arguments) => diagnose::run(arguments, output),
            Verb::Explain(arguments) => explain::run(arguments, output),
            Verb::Check(arguments) => check::run(arguments, output),
            Verb::Repair(arguments) => repair::run(arguments, output),
            Verb::Capacity(arguments) => capacity::run(arguments, output),
            Verb::Schema(arguments) => schema::run(arguments, output),
            Verb::Serve(arguments) => serve::run(arguments, output),
            Verb::Config(arguments) => config::run(arguments, output),
            Verb::LibvirtHook(arguments) => libvirt_hook::run(arguments, output),
            Verb::Sim(arguments) => sim::run(arguments, output),
            Verb::Generate(arguments) => generate::run(arguments, output),
            Verb::Bench(arguments) => bench::run(arguments, output),
            Verb::Pool(arguments) => pools::run(arguments, output),
            Verb::Host(arguments) => hosts::run(arguments, output),
            Verb::Vm(arguments) => vms::run(arguments, output),
            Verb::Group(arguments) => groups::run(arguments, output),
            Verb::Storage(arguments) => attachments::run(arguments, attachments::Kind::Storage, output),
            Verb::Network(arguments) => attachments::run(arguments, attachments::Kind::Network, output),
            Verb::Alert(arguments) => alerts::run(arguments, output),
            Verb::Event(arguments) => events::run(arguments, output),
            Verb::Task(arguments) => tasks::run(arguments, output),
            Verb::Demo(arguments) => demo::run(arguments, output),
            Verb::Token(arguments) => tokens::run(arguments, output),
            Verb::Audit(arguments) => audit::run(arguments, output),
            Verb::Backup(arguments) => backup::run(arguments, output),
            Verb::Store(arguments) => store::run(arguments, output),
            Verb::Context(arguments) => contexts::run(arguments, output),
            Verb::Completions(arguments) => completions::run(arguments, output),
            Verb::Man(arguments) => manual::run(arguments, output),
        },
        Err(error) => misunderstood(&error, output),
    };
    let ended = ended.and_then(|status| output.flush().map(|()| status).map_err(Trouble::Output));
    ended.unwrap_or_else(|trouble| {
        output.trouble(&trouble);
        Status::Unusable
    })
}

/// A request for help is an answer; anything else that clap cannot read is input that cannot be used.
fn misunderstood(error: &clap::Error, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let text = error.render().ansi().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output.text(&text).map_err(Trouble::Output)?;
            Ok(Status::Answered)
        }
        _ => {
            output.note(&text);
            Ok(Status::Unusable)
        }
    }
}
