//! Processes as `/proc` shows them, known by number and start time, so that a number used again is nobody else.
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::path::Path;

/// A process of this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number, as the machine counts.
    pub pid: u32,
    /// Its start, in ticks since the machine's boot.
    pub started: u64,
}

/// What `/proc/PID/stat` says.
#[derive(Clone, Debug)]
pub struct Stat {
    /// The program's name, 15 characters of it.
    pub name: String,
    /// R, S, D, T, Z, ...
    pub state: char,
    /// Its parent.
    pub parent: u32,
    /// Its start, in ticks since the machine's boot.
    pub started: u64,
}

/// What `/proc` says of a process; none: there is none.
pub fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, so the last parenthesis ends it.
    let (head, tail) = text.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(Stat {
        name: head.split_once('(')?.1.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

impl Process {
    /// The process of that number, if it lives.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = stat(pid)?;
        (stat.state != 'Z').then_some(Self { pid, started: stat.started })
    }

    /// The process that a file names, if it lives.
    pub fn recorded(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let recorded = Self { pid: pid.parse().ok()?, started: started.parse().ok()? };
        recorded.lives().then_some(recorded)
    }

    /// The line by which [`Process::recorded`] finds it again.
    pub fn record(self) -> String {
        format!("{} {}\n", self.pid, self.started)
    }

    /// Whether it has not ended.
    pub fn lives(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Its children, whichever of its threads started them.
    pub fn children(self) -> Vec<Self> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten();
        let texts = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let pids: Vec<u32> = texts
            .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect();
        pids.into_iter().filter_map(Self::of).collect()
    }

    /// Sends it a signal; says whether there was somebody to get it.
    pub fn signal(self, signal: Signal) -> bool {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return false };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
        // The handle is to whoever has the number now; who it is is looked at after taking it.
        self.lives() && pidfd_send_signal(handle, signal).is_ok()
    }
}
