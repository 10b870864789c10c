//! The commands that the kernel's watchdog takes.
use crate::{clock, sys};
use lifeboat_protocol::Instant;
use rustix::fd::AsFd;
use std::fs::File;

/// What a watchdog can be told.
pub(super) trait Card: Send + std::fmt::Debug {
    /// The time by the clock that deadlines are told in, read when it is asked for.
    fn now(&self) -> Instant;
    fn set_timeout(&self, seconds: u32) -> rustix::io::Result<u32>;
    fn keep_alive(&self) -> rustix::io::Result<()>;
    fn switch(&self, on: bool) -> rustix::io::Result<()>;
    /// Writes the magic letter: when it is closed now, it stops.
    fn release(&self);
}

impl Card for File {
    fn now(&self) -> Instant {
        clock::now()
    }

    fn set_timeout(&self, seconds: u32) -> rustix::io::Result<u32> {
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        sys::watchdog_set_timeout(self.as_fd(), seconds).map(|set| u32::try_from(set).unwrap_or(1))
    }

    fn keep_alive(&self) -> rustix::io::Result<()> {
        sys::watchdog_keep_alive(self.as_fd())
    }

    fn switch(&self, on: bool) -> rustix::io::Result<()> {
        sys::watchdog_switch(self.as_fd(), on)
    }

    fn release(&self) {
        // Where the driver knows no such letter, or never stops, that is how it is.
        let _ = rustix::io::write(self, b"V");
    }
}
