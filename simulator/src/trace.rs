//! What happened, as far as a reader would want to know it: the source of the timeline, the JSON and the drawing, and what
//! expectations are judged by.
use crate::happening::{Alert, DownCause, HaltCause};
use crate::{At, Happening};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::command::{FenceReason, Notification};
use lifeboat_protocol::configuration::ConfigurationNumber;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::Order;
use lifeboat_protocol::{Boot, Command, Epoch};

/// Everything that was kept, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    entries: Vec<Entry>,
    newest: ConfigurationNumber,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: At,
    /// What.
    pub line: Line,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each line's words say what its fields are")]
pub enum Line {
    /// The times of the scenario begin.
    Formed,
    /// An event of the scenario; its position.
    Event { position: usize },
    /// A host gets power.
    PowerOn { host: HostIndex },
    /// A host's system is up.
    HostUp { host: HostIndex },
    /// A host is down.
    HostDown { host: HostIndex, cause: DownCause },
    /// An agent's process is up: not told at a host's boot.
    AgentUp { host: HostIndex },
    /// An agent's process is gone.
    AgentDown { host: HostIndex },
    /// An agent goes on after a pause.
    AgentResumed { host: HostIndex },
    /// A host has a lease.
    LeaseGained { host: HostIndex },
    /// A host's lease is lost: it fences itself.
    LeaseLost { host: HostIndex, reason: FenceReason },
    /// It is certain that none of a host's VMs runs.
    Fenced { host: HostIndex, cause: DownCause },
    /// There is evidence about a host.
    Evidence { at: HostIndex, about: HostIndex, kind: EvidenceKind },
    /// Evidence was refused.
    EvidenceRefused { at: HostIndex, about: HostIndex },
    /// The pool has agreed on a configuration; told by the first who adopts it.
    Liveset { by: HostIndex, number: ConfigurationNumber, members: Vec<HostIndex>, leader: HostIndex },
    /// A coordinator begins its term.
    Coordinator { host: HostIndex, epoch: Epoch },
    /// A coordinator's process has ended.
    CoordinatorEnded { host: HostIndex, epoch: Epoch },
    /// A coordinator's process does not answer.
    CoordinatorHangs { host: HostIndex },
    /// A host's medium does not answer.
    MediumLost { host: HostIndex },
    /// It answers again.
    MediumBack { host: HostIndex },
    /// A host is disarmed, or armed again.
    Armed { host: HostIndex, armed: bool },
    /// A hypervisor takes up a start.
    StartCommand { host: HostIndex, vm: String, epoch: Epoch },
    /// A hypervisor takes up a live migration.
    MigrateCommand { host: HostIndex, vm: String, to: HostIndex },
    /// A hypervisor could not do what it was ordered to.
    OrderFailed { host: HostIndex, vm: String, reason: String },
    /// A VM's vCPUs can execute.
    VmExecutes { vm: VmIndex, host: HostIndex },
    /// A VM has booted.
    VmRunning { vm: VmIndex, host: HostIndex },
    /// A VM executes no more.
    VmStopped { vm: VmIndex, host: HostIndex, cause: HaltCause },
    /// A VM went over.
    HandOver { vm: VmIndex, from: HostIndex, to: HostIndex },
    /// An alert.
    Alert(Alert),
    /// Something that somebody asked for was refused.
    Refused { what: String, why: String },
}

impl Trace {
    /// Everything that was kept, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// When the times of the scenario begin.
    pub fn formed(&self) -> Option<At> {
        self.entries.iter().find(|entry| entry.line == Line::Formed).map(|entry| entry.at)
    }

    /// What happened since the times of the scenario began.
    pub fn since_formed(&self) -> &[Entry] {
        let begin = self.entries.iter().position(|entry| entry.line == Line::Formed);
        begin.map_or(&[], |begin| &self.entries[begin..])
    }

    /// Takes out everything that was kept, oldest first: for worlds that go on for ever.
    pub(crate) fn take_out(&mut self) -> Vec<Entry> {
        core::mem::take(&mut self.entries)
    }

    pub(crate) fn refused(&mut self, at: At, what: &str, why: &str) {
        self.keep(at, Line::Refused { what: what.to_owned(), why: why.to_owned() });
    }

