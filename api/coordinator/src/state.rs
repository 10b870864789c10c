//! Everything that a coordinator knows, and the picture that it draws of it for the planner.
use crate::alert::{Alert, AlertKind, Subject};
use crate::alerts::Alerts;
use crate::host::Host;
use crate::input::Evidence;
use crate::outlook::Level;
use crate::record::{Key, Place, Record};
use crate::vm::{Vm, Waits};
use crate::whereabouts::{Claim, Whereabouts};
use crate::writes::Writes;
use crate::{Command, Instant, Settings, Term};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use alloc::{format, string::String};
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::pool::Sighting;
use lifeboat_model::spec::{HostState, RestartPriority};
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) term: Term,
    pub(crate) settings: Settings,
    /// The pool document.
    pub(crate) document: Pool,
    /// The same with the priorities that operators set since.
    pub(crate) pool: Pool,
    pub(crate) hosts: Vec<Host>,
    pub(crate) vms: Vec<Vm>,
    pub(crate) whereabouts: Whereabouts,
    pub(crate) alerts: Alerts,
    /// Told, but not yet kept: with the record that keeps it, and since when it waits.
    pub(crate) untold: Vec<(Alert, Option<Key>, Instant)>,
    pub(crate) writes: Writes,
    pub(crate) commands: VecDeque<Command>,
    /// VMs that should run, that nobody has, and about which no order is outstanding.
    pub(crate) waiting: BTreeSet<VmIndex>,
    /// VMs that are to be stopped and may run.
    pub(crate) stopping: BTreeSet<VmIndex>,
    /// VMs at the far end of a migration that nobody tells the outcome of, and since when.
    pub(crate) unsettled: BTreeMap<VmIndex, Instant>,
    /// VMs that later orders wait for, each with its turn.
    pub(crate) holding: BTreeMap<VmIndex, Hold>,
    /// Where the waiting VMs will be started; none: to be planned anew.
    pub(crate) plan: Option<RestartPlan>,
    /// Hosts that are about to be taken for dead, or to lose the medium, and when that was last told.
    pub(crate) approaching: BTreeMap<HostIndex, Instant>,
    /// Evidence that came before the first agreement.
    pub(crate) early_evidence: Vec<(HostIndex, u64, Evidence)>,
    pub(crate) liveset_known: bool,
    pub(crate) braked: bool,
    pub(crate) disarmed: bool,
    pub(crate) began: Instant,
    pub(crate) now: Instant,
    /// Since when hosts are fenced for what they leave unknown: what they did before counts from then on.
    pub(crate) fences_unknown_from: Instant,
    /// Since when something has changed that tolerance depends on.
    pub(crate) changed_since: Option<Instant>,
    pub(crate) level: Level,
}

/// A VM's turn: protected ones before best-effort, then by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(crate) best_effort: bool,
    pub(crate) order: u32,
}

/// Later turns wait for this VM.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) turn: Turn,
    /// At the latest until then.
    pub(crate) until: Instant,
}

impl State {
    /// Whether the VM is to be started wherever it can be: what should run and is protected; best-effort VMs, and those
    /// whose start somebody asked for, until their attempts are used up.
    pub(crate) fn wants_to_run(&self, vm: VmIndex) -> bool {
        let state = &self.vms[vm.get()];
        let tried = match self.priority(vm) {
            RestartPriority::Restart => true,
            RestartPriority::BestEffort => !state.given_up,
            RestartPriority::Unprotected => state.asked && !state.given_up,
        };
        state.should_run && tried
    }

    pub(crate) fn priority(&self, vm: VmIndex) -> RestartPriority {
        self.pool.vm(vm).restart_priority
    }

    pub(crate) fn is_protected(&self, vm: VmIndex) -> bool {
        self.priority(vm) == RestartPriority::Restart
    }

    pub(crate) fn turn(&self, vm: VmIndex) -> Turn {
        Turn { best_effort: !self.is_protected(vm), order: self.pool.vm(vm).order }
    }

    /// Draws the conclusions of whatever happened to a VM. Every change to a VM or its whereabouts ends here.
    pub(crate) fn refresh(&mut self, vm: VmIndex) {
        self.changed_since.get_or_insert(self.now);
        let idle = self.whereabouts.is_idle(vm);
        if idle && self.wants_to_run(vm) {
            if self.waiting.insert(vm) {
                self.vms[vm.get()].waits_since = Some(self.now);
                self.plan = None;
            }
        } else {
            self.waiting.remove(&vm);
            if self.alerts.open(AlertKind::VmRestartFailed, Subject::Vm(vm)).is_some() {
                self.conclude_restart(vm);
            }
        }
        if idle && self.vms[vm.get()].to_stop {
            self.vms[vm.get()].to_stop = false;
            self.writes.behind(Record::Place { vm, place: Place::Nowhere });
        }
        if self.vms[vm.get()].to_stop {
            self.stopping.insert(vm);
        } else {
            self.stopping.remove(&vm);
        }
        if self.whereabouts.unsettled(vm).is_some() {
            self.unsettled.entry(vm).or_insert(self.now);
        } else {
            self.unsettled.remove(&vm);
        }
        self.tell_if_twice(vm);
    }

