//! What is kept of a VM that is a command, so that the next agent finds it: a file for each.
use super::{Ending, processes};
use lifeboat_protocol::order::StopCause;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) vm: String,
    pub(super) definition: String,
    /// The first process, and when it began.
    pid: Option<i32>,
    began: Option<u64>,
    #[serde(skip)]
    pub(super) ended: Option<Ending>,
    /// The same, as it is written.
    end: Option<String>,
}

impl Record {
    pub(super) fn new(vm: &str, definition: &str) -> Self {
        let (vm, definition) = (vm.to_owned(), definition.to_owned());
        Self { vm, definition, pid: None, began: None, ended: None, end: None }
    }

    pub(super) fn began_as(&mut self, pid: Pid) {
        (self.pid, self.began) = (Some(pid.as_raw_pid()), processes::began(pid));
        (self.ended, self.end) = (None, None);
    }

    /// The first process, if that number is still its.
    pub(super) fn leader(&self) -> Option<Pid> {
        let pid = Pid::from_raw(self.pid?)?;
        (self.began.is_some() && processes::began(pid) == self.began).then_some(pid)
    }

    pub(super) fn end(&mut self, ended: Ending) {
        self.ended = Some(ended);
        let word = match ended {
            Ending::Here(StopCause::ShutDownInside) => "shut-down-inside",
            Ending::Here(StopCause::Stopped) | Ending::Left => "stopped",
            Ending::Here(StopCause::Crashed) => "crashed",
        };
        self.end = Some(word.to_owned());
    }

    pub(super) fn keep(&self, directory: &Path) -> io::Result<()> {
        let file = directory.join(file_name(&self.vm));
        let beside = file.with_extension("new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::rename(beside, file)
    }
}

/// All that is kept.
pub(super) fn all(directory: &Path) -> io::Result<BTreeMap<String, Record>> {
    let mut records = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match fs::read(&path).map(|text| serde_json::from_slice::<Record>(&text)) {
            Ok(Ok(mut record)) => {
                record.ended = record.end.as_deref().map(|word| {
                    Ending::Here(match word {
                        "shut-down-inside" => StopCause::ShutDownInside,
                        "stopped" => StopCause::Stopped,
                        _ => StopCause::Crashed,
                    })
                });
                records.insert(record.vm.clone(), record);
            }
            other => tracing::warn!(path = %path.display(), ?other, "no record of a VM; it is passed over"),
        }
    }
    Ok(records)
}

/// A name of a file for any name of a VM.
pub(super) fn file_name(vm: &str) -> PathBuf {
    format!("{}.json", crate::warden::kept::plain(vm)).into()
}
