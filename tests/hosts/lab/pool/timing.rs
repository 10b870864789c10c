//! How fast guests come back, against the bounds of the design.
use super::{Pool, SOON};
use crate::host::Host;
use std::time::Duration;

/// What the recorder's looks and the start of a guest's process after the command for it may add.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// Guests that are to come back.
#[derive(Clone, Debug)]
pub struct Victims {
    /// Their names.
    pub vms: Vec<String>,
}

/// When they came back, in seconds after what happened.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The first process of one of them elsewhere.
    pub first_start: f64,
    /// The last one that was up.
    pub last_up: f64,
    /// The longest stall of the machine meanwhile.
    pub stalled: f64,
}

impl Victims {
    /// The guests that these hosts run now.
    pub fn of(pool: &Pool, hosts: &[&Host]) -> Self {
        let record = pool.lab.recorder.record();
        Self { vms: hosts.iter().flat_map(|host| record.on(host.name())).map(str::to_owned).collect() }
    }

    /// Waits until all of them are up again after a moment; when they were.
    ///
    /// # Panics
    /// If they do not come back.
    pub fn come_back(&self, pool: &Pool, moment: f64) -> Measured {
        pool.holds("there are guests to come back", !self.vms.is_empty());
        pool.expect(&format!("{} are up again", self.vms.join(", ")), pool.timeout() * 3 + SOON, || {
            self.measure(pool, moment).is_some()
        });
        match self.measure(pool, moment) {
            Some(measured) => measured,
            None => pool.fail("they stay up"),
        }
    }

    /// Waits until all of them are up again, the first of them started within the bound.
    ///
    /// # Panics
    /// If they do not come back in time. A machine that stalled is given that time more.
    pub fn restarted(&self, pool: &Pool, moment: f64, bound: Duration) -> Measured {
        let measured = self.come_back(pool, moment);
        let most = (bound + SEEN_WITHIN).as_secs_f64() + measured.stalled;
        pool.holds(
            &format!(
                "the first start within {most:.1} s (stalled for {:.1} s), not {:.2} s",
                measured.stalled, measured.first_start
            ),
            measured.first_start <= most,
        );
        measured
    }

    fn measure(&self, pool: &Pool, moment: f64) -> Option<Measured> {
        let record = pool.lab.recorder.record();
        let mut measured =
            Measured { first_start: f64::MAX, last_up: 0.0, stalled: record.stalled_since(moment) };
        for vm in &self.vms {
            let run = record.runs.get(vm)?.iter().find(|run| run.from > moment && run.up.is_some())?;
            measured.first_start = measured.first_start.min(run.from - moment);
            measured.last_up = measured.last_up.max(run.up? - moment);
        }
        Some(measured)
    }
}
