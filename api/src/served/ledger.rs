//! What is kept beside a pool: its high availability, its alerts, its tasks. The ledger follows the pool: it is shown each
//! state and each verdict, and says what is to be logged, kept and told.
//!
//! ```text
//!   pools/<pool>/rolling        the newest rolling reboot
//!   pools/<pool>/ha             whether high availability is enabled, and what admission does
//!   alerts/<pool>/<number>      one alert
//!   tasks/<pool>/<number>       one task
//! ```
use super::alerts::{self, Alert, Book, Finding, Holds, Kind as AlertKind, News, Subject};
use super::ha::Ha;
use super::record::POOLS;
use super::task::{Task, Tasks};
use super::{Delta, Kind, Outlook};
use crate::rolling::Run;
use jiff::Timestamp;
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_store::{Batch, Key, Record};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The alerts of all pools.
pub const ALERTS: &str = "alerts";
/// The tasks of all pools.
pub const TASKS: &str = "tasks";

/// What is kept beside a pool.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Its high availability.
    pub ha: Ha,
    /// Its alerts.
    pub alerts: Book,
    /// Its tasks.
    pub tasks: Tasks,
    /// Its newest rolling reboot.
    pub rolling: Option<Run>,
}

/// Something that is written into the ledger.
#[derive(Clone, Debug)]
pub enum Note {
    /// High availability is so from now on.
    Ha(Box<Ha>),
    /// A rolling reboot has begun, or has come further.
    Rolling(Box<Run>),
    /// A task begins.
    Begin(Box<Task>),
    /// Something holds, or holds no more, as the coordinator or an agent says.
    Found(Box<Finding>),
    /// Somebody takes note of an alert.
    Acknowledge {
        /// The alert.
        id: u64,
        /// Who.
        by: String,
    },
}

/// What follows from something that was shown to the ledger.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// What is logged: the kind, and what there is to say.
    pub entries: Vec<(&'static str, Value)>,
    /// What is kept.
    pub batch: Batch,
    /// What people are told.
    pub told: Vec<Alert>,
}

impl Ledger {
    /// The ledger as it was kept.
    pub fn read(pool: &str, pool_records: &[Record], alerts: &[Record], tasks: &[Record]) -> Self {
        let ha = pool_records.iter().find(|record| record.key == ha_key(pool));
        let rolling = pool_records.iter().find(|record| record.key == rolling_key(pool));
        Self {
            ha: ha.and_then(|record| serde_json::from_slice(&record.value).ok()).unwrap_or_default(),
            alerts: Book::of(each(alerts)),
            tasks: Tasks::of(each(tasks)),
            rolling: rolling.and_then(|record| serde_json::from_slice(&record.value).ok()),
        }
    }

    /// Follows the pool from one state to the next.
    pub fn follow(&mut self, before: &Pool, after: &Pool, delta: &Delta, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let hosts: Vec<HostIndex> = delta
            .changed
            .iter()
            .filter(|resource| resource.kind == Kind::Host)
            .filter_map(|resource| after.find_host(&resource.id))
            .collect();
        let mut findings: Vec<Finding> = alerts::of_hosts(after, hosts);
        findings.retain(|finding| finding.holds != Holds::Yes || !was_shut_down(before, finding));
        for resource in delta.gone.iter().filter(|resource| resource.kind == Kind::Host) {
            findings.extend(self.gone(&resource.id));
        }
        if !findings.is_empty() {
            let news = self.alerts.note(findings, &[], now);
            effects.alerts(after.id(), news);
        }
        if !delta.is_empty() {
            for task in self.tasks.follow(after, now) {
                effects.task(after.id(), &task);
            }
        }
        effects
    }

    /// Is shown a verdict that is published.
    pub fn judge(&mut self, outlook: &Outlook, now: Timestamp) -> Effects {
        let findings = alerts::of_outlook(outlook, self.alerts.level());
        let news = self.alerts.note(findings, &alerts::BY_VERDICT, now);
        if !outlook.provisional {
            self.alerts.settle(alerts::proven(outlook));
        }
        let mut effects = Effects::default();
        effects.alerts(outlook.pool.id(), news);
        effects
    }

