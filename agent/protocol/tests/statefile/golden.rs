//! The bytes of a region with records. They change only with the version of the format.
use crate::samples::{COPIES, POOL, configurations, region, serve, status};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Process;
use lifeboat_protocol::medium::{Medium, StatefileMedium, Step, statefile};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Rows of 16 bytes, each with its offset, up to the last that is not zero.
fn rows(bytes: &[u8]) -> String {
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let mut text = String::new();
    for (row, chunk) in bytes[..used].chunks(16).enumerate() {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{:04}: {}", 16 * row, hex.join(" ")).expect("a string takes all");
    }
    text
}

fn parse(text: &str) -> Vec<u8> {
    let bytes = text.lines().flat_map(|row| row.split(' ').skip(1));
    let mut bytes: Vec<u8> =
        bytes.map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal digits")).collect();
    bytes.resize(4096, 0);
    bytes
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn golden(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_default()
}

/// Each golden file with what it should be.
fn fresh() -> [(&'static str, String); 4] {
    let region = region();
    let inspection = statefile::inspect(&region).expect("a region");
    [
        ("statefile-global.hex", rows(&region[..4096])),
        ("statefile-promise.hex", rows(&region[COPIES[0]..][..4096])),
        ("statefile-record.hex", rows(&region[COPIES[1]..][..4096])),
        ("statefile-inspect.txt", inspection.to_string()),
    ]
}

#[test]
fn the_bytes_of_a_region_are_as_they_were() {
    let folder_of_fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("statefile");
    fs::create_dir_all(&folder_of_fresh).unwrap();
    let mut changed = Vec::new();
    for (name, text) in fresh() {
        fs::write(folder_of_fresh.join(name), &text).unwrap();
        if text != golden(name) {
            changed.push(name);
        }
    }
    assert!(
        changed.is_empty(),
        "{changed:?} are not as they were: hosts of two releases would refuse one another's records. If that is meant, \
         raise the version in statefile/layout.rs, correct docs/statefile.md, and\n  cp {}/* {}/",
        folder_of_fresh.display(),
        folder().display(),
    );
}

#[test]
fn what_was_written_then_is_understood_now() {
    let mut region = statefile::format(POOL, 3).expect("room");
    region[..4096].copy_from_slice(&parse(&golden("statefile-global.hex")));
    region[COPIES[0]..][..4096].copy_from_slice(&parse(&golden("statefile-promise.hex")));
    region[COPIES[1]..][..4096].copy_from_slice(&parse(&golden("statefile-record.hex")));
    let [decided, proposal] = configurations();
    let inspection = statefile::inspect(&region).expect("a region");
    assert_eq!(inspection.newest, Some(decided.clone()));
    assert_eq!(inspection.records.len(), 1);
    assert_eq!(inspection.records[0].status, Some(status()));
    // Another host finds what was accepted, and decides that instead of its own proposal.
    let mut own = status();
    (own.host, own.process) = (HostIndex(0), Process(1));
    let mut other = proposal.clone();
    other.leader = HostIndex(0);
    let mut medium = StatefileMedium::new(POOL, HostIndex(0), 3);
    let mut newest = Vec::new();
    for _ in 0..5 {
        let mut request = medium.begin(&own, Some(&other));
        let snapshot = loop {
            match medium.answered(serve(&mut region, &request)) {
                Step::Next(next) => request = next,
                Step::Done(snapshot) => break snapshot,
                Step::Failed(fault) => panic!("{fault}"),
            }
        };
        newest.extend(snapshot.newest);
    }
    assert_eq!(newest, [decided, proposal]);
}

#[test]
fn the_page_shows_the_golden_files() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/statefile.md")).unwrap();
    for name in ["statefile-global.hex", "statefile-record.hex", "statefile-inspect.txt"] {
        for row in golden(name).lines() {
            assert!(page.contains(row), "docs/statefile.md lacks the row {row}");
        }
    }
}
