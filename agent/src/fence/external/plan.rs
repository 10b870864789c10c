//! What is to be done next about each host that has to be off: a state machine, to which time and answers are told.
use super::device::{Action, Answer};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How often all devices must say that they are off.
const TIMES: u32 = 2;
/// The first pause after a failure; it doubles, up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A device that still says *on* after it was switched off is asked again after so long, so often; then it is switched off again.
const DRAINS: Duration = Duration::from_secs(1);
const MOST_DRAINS: u32 = 10;
/// How often it is made sure that a host that has to be off still is.
const AGAIN: Duration = Duration::from_secs(5);
/// How often a host that was fenced is tried to be switched on.
const MOST_ONS: u32 = 5;
/// A fence that somebody asked for once is begun no later than this after it was asked for: what was meant then need not be meant now.
const ASKED_FOR: Duration = Duration::from_mins(1);

/// Something that one device is asked for one host. Who asks nothing any more has gone on to another `turn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// For this host.
    pub host: HostIndex,
    /// The device, by its position in the configuration.
    pub device: usize,
    /// What it is asked.
    pub action: Action,
    turn: u64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Run this, and tell the answer.
    Run(Job),
    /// The host is off, beyond doubt.
    IsOff(HostIndex),
    /// It was fenced and is on again.
    IsOnAgain(HostIndex),
    /// It was fenced and cannot be switched on.
    StaysOff(HostIndex),
    /// Whoever switches this host off now is to be ended, wherever it has got to.
    Abandon(HostIndex),
}

/// The whole of it.
#[derive(Debug)]
pub struct Plan {
    /// For each device the lane that it is in: one job at a time runs in a lane.
    lanes: Vec<usize>,
    busy: BTreeMap<usize, VecDeque<Job>>,
    cases: BTreeMap<HostIndex, Case>,
    turns: u64,
    acts: Vec<Act>,
}

#[derive(Debug)]
struct Case {
    devices: Vec<usize>,
    power_on: bool,
    wanted: Wanted,
    step: Step,
    turn: u64,
    waits_for: Vec<usize>,
    answers: Vec<Answer>,
    failures: u32,
    drains: u32,
    was_off: bool,
    /// A program was told to switch it off, and may have.
    off_begun: bool,
}

/// Who wants a host off.
#[derive(Debug, Default)]
struct Wanted {
    /// The pool's agreement.
    agreed: bool,
    /// Somebody has asked, once, and has it until then.
    asked: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    SwitchingOff,
    Asking {
        times: u32,
    },
    /// Until then, and then from the beginning.
    Pausing {
        until: Instant,
    },
    /// The power is going; until then, and then asked again.
    Draining {
        until: Instant,
    },
    /// It is off; made sure of again then.
    Off {
        until: Instant,
    },
    SwitchingOn,
    PausingOn {
        until: Instant,
    },
    /// Nobody wants it off any more, and a program may have switched it off all the same: asked which it is.
    Leaving,
    PausingLeaving {
        until: Instant,
    },
}

impl Plan {
    /// With devices in these lanes.
    pub fn new(lanes: Vec<usize>) -> Self {
        Self { lanes, busy: BTreeMap::new(), cases: BTreeMap::new(), turns: 0, acts: Vec::new() }
    }

    /// A host has to be off: by the pool's agreement, until it is released; or because somebody `asked`, once.
    pub fn need(&mut self, now: Instant, host: HostIndex, devices: &[usize], power_on: bool, asked: bool) {
        let case = self.cases.entry(host).or_insert_with(|| Case {
            devices: devices.to_vec(),
            power_on,
            wanted: Wanted::default(),
            step: Step::Pausing { until: now },
            turn: 0,
            waits_for: Vec::new(),
            answers: Vec::new(),
            failures: 0,
            drains: 0,
            was_off: false,
            off_begun: false,
        });
        let was_wanted = case.wanted.at_all();
        case.wanted.agreed |= !asked;
        if asked {
            case.wanted.asked = Some(now + ASKED_FOR);
        }
        if !was_wanted {
            case.was_off = false;
            self.begin(host, Step::SwitchingOff);
        }
    }

    /// The pool's agreement has no need of it any more: the host is fenced, or is back.
    pub fn release(&mut self, host: HostIndex) {
        let Some(case) = self.cases.get_mut(&host) else { return };
        case.wanted.agreed = false;
        if !case.wanted.at_all() {
            self.give_up(host);
        }
    }

