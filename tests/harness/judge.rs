//! Judges everything that the planner says of one tiny pool against the oracle.
//!
//! Each submodule holds one promise of the planner; [`judge`] is the table of contents. A broken promise is a
//! sentence, so that a shrinker can carry it.
mod bounds;
mod determinism;
mod pending;
mod plans;
mod witness;

use crate::certificate;
use crate::oracle::{Budget, Settled, World};
use core::num::NonZeroUsize;
use lifeboat_model::spec::PoolSpec;
use lifeboat_model::verdict::Bounds;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_planner::{Assessment, Limits, assess};
use std::collections::BTreeMap;

/// Work units for one tiny pool: far more than any needs, little enough to notice one that never ends.
pub const WORK: u64 = 2_000_000;

/// What was met while judging, and how often, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<&'static str, u64>);

impl Facts {
    /// Counts `name` where it holds.
    pub fn count(&mut self, name: &'static str, holds: bool) {
        *self.0.entry(name).or_default() += u64::from(holds);
    }

    /// How often `name` was met.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds what was met elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }
}

/// Everything that one promise is judged by.
pub(crate) struct Case<'c> {
    pub(crate) pool: &'c Pool,
    pub(crate) world: &'c World,
    pub(crate) settled: &'c Settled<'c>,
    pub(crate) answer: &'c Assessment,
    /// Simultaneous and sequential tolerance by the oracle, liveness left aside; none if broken.
    pub(crate) truth: Option<(usize, usize)>,
}

/// Judges the planner on one described pool.
///
/// # Errors
/// The first promise that is broken, in words.
pub fn judge(spec: &PoolSpec) -> Result<Facts, String> {
    let pool = Pool::new(spec).map_err(|defects| format!("the generator made defects: {defects:?}"))?;
    let world = World::new(spec);
    let answer = assess(&pool, &limits(WORK, 1));
    certificate::verify(&pool, &answer).map_err(|refusal| format!("certificate: {refusal}"))?;
    determinism::holds(&pool, &answer)?;
    let mut facts = Facts::default();
    facts.count("pools", true);
    facts.count("simultaneous open", !is_settled(answer.tolerance.simultaneous, &world));
    facts.count("sequential open", !is_settled(answer.tolerance.sequential, &world));
    let mut budget = Budget(2_000_000);
    let Some(placements) = world.pending_placements(&mut budget) else {
        facts.count("beyond the oracle", true);
        return Ok(facts);
    };
    let broken = placements.is_empty();
    facts.count("broken", broken);
    let placement = pending::is_right(&world, &answer, broken)?;
    let settled = Settled::new(&world, &placement);
    pending::unprotectable_are_named(&settled, &answer, broken)?;
    let truth = settled.simultaneous(&mut budget).zip(settled.sequential(&mut budget)).filter(|_| !broken);
    if truth.is_none() && !broken {
        facts.count("beyond the oracle", true);
        return Ok(facts);
    }
    let case = Case { pool: &pool, world: &world, settled: &settled, answer: &answer, truth };
    bounds::hold(&case)?;
    witness::is_true(&case)?;
    facts.count("sequential below simultaneous", truth.is_some_and(|(at_once, in_turn)| in_turn < at_once));
    facts.count("a better pending placement", pending::could_be_better(&case, &placements));
    plans::are_right(&case, &mut facts)?;
    Ok(facts)
}

/// Limits of so much work on so many threads.
pub(crate) fn limits(work: u64, threads: usize) -> Limits<'static> {
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    Limits { work: Some(work), threads, ..Limits::default() }
}

/// Whether the bounds of a notion leave nothing open.
fn is_settled(bounds: Bounds, world: &World) -> bool {
    bounds.is_exact() || bounds.proven == Some(world.failable() as u32)
}

pub(crate) fn position(host: HostIndex) -> usize {
    host.get()
}

pub(crate) fn vms(list: &[VmIndex]) -> Vec<usize> {
    list.iter().map(|vm| vm.get()).collect()
}

pub(crate) fn require(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}
