//! What `lifeboat sim --json` prints.
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_simulator::happening::{DownCause, HaltCause};
use lifeboat_simulator::run::HostAtEnd;
use lifeboat_simulator::trace::{Entry, Line};
use lifeboat_simulator::world::Power;
use lifeboat_simulator::{At, Outcome, Scenario, Violation};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    seed: u64,
    violations: Vec<Value>,
    unmet: Vec<Value>,
    events: Vec<Value>,
    #[serde(rename = "final")]
    at_end: Value,
}

impl Answer {
    pub(super) fn new(scenario: &Scenario, outcome: &Outcome, violations: &[Violation]) -> Self {
        let told = Told { scenario, outcome };
        let violation = |violation: &Violation| json!({ "at_s": told.seconds(violation.at), "invariant": violation.invariant, "text": violation.text });
        let unmet = outcome.unmet.iter().map(|unmet| {
            let number = unmet.position + 1;
            json!({ "by_s": unmet.by.as_secs_f64(), "expect": number, "expected": unmet.expected, "found": unmet.found })
        });
        Self {
            seed: outcome.seed,
            violations: violations.iter().map(violation).collect(),
            unmet: unmet.collect(),
            events: outcome.trace.since_formed().iter().flat_map(|entry| told.events(entry)).collect(),
            at_end: told.at_end(),
        }
    }
}

struct Told<'a> {
    scenario: &'a Scenario,
    outcome: &'a Outcome,
}

impl Told<'_> {
    fn seconds(&self, at: At) -> f64 {
        seconds(self.outcome, at)
    }

    fn host(&self, host: HostIndex) -> &str {
        self.outcome.pool.host_id(host)
    }

    fn events(&self, entry: &Entry) -> Vec<Value> {
        let vm = |vm| self.outcome.pool.vm_id(vm);
        let event = |what: &str, fields: Value| vec![self.event(entry.at, what, fields)];
        match &entry.line {
            Line::Event { position } => self.scenario_event(entry.at, *position),
            Line::StartCommand { host, vm, epoch } => {
                event("start-command", json!({ "host": self.host(*host), "vm": vm, "epoch": epoch.0 }))
            }
            Line::VmRunning { vm: of, host } => {
                event("vm-running", json!({ "host": self.host(*host), "vm": vm(*of) }))
            }
            Line::VmStopped { vm: of, host, cause } => {
                let cause = halt_word(*cause);
                event("vm-stopped", json!({ "host": self.host(*host), "vm": vm(*of), "cause": cause }))
            }
            Line::HandOver { vm: of, from, to } => vec![
                self.event(
                    entry.at,
                    "vm-stopped",
                    json!({ "host": self.host(*from), "vm": vm(*of), "cause": "migrated" }),
                ),
                self.event(entry.at, "vm-running", json!({ "host": self.host(*to), "vm": vm(*of) })),
            ],
            Line::LeaseLost { host, reason } => {
                let reason = match reason {
                    FenceReason::LeaseExpired => "lease-expired",
                    FenceReason::Evicted => "evicted",
                };
                event("lease-lost", json!({ "host": self.host(*host), "reason": reason }))
            }
            Line::Fenced { host, cause } => {
                let by = if *cause == DownCause::Watchdog { "watchdog" } else { "itself" };
                event("fenced", json!({ "host": self.host(*host), "by": by }))
            }
            Line::Evidence { at, about, kind } => {
                let kind = super::words::evidence_code(*kind);
                event("evidence", json!({ "host": self.host(*about), "kind": kind, "at": self.host(*at) }))
            }
            Line::Liveset { by, number, members, leader } => {
                let members: Vec<&str> = members.iter().map(|member| self.host(*member)).collect();
                let leader = self.host(*leader);
                let fields = json!({ "host": self.host(*by), "epoch": number.0, "members": members, "leader": leader });
                event("liveset", fields)
            }
            Line::Coordinator { host, epoch } => {
                event("coordinator", json!({ "host": self.host(*host), "epoch": epoch.0 }))
            }
            Line::Alert(alert) => {
                let mut fields = json!({ "kind": alert.kind, "text": alert.text });
                for (key, name) in [("host", &alert.host), ("vm", &alert.vm)] {
                    if let Some(name) = name {
                        fields[key] = name.clone().into();
                    }
                }
                event("alert", fields)
            }
            _ => Vec::new(),
        }
    }

    fn scenario_event(&self, at: At, position: usize) -> Vec<Value> {
        let Some(event) = self.scenario.events.get(position) else { return Vec::new() };
        let (hosts, vm) = event.action.names();
        let mut fields = json!({ "event": position + 1 });
        if let [host] = hosts.as_slice() {
            fields["host"] = (*host).into();
        } else if !hosts.is_empty() {
            fields["hosts"] = hosts.into();
        }
        if let Some(vm) = vm {
            fields["vm"] = vm.into();
        }
        vec![self.event(at, event.action.word(), fields)]
    }

    /// An event with its time and its word first.
    fn event(&self, at: At, what: &str, fields: Value) -> Value {
        let mut event = Map::new();
        event.insert("at_s".to_owned(), self.seconds(at).into());
        event.insert("what".to_owned(), what.into());
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        Value::Object(event)
    }

    fn at_end(&self) -> Value {
        let hosts: Map<String, Value> = self
            .outcome
            .hosts
            .iter()
            .map(|host| {
                let state = state_at_end(self.outcome, host);
                let told = json!({ "state": state, "coordinator": host.coordinator, "vms": host.vms });
                (self.host(host.host).to_owned(), told)
            })
            .collect();
        let vms: Map<String, Value> = self
            .outcome
            .vms
            .iter()
            .map(|vm| {
                let on = vm.host.map(|host| self.host(host));
                (self.outcome.pool.vm_id(vm.vm).to_owned(), json!({ "running": on.is_some(), "host": on }))
            })
            .collect();
        json!({ "hosts": hosts, "vms": vms })
    }
}

