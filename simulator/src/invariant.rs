//! What must hold whatever fails: laws that watch every step of a world and say where it was broken. They know what
//! truly happens ([`truth`]), never what the protocol believes.
mod alerts;
mod capacity;
mod evidence;
mod healing;
mod lease;
mod one_configuration;
mod one_coordinator;
mod one_host;
mod right_side;
mod rising;
mod sight;
mod superseded;
pub mod truth;
mod vouched;
mod watchdog;
mod whole_pool;
mod wrongful;

use crate::coverage::Coverage;
use crate::world::World;
use crate::{At, Happening};
use core::time::Duration;
use truth::Truth;

/// A law. One file each, below this module.
pub trait Invariant {
    /// Its name, as it stands in reports.
    fn name(&self) -> &'static str;

    /// Called at the very moment when something happens; world and truth show the state right after it.
    ///
    /// # Errors
    /// What was broken, in plain words with the names of hosts and VMs.
    fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) -> Result<(), String>;

    /// Called once when the run is over.
    ///
    /// # Errors
    /// What was broken.
    fn at_end(&mut self, _world: &World<'_>, _truth: &Truth) -> Result<(), String> {
        Ok(())
    }
}

/// Somebody who watches a world and does nothing to it.
pub trait Observer {
    /// Called at the very moment when something happens; the world shows the state right after it.
    fn observe(&mut self, world: &World<'_>, what: &Happening<'_>);

    /// Called once when the run is over.
    fn at_end(&mut self, _world: &World<'_>) {}

    /// Whether nothing more needs to be seen: the run may end.
    fn done(&self) -> bool {
        false
    }
}

/// Nobody who watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _world: &World<'_>, _what: &Happening<'_>) {}
}

/// A law was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// When, in true time.
    pub at: At,
    /// How, in plain words.
    pub text: String,
}

/// How many violations of one run are kept: the first tell the story, the rest follow from them.
const MOST_VIOLATIONS: usize = 20;

/// All laws, watching one world.
pub struct Watch {
    truth: Truth,
    laws: Vec<Box<dyn Invariant>>,
    coverage: Coverage,
    violations: Vec<Violation>,
    /// From when on, counted from the beginning of the scenario, a pool in which all is well need not be watched on.
    until_well: Option<Duration>,
}

impl Watch {
    /// All laws.
    pub fn all() -> Self {
        let laws: Vec<Box<dyn Invariant>> = vec![
            Box::<one_host::OneHost>::default(),
            Box::<superseded::Superseded>::default(),
            Box::<one_coordinator::OneCoordinator>::default(),
            Box::<one_configuration::OneConfiguration>::default(),
            Box::<evidence::Evident>::default(),
            Box::new(lease::Lease),
            Box::new(watchdog::WatchdogSpares),
            Box::new(wrongful::Wrongful),
            Box::new(vouched::Vouched),
            Box::new(whole_pool::WholePool),
            Box::<right_side::RightSide>::default(),
            Box::<rising::Rising>::default(),
            Box::new(capacity::Capacity),
            Box::<alerts::Alerts>::default(),
            Box::<healing::Healing>::default(),
        ];
        Self {
            truth: Truth::default(),
            laws,
            coverage: Coverage::default(),
            violations: Vec::new(),
            until_well: None,
        }
    }

    /// The run may end as soon as all is well in the pool, for a moment, at `after` or later, or a law is broken.
    #[must_use]
    pub fn until_well(self, after: Duration) -> Self {
        Self { until_well: Some(after), ..self }
    }

    /// What was broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What was broken, and what was met.
    pub fn into_findings(self) -> (Vec<Violation>, Coverage) {
        (self.violations, self.coverage)
    }

    fn judge(
        &mut self,
        world: &World<'_>,
        mut ask: impl FnMut(&mut dyn Invariant, &Truth) -> Result<(), String>,
    ) {
        for law in &mut self.laws {
            if let Err(text) = ask(law.as_mut(), &self.truth)
                && self.violations.len() < MOST_VIOLATIONS
            {
                self.violations.push(Violation { invariant: law.name(), at: world.now(), text });
            }
        }
    }
}

impl Observer for Watch {
    fn observe(&mut self, world: &World<'_>, what: &Happening<'_>) {
        self.truth.take_in(world, what);
        self.coverage.observe(world, &self.truth, what);
        self.judge(world, |law, truth| law.observe(world, truth, what));
        if let Some(after) = self.until_well {
            self.truth.look_whether_over(world, after);
        }
    }

    fn at_end(&mut self, world: &World<'_>) {
        self.judge(world, |law, truth| law.at_end(world, truth));
    }

    fn done(&self) -> bool {
        self.until_well.is_some() && (self.truth.is_over() || !self.violations.is_empty())
    }
}
