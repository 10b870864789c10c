//! `lifeboat-agent run`: the agent itself.
use super::{Surroundings, Trouble};

/// Be this host's agent, until the process is told to end. VMs run on when it does
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent run --config /etc/lifeboat/agent.toml")]
pub struct Run {
    /// Take no part in high availability, as if `emergency-disable` had been said
    #[arg(long, hide = true)]
    disabled: bool,
}

impl Run {
    pub(super) fn carry_out(self, around: &Surroundings) -> Result<(), Trouble> {
        Ok(crate::run::run(around.config()?, self.disabled)?)
    }
}
