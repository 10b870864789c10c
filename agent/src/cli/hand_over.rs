//! `lifeboat-agent hand-over`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::Ask;
use crate::socket::client;

/// Let another host lead. Asked of the agent that leads
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent hand-over")]
pub struct HandOver {}

impl HandOver {
    pub(super) fn carry_out(around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let said = client::ask(&around.config()?.host.socket(), &Ask::HandOver)?;
        Ok(output.say(client::in_words(&said))?)
    }
}
