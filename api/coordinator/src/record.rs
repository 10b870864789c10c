//! What a coordinator keeps in the store, so that the next term knows what this one did. A VM's place is durable before
//! the order goes out that takes it there (write-ahead): where the store does not place a VM, it has not been sent.
use crate::alert::{AlertId, AlertKind, Subject};
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, VmIndex};

/// Number of a write in its term; it only rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// The newest term.
    Term {
        /// Its epoch.
        epoch: u64,
        /// Where it was held.
        host: HostIndex,
    },
    /// Whether a VM should run: desired state, apart from protection and from where it is.
    ShouldRun {
        /// The VM.
        vm: VmIndex,
        /// Whether it should.
        should_run: bool,
    },
    /// Where a VM is, or is on its way to.
    Place {
        /// The VM.
        vm: VmIndex,
        /// The place.
        place: Place,
    },
    /// What an operator set about a VM since the pool document was read.
    Priority {
        /// The VM.
        vm: VmIndex,
        /// Its restart priority.
        priority: RestartPriority,
    },
    /// What an operator wants of a host.
    Host {
        /// The host.
        host: HostIndex,
        /// Whether it is enabled.
        duty: Duty,
        /// The boot that was a member when that was wanted; none: it was none.
        boot: Option<u64>,
    },
    /// An alert that has begun, or has ended.
    Alert {
        /// Its number.
        id: AlertId,
        /// Its kind.
        kind: AlertKind,
        /// What it is about.
        subject: Subject,
        /// Whether it goes on.
        open: bool,
    },
    /// Failures that were proven survivable when last assessed, no more than the target asks for (at least one); none:
    /// not even the present state holds.
    Tolerance {
        /// The level.
        level: Option<u32>,
        /// The level that a drop began from; the recovery is told when it is reached again.
        before_drop: Option<u32>,
    },
}

/// Where a VM is, or is on its way to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On no host.
    #[default]
    Nowhere,
    /// On this host, or started there.
    On(HostIndex),
    /// Migrated, live.
    Moving {
        /// From here.
        from: HostIndex,
        /// To there.
        to: HostIndex,
    },
}

/// What an operator wants of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// It takes VMs.
    #[default]
    Enabled,
    /// It takes no new VMs.
    Disabled,
    /// It is being emptied, or has been.
    Maintenance,
    /// It is being emptied, to leave.
    Leaving,
    /// It is being emptied, to leave and to boot anew.
    Rebooting,
}

/// What a record is about: a later record of the same key replaces an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The newest term.
    Term,
    /// Whether a VM should run.
    ShouldRun(VmIndex),
    /// Where a VM is.
    Place(VmIndex),
    /// A VM's priority.
    Priority(VmIndex),
    /// A host.
    Host(HostIndex),
    /// An alert of this kind about this subject.
    Alert(AlertKind, Subject),
    /// The tolerance.
    Tolerance,
}

impl Record {
    /// What the record is about.
    pub fn key(&self) -> Key {
        match *self {
            Self::Term { .. } => Key::Term,
            Self::ShouldRun { vm, .. } => Key::ShouldRun(vm),
            Self::Place { vm, .. } => Key::Place(vm),
            Self::Priority { vm, .. } => Key::Priority(vm),
            Self::Host { host, .. } => Key::Host(host),
            Self::Alert { kind, subject, .. } => Key::Alert(kind, subject),
            Self::Tolerance { .. } => Key::Tolerance,
        }
    }
}
