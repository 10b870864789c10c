//! The real program, built as the tests are, and folders for it to work in.
use lifeboat_lab::programs::build_for;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The program, built as this test is: cargo tells where it lies.
///
/// # Panics
/// If it cannot be built.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("lifeboat", "demo"))
}

/// The agent's, in the same way.
///
/// # Panics
/// If it cannot be built.
pub fn agent_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("lifeboat-agent", "unit"))
}

/// A program of the package that has this test.
fn built(name: &str, test: &str) -> PathBuf {
    let output = build_for(env!("CARGO"), &[test])
        .args(["--quiet", "--message-format", "json"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("text");
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == name && message["profile"]["test"] == false)
            .then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executable.expect("cargo names the program")
}

/// An empty folder of that name among the build's temporary files.
///
/// # Panics
/// If it cannot be made.
pub fn folder(name: &str) -> PathBuf {
    let built = program().ancestors().nth(2).expect("programs are built into a folder of the target folder");
    let folder = built.join("tmp").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("a folder of our own");
    }
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    folder
}

/// A number from the environment, by which a soak asks for more; none where it is not set.
///
/// # Panics
/// If it is not a number.
pub fn from_environment(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "the door through which a soak asks for more")]
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
