//! `lifeboat-agent confirm-dead`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::{Ask, client};

/// Give your word that a host is off, so that its VMs may be restarted elsewhere now
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, when you have seen that h03 is off:\n  lifeboat-agent confirm-dead h03")]
pub struct ConfirmDead {
    /// The host, as the roster names it
    host: String,
    /// Even though the medium shows the host alive. If it is, its VMs will run twice
    #[arg(long)]
    force: bool,
}

impl ConfirmDead {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let ask = Ask::ConfirmDead { host: self.host, forced: self.force };
        let said = client::ask(&around.config()?.host.socket(), &ask)?;
        Ok(output.say(client::in_words(&said))?)
    }
}
