//! A watchdog for tests of what is around one.
use super::{Posture, Watchdog, WatchdogError};
use lifeboat_protocol::Instant;
use std::sync::mpsc::{Receiver, Sender, channel};

/// What a watchdog was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Feed(Instant),
    Stop,
}

/// A watchdog each of whose commands lasts until the test lets it end.
#[derive(Debug)]
pub(crate) struct Slow {
    gate: Receiver<()>,
    heard: Sender<Heard>,
    armed: bool,
}

impl Slow {
    pub(crate) fn new() -> (Self, Sender<()>, Receiver<Heard>) {
        let ((gate, waits), (heard, hears)) = (channel(), channel());
        (Self { gate: waits, heard, armed: false }, gate, hears)
    }

    fn wait(&self, heard: Heard) {
        // Nobody who listens, or opens the gate: the test is over.
        let _ = self.heard.send(heard);
        let _ = self.gate.recv();
    }
}

impl Watchdog for Slow {
    fn feed(&mut self, _: Instant, deadline: Instant) -> Result<(), WatchdogError> {
        self.wait(Heard::Feed(deadline));
        self.armed = true;
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn tick(&mut self, _: Instant) -> Result<(), WatchdogError> {
        Ok(())
    }

    fn stop(&mut self) -> Result<(), WatchdogError> {
        self.wait(Heard::Stop);
        self.armed = false;
        Ok(())
    }

    fn let_run_out(&mut self) {}

    fn posture(&self) -> Posture {
        if self.armed { Posture::Armed { resets: None } } else { Posture::Off }
    }

    fn name(&self) -> &'static str {
        "slow"
    }
}