    /// Ends the alert about a failed restart once the VM runs, or need not.
    fn conclude_restart(&mut self, vm: VmIndex) {
        let subject = Subject::Vm(vm);
        if let Some(host) = self.whereabouts.runs_on(vm) {
            let reason = format!("it runs on {}", self.pool.host_id(host));
            self.alerts.clear(AlertKind::VmRestartFailed, subject, &reason);
        } else if !self.vms[vm.get()].should_run {
            self.alerts.clear(AlertKind::VmRestartFailed, subject, "it is not to run any more");
        }
    }

    fn tell_if_twice(&mut self, vm: VmIndex) {
        let (kind, subject) = (AlertKind::VmRunsTwice, Subject::Vm(vm));
        if self.whereabouts.runs_twice(vm) {
            let hosts: Vec<&str> =
                self.whereabouts.claims(vm).iter().map(|&(host, _)| self.pool.host_id(host)).collect();
            let reason = format!("it runs or may run on {}: stop all but one there", hosts.join(" and "));
            self.alerts.raise(kind, subject, reason, None);
        } else {
            self.alerts.clear(kind, subject, "it runs on one host at most");
        }
    }

    /// Room or hosts have appeared: whoever waits for a place is tried at once; after a new host, whoever could not
    /// be started anywhere as well.
    pub(crate) fn capacity_appeared(&mut self, new_host: bool) {
        self.plan = None;
        self.changed_since.get_or_insert(self.now);
        for vm in self.waiting.clone() {
            let starts = &mut self.vms[vm.get()].starts;
            if starts.waits == Waits::Place || new_host && starts.waits == Waits::Failed {
                starts.now(self.now);
            }
        }
        for vm in &mut self.vms {
            if vm.moves.waits == Waits::Place {
                vm.moves.now(self.now);
            }
        }
    }

    /// The hosts whose VMs are being restarted: the planner is asked about their failure.
    pub(crate) fn failed_hosts(&self) -> HostSet {
        let lost = self.waiting.iter().filter_map(|vm| self.vms[vm.get()].lost_from);
        HostSet::of(self.hosts.len(), lost.filter(|host| !self.hosts[host.get()].is_up()))
    }

    /// The pool for planning: hosts that fail stand as they stood, with what waits to be restarted from them.
    pub(crate) fn picture_for_plan(&self, failed: &HostSet) -> Pool {
        let hosts = self.pool.host_indices().map(|host| {
            let state = &self.hosts[host.get()];
            if failed.contains(host) { state.state_before() } else { state.state_now() }
        });
        self.picture(&hosts.collect::<Vec<_>>(), failed)
    }

    /// The pool as it stands: for tolerance, and for people.
    pub(crate) fn picture_lasting(&self) -> Pool {
        let hosts: Vec<HostState> = self.hosts.iter().map(Host::state_lasting).collect();
        self.picture(&hosts, &HostSet::empty(self.hosts.len()))
    }

    fn picture(&self, hosts: &[HostState], failed: &HostSet) -> Pool {
        let sightings: Vec<Sighting> = self.pool.vm_indices().map(|vm| self.sighting(vm, failed)).collect();
        self.pool.observed(hosts, &sightings)
    }

    fn sighting(&self, vm: VmIndex, failed: &HostSet) -> Sighting {
        let state = &self.vms[vm.get()];
        let claims = self.whereabouts.claims(vm);
        let leaves = claims.iter().find(|&&(_, claim)| claim == Claim::Runs).or(claims.first());
        let host = leaves.map(|&(host, _)| host);
        let migrating_to = claims.iter().map(|&(at, _)| at).find(|&at| Some(at) != host);
        if host.is_some() {
            return Sighting { host, migrating_to, should_run: state.should_run };
        }
        // What nobody protects is down for good; for the plan it only stands where it stood.
        let stood = self.priority(vm) == RestartPriority::Unprotected || self.wants_to_run(vm);
        let host = state.lost_from.filter(|&home| failed.contains(home) && stood && state.should_run);
        Sighting { host, migrating_to: None, should_run: state.should_run }
    }

    /// Names of VMs for people; the first few.
    pub(crate) fn names(&self, vms: &[VmIndex]) -> String {
        let mut names: Vec<&str> = vms.iter().take(5).map(|&vm| self.pool.vm_id(vm)).collect();
        if vms.len() > names.len() {
            names.push("…");
        }
        names.join(", ")
    }
}
