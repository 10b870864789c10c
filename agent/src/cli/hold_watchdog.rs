//! `lifeboat-agent hold-watchdog`: a process that does nothing but keep its standard input open, which is the watchdog's device. The agent
//! starts it; [`crate::watchdog::keeper`] says why.
/// Keep the watchdog's device open, and nothing else
#[derive(Debug, clap::Args)]
pub struct HoldWatchdog {}

impl HoldWatchdog {
    pub(super) fn carry_out() -> ! {
        crate::watchdog::keeper::hold()
    }
}