    /// Takes a note.
    pub fn take(&mut self, pool: &str, note: Note, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        match note {
            Note::Ha(ha) => {
                self.ha = *ha;
                effects.batch.put(ha_key(pool), bytes(&self.ha));
            }
            Note::Rolling(run) => {
                effects.batch.put(rolling_key(pool), bytes(&run));
                let data = json!({"run": run.id, "state": run.state, "reason": run.reason});
                effects.entries.push(("rolling-reboot", data));
                self.rolling = Some(*run);
            }
            Note::Begin(task) => {
                effects.task(pool, &task);
                for old in self.tasks.begin(*task) {
                    effects.batch.delete(Key::numbered(&[TASKS, pool], old));
                }
            }
            Note::Found(finding) => {
                let news = self.alerts.note(vec![*finding], &[], now);
                effects.alerts(pool, news);
            }
            Note::Acknowledge { id, by } => {
                let news = self.alerts.acknowledge(id, &by, now);
                effects.alerts(pool, news);
            }
        }
        effects
    }

    /// Alerts about a host that is no more are over.
    fn gone(&self, host: &str) -> Vec<Finding> {
        let about = Subject::Host(host.to_owned());
        let open = self.alerts.open().filter(|alert| alert.subject == about);
        open.map(|alert| Finding {
            kind: alert.kind,
            subject: about.clone(),
            holds: Holds::No { because: "the host has left the pool".to_owned() },
            summary: String::new(),
            detail: String::new(),
            next_step: String::new(),
            data: Value::Null,
        })
        .collect()
    }
}

/// A host that was emptied for maintenance and goes down has not failed.
fn was_shut_down(before: &Pool, finding: &Finding) -> bool {
    let Subject::Host(host) = &finding.subject else { return false };
    let Some(host) = before.find_host(host).filter(|_| finding.kind == AlertKind::HostFailed) else {
        return false;
    };
    before.host(host).state == HostState::Maintenance
        && !before.vm_indices().any(|vm| before.runs_on(vm) == Some(host))
}

impl Effects {
    /// Adds others behind these.
    pub fn append(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.batch.append(other.batch);
        self.told.extend(other.told);
    }

    fn alerts(&mut self, pool: &str, news: Vec<News>) {
        for one in news {
            let key = |id| Key::numbered(&[ALERTS, pool], id);
            let (alert, phase, name) = match one {
                News::Forgotten(id) => {
                    self.batch.delete(key(id));
                    continue;
                }
                News::Raised(alert) => {
                    self.told.push(alert.clone());
                    (alert.clone(), "raised", alert.kind.word())
                }
                News::Closed { alert, told } => {
                    if told {
                        self.told.push(alert.clone());
                    }
                    (alert.clone(), "closed", alert.kind.end_word())
                }
                News::Acknowledged(alert) => (alert.clone(), "acknowledged", alert.kind.word()),
            };
            self.batch.put(key(alert.id), bytes(&alert));
            let summary = alert.closed_because.as_ref().unwrap_or(&alert.summary);
            let data = json!({
                "alert": alert.id, "phase": phase, "name": name, "alert_kind": alert.kind.word(),
                "severity": alert.severity, "subject": alert.subject, "summary": summary,
            });
            self.entries.push(("alert", data));
        }
    }

    fn task(&mut self, pool: &str, task: &Task) {
        self.batch.put(Key::numbered(&[TASKS, pool], task.id), bytes(task));
        let done = task
            .steps
            .iter()
            .filter(|step| matches!(step.state, super::task::StepState::Done | super::task::StepState::Gone));
        let data = json!({
            "task": task.id, "task_kind": task.kind, "host": task.host, "state": task.state,
            "reason": task.reason, "steps_done": done.count(), "steps": task.steps.len(),
        });
        self.entries.push(("task", data));
    }
}

/// The key of what is kept of a pool's high availability.
pub fn ha_key(pool: &str) -> Key {
    Key::of(&[POOLS, pool, "ha"])
}

fn rolling_key(pool: &str) -> Key {
    Key::of(&[POOLS, pool, "rolling"])
}

fn each<T: DeserializeOwned>(records: &[Record]) -> Vec<T> {
    records.iter().filter_map(|record| serde_json::from_slice(&record.value).ok()).collect()
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records are maps with text keys and finite numbers")
}
