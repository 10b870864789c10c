//! I1: no VM ever runs on two hosts, from the moment when its vCPUs can execute; the hand-over of a live migration
//! happens in one moment. An operator's forced false word is excused, and nothing else.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};

/// The law.
#[derive(Debug, Default)]
pub(super) struct OneHost;

impl Invariant for OneHost {
    fn name(&self) -> &'static str {
        "I1: a VM runs on one host"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &(Happening::VmExecutes { vm, .. } | Happening::HandOver { vm, .. }) = what else {
            return Ok(());
        };
        let here = truth.executes(vm);
        let honest = here.iter().filter(|&&(host, boot)| !truth.lied_about(host, boot)).count();
        if here.len() > 1 && honest == here.len() {
            let hosts: Vec<&str> = here.iter().map(|(host, _)| world.host_name(*host)).collect();
            return Err(format!("{} runs on {} at once", world.vm_name(vm), hosts.join(" and ")));
        }
        Ok(())
    }
}
