//! What is truly so, and since when: who runs what, who hears whom, who reaches the medium, whose agent runs. Laws judge
//! by this, never by what an agent believes.
use crate::happening::DownCause;
use crate::scenario::Action;
use crate::world::World;
use crate::{At, Happening};
use core::time::Duration;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::{Boot, Command, Configuration};
use std::collections::BTreeSet;

/// A condition that holds or does not, and since when.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    holds: bool,
    since: At,
}

impl Since {
    fn set(&mut self, holds: bool, now: At) {
        if self.holds != holds {
            *self = Self { holds, since: now };
        }
    }

    fn held_for(self, now: At) -> Duration {
        if self.holds { now.since(self.since) } else { Duration::ZERO }
    }
}

#[derive(Clone, Debug, Default)]
struct HostTruth {
    up: bool,
    /// The boot whose VMs are certainly stopped, and why.
    fenced: Option<(Boot, DownCause)>,
    /// Its agent has been told to stop all VMs and has not finished.
    stopping: bool,
    agent_well: Since,
    medium_well: Since,
    medium_written: At,
    adopted: Option<Configuration>,
    /// When it was armed again, or joined.
    armed: At,
}

/// A pair of hosts, one way or both.
#[derive(Clone, Copy, Debug, Default)]
struct PairTruth {
    /// From the first to the second a datagram can arrive, on some network, and be answered.
    heard: Since,
    /// Both up, and both ways well on one network.
    linked: Since,
    /// Both up, and not linked.
    apart: Since,
}

/// What is truly so.
#[derive(Debug, Default)]
pub struct Truth {
    hosts: Vec<HostTruth>,
    /// By first host times the number of hosts plus second.
    pairs: Vec<PairTruth>,
    executing: Vec<Vec<(HostIndex, Boot)>>,
    lies: BTreeSet<(usize, Boot)>,
    agreed: Option<Configuration>,
    formed: bool,
    disturbed: At,
    /// Something has happened then whose effect was not looked at yet.
    unseen: Option<At>,
    /// Hosts that operators have set aside.
    set_aside: BTreeSet<HostIndex>,
    over: bool,
    /// As `disturbed`, hosts that fenced themselves aside: that is an answer, not a blow.
    struck: At,
    /// All hosts that are up hear each other well, reach the medium, and their agents run.
    all_well: Since,
    /// For how long that had been so when it ceased.
    was_well_for: Duration,
    /// When no host was up last.
    nobody_stood: At,
}

impl Truth {
    /// Takes in what happened.
    pub(super) fn take_in(&mut self, world: &World<'_>, what: &Happening<'_>) {
        let (count, now) = (world.host_count(), world.now());
        if self.hosts.is_empty() {
            self.hosts = vec![HostTruth::default(); count];
            self.pairs = vec![PairTruth::default(); count * count];
            // The VMs that the world began with were never told to begin.
            let here = |vm| world.executes_on(vm).map(|host| (host, world.boot_of(host))).collect();
            self.executing = world.pool().vm_indices().map(here).collect();
        }
        if let Some(at) = self.unseen.take() {
            self.look_around(world, at);
        }
        match *what {
            Happening::Formed => self.formed = true,
            Happening::Event(position) => self.event(world, position),
            Happening::HostDown { host, boot, .. } => {
                let gone = &mut self.hosts[host.get()];
                let fenced = gone.fenced.filter(|(fenced, _)| *fenced == boot);
                *gone = HostTruth { fenced, medium_written: gone.medium_written, ..HostTruth::default() };
                self.executing.iter_mut().for_each(|here| here.retain(|&(other, _)| other != host));
            }
            Happening::Fenced { host, boot, cause } => self.hosts[host.get()].fenced = Some((boot, cause)),
            Happening::MediumWrite { host, .. } => self.hosts[host.get()].medium_written = now,
            Happening::Adopted { host, boot, configuration } => self.adopted(host, boot, configuration, now),
            Happening::Command { host, command, .. } => self.commanded(host, command, now),
            Happening::VmExecutes { vm, host, boot } => self.vm(vm).push((host, boot)),
            Happening::VmHalts { vm, host, boot, .. } => self.vm(vm).retain(|&here| here != (host, boot)),
            Happening::HandOver { vm, from, to } => {
                let boot = world.up_in(to).unwrap_or_default();
                let here = self.vm(vm);
                here.retain(|&(host, _)| host != from);
                here.push((to, boot));
            }
            _ => {}
        }
        if disturbs(what) {
            self.disturbed = now;
            if !matches!(what, Happening::HostDown { cause: DownCause::SelfFence, .. }) {
                self.struck = now;
            }
            // An event is told before it takes effect.
            self.unseen = Some(now);
        }
    }