/// A moment in seconds since the pool had formed, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "microseconds of a run fit")]
pub(super) fn seconds(outcome: &Outcome, at: At) -> f64 {
    (at.0 as i64 - outcome.formed.0 as i64) as f64 / 1e6
}

/// A host's state in a word, as expectations spell it where they have one.
pub(super) fn state_at_end(outcome: &Outcome, host: &HostAtEnd) -> &'static str {
    let entries = outcome.trace.since_formed();
    let fenced = entries
        .iter()
        .any(|entry| matches!(entry.line, Line::Fenced { host: fenced, .. } if fenced == host.host));
    let down = entries
        .iter()
        .any(|entry| matches!(entry.line, Line::HostDown { host: down, .. } if down == host.host));
    match (host.power, host.in_liveset) {
        (Power::Off, _) => "off",
        (Power::Up, true) if fenced || down => "rejoined",
        (Power::Up, true) => "live",
        (Power::Booting, _) | (Power::Up, false) if fenced => "fenced",
        (Power::Booting, _) => "booting",
        (Power::Up, false) => "out",
    }
}

fn halt_word(cause: HaltCause) -> &'static str {
    use lifeboat_protocol::order::StopCause;
    match cause {
        HaltCause::HostDown(DownCause::PowerLoss) => "power-loss",
        HaltCause::HostDown(DownCause::Watchdog) => "watchdog",
        HaltCause::HostDown(DownCause::SelfFence) => "reset",
        HaltCause::HostDown(DownCause::CleanOff) => "power-off",
        HaltCause::Fence => "fence",
        HaltCause::Ordered => "ordered",
        HaltCause::Itself(StopCause::Crashed) => "crashed",
        HaltCause::Itself(StopCause::ShutDownInside) => "shut-down-inside",
        HaltCause::Itself(StopCause::Stopped) => "stopped",
    }
}
