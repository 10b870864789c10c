//! Evidence before every restart elsewhere, and true evidence: when a coordinator is told that a boot of a host is safe
//! to replace, none of its VMs runs there, nor ever will again.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use lifeboat_model::HostIndex;
use lifeboat_protocol::{Boot, Command};
use std::collections::BTreeSet;

/// The law.
#[derive(Debug, Default)]
pub(super) struct Evident {
    replaced: BTreeSet<(usize, Boot)>,
}

impl Invariant for Evident {
    fn name(&self) -> &'static str {
        "evidence is true"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        match *what {
            Happening::Command { command: Command::SafeToReplace(proof), .. } => {
                let told = proof.evidence();
                if truth.lied_about(told.host, told.boot) {
                    return Ok(());
                }
                self.replaced.insert((told.host.get(), told.boot));
                if truth.runs_any(told.host, told.boot) {
                    let name = world.host_name(told.host);
                    return Err(format!(
                        "{name} is said to be safe to replace by {:?}, and runs VMs",
                        told.kind
                    ));
                }
                Ok(())
            }
            Happening::VmExecutes { vm, host, boot } => self.begins(world, truth, vm, host, boot),
            Happening::HandOver { vm, to, .. } => {
                world.up_in(to).map_or(Ok(()), |boot| self.begins(world, truth, vm, to, boot))
            }
            _ => Ok(()),
        }
    }
}

impl Evident {
    fn begins(
        &self,
        world: &World<'_>,
        truth: &Truth,
        vm: lifeboat_model::VmIndex,
        host: HostIndex,
        boot: Boot,
    ) -> Result<(), String> {
        if self.replaced.contains(&(host.get(), boot)) && !truth.lied_about(host, boot) {
            let (vm, host) = (world.vm_name(vm), world.host_name(host));
            return Err(format!("{vm} begins to run on {host}, which was said to be safe to replace"));
        }
        Ok(())
    }
}
