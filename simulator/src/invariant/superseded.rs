//! I2: no command or write of a superseded epoch takes effect: not on an agent that has accepted a newer term, not from
//! a coordinator after a newer one has begun, not in the store after a newer term has opened it.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use lifeboat_protocol::{Boot, Command, Epoch};
use std::collections::BTreeMap;

/// The law.
#[derive(Debug, Default)]
pub(super) struct Superseded {
    /// The newest term that each boot of each host has accepted, whatever its agent has forgotten since.
    accepted: BTreeMap<(usize, Boot), Epoch>,
    newest: Epoch,
    opened: Epoch,
}

impl Invariant for Superseded {
    fn name(&self) -> &'static str {
        "I2: a superseded epoch has no effect"
    }

    fn observe(&mut self, world: &World<'_>, _truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        match *what {
            Happening::Command { host, boot, command: &Command::NewTerm { epoch }, .. } => {
                let accepted = self.accepted.entry((host.get(), boot)).or_default();
                *accepted = epoch.max(*accepted);
                Ok(())
            }
            Happening::OrderTaken { host, boot, order } => {
                let accepted = self.accepted.get(&(host.get(), boot)).copied().unwrap_or_default();
                let given = order.id().epoch;
                let name = world.host_name(host);
                older(given, accepted, || format!("{name} takes up {order:?}, having accepted"))
            }
            Happening::CoordinatorUp { epoch, .. } => {
                self.newest = self.newest.max(epoch);
                Ok(())
            }
            Happening::OrderGiven { by, epoch, to, order } => {
                let (by, to) = (world.host_name(by), world.host_name(to));
                older(epoch, self.newest, || {
                    format!("the coordinator on {by} orders {order:?} of {to} after")
                })
            }
            Happening::StoreOpened { host, epoch } => {
                let name = world.host_name(host);
                let opened = self.opened;
                self.opened = opened.max(epoch);
                older(epoch, opened, || format!("the coordinator on {name} opens the store after"))
            }
            Happening::StoreWrite { host, epoch } => {
                let name = world.host_name(host);
                older(epoch, self.opened, || {
                    format!("a write of the coordinator on {name} reaches the store after")
                })
            }
            _ => Ok(()),
        }
    }
}

fn older(given: Epoch, newest: Epoch, what: impl Fn() -> String) -> Result<(), String> {
    if given < newest { Err(format!("{} epoch {}, in epoch {}", what(), newest.0, given.0)) } else { Ok(()) }
}
