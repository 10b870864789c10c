//! What this host has of the pool's storages and networks, and whether that works.
use super::probe::Probe;
use crate::config::hypervisor::{Hypervisor, Network, OnLoss, Storage};
use lifeboat_link::note::HostFacts;
use lifeboat_protocol::Instant;
use std::fs;
use std::path::{Path, PathBuf};

/// Storages and networks of this host.
#[derive(Debug)]
pub struct Site {
    storages: Vec<(Storage, Option<Probe>)>,
    networks: Vec<Network>,
    facts: HostFacts,
    links: PathBuf,
}

/// Something of the pool's that this host has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its id in the pool.
    pub id: String,
    /// Whether it is a network; else a storage.
    pub network: bool,
    /// Since when it is known; networks: since when it was looked at first.
    pub since: Option<Instant>,
    /// How, for people.
    pub how: String,
    /// What is to be done with VMs that need it.
    pub reaction: OnLoss,
    /// After how many seconds.
    pub after_s: u64,
}

impl Site {
    /// What is configured. The storages' probes begin.
    pub fn new(section: &Hypervisor) -> Self {
        let storages = section.storages.iter();
        let facts = HostFacts {
            memory_mib: section.memory_mib.or_else(memory_mib).unwrap_or_default(),
            reserved_mib: section.reserved_mib,
            resources: section.resources.clone(),
            agent: env!("CARGO_PKG_VERSION").into(),
            ..HostFacts::default()
        };
        let vcpus = section.vcpus.map(|vcpus| ("vcpus".to_owned(), vcpus));
        Self {
            storages: storages.map(|s| (s.clone(), s.probe.clone().map(Probe::of))).collect(),
            networks: section.networks.clone(),
            facts: HostFacts { resources: facts.resources.into_iter().chain(vcpus).collect(), ..facts },
            links: "/sys/class/net".into(),
        }
    }

    /// What the host has, as far as this hypervisor is not asked: its own words are put in by the caller.
    pub fn facts(&self, hypervisor: String) -> HostFacts {
        let losses = self.losses();
        let lost = |network: bool, id: &String| losses.iter().any(|l| l.network == network && l.id == *id);
        let storages = self.storages.iter().map(|(storage, _)| &storage.id);
        let networks = self.networks.iter().map(|network| &network.id);
        HostFacts {
            storages: storages.filter(|id| !lost(false, id)).cloned().collect(),
            networks: networks.filter(|id| !lost(true, id)).cloned().collect(),
            hypervisor,
            ..self.facts.clone()
        }
    }

    /// What does not work now.
    pub fn losses(&self) -> Vec<Loss> {
        let storages = self.storages.iter().filter_map(|(storage, probe)| {
            let (since, how) = probe.as_ref()?.failing()?;
            Some(Loss {
                id: storage.id.clone(),
                network: false,
                since: Some(since),
                how,
                reaction: storage.on_loss,
                after_s: storage.after_s,
            })
        });
        let networks = self.networks.iter().filter_map(|network| {
            let uplink = network.uplink.as_ref()?;
            let how = link_fault(&self.links.join(uplink))?;
            Some(Loss {
                id: network.id.clone(),
                network: true,
                since: None,
                how: format!("{uplink} {how}"),
                reaction: network.on_loss,
                after_s: network.after_s,
            })
        });
        storages.chain(networks).collect()
    }

    /// The storage that a path lies on.
    pub fn storage_of_path(&self, path: &str) -> Option<&str> {
        let prefixes = self.storages.iter().flat_map(|(s, _)| s.paths.iter().map(move |path| (path, &s.id)));
        let fits = prefixes.filter(|(prefix, _)| path.starts_with(prefix.as_str()));
        fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, id)| id.as_str())
    }

    /// The storage that a pool of libvirt's is.
    pub fn storage_of_pool(&self, pool: &str) -> Option<&str> {
        let found = self.storages.iter().find(|(storage, _)| storage.pools.iter().any(|name| name == pool));
        found.map(|(storage, _)| storage.id.as_str())
    }

    /// The network that a bridge, an interface, or a network of libvirt's leads to.
    pub fn network_of(&self, name: &str) -> Option<&str> {
        let found = self.networks.iter().find(|network| network.names.iter().any(|known| known == name));
        found.map(|network| network.id.as_str())
    }

    /// Whether vCPUs are counted here.
    pub fn counts_vcpus(&self) -> bool {
        self.facts.resources.contains_key("vcpus")
    }
}

/// What is wrong with an interface.
fn link_fault(link: &Path) -> Option<&'static str> {
    match fs::read_to_string(link.join("carrier")) {
        Ok(carrier) if carrier.trim() == "1" => None,
        Ok(_) => Some("has no carrier"),
        Err(_) if link.exists() => Some("is down"),
        Err(_) => Some("is not there"),
    }
}

fn memory_mib() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let text = r#"
            vcpus = 8
            reserved_mib = 512
            resources = { "nvidia-a16" = 2 }
            [[storage]]
            id = "san1"
            paths = ["/srv/san1/", "/dev/mapper/san1-"]
            pools = ["san1-pool"]
            [[storage]]
            id = "san1-fast"
            paths = ["/srv/san1/fast/"]
            probe = "/nowhere/at/all"
            [[network]]
            id = "lan"
            names = ["br0", "default"]
            uplink = "eth9"
            on_loss = "restart"
            after_s = 5
            [[network]]
            id = "dmz"
            names = ["br1"]
        "#;
        Site::new(&toml::from_str(text).expect("it is well-formed"))
    }

    #[test]
    fn disks_and_interfaces_are_found_by_what_is_configured() {
        let site = site();
        assert_eq!(site.storage_of_path("/srv/san1/vm.img"), Some("san1"));
        assert_eq!(site.storage_of_path("/srv/san1/fast/vm.img"), Some("san1-fast"));
        assert_eq!(site.storage_of_path("/var/lib/libvirt/images/vm.img"), None);
        assert_eq!(site.storage_of_pool("san1-pool"), Some("san1"));
        assert_eq!(site.network_of("br1"), Some("dmz"));
    }

    #[test]
    fn what_does_not_work_is_not_among_what_the_host_has() {
        let mut site = site();
        let links = tempfile::tempdir().expect("a folder");
        site.links = links.path().to_owned();
        let end = crate::clock::now() + std::time::Duration::from_secs(10);
        while site.losses().len() < 2 && crate::clock::now() < end {
            crate::clock::wait(std::time::Duration::from_millis(5));
        }
        let facts = site.facts("test".into());
        assert_eq!((facts.storages, facts.networks), (vec!["san1".to_owned()], vec!["dmz".to_owned()]));
        assert_eq!(facts.resources.get("vcpus"), Some(&8));
        assert!(facts.memory_mib > 0 && facts.reserved_mib == 512);
        let lan = site.losses().into_iter().find(|loss| loss.network).expect("lan is lost");
        assert_eq!((lan.how.as_str(), lan.reaction), ("eth9 is not there", OnLoss::Restart));

        fs::create_dir(links.path().join("eth9")).expect("a folder");
        fs::write(links.path().join("eth9/carrier"), "1\n").expect("a file");
        assert_eq!(site.facts(String::new()).networks, ["lan", "dmz"]);
        fs::write(links.path().join("eth9/carrier"), "0\n").expect("a file");
        assert_eq!(site.facts(String::new()).networks, ["dmz"]);
    }
}
