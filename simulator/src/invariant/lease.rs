//! A lease never outlives T, and is dated from something that was truly sent and could truly be acknowledged: the
//! watchdog is fed for at most T and its slack from the host's last write to the medium, or from the last moment at
//! which every other member could hear it.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use core::time::Duration;
use lifeboat_protocol::Command;

/// The law.
#[derive(Debug)]
pub(super) struct Lease;

/// What clocks of different rates make of T, and rounding.
const ROUNDING: Duration = Duration::from_millis(20);

impl Invariant for Lease {
    fn name(&self) -> &'static str {
        "a lease rests on a renewal"
    }

    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &Happening::Command { host, command: &Command::FeedWatchdog { deadline }, .. } = what else {
            return Ok(());
        };
        let settings = world.protocol_settings();
        let clock = world.clock(host);
        let runs = settings.timeout + settings.watchdog_slack();
        let name = world.host_name(host);
        // While disarmed, the watchdog arms the host again after the disarmed time, whatever becomes of the agent.
        if world.is_disarmed(host) {
            return Ok(());
        }
        if deadline > clock.read(world.now()) + runs {
            return Err(format!("{name} feeds its watchdog for longer than T and its slack"));
        }
        // A host that was disarmed, or is just joining, was given its lease by being taken in.
        let Some(basis) = truth.last_renewable(world, host) else { return Ok(()) };
        let claimed = clock.read(world.now()).since(deadline - runs);
        let ago = world.now().since(basis);
        if claimed + ROUNDING < ago {
            let (ago, claimed) = (ago.as_secs_f64(), claimed.as_secs_f64());
            return Err(format!(
                "{name} feeds its watchdog as if renewed {claimed:.3} s ago; nothing could renew it for {ago:.3} s"
            ));
        }
        Ok(())
    }
}
