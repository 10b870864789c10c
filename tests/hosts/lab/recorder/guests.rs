//! The guests' processes, found in `/proc`: QEMU's, whose group for blkio names lab and host, and whose arguments name the guest.
use crate::process::{Process, stat};
use std::collections::BTreeMap;
use std::fs;

/// After so many looks a process that was something else is looked at again.
const LOOK_AGAIN: u32 = 20;
/// So many looks a process is new: it may still become another program.
const NEW: u32 = 80;

/// A guest's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    pub(super) process: Process,
    pub(super) host: String,
    pub(super) vm: String,
}

/// Finds guests.
pub(super) struct Guests {
    lab: String,
    known: BTreeMap<u32, Guest>,
    /// Processes that are no guests: since when, in looks.
    others: BTreeMap<u32, u32>,
    looks: u32,
}

impl Guests {
    pub(super) fn new(lab: &str) -> Self {
        Self { lab: format!("/{lab}-"), known: BTreeMap::new(), others: BTreeMap::new(), looks: 0 }
    }

    /// All guests that have a process now.
    pub(super) fn look(&mut self) -> Vec<Guest> {
        self.looks += 1;
        let mut seen = Vec::new();
        let (mut known, mut others) = (BTreeMap::new(), BTreeMap::new());
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if let Some(guest) = self.known.get(&pid).filter(|guest| guest.process.lives()) {
                seen.push(guest.clone());
                known.insert(pid, guest.clone());
                continue;
            }
            let since = self.others.get(&pid).copied().unwrap_or(self.looks);
            let age = self.looks - since;
            let fresh = age < NEW || (age + pid).is_multiple_of(LOOK_AGAIN);
            match fresh.then(|| self.guest(pid)).flatten() {
                Some(guest) => {
                    seen.push(guest.clone());
                    known.insert(pid, guest);
                }
                None => {
                    others.insert(pid, since);
                }
            }
        }
        (self.known, self.others) = (known, others);
        seen
    }

    fn guest(&self, pid: u32) -> Option<Guest> {
        let stat = stat(pid)?;
        if !stat.name.starts_with("qemu-system") || stat.state == 'Z' {
            return None;
        }
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let host = groups.lines().find_map(|line| line.split_once(&self.lab))?.1;
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments);
        let vm =
            arguments.split('\0').find_map(|argument| argument.strip_prefix("guest="))?.split(',').next()?;
        Some(Guest {
            process: Process { pid, started: stat.started },
            host: host.trim().into(),
            vm: vm.into(),
        })
    }
}
