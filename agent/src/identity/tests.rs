//! Tests of the state directory.
use super::*;
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_protocol::message::NewKey;
use lifeboat_protocol::{Boot, Process};
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Place {
    directory: tempfile::TempDir,
    host: HostSection,
}

fn place() -> Place {
    let directory = tempfile::tempdir().expect("there is room");
    let host = HostSection {
        tls_directory: None,
        name: "h01".into(),
        state_directory: directory.path().join("state"),
        run_directory: directory.path().join("run"),
        boot_id_file: directory.path().join("boot_id"),
        reboot: vec!["true".into()],
    };
    fs::write(&host.boot_id_file, "one\n").expect("there is room");
    Place { directory, host }
}

fn roster(names: &[&str]) -> Roster {
    let member = |id: &&str| Member {
        id: (*id).into(),
        addresses: vec!["10.0.0.1:1".parse().expect("an address")],
        api: String::new(),
        removed: false,
    };
    Roster {
        version: 1,
        pool: "p".into(),
        pool_id: "01".repeat(16),
        networks: vec!["hb0".into()],
        settings: LivenessSettings::default(),
        hosts: names.iter().map(member).collect(),
        authorities: Vec::new(),
    }
}

fn furnished() -> Place {
    let place = place();
    files::make_private_directory(&place.host.state_directory).expect("it can be made");
    keep_roster(&place.host.state_directory, &roster(&["h00", "h01"])).expect("there is room");
    KeyFile::new(1, [9; 32]).write(&place.host.state_directory).expect("there is room");
    place
}

fn begin(place: &Place) -> Identity {
    let state = StateDirectory::take(&place.host).expect("nobody has it");
    state.begin(&place.host.name).expect("it is furnished")
}

#[test]
fn a_start_raises_the_process_and_a_boot_the_boot() {
    let place = furnished();
    let first = begin(&place);
    assert_eq!((first.me, first.number.process), (HostIndex::new(1), Process(1)));
    assert!(first.number.boot > Boot(1_700_000_000), "beyond what a lost directory can have counted to");
    let again = begin(&place).number;
    assert_eq!((again.boot, again.process), (first.number.boot, Process(2)));
    fs::write(&place.host.boot_id_file, "two\n").expect("there is room");
    let later = begin(&place).number;
    assert!(later.boot > again.boot && later.process == Process(1));
}

#[test]
fn a_state_directory_that_is_lost_or_put_back_within_a_boot_makes_no_later_boot() {
    let place = furnished();
    let boot_file = place.host.state_directory.join("boot.json");
    let first = begin(&place).number;
    let older = fs::read(&boot_file).expect("it is there");
    fs::write(&place.host.boot_id_file, "two\n").expect("there is room");
    let second = begin(&place).number;
    fs::remove_file(&boot_file).expect("it is there");
    let lost = begin(&place).number;
    assert_eq!((lost.boot, lost.process), (second.boot, Process(2)));
    fs::write(&boot_file, older).expect("there is room");
    let put_back = begin(&place).number;
    assert_eq!((put_back.boot, put_back.process), (second.boot, Process(3)));
    assert!(put_back.boot > first.boot);
}

#[test]
fn a_second_agent_is_refused_while_the_first_holds_the_directory() {
    let place = furnished();
    let held = StateDirectory::take(&place.host).expect("nobody has it");
    let refused = StateDirectory::take(&place.host).expect_err("it is held").to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    let me = crate::process::ProcessId::of(std::process::id()).expect("it runs");
    assert_eq!(holder_of(&place.host.state_directory), Some(me));
    drop(held);
    assert_eq!(holder_of(&place.host.state_directory), None, "what stands in the file alone says nothing");
    StateDirectory::take(&place.host).expect("nobody has it any more");
}

#[test]
fn what_a_killed_agent_had_just_forked_holds_the_directory_for_a_moment_only() {
    let place = furnished();
    drop(StateDirectory::take(&place.host).expect("nobody has it"));
    // As a child has it until it is another program.
    let lock = File::open(place.host.state_directory.join("lock")).expect("it is there");
    flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("nobody has it any more");
    let child = crate::thread::spawn("child", move || {
        clock::wait(LOCKED_FOR / 5);
        drop(lock);
    });
    StateDirectory::take(&place.host).expect("it is waited for");
    child.expect("a thread").join().expect("no panic");
}

