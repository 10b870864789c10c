//! Tests of minding the service, with programs in its place that do less than it would.
use super::*;
use crate::process::{ProcessId, Running};
use crate::testing::{Around, around, wait, wait_for};
use lifeboat_link::frame;
use lifeboat_protocol::order::Report;
use rustix::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};

struct Minded {
    around: Around,
    directory: tempfile::TempDir,
}

/// A minder at work, of a service that is started by this command.
fn minded(command: &str, furnish: impl FnOnce(&Path)) -> Minded {
    let directory = tempfile::tempdir().expect("there is room");
    furnish(directory.path());
    let volume = directory.path().join("volume");
    std::fs::write(&volume, "what the pool keeps").expect("there is room");
    let sections = format!("[service]\ncommand = {command}\nvolume = \"{}\"\n", volume.display());
    let address = "127.0.0.1:1".parse().expect("an address");
    let mut around = around(directory.path(), &[address], &sections);
    let (_, nobody) = std::sync::mpsc::channel();
    let told = std::mem::replace(&mut around.coordinator, nobody);
    let minder = Minder::new(around.context.clone());
    crate::thread::spawn("minder", move || minder.run(&told)).expect("a thread is to be had");
    Minded { around, directory }
}

impl Minded {
    fn tell(&self, what: ToCoordinator) {
        self.around.context.outlets.coordinator.send(what).expect("it minds");
    }

    fn running(&self) -> Option<Running> {
        let noted = std::fs::read(self.directory.path().join("service.pid")).ok()?;
        let noted = serde_json::from_slice::<serde_json::Value>(&noted).ok()?;
        serde_json::from_value::<ProcessId>(noted["process"].clone()).ok()?.running()
    }

    fn wait_for_service(&self) -> Running {
        wait("a service runs", || self.running().is_some());
        self.running().expect("it runs")
    }

    fn starts(&self) -> u64 {
        self.around.context.board.read().get("service").and_then(|said| said["starts"].as_u64()).unwrap_or(0)
    }
}

impl Drop for Minded {
    fn drop(&mut self) {
        self.tell(ToCoordinator::Rest);
    }
}

const STUCK: &str = r#"["sleep", "1000"]"#;

