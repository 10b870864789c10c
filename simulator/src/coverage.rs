//! What random runs have met: a law that was never put to the test proves nothing, so what happened is counted.
use crate::happening::{DownCause, HaltCause};
use crate::invariant::truth::{Truth, is_wanted};
use crate::world::World;
use crate::{At, Happening};
use core::time::Duration;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::Command;
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::Order;

/// Something that a run can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// Another host coordinates than before.
    Takeover,
    /// A host was fenced, by itself or by its watchdog.
    Fence,
    /// Two hosts with the medium did not hear each other for as long as it takes to matter.
    SplitWithMedium,
    /// A host without the medium did not hear another member.
    StorageLossWithSilence,
    /// The coordinator was lost while VMs waited to be restarted.
    CoordinatorLostInRestarts,
    /// A watchdog reset a host.
    Watchdog,
    /// A host lived without the medium for longer than T.
    Vouched,
    /// A VM was started elsewhere.
    RestartElsewhere,
    /// A host was down while another went down.
    SecondFailure,
    /// No host was up, and the pool formed again.
    WholePoolOff,
    /// The pool was disarmed.
    Disarmed,
    /// A host said itself that it was fenced, and that was taken as evidence.
    NoticeTaken,
    /// A lease was seen to have run out.
    LeaseRunOut,
    /// A later boot was taken as evidence that an earlier one was over.
    RebootTaken,
    /// A word from outside was taken as evidence.
    WordTaken,
    /// A live migration was under way when a host went down.
    MigrationCutShort,
    /// The brake was applied.
    Brake,
    /// A host was put in quarantine.
    Quarantine,
}

/// All that can be met, in the order in which it is told, with its name and the share of runs in a thousand that must
/// meet it.
pub const ALL: [(Met, &str, u32); 18] = [
    (Met::Takeover, "takeovers", 50),
    (Met::Fence, "fences", 50),
    (Met::SplitWithMedium, "splits with the medium up", 50),
    (Met::StorageLossWithSilence, "storage loss together with silence", 50),
    (Met::CoordinatorLostInRestarts, "coordinator lost during restarts", 50),
    (Met::Watchdog, "watchdog resets", 10),
    (Met::Vouched, "hosts living without the medium beyond T", 10),
    (Met::RestartElsewhere, "restarts elsewhere", 50),
    (Met::SecondFailure, "a second host down", 50),
    (Met::WholePoolOff, "whole pool down", 10),
    (Met::Disarmed, "disarmed pools", 5),
    (Met::NoticeTaken, "evidence by notice", 10),
    (Met::LeaseRunOut, "evidence by expired lease", 50),
    (Met::RebootTaken, "evidence by a later boot", 10),
    (Met::WordTaken, "evidence by word from outside", 1),
    (Met::MigrationCutShort, "migrations cut short", 1),
    (Met::Brake, "brakes applied", 1),
    (Met::Quarantine, "quarantines", 1),
];

/// What one run has met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    met: [bool; ALL.len()],
    coordinator: Option<HostIndex>,
    replaced: bool,
    looked: At,
    apart_since: Option<At>,
    without_since: Vec<Option<At>>,
    /// VMs under live migration.
    migrating: Vec<VmIndex>,
}

impl Coverage {
    /// Whether the run met something.
    pub fn has(&self, met: Met) -> bool {
        self.met[met as usize]
    }

    fn meets(&mut self, met: Met, really: bool) {
        self.met[met as usize] |= really;
    }

    /// Takes in what happened.
    pub fn observe(&mut self, world: &World<'_>, truth: &Truth, what: &Happening<'_>) {
        if !truth.has_formed() {
            if let Happening::CoordinatorUp { host, .. } = *what {
                self.coordinator = Some(host);
            }
            return;
        }
        match *what {
            Happening::CoordinatorUp { host, .. } => {
                let other = self.coordinator.replace(host).is_some_and(|before| before != host);
                self.meets(Met::Takeover, other);
            }
            Happening::CoordinatorDown { .. } => {
                let waiting = self.replaced && waits(world, truth);
                self.meets(Met::CoordinatorLostInRestarts, waiting);
            }
            Happening::Fenced { .. } => self.meets(Met::Fence, true),
            Happening::HostDown { host, cause, .. } => self.host_down(world, truth, host, cause),
            Happening::VmExecutes { .. } => self.meets(Met::RestartElsewhere, self.replaced),
            Happening::VmHalts { vm, cause: HaltCause::HostDown(_), .. } => {
                let migrating = self.migrating.contains(&vm);
                self.meets(Met::MigrationCutShort, migrating);
            }
            Happening::OrderTaken { order: Order::Migrate { vm, .. }, .. } => {
                self.migrating.extend(world.pool().find_vm(vm));
            }
            Happening::HandOver { vm, .. } => self.migrating.retain(|other| *other != vm),
            Happening::Command { command, .. } => self.commanded(command),
            _ => {}
        }
        if world.now().since(self.looked) >= Duration::from_millis(500) {
            self.looked = world.now();
            self.look(world, truth);
        }
    }

