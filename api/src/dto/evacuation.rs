//! The plan of an evacuation as JSON.
use super::served_admission::ServedAdmission;
use crate::dto::restart::priority_word;
use crate::served::evacuation::Evacuation;
use lifeboat_model::{Pool, VmIndex};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

/// How a host is emptied.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvacuationAnswer")]
pub struct EvacuationAnswer {
    /// The host.
    pub host: String,
    /// The pool's revision that was planned on.
    pub revision: u64,
    /// Whether every VM has somewhere to go.
    pub complete: bool,
    /// The migrations, in the order in which to make them.
    pub moves: Vec<MoveAnswer>,
    /// VMs that no host can take, and why.
    pub stuck: Vec<StuckAnswer>,
    /// VMs that are under migration to the host.
    pub arriving: Vec<String>,
    /// What admission says of it, judged by where the pool stands when the host is empty.
    #[schemars(with = "ServedAdmission<'static>")]
    pub admission: Box<RawValue>,
}

/// One migration.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvacuationMove")]
pub struct MoveAnswer {
    /// The VM.
    pub vm: String,
    /// Where to.
    pub to: String,
    /// Whether it is under way already.
    pub under_way: bool,
    /// What becomes of the VM when its host dies: `restart`, `best-effort` or empty.
    pub restart_priority: &'static str,
    /// Its memory in MiB, with what the hypervisor needs for it.
    pub memory_mib: u64,
}

/// A VM that cannot go anywhere.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvacuationStuck")]
pub struct StuckAnswer {
    /// The VM.
    pub vm: String,
    /// Why, as a code.
    pub reason_code: &'static str,
    /// Why, in words.
    pub reason: String,
}

impl EvacuationAnswer {
    /// The answer for a plan of `pool`.
    pub fn new(pool: &Pool, revision: u64, plan: &Evacuation, admission: Box<RawValue>) -> Self {
        let name = |vm: VmIndex| pool.vm_id(vm).to_owned();
        Self {
            host: pool.host_id(plan.host).to_owned(),
            revision,
            complete: plan.stuck.is_empty(),
            moves: plan
                .moves
                .iter()
                .map(|step| MoveAnswer {
                    vm: name(step.vm),
                    to: pool.host_id(step.to).to_owned(),
                    under_way: step.under_way,
                    restart_priority: priority_word(pool.vm(step.vm).restart_priority),
                    memory_mib: pool.demand_of(step.vm)[0],
                })
                .collect(),
            stuck: plan
                .stuck
                .iter()
                .map(|stuck| StuckAnswer {
                    vm: name(stuck.vm),
                    reason_code: stuck.reason_code,
                    reason: stuck.reason.clone(),
                })
                .collect(),
            arriving: plan.arriving.iter().map(|&vm| name(vm)).collect(),
            admission,
        }
    }
}
