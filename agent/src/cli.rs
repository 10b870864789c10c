//! The command line: a file of this folder for each verb. `run` is the agent itself; most others speak to a running one by its socket.
pub mod arm;
pub mod confirm_dead;
pub mod disarm;
pub mod doctor;
pub mod emergency_disable;
pub mod hand_over;
pub mod hold_watchdog;
pub mod init;
pub mod join;
pub mod leave;
pub mod output;
pub mod release_brake;
pub mod rotate_key;
pub mod run;
pub mod status;

use crate::config::{Config, ConfigError, USUAL_PATH};
use crate::socket::client::AskError;
use clap::{Parser, Subcommand};
use output::Output;
use std::ffi::OsString;
use std::path::PathBuf;

/// `lifeboat-agent`.
#[derive(Debug, Parser)]
#[command(
    name = "lifeboat-agent",
    version,
    about = "Keeps this host's place in its pool: heartbeats, lease, watchdog, virtual machines"
)]
struct Arguments {
    /// The agent's configuration
    #[arg(long, global = true, value_name = "FILE", default_value = USUAL_PATH)]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Init(init::Init),
    Join(join::Join),
    Doctor(doctor::Doctor),
    Status(status::Status),
    Disarm(disarm::Disarm),
    Arm(arm::Arm),
    Leave(leave::Leave),
    HandOver(hand_over::HandOver),
    ConfirmDead(confirm_dead::ConfirmDead),
    ReleaseBrake(release_brake::ReleaseBrake),
    RotateKey(rotate_key::RotateKey),
    EmergencyDisable(emergency_disable::EmergencyDisable),
    #[command(hide = true)]
    HoldWatchdog(hold_watchdog::HoldWatchdog),
}

/// What a verb can find around it.
#[derive(Debug)]
pub struct Surroundings {
    /// Where the configuration is.
    pub config_path: PathBuf,
}

impl Surroundings {
    /// The configuration.
    ///
    /// # Errors
    /// All of its faults.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config_path)
    }
}

/// Why a verb did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The configuration.
    #[error("the configuration cannot be used:\n{0}")]
    Config(#[from] ConfigError),
    /// The agent does not answer, or refuses.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The agent itself.
    #[error(transparent)]
    Run(#[from] crate::run::RunError),
    /// What is printed goes nowhere.
    #[error("nothing can be printed: {0}")]
    Print(#[from] std::io::Error),
    /// Anything else, in words that say the next step.
    #[error("{0}")]
    Other(String),
}

/// Does what the arguments say; the answer is the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, output: &mut Output<'_>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => return output.usage(&usage),
    };
    let around = Surroundings { config_path: arguments.config };
    let done = match arguments.verb {
        Verb::Init(verb) => verb.carry_out(&around, output),
        Verb::Join(verb) => verb.carry_out(&around, output),
        Verb::Doctor(verb) => verb.carry_out(&around, output),
        Verb::Run(verb) => verb.carry_out(&around),
        Verb::Status(verb) => verb.carry_out(&around, output),
        Verb::Disarm(verb) => verb.carry_out(&around, output),
        Verb::Arm(arm::Arm {}) => arm::Arm::carry_out(&around, output),
        Verb::Leave(verb) => verb.carry_out(&around, output),
        Verb::HandOver(hand_over::HandOver {}) => hand_over::HandOver::carry_out(&around, output),
        Verb::ConfirmDead(verb) => verb.carry_out(&around, output),
        Verb::ReleaseBrake(release_brake::ReleaseBrake {}) => {
            release_brake::ReleaseBrake::carry_out(&around, output)
        }
        Verb::RotateKey(rotate_key::RotateKey {}) => rotate_key::RotateKey::carry_out(&around, output),
        Verb::EmergencyDisable(verb) => verb.carry_out(&around, output),
        Verb::HoldWatchdog(hold_watchdog::HoldWatchdog {}) => hold_watchdog::HoldWatchdog::carry_out(),
    };
    match done {
        Ok(()) => 0,
        Err(trouble) => {
            output.complain(&trouble);
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_has_examples_for_every_verb() {
        let mut all = Arguments::command();
        for verb in all.get_subcommands_mut().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
        {
            let example = format!("\n  lifeboat-agent {}", verb.get_name());
            let help = verb.render_help().to_string();
            assert!(help.contains(&example), "{help}");
        }
    }
}
