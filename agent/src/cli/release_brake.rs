//! `lifeboat-agent release-brake`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::Ask;
use crate::socket::client;

/// Release the brake that holds back restarts after many failures at once. Asked of the agent that leads
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent release-brake")]
pub struct ReleaseBrake {}

impl ReleaseBrake {
    pub(super) fn carry_out(around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let said = client::ask(&around.config()?.host.socket(), &Ask::ReleaseBrake)?;
        Ok(output.say(client::in_words(&said))?)
    }
}