    /// This host leads no more: nothing is switched off from here, nor on, since another one may be switching it off.
    pub fn rest(&mut self) {
        for host in std::mem::take(&mut self.cases).into_keys() {
            self.acts.push(Act::Abandon(host));
        }
    }

    /// The hosts that the pool's agreement wants off.
    pub fn agreed(&self) -> Vec<HostIndex> {
        self.cases.iter().filter(|(_, case)| case.wanted.agreed).map(|(host, _)| *host).collect()
    }

    /// What is being done, in words.
    pub fn standing(&self) -> impl Iterator<Item = (HostIndex, &'static str)> {
        self.cases.iter().map(|(host, case)| (*host, case.step.words()))
    }

    /// A job was done.
    pub fn answered(&mut self, now: Instant, job: &Job, answer: &Answer) {
        self.next_in_lane(self.lanes[job.device]);
        let Some(case) = self.cases.get_mut(&job.host).filter(|case| case.turn == job.turn) else { return };
        case.waits_for.retain(|device| *device != job.device);
        case.answers.push(answer.clone());
        if case.waits_for.is_empty() {
            self.judge(now, job.host);
        }
    }

    /// When [`Plan::elapsed`] is to be called at the latest.
    pub fn next(&self) -> Option<Instant> {
        self.cases.values().filter_map(|case| case.step.until()).min()
    }

    /// Time has passed.
    pub fn elapsed(&mut self, now: Instant) {
        let due = self.cases.iter().filter(|(_, case)| case.step.until().is_some_and(|until| until <= now));
        for (host, step) in due.map(|(host, case)| (*host, case.step)).collect::<Vec<_>>() {
            match step {
                Step::PausingOn { .. } => self.begin(host, Step::SwitchingOn),
                Step::PausingLeaving { .. } => self.begin(host, Step::Leaving),
                Step::Pausing { .. } if self.is_stale(now, host) => self.give_up(host),
                Step::Draining { .. } => self.begin(host, Step::Asking { times: 1 }),
                // Once it has said twice that it is off, once more is enough.
                Step::Off { .. } => self.begin(host, Step::Asking { times: TIMES }),
                Step::Pausing { .. } => self.begin(host, Step::SwitchingOff),
                Step::SwitchingOff | Step::Asking { .. } | Step::SwitchingOn | Step::Leaving => {}
            }
        }
    }

    /// What is to be done now.
    pub fn acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Asks every device of a host.
    fn begin(&mut self, host: HostIndex, step: Step) {
        self.turns += 1;
        let turn = self.turns;
        let Some(case) = self.cases.get_mut(&host) else { return };
        (case.step, case.turn) = (step, turn);
        case.answers.clear();
        case.waits_for.clone_from(&case.devices);
        let action = match step {
            Step::SwitchingOff => Action::Off,
            Step::SwitchingOn => Action::On,
            _ => Action::Status,
        };
        for device in case.devices.clone() {
            self.queue(Job { host, device, action, turn });
        }
    }

    fn queue(&mut self, job: Job) {
        let lane = self.lanes[job.device];
        if let Some(waiting) = self.busy.get_mut(&lane) {
            // What was asked before and has not begun is asked by nobody any more.
            waiting.retain(|other| other.host != job.host || other.turn == job.turn);
            waiting.push_back(job);
        } else {
            self.busy.insert(lane, VecDeque::new());
            self.run(job);
        }
    }

    fn run(&mut self, job: Job) {
        if let Some(case) = self.cases.get_mut(&job.host).filter(|_| job.action == Action::Off) {
            case.off_begun = true;
        }
        self.acts.push(Act::Run(job));
    }

    fn next_in_lane(&mut self, lane: usize) {
        while let Some(job) = self.busy.get_mut(&lane).and_then(VecDeque::pop_front) {
            if self.cases.get(&job.host).is_some_and(|case| case.turn == job.turn) {
                return self.run(job);
            }
        }
        self.busy.remove(&lane);
    }

