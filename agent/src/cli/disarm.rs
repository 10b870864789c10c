//! `lifeboat-agent disarm`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::{Ask, client};

/// Disarm the pool for a while: nobody fences, nothing restarts. Asked of the agent that leads; the time ends by itself
#[derive(Debug, clap::Args)]
pub struct Disarm {
    /// For how many seconds, at most 18 hours
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=64_800))]
    lasts_s: u64,
}

impl Disarm {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let ask = Ask::Disarm { lasts_s: self.lasts_s };
        let said = client::ask(&around.config()?.host.socket(), &ask)?;
        Ok(output.say(client::in_words(&said))?)
    }
}
