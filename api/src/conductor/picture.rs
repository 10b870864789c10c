//! How hosts and VMs are, by name: what the coordinator knows, and the pool's document is told.
use super::names::Names;
use lifeboat_coordinator::Bearing;
use lifeboat_model::pool::Sighting;
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, Pool};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How hosts and VMs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    hosts: BTreeMap<String, HostState>,
    vms: BTreeMap<String, Seen>,
    bearings: BTreeMap<String, Bearing>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    host: Option<String>,
    migrating_to: Option<String>,
    should_run: bool,
}

/// A pool that has come to look as it is.
#[derive(Debug)]
pub struct Corrected {
    /// The pool.
    pub pool: Pool,
    /// What has happened: the kind of event, and what there is to say.
    pub events: Vec<(&'static str, Value)>,
}

impl Picture {
    /// The coordinator's picture. Hosts that are `out` have left on purpose: they are not missed. Others that are not there are dead, also if
    /// they have yet to come for the first time: they lower no target, and nobody counts on them.
    pub fn of(pool: &Pool, names: &Names, out: &BTreeSet<HostIndex>) -> Self {
        let id = |host: HostIndex| names.host_id(host).map(str::to_owned);
        let state = |host: HostIndex| match pool.host(host).state {
            HostState::Dead if out.contains(&host) => HostState::Maintenance,
            state => state,
        };
        let hosts = pool.host_indices().filter_map(|host| Some((id(host)?, state(host)))).collect();
        let seen = |vm| {
            let known = pool.vm(vm);
            Seen {
                host: pool
                    .runs_on(vm)
                    .or(known.host.filter(|_| known.power_state.holds_resources()))
                    .and_then(id),
                migrating_to: known.migrating_to.and_then(id),
                should_run: known.should_run,
            }
        };
        let vms = pool.vm_indices().map(|vm| (pool.vm_id(vm).to_owned(), seen(vm))).collect();
        Self { hosts, vms, bearings: BTreeMap::new() }
    }

    /// The same with what the coordinator makes of each host, which the pool's document does not have.
    #[must_use]
    pub fn with(mut self, names: &Names, bearings: impl Iterator<Item = Bearing>) -> Self {
        let id = |position| names.host_id(HostIndex::new(position)).map(str::to_owned);
        self.bearings =
            bearings.enumerate().filter_map(|(position, bearing)| Some((id(position)?, bearing))).collect();
        self
    }

    /// What the coordinator makes of a host; none: it knows none of that name.
    pub fn bearing(&self, host: &str) -> Option<Bearing> {
        self.bearings.get(host).copied()
    }

