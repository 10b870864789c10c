//! The laws of the house that a compiler does not hold: arrows between crates, what is absent, how files look,
//! and that what the pages say is there is there. Only files that git would track count.
mod arrows;
mod files;
mod licences;
mod pages;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_path_buf()
}

/// Every file of the work tree with this ending, by its path from the root, and its text; ascending.
fn files(ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the work tree") {
            let path = entry.expect("an entry of the work tree").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let skipped = ["target", ".git", "corpus", "artifacts", "node_modules"].contains(&name.as_str());
            if path.is_dir() && !path.is_symlink() && !skipped {
                folders.push(path);
            } else if name.ends_with(ending) {
                let text = std::fs::read_to_string(&path).expect("text");
                let from_root =
                    path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.push((from_root, text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no file ends with {ending}");
    found
}

/// What cargo says of the workspace, with these arguments besides.
fn metadata(arguments: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}
