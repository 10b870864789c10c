//! What a lab has made outside its folder, written down before it is made, so that it can be removed whatever happens: by the lab itself,
//! by the process that minds it when the tests die, or by the next lab when that died too.
use crate::clock::until;
use crate::command::line;
use crate::host::Host;
use crate::process::Process;
use rustix::process::Signal;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where all labs of this machine have their folders, each with a name that begins with `lb`.
pub(crate) const LABS: &str = "/tmp/lifeboat-lab";

/// The list of what a lab has made.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
}

/// Things that outlive a process, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A network namespace.
    Namespace(String),
    /// A loop device.
    Loop(String),
    /// A folder below `/sys/fs/cgroup`.
    Cgroup(String),
    /// A process.
    Process(Process),
}

impl Ledger {
    /// A new lab's folder, once nothing is left of labs whose owners are dead.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open() -> io::Result<Self> {
        remove_leftovers();
        let own = std::process::id();
        let folder = (0..1000)
            .map(|number| Path::new(LABS).join(format!("lb{own}-{number}")))
            .find(|folder| !folder.exists())
            .ok_or_else(|| io::Error::other("a thousand labs of this process"))?;
        fs::create_dir_all(&folder)?;
        let owner = Process::of(own).map(Process::record).unwrap_or_default();
        fs::write(folder.join("owner"), owner)?;
        Ok(Self { folder })
    }

    /// The ledger of a lab's folder.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// The lab's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The lab's name: nothing else on this machine begins with it.
    pub fn name(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Writes down that something is there.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn note(&self, thing: &Thing) -> io::Result<()> {
        let text = match thing {
            Thing::Namespace(name) => format!("namespace {name}\n"),
            Thing::Loop(name) => format!("loop {name}\n"),
            Thing::Cgroup(path) => format!("cgroup {path}\n"),
            Thing::Process(process) => format!("process {}", process.record()),
        };
        let mut file = OpenOptions::new().create(true).append(true).open(self.folder.join("ledger"))?;
        file.write_all(text.as_bytes())
    }

    /// Removes all of the lab.
    pub fn remove(&self) {
        let text = fs::read_to_string(self.folder.join("ledger")).unwrap_or_default();
        let things: Vec<Thing> = text.lines().filter_map(read).collect();
        for thing in &things {
            if let Thing::Process(process) = thing {
                process.signal(Signal::KILL);
            }
        }
        for host in Host::all(&self.folder) {
            host.heal_storage();
            host.power_off();
        }
        for thing in &things {
            if let Thing::Process(process) = thing {
                until(Duration::from_secs(5), || !process.lives());
            }
        }
        for thing in things.iter().rev() {
            // What is gone already is as it should be.
            let _ = match thing {
                Thing::Namespace(name) => line(&format!("ip netns del {name}")).map(drop).map_err(drop),
                Thing::Loop(name) if self.backs(name) => {
                    line(&format!("losetup -d {name}")).map(drop).map_err(drop)
                }
                Thing::Cgroup(path) => fs::remove_dir(path).map_err(drop),
                Thing::Loop(_) | Thing::Process(_) => Ok(()),
            };
        }
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Whether a loop device is still on a file of this lab.
    fn backs(&self, device: &str) -> bool {
        let name = device.trim_start_matches("/dev/");
        let file = fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).unwrap_or_default();
        Path::new(file.trim()).starts_with(&self.folder)
    }
}

fn read(line: &str) -> Option<Thing> {
    let (kind, name) = line.split_once(' ')?;
    Some(match kind {
        "namespace" => Thing::Namespace(name.into()),
        "loop" => Thing::Loop(name.into()),
        "cgroup" => Thing::Cgroup(name.into()),
        "process" => {
            let (pid, started) = name.split_once(' ')?;
            Thing::Process(Process { pid: pid.parse().ok()?, started: started.parse().ok()? })
        }
        _ => return None,
    })
}

/// Removes labs whose owners are dead, by what they wrote down.
fn remove_leftovers() {
    for entry in fs::read_dir(LABS).into_iter().flatten().flatten() {
        let folder = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with("lb");
        let minded = Process::recorded(&folder.join("minder")).is_some();
        if ours && Process::recorded(&folder.join("owner")).is_none() && !minded {
            Ledger { folder }.remove();
        }
    }
}
