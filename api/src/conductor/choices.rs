//! What operators choose for a pool whose hosts have agents, beyond its document: how its restarts go, when a VM counts as ready, what is
//! done when a guest answers no more. It lies beside the coordinator's records, and whoever leads is told when it changes.
use super::names::Names;
use super::records;
use lifeboat_coordinator::{Gate, Settings};
use lifeboat_link::note::Monitor;
use lifeboat_store::{Batch, Key};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;

/// Beyond this nothing is limited any more.
const MOST_AT_ONCE: u32 = 100_000;
/// The longest span, in seconds: a day.
const LONGEST_S: u32 = 86_400;
/// No host is fenced sooner for what it leaves unknown: at the beginning of a term all do, until their hypervisors have been looked at.
const FENCED_AFTER_S: u32 = 60;

/// How restarts go in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestartSettings {
    /// Starts under way at once on one host: more only make each other slower.
    pub starts_per_host: u32,
    /// Starts under way at once in the pool: what shared storage stands.
    pub starts_in_pool: u32,
    /// Live migrations under way at once from or to one host.
    pub migrations_per_host: u32,
    /// For so many seconds a VM that has been started and is not ready holds later orders back.
    pub ready_within_s: u32,
    /// Starts that a best-effort VM is given before it is left down.
    pub best_effort_attempts: u32,
    /// Whether best-effort VMs are restarted where that costs the pool its proven target.
    pub best_effort_may_cost_target: bool,
    /// Whether a protected VM that was shut down from inside is started again.
    pub restart_after_shutdown_inside: bool,
    /// After so many seconds people are told of a live host that cannot say whether VMs run there.
    pub unknown_alert_after_s: u32,
    /// After so many seconds a live host that cannot say whether VMs run there is fenced; null: never.
    pub fence_unknown_after_s: Option<u32>,
}

impl Default for RestartSettings {
    fn default() -> Self {
        let usual = Settings::default();
        let count = |count: usize| u32::try_from(count).unwrap_or(MOST_AT_ONCE);
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(LONGEST_S);
        Self {
            starts_per_host: count(usual.starts_per_host),
            starts_in_pool: count(usual.starts_in_pool),
            migrations_per_host: count(usual.migrations_per_host),
            ready_within_s: seconds(usual.gate_timeout),
            best_effort_attempts: usual.best_effort_attempts,
            best_effort_may_cost_target: usual.best_effort_may_cost_target,
            restart_after_shutdown_inside: usual.restart_after_shutdown_inside,
            unknown_alert_after_s: seconds(usual.unknown_alert_after),
            fence_unknown_after_s: usual.fence_unknown_after.map(seconds),
        }
    }
}

impl RestartSettings {
    /// What of it is out of range, in words; none: nothing.
    pub fn fault(&self) -> Option<String> {
        let counts = [
            ("starts_per_host", self.starts_per_host),
            ("starts_in_pool", self.starts_in_pool),
            ("migrations_per_host", self.migrations_per_host),
            ("best_effort_attempts", self.best_effort_attempts),
        ];
        let spans = [
            ("ready_within_s", self.ready_within_s),
            ("unknown_alert_after_s", self.unknown_alert_after_s),
            ("fence_unknown_after_s", self.fence_unknown_after_s.unwrap_or(1)),
        ];
        let limited = counts.map(|(name, value)| (name, value, MOST_AT_ONCE));
        let limited = limited.into_iter().chain(spans.map(|(name, value)| (name, value, LONGEST_S)));
        let mut faults = limited
            .filter(|(_, value, most)| !(1..=*most).contains(value))
            .map(|(name, _, most)| format!("{name} is 1 to {most}"));
        faults.next().or_else(|| {
            let soonest = FENCED_AFTER_S.max(self.unknown_alert_after_s.saturating_add(1));
            self.fence_unknown_after_s.filter(|&after| after < soonest).map(|_| {
                format!("fence_unknown_after_s is at least {soonest}: hosts have {FENCED_AFTER_S} s to speak, and people are told first")
            })
        })
    }

