//! The bytes of one message of each kind, in the clear and sealed. They change only with the version of the format.
use crate::samples::{POOL, envelope, keys, samples};
use lifeboat_model::HostIndex;
use lifeboat_protocol::bytes::{Reader, Writer};
use lifeboat_protocol::message::Message;
use lifeboat_protocol::wire;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Rows of 16 bytes, each with its offset.
fn rows(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{:04}: {}", 16 * row, hex.join(" ")).expect("a string takes all");
    }
    text
}

fn render(message: &Message) -> String {
    let mut writer = Writer::default();
    wire::message::encode(message, &mut writer);
    let sealed = wire::seal(&keys(), POOL, &envelope(), message);
    format!("# the message\n{}# the datagram\n{}", rows(&writer.into_bytes()), rows(&sealed))
}

/// The message and the datagram of a golden file.
fn parse(text: &str) -> [Vec<u8>; 2] {
    let (message, datagram) = text.split_once("# the datagram\n").expect("two parts");
    [message, datagram].map(|part| {
        let rows = part.lines().filter(|line| !line.starts_with('#'));
        let bytes = rows.flat_map(|row| row.split(' ').skip(1));
        bytes.map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal digits")).collect()
    })
}

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{name}.hex"));
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_bytes_of_each_kind_of_message_are_as_they_were() {
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    fs::create_dir_all(&fresh).unwrap();
    let mut changed = Vec::new();
    for (name, message) in samples() {
        let rendered = render(&message);
        fs::write(fresh.join(format!("{name}.hex")), &rendered).unwrap();
        if rendered != golden(name) {
            changed.push(name);
        }
    }
    assert!(
        changed.is_empty(),
        "{changed:?} are not as they were: hosts of two releases would not understand one another. If that is meant, \
         raise wire::VERSION, correct docs/heartbeats.md, and\n  cp {}/*.hex {}/golden/",
        fresh.display(),
        env!("CARGO_MANIFEST_DIR"),
    );
}

#[test]
fn what_was_written_then_is_understood_now() {
    for (name, message) in samples() {
        let [clear, mut datagram] = parse(&golden(name));
        assert_eq!(wire::message::decode(&mut Reader::new(&clear)), Ok(message.clone()), "{name}");
        let opened = wire::open(&keys(), POOL, HostIndex(2), &mut datagram);
        assert_eq!(opened, Ok((envelope(), message)), "{name}");
    }
}

#[test]
fn the_page_shows_the_golden_heartbeat() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/heartbeats.md")).unwrap();
    for row in golden("wire-heartbeat").lines().filter(|row| !row.starts_with('#')) {
        assert!(page.contains(row), "docs/heartbeats.md lacks the row {row}");
    }
}
