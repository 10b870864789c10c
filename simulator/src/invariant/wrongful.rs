//! A host in perfect health is never fenced: hears and is heard by all that are up, reaches the medium, its agent runs.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};

/// The law.
#[derive(Debug)]
pub(super) struct Wrongful;

impl Invariant for Wrongful {
    fn name(&self) -> &'static str {
        "a healthy host is not fenced"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let Some(host) = truth.just_fenced(what) else { return Ok(()) };
        let long = truth.memory(world);
        let healthy = truth.agent_well_for(world, host) >= long
            && truth.medium_well_for(world, host) >= long
            && truth.linked_to_all_for(world, host) >= long;
        // A strict majority of the liveset lives: a host may be in perfect health and too few.
        if healthy && !truth.numbers_count(world) {
            return Err(format!("{} is fenced in perfect health", world.host_name(host)));
        }
        Ok(())
    }
}