    /// All devices have answered.
    fn judge(&mut self, now: Instant, host: HostIndex) {
        let Some(case) = self.cases.get_mut(&host) else { return };
        let all = |answer: &Answer| case.answers.iter().all(|other| other == answer);
        let failed = case.answers.iter().any(|answer| matches!(answer, Answer::Unknown(_)));
        match case.step {
            Step::SwitchingOff if all(&Answer::Done) => {
                case.drains = 0;
                self.begin(host, Step::Asking { times: 1 });
            }
            Step::Asking { times } if all(&Answer::IsOff) && times < TIMES => {
                self.begin(host, Step::Asking { times: times + 1 });
            }
            Step::Asking { .. } if all(&Answer::IsOff) => self.is_off(now, host),
            Step::Asking { .. } if !failed && !case.was_off && case.drains < MOST_DRAINS => {
                case.drains += 1;
                case.step = Step::Draining { until: now + DRAINS };
            }
            Step::SwitchingOn if all(&Answer::Done) => {
                self.cases.remove(&host);
                self.acts.push(Act::IsOnAgain(host));
            }
            Step::SwitchingOn => {
                case.failures += 1;
                if case.failures >= MOST_ONS {
                    self.cases.remove(&host);
                    self.acts.push(Act::StaysOff(host));
                } else {
                    case.step = Step::PausingOn { until: now + pause(case.failures) };
                }
            }
            Step::Leaving => self.judge_leaving(now, host),
            _ => {
                case.failures += 1;
                case.step = Step::Pausing { until: now + pause(case.failures) };
            }
        }
    }

    fn is_off(&mut self, now: Instant, host: HostIndex) {
        let Some(case) = self.cases.get_mut(&host) else { return };
        (case.was_off, case.wanted.asked, case.failures) = (true, None, 0);
        case.step = Step::Off { until: now + AGAIN };
        let wanted = case.wanted.at_all();
        self.acts.push(Act::IsOff(host));
        if !wanted {
            self.give_up(host);
        }
    }

    /// Whether only somebody who asked once wants it off, and that is too long ago.
    fn is_stale(&mut self, now: Instant, host: HostIndex) -> bool {
        let Some(case) = self.cases.get_mut(&host) else { return false };
        if case.wanted.asked.is_some_and(|until| until <= now) {
            case.wanted.asked = None;
        }
        !case.wanted.at_all()
    }

    /// Nobody wants it off any more.
    fn give_up(&mut self, host: HostIndex) {
        let Some(case) = self.cases.get_mut(&host) else { return };
        (case.failures, case.drains) = (0, 0);
        if case.was_off && case.power_on {
            self.begin(host, Step::SwitchingOn);
        } else if case.off_begun && !case.was_off {
            self.acts.push(Act::Abandon(host));
            self.begin(host, Step::Leaving);
        } else {
            self.cases.remove(&host);
        }
    }

    /// What was begun and given up may have switched it off, some seconds later even; it is not to stay off with nobody knowing.
    fn judge_leaving(&mut self, now: Instant, host: HostIndex) {
        let Some(case) = self.cases.get_mut(&host) else { return };
        let any = |wanted: &Answer| case.answers.iter().any(|answer| answer == wanted);
        let failed = case.answers.iter().any(|answer| matches!(answer, Answer::Unknown(_)));
        if any(&Answer::IsOff) {
            case.was_off = true;
            if case.power_on {
                return self.begin(host, Step::SwitchingOn);
            }
        }
        let again = if failed { case.failures < MOST_ONS } else { case.drains < MOST_DRAINS };
        if again && !case.was_off {
            let rest = if failed { pause(case.failures + 1) } else { DRAINS };
            if failed {
                case.failures += 1;
            } else {
                case.drains += 1;
            }
            case.step = Step::PausingLeaving { until: now + rest };
            return;
        }
        let stays = case.was_off || failed;
        self.cases.remove(&host);
        if stays {
            self.acts.push(Act::StaysOff(host));
        }
    }
}

impl Wanted {
    fn at_all(&self) -> bool {
        self.agreed || self.asked.is_some()
    }
}

impl Step {
    fn until(self) -> Option<Instant> {
        match self {
            Self::Pausing { until }
            | Self::Draining { until }
            | Self::Off { until }
            | Self::PausingOn { until }
            | Self::PausingLeaving { until } => Some(until),
            Self::SwitchingOff | Self::Asking { .. } | Self::SwitchingOn | Self::Leaving => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::SwitchingOff => "being switched off",
            Self::Asking { .. } | Self::Draining { .. } => "switched off; asked whether it is",
            Self::Pausing { .. } => "could not be switched off; tried again soon",
            Self::Off { .. } => "off",
            Self::SwitchingOn | Self::PausingOn { .. } => "fenced; being switched on",
            Self::Leaving | Self::PausingLeaving { .. } => "is not to be off any more; asked whether it is",
        }
    }
}

fn pause(failures: u32) -> Duration {
    let doubled = PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
