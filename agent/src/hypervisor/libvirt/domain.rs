//! What `virsh` says of domains, read: who there is, what each does, and how its last run ended.
use crate::config::hypervisor::VmId;
use crate::hypervisor::{Ending, Fault, Guest, GuestState};
use lifeboat_protocol::order::StopCause;
use roxmltree::{Document, Node};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// What the domains are called here.
#[derive(Debug)]
pub struct Known {
    vm_id: VmId,
    /// UUID by name.
    uuids: BTreeMap<String, String>,
}

impl Known {
    /// Nothing is known.
    pub const fn new(vm_id: VmId) -> Self {
        Self { vm_id, uuids: BTreeMap::new() }
    }

    /// What a VM is called in the pool.
    pub fn id(&self, name: String, uuid: String) -> String {
        match self.vm_id {
            VmId::Name => name,
            VmId::Uuid => uuid,
        }
    }

    /// What the VM of that name is called in the pool; none: it has not been listed yet.
    pub fn vm_named(&self, name: &str) -> Option<String> {
        match self.vm_id {
            VmId::Name => Some(name.to_owned()),
            VmId::Uuid => self.uuids.get(name).cloned(),
        }
    }

    /// What the VM of that UUID is called in the pool.
    pub fn vm_of(&self, uuid: &str) -> Option<String> {
        let (name, uuid) = self.uuids.iter().find(|(_, known)| *known == uuid)?;
        Some(self.id(name.clone(), uuid.clone()))
    }

    /// The UUID of a VM.
    pub fn uuid(&self, vm: &str) -> Option<String> {
        match self.vm_id {
            VmId::Name => self.uuids.get(vm).cloned(),
            VmId::Uuid => self.uuids.values().find(|uuid| *uuid == vm).cloned(),
        }
    }

    /// Reads a list of UUIDs and names, and the states that follow it.
    ///
    /// # Errors
    /// If something is there that is no such list: then nothing is known.
    pub fn read(&mut self, text: &str) -> Result<Vec<Guest>, Fault> {
        let odd = |line: &str| Fault::Silent(format!("a list of domains that cannot be read: {line:?}"));
        let mut uuids = BTreeMap::new();
        for line in text.lines().take_while(|line| !line.starts_with(STATISTICS)) {
            if line.trim().is_empty() {
                continue;
            }
            let (uuid, name) = line.split_once(' ').ok_or_else(|| odd(line))?;
            if uuid.len() != 36 {
                return Err(odd(line));
            }
            uuids.insert(name.to_owned(), uuid.to_owned());
        }
        let statistics = statistics(text);
        self.uuids = uuids;
        let guest = |(name, uuid): (&String, &String)| {
            let number =
                |key| statistics.get(name.as_str()).and_then(|all| all.get(key)?.parse::<u32>().ok());
            // One that came or went between the two answers: the next look knows better.
            let state = number("state.state")
                .map_or(GuestState::Unknown, |main| state(main, number("state.reason").unwrap_or_default()));
            Guest { vm: self.id(name.clone(), uuid.clone()), state }
        };
        Ok(self.uuids.iter().map(guest).collect())
    }

    /// How often disks and networks of each VM were used.
    pub fn activity(&self, text: &str) -> BTreeMap<String, u64> {
        let used = |(key, value): (&&str, &&str)| -> u64 {
            let counts = [".rd.reqs", ".wr.reqs", ".rx.pkts", ".tx.pkts"];
            let counts = counts.iter().any(|ending| key.ends_with(ending));
            if counts { value.parse().unwrap_or_default() } else { 0 }
        };
        let of = |(name, all): (&str, BTreeMap<&str, &str>)| {
            Some((self.vm_named(name)?, all.iter().map(used).fold(0, u64::saturating_add)))
        };
        statistics(text).into_iter().filter_map(of).collect()
    }
}

const STATISTICS: &str = "Domain: '";

fn statistics(text: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut name = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix(STATISTICS) {
            name = rest.strip_suffix('\'');
            all.entry(name.unwrap_or_default()).or_default();
        } else if let (Some(name), Some((key, value))) = (name, line.trim_start().split_once('=')) {
            all.entry(name).or_default().insert(key, value);
        }
    }
    all
}

/// libvirt's numbers for states and their reasons (`virDomainState`).
fn state(main: u32, reason: u32) -> GuestState {
    match (main, reason) {
        (1 | 2 | 4 | 7, _) => GuestState::Running,
        (3, 5) => GuestState::DiskFailed,
        (3, 2 | 11) => GuestState::Arriving,
        // After the switch of a post-copy migration it runs at the far end.
        (3, 12 | 13) => GuestState::Unknown,
        (3, _) => GuestState::Paused,
        (5, 1) => GuestState::Stopped(Some(Ending::Here(StopCause::ShutDownInside))),
        (5, 2 | 5 | 7) => GuestState::Stopped(Some(Ending::Here(StopCause::Stopped))),
        (5, 4) => GuestState::Stopped(Some(Ending::Left)),
        (5, 3 | 6 | 8) => GuestState::Stopped(Some(Ending::Here(StopCause::Crashed))),
        (5, _) => GuestState::Stopped(None),
        (6, _) => GuestState::Wreck,
        _ => GuestState::Unknown,
    }
}

pub(super) fn document(xml: &str) -> Result<Document<'_>, Fault> {
    Document::parse(xml).map_err(|e| Fault::Refused(format!("its definition is no XML of a domain: {e}")))
}

/// The UUID that a definition has.
///
/// # Errors
/// If it is none, or has no UUID: then nobody could tell that it is the same VM elsewhere.
pub fn uuid_in(xml: &str) -> Result<String, Fault> {
    let document = document(xml)?;
    let uuid = document.root_element().children().find(|node| node.has_tag_name("uuid"));
    let uuid = uuid.and_then(|uuid| uuid.text()).map(|text| text.trim().to_owned());
    uuid.filter(|uuid| uuid.len() == 36).ok_or_else(|| Fault::Refused("its definition has no <uuid>".into()))
}

/// The file that its console goes to.
pub(super) fn console(xml: &str) -> Option<PathBuf> {
    let document = Document::parse(xml).ok()?;
    let serial = document.descendants().find(|node| {
        let is = node.has_tag_name("serial") || node.has_tag_name("console");
        is && node.attribute("type") == Some("file")
    })?;
    let logged = serial.children().find_map(|node| node.attribute("path"));
    logged.map(PathBuf::from)
}

/// The address that its definition tells, as metadata.
pub(super) fn address_in(xml: &str) -> Option<IpAddr> {
    let document = Document::parse(xml).ok()?;
    let told = |node: &Node<'_, '_>| node.tag_name().namespace() == Some("https://lifeboat.example/guest");
    let node = document.descendants().find(told)?;
    node.attribute("address")?.parse().ok()
}

/// The first address of a table of interfaces that others can reach.
pub(super) fn address_listed(table: &str) -> Option<IpAddr> {
    let addresses = table.split_ascii_whitespace().filter_map(|word| word.split_once('/')?.0.parse().ok());
    addresses.into_iter().find(|address: &IpAddr| match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    })
}

#[cfg(test)]
mod tests;