#[test]
fn that_all_vms_are_to_be_stopped_is_remembered_until_the_next_boot() {
    let place = furnished();
    let boot = begin(&place).number.boot;
    keep_stopping(&place.host.state_directory, boot.0, FenceReason::Evicted).expect("there is room");
    assert_eq!(begin(&place).stopping, Some(FenceReason::Evicted));
    fs::write(&place.host.boot_id_file, "two\n").expect("there is room");
    assert_eq!(begin(&place).stopping, None);
}

#[test]
fn what_is_missing_or_wrong_is_told_with_the_next_step() {
    let place = place();
    let state = StateDirectory::take(&place.host).expect("nobody has it");
    let fault = |state: &StateDirectory| state.begin("h01").expect_err("something is missing").to_string();
    assert!(fault(&state).contains("lifeboat-agent join"), "{}", fault(&state));
    keep_roster(state.path(), &roster(&["other"])).expect("there is room");
    assert!(fault(&state).contains("no host \"h01\""), "{}", fault(&state));
    keep_roster(state.path(), &roster(&["h01"])).expect("there is room");
    assert!(fault(&state).contains("keys.json is missing"), "{}", fault(&state));
    fs::write(state.path().join("keys.json"), "{\"sending\": 2, \"keys\": []}").expect("there is room");
    assert!(fault(&state).contains("epoch 2"), "{}", fault(&state));
    fs::write(state.path().join("keys.json"), "nonsense").expect("there is room");
    assert!(fault(&state).contains("cannot understand"), "{}", fault(&state));
}

#[test]
fn keys_are_kept_as_the_keyring_has_them_and_are_nobody_elses_to_read() {
    let place = furnished();
    let directory = &place.host.state_directory;
    let mut keys = KeyFile::read(directory).expect("there are some");
    for epoch in [5, 3, 5, 4, 6] {
        keys.add(&NewKey { key_epoch: epoch, key: [epoch as u8; 32] });
    }
    keys.write(directory).expect("there is room");
    let ring = KeyFile::read(directory).expect("they were written").keyring().expect("they fit together");
    assert_eq!((ring.sending(), ring.newest(), ring.key(5)), (1, 6, Some(&[5; 32])));
    assert!(!ring.holds(3), "the one that was overtaken went first");
    assert!(keys.holds_or_is_beyond(5) && !keys.holds_or_is_beyond(9), "of 9 it was told nothing");
    keys.switch_to(5);
    assert!(keys.holds_or_is_beyond(3), "the pool has gone on from that one");
    let ring = keys.keyring().expect("they fit together");
    assert_eq!(
        (ring.sending(), ring.holds(1), ring.holds(4)),
        (5, false, true),
        "the last one before is still opened"
    );
    let mode = fs::metadata(directory.join("keys.json")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!format!("{keys:?}").contains("0505"), "a key never gets into a log");
    assert!(place.directory.path().exists());
}

#[test]
fn a_file_is_the_old_one_or_the_new_one_and_nothing_else_is_left() {
    let place = furnished();
    let path = place.host.state_directory.join("x.json");
    files::write_json(&path, &1).expect("there is room");
    files::write_json(&path, &2).expect("there is room");
    assert_eq!(files::read_json::<u32>(&path).expect("it is one"), Some(2));
    assert!(!path.with_added_extension("new").exists());
    // What a crash left beside it is written over.
    fs::write(path.with_added_extension("new"), "torn").expect("there is room");
    files::write_json(&path, &3).expect("it is no obstacle");
    assert_eq!(files::read_json::<u32>(&path).expect("it is one"), Some(3));
    files::remove(&path).expect("it is there");
    files::remove(&path).expect("it is no fault that it is not");
    assert_eq!(files::read_json::<u32>(&path).expect("it is no fault that it is not"), None);
}
