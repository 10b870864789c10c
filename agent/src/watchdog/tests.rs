//! Tests of the watchdogs: the kernel's with a card that counts as a real one does, and the clock in the test's hand.
use super::card::Card;
use super::device::Device;
use super::marker::Marker;
use super::supervisor::Supervisor;
use super::*;
use proptest::prelude::*;
use rustix::io::Errno;
use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// A watchdog's card that takes whole seconds from `shortest` on, in steps of `step`.
#[derive(Clone, Debug)]
struct Fake(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Instant,
    shortest: u32,
    step: u32,
    timeout: u32,
    runs: bool,
    stops: bool,
    begun: Instant,
    commands: u32,
    longest: u32,
    /// The least that it was set to while it ran.
    least_running: u32,
    /// This process stands still for so long in its next command.
    stall: Duration,
}

impl Fake {
    fn new(shortest: u32, step: u32, stops: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: at(0),
            shortest,
            step,
            timeout: 60,
            runs: true,
            stops,
            begun: at(0),
            commands: 0,
            longest: u32::MAX,
            least_running: u32::MAX,
            stall: Duration::ZERO,
        })))
    }

    fn at(&self, now: Instant) {
        self.0.lock().expect("no panic").now = now;
    }

    /// When it resets the host; none: it is off.
    fn resets(&self) -> Option<Instant> {
        let state = self.0.lock().expect("no panic");
        state.runs.then(|| state.begun + Duration::from_secs(u64::from(state.timeout)))
    }
}

impl Card for Fake {
    fn now(&self) -> Instant {
        self.0.lock().expect("no panic").now
    }

    fn set_timeout(&self, seconds: u32) -> rustix::io::Result<u32> {
        let mut state = self.0.lock().expect("no panic");
        state.commands += 1;
        let stall = std::mem::take(&mut state.stall);
        state.now = state.now + stall;
        if !(state.shortest..=state.longest).contains(&seconds) {
            return Err(Errno::INVAL);
        }
        if state.runs {
            state.least_running = state.least_running.min(seconds);
        }
        state.timeout = seconds.next_multiple_of(state.step);
        state.begun = state.now;
        Ok(state.timeout)
    }

    fn keep_alive(&self) -> rustix::io::Result<()> {
        let mut state = self.0.lock().expect("no panic");
        state.commands += 1;
        state.begun = state.now;
        Ok(())
    }

    fn switch(&self, on: bool) -> rustix::io::Result<()> {
        let mut state = self.0.lock().expect("no panic");
        if !on && !state.stops {
            return Err(Errno::BUSY);
        }
        if state.runs != on {
            state.runs = on;
            state.begun = state.now;
        }
        Ok(())
    }

    fn release(&self) {}
}

fn at(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

fn device(card: &Fake, settable: bool, timeout: Duration) -> Result<Device<Fake>, WatchdogError> {
    let mut device = Device::of(card.clone(), *b"Fake\0___________________________", settable, 60, false);
    device.prepare(Path::new("/dev/watchdog"), timeout).map(|()| device)
}

/// What is due is done until `until`, in the order of time.
fn run(watchdog: &mut Device<Fake>, card: &Fake, from: Instant, until: Instant) {
    let mut now = from;
    while let Some(due) = watchdog.due().map(|due| due.max(now)).filter(|due| *due < until) {
        now = due + Duration::from_millis(1);
        card.at(now);
        watchdog.tick(now).expect("it takes it");
    }
}

#[test]
fn nothing_resets_a_host_that_never_was_a_member() {
    let card = Fake::new(1, 1, true);
    let watchdog = device(&card, true, Duration::from_secs(3)).expect("it can be set low enough");
    assert_eq!((card.resets(), watchdog.due()), (None, None));
    assert!(!watchdog.is_armed());
}

#[test]
fn one_that_cannot_be_stopped_is_fed_until_somebody_needs_it() {
    let card = Fake::new(1, 1, false);
    let mut watchdog = device(&card, true, Duration::from_secs(3)).expect("it can be set low enough");
    run(&mut watchdog, &card, at(0), at(300_000));
    assert!(card.resets().expect("it runs") > at(300_000), "the host is not reset while it is no member");
    card.at(at(300_000));
    watchdog.feed(at(300_000), at(303_500)).expect("it takes it");
    assert!(card.resets().expect("it runs") <= at(303_500));
    assert!(watchdog.stop().expect_err("it cannot be stopped").to_string().contains("nowayout"));
    run(&mut watchdog, &card, at(303_000), at(400_000));
    assert!(card.resets().expect("it runs") > at(430_000), "who starts the agent anew has time for it");
}

#[test]
fn one_that_cannot_be_set_below_t_is_refused() {
    let slow = |shortest, settable| device(&Fake::new(shortest, 1, true), settable, Duration::from_secs(15));
    assert!(slow(13, true).is_ok());
    let refused = slow(14, true).expect_err("it is too slow").to_string();
    assert!(refused.contains("15s") && refused.contains("Fake"), "{refused}");
    assert!(
        matches!(slow(1, false), Err(WatchdogError::TooSlow { shortest: 60, .. })),
        "it is set to 60 s for ever"
    );
}

#[test]
fn a_deadline_beyond_what_the_card_can_count_is_reached_by_feeding_it_more_often() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
    card.0.lock().expect("no panic").longest = 613;
    watchdog.feed(at(0), at(15_500)).expect("it takes it");
    watchdog.feed(at(100), at(3_615_500)).expect("an hour without fencing");
    let mut now = 0;
    while now < 3_600_000 {
        run(&mut watchdog, &card, at(now), at(now + 10_000));
        now += 10_000;
        assert!(card.resets().expect("it runs") > at(now), "reset at {:?}", card.resets());
    }
    run(&mut watchdog, &card, at(now), at(4_000_000));
    let resets = card.resets().expect("it runs");
    assert!(resets <= at(3_615_500) && resets > at(3_615_000), "{resets:?}");
    assert!(card.0.lock().expect("no panic").commands < 100, "it is not asked for too much again and again");
}

