//! `lifeboat-agent arm`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::Ask;
use crate::socket::client;

/// End the disarmed time of the pool now. Asked of the agent that leads
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent arm")]
pub struct Arm {}

impl Arm {
    pub(super) fn carry_out(around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let said = client::ask(&around.config()?.host.socket(), &Ask::Arm)?;
        Ok(output.say(client::in_words(&said))?)
    }
}
