//! How much work a certificate may cost. A forged certificate can ask for any amount; the checker counts
//! what it does and stops.
use crate::Why;

/// Limits of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Work units (about a nanosecond each: a host looked at, a sum added to) after which the check refuses.
    pub work: u64,
}

impl Default for Limits {
    /// Some tens of seconds, far more than any certificate that the planner writes within its own limits.
    fn default() -> Self {
        Self { work: 50_000_000_000 }
    }
}

/// What is left of the limits.
pub(crate) struct Budget {
    all: u64,
    left: u64,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { all: limits.work, left: limits.work }
    }

    /// Takes `units` off, or refuses.
    #[inline]
    pub(crate) fn spend(&mut self, units: usize) -> Result<(), Why> {
        match self.left.checked_sub(units as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Why::OutOfWork),
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.all - self.left
    }
}
