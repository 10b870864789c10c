//! The command line as its users meet it: what each verb prints, and how it ends. The pools are the examples
//! of the pages, so that what the pages show is what is tested.
mod certificates;
mod client;
mod made;
mod pages;
mod sim;
mod verbs;
mod what_if;

use lifeboat::cli::{self, Status, output::Output};
use std::path::PathBuf;

/// What a run printed, and how it ended.
struct Run {
    status: Status,
    out: String,
    err: String,
}

/// Runs a command line from the root of the repository, in which no name has a space.
fn lifeboat(command: &str) -> Run {
    lifeboat_at(command, None)
}

/// The same for a terminal of that width.
fn lifeboat_at(command: &str, width: Option<u16>) -> Run {
    let root = root();
    std::env::set_current_dir(&root).expect("the root of the repository is there");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output::new(&mut out, &mut err).with_width(width);
    let arguments = command.split_whitespace().map(Into::into);
    let status = cli::run(arguments, &mut output);
    Run { status, out: plain(&out), err: plain(&err) }
}

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the crate has a parent")
}

/// Text without colours, with times, which differ from run to run, and work, which does with every better idea of
/// the planner, made alike.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).expect("output is text");
    let text = anstream::adapter::strip_str(&text).to_string();
    let lines: Vec<String> = text.split('\n').map(steady).collect();
    lines.join("\n")
}

fn steady(line: &str) -> String {
    for (field, instead) in [("\"elapsed_us\": ", 340), ("\"work\": ", 120)] {
        if let Some(start) = line.find(field) {
            let comma = if line.ends_with(',') { "," } else { "" };
            return format!("{}{field}{instead}{comma}", &line[..start]);
        }
    }
    if line.ends_with(" of search") { "340 µs of search".to_owned() } else { line.to_owned() }
}
