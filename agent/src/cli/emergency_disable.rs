//! `lifeboat-agent emergency-disable`: works when nothing else does, neither pool nor storage nor the agent itself.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::config::{Config, HostSection, WatchdogSection};
use crate::identity::{self, files};
use crate::process::ProcessId;
use crate::socket::{Ask, client};
use crate::watchdog;
use lifeboat_protocol::Boot;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Take this host out of high availability at once, without pool and storage: nothing fences it any more, and nothing protects its VMs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat-agent emergency-disable --yes\n  lifeboat-agent emergency-disable --undo"
)]
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
/// How long the state directory has for the flag.
const DISK: Duration = Duration::from_secs(5);

impl EmergencyDisable {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        if !self.undo && !self.yes {
            return Err(Trouble::Other(MEANING.to_owned()));
        }
        let (host, watchdog, remarks) = Config::least(&around.config_path);
        for remark in remarks {
            output.note(remark);
        }
        let flag = identity::disabled_flag(&host.state_directory);
        if self.undo {
            files::remove(&flag).map_err(|fault| Trouble::Other(fault.to_string()))?;
            return Ok(output.say(
                "the flag is gone: restart the agent (systemctl restart lifeboat-agent), and this host joins its pool again",
            )?);
        }
        match client::ask_within(ANSWER, &host.socket(), &Ask::EmergencyDisable) {
            Ok(answer) => {
                raise_flag(&flag, output);
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
                without_agent(&host, &watchdog, &flag, output)?;
            }
        }
        Ok(output.say("high availability is OFF on this host; its VMs run on, unprotected")?)
    }
}

/// The agent does not answer: it is held, the watchdog switched off from here, and the agent ended when the next one knows of it.
fn without_agent(
    host: &HostSection,
    section: &WatchdogSection,
    flag: &Path,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    let agent = identity::holder_of(&host.state_directory).and_then(ProcessId::running);
    if let Some(agent) = &agent {
        // Not ended yet: systemd starts the next one at once, and that would take part.
        agent.freeze()?;
    }
    let boot = identity::boot_so_far(host).unwrap_or(Boot(0));
    let off = watchdog::switch_off(section, &host.run_directory, boot);
    raise_flag(flag, output);
    if let Some(agent) = agent {
        agent.kill()?;
        if agent.ended_within(PATIENCE) {
            output.say("the agent did not answer, and was ended")?;
        } else {
            output.note(format_args!(
                "the agent, process {}, does not end: it hangs in the kernel",
                agent.pid()
            ));
        }
    }
    match off {
        Ok(None) => Ok(output.say("the watchdog is off")?),
        Ok(Some((_, fault))) | Err(fault) => Err(Trouble::Other(format!(
            "the watchdog is not off: {fault}. Start the agent again at once (systemctl start lifeboat-agent): it takes no part in high availability, and feeds the watchdog"
        ))),
    }
}

/// Writes what makes the agent take no part from its next start on; on a disk that may not answer.
fn raise_flag(flag: &Path, output: &mut Output<'_>) {
    let (done, written) = channel();
    let path = flag.to_owned();
    let write = move || {
        let directory = path.parent().map_or(Ok(()), files::make_private_directory);
        let outcome = directory.and_then(|()| files::write(&path, b"by emergency-disable\n"));
        // Nobody waits any more: the disk was too slow.
        let _ = done.send(outcome.map_err(|fault| fault.to_string()));
    };
    let begun = crate::thread::spawn("flag", write).map_err(|fault| fault.to_string());
    let outcome = begun.and_then(|_| {
        written.recv_timeout(DISK).unwrap_or_else(|_| Err(format!("{} does not answer", flag.display())))
    });
    if let Err(fault) = outcome {
        output.note(format_args!(
            "WARNING: that this host takes no part cannot be kept: {fault}. An agent that is started from now on takes part again: systemctl mask lifeboat-agent"
        ));
    }
}
