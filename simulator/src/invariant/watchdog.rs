//! The watchdog is the last resort: it never resets a host whose agent has run all the time and could have fenced the
//! host itself, or had its lease renewed.
use super::{Invariant, truth::Truth};
use crate::happening::DownCause;
use crate::{Happening, world::World};

/// The law.
#[derive(Debug)]
pub(super) struct WatchdogSpares;

impl Invariant for WatchdogSpares {
    fn name(&self) -> &'static str {
        "the watchdog spares a host whose agent runs"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &Happening::HostDown { host, cause: DownCause::Watchdog, .. } = what else { return Ok(()) };
        let settings = world.protocol_settings();
        let long = settings.timeout + settings.watchdog_slack();
        // One that is stopping its VMs when time runs out is reset rightly.
        let ran = truth.agent_well_for(world, host) > long + long;
        if ran && !truth.fencing_itself(host) {
            return Err(format!("the watchdog resets {}, whose agent runs", world.host_name(host)));
        }
        Ok(())
    }
}
