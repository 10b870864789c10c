//! Guests that live, hang, recover and hang again.
use super::*;
use proptest::prelude::*;

const SETTINGS: Monitor = Monitor { silent_for_s: 60, grace_s: 240, resets: 2, window_s: 3600 };

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

fn pulse(activity: u64, heartbeat: u64) -> Look {
    Look::Pulse(Pulse { activity, heartbeat: Some(heartbeat) })
}

struct Bench {
    monitors: Monitors,
    now: u64,
}

fn bench(settings: Monitor) -> Bench {
    let mut monitors = Monitors::default();
    monitors.set("a", Some(settings));
    monitors.started("a", at(0));
    Bench { monitors, now: 0 }
}

impl Bench {
    /// Looks every five seconds until then; what is found, with when.
    fn until(&mut self, end: u64, look: impl Fn(u64) -> Look) -> Vec<(u64, Finding)> {
        let mut found = Vec::new();
        while self.now < end {
            self.now += 5;
            if let Some(finding) = self.monitors.look("a", at(self.now), look(self.now)) {
                found.push((self.now, finding));
                if matches!(finding, Finding::Reset { .. }) {
                    self.monitors.rebooted("a", at(self.now));
                }
            }
        }
        found
    }
}

fn reset() -> Finding {
    Finding::Reset { silent_for: Duration::from_mins(1) }
}

#[test]
fn a_guest_that_beats_or_works_is_left_alone() {
    let mut bench = bench(SETTINGS);
    assert_eq!(bench.until(2000, |now| pulse(0, now)), []);
    assert_eq!(bench.until(4000, |now| pulse(now, 7)), [], "its heart has stopped, but its disks are busy");
}

#[test]
fn a_guest_without_a_sign_of_life_is_reset_then_stopped_then_left_alone() {
    let mut bench = bench(SETTINGS);
    assert_eq!(bench.until(300, |now| pulse(0, now)), []);
    let found = bench.until(2000, |_| pulse(9, 1));
    // Each reset has its grace before the next minute counts.
    assert_eq!(found[..2], [(365, reset()), (660, reset())]);
    assert_eq!(found[2], (955, Finding::StopHere { resets: 2 }));
    assert_eq!(found[3..], [(1015, Finding::LeftAlone)], "and people are told once");
}

#[test]
fn resets_are_forgotten_after_the_window() {
    let mut bench = bench(SETTINGS);
    bench.until(300, |now| pulse(0, now));
    let first = bench.until(370, |_| pulse(9, 1));
    assert_eq!(first, [(365, reset())]);
    bench.until(370 + 3600, |now| pulse(0, now));
    assert_eq!(bench.until(370 + 3700, |_| pulse(9, 1)).len(), 1);
    assert_eq!(bench.monitors.guests["a"].resets.len(), 1);
}

#[test]
fn a_heartbeat_that_was_never_heard_says_nothing() {
    let mut bench = bench(SETTINGS);
    assert_eq!(bench.until(5000, |_| pulse(0, 0)), []);
    let none = |_| Look::Pulse(Pulse { activity: 0, heartbeat: None });
    assert_eq!(bench.until(10_000, none), []);
}

#[test]
fn a_paused_guest_is_excused_and_its_silence_counts_anew() {
    let mut bench = bench(SETTINGS);
    bench.until(300, |now| pulse(0, now));
    bench.until(350, |_| pulse(0, 1));
    assert_eq!(bench.until(900, |_| Look::Excused), []);
    assert_eq!(bench.until(960, |_| pulse(0, 1)), []);
    assert_eq!(bench.until(980, |_| pulse(0, 1)), [(965, reset())]);
}

#[test]
fn pulses_are_felt_often_enough_for_the_most_impatient() {
    let mut monitors = Monitors::default();
    assert_eq!(monitors.feels_at(None), None);
    monitors.set("a", Some(SETTINGS));
    assert_eq!(monitors.feels_at(Some(at(10))), Some(at(15)));
    monitors.set("b", Some(Monitor { silent_for_s: 4, ..SETTINGS }));
    assert_eq!(monitors.feels_at(Some(at(10))), Some(at(11)));
    monitors.set("b", None);
    assert!(!monitors.minds("b"));
}

proptest! {
    #[test]
    fn never_more_resets_than_allowed_and_never_in_its_grace(
        looks in prop::collection::vec((0_u8..4, 1_u64..40), 1..400),
        resets in 0_u32..4,
    ) {
        let settings = Monitor { silent_for_s: 20, grace_s: 30, resets, window_s: 600 };
        let mut monitors = Monitors::default();
        monitors.set("a", Some(settings));
        monitors.started("a", at(0));
        let (mut now, mut beats, mut work, mut began) = (0, 0, 0, 0);
        let mut made: Vec<u64> = Vec::new();
        for (kind, passes) in looks {
            now += passes;
            match kind { 0 => beats += 1, 1 => work += 1, _ => {} }
            let look = if kind == 3 { Look::Excused } else { pulse(work, beats) };
            let finding = monitors.look("a", at(now), look);
            if finding.is_some() {
                prop_assert!(now - began >= 30, "found in its grace");
                prop_assert!(kind == 2, "found although it lives or is excused");
            }
            if let Some(Finding::Reset { .. }) = finding {
                made.push(now);
                began = now;
                monitors.rebooted("a", at(now));
                let recent = made.iter().filter(|reset| now - **reset < 600).count();
                prop_assert!(recent <= resets as usize, "{recent} resets in the window");
            }
        }
    }
}
