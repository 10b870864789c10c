//! `lifeboat-agent rotate-key`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::Ask;
use crate::socket::client;

/// Change the pool's heartbeat key, without interruption. Asked of the agent that leads
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent rotate-key")]
pub struct RotateKey {}

impl RotateKey {
    pub(super) fn carry_out(around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let said = client::ask(&around.config()?.host.socket(), &Ask::RotateKey)?;
        Ok(output.say(client::in_words(&said))?)
    }
}
