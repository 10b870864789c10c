//! Devices that answer, fail, and say one thing and then another.
use super::*;

const HOST: HostIndex = HostIndex(3);
const OTHER: HostIndex = HostIndex(4);

/// A plan, and what was asked and not answered yet.
struct Bench {
    plan: Plan,
    now: Instant,
    open: Vec<Job>,
    acts: Vec<Act>,
}

impl Bench {
    fn new(lanes: &[usize]) -> Self {
        Self {
            plan: Plan::new(lanes.to_vec()),
            now: Instant::from_micros(0),
            open: Vec::new(),
            acts: Vec::new(),
        }
    }

    fn look(&mut self) {
        for act in self.plan.acts() {
            match act {
                Act::Run(job) => self.open.push(job),
                other => self.acts.push(other),
            }
        }
    }

    fn need(&mut self, host: HostIndex, devices: &[usize], power_on: bool) {
        self.plan.need(self.now, host, devices, power_on, false);
        self.look();
    }

    /// Answers the oldest open question of this device; says which it was.
    #[expect(clippy::needless_pass_by_value, reason = "the cases read better")]
    fn answer(&mut self, device: usize, answer: Answer) -> Action {
        let at = self.open.iter().position(|job| job.device == device).expect("it was asked");
        let job = self.open.remove(at);
        self.plan.answered(self.now, &job, &answer);
        self.look();
        job.action
    }

    fn wait(&mut self) -> Duration {
        let next = self.plan.next().expect("something is due");
        let waited = next.since(self.now);
        self.now = next;
        self.plan.elapsed(self.now);
        self.look();
        waited
    }
}

fn unknown() -> Answer {
    Answer::Unknown("no answer".into())
}

#[test]
fn a_host_is_off_when_its_device_has_said_so_twice_after_switching() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], false);
    assert_eq!(bench.answer(0, Answer::Done), Action::Off);
    assert_eq!(bench.answer(0, Answer::IsOff), Action::Status);
    assert!(bench.acts.is_empty(), "once is not enough");
    assert_eq!(bench.answer(0, Answer::IsOff), Action::Status);
    assert_eq!(bench.acts, [Act::IsOff(HOST)]);
}

#[test]
fn with_redundant_supplies_all_of_them_must_be_off() {
    let mut bench = Bench::new(&[0, 1]);
    bench.need(HOST, &[0, 1], false);
    bench.answer(0, Answer::Done);
    assert!(bench.open.iter().all(|job| job.device == 1), "nothing is asked before both have switched");
    bench.answer(1, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(1, Answer::IsOn);
    assert!(bench.acts.is_empty());
    bench.wait();
    for _ in 0..2 {
        bench.answer(1, Answer::IsOff);
        bench.answer(0, Answer::IsOff);
    }
    assert_eq!(bench.acts, [Act::IsOff(HOST)]);
}

#[test]
fn what_is_unknown_is_not_off_and_is_tried_again_with_longer_and_longer_pauses() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], false);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert_eq!(bench.answer(0, unknown()), Action::Off);
        pauses.push(bench.wait().as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    bench.answer(0, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(0, unknown());
    assert!(bench.acts.is_empty(), "off, and then unknown, is unknown");
    bench.wait();
    assert_eq!(bench.answer(0, Answer::Done), Action::Off, "from the beginning");
}

#[test]
fn a_device_that_goes_on_saying_on_is_switched_off_again() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], false);
    bench.answer(0, Answer::Done);
    for _ in 0..MOST_DRAINS {
        assert_eq!(bench.answer(0, Answer::IsOn), Action::Status);
        assert_eq!(bench.wait(), DRAINS);
    }
    bench.answer(0, Answer::IsOn);
    bench.wait();
    assert_eq!(bench.answer(0, Answer::Done), Action::Off);
    assert!(bench.acts.is_empty());
}

#[test]
fn a_host_that_has_to_be_off_is_kept_off_and_shown_to_be() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], false);
    bench.answer(0, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(0, Answer::IsOff);
    assert_eq!(bench.wait(), AGAIN);
    assert_eq!(bench.answer(0, Answer::IsOff), Action::Status);
    assert_eq!(bench.acts, [Act::IsOff(HOST), Act::IsOff(HOST)], "said again, in case nobody took it");
    bench.wait();
    bench.answer(0, Answer::IsOn);
    bench.wait();
    assert_eq!(bench.answer(0, Answer::Done), Action::Off, "somebody switched it on");
}

#[test]
fn it_is_switched_on_only_after_the_pool_has_agreed_that_it_is_fenced() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], true);
    bench.answer(0, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(0, Answer::IsOff);
    assert!(bench.open.is_empty(), "the pool has not agreed yet");
    bench.plan.release(HOST);
    bench.look();
    assert_eq!(bench.answer(0, unknown()), Action::On);
    bench.wait();
    assert_eq!(bench.answer(0, Answer::Done), Action::On);
    assert_eq!(bench.acts, [Act::IsOff(HOST), Act::IsOnAgain(HOST)]);
    assert_eq!(bench.plan.next(), None);
}

