//! An alert is raised once per episode: not again before its recovery was told.
use super::{Invariant, truth::Truth};
use crate::{Happening, world::World};
use std::collections::BTreeSet;

/// Alerts that open an episode, and what closes it. Tolerance can drop further and further within one.
const EPISODES: [(&str, &str); 3] = [
    ("statefile-lost", "statefile-back"),
    ("overcommitted", "overcommitted-cleared"),
    ("host-failed", "host-rejoined"),
];

/// The law.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    open: BTreeSet<(&'static str, Option<String>, Option<String>)>,
}

impl Invariant for Alerts {
    fn name(&self) -> &'static str {
        "an alert is raised once per episode"
    }

    fn observe(&mut self, _world: &World<'_>, _truth: &Truth, what: &Happening<'_>) -> Result<(), String> {
        let &Happening::Alert(alert) = what else { return Ok(()) };
        for (opens, closes) in EPISODES {
            let episode = (opens, alert.host.clone(), alert.vm.clone());
            if alert.kind == closes {
                self.open.remove(&episode);
            } else if alert.kind == opens && !self.open.insert(episode) {
                let about = alert.host.as_deref().or(alert.vm.as_deref()).unwrap_or("the pool");
                return Err(format!("{opens} is raised again for {about}: {}", alert.text));
            }
        }
        Ok(())
    }
}
