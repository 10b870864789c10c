//! VMs that are commands: for containers, tests and the demonstration. A VM is a command in a process group of its own, which goes on when
//! the agent ends; the next agent finds it again by its record, or by a mark in its environment.
//!
//! A VM runs as long as its first process does. When that is over, what else carries the mark is killed before the VM counts as
//! stopped, so that nothing of it is left when it is started elsewhere.
mod definition;
mod record;
mod supervisor;

pub use definition::Definition;

use super::command::{Run, run};
use super::processes::{self, Process};
use super::site::Site;
use super::{Ending, Event, Fault, Guest, GuestState, Hypervisor, Listener, Permit, Pulse};
use crate::clock;
use lifeboat_link::note::{HostFacts, VmFacts};
use lifeboat_protocol::order::StopCause;
use record::Record;
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The variable by which processes of a VM are found again; what it says is unique to this directory of records.
const MARK: &str = "LIFEBOAT_VM";
/// How long a process that becomes another program may show no mark.
const BECOMES: Duration = Duration::from_millis(20);
/// How long killed processes may take to be gone, before that is reported as unknown.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// VMs that are commands.
#[derive(Clone)]
pub struct Processes {
    inner: Arc<Inner>,
}

struct Inner {
    directory: PathBuf,
    site: Arc<Site>,
    vms: Mutex<Vms>,
    listeners: Mutex<Vec<Listener>>,
}

#[derive(Default)]
struct Vms {
    /// Nothing is started any more.
    closed: bool,
    known: BTreeMap<String, Vm>,
}

struct Vm {
    record: Record,
    /// How its end is to be told, if it was brought about from here.
    asked: Option<Asked>,
}

/// Why this VM was killed from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Stop,
    Reset,
}

impl Processes {
    /// Takes back what runs of the records in this directory.
    ///
    /// # Errors
    /// If the directory cannot be made or read.
    pub fn new(directory: &Path, site: Arc<Site>) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let inner = Arc::new(Inner {
            directory: fs::canonicalize(directory)?,
            site,
            vms: Mutex::default(),
            listeners: Mutex::default(),
        });
        inner.take_back()?;
        Ok(Self { inner })
    }
}

