//! What is agreed of hosts, and what it means for the VMs there. A host's VMs wait for a restart when, and only when, the boot
//! that ran them is over: it is safe to replace, it left, or a later boot of it is a member.
use crate::alert::{AlertKind, Subject};
use crate::input::{Evidence, Liveset, Standing};
use crate::record::{Duty, Record};
use crate::state::State;
use crate::whereabouts::Errand;

use alloc::format;
use alloc::string::String;
use lifeboat_model::HostIndex;

impl State {
    /// The pool has agreed on this.
    pub(crate) fn liveset(&mut self, liveset: &Liveset) {
        self.brake(liveset.braked);
        if self.disarmed != liveset.disarmed {
            self.disarmed = liveset.disarmed;
            self.plan = None;
        }
        let first = !self.liveset_known;
        self.liveset_known = true;
        for position in 0..self.hosts.len() {
            let agreed = liveset.hosts.get(position).copied().unwrap_or_default();
            self.standing(HostIndex::new(position), agreed, first);
        }
        // Told with the failure that was one too many, not only when the host is back.
        for &host in &liveset.quarantined {
            self.quarantine(host, true);
        }
        for (host, boot, evidence) in core::mem::take(&mut self.early_evidence) {
            self.host_safe(host, boot, evidence);
        }
    }

    /// A host's boot is over.
    pub(crate) fn host_safe(&mut self, host: HostIndex, boot: u64, evidence: Evidence) {
        let concerns_it = match self.hosts[host.get()].standing {
            Standing::Live { boot: known, .. } | Standing::BeingFenced { boot: known } => known <= boot,
            Standing::Safe { boot: known, .. } => known < boot,
            Standing::Out => false,
        };
        if !self.liveset_known {
            self.early_evidence.push((host, boot, evidence));
        } else if concerns_it {
            self.standing(host, Standing::Safe { boot, evidence }, false);
        }
    }

    fn standing(&mut self, host: HostIndex, agreed: Standing, first: bool) {
        let was = self.hosts[host.get()].standing;
        let standing = not_behind(was, agreed);
        if standing == was && !first {
            return;
        }
        self.hosts[host.get()].standing = standing;
        self.plan = None;
        self.changed_since.get_or_insert(self.now);
        match standing {
            Standing::Live { boot, quarantined } => {
                let before = match was {
                    Standing::Live { boot, .. } | Standing::BeingFenced { boot } => Some(boot),
                    Standing::Safe { .. } | Standing::Out => None,
                };
                if before.is_some_and(|before| before < boot) {
                    self.failed(host, "it has booted again");
                    self.over(host, Some(Evidence::Rebooted));
                }
                if before != Some(boot) {
                    self.joined(host, first);
                }
                self.quarantine(host, quarantined);
                self.capacity_appeared(true);
            }
            Standing::BeingFenced { .. } => {
                if first {
                    self.whereabouts.not_heard(host);
                }
                self.failed(host, "it has left the liveset; it is being made certain that it runs no VM");
            }
            Standing::Safe { evidence: Evidence::Left, .. } | Standing::Out => self.over(host, None),
            Standing::Safe { evidence, .. } => {
                self.failed(host, "it has left the liveset");
                let cause = self.alerts.open(AlertKind::HostFailed, Subject::Host(host));
                let name = self.pool.host_id(host);
                let reason = format!("no VM runs on {name} any more: {}", evidence.words());
                self.alerts.raise(AlertKind::HostFenced, Subject::Host(host), reason, cause);
                self.over(host, Some(evidence));
            }
        }
    }

    fn failed(&mut self, host: HostIndex, how: &str) {
        let reason = format!("host {}: {how}", self.pool.host_id(host));
        self.alerts.raise(AlertKind::HostFailed, Subject::Host(host), reason, None);
        self.conclude_timeouts(host, "it has failed");
    }

