//! What the shell around a coordinator's process brings it, in the coordinator's own words; and what it sees of other hosts'
//! media in their heartbeats.
use super::{Control, State};
use crate::Happening;
use crate::happening::Alert;
use crate::world::World;
use crate::world::due::Due;
use core::time::Duration;
use lifeboat_coordinator as coordinator;
use lifeboat_coordinator::alert::{Phase, Subject};
use lifeboat_coordinator::input::Notice;
use lifeboat_interpreter as interpreter;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol as protocol;
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::order::OrderId;
use lifeboat_protocol::{Configuration, FenceProof};
use std::collections::BTreeMap;

/// Notices that wait for a coordinator at most.
const MOST_HELD: usize = 16;
/// How often the shell looks at what other hosts say about their media.
const LOOK: Duration = Duration::from_millis(500);

impl World<'_> {
    pub(in crate::world) fn tell_control_agreed(&mut self, index: HostIndex, configuration: &Configuration) {
        if self.hosts[index.get()].control.is_none() {
            return;
        }
        self.feed_control(index, coordinator::Input::Liveset(interpreter::liveset(configuration)));
    }

    pub(in crate::world) fn tell_control_safe(&mut self, index: HostIndex, proof: FenceProof) {
        let about = proof.evidence();
        self.feed_control(index, interpreter::safe(about.host, about.boot, about.kind));
    }

    pub(in crate::world) fn tell_control_report(
        &mut self,
        index: HostIndex,
        host: HostIndex,
        report: protocol::order::Report,
    ) {
        let Some(control) = self.hosts[index.get()].control.as_ref() else { return };
        let epoch = control.epoch;
        let names = Named { by_name: &self.by_name, epoch };
        if let Some(report) = interpreter::report(&names, report) {
            self.feed_control(index, coordinator::Input::Report { host, report });
        }
    }

    /// What the agent beside the coordinator noticed.
    pub(in crate::world) fn tell_control_notice(&mut self, index: HostIndex, notification: Notification) {
        let Some(notice) = interpreter::notice(index, &notification) else { return };
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

/// The VMs of the pool by name, in a coordinator's term.
struct Named<'a> {
    by_name: &'a BTreeMap<String, VmIndex>,
    epoch: protocol::Epoch,
}

impl interpreter::Names for Named<'_> {
    fn vm(&self, name: &str) -> Option<VmIndex> {
        self.by_name.get(name).copied()
    }

    fn order(&self, id: OrderId) -> Option<coordinator::OrderNumber> {
        (id.epoch == self.epoch).then_some(coordinator::OrderNumber(id.number))
    }
}
