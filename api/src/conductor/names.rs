//! What the coordinator's numbers stand for in one term: hosts in the roster's order, VMs in the order in which the term got to
//! know them. Numbers are never given again within the term, whoever leaves.
use lifeboat_link::Roster;
use lifeboat_model::{HostIndex, VmIndex};
use std::collections::BTreeMap;

/// The names of a term.
#[derive(Clone, Debug, Default)]
pub struct Names {
    hosts: Vec<Host>,
    vms: Vec<String>,
    by_vm: BTreeMap<String, VmIndex>,
}

/// A host of the roster.
#[derive(Clone, Debug)]
struct Host {
    /// Its name in the pool document.
    id: String,
    /// What the coordinator calls it: another name where its own was given again.
    alias: String,
    removed: bool,
}

impl Names {
    /// The names of a term that begins with this roster.
    pub fn of(roster: &Roster) -> Self {
        let mut names = Self::default();
        names.follow(roster);
        names
    }

    /// Hosts have joined or left.
    pub fn follow(&mut self, roster: &Roster) {
        for (position, member) in roster.hosts.iter().enumerate() {
            if let Some(known) = self.hosts.get_mut(position) {
                known.removed = member.removed;
                continue;
            }
            // Who belongs to the pool has the name; who has left it is told apart.
            let taken = self.hosts.iter().any(|known| known.alias == member.id)
                || roster.hosts[position + 1..].iter().any(|later| later.id == member.id);
            let id = member.id.clone();
            let alias = if taken { format!("{id} ({position})") } else { id.clone() };
            self.hosts.push(Host { id, alias, removed: member.removed });
        }
    }

    /// How many hosts there are, those that have left counted.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// The host of that name which belongs to the pool.
    pub fn host(&self, id: &str) -> Option<HostIndex> {
        self.hosts.iter().position(|host| host.id == id && !host.removed).map(HostIndex::new)
    }

    /// The name of a host in the pool document; none if it has left the pool.
    pub fn host_id(&self, host: HostIndex) -> Option<&str> {
        self.hosts.get(host.get()).filter(|host| !host.removed).map(|host| &*host.id)
    }

    /// What the coordinator calls a host.
    pub fn alias(&self, host: HostIndex) -> Option<&str> {
        self.hosts.get(host.get()).map(|host| &*host.alias)
    }

    /// The number of a VM; given to it if it has none.
    pub fn number(&mut self, vm: &str) -> VmIndex {
        if let Some(known) = self.by_vm.get(vm) {
            return *known;
        }
        let index = VmIndex::new(self.vms.len());
        self.vms.push(vm.to_owned());
        self.by_vm.insert(vm.to_owned(), index);
        index
    }

    /// The VM of that name.
    pub fn vm(&self, id: &str) -> Option<VmIndex> {
        self.by_vm.get(id).copied()
    }

    /// The name of a VM.
    pub fn vm_id(&self, vm: VmIndex) -> Option<&str> {
        self.vms.get(vm.get()).map(String::as_str)
    }

    /// All VMs, by number.
    pub fn vms(&self) -> &[String] {
        &self.vms
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use lifeboat_link::roster::{LivenessSettings, Member};

    /// A roster of these hosts; `!` before a name: it has left.
    pub(crate) fn roster(hosts: &[&str]) -> Roster {
        let member = |name: &&str| Member {
            id: name.trim_start_matches('!').to_owned(),
            addresses: vec!["127.0.0.1:7946".parse().expect("an address")],
            api: format!("http://{name}:7878"),
            removed: name.starts_with('!'),
        };
        Roster {
            version: 1,
            pool: "prod".to_owned(),
            pool_id: "000102030405060708090a0b0c0d0e0f".to_owned(),
            networks: vec!["hb0".to_owned()],
            settings: LivenessSettings::default(),
            hosts: hosts.iter().map(member).collect(),
            authorities: Vec::new(),
        }
    }

    #[test]
    fn a_name_that_was_given_again_is_the_new_hosts() {
        let names = Names::of(&roster(&["h1", "!h2", "h2"]));
        assert_eq!(names.host("h2"), Some(HostIndex::new(2)));
        assert_eq!(names.alias(HostIndex::new(1)), Some("h2 (1)"));
        assert_eq!(names.alias(HostIndex::new(2)), Some("h2"));
        assert_eq!(names.host_id(HostIndex::new(1)), None);
    }

    #[test]
    fn whoever_joins_or_leaves_everybody_keeps_his_number_and_alias() {
        let mut names = Names::of(&roster(&["h1", "h2"]));
        names.follow(&roster(&["h1", "!h2", "h2", "h3"]));
        assert_eq!(names.alias(HostIndex::new(1)), Some("h2"));
        assert_eq!(names.alias(HostIndex::new(2)), Some("h2 (2)"));
        assert_eq!(names.host("h2"), Some(HostIndex::new(2)));
        assert_eq!(names.host("h3"), Some(HostIndex::new(3)));
    }

    #[test]
    fn a_vm_has_one_number_for_the_term() {
        let mut names = Names::default();
        let (db, web) = (names.number("db"), names.number("web"));
        assert_eq!((names.number("db"), names.vm("web")), (db, Some(web)));
        assert_eq!(names.vm_id(web), Some("web"));
        assert_eq!(names.vm("none"), None);
    }
}
