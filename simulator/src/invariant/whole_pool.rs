//! I7: a pool does not fence all of itself while all its members hear each other (see also I6), or while one of them
//! still has the medium: where all others have fenced themselves, the last one is not fenced as long as it reaches the
//! medium and its agent runs.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use core::time::Duration;

/// The law.
#[derive(Debug)]
pub(super) struct WholePool;

impl Invariant for WholePool {
    fn name(&self) -> &'static str {
        "I7: a pool does not fence all of itself"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let Some(host) = truth.just_fenced(what) else { return Ok(()) };
        let Some(known) = truth.adopted_by(host) else { return Ok(()) };
        // Others that lost power, or were reset because their agents stood still, did not fence themselves; and what
        // struck a moment ago may have come after the decision that is carried out now.
        let others = known.members().filter(|(member, _)| *member != host);
        let last = { others }.all(|(member, boot)| truth.fenced_itself(member, boot));
        let settled = truth.unstruck_for(world) + Duration::from_secs(2) >= world.protocol_settings().timeout;
        let long = truth.memory(world);
        let well = truth.medium_well_for(world, host) >= long && truth.agent_well_for(world, host) >= long;
        if last && settled && well && !truth.numbers_count(world) {
            let name = world.host_name(host);
            return Err(format!("{name}, the last one standing, is fenced, though it reaches the medium"));
        }
        Ok(())
    }
}