#[test]
fn a_host_that_cannot_be_switched_on_is_given_up_with_a_word() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], true);
    bench.answer(0, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(0, Answer::IsOff);
    bench.plan.release(HOST);
    bench.look();
    for turn in 1..=MOST_ONS {
        bench.answer(0, unknown());
        if turn < MOST_ONS {
            bench.wait();
        }
    }
    assert_eq!(bench.acts.last(), Some(&Act::StaysOff(HOST)));
}

#[test]
fn a_host_that_is_released_while_it_is_being_switched_off_is_not_left_off() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], true);
    bench.plan.release(HOST);
    bench.look();
    assert_eq!(bench.acts, [Act::Abandon(HOST)], "who switches it off is ended");
    assert_eq!(bench.answer(0, unknown()), Action::Off);
    assert_eq!(bench.answer(0, Answer::IsOn), Action::Status, "its power may still be going");
    bench.wait();
    assert_eq!(bench.answer(0, Answer::IsOff), Action::Status);
    assert_eq!(bench.answer(0, Answer::Done), Action::On);
    assert_eq!(bench.acts, [Act::Abandon(HOST), Act::IsOnAgain(HOST)]);
    bench.need(HOST, &[0], true);
    assert_eq!(bench.answer(0, Answer::Done), Action::Off, "and begun anew when it is needed again");
}

#[test]
fn a_host_that_is_released_while_it_is_being_switched_off_and_stays_on_is_left_alone() {
    let mut bench = Bench::new(&[0]);
    bench.need(HOST, &[0], true);
    bench.plan.release(HOST);
    bench.look();
    bench.answer(0, Answer::Done);
    for _ in 0..MOST_DRAINS {
        assert_eq!(bench.answer(0, Answer::IsOn), Action::Status);
        bench.wait();
    }
    bench.answer(0, Answer::IsOn);
    assert_eq!(bench.acts, [Act::Abandon(HOST)]);
    assert_eq!(bench.plan.next(), None);
}

#[test]
fn without_power_on_or_without_an_answer_it_is_said_that_it_stays_off() {
    for answer in [Answer::IsOff, unknown()] {
        let mut bench = Bench::new(&[0]);
        bench.need(HOST, &[0], false);
        bench.plan.release(HOST);
        bench.look();
        bench.answer(0, Answer::Done);
        while !bench.open.is_empty() {
            assert_eq!(bench.answer(0, answer.clone()), Action::Status);
            if bench.plan.next().is_some() {
                bench.wait();
            }
        }
        assert_eq!(bench.acts.last(), Some(&Act::StaysOff(HOST)), "{answer:?}");
    }
}

#[test]
fn who_leads_no_more_switches_nothing_off_or_on() {
    let mut bench = Bench::new(&[0, 1]);
    bench.need(HOST, &[0], true);
    bench.answer(0, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(0, Answer::IsOff);
    bench.plan.need(bench.now, OTHER, &[1], true, true);
    bench.look();
    bench.plan.rest();
    bench.look();
    assert!(bench.acts.contains(&Act::Abandon(HOST)) && bench.acts.contains(&Act::Abandon(OTHER)));
    bench.answer(1, unknown());
    assert!(bench.open.is_empty());
    assert_eq!(bench.plan.next(), None);
}

#[test]
fn what_was_asked_for_once_is_not_done_minutes_later() {
    let mut bench = Bench::new(&[0]);
    bench.plan.need(bench.now, HOST, &[0], true, true);
    bench.look();
    let begun = bench.now;
    loop {
        match bench.answer(0, unknown()) {
            Action::Off => assert!(bench.now.since(begun) < ASKED_FOR),
            Action::Status => break,
            Action::On => panic!("nobody knows that it is off"),
        }
        bench.wait();
    }
    while bench.plan.next().is_some() {
        bench.wait();
        assert_eq!(bench.answer(0, Answer::IsOn), Action::Status);
    }
    assert!(!bench.acts.contains(&Act::StaysOff(HOST)));
}

#[test]
fn one_device_is_asked_one_thing_at_a_time() {
    // Two outlets of one strip, and a BMC of its own.
    let mut bench = Bench::new(&[0, 0, 2]);
    bench.need(HOST, &[0], false);
    bench.need(OTHER, &[1, 2], false);
    let running = |bench: &Bench| bench.open.iter().map(|job| job.device).collect::<Vec<_>>();
    assert_eq!(running(&bench), [0, 2]);
    bench.answer(2, Answer::Done);
    bench.answer(0, Answer::Done);
    assert_eq!(running(&bench), [1], "the other host's turn");
    bench.answer(1, Answer::Done);
    assert_eq!(running(&bench), [0, 2], "and back");
    assert!(bench.open.iter().all(|job| job.action == Action::Status));
}

#[test]
fn who_asks_once_gets_one_fence() {
    let mut bench = Bench::new(&[0]);
    bench.plan.need(bench.now, HOST, &[0], false, true);
    bench.look();
    bench.answer(0, Answer::Done);
    bench.answer(0, Answer::IsOff);
    bench.answer(0, Answer::IsOff);
    assert_eq!(bench.acts, [Act::IsOff(HOST)]);
    assert_eq!(bench.plan.next(), None, "it is not watched any longer");
}
