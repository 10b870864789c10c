//! I3: two coordinators never both have effect: no process of a coordinator begins its term while another's lives.
//! One on a host about which an operator lied by force is excused.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Epoch;

/// The law.
#[derive(Debug, Default)]
pub(super) struct OneCoordinator {
    alive: Vec<(HostIndex, Epoch)>,
}

impl Invariant for OneCoordinator {
    fn name(&self) -> &'static str {
        "I3: one coordinator"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        match *what {
            Happening::CoordinatorUp { host, epoch } => {
                let other = self.alive.iter().find(|(other, _)| {
                    world.up_in(*other).is_none_or(|boot| !truth.lied_about(*other, boot))
                });
                let clash = other.map(|(other, before)| {
                    let (host, other) = (world.host_name(host), world.host_name(*other));
                    format!(
                        "{host} coordinates in epoch {} while {other} does in epoch {}",
                        epoch.0, before.0
                    )
                });
                self.alive.push((host, epoch));
                clash.map_or(Ok(()), Err)
            }
            Happening::CoordinatorDown { host, epoch } => {
                self.alive.retain(|&other| other != (host, epoch));
                Ok(())
            }
            Happening::HostDown { host, .. } => {
                self.alive.retain(|(other, _)| *other != host);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
