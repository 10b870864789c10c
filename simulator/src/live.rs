//! A world that goes on for as long as somebody wants it to, driven from outside: the caller says how far virtual time
//! has come, does something to the pool whenever it likes, and reads what has happened since and how things stand now.
//!
//! There is no clock in here. Who maps the wall clock to virtual time ([`Live::run_until`]) decides how fast the pool
//! lives; the same actions at the same virtual times give the same pool, whatever the steps in between.
//!
//! Nothing is kept: what has happened is handed out once ([`Live::take`]), so that a pool may live for weeks.
use crate::At;
use crate::run::{RunError, forms};
use crate::scenario::{Action, Scenario};
use crate::trace::{Entry, Line};
use crate::world::{Power, World};
use core::time::Duration;
pub use lifeboat_coordinator::record::Duty;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_protocol::Standing;

/// A world that is driven from outside.
pub struct Live {
    world: World<'static>,
    formed: At,
    known: Vec<Known>,
    duties: Vec<Duty>,
    happened: Vec<Happened>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When, counted from when the pool had formed.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Something in the world.
    Line(Line),
    /// The pool has agreed on something about a host.
    Known {
        /// The host.
        host: HostIndex,
        /// What it is known to be from now on.
        known: Known,
    },
    /// What operators want of a host is another thing from now on.
    Duty {
        /// The host.
        host: HostIndex,
        /// What they want.
        duty: Duty,
    },
}

/// What the pool knows of a host: its newest agreement, whatever is true meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// No member, and no failure either: it left, or never came.
    #[default]
    Out,
    /// In the liveset.
    Member,
    /// Out of the liveset; its VMs may still run.
    Lost,
    /// Out of the liveset, and certain to run no VM.
    Safe,
}

/// How a host is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each can be so or not, whatever the others are")]
pub struct HostNow {
    /// Whether it has power.
    pub power: Power,
    /// What the pool knows of it.
    pub known: Known,
    /// What operators want of it.
    pub duty: Duty,
    /// Whether the pool plans nothing on it, because it has failed too often.
    pub quarantined: bool,
    /// Whether the coordinator works here.
    pub coordinator: bool,
    /// Whether it reaches the medium.
    pub medium: bool,
    /// Whether some other host that is up hears it, and is heard, on some network.
    pub heard: bool,
    /// VMs that execute here.
    pub vms: usize,
    /// Memory that VMs have here, in MiB.
    pub used_mib: u64,
}

/// Why an action cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A name that nothing in the pool has.
    #[error("the pool has no {kind} {name:?}")]
    UnknownName {
        /// Host, VM or heartbeat network.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A change of the pool document, which only a scenario can prepare.
    #[error("the pool document cannot be set here: change the pool where it is served")]
    NeedsDocument,
}

impl Live {
    /// A pool that has formed. `scenario` gives the settings and the world around it; its pool, events and expectations
    /// are not looked at.
    ///
    /// # Errors
    /// If the pool does not form.
    pub fn form(scenario: Scenario, pool: Pool, seed: u64) -> Result<Self, RunError> {
        let scenario = Scenario { events: Vec::new(), expectations: Vec::new(), end: None, ..scenario };
        let hosts = pool.hosts().len();
        let mut world = World::unwatched(scenario, pool, seed);
        let formed = forms(&mut world)?;
        drop(world.take_trace());
        let mut live = Self {
            world,
            formed,
            known: vec![Known::Out; hosts],
            duties: vec![Duty::default(); hosts],
            happened: Vec::new(),
        };
        live.note_agreements();
        live.happened.clear();
        Ok(live)
    }

    /// How long ago the pool had formed.
    pub fn now(&self) -> Duration {
        self.world.now().since(self.formed)
    }

    /// Lets everything happen that is due by then, counted from when the pool had formed.
    pub fn run_until(&mut self, until: Duration) {
        let until = self.formed + until;
        while self.world.step(until) {
            self.collect();
        }
        self.note_duties();
    }

    /// Does something to the pool, now.
    ///
    /// # Errors
    /// If it names what the pool does not have; then nothing is done.
    pub fn act(&mut self, action: &Action) -> Result<(), LiveError> {
        self.check(action)?;
        self.world.act(action);
        self.collect();
        Ok(())
    }

    /// What has happened since this was asked last, oldest first.
    pub fn take(&mut self) -> Vec<Happened> {
        core::mem::take(&mut self.happened)
    }

