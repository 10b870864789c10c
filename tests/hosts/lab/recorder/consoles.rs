//! What the hosts' folders show: which hosts are on, and the guests' consoles, a file for every guest on every host, which grows while the
//! guest executes there.
use crate::host::Host;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// After so many looks it is looked whether there are more hosts.
const HOSTS_AGAIN: u32 = 40;

/// Sees consoles grow.
pub(super) struct Consoles {
    lab: PathBuf,
    hosts: Vec<Host>,
    lengths: BTreeMap<(String, String), u64>,
    looks: u32,
}

impl Consoles {
    pub(super) fn new(lab: &Path) -> Self {
        Self { lab: lab.to_path_buf(), hosts: Vec::new(), lengths: BTreeMap::new(), looks: 0 }
    }

    /// Whose consoles have grown since the last look: host and guest.
    pub(super) fn look(&mut self) -> Vec<(String, String)> {
        if self.looks.is_multiple_of(HOSTS_AGAIN) {
            self.hosts = Host::all(&self.lab);
        }
        self.looks += 1;
        let mut grown = Vec::new();
        for host in &self.hosts {
            let (host, folder) = (host.name(), host.folder().join("log/consoles"));
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(length) = entry.metadata().map(|data| data.len()) else { continue };
                let vm = entry.file_name().to_string_lossy().into_owned();
                let before = self.lengths.insert((host.to_owned(), vm.clone()), length).unwrap_or(0);
                if length > before {
                    grown.push((host.to_owned(), vm));
                }
            }
        }
        grown
    }

    /// Which hosts are on, as of the last look.
    pub(super) fn power(&self) -> Vec<(String, bool)> {
        self.hosts.iter().map(|host| (host.name().to_owned(), host.is_on())).collect()
    }
}
