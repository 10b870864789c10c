//! Actions that take time: the evacuation of a host. The service does not migrate anything itself; whoever does tells it so,
//! and the steps of a task follow from what is told.
//!
//! ```text
//!   step:  waiting ─► under-way ─► done          task:  running ─► done: nothing runs on the host any more
//!             ▲           │                                 ├────► canceled: the host was enabled again
//!             └── aborted ┘     gone: stopped               └────► failed: the host went down
//! ```
use super::evacuation::Evacuation;
use jiff::Timestamp;
use lifeboat_model::Pool;
use lifeboat_model::spec::HostState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tasks that are over and kept all the same.
const MOST_ENDED: usize = 200;

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Its number within the pool; later ones are higher.
    pub id: u64,
    /// What kind of task: `evacuate`.
    pub kind: String,
    /// The host that it is about.
    pub host: String,
    /// How far it is.
    pub state: TaskState,
    /// Why it is in this state, in words.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// When it began.
    #[schemars(with = "String")]
    pub began_at: Timestamp,
    /// When it ended; null: it goes on.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// Its steps, in the order in which to make them.
    pub steps: Vec<Step>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// It goes on.
    Running,
    /// It is done.
    Done,
    /// It was given up.
    Canceled,
    /// It cannot be done any more.
    Failed,
}

/// One step: a VM leaves the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TaskStep")]
pub struct Step {
    /// The VM.
    pub vm: String,
    /// Where it is to go, or has gone; null: no host can take it, or none was looked for yet.
    pub to: Option<String>,
    /// How far it is.
    pub state: StepState,
    /// Migrations that were given up.
    pub aborted: u32,
    /// What is in the way; null: nothing.
    pub reason: Option<String>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "TaskStepState")]
pub enum StepState {
    /// It has not begun.
    Waiting,
    /// The VM is under migration.
    UnderWay,
    /// The VM runs elsewhere.
    Done,
    /// The VM was stopped or is no more.
    Gone,
    /// No host can take it.
    Stuck,
}

impl Task {
    /// An evacuation that begins.
    pub fn evacuation(id: u64, pool: &Pool, plan: &Evacuation, by: &str, now: Timestamp) -> Self {
        let moves = plan.moves.iter().map(|step| Step {
            vm: pool.vm_id(step.vm).to_owned(),
            to: Some(pool.host_id(step.to).to_owned()),
            state: if step.under_way { StepState::UnderWay } else { StepState::Waiting },
            aborted: 0,
            reason: None,
        });
        let stuck = plan.stuck.iter().map(|stuck| Step {
            vm: pool.vm_id(stuck.vm).to_owned(),
            to: None,
            state: StepState::Stuck,
            aborted: 0,
            reason: Some(stuck.reason.clone()),
        });
        Self {
            id,
            kind: "evacuate".to_owned(),
            host: pool.host_id(plan.host).to_owned(),
            state: TaskState::Running,
            reason: "VMs still run there".to_owned(),
            by: by.to_owned(),
            began_at: now,
            ended_at: None,
            steps: moves.chain(stuck).collect(),
        }
    }

    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        self.state == TaskState::Running
    }

    /// Follows the pool; whether anything has changed.
    fn follow(&mut self, pool: &Pool, now: Timestamp) -> bool {
        let before = self.clone();
        let Some(host) = pool.find_host(&self.host) else {
            self.end(TaskState::Done, "the host has left the pool", now);
            return true;
        };
        let mut here = BTreeSet::new();
        let mut elsewhere: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut leaving: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let stepped: BTreeSet<&str> = before.steps.iter().map(|step| step.vm.as_str()).collect();
        for vm in pool.vm_indices() {
            let (id, home) = (pool.vm_id(vm), pool.runs_on(vm));
            if home == Some(host) {
                here.insert(id);
                leaving.insert(id, pool.migration_end(vm).map(|end| pool.host_id(end)));
            } else if home.is_some() && stepped.contains(id) {
                elsewhere.insert(id, home.map(|home| pool.host_id(home)));
            }
        }
        for step in &mut self.steps {
            let vm = step.vm.as_str();
            if let Some(end) = leaving.get(vm) {
                step.remains(*end);
            } else if let Some(home) = elsewhere.get(vm) {
                (step.state, step.to, step.reason) = (StepState::Done, home.map(str::to_owned), None);
            } else {
                (step.state, step.reason) = (StepState::Gone, None);
            }
        }
        let new = here.iter().filter(|vm| !stepped.contains(**vm));
        self.steps.extend(new.map(|vm| Step {
            vm: (*vm).to_owned(),
            to: None,
            state: StepState::Waiting,
            aborted: 0,
            reason: Some("it came after the evacuation had begun: plan it anew".to_owned()),
        }));
        let arriving = pool.vm_indices().any(|vm| pool.migration_end(vm) == Some(host));
        match pool.host(host).state {
            HostState::Maintenance if here.is_empty() && !arriving => {
                self.end(TaskState::Done, "nothing runs there any more", now);
            }
            HostState::Maintenance => {}
            HostState::Live | HostState::Disabled => {
                self.end(TaskState::Canceled, "the host is in maintenance no more", now);
            }
            HostState::Dead | HostState::Fenced => {
                self.end(TaskState::Failed, "the host went down before it was empty", now);
            }
        }
        *self != before
    }

    fn end(&mut self, state: TaskState, reason: &str, now: Timestamp) {
        self.state = state;
        reason.clone_into(&mut self.reason);
        self.ended_at = Some(now);
    }
}