    /// What an event of the scenario says of what cannot be seen.
    fn event(&mut self, world: &World<'_>, position: usize) {
        let named = |hosts: &[String]| -> Vec<HostIndex> {
            let coordinator = || world.coordinator().map(|view| view.host);
            let of = |name: &String| {
                if name == "coordinator" { coordinator() } else { world.pool().find_host(name) }
            };
            hosts.iter().filter_map(of).collect()
        };
        match world.scenario().events.get(position).map(|event| &event.action) {
            Some(Action::ConfirmDead { hosts, force }) => {
                for host in named(hosts) {
                    let seen = world.medium_well(host) && world.agent_runs(host) && world.elected().is_some();
                    if let Some(boot) = world.up_in(host).filter(|_| *force || !seen) {
                        self.lies.insert((host.get(), boot));
                    }
                }
            }
            Some(Action::Disable { hosts } | Action::Evacuate { hosts } | Action::Shutdown { hosts }) => {
                self.set_aside.extend(named(hosts));
            }
            Some(Action::Enable { hosts }) => {
                let enabled = named(hosts);
                self.set_aside.retain(|host| !enabled.contains(host));
            }
            _ => {}
        }
    }

    fn vm(&mut self, vm: VmIndex) -> &mut Vec<(HostIndex, Boot)> {
        if self.executing.len() <= vm.get() {
            self.executing.resize(vm.get() + 1, Vec::new());
        }
        &mut self.executing[vm.get()]
    }

    fn adopted(&mut self, host: HostIndex, boot: Boot, configuration: &Configuration, now: At) {
        if self.agreed.as_ref().is_none_or(|agreed| agreed.number < configuration.number) {
            self.agreed = Some(configuration.clone());
        }
        let here = &mut self.hosts[host.get()];
        if configuration.is_member(host, boot) {
            // One who joins counts as heard at the moment at which its join is adopted.
            let before = here.adopted.as_ref();
            let joins = configuration
                .members()
                .any(|(who, boot)| before.is_none_or(|before| !before.is_member(who, boot)));
            if joins {
                here.armed = now;
            }
            here.adopted = Some(configuration.clone());
        }
    }

    fn commanded(&mut self, host: HostIndex, command: &Command, now: At) {
        let here = &mut self.hosts[host.get()];
        match command {
            Command::StopAllVms { .. } => here.stopping = true,
            Command::StopWatchdog | Command::Notify(Notification::Armed) => here.armed = now,
            _ => {}
        }
    }

    /// Who is well and who hears whom may have changed.
    fn look_around(&mut self, world: &World<'_>, now: At) {
        let mut all_well = true;
        for (position, here) in self.hosts.iter_mut().enumerate() {
            let host = HostIndex::new(position);
            here.up = world.up_in(host).is_some();
            here.agent_well.set(here.up && world.agent_runs(host), now);
            here.medium_well.set(here.up && world.medium_well(host), now);
            all_well &= !here.up || here.agent_well.holds && here.medium_well.holds;
        }
        let count = self.hosts.len();
        for from in 0..count {
            for to in (0..count).filter(|&to| to != from) {
                let (one, other) = (HostIndex::new(from), HostIndex::new(to));
                let up = self.hosts[from].up && self.hosts[to].up;
                let answers = self.hosts[to].agent_well.holds;
                let heard = up
                    && answers
                    && world.heartbeat_networks().any(|network| world.open(one, other, network));
                let linked = up
                    && world.heartbeat_networks().any(|network| {
                        world.link_well(one, other, network) && world.link_well(other, one, network)
                    });
                let pair = &mut self.pairs[from * count + to];
                pair.heard.set(heard, now);
                pair.linked.set(linked, now);
                pair.apart.set(up && !linked, now);
                all_well &= linked || !up;
            }
        }
        if !self.hosts.iter().any(|here| here.up && here.fenced.is_none()) {
            self.nobody_stood = now;
        }
        if self.all_well.holds && !all_well {
            self.was_well_for = now.since(self.all_well.since);
        }
        self.all_well.set(all_well, now);
    }

    /// Whether the pool has formed and the scenario begun.
    pub fn has_formed(&self) -> bool {
        self.formed
    }

    /// Where a VM's vCPUs can execute.
    pub fn executes(&self, vm: VmIndex) -> &[(HostIndex, Boot)] {
        self.executing.get(vm.get()).map_or(&[], Vec::as_slice)
    }

    /// Whether any VM executes on that boot of a host.
    pub fn runs_any(&self, host: HostIndex, boot: Boot) -> bool {
        self.executing.iter().flatten().any(|&here| here == (host, boot))
    }

