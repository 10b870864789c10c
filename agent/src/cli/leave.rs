//! `lifeboat-agent leave`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::clock;
use crate::socket::{Ask, client};
use std::time::Duration;

/// Take this host out of the liveset, as before a shutdown. Its VMs are to be elsewhere already
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent leave")]
pub struct Leave {
    /// How many seconds to wait until the host may be powered off
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    wait: u64,
}

impl Leave {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let socket = around.config()?.host.socket();
        client::ask(&socket, &Ask::Leave)?;
        let until = clock::now() + Duration::from_secs(self.wait);
        loop {
            let status = client::ask(&socket, &Ask::Status)?;
            if status["may_power_off"] == true {
                return Ok(output.say("this host has left; it may be powered off")?);
            }
            if clock::now() >= until {
                return Err(Trouble::Other(format!(
                    "after {} s this host is {} still; `lifeboat-agent status` shows what it waits for",
                    self.wait,
                    status["phase"].as_str().unwrap_or("a member")
                )));
            }
            clock::wait(Duration::from_millis(200));
        }
    }
}