    pub(crate) fn take(&mut self, at: At, what: &Happening<'_>) {
        if let Some(line) = self.line(what) {
            self.keep(at, line);
        }
    }

    fn keep(&mut self, at: At, line: Line) {
        self.entries.push(Entry { at, line });
    }

    fn line(&mut self, what: &Happening<'_>) -> Option<Line> {
        Some(match *what {
            Happening::Formed => Line::Formed,
            Happening::Event(position) => Line::Event { position },
            Happening::PowerOn { host } => Line::PowerOn { host },
            Happening::HostUp { host, .. } => Line::HostUp { host },
            Happening::HostDown { host, cause, .. } => Line::HostDown { host, cause },
            Happening::AgentUp { host, process, .. } if process.0 > 1 => Line::AgentUp { host },
            Happening::AgentDown { host, .. } => Line::AgentDown { host },
            Happening::AgentResumed { host } => Line::AgentResumed { host },
            Happening::Fenced { host, cause, .. } => Line::Fenced { host, cause },
            Happening::Evidence { at, about, kind } => Line::Evidence { at, about, kind },
            Happening::CoordinatorUp { host, epoch } => Line::Coordinator { host, epoch },
            Happening::CoordinatorDown { host, epoch } => Line::CoordinatorEnded { host, epoch },
            Happening::Command { host, command: Command::Notify(notification), .. } => {
                return noted(host, *notification);
            }
            Happening::Adopted { host, configuration, .. } if configuration.number > self.newest => {
                self.newest = configuration.number;
                let members = configuration.members().map(|(member, _): (HostIndex, Boot)| member).collect();
                let (number, leader) = (configuration.number, configuration.leader);
                Line::Liveset { by: host, number, members, leader }
            }
            Happening::OrderTaken { host, order: Order::Start { vm, id, .. }, .. } => {
                Line::StartCommand { host, vm: vm.clone(), epoch: id.epoch }
            }
            Happening::OrderTaken { host, order: Order::Migrate { vm, to, .. }, .. } => {
                Line::MigrateCommand { host, vm: vm.clone(), to: *to }
            }
            Happening::OrderFinished {
                host,
                order,
                outcome: lifeboat_protocol::order::Outcome::Failed { reason },
            } => {
                let vm = order.vm().unwrap_or_default().to_owned();
                Line::OrderFailed { host, vm, reason: reason.clone() }
            }
            Happening::VmExecutes { vm, host, .. } => Line::VmExecutes { vm, host },
            Happening::VmBooted { vm, host } => Line::VmRunning { vm, host },
            Happening::VmHalts { vm, host, cause, .. } => Line::VmStopped { vm, host, cause },
            Happening::HandOver { vm, from, to } => Line::HandOver { vm, from, to },
            Happening::Alert(alert) => Line::Alert(alert.clone()),
            Happening::AgentUp { .. }
            | Happening::AgentPaused { .. }
            | Happening::Command { .. }
            | Happening::Adopted { .. }
            | Happening::MediumWrite { .. }
            | Happening::OrderTaken { .. }
            | Happening::OrderFinished { .. }
            | Happening::OrderGiven { .. }
            | Happening::StoreWrite { .. }
            | Happening::StoreOpened { .. } => return None,
        })
    }
}

fn noted(host: HostIndex, notification: Notification) -> Option<Line> {
    Some(match notification {
        Notification::LeaseGained => Line::LeaseGained { host },
        Notification::LeaseLost(reason) => Line::LeaseLost { host, reason },
        Notification::MediumLost => Line::MediumLost { host },
        Notification::MediumBack => Line::MediumBack { host },
        Notification::EvidenceRefused { host: about } => Line::EvidenceRefused { at: host, about },
        Notification::Disarmed => Line::Armed { host, armed: false },
        Notification::Armed => Line::Armed { host, armed: true },
        Notification::CoordinatorHangs => Line::CoordinatorHangs { host },
        // Evidence has a line of its own; the others show in alerts.
        Notification::Evidence { .. }
        | Notification::PeerApproachingTimeout { .. }
        | Notification::MediumApproachingTimeout { .. }
        | Notification::BrakeApplied
        | Notification::Quarantined { .. } => return None,
    })
}
