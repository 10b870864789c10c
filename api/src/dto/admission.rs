//! The answer to "may this change be made", as JSON.
use super::change::ChangeAnswer;
use super::standing::{MemoryAnswer, StandingAnswer};
use super::verdict::{BoundsAnswer, BrokenRuleAnswer, TargetStatusWord, WitnessAnswer};
use lifeboat_model::Pool;
use lifeboat_model::change::Change;
use lifeboat_planner::BrokenRule;
use lifeboat_planner::admission::{Admission, Impediment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a change may be made, and what it would do.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AdmissionAnswer")]
pub struct AdmissionAnswer<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// The change.
    pub change: ChangeAnswer,
    /// `fine`, `improves`, `makes-worse`, `breaks-target` or `cannot-be-done`.
    pub verdict: &'a str,
    /// Whether it may be made.
    pub allowed: bool,
    /// Whether the verdict rests on a bound that more work could still move.
    pub open: bool,
    /// Why, in words.
    pub reason: &'a str,
    /// Where the pool stands.
    pub before: StandingAnswer,
    /// Where it would stand; for a start without a host, with the suggested one.
    pub after: StandingAnswer,
    /// For a start without a host, the best one; else the one that the VM goes to.
    #[serde(borrow)]
    pub suggested_host: Option<&'a str>,
    /// For a start without a host: every host that could take the VM, best first.
    #[serde(borrow)]
    pub candidates: Vec<CandidateAnswer<'a>>,
    /// For a start without a host: every other live host, and why not.
    #[serde(borrow)]
    pub unfit: Vec<UnfitAnswer<'a>>,
    /// What keeps the change from being carried out.
    #[serde(borrow)]
    pub impediments: Vec<ImpedimentAnswer<'a>>,
    /// Pairs that would newly break a required rule; named, not forbidden.
    #[serde(borrow)]
    pub newly_broken_rules: Vec<BrokenRuleAnswer<'a>>,
    /// Protected VMs that the change would leave without protection.
    #[serde(borrow)]
    pub newly_unprotectable: Vec<&'a str>,
    /// Why the pool would tolerate no more; null where nothing is refuted.
    #[serde(borrow)]
    pub witness: Option<WitnessAnswer<'a>>,
    /// Memory by restart priority now.
    #[serde(borrow)]
    pub memory_before: MemoryAnswer<'a>,
    /// Memory by restart priority after the change.
    #[serde(borrow)]
    pub memory_after: MemoryAnswer<'a>,
    /// Time from the parsed document to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// A host that could take the VM.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Candidate")]
pub struct CandidateAnswer<'a> {
    /// The host.
    pub host: &'a str,
    /// What starting it there would be.
    pub verdict: &'a str,
    /// The tolerance that would remain, under the pool's guarantee.
    pub tolerance: BoundsAnswer,
    /// Whether the effective target would hold.
    pub target_status: TargetStatusWord,
    /// How full the host would be, in thousandths of its memory.
    pub load_permille: u64,
}

/// A host that could not take the VM.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Unfit")]
pub struct UnfitAnswer<'a> {
    /// The host.
    pub host: &'a str,
    /// Why, in words.
    pub reason: String,
    /// Why, as codes.
    #[serde(borrow)]
    pub reason_codes: Vec<&'a str>,
}

/// What keeps a change from being carried out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Impediment")]
pub struct ImpedimentAnswer<'a> {
    /// The host; null where it is no one host.
    #[serde(borrow)]
    pub host: Option<&'a str>,
    /// What, as a code.
    pub reason_code: &'a str,
    /// What, in words.
    pub reason: String,
}

impl<'a> AdmissionAnswer<'a> {
    /// The answer for a change to `pool`.
    pub fn new(pool: &'a Pool, change: &Change, admission: &'a Admission, elapsed_us: u64) -> Self {
        Self::of(pool, ChangeAnswer::new(pool, change), admission, elapsed_us)
    }

    /// The answer for whatever is done to `pool`.
    pub fn of(pool: &'a Pool, change: ChangeAnswer, admission: &'a Admission, elapsed_us: u64) -> Self {
        let after = &admission.pool_after;
        let candidate = |candidate: &'a lifeboat_planner::admission::Candidate| CandidateAnswer {
            host: after.host_id(candidate.host),
            verdict: candidate.verdict.code(),
            tolerance: candidate.standing.guaranteed.into(),
            target_status: candidate.standing.target_status.into(),
            load_permille: candidate.load_ppm / 1000,
        };
        Self {
            pool: pool.id(),
            change,
            verdict: admission.verdict.code(),
            allowed: admission.allowed,
            open: admission.open,
            reason: &admission.reason,
            before: StandingAnswer::new(pool, &admission.before),
            after: StandingAnswer::new(after, &admission.after),
            suggested_host: admission.suggested_host.map(|host| after.host_id(host)),
            candidates: admission.candidates.iter().map(candidate).collect(),
            unfit: admission
                .unfit
                .iter()
                .map(|unfit| {
                    let impediments = unfit.impediments.iter();
                    let rules = unfit.rules.iter().map(|rule| rule_reason(after, rule));
                    let words: Vec<String> =
                        impediments.clone().map(|one| one.describe(after)).chain(rules).collect();
                    let rules = unfit.rules.iter().map(|_| "rule");
                    UnfitAnswer {
                        host: after.host_id(unfit.host),
                        reason: words.join("; "),
                        reason_codes: impediments.map(Impediment::code).chain(rules).collect(),
                    }
                })
                .collect(),
            impediments: admission.impediments.iter().map(|one| ImpedimentAnswer::new(after, one)).collect(),
            newly_broken_rules: admission
                .newly_broken_rules
                .iter()
                .map(|broken| BrokenRuleAnswer {
                    group: &after.groups()[broken.group.get()].id,
                    vms: [after.vm_id(broken.first), after.vm_id(broken.second)],
                })
                .collect(),
            newly_unprotectable: admission.newly_unprotectable.iter().map(|&vm| after.vm_id(vm)).collect(),
            witness: admission.witness.as_ref().map(|witness| WitnessAnswer::new(after, witness)),
            memory_before: MemoryAnswer::new(pool, &admission.memory_before),
            memory_after: MemoryAnswer::new(after, &admission.memory_after),
            elapsed_us,
        }
    }
}

impl<'a> ImpedimentAnswer<'a> {
    fn new(pool: &'a Pool, impediment: &Impediment) -> Self {
        let host = match impediment {
            Impediment::Obstacle { host, .. } | Impediment::OverFull { host, .. } => {
                Some(pool.host_id(*host))
            }
            Impediment::NoHost => None,
        };
        Self { host, reason_code: impediment.code(), reason: impediment.describe(pool) }
    }
}

fn rule_reason(pool: &Pool, broken: &BrokenRule) -> String {
    let group = &pool.groups()[broken.group.get()].id;
    format!("{group}: {} with {}", pool.vm_id(broken.first), pool.vm_id(broken.second))
}