impl Step {
    /// The VM is on the host still, and perhaps on its way to `end`.
    fn remains(&mut self, end: Option<&str>) {
        match (self.state, end) {
            (_, Some(end)) => {
                (self.state, self.to, self.reason) = (StepState::UnderWay, Some(end.to_owned()), None);
            }
            (StepState::UnderWay, None) => {
                self.state = StepState::Waiting;
                self.aborted += 1;
                self.reason = Some("its migration was given up".to_owned());
            }
            (StepState::Stuck | StepState::Waiting, None) => {}
            (StepState::Done | StepState::Gone, None) => {
                self.state = StepState::Waiting;
                self.reason = Some("it came back".to_owned());
            }
        }
    }
}

/// All tasks of a pool.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tasks: BTreeMap<u64, Task>,
    next: u64,
}

impl Tasks {
    /// These tasks, as they were kept.
    pub fn of(tasks: impl IntoIterator<Item = Task>) -> Self {
        let tasks: BTreeMap<u64, Task> = tasks.into_iter().map(|task| (task.id, task)).collect();
        let next = tasks.keys().next_back().map_or(1, |last| last + 1);
        Self { tasks, next }
    }

    /// The number of the next task.
    pub fn next(&self) -> u64 {
        self.next.max(1)
    }

    /// The task of that number.
    pub fn get(&self, id: u64) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// The task that empties this host now.
    pub fn running_on(&self, host: &str) -> Option<&Task> {
        self.tasks.values().rev().find(|task| task.is_running() && task.host == host)
    }

    /// All tasks, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().rev()
    }

    /// Adds a task; those that are forgotten for it are given back.
    pub fn begin(&mut self, task: Task) -> Vec<u64> {
        self.next = self.next.max(task.id + 1);
        self.tasks.insert(task.id, task);
        let ended: Vec<u64> =
            self.tasks.values().filter(|task| !task.is_running()).map(|task| task.id).collect();
        let old: Vec<u64> = ended.iter().copied().take(ended.len().saturating_sub(MOST_ENDED)).collect();
        for id in &old {
            self.tasks.remove(id);
        }
        old
    }

    /// Follows the pool: the tasks that have changed.
    pub fn follow(&mut self, pool: &Pool, now: Timestamp) -> Vec<Task> {
        let running = self.tasks.values_mut().filter(|task| task.is_running());
        running.filter_map(|task| task.follow(pool, now).then(|| task.clone())).collect()
    }
}

#[cfg(test)]
mod tests;