impl Inner {
    fn vms(&self) -> MutexGuard<'_, Vms> {
        self.vms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, vm: &str) -> String {
        format!("{MARK}={}:{vm}", self.directory.display())
    }

    fn all_of(&self, vm: &str, leader: Option<Pid>) -> Vec<Process> {
        let mark = self.mark(vm);
        processes::such(|pid| {
            let marked = processes::environment(pid).contains(&mark);
            marked || leader.is_some() && processes::group(pid) == leader
        })
    }

    /// Ends all of a VM's processes, and says whether none is left. One that is just becoming another program shows no mark for a moment:
    /// so none must be found twice.
    fn end_all_of(&self, vm: &str) -> bool {
        let mut clean = false;
        loop {
            let found = self.all_of(vm, None);
            match (found.is_empty(), clean) {
                (true, true) => return true,
                (true, false) => clock::wait(BECOMES),
                (false, _) if !processes::end_all(&found, GONE_WITHIN) => return false,
                (false, _) => {}
            }
            clean = found.is_empty();
        }
    }

    fn tell(&self, event: &Event) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener(event.clone()));
    }

    fn take_back(self: &Arc<Self>) -> io::Result<()> {
        let mut records = record::all(&self.directory)?;
        // One that was started, and the agent killed before it could write that down.
        let prefix = format!("{MARK}={}:", self.directory.display());
        for process in
            processes::such(|pid| processes::environment(pid).iter().any(|e| e.starts_with(&prefix)))
        {
            let environment = processes::environment(process.pid);
            let vm = environment.iter().find_map(|entry| entry.strip_prefix(&prefix)).unwrap_or_default();
            let leads = processes::group(process.pid) == Some(process.pid);
            let record = records.entry(vm.to_owned()).or_insert_with(|| Record::new(vm, ""));
            if leads && !record.leader().is_some_and(processes::alive) {
                record.began_as(process.pid);
            }
        }
        for (vm, record) in records {
            let leader = record.leader();
            self.vms().known.insert(vm.clone(), Vm { record, asked: None });
            supervisor::adopt(self, &vm, leader);
        }
        Ok(())
    }

    /// Starts it, the lock on all VMs being held: whoever stops all VMs sees either nothing or all of it.
    fn launch(self: &Arc<Self>, vms: &mut Vms, vm: &str, text: &str) -> Result<(), Fault> {
        let definition = Definition::read(text)?;
        if vms.closed {
            return Err(Fault::Refused("all VMs of this host are being stopped".into()));
        }
        let child = self.spawn(vm, &definition)?;
        let mut record = Record::new(vm, text);
        record.began_as(Pid::from_child(&child));
        if let Err(fault) = record.keep(&self.directory) {
            tracing::warn!(vm, %fault, "its record cannot be kept; the next agent finds it by its mark");
        }
        vms.known.insert(vm.to_owned(), Vm { record, asked: None });
        supervisor::mind(self, vm, child);
        Ok(())
    }

    fn spawn(&self, vm: &str, definition: &Definition) -> Result<Child, Fault> {
        use std::os::unix::process::CommandExt;
        let refused = |fault: io::Error| Fault::Refused(format!("{}: {fault}", definition.program()));
        let console = || match &definition.console {
            Some(path) => fs::File::create(path).map(Stdio::from),
            None => Ok(Stdio::null()),
        };
        let console = console().map_err(refused)?;
        let errors = match &definition.console {
            Some(path) => fs::OpenOptions::new().append(true).open(path).map(Stdio::from).map_err(refused)?,
            None => Stdio::null(),
        };
        Command::new(definition.program())
            .args(definition.command.get(1..).unwrap_or_default())
            .envs(&definition.environment)
            .env(MARK, format!("{}:{vm}", self.directory.display()))
            .current_dir(definition.directory.as_deref().unwrap_or(Path::new("/")))
            .stdin(Stdio::null())
            .stdout(console)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(refused)
    }

    fn definition(&self, vm: &str) -> Result<Definition, Fault> {
        let vms = self.vms();
        let vm = vms.known.get(vm).ok_or_else(|| Fault::Refused("there is no such VM here".into()))?;
        Definition::read(&vm.record.definition)
    }

    /// Kills what runs of a VM. Its supervisor sees to the rest, and says when that is done.
    fn kill(&self, vm: &str, asked: Asked) -> Result<(), Fault> {
        let leader = {
            let mut vms = self.vms();
            let Some(known) = vms.known.get_mut(vm) else { return Ok(()) };
            if known.record.ended.is_some() {
                return Ok(());
            }
            known.asked = Some(asked);
            known.record.leader()
        };
        // Once: what is left after that its supervisor ends, before it is over or begins anew.
        if processes::end_all(&self.all_of(vm, leader), GONE_WITHIN) {
            Ok(())
        } else {
            Err(Fault::Silent(format!("processes of {vm} do not end")))
        }
    }
}

impl Hypervisor for Processes {
    fn guests(&self) -> Result<Vec<Guest>, Fault> {
        let vms = self.inner.vms();
        let state = |vm: &Vm| match vm.record.ended {
            Some(ended) => GuestState::Stopped(Some(ended)),
            None => GuestState::Running,
        };
        Ok(vms.known.iter().map(|(name, vm)| Guest { vm: name.clone(), state: state(vm) }).collect())
    }

    fn traces(&self) -> Vec<String> {
        let vms = self.inner.vms();
        vms.known.iter().filter(|(_, vm)| vm.record.ended.is_none()).map(|(name, _)| name.clone()).collect()
    }

    fn describe(&self) -> Result<HostFacts, Fault> {
        Ok(self.inner.site.facts("a command per VM".into()))
    }

    fn facts(&self, vm: &str) -> Result<VmFacts, Fault> {
        let definition = self.inner.definition(vm)?;
        let text = self.inner.vms().known.get(vm).map(|vm| vm.record.definition.clone());
        Ok(definition.facts(vm, text.unwrap_or_default()))
    }

    fn start(&self, vm: &str, definition: &str, permit: &Permit) -> Result<Vec<String>, Fault> {
        let mut vms = self.inner.vms();
        if vms.known.get(vm).is_some_and(|vm| vm.record.ended.is_none()) {
            return Ok(Vec::new());
        }
        if !permit.allows() {
            return Err(Fault::Refused("this host may not start VMs now".into()));
        }
        self.inner.launch(&mut vms, vm, definition).map(|()| Vec::new())
    }

