//! How many more VMs of one size fit, as JSON.
use super::standing::StandingAnswer;
use super::verdict::WitnessAnswer;
use lifeboat_model::verdict::Witness;
use lifeboat_model::{Pool, VmIndex};
use lifeboat_planner::capacity::Capacity;
use schemars::JsonSchema;
use serde::Serialize;

/// How many more VMs fit while the effective target holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CapacityAnswer")]
pub struct CapacityAnswer<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// The target that is to hold, hosts in maintenance taken off.
    pub effective_target: u32,
    /// The most VMs with which the target is proven; null: it does not hold as it is.
    pub fits: Option<u32>,
    /// The fewest VMs that are known to be too many, wherever they are put; between the two it is open.
    pub refuted: Option<u32>,
    /// Whether the search ended before it was through.
    pub unfinished: bool,
    /// How many of those that fit are started on which host.
    pub placement: Vec<PlacedCopies<'a>>,
    /// Where the pool stands.
    pub before: StandingAnswer,
    /// Where it stands with those that fit.
    pub after: StandingAnswer,
    /// Why one more was not shown to fit, where a failure set shows it. A VM of those to fit is `(new)`.
    pub witness: Option<WitnessAnswer<'a>>,
    /// Time from the parsed document to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// Copies on one host.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlacedCopies")]
pub struct PlacedCopies<'a> {
    /// The host.
    pub host: &'a str,
    /// How many.
    pub count: u32,
}

impl<'a> CapacityAnswer<'a> {
    /// The answer for `pool`.
    pub fn new(pool: &'a Pool, capacity: &'a Capacity, elapsed_us: u64) -> Self {
        let mut counts = vec![0u32; pool.hosts().len()];
        for host in &capacity.placement {
            counts[host.get()] += 1;
        }
        let placed = pool.host_indices().zip(counts).filter(|&(_, count)| count > 0);
        Self {
            pool: pool.id(),
            effective_target: capacity.target,
            fits: capacity.fits,
            refuted: capacity.refuted,
            unfinished: capacity.unfinished,
            placement: placed.map(|(host, count)| PlacedCopies { host: pool.host_id(host), count }).collect(),
            before: StandingAnswer::new(pool, &capacity.before),
            after: StandingAnswer::new(&capacity.pool_after, &capacity.after),
            witness: capacity.witness.as_ref().map(|witness| told(pool, &capacity.pool_after, witness)),
            elapsed_us,
        }
    }
}

fn told<'a>(pool: &'a Pool, after: &'a Pool, witness: &'a Witness) -> WitnessAnswer<'a> {
    let own = |vm: VmIndex| vm.get() < pool.vms().len();
    let vms = witness.vms.iter().map(|vm| if own(*vm) { pool.vm_id(*vm) } else { "(new)" }).collect();
    WitnessAnswer {
        notion: witness.notion.into(),
        n: witness.failures,
        failed_hosts: witness.failed_hosts.iter().map(|&host| pool.host_id(host)).collect(),
        vms,
        resource: witness
            .resource
            .and_then(|resource| after.resources().get(resource.get()))
            .map(String::as_str),
        reason_code: witness.reason_code.code(),
        reason: &witness.reason,
    }
}
