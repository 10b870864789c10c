//! What happened, for people: a few sentences with the seconds since the blow that they follow from, out of thousands
//! of happenings. What happens to many hosts or VMs at once becomes one sentence.
mod crowd;
mod verdict;
mod words;

pub use verdict::Verdict;

use crowd::{Crowd, Kind};
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_simulator::happening::{DownCause, HaltCause};
use lifeboat_simulator::live::{Duty, Happened, Known, What};
use lifeboat_simulator::scenario::Action;
use lifeboat_simulator::trace::Line;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How something looks; what it means is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Need not be read.
    Quiet,
    /// A heading, or what somebody said.
    Strong,
    /// All is well, or well again.
    Good,
    /// Worth a look.
    Warn,
    /// Lost, broken, refused.
    Bad,
}

/// A sentence of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its number; they rise by one.
    pub number: u64,
    /// When it happened, counted from when the pool had formed.
    pub at: Duration,
    /// How long after the blow that it follows from.
    pub since: Option<Duration>,
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// Sentences that are kept.
const KEPT: usize = 1000;
/// What happens so much later than a blow does not follow from it.
const FORGOTTEN: Duration = Duration::from_mins(3);

/// The story so far.
#[derive(Debug)]
pub struct Story {
    pool: Arc<Pool>,
    items: VecDeque<Item>,
    next: u64,
    crowds: Vec<Crowd>,
    /// When each host was last struck.
    struck: Vec<Option<Duration>>,
    /// When the pool was struck; a blow that falls before all is well again counts from the first.
    blow: Option<Duration>,
    /// Protected VMs that do not run, or have not booted.
    down: BTreeSet<VmIndex>,
    restarted: BTreeSet<VmIndex>,
    restarted_on: BTreeSet<HostIndex>,
    verdicts: verdict::Verdicts,
    /// When somebody last said something.
    heard: Option<Duration>,
    /// Hosts that are told to be safe to replace, since they were members.
    safe: BTreeSet<HostIndex>,
}

impl Story {
    /// The story of a pool in which all is well.
    pub fn new(pool: Arc<Pool>) -> Self {
        Self {
            items: VecDeque::new(),
            next: 1,
            crowds: Vec::new(),
            struck: vec![None; pool.hosts().len()],
            blow: None,
            down: BTreeSet::new(),
            restarted: BTreeSet::new(),
            restarted_on: BTreeSet::new(),
            verdicts: verdict::Verdicts::default(),
            heard: None,
            safe: BTreeSet::new(),
            pool,
        }
    }

    /// How it begins.
    pub fn begin(&mut self, coordinator: &str) {
        let hosts = self.pool.hosts().len();
        let text = format!(
            "the pool has formed: {hosts} agents exchange sealed heartbeats, {coordinator} coordinates; only the world \
             around them is simulated"
        );
        self.tell(Duration::ZERO, None, Tone::Quiet, text);
    }

