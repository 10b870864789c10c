//! How long a search may go on. A work limit stops it at the same point every time and on any number of
//! threads; the wall clock is a safety net and is named where it was what stopped.
use core::num::NonZeroUsize;
use lifeboat_model::verdict::Notion;

/// Limits of a search.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// The most failures to examine; none: up to every host.
    pub max_failures: Option<u32>,
    /// Work units (about a microsecond each) after which the search stops; none: no such limit.
    pub work: Option<u64>,
    /// Threads to use; the answer does not depend on it.
    pub threads: NonZeroUsize,
    /// Asked now and then; the search stops when it says so. The caller's clock is behind it.
    pub stop: Option<&'a (dyn Fn() -> bool + Sync)>,
    /// Told now and then how far the search is.
    pub progress: Option<&'a (dyn Fn(Progress) + Sync)>,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self { max_failures: None, work: None, threads: NonZeroUsize::MIN, stop: None, progress: None }
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The notion that is being settled.
    pub notion: Notion,
    /// The number of failures that is being settled.
    pub failures: u32,
    /// Proven so far.
    pub proven: Option<u32>,
    /// Refuted so far.
    pub refuted: Option<u32>,
    /// Work units used so far.
    pub work: u64,
}
