//! Expectations, judged: states at their moment, what happened at or before it.
use crate::happening::DownCause;
use crate::scenario::{Expectation, Expected, HostWord};
use crate::trace::Line;
use crate::world::{Power, World};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::evidence::EvidenceKind;
use std::collections::BTreeSet;

/// What was found instead of what was expected; none where it was met.
pub(crate) fn judge(world: &World<'_>, expectation: &Expectation) -> Option<String> {
    let judge = Judge { world };
    match &expectation.expected {
        Expected::VmRuns { vm, on_any } => judge.vm_runs(vm, on_any.as_deref()),
        Expected::VmHalted { vm } => judge.vm_halted(vm),
        Expected::VmsRunning(count) => {
            let running = world.pool().vm_indices().filter(|vm| world.runs_at(*vm).is_some()).count();
            (running != *count).then(|| format!("{running} run"))
        }
        Expected::FirstStart { vm } => judge.first_start(vm),
        Expected::Host { host, state } => judge.host(host, *state),
        Expected::Fenced(hosts) => judge.fenced(hosts),
        Expected::CoordinatorAny(hosts) => judge.coordinator(hosts),
        Expected::Alert { kind, absent } => judge.alert(kind, *absent),
    }
}

struct Judge<'a, 'w> {
    world: &'a World<'w>,
}

impl Judge<'_, '_> {
    fn vm(&self, name: &str) -> Option<VmIndex> {
        self.world.pool().find_vm(name)
    }

    fn name(&self, host: HostIndex) -> &str {
        self.world.pool().host_id(host)
    }

    fn vm_runs(&self, vm: &str, on_any: Option<&[String]>) -> Option<String> {
        let on = self.vm(vm).and_then(|vm| self.world.runs_at(vm)).map(|host| self.name(host));
        match (on, on_any) {
            (None, _) => Some("it runs nowhere".to_owned()),
            (Some(on), Some(hosts)) if !hosts.iter().any(|host| host == on) => {
                Some(format!("it runs on {on}"))
            }
            _ => None,
        }
    }

    fn vm_halted(&self, vm: &str) -> Option<String> {
        let on = self.world.runs_at(self.vm(vm)?)?;
        Some(format!("it runs on {}", self.name(on)))
    }

    fn first_start(&self, vm: &str) -> Option<String> {
        let entries = self.world.trace().since_formed();
        let told = |line: &Line| matches!(line, Line::StartCommand { vm: told, .. } if told == vm);
        let given = entries.iter().any(|entry| told(&entry.line));
        (!given).then(|| "it was not told to start".to_owned())
    }

    fn host(&self, name: &str, state: HostWord) -> Option<String> {
        let host = self.world.pool().find_host(name)?;
        let live = self.in_liveset(host);
        let holds = match state {
            HostWord::Live => live && !self.fenced_so_far(host) && !self.was_away(host),
            HostWord::Fenced => self.fenced_so_far(host) || self.known_safe(host),
            HostWord::Rejoined => live && self.was_away(host),
            HostWord::Off => self.world.power(host) == Power::Off,
        };
        (!holds).then(|| self.describe(host))
    }

    fn describe(&self, host: HostIndex) -> String {
        let power = match self.world.power(host) {
            Power::Off => "off",
            Power::Booting => "booting",
            Power::Up => "up",
        };
        let liveset = if self.in_liveset(host) { "in the liveset" } else { "not in the liveset" };
        let fenced = if self.fenced_so_far(host) { ", was fenced" } else { "" };
        let away = if self.was_away(host) { ", was away" } else { "" };
        format!("it is {power}, {liveset}{fenced}{away}")
    }

    /// Whether this boot of a host is a member of the newest configuration that anybody knows.
    fn in_liveset(&self, host: HostIndex) -> bool {
        let known = self.world.hosts().filter_map(|other| self.world.configuration(other));
        let newest = known.max_by_key(|configuration| configuration.number);
        let up = self.world.power(host) == Power::Up;
        up && newest.is_some_and(|newest| newest.is_member(host, self.world.boot_of(host)))
    }

    /// Whether it fenced itself, or its watchdog did, since the scenario's times began.
    fn fenced_so_far(&self, host: HostIndex) -> bool {
        let entries = self.world.trace().since_formed();
        entries.iter().any(|entry| matches!(entry.line, Line::Fenced { host: fenced, .. } if fenced == host))
    }

    /// Whether the pool came to know that a host which had lost power runs no VM.
    fn known_safe(&self, host: HostIndex) -> bool {
        let entries = self.world.trace().since_formed();
        entries.iter().any(|entry| {
            matches!(entry.line, Line::Evidence { about, kind, .. } if about == host && kind != EvidenceKind::Left)
        })
    }

    /// Whether it was down, or out of the liveset, since the scenario's times began.
    fn was_away(&self, host: HostIndex) -> bool {
        self.world.trace().since_formed().iter().any(|entry| match &entry.line {
            Line::HostDown { host: down, .. } => *down == host,
            Line::Liveset { members, .. } => !members.contains(&host),
            _ => false,
        })
    }

    /// Exactly these. A host that lost power was fenced by nobody, yet the pool made certain of it: it may be named
    /// or not.
    fn fenced(&self, expected: &[String]) -> Option<String> {
        let hosts = || self.world.hosts();
        let must: BTreeSet<&str> =
            hosts().filter(|host| self.fenced_so_far(*host)).map(|host| self.name(host)).collect();
        let lost_power = |host: &HostIndex| {
            let down = |line: &Line| matches!(line, Line::HostDown { host: down, cause: DownCause::PowerLoss } if down == host);
            self.world.trace().since_formed().iter().any(|entry| down(&entry.line))
        };
        let may: BTreeSet<&str> = hosts()
            .filter(|host| lost_power(host) && self.known_safe(*host))
            .map(|host| self.name(host))
            .collect();
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        let all_named = must.is_subset(&expected);
        let none_else = expected.iter().all(|name| must.contains(name) || may.contains(name));
        let found = || {
            if must.is_empty() {
                "none".to_owned()
            } else {
                must.iter().copied().collect::<Vec<_>>().join(", ")
            }
        };
        (!(all_named && none_else)).then(|| format!("fenced: {}", found()))
    }

    fn coordinator(&self, hosts: &[String]) -> Option<String> {
        let found = self.world.coordinator().filter(|view| view.works).map(|view| self.name(view.host));
        match found {
            Some(found) if hosts.iter().any(|host| host == found) => None,
            Some(found) => Some(format!("it is {found}")),
            None => Some("there is none".to_owned()),
        }
    }

    fn alert(&self, kind: &str, absent: bool) -> Option<String> {
        let entries = self.world.trace().since_formed();
        let raised =
            entries.iter().any(|entry| matches!(&entry.line, Line::Alert(alert) if alert.kind == kind));
        match (raised, absent) {
            (true, true) => Some("it was raised".to_owned()),
            (false, false) => Some("it was not raised".to_owned()),
            _ => None,
        }
    }
}