    /// Whether an operator said that this boot of a host was dead, and it was not.
    pub fn lied_about(&self, host: HostIndex, boot: Boot) -> bool {
        self.lies.contains(&(host.get(), boot))
    }

    /// The host that has just begun to fence itself, if that is what happened: the decision is judged, not its end.
    pub fn just_fenced(&self, what: &Happening<'_>) -> Option<HostIndex> {
        match *what {
            Happening::Command { host, boot, command: Command::StopAllVms { .. }, .. } => {
                (self.formed && !self.lied_about(host, boot)).then_some(host)
            }
            _ => None,
        }
    }

    /// How long the past can be felt: what was wrong longer ago than that is no reason to fence anybody now.
    pub fn memory(&self, world: &World<'_>) -> Duration {
        2 * world.protocol_settings().timeout + Duration::from_secs(5)
    }

    /// For how long a host's agent has been running without a break.
    pub fn agent_well_for(&self, world: &World<'_>, host: HostIndex) -> Duration {
        self.hosts[host.get()].agent_well.held_for(world.now())
    }

    /// For how long a host has reached the medium in good time.
    pub fn medium_well_for(&self, world: &World<'_>, host: HostIndex) -> Duration {
        self.hosts[host.get()].medium_well.held_for(world.now())
    }

    /// For how long two hosts, both up, have heard each other well.
    pub fn linked_for(&self, world: &World<'_>, one: HostIndex, other: HostIndex) -> Duration {
        self.pairs[one.get() * self.hosts.len() + other.get()].linked.held_for(world.now())
    }

    /// For how long no host that was up was out of a host's hearing.
    pub fn linked_to_all_for(&self, world: &World<'_>, host: HostIndex) -> Duration {
        let count = self.hosts.len();
        let others = (0..count).filter(|&other| other != host.get());
        let apart = others.map(|other| self.pairs[host.get() * count + other].apart);
        let together =
            apart.map(|apart| if apart.holds { Duration::ZERO } else { world.now().since(apart.since) });
        together.min().unwrap_or(Duration::MAX)
    }

    /// Whether numbers decide who lives: then even a host in perfect health must die in a minority.
    pub fn numbers_count(&self, world: &World<'_>) -> bool {
        let majority = lifeboat_protocol::settings::StorageLoss::Majority;
        world.protocol_settings().storage_loss == majority
    }

    /// Whether a host is stopping its VMs to fence itself.
    pub fn fencing_itself(&self, host: HostIndex) -> bool {
        self.hosts[host.get()].stopping || self.hosts[host.get()].fenced.is_some()
    }

    /// Memory of the VMs that execute on a host, by the document, in MiB.
    pub fn load(&self, world: &World<'_>, host: HostIndex) -> u64 {
        let pool = world.pool();
        let here = pool.vm_indices().filter(|vm| self.executes(*vm).iter().any(|(other, _)| *other == host));
        here.map(|vm| memory_of(pool, vm)).sum()
    }

    /// Whether a boot of a host is up and not fenced.
    pub fn stands(&self, world: &World<'_>, host: HostIndex, boot: Boot) -> bool {
        let fenced = self.hosts[host.get()].fenced.is_some_and(|(fenced, _)| fenced == boot);
        world.up_in(host) == Some(boot) && !fenced
    }

    /// Whether a boot of a host fenced itself because it lost its lease.
    pub fn fenced_itself(&self, host: HostIndex, boot: Boot) -> bool {
        self.hosts[host.get()].fenced == Some((boot, DownCause::SelfFence))
    }

    /// The newest configuration that anybody has adopted.
    pub fn agreed(&self) -> Option<&Configuration> {
        self.agreed.as_ref()
    }

    /// The last configuration that a host has adopted and is a member of, in its present boot.
    pub fn adopted_by(&self, host: HostIndex) -> Option<&Configuration> {
        self.hosts[host.get()].adopted.as_ref()
    }

    /// The last moment at which something that the host sent could become a renewal of its lease: its last write to the
    /// medium that took effect, or the last moment at which every other member could hear and answer; where numbers count,
    /// the last at which a majority could. Members whose boot is over need not: there may be evidence of it. None
    /// while the host is no member.
    pub fn last_renewable(&self, world: &World<'_>, host: HostIndex) -> Option<At> {
        let here = &self.hosts[host.get()];
        // What it has just adopted is told only after what it did at once.
        let known = world.configuration(host)?;
        let joins =
            |(member, boot)| here.adopted.as_ref().is_none_or(|before| !before.is_member(member, boot));
        if known.members().any(joins) {
            return None;
        }
        let count = self.hosts.len();
        let heard = |member: HostIndex| {
            let heard = self.pairs[host.get() * count + member.get()].heard;
            if heard.holds || member == host { At(u64::MAX) } else { heard.since }
        };
        if self.numbers_count(world) {
            let mut heard: Vec<At> = known.members().map(|(member, _)| heard(member)).collect();
            heard.sort_unstable_by(|one, other| other.cmp(one));
            return Some(heard.get(heard.len() / 2).copied().unwrap_or_default().max(here.armed));
        }
        let standing = known.members().filter(|&(member, boot)| self.stands(world, member, boot));
        let by_network = standing.map(|(member, _)| heard(member)).min().unwrap_or(At(u64::MAX));
        Some(here.medium_written.max(by_network).max(here.armed))
    }

