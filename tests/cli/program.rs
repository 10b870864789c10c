//! Builds and runs the real program, in a folder of the test's own.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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

/// An empty folder for a test of that name.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("a folder of our own");
    }
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    folder
}

/// Writes a file into a folder.
pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).expect("a folder of our own");
}

/// The program, built as this test is: cargo tells where it lies.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let profile = if cfg!(debug_assertions) { "test" } else { "release" };
        let output = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--quiet", "--package", "lifeboat", "--bin", "lifeboat"])
            .args(["--profile", profile, "--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("text");
        let executable = messages.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            (message["target"]["name"] == "lifeboat")
                .then(|| message["executable"].as_str().map(PathBuf::from))?
        });
        executable.expect("cargo names the program")
    })
}
