//! Which VMs run where, by what hosts say, whether the coordinator knows those VMs or not.
use lifeboat_model::HostIndex;
use std::collections::{BTreeMap, BTreeSet};

/// Who was seen where.
#[derive(Clone, Debug, Default)]
pub struct Sightings(BTreeMap<String, BTreeSet<HostIndex>>);

impl Sightings {
    /// A host's inventory: it runs these, and nothing else.
    pub fn inventory<'v>(&mut self, host: HostIndex, vms: impl IntoIterator<Item = &'v str>) {
        self.over(host);
        for vm in vms {
            self.runs(vm, host);
        }
    }

    /// A VM runs on a host.
    pub fn runs(&mut self, vm: &str, host: HostIndex) {
        self.0.entry(vm.to_owned()).or_default().insert(host);
    }

    /// A VM does not run on a host.
    pub fn stopped(&mut self, vm: &str, host: HostIndex) {
        if let Some(hosts) = self.0.get_mut(vm) {
            hosts.remove(&host);
            if hosts.is_empty() {
                self.0.remove(vm);
            }
        }
    }

    /// Nothing runs on a host any more.
    pub fn over(&mut self, host: HostIndex) {
        self.0.retain(|_, hosts| {
            hosts.remove(&host);
            !hosts.is_empty()
        });
    }

    /// Whether a VM was seen on a host.
    pub fn is_on(&self, vm: &str, host: HostIndex) -> bool {
        self.0.get(vm).is_some_and(|hosts| hosts.contains(&host))
    }

    /// Where a VM was seen.
    pub fn of(&self, vm: &str) -> impl Iterator<Item = HostIndex> + '_ {
        self.0.get(vm).into_iter().flatten().copied()
    }

    /// The VMs that were seen on a host.
    pub fn on(&self, host: HostIndex) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(_, hosts)| hosts.contains(&host)).map(|(vm, _)| vm.as_str())
    }

    /// The hosts where a VM runs besides the one where it belongs; none if it does not run there.
    pub fn besides(&self, vm: &str, home: HostIndex) -> Vec<HostIndex> {
        if !self.is_on(vm, home) {
            return Vec::new();
        }
        self.of(vm).filter(|&host| host != home).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: HostIndex = HostIndex(0);
    const B: HostIndex = HostIndex(1);

    #[test]
    fn a_vm_on_two_hosts_is_besides_where_it_belongs() {
        let mut seen = Sightings::default();
        seen.inventory(A, ["db", "web"]);
        seen.runs("db", B);
        assert_eq!(seen.besides("db", A), [B]);
        assert_eq!(seen.besides("web", A), []);
        assert_eq!(seen.besides("web", B), [], "it is not where it belongs: nobody knows which one counts");
        seen.stopped("db", B);
        assert_eq!(seen.besides("db", A), []);
    }

    #[test]
    fn an_inventory_is_all_that_a_host_runs() {
        let mut seen = Sightings::default();
        seen.inventory(A, ["db"]);
        seen.inventory(A, ["web"]);
        assert!(!seen.is_on("db", A) && seen.is_on("web", A));
        seen.over(A);
        assert_eq!(seen.of("web").count(), 0);
    }
}
