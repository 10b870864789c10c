//! `lifeboat-agent emergency-disable`: works when nothing else does, neither pool nor storage nor the agent itself.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::config::Config;
use crate::identity::{self, StateDirectory, files};
use crate::process::ProcessId;
use crate::socket::{Ask, client};
use crate::watchdog;
use std::time::Duration;

/// Take this host out of high availability at once, without pool and storage: nothing fences it any more, and nothing protects its VMs
#[derive(Debug, clap::Args)]
pub struct EmergencyDisable {
    /// End that: the agent is a member again after its next start
    #[arg(long, conflicts_with = "yes")]
    undo: bool,
    /// Yes, I have read what it means
    #[arg(long)]
    yes: bool,
}

const MEANING: &str = "\
emergency-disable takes this host out of high availability at once.
 * Its watchdog is switched off: from now on nothing resets it when it should no longer run VMs.
 * Its VMs run on. If the rest of the pool is alive, it takes this host for dead after the pool's timeout and
   RESTARTS THOSE VMs ELSEWHERE, WHILE THEY RUN HERE: their disks are then destroyed.
 * So do this only if the whole pool is down or disabled everywhere, or if no protected VM runs here.
 * It lasts over reboots, until `lifeboat-agent emergency-disable --undo`.
Say --yes to do it.";

/// How long the agent has to answer: its watchdog may not have much more.
const ANSWER: Duration = Duration::from_secs(1);
/// How long a killed agent has to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

impl EmergencyDisable {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let config = around.config()?;
        let flag = identity::disabled_flag(&config.host.state_directory);
        let other = |fault: files::FileError| Trouble::Other(fault.to_string());
        if self.undo {
            files::remove(&flag).map_err(other)?;
            return Ok(output.say(
                "the flag is gone: restart the agent (systemctl restart lifeboat-agent), and this host joins its pool again",
            )?);
        }
        if !self.yes {
            return Err(Trouble::Other(MEANING.to_owned()));
        }
        files::make_private_directory(&config.host.state_directory).map_err(other)?;
        files::write(&flag, b"by emergency-disable\n").map_err(other)?;
        output.say(
            "the flag is written: no agent of this host takes part in the protocol from its next start on",
        )?;
        match client::ask_within(ANSWER, &config.host.socket(), &Ask::EmergencyDisable) {
            Ok(answer) => {
                let why = client::in_words(&answer["why"]);
                if answer["off"] != true {
                    return Err(Trouble::Other(format!(
                        "{why}. Leave the agent running: it takes no part in high availability, and feeds the watchdog"
                    )));
                }
                output.say(&why)?;
            }
            Err(silent) => {
                output.note(&silent);
                without_agent(&config, output)?;
            }
        }
        Ok(output.say("high availability is OFF on this host; its VMs run on, unprotected")?)
    }
}

/// The agent does not answer: it is ended, and the watchdog switched off from here.
fn without_agent(config: &Config, output: &mut Output<'_>) -> Result<(), Trouble> {
    if let Some(agent) = identity::holder_of(&config.host.state_directory)
        .and_then(|pid| ProcessId::of(pid).ok())
        .and_then(ProcessId::running)
    {
        agent.kill()?;
        if !agent.ended_within(PATIENCE) {
            return Err(Trouble::Other(format!(
                "the agent, process {}, cannot be ended: it hangs in the kernel. The watchdog is not off",
                agent.pid()
            )));
        }
        output.say("the agent did not answer, and was ended")?;
    }
    let state = StateDirectory::take(&config.host).map_err(|fault| Trouble::Other(fault.to_string()))?;
    let number = state.number().map_err(|fault| Trouble::Other(fault.to_string()))?;
    let off =
        watchdog::open(config, number.boot, Duration::from_mins(5)).and_then(|mut watchdog| watchdog.stop());
    match off {
        Ok(()) => Ok(output.say("the watchdog is off")?),
        Err(fault) => Err(Trouble::Other(format!(
            "the watchdog is not off: {fault}. Start the agent again at once (systemctl start lifeboat-agent): it takes no part in high availability, and feeds the watchdog"
        ))),
    }
}
