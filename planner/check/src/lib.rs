//! The second mind: judges certificates and restart plans knowing nothing of the planner that made them. It
//! shares with it the model crate and the certificate format, no code.
//!
//! A newcomer starts at [`verify`]. It lowers the pool to items and occupants (`problem`, plain and
//! obvious), places the pending VMs as the certificate says (`pending`), and then judges each claim by
//! itself: proofs of survival are trees (`tree`) that end in closures, one theorem a file
//! (`stuck`, `slots`, `fixed_order`); refutations name a failure set and why its items
//! cannot be placed (`refutation`), or an adversary's strategy (`strategy`). What each part
//! claims is defined in [`lifeboat_model::certificate`]. [`check_plan`] judges restart plans.
//!
//! A certificate may be forged: whatever it holds, the checker does not panic, its numbers do not overflow
//! (they are bounded on entry, and what is left is 128 bits wide), its memory is bounded by the pool's, and it
//! stops when its [`Limits`] are used up. A wrong refusal is a nuisance; a wrong acceptance is the worst
//! fault that this product can have.
#![no_std]
extern crate alloc;

mod binding;
mod budget;
mod filling;
mod fixed_order;
mod pending;
mod placements;
mod plan;
mod policy;
mod problem;
mod refusal;
mod refutation;
mod slots;
mod state;
mod strategy;
mod stuck;
mod sums;
mod top;
mod tree;
mod values;

pub use budget::Limits;
pub use plan::{PlanFault, check_plan};
pub use refusal::{Claim, PendingFault, Refusal, Why};

use alloc::vec::Vec;
use budget::Budget;
use lifeboat_model::Pool;
use lifeboat_model::certificate::{Certificate, Proof, Proven, Refuted, SequentialRefuted};
use problem::Problem;
use tree::Notion;

/// What a certificate establishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Every claim that holds, in the order of the certificate's fields. A simultaneous refutation also
    /// appears as the sequential one that it is, where the certificate has no other.
    pub claims: Vec<Claim>,
    /// Work units used.
    pub work: u64,
}

/// Judges every claim of `certificate` about `pool`.
///
/// # Errors
/// The first claim that is not established, and why. Nothing is then accepted.
pub fn verify(pool: &Pool, certificate: &Certificate, limits: &Limits) -> Result<Accepted, Refusal> {
    let mut budget = Budget::new(*limits);
    let mut claims = Vec::new();
    match &certificate.simultaneous_refuted {
        Some(refuted) if refuted.failed.is_empty() => {
            broken(pool, certificate, refuted, &mut budget).map_err(|why| Claim::Broken.refused(why))?;
            claims.push(Claim::Broken);
        }
        _ if makes_no_claim(certificate) && certificate.pending.is_empty() => {}
        _ => judge(pool, certificate, &mut claims, &mut budget)?,
    }
    Ok(Accepted { claims, work: budget.used() })
}

/// "The pending VMs cannot all be placed": then nothing else can be claimed.
fn broken(pool: &Pool, certificate: &Certificate, refuted: &Refuted, budget: &mut Budget) -> Result<(), Why> {
    let alone = certificate.pending.is_empty()
        && certificate.simultaneous_proven.is_none()
        && certificate.sequential_proven.is_none()
        && certificate.sequential_refuted.is_none();
    if !alone {
        return Err(Why::BrokenAndMore);
    }
    let present = pending::present(pool);
    refutation::cannot_place_pending(&present, &refuted.refutation, budget)
}

/// Places the pending VMs, then judges each claim about the state after that.
fn judge(
    pool: &Pool,
    certificate: &Certificate,
    claims: &mut Vec<Claim>,
    budget: &mut Budget,
) -> Result<(), Refusal> {
    let homes =
        pending::place(pool, &certificate.pending, budget).map_err(|why| Claim::Pending.refused(why))?;
    if !certificate.pending.is_empty() {
        claims.push(Claim::Pending);
    }
    let problem = Problem::after_pending(pool, &homes);
    if let Some(proven) = &certificate.simultaneous_proven {
        let claim = Claim::SimultaneousProven(proven.failures);
        survives(&problem, proven, Notion::Simultaneous, budget).map_err(|why| claim.refused(why))?;
        claims.push(claim);
    }
    if let Some(refuted) = &certificate.simultaneous_refuted {
        let claim = Claim::SimultaneousRefuted(refuted.failed.len() as u32);
        refutation::not_survived_at_once(&problem, refuted, budget).map_err(|why| claim.refused(why))?;
        claims.push(claim);
    }
    if let Some(proven) = &certificate.sequential_proven {
        let claim = Claim::SequentialProven(proven.failures);
        survives(&problem, proven, Notion::Sequential, budget).map_err(|why| claim.refused(why))?;
        claims.push(claim);
    }
    match (&certificate.sequential_refuted, &certificate.simultaneous_refuted) {
        (Some(SequentialRefuted { failures, strategy }), _) => {
            let claim = Claim::SequentialRefuted(*failures);
            strategy::wins(&problem, *failures, strategy, budget).map_err(|why| claim.refused(why))?;
            claims.push(claim);
        }
        (None, Some(refuted)) => claims.push(Claim::SequentialRefuted(refuted.failed.len() as u32)),
        (None, None) => {}
    }
    Ok(())
}

/// "Every failure set of at most `failures` hosts is survived."
fn survives(problem: &Problem, proven: &Proven, notion: Notion, budget: &mut Budget) -> Result<(), Why> {
    let failures = proven.failures;
    let hosts = problem.failable.len() as u32;
    if failures > hosts {
        return Err(Why::MoreThanHosts { failures, hosts });
    }
    if let Some(most) = problem.liveness.filter(|&most| failures > most) {
        return Err(Why::BeyondLiveness { failures, most });
    }
    if failures == hosts && failures > 0 && !problem.items.is_empty() {
        return Err(Why::EveryHostFails);
    }
    match &proven.proof {
        Proof::Nothing if failures == 0 || problem.items.is_empty() => Ok(()),
        Proof::Nothing => Err(Why::SomethingToPlace),
        Proof::Tree(tree) => tree::holds(problem, tree, notion, failures, budget),
    }
}

/// Whether a certificate says nothing.
fn makes_no_claim(certificate: &Certificate) -> bool {
    certificate.simultaneous_proven.is_none()
        && certificate.simultaneous_refuted.is_none()
        && certificate.sequential_proven.is_none()
        && certificate.sequential_refuted.is_none()
}
