//! `lifeboat config`: what the configuration file may say, and what is wrong with one.
use super::Status;
use super::output::Output;
use super::style::{BAD, GOOD, count, styled};
use super::trouble::Trouble;
use crate::config::{Config, USUAL_PATH, pages, secret};
use crate::guard::token::{Randomness, Token};
use crate::source;
use std::io;
use std::path::{Path, PathBuf};

/// The largest configuration file.
const MOST_BYTES: u64 = 1 << 20;

const EXAMPLES: &str = "Examples:
  What there is to set, with what it is when left out:
    lifeboat config example > lifeboat.toml
  Everything that is wrong with a file:
    lifeboat config check lifeboat.toml";

/// Check the service's configuration file, or print one with every key
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    ask: Ask,
}

#[derive(Debug, clap::Subcommand)]
enum Ask {
    /// Tell everything that is wrong with a file; exit status 1 if anything is
    Check {
        /// The file; `-` reads standard input
        #[arg(default_value = USUAL_PATH)]
        file: PathBuf,
    },
    /// Print a file with every key, what it means, and what it is when left out
    Example,
    /// Print every key as tables in Markdown
    Keys,
    /// Make a token for `bootstrap` in `[tokens]`: a first admin, who makes the other tokens
    BootstrapToken {
        /// The file to write it to, which must not be there yet; only its owner can read it
        file: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    match &arguments.ask {
        Ask::Check { file } => check(file, output),
        Ask::Example => print(output, &pages::example()),
        Ask::Keys => print(output, &pages::tables()),
        Ask::BootstrapToken { file } => bootstrap_token(file, output),
    }
}

fn print(output: &mut Output<'_>, text: &str) -> Result<Status, Trouble> {
    output.text(text).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

fn bootstrap_token(path: &Path, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let unwritable = |source| Trouble::Unwritable { path: path.to_owned(), source };
    let random = Randomness::fetch().map_err(|error| unwritable(io::Error::other(error.to_string())))?;
    secret::write_new(path, &Token::new(&random).reveal()).map_err(unwritable)?;
    let text = format!(
        "a token is in {0}, which only its owner can read\n\nin lifeboat.toml:\n  [tokens]\n  bootstrap = {{ file = \"{0}\" }}\n\
         or, with LoadCredential=bootstrap-token:{0} in the unit:\n  bootstrap = {{ credential = \"bootstrap-token\" }}\n",
        path.display()
    );
    print(output, &text)
}

fn check(path: &Path, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let name = path.display();
    match read(path)? {
        Ok(config) => {
            let listen: Vec<String> = config.listen.addresses.iter().map(ToString::to_string).collect();
            let means = if config.tls_files().is_some() { "by TLS" } else { "without TLS" };
            let who = if config.guard_settings().trust_loopback {
                "everybody on this machine is admin while there is no admin's token"
            } else {
                "everybody is asked who they are"
            };
            let text = format!(
                "{} {name}\n  listens on {} {means}; {who}\n",
                styled(GOOD, "nothing is wrong with"),
                listen.join(", ")
            );
            print(output, &text)
        }
        Err(faults) => {
            // As compilers write them, so that editors find the place.
            for fault in &faults {
                output.text(&format!("{name}:{fault}\n")).map_err(Trouble::Output)?;
            }
            output.note(&format!("{} {name} has {}\n", styled(BAD, "error:"), count(faults.len(), "fault")));
            Ok(Status::Unusable)
        }
    }
}

/// A configuration file, or everything that is wrong with it.
fn read(path: &Path) -> Result<Result<Config, Vec<crate::config::ConfigFault>>, Trouble> {
    let bytes = source::read(path, MOST_BYTES)?;
    Ok(match std::str::from_utf8(&bytes) {
        Ok(text) => Config::read(text),
        Err(error) => Err(vec![crate::config::ConfigFault {
            at: None,
            key: String::new(),
            message: format!("not UTF-8 after {} bytes", error.valid_up_to()),
        }]),
    })
}
