//! What the pages say is there is there.
use super::{files, root};
use lifeboat_tests::{example_pool, shared};

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
fn pool_documents_in_pages_are_without_fault() {
    let mut documents = 0;
    for (path, text) in files(".md") {
        for block in text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            if block.contains("\"lifeboat.pool/v1\"") {
                let pool = lifeboat::dto::pool::read(block.as_bytes());
                assert!(pool.is_ok(), "{path}: {block}\n{:?}", pool.err());
                documents += 1;
            }
        }
    }
    assert!(documents >= 2, "only {documents} documents in the pages");
}

#[test]
fn the_example_pool_is_the_one_that_its_maker_makes() {
    let path = root().join("examples/pool-64x2048.json.gz");
    let mut made = Vec::new();
    lifeboat::dto::pool::write(&example_pool::spec(), &mut made).expect("memory does not fail");
    assert!(shared::document(&path) == made, "run: cargo run -p lifeboat-tests --example make_example_pool");
}

#[test]
fn what_the_readme_tells_to_run_is_what_ci_runs() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file of the house");
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    let command = "cargo test --workspace --locked";
    assert!(readme.lines().any(|line| line.trim() == command), "README.md does not tell to run {command}");
    assert!(ci.contains(command), ".ci/run does not run {command}");
}
