//! What the pages show is what the program prints: each example names its command, and is compared with what
//! that command says today.
use super::{lifeboat, root};
use std::fmt::Write as _;
use std::fs;

const PAGES: [&str; 2] = ["docs/answers.md", "docs/what-if.md"];

#[test]
fn the_examples_of_the_pages_are_what_the_program_prints() {
    for page in PAGES {
        let shown = fs::read_to_string(root().join(page)).expect("the page is there");
        same(page, &shown, &with_answers(&shown));
    }
}

#[test]
fn the_published_schema_is_the_one_of_the_program() {
    for (file, of) in [("docs/pool.schema.json", "pool"), ("docs/certificate.schema.json", "certificate")] {
        let published = fs::read_to_string(root().join(file)).unwrap_or_default();
        same(file, &published, &lifeboat(&format!("lifeboat schema --of {of}")).out);
    }
}

/// A page with the output of each of its commands.
fn with_answers(page: &str) -> String {
    let mut text = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(text, "{line}");
        let Some(command) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let fence = lines.next().expect("a command is followed by its answer");
        assert!(fence.starts_with("```"), "{command} is followed by {fence:?}");
        lines.by_ref().take_while(|line| *line != "```").for_each(drop);
        let run = lifeboat(command);
        let _ = writeln!(text, "{fence}\n{}```", if run.out.is_empty() { run.err } else { run.out });
    }
    text
}

/// Compares a file with what it should be, which is left where it can be taken from.
fn same(file: &str, is: &str, should_be: &str) {
    if is != should_be {
        let name = file.rsplit('/').next().unwrap_or(file);
        let fresh = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
        fs::write(&fresh, should_be).expect("the target folder can be written");
        panic!("{file} is not what the program prints; if the program is right: cp {fresh} {file}");
    }
}
