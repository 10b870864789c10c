//! libvirt, by its command line `virsh`: found when the agent runs, so that nothing of libvirt is needed to build it, and a daemon that
//! hangs can stall a child process only, which is killed. `qemu:///system` is what is tested; `xen:///system` takes the same way, but has
//! no QEMU processes that could be killed when its daemon is silent.
pub mod agility;
pub mod domain;
pub mod events;
mod heartbeat;
mod last;
pub mod virsh;

use super::exec::revive;
use super::site::Site;
use super::{Event, Fault, Guest, GuestState, Hypervisor, Listener, Permit, Pulse};
use crate::clock;
use crate::config::hypervisor as section;
use domain::Known;
use heartbeat::Heartbeats;
use lifeboat_link::note::{HostFacts, VmFacts};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use virsh::Virsh;

/// After a migration that took too long was called off, how long it may take to say where the VM is.
const SETTLES: Duration = Duration::from_secs(30);
/// How long a guest's agent may take to answer.
const AGENT: &str = "5";

/// libvirt on this host.
pub struct Libvirt {
    virsh: Virsh,
    section: section::Hypervisor,
    site: Arc<Site>,
    /// What each VM is called here, as of the last list.
    known: Arc<Mutex<Known>>,
    heartbeats: Arc<Heartbeats>,
    version: Mutex<Option<String>>,
}

