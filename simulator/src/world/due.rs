//! What can be due, and who sees to it.
use super::World;
use super::operator::Errand;
use lifeboat_coordinator::record::{Record, Ticket};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::Boot;
use lifeboat_protocol::medium::{Answer, Request};
use lifeboat_protocol::order::{OrderId, Report};

/// Something that is due. `run` tells one start of a process from another: what was meant for a process that is
/// gone comes to nothing.
pub(super) enum Due {
    /// An agent's deadline.
    AgentWakes { host: HostIndex },
    /// A datagram arrives.
    Datagram { to: HostIndex, network: u8, bytes: Box<[u8]> },
    /// A request takes effect at the medium.
    MediumLands { host: HostIndex, boot: Boot, run: u32, request: Box<Request> },
    /// The medium's answer arrives.
    MediumAnswers { host: HostIndex, run: u32, answer: Answer },
    /// A watchdog's deadline.
    Watchdog { host: HostIndex },
    /// A host's system is up.
    Booted { host: HostIndex, boot: Boot },
    /// An agent process starts.
    AgentStarts { host: HostIndex, boot: Boot },
    /// A pause of an agent is over.
    AgentResumes { host: HostIndex, run: u32 },
    /// All VMs of a host are killed.
    Killed { host: HostIndex, boot: Boot },
    /// The agent's hypervisor side hears of something.
    Report { host: HostIndex, boot: Boot, report: Report },
    /// A VM has booted; `start` tells one start from another.
    VmBooted { host: HostIndex, vm: VmIndex, start: u32 },
    /// A migration ends.
    MigrationEnds { from: HostIndex, to: HostIndex, vm: VmIndex, boots: (Boot, Boot), id: OrderId },
    /// A host hears that the source of a migration is gone.
    MigrationSourceGone { host: HostIndex, boot: Boot, vm: VmIndex },
    /// A look at a hypervisor daemon that hangs.
    HypervisorWatch { host: HostIndex, boot: Boot, hang: u32 },
    /// A coordinator's process begins to work.
    ControlStarts { host: HostIndex, run: u32 },
    /// A coordinator's process tries to open the store.
    ControlOpens { host: HostIndex, run: u32 },
    /// A coordinator's deadline.
    ControlWakes { host: HostIndex, run: u32 },
    /// A hang of a coordinator's process is over.
    ControlGoesOn { host: HostIndex, run: u32 },
    /// A coordinator's health check is answered.
    ControlAnswers { host: HostIndex, run: u32 },
    /// A look at what other hosts say about their media.
    ControlLooks { host: HostIndex, run: u32 },
    /// A coordinator's process is gone and its writes are drained.
    ControlDrained { host: HostIndex, boot: Boot },
    /// A write reaches the store.
    StoreLands { host: HostIndex, boot: Boot, run: u32, epoch: u64, ticket: Ticket, records: Vec<Record> },
    /// The store's answer.
    StoreAnswers { host: HostIndex, run: u32, ticket: Ticket, stored: bool },
    /// An event of the scenario.
    Event(usize),
    /// An operator goes on with something.
    Errand(Errand),
    /// A look whether the pool has formed.
    Preroll,
}

impl World<'_> {
    pub(super) fn happen(&mut self, due: Due) {
        match due {
            Due::AgentWakes { host } => self.agent_wakes(host),
            Due::Datagram { to, network, bytes } => self.datagram_arrives(to, network, bytes),
            Due::MediumLands { host, boot, run, request } => self.medium_lands(host, boot, run, request),
            Due::MediumAnswers { host, run, answer } => self.medium_answers(host, run, answer),
            Due::Watchdog { host } => self.watchdog_due(host),
            Due::Booted { host, boot } => self.booted(host, boot),
            Due::AgentStarts { host, boot } => self.agent_starts(host, boot),
            Due::AgentResumes { host, run } => self.agent_resumes(host, run),
            Due::Killed { host, boot } => self.killed(host, boot),
            Due::Report { host, boot, report } => self.report_arrives(host, boot, report),
            Due::VmBooted { host, vm, start } => self.vm_booted(host, vm, start),
            Due::MigrationEnds { from, to, vm, boots, id } => self.migration_ends(from, to, vm, boots, id),
            Due::MigrationSourceGone { host, boot, vm } => self.migration_source_gone(host, boot, vm),
            Due::HypervisorWatch { host, boot, hang } => self.hypervisor_watch(host, boot, hang),
            Due::ControlStarts { host, run } => self.control_starts(host, run),
            Due::ControlOpens { host, run } => self.control_opens(host, run),
            Due::ControlWakes { host, run } => self.control_wakes(host, run),
            Due::ControlGoesOn { host, run } => self.control_goes_on(host, run),
            Due::ControlAnswers { host, run } => self.control_answers(host, run),
            Due::ControlLooks { host, run } => self.control_looks(host, run),
            Due::ControlDrained { host, boot } => self.control_drained(host, boot),
            Due::StoreLands { host, boot, run, epoch, ticket, records } => {
                self.store_lands(host, boot, run, epoch, ticket, records);
            }
            Due::StoreAnswers { host, run, ticket, stored } => self.store_answers(host, run, ticket, stored),
            Due::Event(position) => self.event(position),
            Due::Errand(errand) => self.run_errand(errand),
            Due::Preroll => self.preroll(),
        }
    }
}
