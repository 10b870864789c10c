//! One configuration a number: whoever adopts a number adopts the same; and no host that is agreed to be fenced, or to
//! have left, still runs a VM in the boot that was a member.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use lifeboat_model::HostIndex;
use lifeboat_protocol::{Configuration, ConfigurationNumber, Standing};
use std::collections::BTreeMap;

/// The law.
#[derive(Debug, Default)]
pub(super) struct OneConfiguration {
    decided: BTreeMap<ConfigurationNumber, Configuration>,
}

impl Invariant for OneConfiguration {
    fn name(&self) -> &'static str {
        "one configuration a number"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &Happening::Adopted { host, configuration, .. } = what else { return Ok(()) };
        let name = world.host_name(host);
        if let Some(decided) = self.decided.get(&configuration.number) {
            return if decided == configuration {
                Ok(())
            } else {
                Err(format!("{name} adopts {configuration:?}, another host had adopted {decided:?}"))
            };
        }
        self.decided.insert(configuration.number, configuration.clone());
        for (position, entry) in configuration.hosts.iter().enumerate() {
            let Standing::Fenced { boot, evidence } = entry.standing else { continue };
            let fenced = HostIndex::new(position);
            if !truth.lied_about(fenced, boot) && truth.runs_any(fenced, boot) {
                let fenced = world.host_name(fenced);
                return Err(format!(
                    "{name} adopts that {fenced} is fenced by {evidence:?}, and it runs VMs"
                ));
            }
        }
        Ok(())
    }
}
