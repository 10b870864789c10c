//! How everything stands at one moment: what is shown, and what the demo's status answers. Made of what is true of the
//! simulated pool and of what the service says; nothing in it is a guess.
use super::story::{Item, Story, Verdict};
use crate::cli::style::count;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_simulator::Live;
use lifeboat_simulator::live::{Duty, HostNow, Known};
use lifeboat_simulator::world::Power;
use serde::Serialize;
use std::time::Duration;

/// What the service is, beside the pool.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Where it answers.
    pub url: String,
    /// How fast the pool's time runs.
    pub speed: f64,
    /// Whether the machine cannot keep up with it.
    pub late: bool,
}

/// A moment.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The pool's time, counted from when it had formed.
    pub at: Duration,
    /// The service.
    pub service: Service,
    /// What it says of the pool.
    pub verdict: Option<Verdict>,
    /// The hosts, in their order.
    pub hosts: Vec<Cell>,
    /// The VMs by what becomes of them: protected, best-effort, unprotected.
    pub vms: [Share; 3],
    /// Where the coordinator works.
    pub coordinator: Option<String>,
    /// The newest sentences of the story, oldest first.
    pub items: Vec<Item>,
    /// What might be said next.
    pub suggestions: Vec<String>,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Those that run.
    pub run: usize,
    /// All.
    pub all: usize,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// Its rack.
    pub rack: String,
    /// How it is.
    pub state: CellState,
    /// Whether the coordinator works there.
    pub coordinator: bool,
    /// VMs that run there.
    pub vms: usize,
    /// How full its memory is, in thousandths.
    pub load: u64,
}

/// How a host is. Where several are so, the first of them in this order that a person would want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    /// It has no power, and the pool does not know yet.
    Silent,
    /// It has no power.
    Off,
    /// It boots.
    Booting,
    /// Its system is up, and it is no member.
    Out,
    /// It is a member, and no other host hears it.
    Cut,
    /// It is a member without the statefile.
    NoStatefile,
    /// It is a member on which nothing is planned, because it has failed too often.
    Quarantined,
    /// It takes no new VMs.
    Disabled,
    /// It is being emptied, or has been.
    Maintenance,
    /// A member in good standing.
    Member,
}

/// Sentences in a scene.
const ITEMS: usize = 60;

impl Scene {
    pub(super) fn of(
        live: &Live,
        story: &Story,
        verdict: Option<Verdict>,
        service: &Service,
        tried: &[&'static str],
    ) -> Self {
        let pool = live.pool();
        let hosts: Vec<Cell> = pool.host_indices().map(|host| cell(live, host)).collect();
        let mut items: Vec<Item> = story.items().rev().take(ITEMS).cloned().collect();
        items.reverse();
        Self {
            at: live.now(),
            service: service.clone(),
            verdict,
            suggestions: suggestions(&hosts, tried),
            vms: shares(live, pool),
            coordinator: live.coordinator().map(|host| pool.host_id(host).to_owned()),
            hosts,
            items,
        }
    }

    /// Hosts that are so.
    pub fn in_state(&self, state: CellState) -> usize {
        self.hosts.iter().filter(|host| host.state == state).count()
    }

    /// How things stand, in a few lines of plain text.
    pub fn status(&self) -> String {
        let [protected, best_effort, others] = &self.vms;
        let mut lines = vec![format!(
            "{:.1} s: {} of {} members, {} of {} protected VMs run, {} of {} best-effort, {} of {} others",
            self.at.as_secs_f64(),
            self.hosts.iter().filter(|host| host.state >= CellState::Cut).count(),
            count(self.hosts.len(), "host"),
            protected.run,
            protected.all,
            best_effort.run,
            best_effort.all,
            others.run,
            others.all,
        )];
        let coordinator = self.coordinator.as_deref().map_or("none works now", |host| host);
        lines.push(format!("coordinator: {coordinator}"));
        for state in CellState::UNUSUAL {
            let hosts: Vec<&str> =
                self.hosts.iter().filter(|host| host.state == state).map(|host| &*host.name).collect();
            if !hosts.is_empty() {
                lines.push(format!("{}: {}", state.words(), crate::cli::style::names(&hosts, 12)));
            }
        }
        lines.join("\n")
    }
}

impl CellState {
    /// All but the usual one.
    pub const UNUSUAL: [Self; 9] = [
        Self::Silent,
        Self::Off,
        Self::Booting,
        Self::Out,
        Self::Cut,
        Self::NoStatefile,
        Self::Quarantined,
        Self::Disabled,
        Self::Maintenance,
    ];

