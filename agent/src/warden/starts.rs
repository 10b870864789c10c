//! Starts that are under way, a file each beside the socket. When the agent is killed in the middle of one, the hypervisor goes on with it:
//! the next agent must not say that this VM does not run before it is certain. They end with the boot, as VMs do.
use super::kept::plain;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The marks of starts.
#[derive(Debug)]
pub(super) struct Starts {
    directory: PathBuf,
}

impl Starts {
    /// Those below this directory, which is made if it is not there.
    pub(super) fn open(run_directory: &Path) -> io::Result<Self> {
        let directory = run_directory.join("starting");
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// What an earlier agent had begun and not ended.
    pub(super) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| fs::read_to_string(entry.path()).ok())
            .filter(|vm| !vm.is_empty())
            .collect()
    }

    /// A start begins. It must not, if this fails.
    pub(super) fn begin(&self, vm: &str) -> io::Result<()> {
        let (path, beside) = (self.path(vm), self.path(vm).with_extension("new"));
        fs::write(&beside, vm)?;
        fs::rename(beside, path)
    }

    /// What became of it is certain.
    pub(super) fn end(&self, vm: &str) {
        let _ = fs::remove_file(self.path(vm));
    }

    fn path(&self, vm: &str) -> PathBuf {
        self.directory.join(format!("{}.start", plain(vm)))
    }
}

#[cfg(test)]
mod tests;