impl Libvirt {
    /// libvirt as it is configured; nothing is asked of it yet.
    pub fn new(section: &section::Hypervisor, site: Arc<Site>) -> Self {
        let known = Known::new(section.vm_id);
        Self {
            virsh: Virsh::new(section),
            section: section.clone(),
            site,
            known: Arc::new(Mutex::new(known)),
            heartbeats: Arc::default(),
            version: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By what libvirt knows a VM: its UUID, which is never taken for anything else.
    fn uuid(&self, vm: &str) -> Result<Option<String>, Fault> {
        if let Some(uuid) = self.known().uuid(vm) {
            return Ok(Some(uuid));
        }
        self.guests()?;
        Ok(self.known().uuid(vm))
    }

    fn here(&self, vm: &str) -> Result<String, Fault> {
        self.uuid(vm)?.ok_or_else(|| Fault::Refused("there is no such VM here".into()))
    }

    fn state(&self, vm: &str) -> Result<Option<GuestState>, Fault> {
        Ok(self.guests()?.into_iter().find(|guest| guest.vm == vm).map(|guest| guest.state))
    }

    fn start_within(&self) -> Duration {
        Duration::from_secs(self.section.start_within_s)
    }

    fn xml(&self, uuid: &str, inactive: bool) -> Result<String, Fault> {
        // With what is secret: without a console's password it would start elsewhere with an open console.
        let mut arguments = vec!["dumpxml", "--security-info", "--domain", uuid];
        if inactive {
            arguments.push("--inactive");
        }
        self.virsh.ask(&arguments)
    }

    /// Whether a migration that did not end well has moved the VM all the same.
    fn whither(&self, vm: &str, why: String) -> Result<(), Fault> {
        match self.state(vm)? {
            Some(GuestState::Running | GuestState::DiskFailed) => Err(Fault::Refused(why)),
            // It is undefined here only after it has arrived there.
            Some(GuestState::Stopped(Some(super::Ending::Left))) | None => Ok(()),
            Some(GuestState::Stopped(_) | GuestState::Wreck) => {
                Err(Fault::Refused(format!("{why}; it stopped")))
            }
            Some(GuestState::Paused | GuestState::Arriving | GuestState::Unknown) => Err(Fault::Silent(why)),
        }
    }
}

impl Hypervisor for Libvirt {
    fn guests(&self) -> Result<Vec<Guest>, Fault> {
        let text = self.virsh.ask(&["list --all --uuid --name; domstats --state --nowait"])?;
        self.known().read(&text)
    }

    fn traces(&self) -> Vec<String> {
        let ids = last::active(&self.section.run_directory);
        ids.into_iter().map(|(name, uuid)| self.known().id(name, uuid)).collect()
    }

    fn describe(&self) -> Result<HostFacts, Fault> {
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        if version.is_none() {
            let text = self.virsh.ask(&["version"])?;
            let line = text.lines().find_map(|line| line.strip_prefix("Running hypervisor: "));
            let library = text.lines().find_map(|line| line.strip_prefix("Using library: "));
            *version = Some(format!("{} on {}", line.unwrap_or("?"), library.unwrap_or("?")));
        }
        let facts = self.site.facts(version.clone().unwrap_or_default());
        drop(version);
        let link = |name: &String| Path::new("/sys/class/net").join(name).exists();
        // Asked only where an answer matters: each call costs as much as a look.
        let list = |matters: bool, what| {
            if matters { self.virsh.ask(&[what, "--name"]).unwrap_or_default() } else { String::new() }
        };
        let pools = list(self.section.storages.iter().any(|storage| !storage.pools.is_empty()), "pool-list");
        let names = || self.section.networks.iter().flat_map(|network| &network.names);
        let networks = list(names().any(|name| !link(name)), "net-list");
        let active = |text: &str, name: &String| text.lines().any(|line| line.trim() == name);
        let storage_works = |id: &String| {
            let storage = self.section.storages.iter().find(|storage| storage.id == *id);
            storage.is_none_or(|storage| storage.pools.iter().all(|pool| active(&pools, pool)))
        };
        let network_works = |id: &String| {
            let network = self.section.networks.iter().find(|network| network.id == *id);
            network.is_none_or(|network| {
                let names = &network.names;
                names.is_empty() || names.iter().any(|name| active(&networks, name) || link(name))
            })
        };
        Ok(HostFacts {
            storages: facts.storages.into_iter().filter(storage_works).collect(),
            networks: facts.networks.into_iter().filter(network_works).collect(),
            ..facts
        })
    }

    fn facts(&self, vm: &str) -> Result<VmFacts, Fault> {
        let uuid = self.here(vm)?;
        agility::facts(vm, self.xml(&uuid, true)?, &self.xml(&uuid, false)?, &self.site)
    }

    fn start(&self, vm: &str, definition: &str, permit: &Permit) -> Result<Vec<String>, Fault> {
        let uuid = domain::uuid_in(definition)?;
        if self.state(vm)?.is_some_and(GuestState::runs) {
            return Ok(Vec::new());
        }
        let given_up = || permit.closed();
        let answer = Duration::from_millis(self.section.answer_within_ms).max(Duration::from_secs(10));
        let may = || {
            permit
                .allows()
                .then_some(())
                .ok_or_else(|| Fault::Refused("this host may not start VMs now".into()))
        };
        may()?;
        self.virsh.call(&["define", "/dev/stdin"], definition.as_bytes(), answer, &given_up)?;
        may()?;
        // What was saved of an earlier run is older than its disks.
        let started = ["start", "--force-boot", "--domain", &uuid];
        match self.virsh.call(&started, b"", self.start_within(), &given_up) {
            Ok(_) => {}
            Err(Fault::Refused(why)) if why.contains("already active") => {}
            Err(fault) => return Err(fault),
        }
        self.guests().map(|_| Vec::new())
    }

    fn stop(&self, vm: &str) -> Result<(), Fault> {
        let Some(uuid) = self.uuid(vm)? else { return Ok(()) };
        match self.virsh.call(&["destroy", "--domain", &uuid], b"", self.start_within(), &|| false) {
            Ok(_) => Ok(()),
            Err(Fault::Refused(why)) if virsh::is_not_running(&why) => Ok(()),
            // It says no to what must succeed: so it may run.
            Err(Fault::Refused(why)) => Err(Fault::Silent(why)),
            Err(silent) => Err(silent),
        }
    }

    fn migrate(&self, vm: &str, to: &str) -> Result<(), Fault> {
        if self.section.migrate_to.is_empty() {
            return Err(Fault::Refused("hypervisor.migrate_to is not set on this host".into()));
        }
        let uuid = self.here(vm)?;
        let fill = |template: &str| template.replace("{host}", to).replace("{vm}", vm);
        let (uri, over) = (fill(&self.section.migrate_to), fill(&self.section.migrate_over));
        let mut arguments = vec!["migrate", "--live", "--p2p", "--undefinesource", "--persistent"];
        arguments.extend(["--domain", &uuid, "--desturi", &uri]);
        if !over.is_empty() {
            arguments.extend(["--migrateuri", &over]);
        }
        let within = Duration::from_secs(self.section.migrate_within_s);
        match self.virsh.call(&arguments, b"", within, &|| false) {
            Ok(_) => Ok(()),
            Err(Fault::Refused(why)) => self.whither(vm, why),
            Err(Fault::Silent(why)) => {
                let _ = self.virsh.ask(&["domjobabort", "--domain", &uuid]);
                let until = clock::now() + SETTLES;
                loop {
                    match self.whither(vm, why.clone()) {
                        Err(Fault::Silent(_)) if clock::now() < until => {
                            clock::wait(Duration::from_millis(500));
                        }
                        settled => return settled,
                    }
                }
            }
        }
    }

    fn kill_all(&self) -> Result<(), Fault> {
        last::kill_all(self)
    }

    fn watch(self: Arc<Self>, listener: Listener) {
        let alive = Arc::downgrade(&self);
        let (command, known) = (self.virsh.event_command(), Arc::clone(&self.known));
        let (names, heartbeats) = (Arc::clone(&known), Arc::clone(&self.heartbeats));
        let listener: Listener = Box::new(move |event| {
            // With its run, or its definition, its devices may be others.
            if let Event::Ended(vm, _) | Event::Arrived(vm) | Event::Defined(vm) = &event {
                let uuid = names.lock().unwrap_or_else(PoisonError::into_inner).uuid(vm);
                if let Some(uuid) = uuid {
                    heartbeats.forget(&uuid);
                }
            }
            listener(event)
        });
        events::watch(command, known, Box::new(move || alive.strong_count() > 0), listener);
    }

    fn pulses(&self, vms: &[String]) -> Result<BTreeMap<String, Pulse>, Fault> {
        let text = self.virsh.ask(&["domstats", "--block", "--interface", "--nowait"])?;
        let activity = self.known().activity(&text);
        let mut pulses = BTreeMap::new();
        for vm in vms {
            if let Some(&activity) = activity.get(vm) {
                pulses.insert(vm.clone(), Pulse { activity, heartbeat: self.heartbeat(vm) });
            }
        }
        Ok(pulses)
    }

    fn reset(&self, vm: &str) -> Result<(), Fault> {
        self.virsh.ask(&["reset", "--domain", &self.here(vm)?]).map(drop)
    }

    fn evidence(&self, vm: &str, directory: &Path) -> Result<(), Fault> {
        let uuid = self.here(vm)?;
        let picture = directory.join("screen");
        let screen = self.virsh.ask(&["screenshot", "--domain", &uuid, "--file", &picture.to_string_lossy()]);
        let console = domain::console(&self.xml(&uuid, false)?);
        let console = console.and_then(|path| super::reach::tail(&path).ok());
        let kept = console.map(|tail| std::fs::write(directory.join("console.txt"), tail));
        match (screen, kept) {
            (Err(fault), None) => Err(fault),
            (_, Some(Err(fault))) => Err(Fault::Refused(fault.to_string())),
            _ => Ok(()),
        }
    }

    fn guest_answers(&self, vm: &str) -> Result<bool, Fault> {
        let uuid = self.here(vm)?;
        let ping = r#"{"execute":"guest-ping"}"#;
        let limit = Duration::from_secs(10);
        let asked = ["qemu-agent-command", "--timeout", AGENT, "--domain", &uuid, ping];
        match self.virsh.call(&asked, b"", limit, &|| false) {
            Ok(_) => Ok(true),
            Err(Fault::Refused(why)) if why.contains("not configured") => {
                Err(Fault::Refused("its definition has no channel org.qemu.guest_agent.0".into()))
            }
            Err(_) => Ok(false),
        }
    }

    fn address(&self, vm: &str) -> Result<Option<IpAddr>, Fault> {
        let uuid = self.here(vm)?;
        if let Some(address) = domain::address_in(&self.xml(&uuid, false)?) {
            return Ok(Some(address));
        }
        for source in ["agent", "lease", "arp"] {
            let said = self.virsh.ask(&["domifaddr", "--domain", &uuid, "--source", source]);
            if let Some(address) = said.ok().and_then(|text| domain::address_listed(&text)) {
                return Ok(Some(address));
            }
        }
        Ok(None)
    }

    fn tame(&self) -> Result<Vec<(String, String)>, Fault> {
        let text = self.virsh.ask(&["list", "--all", "--autostart", "--uuid"])?;
        let mut tamed = Vec::new();
        for uuid in text.split_ascii_whitespace() {
            self.virsh.ask(&["autostart", "--disable", "--domain", uuid])?;
            if self.known().vm_of(uuid).is_none() {
                self.guests()?;
            }
            let vm = self.known().vm_of(uuid).unwrap_or_else(|| uuid.to_owned());
            tamed.push((vm, "libvirt would have started it when this host boots, behind the pool's back; autostart is off now".into()));
        }
        Ok(tamed)
    }

    fn revive(&self) -> Result<(), Fault> {
        revive(&self.section.revive)
    }

    fn answers_within(&self) -> Duration {
        Duration::from_millis(self.section.answer_within_ms)
    }
}

impl Libvirt {
    fn heartbeat(&self, vm: &str) -> Option<u64> {
        let uuid = self.known().uuid(vm)?;
        self.heartbeats.of(&uuid, || self.xml(&uuid, false).ok(), || self.guest_answers(vm).unwrap_or(false))
    }
}