    /// What was kept, as far as this version knows it: one to come may keep more.
    fn kept(value: &[u8]) -> Option<Self> {
        let (mut kept, usual) = (records::parsed::<Map<String, Value>>(value)?, json!(Self::default()));
        kept.retain(|name, _| usual.get(name).is_some());
        serde_json::from_value(kept.into()).ok()
    }

    fn settings(&self) -> Settings {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Settings {
            starts_per_host: count(self.starts_per_host),
            starts_in_pool: count(self.starts_in_pool),
            migrations_per_host: count(self.migrations_per_host),
            gate_timeout: seconds(self.ready_within_s),
            best_effort_attempts: self.best_effort_attempts,
            best_effort_may_cost_target: self.best_effort_may_cost_target,
            restart_after_shutdown_inside: self.restart_after_shutdown_inside,
            unknown_alert_after: seconds(self.unknown_alert_after_s),
            fence_unknown_after: self.fence_unknown_after_s.map(seconds),
            ..Settings::default()
        }
    }
}

/// When a VM that has been started counts as ready, so that the next order may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "when", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Readiness {
    /// As soon as its vCPUs execute.
    #[default]
    Started,
    /// When its guest agent answers.
    GuestAgent,
    /// When it accepts a TCP connection.
    Tcp {
        /// On this port.
        port: NonZeroU16,
    },
    /// When it answers HTTP GET / with a status below 400.
    Http {
        /// On this port.
        port: NonZeroU16,
    },
}

impl From<Readiness> for Gate {
    fn from(readiness: Readiness) -> Self {
        match readiness {
            Readiness::Started => Self::Started,
            Readiness::GuestAgent => Self::GuestAgent,
            Readiness::Tcp { port } => Self::Tcp { port: port.get() },
            Readiness::Http { port } => Self::Http { port: port.get() },
        }
    }
}

/// One thing that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// How restarts go.
    Restarts(RestartSettings),
    /// When a VM counts as ready.
    Readiness {
        /// The VM.
        vm: String,
        /// When.
        readiness: Readiness,
    },
    /// What is done when a VM's guest answers no more.
    Monitor {
        /// The VM.
        vm: String,
        /// None: nothing.
        monitor: Option<Monitor>,
    },
}

/// Where it lies how restarts go in a pool.
pub fn restarts_key(pool: &str) -> Key {
    records::key(pool, &["restarts"])
}

/// Where it lies when a VM counts as ready.
pub fn readiness_key(pool: &str, vm: &str) -> Key {
    records::key(pool, &["readiness", vm])
}

/// Where it lies what is done when a VM's guest answers no more.
pub fn monitor_key(pool: &str, vm: &str) -> Key {
    records::key(pool, &["monitor", vm])
}

impl Choice {
    /// Keeps it.
    pub fn put(&self, batch: &mut Batch, pool: &str) {
        match self {
            Self::Restarts(settings) => batch.put(restarts_key(pool), records::json(settings)),
            Self::Readiness { vm, readiness } => {
                batch.put(readiness_key(pool, vm), records::json(readiness));
            }
            Self::Monitor { vm, monitor: Some(monitor) } => {
                batch.put(monitor_key(pool, vm), records::json(monitor));
            }
            Self::Monitor { vm, monitor: None } => batch.delete(monitor_key(pool, vm)),
        }
    }

    /// What is kept there, if it is one and can be read; `path` is what follows the pool's name in its key.
    pub fn read(path: &[&str], value: &[u8]) -> Option<Self> {
        Some(match path {
            ["restarts"] => Self::Restarts(RestartSettings::kept(value)?),
            ["readiness", vm] => Self::Readiness { vm: (*vm).to_owned(), readiness: records::parsed(value)? },
            ["monitor", vm] => Self::Monitor { vm: (*vm).to_owned(), monitor: Some(records::parsed(value)?) },
            _ => return None,
        })
    }
}

/// All that was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    restarts: RestartSettings,
    readiness: BTreeMap<String, Readiness>,
    monitors: BTreeMap<String, Monitor>,
}