    /// For how long nothing has happened to the world: no event, nothing that ended by itself, nobody up or down.
    pub fn undisturbed_for(&self, world: &World<'_>) -> Duration {
        world.now().since(self.disturbed)
    }

    /// Whether all hosts that are up hear each other well, reach the medium, and their agents run.
    pub fn all_well(&self) -> bool {
        self.all_well.holds
    }

    /// Whether one single blow hit a pool in which all had been well for long, and nothing has happened since but that
    /// hosts fenced themselves.
    pub fn one_blow(&self, world: &World<'_>) -> bool {
        let one = !self.all_well.holds && self.all_well.since == self.struck;
        one && self.was_well_for >= self.memory(world)
    }

    /// For how long the world was struck by nothing: as [`Self::undisturbed_for`], self-fences aside.
    pub fn unstruck_for(&self, world: &World<'_>) -> Duration {
        world.now().since(self.struck)
    }

    /// Whether a host takes new VMs, as far as operators go.
    pub fn takes_vms(&self, host: HostIndex) -> bool {
        !self.set_aside.contains(&host)
    }

    /// Whether all is well with the pool, and has been for a moment, after all faults.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn look_whether_over(&mut self, world: &World<'_>, after: Duration) {
        let (now, timeout) = (world.now(), world.protocol_settings().timeout);
        let healed = world.formed().is_some_and(|formed| now > formed + after);
        let quiet = self.undisturbed_for(world) > timeout + Duration::from_secs(3);
        let well = || {
            let member = |host: HostIndex| {
                let boot = world.up_in(host);
                boot.is_some_and(|boot| {
                    self.agreed.as_ref().is_some_and(|agreed| agreed.is_member(host, boot))
                })
            };
            let pool = world.pool();
            let runs = |vm: VmIndex| !is_wanted(pool, vm) || !self.executes(vm).is_empty();
            self.all_well.holds && world.hosts().all(member) && pool.vm_indices().all(runs)
        };
        self.over = healed && quiet && well();
    }

    /// How long ago no host stood at all.
    pub fn stood_for(&self, world: &World<'_>) -> Duration {
        world.now().since(self.nobody_stood)
    }

    /// Whether two hosts hear each other well now.
    pub fn linked(&self, one: HostIndex, other: HostIndex) -> bool {
        one == other || self.pairs[one.get() * self.hosts.len() + other.get()].linked.holds
    }
}

/// What a VM holds of its host's memory, in MiB.
pub(super) fn memory_of(pool: &Pool, vm: VmIndex) -> u64 {
    pool.demand_of(vm).first().copied().unwrap_or_default()
}

/// What VMs can have of a host's memory, in MiB.
pub(super) fn memory_for_vms(pool: &Pool, host: HostIndex) -> u64 {
    let host = pool.host(host);
    host.capacity.first().copied().unwrap_or_default().saturating_sub(host.reserved_mib)
}

/// Whether the operator allows a VM to run on a host.
pub(super) fn allows(pool: &Pool, vm: VmIndex, host: HostIndex) -> bool {
    let profile = pool.profile(pool.vm(vm).profile);
    profile.allowed_hosts.as_ref().is_none_or(|allowed| allowed.contains(host))
}

/// Whether a VM is protected and should run.
pub(crate) fn is_wanted(pool: &Pool, vm: VmIndex) -> bool {
    let vm = pool.vm(vm);
    vm.should_run && vm.restart_priority == RestartPriority::Restart
}

/// Whether it changes who is well and who hears whom.
fn disturbs(what: &Happening<'_>) -> bool {
    matches!(
        what,
        Happening::Formed
            | Happening::Event(_)
            | Happening::PowerOn { .. }
            | Happening::HostUp { .. }
            | Happening::HostDown { .. }
            | Happening::AgentUp { .. }
            | Happening::AgentDown { .. }
            | Happening::AgentPaused { .. }
            | Happening::AgentResumed { .. }
    )
}
