//! The words of the liveness protocol in those of the coordinator, and back. The protocol names VMs, the coordinator numbers them;
//! the protocol tells everything that it agrees on, the coordinator wants to know who may run VMs. Whoever drives a coordinator
//! (the service beside an agent, the simulator) uses this, so that what is simulated is what runs.
//!
//! ```text
//!   Configuration ─► Liveset        FenceProof, kind of evidence ─► HostSafe
//!   Report (by name) ─► Report (by index)        Start, Stop, Migrate ─► Order (by name)
//! ```
#![no_std]
extern crate alloc;

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use lifeboat_coordinator::input::{Evidence, Liveset, Notice, Outcome, Report, Seen, Standing, StopCause};
use lifeboat_coordinator::{Command, Gate, Input, OrderNumber};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol as protocol;
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::{Order, OrderId};
use lifeboat_protocol::{Boot, Configuration};

/// What the pool has agreed on.
pub fn liveset(configuration: &Configuration) -> Liveset {
    let entries = configuration.hosts.iter().enumerate();
    Liveset {
        hosts: configuration.hosts.iter().map(|entry| standing(entry.standing, entry.quarantined)).collect(),
        quarantined: entries
            .filter(|(_, entry)| entry.quarantined)
            .map(|(position, _)| HostIndex::new(position))
            .collect(),
        braked: configuration.braked,
        disarmed: configuration.disarm.is_some(),
    }
}

fn standing(standing: protocol::Standing, quarantined: bool) -> Standing {
    match standing {
        protocol::Standing::Out => Standing::Out,
        protocol::Standing::Member { boot, .. } => Standing::Live { boot: boot.0, quarantined },
        protocol::Standing::Fencing { boot, .. } => Standing::BeingFenced { boot: boot.0 },
        protocol::Standing::Fenced { boot, evidence: kind } => {
            Standing::Safe { boot: boot.0, evidence: evidence(kind) }
        }
    }
}

/// How it is known that a host runs no VM.
pub const fn evidence(kind: EvidenceKind) -> Evidence {
    match kind {
        EvidenceKind::LeaseExpired => Evidence::LeaseExpired,
        EvidenceKind::Notice => Evidence::Notice,
        EvidenceKind::CrashKernel => Evidence::CrashKernel,
        EvidenceKind::Rebooted => Evidence::Rebooted,
        EvidenceKind::PowerOff => Evidence::PowerOff,
        EvidenceKind::Operator => Evidence::Operator,
        EvidenceKind::OperatorForced => Evidence::OperatorForced,
        EvidenceKind::Left => Evidence::Left,
    }
}

/// A host is safe to replace, as an agent has judged the evidence.
pub const fn safe(host: HostIndex, boot: Boot, kind: EvidenceKind) -> Input {
    Input::HostSafe { host, boot: boot.0, evidence: evidence(kind) }
}

/// Who knows the names that reports speak of.
pub trait Names {
    /// The VM of that name.
    fn vm(&self, name: &str) -> Option<VmIndex>;
    /// The coordinator's order that went out under that id; none: it is none of this term.
    fn order(&self, id: OrderId) -> Option<OrderNumber>;
}

/// A report with VMs by index; what speaks of another term or of no VM of the pool comes to nothing.
pub fn report(names: &impl Names, report: protocol::order::Report) -> Option<Report> {
    use protocol::order::Report as Told;
    Some(match report {
        Told::Inventory { vms } => {
            let seen = |state| match state {
                protocol::order::VmState::Running => Some(Seen::Running),
                protocol::order::VmState::Unknown => Some(Seen::Unknown),
                protocol::order::VmState::Stopped => None,
            };
            let known = vms.iter().filter_map(|(name, state)| Some((names.vm(name)?, seen(*state)?)));
            Report::Inventory { vms: known.collect() }
        }
        Told::Finished { id, outcome } => {
            let outcome = match outcome {
                protocol::order::Outcome::Done => Outcome::Done,
                protocol::order::Outcome::Failed { reason } => Outcome::Failed { reason },
            };
            Report::Finished { order: names.order(id)?, outcome }
        }
        Told::Ready { vm } => Report::Ready { vm: names.vm(&vm)? },
        Told::Stopped { vm, cause } => {
            let cause = match cause {
                protocol::order::StopCause::Crashed => StopCause::Crashed,
                protocol::order::StopCause::ShutDownInside => StopCause::ShutDownInside,
                protocol::order::StopCause::Stopped => StopCause::Stopped,
            };
            Report::Stopped { vm: names.vm(&vm)?, cause }
        }
        Told::Hypervisor { silent_for } => Report::Hypervisor { silent_for },
        Told::Note { .. } => return None,
    })
}

/// The order that a command gives, and to whom, under the id that it goes out by; none: it gives none.
pub fn order<'n>(
    command: &Command,
    id: OrderId,
    vm_name: impl Fn(VmIndex) -> &'n str,
) -> Option<(HostIndex, Order)> {
    let name = |vm: VmIndex| -> String { vm_name(vm).to_owned() };
    Some(match *command {
        Command::Start { host, vm, gate: wanted, .. } => {
            (host, Order::Start { id, vm: name(vm), gate: gate(wanted) })
        }
        Command::Stop { host, vm, .. } => (host, Order::Stop { id, vm: name(vm) }),
        Command::Migrate { host, vm, to, .. } => (host, Order::Migrate { id, vm: name(vm), to }),
        _ => return None,
    })
}

const fn gate(gate: Gate) -> protocol::order::Gate {
    match gate {
        Gate::Started => protocol::order::Gate::Started,
        Gate::GuestAgent => protocol::order::Gate::GuestAgent,
        Gate::Tcp { port } => protocol::order::Gate::Tcp { port },
        Gate::Http { port } => protocol::order::Gate::Http { port },
    }
}

/// What the agent of host `me` noticed, if it is for the coordinator.
pub const fn notice(me: HostIndex, notification: &Notification) -> Option<Notice> {
    Some(match *notification {
        Notification::MediumLost => Notice::MediumLost { host: me },
        Notification::MediumBack => Notice::MediumBack { host: me },
        Notification::MediumApproachingTimeout { silent_for } => {
            Notice::MediumApproachingTimeout { host: me, silent_for }
        }
        Notification::PeerApproachingTimeout { host, silent_for } => {
            Notice::HostApproachingTimeout { host, silent_for }
        }
        _ => return None,
    })
}

/// What is known of the hosts' media: told on when it changes, and told again to the next coordinator, which may find nothing of it
/// in the store.
#[derive(Clone, Debug, Default)]
pub struct Media(BTreeSet<HostIndex>);

impl Media {
    /// A host's medium works, or does not: a notice, if that is news.
    pub fn told(&mut self, host: HostIndex, works: bool) -> Option<Notice> {
        if works {
            self.0.remove(&host).then_some(Notice::MediumBack { host })
        } else {
            self.0.insert(host).then_some(Notice::MediumLost { host })
        }
    }

    /// The hosts whose media do not work, as notices.
    pub fn lost(&self) -> impl Iterator<Item = Notice> + '_ {
        self.0.iter().map(|&host| Notice::MediumLost { host })
    }
}

#[cfg(test)]
mod tests;
