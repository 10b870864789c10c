//! The product's programs, built as the tests are, or lying beside the one that asks.
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo gives to the tests that it runs. Some build scripts ask to be run again when these change, and half the workspace with them.
const GIVEN_TO_TESTS: [&str; 15] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
    "LD_LIBRARY_PATH",
];

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
        let output = build_for(cargo, &["demo", "unit", "hosts"]).arg("--quiet").output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Self::in_folder(pid_1.parent().unwrap_or(Path::new(".")))
    }
}

/// Cargo, which builds the programs of the packages that have these tests, as `cargo test --workspace` does: for a package's tests it builds the
/// package's programs. Where these are tests of the workspace nothing is left to do then; any other way to ask for a program asks for other features of
/// half of what it is made of, which would be built a second time.
pub fn build_for(cargo: &str, tests: &[&str]) -> Command {
    let mut command = Command::new(cargo);
    command.args(["test", "--workspace", "--no-run", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(tests.iter().flat_map(|test| ["--test", test]));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for name in GIVEN_TO_TESTS {
        command.env_remove(name);
    }
    command
}
