//! An alert is raised once per episode: not again before its recovery was told.
//!
//! A coordinator that cannot record an alert raises it all the same: better told twice than never. So its successor
//! may raise again what was raised while the medium was out of reach or just before the end of a term.
use super::{Invariant, truth::Truth};
use crate::world::World;
use crate::{At, Happening};
use core::time::Duration;
use std::collections::BTreeMap;

/// Alerts that open an episode, and what closes it. Tolerance can drop further and further within one.
const EPISODES: [(&str, &str); 3] = [
    ("statefile-lost", "statefile-back"),
    ("overcommitted", "overcommitted-cleared"),
    ("host-failed", "host-rejoined"),
];

/// How long it may take to record an alert, what the medium takes aside.
const RECORDING: Duration = Duration::from_secs(2);

/// The law.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    open: BTreeMap<(&'static str, Option<String>, Option<String>), Raised>,
    /// When a coordinator ended last.
    ended: At,
}

#[derive(Clone, Copy, Debug)]
struct Raised {
    at: At,
    /// Until then it may not have been recorded.
    recorded_by: At,
}

impl Invariant for Alerts {
    fn name(&self) -> &'static str {
        "an alert is raised once per episode"
    }

    fn observe(&mut self, world: &World<'_>, _truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        match *what {
            Happening::CoordinatorDown { .. } => self.ended = world.now(),
            Happening::Alert(alert) => {
                for (opens, closes) in EPISODES {
                    let episode = (opens, alert.host.clone(), alert.vm.clone());
                    if alert.kind == closes {
                        self.open.remove(&episode);
                    } else if alert.kind == opens {
                        let raised = raised(world);
                        let before = self.open.insert(episode, raised);
                        if before.is_some_and(|before| self.was_recorded(before)) {
                            let about = alert.host.as_deref().or(alert.vm.as_deref()).unwrap_or("the pool");
                            return Err(format!("{opens} is raised again for {about}: {}", alert.text));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Alerts {
    /// Whether the coordinator that raised it lived long enough to record it.
    fn was_recorded(&self, raised: Raised) -> bool {
        self.ended < raised.at || self.ended > raised.recorded_by
    }
}

fn raised(world: &World<'_>) -> Raised {
    let at = world.now();
    let host = world.coordinator().map(|view| view.host);
    let well = host.is_some_and(|host| world.medium_reached(host) && !world.medium_is_faulty(host));
    let takes = host.map(|host| world.medium_latency(host)).unwrap_or_default();
    Raised { at, recorded_by: if well { at + RECORDING + takes } else { At(u64::MAX) } }
}