    /// A boot of the host is a member that was not known to be one.
    fn joined(&mut self, host: HostIndex, first: bool) {
        let now = self.now;
        let state = &mut self.hosts[host.get()];
        (state.spoke, state.hypervisor_silent, state.medium_lost) =
            (false, false, state.medium_lost && first);
        (state.fence_requested, state.may_leave, state.told_to_leave) = (false, false, None);
        state.unknown_since = Some(now);
        if state.has_come_back(first) {
            // It was disabled to leave. It has left, and is back.
            let boot = state.live_boot();
            (state.duty, state.duty_of) = (Duty::Enabled, boot);
            self.writes.behind(Record::Host { host, duty: Duty::Enabled, boot });
        }
        if !first {
            self.forget_plans(host);
        }
        self.whereabouts.not_heard(host);
        for vm in &mut self.vms {
            if vm.lost_from == Some(host) {
                vm.lost_from = None;
            }
        }
        let subject = Subject::Host(host);
        self.alerts.close(AlertKind::HostFenced, subject);
        let reason = format!("host {} is in the liveset again", self.pool.host_id(host));
        self.alerts.end_with(AlertKind::HostFailed, AlertKind::HostRejoined, subject, reason);
    }

    /// A boot of the host is over: none of its VMs runs there, and no order to it will be carried out.
    fn over(&mut self, host: HostIndex, failed: Option<Evidence>) {
        let (lost, void) = self.whereabouts.over(host);
        let state = &mut self.hosts[host.get()];
        (state.spoke, state.hypervisor_silent, state.unknown_since) = (false, false, None);
        self.alerts.clear(AlertKind::HostStateUnknown, Subject::Host(host), "it runs no VM any more");
        self.conclude_evacuation(host, "it runs no VM any more");
        for order in void.iter().filter(|order| order.sent) {
            if let Errand::Migrate { to } = order.errand
                && self.hosts[to.get()].is_up()
            {
                self.whereabouts.may_have_arrived(order.vm, to);
            }
        }
        for &(vm, _) in &lost {
            self.holding.remove(&vm);
            if self.whereabouts.claims(vm).is_empty() {
                let now = self.now;
                let state = &mut self.vms[vm.get()];
                state.runs_since = None;
                state.lost_from = failed.map(|_| host);
                state.holds = true;
                state.begin_anew(now);
            } else {
                self.is_where_it_is_left(vm);
            }
        }
        for vm in lost.iter().map(|&(vm, _)| vm).chain(void.iter().map(|order| order.vm)) {
            self.refresh(vm);
        }

        self.capacity_appeared(false);
    }

    fn brake(&mut self, braked: bool) {
        if self.braked != braked {
            self.plan = None;
        }
        self.braked = braked;
        if braked {
            let reason =
                String::from("more hosts failed at once than the brake lets through: nothing is restarted");
            self.alerts.raise(AlertKind::BrakeApplied, Subject::Pool, reason, None);
        } else {
            self.alerts.clear(AlertKind::BrakeApplied, Subject::Pool, "the brake is released");
        }
    }

    fn quarantine(&mut self, host: HostIndex, quarantined: bool) {
        let subject = Subject::Host(host);
        if quarantined {
            let reason = format!("host {} has failed again and again", self.pool.host_id(host));
            self.alerts.raise(AlertKind::HostQuarantined, subject, reason + ": it takes no VMs", None);
        } else {
            self.alerts.clear(AlertKind::HostQuarantined, subject, "it takes VMs again");
        }
    }
}

/// Evidence may come ahead of the agreement that tells of it; an agreement never takes evidence back.
fn not_behind(known: Standing, agreed: Standing) -> Standing {
    match (known, agreed) {
        (
            Standing::Safe { boot: over, .. },
            Standing::Live { boot, .. } | Standing::BeingFenced { boot } | Standing::Safe { boot, .. },
        ) if boot <= over => known,
        _ => agreed,
    }
}