    fn stop(&self, vm: &str) -> Result<(), Fault> {
        self.inner.kill(vm, Asked::Stop)?;
        let until = clock::now() + GONE_WITHIN;
        while self.inner.vms().known.get(vm).is_some_and(|vm| vm.record.ended.is_none()) {
            if clock::now() >= until {
                return Err(Fault::Silent(format!("{vm} was killed, and its end is not seen")));
            }
            clock::wait(Duration::from_millis(2));
        }
        Ok(())
    }

    fn migrate(&self, _: &str, _: &str) -> Result<(), Fault> {
        Err(Fault::Refused(
            "a VM that is a command cannot be migrated; stop it, and start it elsewhere".into(),
        ))
    }

    fn kill_all(&self) -> Result<(), Fault> {
        self.inner.vms().closed = true;
        let known: Vec<String> = self.inner.vms().known.keys().cloned().collect();
        for vm in &known {
            self.inner.kill(vm, Asked::Stop)?;
        }
        // By the mark as well: there may be some that no record tells of.
        let prefix = format!("{MARK}={}:", self.inner.directory.display());
        let left = || {
            processes::such(|pid| processes::environment(pid).iter().any(|entry| entry.starts_with(&prefix)))
        };
        let gone = processes::end_all(&left(), GONE_WITHIN);
        clock::wait(BECOMES);
        if gone && left().is_empty() {
            Ok(())
        } else {
            Err(Fault::Silent("processes of VMs do not end".into()))
        }
    }

    fn watch(self: Arc<Self>, listener: Listener) {
        if listener(Event::Connected) {
            self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        }
    }

    fn pulses(&self, vms: &[String]) -> Result<BTreeMap<String, Pulse>, Fault> {
        let pulse = |vm: &String| {
            let leader = self.inner.vms().known.get(vm)?.record.leader()?;
            let io = fs::read_to_string(format!("/proc/{}/io", leader.as_raw_pid())).unwrap_or_default();
            let calls = |name: &str| -> u64 {
                let line = io.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
            };
            let console = self.inner.definition(vm).ok()?.console;
            let heartbeat = console.and_then(|path| fs::metadata(path).ok()).map(|file| file.len());
            // What goes to the console is the heartbeat, and no activity beside it.
            let activity =
                if heartbeat.is_some() { calls("read_bytes:") } else { calls("syscr:") + calls("syscw:") };
            Some((vm.clone(), Pulse { activity, heartbeat }))
        };
        Ok(vms.iter().filter_map(pulse).collect())
    }

    fn reset(&self, vm: &str) -> Result<(), Fault> {
        self.inner.kill(vm, Asked::Reset)
    }

    fn evidence(&self, vm: &str, directory: &Path) -> Result<(), Fault> {
        let console = self.inner.definition(vm)?.console;
        let console = console.ok_or_else(|| Fault::Refused("it has no console".into()))?;
        let tail = super::reach::tail(&console).map_err(|e| Fault::Refused(e.to_string()))?;
        fs::write(directory.join("console.txt"), tail).map_err(|e| Fault::Refused(e.to_string()))
    }

    fn guest_answers(&self, vm: &str) -> Result<bool, Fault> {
        let ping = self.inner.definition(vm)?.ping;
        if ping.is_empty() {
            return Err(Fault::Refused("its definition has no \"ping\" to ask its guest by".into()));
        }
        let asked =
            run(&Run { command: &ping, input: b"", within: Duration::from_secs(5), given_up: &|| false });
        Ok(asked.is_ok_and(|said| said.status.success()))
    }

    fn address(&self, vm: &str) -> Result<Option<IpAddr>, Fault> {
        Ok(self.inner.definition(vm)?.address)
    }

    fn revive(&self) -> Result<(), Fault> {
        Err(Fault::Refused("there is no service behind VMs that are commands".into()))
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// How a run ended, when nobody here asked for that.
fn ending(status: Option<std::process::ExitStatus>) -> Ending {
    let well = status.is_some_and(|status| status.success());
    // Of one that an earlier agent started the kernel tells nobody how it ended: it counts as crashed, and is started again.
    Ending::Here(if well { StopCause::ShutDownInside } else { StopCause::Crashed })
}

#[cfg(test)]
mod tests;
