//! What must hold whatever fails: a law that watches every step of a world and says where it was broken.
use crate::world::World;
use crate::{At, Happening};

/// A law. One file each, below this module.
pub trait Invariant {
    /// Its name, as it stands in reports.
    fn name(&self) -> &'static str;

    /// Called at the very moment when something happens; the world shows the state right after it.
    ///
    /// # Errors
    /// What was broken, in plain words with the names of hosts and VMs.
    fn observe(&mut self, world: &World, what: &Happening<'_>) -> Result<(), String>;

    /// Called once when the run is over.
    ///
    /// # Errors
    /// What was broken.
    fn at_end(&mut self, _world: &World) -> Result<(), String> {
        Ok(())
    }
}

/// Somebody who watches a world and does nothing to it.
pub trait Observer {
    /// Called at the very moment when something happens; the world shows the state right after it.
    fn observe(&mut self, world: &World, what: &Happening<'_>);

    /// Called once when the run is over.
    fn at_end(&mut self, _world: &World) {}

    /// Whether nothing more needs to be seen: the run may end.
    fn done(&self) -> bool {
        false
    }
}

/// Nobody who watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _world: &World, _what: &Happening<'_>) {}
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