    /// What it means.
    pub fn words(self) -> &'static str {
        match self {
            Self::Silent => "without power, not agreed yet",
            Self::Off => "without power",
            Self::Booting => "booting",
            Self::Out => "up, not a member",
            Self::Cut => "heard by no other host",
            Self::NoStatefile => "without the statefile",
            Self::Quarantined => "in quarantine",
            Self::Disabled => "disabled",
            Self::Maintenance => "in maintenance",
            Self::Member => "member",
        }
    }
}

fn cell(live: &Live, index: HostIndex) -> Cell {
    let pool = live.pool();
    let (host, now) = (pool.host(index), live.host(index));
    let room = host.capacity[0].saturating_sub(host.reserved_mib).max(1);
    Cell {
        name: host.id.to_string(),
        rack: pool.domain_name(host.fault_domain).unwrap_or_default().to_owned(),
        state: state(&now),
        coordinator: now.coordinator,
        vms: now.vms,
        load: now.used_mib * 1000 / room,
    }
}

fn state(now: &HostNow) -> CellState {
    let member = now.known == Known::Member;
    match (now.power, now.duty) {
        (Power::Off, _) if member => CellState::Silent,
        (Power::Off, _) => CellState::Off,
        (Power::Booting, _) => CellState::Booting,
        _ if !member => CellState::Out,
        _ if !now.heard => CellState::Cut,
        _ if !now.medium => CellState::NoStatefile,
        _ if now.quarantined => CellState::Quarantined,
        (Power::Up, Duty::Disabled) => CellState::Disabled,
        (Power::Up, Duty::Maintenance | Duty::Leaving | Duty::Rebooting) => CellState::Maintenance,
        (Power::Up, Duty::Enabled) => CellState::Member,
    }
}

fn shares(live: &Live, pool: &Pool) -> [Share; 3] {
    let mut shares = [Share::default(); 3];
    let class = |priority| match priority {
        RestartPriority::Restart => 0,
        RestartPriority::BestEffort => 1,
        RestartPriority::Unprotected => 2,
    };
    for vm in pool.vms() {
        shares[class(vm.restart_priority)].all += 1;
    }
    for host in pool.host_indices() {
        for vm in live.guests(host) {
            shares[class(pool.vm(vm).restart_priority)].run += 1;
        }
    }
    shares
}

/// What might be said next: first what brings the pool back, then what has not been tried yet.
fn suggestions(hosts: &[Cell], tried: &[&'static str]) -> Vec<String> {
    let named =
        |state: CellState| hosts.iter().find(|host| host.state == state).map(|host| host.name.clone());
    let split = tried.iter().rev().find(|word| ["partition", "heal"].contains(word)) == Some(&"partition");
    let mut next = Vec::new();
    if split {
        next.push("heal".to_owned());
    }
    if named(CellState::NoStatefile).is_some() {
        next.push("storage-heal".to_owned());
    }
    next.extend(named(CellState::Off).map(|host| format!("revive {host}")));
    next.extend(named(CellState::Maintenance).map(|host| format!("enable {host}")));
    let member = |from: usize| {
        let mut members = hosts.iter().skip(from).chain(hosts).filter(|host| host.state == CellState::Member);
        members.find(|host| !host.coordinator).map(|host| host.name.clone())
    };
    let half = hosts.len() / 2;
    let halves = hosts.first().zip(hosts.get(half.saturating_sub(1)));
    let killed = tried.iter().filter(|word| **word == "power-off").count();
    let ideas = [
        (killed < 1, member(6).map(|host| format!("kill {host}"))),
        (killed < 2, Some("kill coordinator".to_owned())),
        (
            !tried.contains(&"partition"),
            halves.map(|(first, last)| format!("split {}-{} / rest", first.name, last.name)),
        ),
        (!tried.contains(&"evacuate"), member(4).map(|host| format!("evacuate {host}"))),
        (!tried.contains(&"storage-loss"), Some("storage-loss".to_owned())),
        (killed >= 2, hosts.last().map(|host| format!("kill {}", host.rack))),
    ];
    next.extend(ideas.into_iter().filter(|(now, _)| *now).filter_map(|(_, idea)| idea));
    next.truncate(4);
    next
}
