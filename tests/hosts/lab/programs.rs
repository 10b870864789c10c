//! The product's programs, built as the tests are, or lying beside the one that asks.
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs lie.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `lifeboat-agent`.
    pub agent: PathBuf,
    /// `lifeboat`.
    pub service: PathBuf,
    /// `lab-host`.
    pub pid_1: PathBuf,
}

impl Programs {
    /// Those in a folder.
    ///
    /// # Errors
    /// If one is not there.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        let find = |name: &str| {
            let path = folder.join(name);
            if path.exists() {
                Ok(path)
            } else {
                Err(io::Error::other(format!("{} is not built", path.display())))
            }
        };
        Ok(Self { agent: find("lifeboat-agent")?, service: find("lifeboat")?, pid_1: find("lab-host")? })
    }

    /// Builds them in the profile in which `lab-host` was built, and finds them beside it.
    ///
    /// # Errors
    /// If they cannot be built.
    pub fn build(cargo: &str, pid_1: &Path) -> io::Result<Self> {
        let profile = if cfg!(debug_assertions) { "test" } else { "release" };
        // One after the other: built together they would share features, and be built anew.
        for program in ["lifeboat", "lifeboat-agent"] {
            let mut command = Command::new(cargo);
            command.args(["build", "--locked", "--quiet", "--profile", profile]);
            command.args(["--package", program, "--bin", program]);
            let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
            if !output.status.success() {
                return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
        }
        Self::in_folder(pid_1.parent().unwrap_or(Path::new(".")))
    }
}
