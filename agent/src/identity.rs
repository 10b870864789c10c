//! Who this host is: the state directory. What stands there survives the agent, and most of it a boot.
//!
//! | file | what | written |
//! | --- | --- | --- |
//! | `lock` | held while an agent runs | at each start |
//! | `boot.json` | number of this boot, number of this start of the agent | at each start, before anything is sent |
//! | `keys.json` | the heartbeat keys, and which one seals | as keys come and go |
//! | `roster.json` | who belongs to the pool | as it changes |
//! | `stopping` | that all VMs of this boot are to be stopped, for good | before anybody is told that none runs |
//! | `disabled` | that an operator took the host out of the protocol | by `emergency-disable` |
mod boot;
pub mod files;
pub mod keeper;
mod keys;
#[cfg(test)]
mod tests;

pub use boot::BootNumber;
pub use files::FileError;
pub use keys::{KeyError, KeyFile};

use crate::clock;
use crate::config::HostSection;
use crate::process::ProcessId;
use lifeboat_link::Roster;
use lifeboat_link::roster::RosterFault;
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::{Boot, Keyring};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a starting agent is.
#[derive(Debug)]
pub struct Identity {
    /// This boot and this start.
    pub number: BootNumber,
    /// This host, by its position in the roster.
    pub me: HostIndex,
    /// Who belongs to the pool.
    pub roster: Roster,
    /// The heartbeat keys.
    pub keyring: Keyring,
    /// Whether an earlier process of this boot was told to stop all VMs.
    pub stopping: Option<FenceReason>,
}

/// Why an agent cannot be who it is to be.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Another one is.
    #[error("an agent runs already on {}{}", directory.display(), pid.map(|id| format!(", process {}", id.pid())).unwrap_or_default())]
    Runs {
        /// The state directory.
        directory: PathBuf,
        /// The other one's process.
        pid: Option<ProcessId>,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no roster.
    #[error("{} is missing: this host belongs to no pool yet; `lifeboat-agent init` makes one, `lifeboat-agent join` joins one", .0.display())]
    NoRoster(PathBuf),
    /// The roster cannot be acted by.
    #[error("the roster in {}: {fault}", path.display())]
    Roster {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: RosterFault,
    },
    /// The host is not of this pool.
    #[error(
        "the roster has no host {0:?}; [host] name is to be the one that the pool knows, or the host is to join anew"
    )]
    Stranger(String),
    /// No usable keys.
    #[error("the heartbeat keys: {0}")]
    Keys(#[from] KeyError),
}

/// The state directory, held by this process.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    run_directory: PathBuf,
    boot_id_file: PathBuf,
    _lock: File,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stopping {
    boot: u64,
    reason: String,
}

/// An agent that was killed while it began another program has left a child that holds its lock until it is that program.
const LOCKED_FOR: Duration = Duration::from_secs(1);

impl StateDirectory {
    /// Takes it, so that no second agent can.
    ///
    /// # Errors
    /// [`IdentityError::Runs`], or those of the file.
    pub fn take(host: &HostSection) -> Result<Self, IdentityError> {
        let path = host.state_directory.clone();
        files::make_private_directory(&path)?;
        let lock_path = path.join("lock");
        let fault = |fault| FileError { path: lock_path.clone(), doing: "open", fault };
        let mut options = OpenOptions::new();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(fault)?;
        let until = clock::now() + LOCKED_FOR;
        while let Err(errno) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            match errno {
                Errno::WOULDBLOCK if clock::now() < until => clock::wait(LOCKED_FOR / 50),
                Errno::WOULDBLOCK => {
                    return Err(IdentityError::Runs { directory: path, pid: holder(&mut lock) });
                }
                errno => return Err(fault(errno.into()).into()),
            }
        }
        // Whoever kills by what stands there must not hit another process, which has got this number later.
        let me = ProcessId::of(std::process::id()).map_err(fault)?;
        let me = serde_json::to_vec(&me).map_err(|wrong| fault(wrong.into()))?;
        lock.set_len(0).and_then(|()| lock.write_all(&me)).map_err(fault)?;
        Ok(Self {
            path,
            run_directory: host.run_directory.clone(),
            boot_id_file: host.boot_id_file.clone(),
            _lock: lock,
        })
    }

    /// Whether an operator took this host out of the protocol.
    pub fn is_disabled(&self) -> bool {
        disabled_flag(&self.path).exists()
    }

    /// Begins a start of the agent: its number is durable when this returns.
    ///
    /// # Errors
    /// What is missing or cannot be used, with the next step.
    pub fn begin(&self, name: &str) -> Result<Identity, IdentityError> {
        let roster = self.roster()?;
        let me = roster.find(name).ok_or_else(|| IdentityError::Stranger(name.to_owned()))?;
        let keyring = KeyFile::read(&self.path)?.keyring()?;
        let number = self.number()?;
        let stopping = self.stopping(number)?;
        Ok(Identity { number, me: HostIndex::new(me), roster, keyring, stopping })
    }

    /// Counts one more start of the agent, and nothing else.
    ///
    /// # Errors
    /// Those of the files.
    pub fn number(&self) -> Result<BootNumber, FileError> {
        BootNumber::next(&self.path, &self.run_directory, &self.boot_id_file)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn roster(&self) -> Result<Roster, IdentityError> {
        let path = self.path.join(ROSTER);
        let roster: Roster = files::read_json(&path)?.ok_or_else(|| IdentityError::NoRoster(path.clone()))?;
        roster.check().map_err(|fault| IdentityError::Roster { path, fault })?;
        Ok(roster)
    }

    fn stopping(&self, number: BootNumber) -> Result<Option<FenceReason>, IdentityError> {
        let kept: Option<Stopping> = files::read_json(&self.path.join(STOPPING))?;
        Ok(kept.filter(|kept| kept.boot == number.boot.0).map(|kept| match kept.reason.as_str() {
            EVICTED => FenceReason::Evicted,
            _ => FenceReason::LeaseExpired,
        }))
    }
}

const ROSTER: &str = "roster.json";
const STOPPING: &str = "stopping";
const EVICTED: &str = "evicted";
const LEASE_EXPIRED: &str = "lease-expired";

/// Keeps a roster.
///
/// # Errors
/// Those of the file.
pub fn keep_roster(directory: &Path, roster: &Roster) -> Result<(), FileError> {
    files::write_json(&directory.join(ROSTER), roster)
}

/// Keeps, until the next boot, that all VMs of this one are to be stopped.
///
/// # Errors
/// Those of the file.
pub fn keep_stopping(directory: &Path, boot: u64, reason: FenceReason) -> Result<(), FileError> {
    let reason = match reason {
        FenceReason::Evicted => EVICTED,
        FenceReason::LeaseExpired => LEASE_EXPIRED,
    };
    files::write_json(&directory.join(STOPPING), &Stopping { boot, reason: reason.to_owned() })
}

/// What says that an operator took this host out of the protocol.
pub fn disabled_flag(directory: &Path) -> PathBuf {
    directory.join("disabled")
}

/// The process that holds a state directory's lock, as it has written itself.
pub fn holder_of(directory: &Path) -> Option<ProcessId> {
    let mut lock = File::open(directory.join("lock")).ok()?;
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => holder(&mut lock),
        _ => None,
    }
}

fn holder(lock: &mut File) -> Option<ProcessId> {
    let mut text = Vec::new();
    lock.take(256).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The number of this boot, as far as an agent has run in it.
pub fn boot_so_far(host: &HostSection) -> Option<Boot> {
    boot::so_far(&host.run_directory, &host.boot_id_file)
}
