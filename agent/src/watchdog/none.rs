//! No watchdog, for those who said twice that they want none.
use super::{Posture, Watchdog, WatchdogError};
use lifeboat_protocol::Instant;

/// Takes everything and resets nothing.
#[derive(Debug, Default)]
pub struct NoWatchdog(());

impl Watchdog for NoWatchdog {
    fn feed(&mut self, _: Instant, _: Instant) -> Result<(), WatchdogError> {
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn tick(&mut self, _: Instant) -> Result<(), WatchdogError> {
        Ok(())
    }

    fn stop(&mut self) -> Result<(), WatchdogError> {
        Ok(())
    }

    fn let_run_out(&mut self) {}

    fn posture(&self) -> Posture {
        Posture::Absent
    }

    fn name(&self) -> &'static str {
        "none"
    }
}
