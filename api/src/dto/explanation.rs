//! Why the pool does not tolerate more, as JSON.
use super::standing::StandingAnswer;
use super::verdict::WitnessAnswer;
use lifeboat_model::Pool;
use lifeboat_planner::explain::{Explanation, HostRow, NearMiss};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Why not more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExplainAnswer")]
pub struct ExplainAnswer<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// Where the pool stands.
    #[serde(flatten)]
    pub standing: StandingAnswer,
    /// The number of failures that is explained; null where there is nothing more to tolerate.
    pub failures: Option<u32>,
    /// The failure set, and a smallest set of VMs that cannot all be placed; null where none is known.
    pub witness: Option<WitnessAnswer<'a>>,
    /// What those VMs ask for together, by resource.
    pub asked: BTreeMap<&'a str, u64>,
    /// What is free on the survivors that take VMs, by resource.
    pub there: BTreeMap<&'a str, i64>,
    /// The largest of those VMs.
    pub largest: Option<&'a str>,
    /// For the largest: every survivor, and what keeps it from taking the VM.
    pub near_misses: Vec<NearMissAnswer<'a>>,
    /// Every host.
    pub hosts: Vec<HostRowAnswer<'a>>,
    /// Time from the parsed document to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// How near a survivor comes to taking a VM.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NearMiss")]
pub struct NearMissAnswer<'a> {
    /// The host.
    pub host: &'a str,
    /// Whether it could take the VM if it were the only one.
    pub could_take_it_alone: bool,
    /// Why it could not run the VM at all.
    pub obstacles: Vec<String>,
    /// Resources that are short, and by how much.
    pub short: BTreeMap<&'a str, u64>,
    /// Required rules in the way, each with the VM that is there.
    pub rules: Vec<RuleInTheWay<'a>>,
}

/// A required rule that keeps a VM from a host.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RuleInTheWay")]
pub struct RuleInTheWay<'a> {
    /// The rule.
    pub group: &'a str,
    /// The VM that is there.
    pub vm: &'a str,
}

/// One host.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HostRow")]
pub struct HostRowAnswer<'a> {
    /// The host.
    pub host: &'a str,
    /// Its state.
    pub state: &'static str,
    /// Whether it is in the failure set.
    pub fails: bool,
    /// What is free, by resource, with the pending VMs where they are placed.
    pub free: BTreeMap<&'a str, i64>,
    /// What protected VMs hold.
    pub protected_mib: u64,
    /// What best-effort VMs hold.
    pub best_effort_mib: u64,
    /// What unprotected VMs hold.
    pub unprotected_mib: u64,
    /// How many VMs run there.
    pub vms: u32,
}

impl<'a> ExplainAnswer<'a> {
    /// The answer for an explanation of `pool`.
    pub fn new(pool: &'a Pool, explanation: &'a Explanation, elapsed_us: u64) -> Self {
        let names = || pool.resources().iter().map(String::as_str);
        Self {
            pool: pool.id(),
            standing: StandingAnswer::new(pool, &explanation.standing),
            failures: explanation.failures,
            witness: explanation.witness.as_ref().map(|witness| WitnessAnswer::new(pool, witness)),
            asked: names().zip(explanation.asked.iter().copied()).collect(),
            there: names().zip(explanation.there.iter().copied()).collect(),
            largest: explanation.largest.map(|vm| pool.vm_id(vm)),
            near_misses: explanation.near_misses.iter().map(|miss| near_miss(pool, miss)).collect(),
            hosts: explanation.hosts.iter().map(|row| host_row(pool, row)).collect(),
            elapsed_us,
        }
    }
}

fn near_miss<'a>(pool: &'a Pool, miss: &NearMiss) -> NearMissAnswer<'a> {
    NearMissAnswer {
        host: pool.host_id(miss.host),
        could_take_it_alone: miss.could_take_it_alone(),
        obstacles: miss.obstacles.iter().map(|obstacle| obstacle.describe(pool)).collect(),
        short: miss
            .short
            .iter()
            .map(|&(resource, by)| (pool.resources()[resource.get()].as_str(), by))
            .collect(),
        rules: miss
            .rules
            .iter()
            .map(|&(group, vm)| RuleInTheWay { group: &pool.groups()[group.get()].id, vm: pool.vm_id(vm) })
            .collect(),
    }
}

fn host_row<'a>(pool: &'a Pool, row: &HostRow) -> HostRowAnswer<'a> {
    HostRowAnswer {
        host: pool.host_id(row.host),
        state: lifeboat_model::agility::host_state_word(pool.host(row.host).state),
        fails: row.fails,
        free: pool.resources().iter().map(String::as_str).zip(row.free.iter().copied()).collect(),
        protected_mib: row.protected_mib,
        best_effort_mib: row.best_effort_mib,
        unprotected_mib: row.unprotected_mib,
        vms: row.vms,
    }
}