    /// The pool of this document as it is; none if it looks so already. What the picture does not have stays as it is.
    pub fn correct(&self, pool: &Pool) -> Option<Corrected> {
        let hosts: Vec<HostState> = pool
            .host_indices()
            .map(|host| self.hosts.get(pool.host_id(host)).copied().unwrap_or(pool.host(host).state))
            .collect();
        let find = |id: &Option<String>| id.as_deref().and_then(|id| pool.find_host(id));
        let vms: Vec<Sighting> = pool
            .vm_indices()
            .map(|vm| {
                if let Some(seen) = self.vms.get(pool.vm_id(vm)) {
                    return Sighting {
                        host: find(&seen.host),
                        migrating_to: find(&seen.migrating_to).filter(|_| seen.host.is_some()),
                        should_run: seen.should_run,
                    };
                }
                let known = pool.vm(vm);
                let host = known.host.filter(|_| known.power_state.holds_resources());
                Sighting { host, migrating_to: known.migrating_to, should_run: known.should_run }
            })
            .collect();
        let after = pool.observed(&hosts, &vms);
        if after == *pool {
            return None;
        }
        let events = events(pool, &after);
        Some(Corrected { pool: after, events })
    }
}

fn events(before: &Pool, after: &Pool) -> Vec<(&'static str, Value)> {
    let mut events = Vec::new();
    for host in after.host_indices() {
        let (was, is) = (before.host(host).state, after.host(host).state);
        let kind = match is {
            _ if was == is => continue,
            HostState::Live if !was.is_up() => "host-up",
            HostState::Live => "host-enabled",
            HostState::Disabled => "host-disabled",
            HostState::Maintenance => "host-maintenance",
            HostState::Dead => "host-down",
            HostState::Fenced => "host-fenced",
        };
        events.push((kind, json!({"host": after.host_id(host)})));
    }
    for vm in after.vm_indices() {
        let (was, is) = (before.vm(vm), after.vm(vm));
        let (id, name) = (after.vm_id(vm), |host: HostIndex| after.host_id(host));
        let holds = |vm: &lifeboat_model::pool::Vm| vm.host.filter(|_| vm.power_state.holds_resources());
        match (holds(was), holds(is)) {
            (from, Some(host)) if from != Some(host) => {
                let moved = from.is_some_and(|_| was.migrating_to == Some(host));
                let kind = if moved { "migration-ended" } else { "vm-started" };
                events.push((kind, json!({"vm": id, "host": name(host)})));
            }
            (Some(_), None) if is.should_run => events.push(("vm-crashed", json!({"vm": id}))),
            (Some(_), None) => events.push(("vm-stopped", json!({"vm": id}))),
            _ => {}
        }
        match (was.migrating_to, is.migrating_to) {
            (before, Some(to)) if before != Some(to) => {
                events.push(("migration-begun", json!({"vm": id, "host": name(to)})));
            }
            (Some(_), None) if holds(was) == holds(is) => {
                events.push(("migration-aborted", json!({"vm": id})));
            }
            _ => {}
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;
    use lifeboat_model::PoolSpec;
    use lifeboat_model::spec::{HostSpec, VmSpec};

    fn pool(states: [HostState; 2], on: Option<&str>, to: Option<&str>) -> Pool {
        let host = |(position, state)| HostSpec {
            id: format!("h{}", position + 1),
            memory_mib: 4096,
            state,
            ..HostSpec::default()
        };
        let db = VmSpec {
            id: "db".to_owned(),
            memory_mib: 512,
            host: on.map(str::to_owned),
            migrating_to: to.map(str::to_owned),
            should_run: true,
            ..VmSpec::default()
        };
        let hosts = states.into_iter().enumerate().map(host).collect();
        Pool::new(&PoolSpec { id: "p".to_owned(), hosts, vms: vec![db], ..PoolSpec::default() })
            .expect("a pool")
    }

    fn picture(pool: &Pool, out: &[usize]) -> Picture {
        let out = out.iter().map(|&host| HostIndex::new(host)).collect();
        Picture::of(pool, &Names::of(&roster(&["h1", "h2"])), &out)
    }

    fn kinds(corrected: &Corrected) -> Vec<&'static str> {
        corrected.events.iter().map(|(kind, _)| *kind).collect()
    }

    use HostState::{Dead, Fenced, Live, Maintenance};

    #[test]
    fn a_restart_after_a_hosts_death_comes_to_stand_in_the_document() {
        let document = pool([Live, Live], Some("h1"), None);
        let down = picture(&pool([Dead, Live], Some("h1"), None), &[]).correct(&document).expect("news");
        assert_eq!(kinds(&down), ["host-down"]);
        let safe = picture(&pool([Fenced, Live], None, None), &[]).correct(&down.pool).expect("news");
        assert_eq!(kinds(&safe), ["host-fenced", "vm-crashed"]);
        let again = picture(&pool([Fenced, Live], Some("h2"), None), &[]).correct(&safe.pool).expect("news");
        assert_eq!(kinds(&again), ["vm-started"]);
        assert!(picture(&again.pool, &[]).correct(&again.pool).is_none());
    }

    #[test]
    fn a_migration_begins_and_ends() {
        let document = pool([Live, Live], Some("h1"), None);
        let begun = picture(&pool([Live, Live], Some("h1"), Some("h2")), &[]).correct(&document);
        let begun = begun.expect("news");
        assert_eq!(kinds(&begun), ["migration-begun"]);
        let ended = picture(&pool([Live, Live], Some("h2"), None), &[]).correct(&begun.pool).expect("news");
        assert_eq!(kinds(&ended), ["migration-ended"]);
        let aborted = picture(&document, &[]).correct(&begun.pool).expect("news");
        assert_eq!(kinds(&aborted), ["migration-aborted"]);
    }

    #[test]
    fn a_host_that_has_left_on_purpose_has_not_failed() {
        let document = pool([Live, Live], None, None);
        let left = picture(&pool([Live, Dead], None, None), &[1]).correct(&document).expect("news");
        assert_eq!(left.pool.host(HostIndex::new(1)).state, Maintenance);
    }
}
