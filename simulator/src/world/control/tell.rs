//! What the shell around a coordinator's process brings it: the protocol's words in the coordinator's, with VMs by
//! index instead of name; and what it sees of other hosts' media in their heartbeats.
use super::{Control, State};
use crate::Happening;
use crate::happening::Alert;
use crate::world::World;
use crate::world::due::Due;
use core::time::Duration;
use lifeboat_coordinator as coordinator;
use lifeboat_coordinator::alert::{Phase, Subject};
use lifeboat_coordinator::input::{Evidence, Liveset, Notice, Outcome, Report, Seen, Standing, StopCause};
use lifeboat_model::HostIndex;
use lifeboat_protocol as protocol;
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::{Configuration, FenceProof};

/// Notices that wait for a coordinator at most.
const MOST_HELD: usize = 16;
/// How often the shell looks at what other hosts say about their media.
const LOOK: Duration = Duration::from_millis(500);

impl World<'_> {
    pub(in crate::world) fn tell_control_agreed(&mut self, index: HostIndex, configuration: &Configuration) {
        if self.hosts[index.get()].control.is_none() {
            return;
        }
        let hosts =
            configuration.hosts.iter().map(|entry| standing(entry.standing, entry.quarantined)).collect();
        let in_quarantine = configuration.hosts.iter().enumerate().filter(|(_, entry)| entry.quarantined);
        let liveset = Liveset {
            hosts,
            quarantined: in_quarantine.map(|(position, _)| HostIndex::new(position)).collect(),
            braked: configuration.braked,
            disarmed: configuration.disarm.is_some(),
        };
        self.feed_control(index, coordinator::Input::Liveset(liveset));
    }

    pub(in crate::world) fn tell_control_safe(&mut self, index: HostIndex, proof: FenceProof) {
        let about = proof.evidence();
        let evidence = evidence(about.kind);
        self.feed_control(
            index,
            coordinator::Input::HostSafe { host: about.host, boot: about.boot.0, evidence },
        );
    }

    pub(in crate::world) fn tell_control_report(
        &mut self,
        index: HostIndex,
        host: HostIndex,
        report: protocol::order::Report,
    ) {
        let Some(control) = self.hosts[index.get()].control.as_ref() else { return };
        let epoch = control.epoch;
        if let Some(report) = self.report_by_index(epoch, report) {
            self.feed_control(index, coordinator::Input::Report { host, report });
        }
    }

    /// A report with VMs by index; what speaks of another term or of no VM of the pool comes to nothing.
    fn report_by_index(&self, epoch: protocol::Epoch, report: protocol::order::Report) -> Option<Report> {
        use protocol::order::Report as Told;
        let vm_of = |name: &str| self.by_name.get(name).copied();
        Some(match report {
            Told::Inventory { vms } => {
                let seen = |state| match state {
                    protocol::order::VmState::Running => Some(Seen::Running),
                    protocol::order::VmState::Unknown => Some(Seen::Unknown),
                    protocol::order::VmState::Stopped => None,
                };
                let known = vms.iter().filter_map(|(name, state)| Some((vm_of(name)?, seen(*state)?)));
                Report::Inventory { vms: known.collect() }
            }
            Told::Finished { id, outcome } if id.epoch == epoch => {
                let outcome = match outcome {
                    protocol::order::Outcome::Done => Outcome::Done,
                    protocol::order::Outcome::Failed { reason } => Outcome::Failed { reason },
                };
                Report::Finished { order: coordinator::OrderNumber(id.number), outcome }
            }
            Told::Finished { .. } => return None,
            Told::Ready { vm } => Report::Ready { vm: vm_of(&vm)? },
            Told::Stopped { vm, cause } => {
                let cause = match cause {
                    protocol::order::StopCause::Crashed => StopCause::Crashed,
                    protocol::order::StopCause::ShutDownInside => StopCause::ShutDownInside,
                    protocol::order::StopCause::Stopped => StopCause::Stopped,
                };
                Report::Stopped { vm: vm_of(&vm)?, cause }
            }
            Told::Hypervisor { silent_for } => Report::Hypervisor { silent_for },
            Told::Note { .. } => return None,
        })
    }

    /// What the agent beside the coordinator noticed.
    pub(in crate::world) fn tell_control_notice(&mut self, index: HostIndex, notification: Notification) {
        let host = index;
        let notice = match notification {
            Notification::MediumLost => Notice::MediumLost { host },
            Notification::MediumBack => Notice::MediumBack { host },
            Notification::MediumApproachingTimeout { silent_for } => {
                Notice::MediumApproachingTimeout { host, silent_for }
            }
            Notification::PeerApproachingTimeout { host, silent_for } => {
                Notice::HostApproachingTimeout { host, silent_for }
            }
            _ => return,
        };
        let of_medium = matches!(notice, Notice::MediumLost { .. } | Notice::MediumBack { .. });
        let host = &mut self.hosts[index.get()];
        match (&mut host.control, notice) {
            (Some(control), Notice::MediumLost { host }) => {
                control.media_lost.insert(host);
            }
            (Some(control), Notice::MediumBack { host }) => {
                control.media_lost.remove(host);
            }
            (None, _) if of_medium && host.held_notices.len() < MOST_HELD => host.held_notices.push(notice),
            _ => {}
        }
        self.feed_control(index, coordinator::Input::Notice(notice));
    }

    /// Looks at what other hosts say about their media, for as long as the coordinator works.
    pub(in crate::world) fn control_looks(&mut self, index: HostIndex, run: u32) {
        if self.control(index, run).is_none() {
            return;
        }
        for host in self.pool.host_indices() {
            let Some(works) = self.medium_of(index, host) else { continue };
            let Some(Control { state: State::Works(_), media_lost, .. }) = self.control(index, run) else {
                return;
            };
            let changed = if works { media_lost.remove(host) } else { media_lost.insert(host) };
            if changed {
                let notice = if works { Notice::MediumBack { host } } else { Notice::MediumLost { host } };
                self.feed_control(index, coordinator::Input::Notice(notice));
            }
        }
        self.after(LOOK, Due::ControlLooks { host: index, run });
    }

    /// Whether another member's medium works, as it says; none where it says nothing.
    fn medium_of(&self, index: HostIndex, host: HostIndex) -> Option<bool> {
        let agent = &self.hosts[index.get()].agent.as_ref()?.agent;
        let boot = agent.adopted()?.standing(host).member_boot()?;
        let status = agent.status_of(host).filter(|status| host != index && status.boot == boot)?;
        Some(status.medium_works)
    }

    pub(in crate::world) fn alert(&mut self, alert: &coordinator::Alert) {
        if alert.phase == Phase::Cleared {
            return;
        }
        let (host, vm) = match alert.subject {
            Subject::Host(host) => (Some(self.pool.host_id(host).to_owned()), None),
            Subject::Vm(vm) => (None, Some(self.pool.vm_id(vm).to_owned())),
            Subject::Pool | Subject::Group(_) => (None, None),
        };
        let alert = Alert { kind: alert.kind.code(), host, vm, text: alert.reason.clone() };
        self.tell(&Happening::Alert(&alert));
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

fn evidence(kind: EvidenceKind) -> Evidence {
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
