//! What the pool told of VMs, kept in the state directory, so that the agent knows its VMs after a restart before anybody leads.
use lifeboat_link::note::VmNote;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Notes of VMs, a file each.
#[derive(Debug)]
pub struct Kept {
    directory: PathBuf,
}

impl Kept {
    /// Opens what is kept in this directory, and makes it if there is none.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// All notes. One that cannot be read is passed over: the pool tells it again before it starts the VM.
    pub fn all(&self) -> BTreeMap<String, VmNote> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let notes = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "json"));
        let notes = notes.filter_map(|entry| {
            let text = fs::read(entry.path()).ok()?;
            let note = serde_json::from_slice::<VmNote>(&text);
            note.inspect_err(
                |fault| tracing::warn!(path = %entry.path().display(), %fault, "no note of a VM"),
            )
            .ok()
        });
        notes.map(|note| (note.vm.clone(), note)).collect()
    }

    /// Keeps a note. Only root may read it: a definition can have secrets in it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, note: &VmNote) -> io::Result<()> {
        let path = self.path(&note.vm);
        let beside = path.with_extension("new");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.directory)?.sync_all()
    }

    fn path(&self, vm: &str) -> PathBuf {
        self.directory.join(Path::new(&format!("{}.json", plain(vm))))
    }
}

/// A name for a file, different for each name of a VM, whatever is in that.
pub fn plain(vm: &str) -> String {
    use std::fmt::Write;
    let mut plain = String::new();
    for byte in vm.bytes().take(64) {
        let kept = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        // Writing to a string does not fail.
        let _ = if kept { write!(plain, "{}", byte as char) } else { write!(plain, "%{byte:02x}") };
    }
    if vm.len() > 64 {
        let sum = vm.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let _ = write!(plain, "~{sum:016x}");
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_there_again_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = |vm: &str| VmNote {
            vm: vm.into(),
            definition: "<domain/>".into(),
            memory_mib: 4,
            protected: true,
            monitor: None,
        };
        let names = ["a", "../a", "a/b", "A", "ä", &"x".repeat(200), &format!("{}y", "x".repeat(199))];
        let kept = Kept::open(folder.path().join("vms")).expect("a directory");
        for name in names {
            kept.keep(&note(name)).expect("it is kept");
        }
        let again = Kept::open(folder.path().join("vms")).expect("a directory");
        assert_eq!(again.all().len(), names.len());
        assert_eq!(again.all().get("../a"), Some(&note("../a")));
        fs::write(folder.path().join("vms/odd.json"), "{").expect("it can be written");
        assert_eq!(again.all().len(), names.len(), "one that cannot be read is passed over");
    }
}
