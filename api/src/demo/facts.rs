//! From what happens in the simulated pool to what the service is told: only what the pool itself can know. A host that
//! loses power is told as down when the pool has agreed so, not when it happens.
use crate::dto::served::event::Told;
use crate::served::Fact;
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_simulator::happening::HaltCause;
use lifeboat_simulator::live::{Duty, Happened, Known, What};
use lifeboat_simulator::trace::Line;
use serde_json::Map;
use std::collections::BTreeSet;

/// What has been told so far.
#[derive(Debug)]
pub struct Facts {
    members: Vec<bool>,
    duties: Vec<Duty>,
    /// Where each VM runs, as told.
    places: Vec<Option<HostIndex>>,
    /// VMs that ended with their host, which nobody has been told of.
    ended: Vec<BTreeSet<VmIndex>>,
    migrating: BTreeSet<VmIndex>,
}

impl Facts {
    /// A service that has been given the pool's document.
    pub fn new(pool: &Pool) -> Self {
        let hosts = pool.hosts().len();
        Self {
            members: vec![true; hosts],
            duties: vec![Duty::Enabled; hosts],
            places: pool.vm_indices().map(|vm| pool.runs_on(vm)).collect(),
            ended: vec![BTreeSet::new(); hosts],
            migrating: BTreeSet::new(),
        }
    }

    /// The facts of what has happened, in its order.
    pub fn of(&mut self, pool: &Pool, happened: &[Happened]) -> Vec<Told> {
        let mut facts = Vec::new();
        for one in happened {
            match &one.what {
                What::Known { host, known } => self.known(pool, *host, *known, &mut facts),
                What::Duty { host, duty } => {
                    self.duties[host.get()] = *duty;
                    if self.members[host.get()] {
                        facts.push(state(pool, *host, serving(*duty)));
                    }
                }
                What::Line(line) => self.line(pool, line, &mut facts),
            }
        }
        facts
    }

    fn known(&mut self, pool: &Pool, host: HostIndex, known: Known, facts: &mut Vec<Told>) {
        self.members[host.get()] = known == Known::Member;
        self.ended[host.get()].clear();
        match known {
            Known::Member => {
                let id = pool.host_id(host).to_owned();
                facts.push(told("host-up", None, Some(&id), Fact::HostUp { host: id.clone() }));
                let duty = self.duties[host.get()];
                if duty != Duty::Enabled {
                    facts.push(state(pool, host, serving(duty)));
                }
            }
            Known::Lost => {
                for place in self.places.iter_mut().filter(|place| **place == Some(host)) {
                    *place = None;
                }
                facts.push(state(pool, host, HostState::Dead));
            }
            // A host that has left is as certain to run no VM as one that was fenced.
            Known::Safe | Known::Out => facts.push(state(pool, host, HostState::Fenced)),
        }
    }

    fn line(&mut self, pool: &Pool, line: &Line, facts: &mut Vec<Told>) {
        match line {
            Line::VmExecutes { vm, host } => facts.push(self.runs(pool, "vm-started", *vm, *host)),
            Line::HandOver { vm, to, .. } => facts.push(self.runs(pool, "migration-ended", *vm, *to)),
            Line::MigrateCommand { vm, to, .. } => {
                if let Some(index) = pool.find_vm(vm) {
                    self.migrating.insert(index);
                }
                let host = pool.host_id(*to).to_owned();
                let fact = Fact::MigrationBegun { vm: vm.clone(), host: host.clone() };
                facts.push(told("migration-begun", Some(vm), Some(&host), fact));
            }
            Line::OrderFailed { vm, .. } if pool.find_vm(vm).is_some_and(|vm| self.migrating.remove(&vm)) => {
                let fact = Fact::MigrationAborted { vm: vm.clone() };
                facts.push(told("migration-aborted", Some(vm), None, fact));
            }
            Line::VmStopped { vm, host, cause } if self.places[vm.get()] == Some(*host) => match cause {
                HaltCause::Itself(_) => facts.push(crashed(pool, *vm)),
                HaltCause::Ordered => {
                    self.places[vm.get()] = None;
                    let vm = pool.vm_id(*vm).to_owned();
                    facts.push(told("vm-stopped", Some(&vm), None, Fact::VmStopped { vm: vm.clone() }));
                }
                HaltCause::HostDown(_) | HaltCause::Fence => {
                    self.ended[host.get()].insert(*vm);
                }
            },
            // The host is back before the pool has agreed that it was away: its VMs are not.
            Line::LeaseGained { host } => {
                let ended = std::mem::take(&mut self.ended[host.get()]);
                let gone = ended.into_iter().filter(|vm| self.places[vm.get()] == Some(*host));
                facts.extend(gone.map(|vm| crashed(pool, vm)));
            }
            _ => {}
        }
    }

    fn runs(&mut self, pool: &Pool, kind: &'static str, vm: VmIndex, host: HostIndex) -> Told {
        self.migrating.remove(&vm);
        self.places[vm.get()] = Some(host);
        let (vm, host) = (pool.vm_id(vm).to_owned(), pool.host_id(host).to_owned());
        told(kind, Some(&vm), Some(&host), Fact::VmRuns { vm: vm.clone(), host: host.clone() })
    }
}

/// An event as the service is told it, and logs it.
fn told(kind: &'static str, vm: Option<&str>, host: Option<&str>, fact: Fact) -> Told {
    let named = [("vm", vm), ("host", host)].into_iter();
    let data = named.filter_map(|(key, name)| Some((key.to_owned(), name?.into()))).collect::<Map<_, _>>();
    Told { kind, fact, at: None, data }
}

fn crashed(pool: &Pool, vm: VmIndex) -> Told {
    let vm = pool.vm_id(vm).to_owned();
    told("vm-crashed", Some(&vm), None, Fact::VmCrashed { vm: vm.clone() })
}

fn state(pool: &Pool, host: HostIndex, state: HostState) -> Told {
    let kind = match state {
        HostState::Live => "host-enabled",
        HostState::Disabled => "host-disabled",
        HostState::Maintenance => "host-maintenance",
        HostState::Dead => "host-down",
        HostState::Fenced => "host-fenced",
    };
    let host = pool.host_id(host).to_owned();
    told(kind, None, Some(&host), Fact::HostState { host: host.clone(), state })
}

/// The state of a member of which operators want that.
fn serving(duty: Duty) -> HostState {
    match duty {
        Duty::Enabled => HostState::Live,
        Duty::Disabled => HostState::Disabled,
        Duty::Maintenance | Duty::Leaving | Duty::Rebooting => HostState::Maintenance,
    }
}

#[cfg(test)]
mod tests;