    /// The pool: what hosts and VMs are, not where VMs run.
    pub fn pool(&self) -> &Pool {
        self.world.pool()
    }

    /// Where the coordinator works.
    pub fn coordinator(&self) -> Option<HostIndex> {
        self.world.coordinator().filter(|view| view.works && !view.hangs).map(|view| view.host)
    }

    /// The host of that name; `coordinator` is whoever it is now, or is elected to be.
    pub fn find_host(&self, name: &str) -> Option<HostIndex> {
        match name {
            "coordinator" => self.world.coordinator().map(|view| view.host).or_else(|| self.world.elected()),
            _ => self.world.pool().find_host(name),
        }
    }

    /// How a host is now.
    pub fn host(&self, host: HostIndex) -> HostNow {
        let up = |other: &HostIndex| *other != host && self.world.power(*other) == Power::Up;
        let mut others = self.world.hosts().filter(up).peekable();
        let alone = others.peek().is_none();
        let newest = self.world.newest_configuration();
        HostNow {
            power: self.world.power(host),
            known: self.known[host.get()],
            duty: self.duties[host.get()],
            quarantined: newest
                .and_then(|newest| newest.hosts.get(host.get()))
                .is_some_and(|of| of.quarantined),
            coordinator: self.coordinator() == Some(host),
            medium: self.world.medium_reached(host),
            heard: alone || others.any(|other| self.world.connected(host, other)),
            vms: self.world.guests(host).count(),
            used_mib: self.world.memory_used_mib(host),
        }
    }

    /// The VMs that execute on a host.
    pub fn guests(&self, host: HostIndex) -> impl Iterator<Item = VmIndex> + '_ {
        self.world.guests(host)
    }

    /// Where a VM executes.
    pub fn runs_at(&self, vm: VmIndex) -> Option<HostIndex> {
        self.world.runs_at(vm)
    }

    /// Whether a VM executes, has booted and does not hang.
    pub fn is_well(&self, vm: VmIndex) -> bool {
        self.world.is_well(vm)
    }

    fn check(&self, action: &Action) -> Result<(), LiveError> {
        let unknown = |kind, name: &str| Err(LiveError::UnknownName { kind, name: name.to_owned() });
        if matches!(action, Action::Set { .. }) {
            return Err(LiveError::NeedsDocument);
        }
        let (hosts, vm) = action.names();
        if let Some(host) =
            hosts.iter().find(|host| **host != "coordinator" && self.find_host(host).is_none())
        {
            return unknown("host", host);
        }
        if let Some(vm) = vm.filter(|vm| self.pool().find_vm(vm).is_none()) {
            return unknown("VM", vm);
        }
        let known = self.world.scenario().settings.networks();
        let network = action.networks().iter().find(|network| !known.contains(*network));
        network.map_or(Ok(()), |network| unknown("heartbeat network", network))
    }

    /// Takes over what the world has kept, and what the pool has newly agreed on right behind the line that says so.
    fn collect(&mut self) {
        for Entry { at, line } in self.world.take_trace() {
            let agreed = matches!(line, Line::Liveset { .. });
            self.happened.push(Happened { at: at.since(self.formed), what: What::Line(line) });
            if agreed {
                self.note_agreements();
            }
        }
    }

    fn note_agreements(&mut self) {
        let at = self.now();
        let Some(newest) = self.world.newest_configuration() else { return };
        let standings = self.world.hosts().map(|host| Known::from(newest.standing(host)));
        for (position, known) in standings.enumerate() {
            if core::mem::replace(&mut self.known[position], known) != known {
                let host = HostIndex::new(position);
                self.happened.push(Happened { at, what: What::Known { host, known } });
            }
        }
    }

    fn note_duties(&mut self) {
        let at = self.now();
        for host in self.world.hosts() {
            let duty = self.world.duty(host);
            if core::mem::replace(&mut self.duties[host.get()], duty) != duty {
                self.happened.push(Happened { at, what: What::Duty { host, duty } });
            }
        }
    }
}

impl From<Standing> for Known {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Out => Self::Out,
            Standing::Member { .. } => Self::Member,
            Standing::Fencing { .. } => Self::Lost,
            Standing::Fenced { .. } => Self::Safe,
        }
    }
}

#[cfg(test)]
mod tests;
