//! Builds and runs the real program, in a folder of the test's own.
use lifeboat_tests::program::program;
use std::path::Path;
use std::process::Command;

/// What a run ended with.
pub(crate) struct Ran {
    /// Exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?} {}", self.out, self.err))
    }
}

/// Runs `lifeboat` with these arguments in a folder.
pub(crate) fn lifeboat(folder: &Path, arguments: &[&str]) -> Ran {
    let output =
        Command::new(program()).args(arguments).current_dir(folder).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let status = output.status.code().expect("the program ends by itself");
    Ran { status, out: text(output.stdout), err: text(output.stderr) }
}

/// Writes a file into a folder.
pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).expect("a folder of our own");
}