    fn host_down(&mut self, world: &World<'_>, truth: &Truth, host: HostIndex, cause: DownCause) {
        self.meets(Met::Watchdog, cause == DownCause::Watchdog);
        let down = hosts(world).filter(|host| world.up_in(*host).is_none()).count();
        self.meets(Met::SecondFailure, down >= 2);
        self.meets(Met::WholePoolOff, down == world.host_count());
        if self.coordinator == Some(host) {
            let waiting = self.replaced && waits(world, truth);
            self.meets(Met::CoordinatorLostInRestarts, waiting);
        }
    }

    fn commanded(&mut self, command: &Command) {
        match command {
            Command::SafeToReplace(proof) => {
                self.replaced = true;
                match proof.evidence().kind {
                    EvidenceKind::Notice => self.meets(Met::NoticeTaken, true),
                    EvidenceKind::LeaseExpired => self.meets(Met::LeaseRunOut, true),
                    EvidenceKind::Rebooted => self.meets(Met::RebootTaken, true),
                    EvidenceKind::PowerOff | EvidenceKind::Operator | EvidenceKind::OperatorForced => {
                        self.meets(Met::WordTaken, true);
                    }
                    EvidenceKind::CrashKernel | EvidenceKind::Left => {}
                }
            }
            Command::Notify(Notification::Disarmed) => self.meets(Met::Disarmed, true),
            Command::Notify(Notification::BrakeApplied) => self.meets(Met::Brake, true),
            Command::Notify(Notification::Quarantined { .. }) => self.meets(Met::Quarantine, true),
            _ => {}
        }
    }

    /// What lasts, looked at now and then.
    fn look(&mut self, world: &World<'_>, truth: &Truth) {
        let (now, timeout) = (world.now(), world.protocol_settings().timeout);
        let up: Vec<HostIndex> = hosts(world).filter(|host| world.up_in(*host).is_some()).collect();
        let with: Vec<HostIndex> = up.iter().copied().filter(|host| world.medium_well(*host)).collect();
        let apart = with.iter().any(|one| with.iter().any(|other| !truth.linked(*one, *other)));
        self.apart_since = apart.then(|| self.apart_since.unwrap_or(now));
        let long = self.apart_since.is_some_and(|since| now.since(since) + Duration::from_secs(1) >= timeout);
        self.meets(Met::SplitWithMedium, long);
        self.without_since.resize(world.host_count(), None);
        for host in up {
            let without = !world.medium_well(host);
            let since = without.then(|| self.without_since[host.get()].unwrap_or(now));
            self.without_since[host.get()] = since;
            let Some(since) = since else { continue };
            self.meets(Met::Vouched, now.since(since) > timeout + Duration::from_secs(2));
            let Some(known) = truth.adopted_by(host) else { continue };
            let silent = known.members().any(|(member, boot)| {
                let answers = world.up_in(member) == Some(boot) && world.agent_runs(member);
                member != host && !(answers && truth.linked(host, member))
            });
            self.meets(Met::StorageLossWithSilence, silent && now.since(since) > Duration::from_secs(1));
        }
    }
}

/// Whether a protected VM that should run does not.
fn waits(world: &World<'_>, truth: &Truth) -> bool {
    let pool = world.pool();
    pool.vm_indices().any(|vm| is_wanted(pool, vm) && truth.executes(vm).is_empty())
}

fn hosts(world: &World<'_>) -> impl Iterator<Item = HostIndex> + use<> {
    (0..world.host_count()).map(HostIndex::new)
}

/// What many runs have met.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many runs.
    pub runs: u64,
    counts: [u64; ALL.len()],
}

impl Tally {
    /// Counts one more run.
    pub fn add(&mut self, coverage: &Coverage) {
        self.runs += 1;
        for (count, met) in self.counts.iter_mut().zip(coverage.met) {
            *count += u64::from(met);
        }
    }

    /// In how many runs something was met.
    pub fn count(&self, met: Met) -> u64 {
        self.counts[met as usize]
    }

    /// What was met, by name, in how many runs, and in how many of a thousand it must be.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64, u32)> + '_ {
        ALL.iter().zip(self.counts).map(|((_, name, least), count)| (*name, count, *least))
    }

    /// What was met too seldom.
    pub fn lacking(&self) -> Vec<&'static str> {
        let lacks = |(_, count, least): &(&str, u64, u32)| count * 1000 < self.runs * u64::from(*least);
        self.rows().filter(lacks).map(|(name, _, _)| name).collect()
    }
}