#[test]
fn what_cannot_be_programmed_for_the_first_lease_is_not_armed() {
    let card = Fake::new(13, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
    card.at(at(10_000));
    watchdog.feed(at(10_000), at(22_900)).expect_err("less is left than it can be set to");
    assert!(!watchdog.is_armed());
    assert_eq!(card.resets(), None, "it is off again");
    watchdog.feed(at(10_000), at(24_000)).expect("enough is left");
    assert!(watchdog.is_armed() && card.resets().is_some_and(|resets| resets <= at(24_000)));
    // The last renewals come too old to be fed for: it resets by the earlier one, and nobody is kept busy.
    card.at(at(12_000));
    watchdog.feed(at(12_000), at(24_500)).expect("what it was told stands");
    assert_eq!(watchdog.due(), None);
}

#[test]
fn it_is_programmed_before_it_is_switched_on() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
    card.0.lock().expect("no panic").longest = 0;
    watchdog.feed(at(0), at(15_500)).expect_err("the driver takes no timeout");
    assert!(!watchdog.is_armed());
    assert_eq!(card.resets(), None);
}

#[test]
fn a_stall_in_the_command_itself_moves_no_deadline() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
    card.0.lock().expect("no panic").stall = Duration::from_secs(4);
    watchdog.feed(at(0), at(15_500)).expect("it takes it");
    assert!(card.resets().expect("it is armed") <= at(15_500), "{:?}", card.resets());
}

#[test]
fn without_another_feeding_it_resets_at_the_deadline_to_the_tenth_of_a_second() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(3)).expect("it can be set low enough");
    card.at(at(1000));
    watchdog.feed(at(1000), at(4480)).expect("it takes it");
    assert_eq!(card.resets(), Some(at(4000)), "whole seconds, rounded down");
    run(&mut watchdog, &card, at(1000), at(60_000));
    let resets = card.resets().expect("it runs");
    assert!(resets <= at(4480) && resets > at(4400), "{resets:?}");
}

#[test]
fn a_deadline_that_comes_nearer_is_obeyed_at_once() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(3)).expect("it can be set low enough");
    card.at(at(1000));
    watchdog.feed(at(1000), at(600_000)).expect("it takes it");
    card.at(at(2000));
    watchdog.feed(at(2000), at(5500)).expect("it takes it");
    assert_eq!(card.resets(), Some(at(5000)));
}

#[test]
fn renewals_that_come_with_every_heartbeat_cost_few_commands() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
    card.0.lock().expect("no panic").commands = 0;
    for ms in 0..10_000 {
        card.at(at(ms));
        watchdog.feed(at(ms), at(ms + 15_500)).expect("it takes it");
    }
    let commands = card.0.lock().expect("no panic").commands;
    assert!(commands <= 101, "{commands} commands in 10 s");
}

#[test]
fn one_that_was_left_to_run_out_takes_no_more_food() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(3)).expect("it can be set low enough");
    watchdog.feed(at(0), at(3500)).expect("it takes it");
    watchdog.let_run_out();
    card.at(at(2000));
    watchdog.feed(at(2000), at(5500)).expect("it says nothing");
    assert_eq!((card.resets(), watchdog.due()), (Some(at(3000)), None));
}