    /// The sentences that are kept, oldest first.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.items.iter()
    }

    /// Whether every protected VM runs and has booted.
    pub fn is_well(&self) -> bool {
        self.down.is_empty()
    }

    /// Somebody said something to the pool; `hosts` are those that it names.
    pub fn said(&mut self, at: Duration, line: &str, action: &Action, hosts: &[HostIndex]) {
        self.flush(at, true);
        if words::is_blow(action) && self.down.is_empty() {
            self.blow = Some(at);
        }
        self.heard = Some(at);
        for host in hosts {
            self.struck[host.get()] = Some(at);
        }
        self.tell(at, None, Tone::Strong, line.to_owned());
    }

    /// Something could not be done.
    pub fn refused(&mut self, at: Duration, text: String) {
        self.tell(at, None, Tone::Bad, text);
    }

    /// The verdict that the service publishes now.
    pub fn verdict(&mut self, at: Duration, verdict: &Verdict) {
        self.verdicts.seen(at, verdict);
    }

    /// What has happened until `now`.
    pub fn take(&mut self, now: Duration, happened: &[Happened]) {
        for one in happened {
            self.flush(one.at, false);
            match &one.what {
                What::Line(line) => self.line(one.at, line),
                What::Known { host, known } => self.known(one.at, *host, *known),
                What::Duty { host, duty } => {
                    let kind = match duty {
                        Duty::Enabled => Kind::Enabled,
                        Duty::Disabled => Kind::Disabled,
                        Duty::Maintenance | Duty::Leaving | Duty::Rebooting => Kind::Maintenance,
                    };
                    self.join(one.at, kind, Some(*host), None);
                }
            }
        }
        self.flush(now, false);
        if let Some((at, tone, text)) = self.verdicts.settled(now) {
            // What makes matters better was asked for; what makes them worse follows from the blow.
            let from = if tone == Tone::Good { self.heard.max(self.blow) } else { self.blow };
            self.tell(at, since(at, from), tone, text);
        }
    }

    /// Nothing more will happen: tells what was still being gathered.
    pub fn end(&mut self, now: Duration) {
        self.flush(now + crowd::LONGEST_OF_ALL, true);
    }

    fn known(&mut self, at: Duration, host: HostIndex, known: Known) {
        let kind = match known {
            Known::Member => {
                self.safe.remove(&host);
                Kind::Rejoined
            }
            Known::Lost => Kind::Lost,
            Known::Out => Kind::Left,
            // Told with its evidence.
            Known::Safe => return,
        };
        self.join(at, kind, Some(host), None);
    }

    fn line(&mut self, at: Duration, line: &Line) {
        match line {
            Line::VmStopped { vm, host, cause } => self.stopped(at, *vm, *host, *cause),
            Line::VmExecutes { vm, host } => self.starts(at, *vm, *host),
            Line::VmRunning { vm, .. } => self.runs(at, *vm),
            Line::HandOver { vm, from, to } => {
                self.join(at, Kind::Moved { from: *from }, Some(*to), Some(*vm));
            }
            Line::HostDown { host, cause: DownCause::PowerLoss } => {
                self.join(at, Kind::PowerLost, Some(*host), None);
            }
            Line::HostDown { host, cause: DownCause::CleanOff } => {
                self.join(at, Kind::SwitchedOff, Some(*host), None);
            }
            Line::HostUp { host } => self.join(at, Kind::Up, Some(*host), None),
            Line::Fenced { host, .. } => self.join(at, Kind::FencedItself, Some(*host), None),
            Line::Evidence { about, kind, .. } if self.safe.insert(*about) => {
                self.join(at, Kind::Safe { evidence: *kind }, Some(*about), None);
            }
            Line::MediumLost { host } => self.join(at, Kind::MediumLost, Some(*host), None),
            Line::MediumBack { host } => self.join(at, Kind::MediumBack, Some(*host), None),
            Line::Armed { host, armed } => self.join(at, Kind::Armed { armed: *armed }, Some(*host), None),
            Line::AgentUp { host } => self.join(at, Kind::AgentBack, Some(*host), None),
            Line::Coordinator { host, epoch } => {
                let text = format!("{} is the coordinator now, epoch {}", self.pool.host_id(*host), epoch.0);
                let since = self.since(at, []);
                self.tell(at, since, Tone::Good, text);
            }
            Line::OrderFailed { host, vm, reason } => {
                let kind = Kind::Failed { reason: reason.clone() };
                self.join(at, kind, Some(*host), self.pool.find_vm(vm));
            }
            Line::Refused { what, why } => self.tell(at, None, Tone::Bad, format!("refused: {what}: {why}")),
            Line::Alert(alert) if alert.kind == "vm-restart-failed" => {
                let vm = alert.vm.as_deref().and_then(|vm| self.pool.find_vm(vm));
                self.join(at, Kind::Waits { reason: alert.text.clone() }, None, vm);
            }
            Line::Alert(alert) => {
                if let Some((tone, text)) = words::alert(alert) {
                    let since = self.since(at, []);
                    self.tell(at, since, tone, text);
                }
            }
            _ => {}
        }
    }

    fn stopped(&mut self, at: Duration, vm: VmIndex, host: HostIndex, cause: HaltCause) {
        if self.is_protected(vm) {
            if self.down.is_empty() {
                self.restarted.clear();
                self.restarted_on.clear();
            }
            self.down.insert(vm);
        }
        let kind = match cause {
            HaltCause::HostDown(DownCause::PowerLoss) => Kind::PowerLost,
            HaltCause::HostDown(DownCause::CleanOff) => Kind::SwitchedOff,
            HaltCause::HostDown(DownCause::SelfFence | DownCause::Watchdog) | HaltCause::Fence => {
                Kind::FencedItself
            }
            HaltCause::Ordered => Kind::Ordered,
            HaltCause::Itself(_) => Kind::Crashed,
        };
        self.join(at, kind, Some(host), Some(vm));
    }

    fn starts(&mut self, at: Duration, vm: VmIndex, host: HostIndex) {
        let state = self.pool.vm(vm);
        let kind = match state.restart_priority {
            RestartPriority::Restart => Kind::Started { order: Some(state.order) },
            RestartPriority::BestEffort | RestartPriority::Unprotected => Kind::Started { order: None },
        };
        if self.is_protected(vm) {
            self.restarted.insert(vm);
            self.restarted_on.insert(host);
        }
        self.join(at, kind, Some(host), Some(vm));
    }

    fn runs(&mut self, at: Duration, vm: VmIndex) {
        if !self.down.remove(&vm) || !self.down.is_empty() {
            return;
        }
        self.flush(at, true);
        let since = self.since(at, []);
        let text = words::all_run(self.restarted.len(), self.restarted_on.len());
        self.tell(at, since, Tone::Good, text);
    }

    fn is_protected(&self, vm: VmIndex) -> bool {
        self.pool.vm(vm).restart_priority == RestartPriority::Restart
    }

    fn join(&mut self, at: Duration, kind: Kind, host: Option<HostIndex>, vm: Option<VmIndex>) {
        let protected = vm.is_some_and(|vm| self.is_protected(vm));
        let known = self.crowds.iter_mut().find(|crowd| crowd.kind == kind);
        if let Some(crowd) = known {
            crowd.join(at, host, vm, protected);
        } else {
            let mut crowd = Crowd::new(at, kind);
            crowd.join(at, host, vm, protected);
            self.crowds.push(crowd);
        }
    }

    /// Tells of the crowds that nobody joins any more, or of all.
    fn flush(&mut self, now: Duration, all: bool) {
        let (mut over, open): (Vec<Crowd>, Vec<Crowd>) =
            self.crowds.drain(..).partition(|crowd| crowd.is_over(now) || all && !crowd.takes_long());
        self.crowds = open;
        over.sort_by_key(|crowd| crowd.at);
        for crowd in over {
            let of_hosts = if crowd.is_about_its_hosts() { crowd.hosts.clone() } else { BTreeSet::new() };
            let since = self.since(crowd.at, of_hosts);
            let (tone, text) = words::crowd(&self.pool, &crowd);
            self.tell(crowd.at, since, tone, text);
        }
    }

    /// How long after what was last said of these hosts; else after the blow to the pool.
    fn since(&self, at: Duration, hosts: impl IntoIterator<Item = HostIndex>) -> Option<Duration> {
        let struck = hosts.into_iter().filter_map(|host| self.struck[host.get()]).min();
        since(at, struck.or(self.blow))
    }

    /// Puts a sentence where its time belongs: some are told only when they have come to rest.
    fn tell(&mut self, at: Duration, since: Option<Duration>, tone: Tone, text: String) {
        let later = self.items.iter().rev().take_while(|item| item.at > at).count();
        let place = self.items.len() - later;
        self.items.insert(place, Item { number: self.next, at, since, tone, text });
        self.next += 1;
        if self.items.len() > KEPT {
            self.items.pop_front();
        }
    }
}

fn since(at: Duration, from: Option<Duration>) -> Option<Duration> {
    at.checked_sub(from?).filter(|since| *since <= FORGOTTEN)
}

#[cfg(test)]
mod tests;
