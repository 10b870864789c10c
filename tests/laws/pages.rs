//! What the pages say is there is there.
use super::{files, root};

/// Targets of the links and pictures of a page, other pages of the web left aside.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for part in text.split("](").skip(1) {
        let target = part.split(')').next().unwrap_or_default();
        let file = target.split('#').next().unwrap_or_default();
        if !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:") {
            targets.push(file.to_owned());
        }
    }
    targets
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    for (path, text) in files(".md") {
        let page = root().join(&path);
        let folder = page.parent().expect("a page lies in a folder");
        for target in links(&text) {
            assert!(folder.join(&target).exists(), "{path} links to {target}, which is not there");
        }
    }
}

#[test]
fn what_the_readme_tells_to_run_is_what_ci_runs() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file of the house");
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    let command = "cargo test --workspace --locked";
    assert!(readme.lines().any(|line| line.trim() == command), "README.md does not tell to run {command}");
    assert!(ci.contains(command), ".ci/run does not run {command}");
}