#[test]
fn a_service_that_is_to_end_is_dead_before_that_is_said_and_another_one_follows() {
    let minded = minded(STUCK, |_| {});
    let first = minded.wait_for_service();
    minded.tell(ToCoordinator::Start(Epoch(3)));
    minded.tell(ToCoordinator::End(Epoch(3)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    assert!(first.ended_within(Duration::ZERO), "it is not said too early");
    wait("another one runs", || minded.running().is_some_and(|now| now.pid() != first.pid()));
}

#[test]
fn a_service_that_takes_nothing_holds_nobody_up_and_is_killed() {
    let minded = minded(STUCK, |_| {});
    let first = minded.wait_for_service();
    minded.tell(ToCoordinator::Start(Epoch(3)));
    let report = Report::Inventory { vms: Vec::new() };
    for _ in 0..20_000 {
        minded.tell(ToCoordinator::Report { host: HostIndex::new(0), report: report.clone() });
    }
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    assert!(first.ended_within(Duration::ZERO));
}

/// A command of something that goes on when its wrapper is killed, and notes itself in a file; beside it, or in a session of its own.
fn wrapped(by: &str, inner: &Path) -> String {
    format!("{by} sh -c 'echo $$ > {}; exec sleep 1000'; true", inner.display())
}

fn inner(noted: &Path) -> Running {
    let pid = || std::fs::read_to_string(noted).ok()?.trim().parse::<u32>().ok();
    wait("what is wrapped runs", || pid().is_some());
    pid().and_then(|pid| ProcessId::of(pid).ok()?.running()).expect("it runs")
}

#[test]
fn what_a_wrapper_wraps_is_dead_before_the_end_is_said() {
    for by in ["", "setsid"] {
        let place = tempfile::tempdir().expect("there is room");
        let noted = place.path().join("inner");
        let minded = minded(&format!("{:?}", ["sh", "-c", &wrapped(by, &noted)]), |_| {});
        minded.tell(ToCoordinator::Start(Epoch(3)));
        let inner = inner(&noted);
        minded.tell(ToCoordinator::End(Epoch(3)));
        wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
        assert!(inner.ended_within(Duration::ZERO), "it is not said while {by:?} it runs");
    }
}

#[test]
fn a_service_that_an_earlier_agent_left_is_dead_with_all_of_it_before_the_protocol_hears_anything() {
    let place = tempfile::tempdir().expect("there is room");
    let noted = place.path().join("inner");
    let mut orphan: Option<Child> = None;
    let minded = minded(STUCK, |directory| {
        let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
        let socket = rustix::fs::fstat(&theirs).expect("it is open").st_ino;
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(wrapped("setsid", &noted))
            .stdin(std::process::Stdio::from(OwnedFd::from(theirs)));
        let child = command.spawn().expect("a shell is there");
        drop(ours);
        let process = ProcessId::of(child.id()).expect("it runs");
        let note = json!({ "boot": 1, "agent": 0, "start": 1, "process": process, "socket": socket });
        std::fs::write(directory.join("service.pid"), note.to_string()).expect("there is room");
        inner(&noted);
        orphan = Some(child);
    });
    let inner = inner(&noted);
    minded.tell(ToCoordinator::End(Epoch(0)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    let ended = orphan.as_mut().expect("there was one").try_wait().expect("it is ours");
    assert!(ended.is_some_and(|status| !status.success()), "{ended:?}");
    assert!(inner.ended_within(Duration::ZERO), "what it wrapped, too");
}

#[test]
fn a_note_of_an_earlier_service_that_cannot_be_read_is_no_word_that_there_is_none() {
    let minded = minded(STUCK, |directory| {
        std::fs::write(directory.join("service.pid"), "{").expect("there is room");
    });
    minded.tell(ToCoordinator::Start(Epoch(3)));
    minded.tell(ToCoordinator::End(Epoch(3)));
    clock::wait(Duration::from_millis(300));
    assert!(minded.around.inbox.next().is_none(), "nothing is said");
    assert_eq!(minded.starts(), 0, "and nothing begun");
    std::fs::remove_file(minded.directory.path().join("service.pid")).expect("it is there");
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
}

#[test]
fn the_note_of_a_service_is_removed_by_its_own_end_only() {
    let directory = tempfile::tempdir().expect("there is room");
    let around = around(directory.path(), &["127.0.0.1:1".parse().expect("an address")], "");
    let noted = directory.path().join("service.pid");
    let me = ProcessId::of(std::process::id()).expect("it runs");
    super::remains::Remains::of(1).note(&around.context, 2, me).expect("there is room");
    super::remains::forget(&around.context, 1);
    assert!(noted.exists(), "the end of an earlier start");
    super::remains::forget(&around.context, 2);
    assert!(!noted.exists());
}

#[test]
fn a_follower_that_dies_at_once_is_started_again_after_longer_and_longer() {
    let began = clock::now();
    let minded = minded(r#"["false"]"#, |_| {});
    wait("it was started three times", || minded.starts() == 3);
    let took = clock::now().since(began);
    assert!(took >= FIRST_BACKOFF * 3, "one second, then two: {took:?}");
    // To lead it is started at once, and its end is the term's.
    minded.tell(ToCoordinator::Start(Epoch(5)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
}

#[test]
fn terms_that_end_by_themselves_one_after_the_other_are_told_later_and_later() {
    let minded = minded("[]", |_| {});
    let began = clock::now();
    for epoch in 1..=3 {
        minded.tell(ToCoordinator::Start(Epoch(epoch)));
        wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    }
    let took = clock::now().since(began);
    assert!(took >= FIRST_BACKOFF * 5 / 2, "at once, after one second, and as long as may be: {took:?}");
    // Who asks for the end is answered at once.
    minded.tell(ToCoordinator::Start(Epoch(4)));
    minded.tell(ToCoordinator::End(Epoch(4)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    assert!(clock::now().since(began) < took + FIRST_BACKOFF * 4);
}

#[test]
fn a_pool_in_which_the_service_falls_on_every_host_does_not_tire_itself_out() {
    // Forty hosts, two seconds a term: this host's turn comes every eighty seconds.
    let mut fall = Fall::default();
    let start = clock::now();
    let longest = Duration::from_secs(3);
    let waits: Vec<u64> = (0u32..5)
        .map(|turn| {
            fall.began = start + Duration::from_secs(80) * turn;
            fall.note(fall.began + Duration::from_secs(1), longest);
            fall.wait.as_secs()
        })
        .collect();
    assert_eq!(waits, [0, 1, 2, 3, 3]);
    // A term that lasted is followed by the next at once, and so is one after a quiet hour.
    fall.began = start + Duration::from_secs(1000);
    fall.note(fall.began + STEADY, longest);
    assert_eq!(fall.wait, Duration::ZERO);
    fall.began = fall.began + FALLS_COUNT_FOR * 2;
    fall.note(fall.began, longest);
    assert_eq!(fall.wait, Duration::ZERO);
}

#[test]
fn a_follower_is_not_killed_for_a_term_that_it_never_led() {
    let minded = minded(STUCK, |_| {});
    let first = minded.wait_for_service();
    minded.tell(ToCoordinator::End(Epoch(0)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    assert!(!first.ended_within(Duration::ZERO));
}

#[test]
fn the_end_of_a_term_is_said_once() {
    let minded = minded(r#"["false"]"#, |_| {});
    minded.tell(ToCoordinator::Start(Epoch(4)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    // The protocol asked for it before it heard that.
    minded.tell(ToCoordinator::End(Epoch(4)));
    minded.tell(ToCoordinator::Said { start: 0, frame: FromService::Answered });
    minded.tell(ToCoordinator::End(Epoch(0)));
    wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    assert!(minded.around.inbox.next().is_none(), "one was for the term that is unknown, and none for 4");
}

#[test]
fn a_host_that_has_no_service_says_so_when_it_is_to_lead() {
    for command in ["[]", r#"["/no/such/program"]"#] {
        let minded = minded(command, |_| {});
        minded.tell(ToCoordinator::Start(Epoch(3)));
        wait_for(&minded.around.inbox, &Input::CoordinatorEnded);
    }
}

#[test]
fn a_service_hears_who_belongs_to_the_pool_at_its_start_and_when_that_changes() {
    let place = tempfile::tempdir().expect("there is room");
    let heard = place.path().join("heard");
    let minded = minded(&format!(r#"["sh", "-c", "exec cat > {}"]"#, heard.display()), |_| {});
    let mut roster = (*minded.around.context.roster.now()).clone();
    roster.version = 2;
    roster.hosts[0].api = "https://elsewhere".into();
    minded.wait_for_service();
    let hellos = || {
        let bytes = std::fs::read(&heard).unwrap_or_default();
        let mut from = bytes.as_slice();
        let frames = std::iter::from_fn(|| frame::read::<ToService>(&mut from).ok());
        frames
            .filter_map(|frame| if let ToService::Hello(hello) = frame { Some(hello.roster) } else { None })
            .collect::<Vec<_>>()
    };
    wait("it was greeted", || hellos().len() == 1);
    minded.around.context.roster.replace(roster.clone().into());
    minded.tell(ToCoordinator::Roster);
    wait("it was told of the new one", || hellos().get(1) == Some(&roster));
}

#[test]
fn what_an_earlier_process_says_or_how_it_ended_concerns_nobody() {
    let minded = minded(STUCK, |_| {});
    let first = minded.wait_for_service();
    minded.tell(ToCoordinator::Start(Epoch(3)));
    minded.tell(ToCoordinator::Said { start: 0, frame: FromService::Answered });
    minded.tell(ToCoordinator::Gone { start: 0, how: "long ago".into() });
    minded.tell(ToCoordinator::Said { start: 1, frame: FromService::Answered });
    wait_for(&minded.around.inbox, &Input::CoordinatorAnswered);
    assert!(!first.ended_within(Duration::ZERO));
    assert!(minded.around.inbox.next().is_none(), "one answer, and no end");
    let host = HostIndex::new(1);
    minded.tell(ToCoordinator::Said { start: 0, frame: FromService::Fence { host: HostIndex::new(0) } });
    minded.tell(ToCoordinator::Said { start: 1, frame: FromService::Fence { host } });
    assert_eq!(minded.around.fencer.recv(), Ok(ToFencer::Fence { host }));
}
