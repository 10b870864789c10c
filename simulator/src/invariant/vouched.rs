//! I6: a host that exchanges heartbeats with every member of the last agreed liveset is not fenced because shared
//! storage went away, nor is anybody of a pool whose members all hear each other.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};

/// The law.
#[derive(Debug)]
pub(super) struct Vouched;

impl Invariant for Vouched {
    fn name(&self) -> &'static str {
        "I6: a host that all members hear is not fenced"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let Some(host) = truth.just_fenced(what) else { return Ok(()) };
        let long = truth.memory(world);
        let Some(known) = truth.adopted_by(host) else { return Ok(()) };
        let mut members = known.members().filter(|(member, _)| *member != host);
        let vouched = members.all(|(member, boot)| {
            let heard = world.up_in(member) == Some(boot) && truth.linked_for(world, host, member) >= long;
            heard && truth.agent_well_for(world, member) >= long
        });
        if vouched && truth.agent_well_for(world, host) >= long {
            let name = world.host_name(host);
            return Err(format!("{name} is fenced, though every member exchanges heartbeats with it"));
        }
        Ok(())
    }
}
