//! Epochs and numbers only rise: terms of coordinators, terms that an agent accepts, configurations that it adopts.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use lifeboat_protocol::{Boot, Command, ConfigurationNumber, Epoch, Process};
use std::collections::BTreeMap;

/// The law.
#[derive(Debug, Default)]
pub(super) struct Rising {
    term: Epoch,
    /// By host, boot and process.
    accepted: BTreeMap<(usize, Boot, Process), Epoch>,
    /// By host and boot; an agent that begins anew may adopt again what it knew.
    adopted: BTreeMap<(usize, Boot), (Process, ConfigurationNumber)>,
    process: Vec<Process>,
}

impl Invariant for Rising {
    fn name(&self) -> &'static str {
        "epochs only rise"
    }

    fn observe(&mut self, world: &World<'_>, _truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        match *what {
            Happening::AgentUp { host, process, .. } => {
                self.process.resize(self.process.len().max(host.get() + 1), Process::default());
                self.process[host.get()] = process;
                Ok(())
            }
            Happening::CoordinatorUp { host, epoch } => {
                let before = self.term;
                self.term = before.max(epoch);
                rises(epoch > before, || {
                    format!("{} coordinates in epoch {}", world.host_name(host), epoch.0)
                })
            }
            Happening::Command { host, boot, process, command: &Command::NewTerm { epoch } } => {
                let before = self.accepted.insert((host.get(), boot, process), epoch);
                let rose = before.is_none_or(|before| epoch > before);
                rises(rose, || format!("{} accepts epoch {}", world.host_name(host), epoch.0))
            }
            Happening::Adopted { host, boot, configuration } => {
                let process = self.process.get(host.get()).copied().unwrap_or_default();
                let before = self.adopted.insert((host.get(), boot), (process, configuration.number));
                let rose = before.is_none_or(|(by, number)| by != process || number < configuration.number);
                rises(rose, || format!("{} adopts {}", world.host_name(host), configuration.number.0))
            }
            _ => Ok(()),
        }
    }
}

fn rises(rose: bool, what: impl Fn() -> String) -> Result<(), String> {
    if rose { Ok(()) } else { Err(format!("{}, which is not newer than what was before", what())) }
}