impl Choices {
    /// This was chosen last.
    pub(super) fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Restarts(settings) => self.restarts = settings,
            Choice::Readiness { vm, readiness } => drop(self.readiness.insert(vm, readiness)),
            Choice::Monitor { vm, monitor: Some(monitor) } => drop(self.monitors.insert(vm, monitor)),
            Choice::Monitor { vm, monitor: None } => drop(self.monitors.remove(&vm)),
        }
    }

    /// The pool has no such VM any more.
    pub(super) fn forget(&mut self, vm: &str) {
        self.readiness.remove(vm);
        self.monitors.remove(vm);
    }

    /// What is done when this VM's guest answers no more.
    pub(super) fn monitor(&self, vm: &str) -> Option<Monitor> {
        self.monitors.get(vm).cloned()
    }

    /// The same in the coordinator's terms, in which VMs have numbers.
    pub(super) fn settings(&self, names: &Names) -> Settings {
        let gate = |(vm, readiness): (&String, &Readiness)| Some((names.vm(vm)?, (*readiness).into()));
        Settings { gates: self.readiness.iter().filter_map(gate).collect(), ..self.restarts.settings() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;
    use lifeboat_store::Write;

    #[test]
    fn what_nobody_has_chosen_is_as_usual() {
        let names = Names::of(&roster(&["h1"]));
        assert_eq!(Choices::default().settings(&names), Settings::default());
        assert_eq!(RestartSettings::default().fault(), None);
    }

    #[test]
    fn what_was_chosen_is_what_it_was_after_being_kept_and_read() {
        let port = NonZeroU16::new(5432).expect("a port");
        let all = [
            Choice::Restarts(RestartSettings {
                fence_unknown_after_s: Some(60),
                ..RestartSettings::default()
            }),
            Choice::Readiness { vm: "db".into(), readiness: Readiness::Tcp { port } },
            Choice::Readiness { vm: "web".into(), readiness: Readiness::GuestAgent },
            Choice::Monitor { vm: "db".into(), monitor: Some(Monitor::default()) },
        ];
        let mut choices = Choices::default();
        for choice in all {
            let mut batch = Batch::default();
            choice.put(&mut batch, "prod");
            let [Write::Put(kept)] = batch.writes.as_slice() else { panic!("one write for {choice:?}") };
            let path: Vec<&str> = kept.key.names().skip(2).collect();
            assert_eq!(Choice::read(&path, &kept.value).as_ref(), Some(&choice));
            choices.take(choice);
        }
        let mut names = Names::of(&roster(&["h1"]));
        // Nobody has given `web` a number yet.
        let db = names.number("db");
        let settings = choices.settings(&names);
        assert_eq!(settings.gates, [(db, Gate::Tcp { port: 5432 })].into());
        assert_eq!(settings.fence_unknown_after, Some(Duration::from_mins(1)));
        choices.forget("db");
        assert_eq!((choices.settings(&names).gates.len(), choices.monitor("db")), (0, None));
    }

    #[test]
    fn what_a_version_to_come_has_kept_beside_it_is_left_out() {
        let kept = br#"{"starts_per_host": 4, "starts_per_rack": 2}"#;
        let known = RestartSettings { starts_per_host: 4, ..RestartSettings::default() };
        assert_eq!(Choice::read(&["restarts"], kept), Some(Choice::Restarts(known)));
        assert_eq!(Choice::read(&["restarts"], b"[]"), None);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let usual = RestartSettings::default();
        for (wrong, named) in [
            (RestartSettings { starts_per_host: 0, ..usual.clone() }, "starts_per_host"),
            (RestartSettings { ready_within_s: LONGEST_S + 1, ..usual.clone() }, "ready_within_s"),
            (RestartSettings { fence_unknown_after_s: Some(0), ..usual.clone() }, "fence_unknown_after_s"),
            (RestartSettings { fence_unknown_after_s: Some(59), ..usual.clone() }, "fence_unknown_after_s"),
            (
                RestartSettings { fence_unknown_after_s: Some(90), unknown_alert_after_s: 90, ..usual },
                "fence_unknown_after_s",
            ),
        ] {
            assert!(wrong.fault().is_some_and(|fault| fault.starts_with(named)), "{wrong:?}");
        }
    }
}