#[test]
fn what_an_earlier_process_armed_is_left_alone_until_there_is_a_lease() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = Device::of(card.clone(), [0; 32], true, 15, true);
    watchdog.prepare(Path::new("/dev/watchdog"), Duration::from_secs(15)).expect("it runs already");
    assert_eq!(card.resets(), Some(at(60_000)), "nobody fed it");
    assert!(watchdog.is_armed() && watchdog.due().is_none());
}

#[test]
fn one_that_an_earlier_process_marked_and_never_switched_on_is_switched_on() {
    let card = Fake::new(1, 1, true);
    card.switch(false).expect("it stops");
    let mut watchdog = Device::of(card.clone(), [0; 32], true, 15, true);
    watchdog.prepare(Path::new("/dev/watchdog"), Duration::from_secs(15)).expect("it is taken for armed");
    watchdog.feed(at(0), at(15_500)).expect("it takes it");
    assert!(card.resets().is_some_and(|resets| resets <= at(15_500)), "{:?}", card.resets());
}

#[test]
fn the_next_process_of_this_boot_knows_that_it_was_armed_and_the_next_boot_does_not_care() {
    let directory = tempfile::tempdir().expect("there is room");
    let marker = |boot| Marker::open(directory.path(), Boot(boot)).expect("it can be made");
    assert!(!marker(7).was_armed());
    marker(7).note(Some(at(4500))).expect("there is room");
    assert_eq!((marker(7).was_armed(), marker(7).deadline()), (true, Some(at(4500))));
    assert!(!marker(8).was_armed());
    marker(7).note(None).expect("there is room");
    assert!(!marker(7).was_armed());
}

#[test]
fn one_that_runs_is_never_set_lower_than_is_needed_before_there_is_a_lease() {
    for stops in [true, false] {
        let card = Fake::new(1, 1, stops);
        device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
        let least = card.0.lock().expect("no panic").least_running;
        assert!(least >= 13, "set to {least} s while it ran");
    }
}

#[test]
fn what_is_refused_stands() {
    let card = Fake::new(14, 1, true);
    device(&card, true, Duration::from_secs(15)).expect_err("it is too slow");
    assert_eq!(card.resets(), None);
    let place = tempfile::tempdir().expect("there is room");
    let path = place.path().join("device");
    std::fs::write(&path, "").expect("there is room");
    let opened = Device::open(&path, place.path(), Boot(7), Duration::from_secs(15));
    assert!(matches!(opened, Err(WatchdogError::NotOne { .. })), "{opened:?}");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"V", "it was released by the magic letter");
    assert!(!place.path().join("watchdog.keeper").exists(), "nobody holds it");
}

#[test]
fn a_command_that_takes_effect_after_its_deadline_moves_the_reset_no_further_than_it_must() {
    let card = Fake::new(1, 1, true);
    let mut watchdog = device(&card, true, Duration::from_secs(15)).expect("it can be set low enough");
    watchdog.feed(at(0), at(15_500)).expect("it takes it");
    card.at(at(7000));
    card.0.lock().expect("no panic").stall = Duration::from_secs(20);
    watchdog.feed(at(7000), at(22_900)).expect("it takes it");
    assert!(card.resets().expect("it is armed") <= at(28_000), "{:?}", card.resets());
}

#[test]
fn who_takes_over_a_watchdog_that_nobody_kept_goes_on_to_the_same_deadline() {
    let resumed = |deadline| {
        let card = Fake::new(1, 1, true);
        card.at(at(10_000));
        let mut watchdog = Device::of(card.clone(), [0; 32], true, 60, true);
        watchdog.prepare(Path::new("/dev/watchdog"), Duration::from_secs(15)).expect("it runs already");
        watchdog.resume(deadline);
        let resets = card.resets().expect("it runs");
        card.at(at(10_200));
        watchdog.feed(at(10_200), at(25_700)).expect("it says nothing");
        run(&mut watchdog, &card, at(10_200), at(14_000));
        (resets, card.resets().expect("it runs"))
    };
    let (resets, fed) = resumed(Some(at(15_500)));
    assert!(resets <= at(15_500) && fed > at(20_000), "{resets:?}, and with a lease it lives on: {fed:?}");
    // Its VMs run elsewhere by now.
    assert_eq!(resumed(Some(at(9000))), (at(11_000), at(11_000)));
}

#[test]
fn a_supervisor_is_told_the_time_that_is_left_and_that_it_is_over() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("watchdog");
    assert!(matches!(Supervisor::connect(&path), Err(WatchdogError::Open { .. })));
    let listener = UnixListener::bind(&path).expect("a socket");
    let mut watchdog = Supervisor::connect(&path).expect("somebody listens");
    let (stream, _) = listener.accept().expect("somebody connected");
    watchdog.feed(at(1000), at(4500)).expect("it takes it");
    watchdog.feed(at(1010), at(4510)).expect("too early to say again");
    assert_eq!(watchdog.due(), Some(at(1100)));
    watchdog.tick(at(1100)).expect("it takes it");
    watchdog.feed(at(1200), at(2000)).expect("a nearer deadline is said at once");
    watchdog.stop().expect("it takes it");
    assert!(!watchdog.is_armed());
    drop(watchdog);
    let lines: Vec<_> = BufReader::new(stream).lines().map_while(Result::ok).collect();
    assert_eq!(lines, ["arm 3500", "arm 3410", "arm 800", "disarm"]);
}

#[test]
fn a_supervisor_that_comes_back_is_told_again() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("watchdog");
    let listener = UnixListener::bind(&path).expect("a socket");
    let mut watchdog = Supervisor::connect(&path).expect("somebody listens");
    drop(listener.accept().expect("somebody connected"));
    watchdog.feed(at(0), at(3000)).expect_err("the other end is gone");
    watchdog.tick(at(100)).expect("it connects again");
    let (stream, _) = listener.accept().expect("it did");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("there is one");
    assert_eq!(line, "arm 2900\n");
}

proptest! {
    /// Whatever renewals come when, with whatever card: the host is never reset after the deadline that was fed last.
    #[test]
    fn the_host_is_never_reset_later_than_its_deadline(
        shortest in 1..4_u32, step in 1..4_u32, timeout in 12..40_u64,
        renewals in prop::collection::vec((0..4000_u64, 0..3000_u64), 1..30),
    ) {
        let card = Fake::new(shortest, step, true);
        let mut watchdog = device(&card, true, Duration::from_secs(timeout)).expect("it can be set low enough");
        let now = Rc::new(Cell::new(1000));
        let mut deadline = at(0);
        for (pause, age) in renewals {
            run(&mut watchdog, &card, at(now.get()), at(now.get() + pause));
            now.set(now.get() + pause);
            card.at(at(now.get()));
            // Renewals are dated from their sending, and dates only rise.
            deadline = deadline.max(at((now.get() + timeout * 1000 + 500).saturating_sub(age)));
            watchdog.feed(at(now.get()), deadline).expect("it takes it");
            let resets = card.resets().expect("it is armed");
            prop_assert!(resets <= deadline, "{resets:?} after {deadline:?}");
        }
        run(&mut watchdog, &card, at(now.get()), deadline + Duration::from_secs(1));
        prop_assert!(card.resets().expect("it is armed") <= deadline);
    }
}

#[test]
fn what_a_keeper_holds_is_had_again_by_its_note_or_without_one() {
    let place = tempfile::tempdir().expect("there is room");
    let device = place.path().join("device");
    std::fs::write(&device, "in the place of a device").expect("there is room");
    // Its second word and its standard input are those of a keeper; it is stopped, which is no obstacle.
    std::fs::write(place.path().join("hold-watchdog"), "kill -STOP $$").expect("there is room");
    let mut command = std::process::Command::new("sh");
    command.arg("hold-watchdog").current_dir(place.path());
    let mut holder =
        command.stdin(std::fs::File::open(&device).expect("it is there")).spawn().expect("a shell");
    let fetch = || super::keeper::fetch(&device, place.path()).expect("it may be asked");
    crate::testing::wait("it is found without a note", || fetch().is_some());
    let id = crate::process::ProcessId::of(holder.id()).expect("it runs");
    id.note(&place.path().join("watchdog.keeper")).expect("there is room");
    let (had, there) = (fetch().expect("it is noted"), std::fs::File::open(&device).expect("it is there"));
    let inode = |file: &dyn rustix::fd::AsFd| rustix::fs::fstat(file.as_fd()).expect("it is open").st_ino;
    assert_eq!(inode(&had), inode(&there));
    assert!(
        super::keeper::fetch(&place.path().join("hold-watchdog"), place.path())
            .is_ok_and(|kept| kept.is_none()),
        "another device"
    );
    holder.kill().expect("it is ours");
    holder.wait().expect("it is ours");
    assert!(fetch().is_none());
}
