//! A run: what has been done of a plan and what is to be done next. It knows no clock and does nothing itself: it is shown how things stand, and
//! says what to do. What it says can be done twice; it is kept before it is done, so whoever leads next goes on from there.
//!
//! No host of a later group is asked to go before all of the earlier ones are members again, by a later boot.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long the pool may take to come to rest before the next group.
const CALM_WITHIN: Duration = Duration::from_mins(10);
/// For how long it is asked again whether the pool can do without a group.
const JUDGED_WITHIN: Duration = Duration::from_mins(2);
/// For how long a host may be said not to be emptied.
const STALLS_FOR: Duration = Duration::from_mins(2);
/// What was asked for and is not seen to be done is asked for again.
const ASKED_AGAIN: Duration = Duration::from_secs(30);

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingReboot")]
pub struct Run {
    /// Its number within the pool; later ones are higher.
    pub id: u64,
    /// Who asked for it.
    pub by: String,
    /// How far it is.
    pub state: RunState,
    /// Why it is in this state, in words.
    pub reason: String,
    /// Whether VMs that can go nowhere may be stopped for as long as their host is down.
    pub stop_vms: bool,
    /// How long a host may take to come back, in seconds.
    pub returns_within_s: u64,
    /// The groups.
    pub groups: Vec<RunGroup>,
    /// Since when it has waited for what it waits for, by this term's clock.
    #[serde(skip)]
    pub waits_since: Option<Duration>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "RollingRebootState")]
pub enum RunState {
    /// It goes on.
    #[default]
    Running,
    /// It was canceled; hosts that are down for it are waited for.
    Canceling,
    /// All hosts are done.
    Done,
    /// It was canceled.
    Canceled,
    /// It could not go on.
    Stopped,
}

/// Hosts that are down together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingRebootGroup")]
pub struct RunGroup {
    /// The hosts.
    pub hosts: Vec<RunHost>,
    /// What moves where, as it was planned last.
    pub moves: Vec<PlannedMove>,
    /// VMs that are stopped, each with its host.
    pub stops: Vec<PlannedStop>,
    /// Other hosts that were down already when it began.
    #[serde(default)]
    pub down_before: Vec<String>,
}

/// A VM moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingRebootMove")]
pub struct PlannedMove {
    /// The VM.
    pub vm: String,
    /// From there.
    pub from: String,
    /// To there.
    pub to: String,
}

/// A VM that can go nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingRebootStop")]
pub struct PlannedStop {
    /// The VM.
    pub vm: String,
    /// Where it runs.
    pub host: String,
    /// Why it can go nowhere.
    pub reason: String,
}

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingRebootHost")]
pub struct RunHost {
    /// The host.
    pub host: String,
    /// How far it is.
    pub phase: Phase,
    /// The boot that is to end; null: not begun.
    pub boot: Option<u64>,
    /// Since when it is in this phase, by this term's clock.
    #[serde(skip)]
    pub since: Option<Duration>,
    /// When it was last asked to go.
    #[serde(skip)]
    pub asked: Option<Duration>,
    /// Since when it is said not to be emptied.
    #[serde(skip)]
    pub stalls: Option<Duration>,
}

/// How far a host is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "RollingRebootPhase")]
pub enum Phase {
    /// Its turn has not come.
    #[default]
    Waiting,
    /// Its VMs leave.
    Emptying,
    /// It has left.
    Rebooting,
    /// It is a member again.
    Back,
    /// Its VMs are back, where that leaves the pool no worse.
    Done,
    /// It is to stay after all.
    TakenBack,
}

/// How things stand.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// How long this term has lasted.
    pub now: Duration,
    /// The coordinator's host.
    pub leader: String,
    /// Every host.
    pub hosts: BTreeMap<String, Seen>,
    /// Why the pool is not at rest; none: it is.
    pub unrest: Option<String>,
}

/// How a host stands.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The boot that is a member.
    pub member: Option<u64>,
    /// Whether it was lost: it is being fenced, or was.
    pub lost: bool,
    /// Why it cannot be emptied, if people are told so.
    pub stalled: Option<String>,
}

/// Something to be done. Each may be said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Ask the planner about these hosts; answered by [`Run::judged`].
    Judge {
        /// Which group.
        group: usize,
        /// Its hosts.
        hosts: Vec<String>,
    },
    /// Have hosts emptied, leave and boot anew.
    Reboot {
        /// The hosts.
        hosts: Vec<String>,
        /// What moves where.
        moves: Vec<PlannedMove>,
        /// What is stopped.
        stops: Vec<PlannedStop>,
    },
    /// A host takes VMs again.
    Enable {
        /// The host.
        host: String,
    },
    /// Have the VMs of a group go back; answered by [`Run::placed_back`].
    PlaceBack {
        /// Which group.
        group: usize,
        /// What had moved.
        moves: Vec<PlannedMove>,
        /// What was stopped.
        stops: Vec<PlannedStop>,
    },
}

impl Run {
    /// Whether there is something to do.
    pub fn goes_on(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Canceling)
    }

    /// What is kept of it: all but what only this term's clock knows.
    #[must_use]
    pub fn kept(&self) -> Self {
        let mut kept = self.clone();
        kept.waits_since = None;
        for host in kept.groups.iter_mut().flat_map(|group| &mut group.hosts) {
            (host.since, host.asked, host.stalls) = (None, None, None);
        }
        kept
    }

    /// It is not to go on. Hosts that are down are waited for.
    pub fn cancel(&mut self, by: &str) {
        if self.state == RunState::Running {
            (self.state, self.reason) = (RunState::Canceling, format!("canceled by {by}"));
        }
    }

    /// What is to be done now.
    pub fn advance(&mut self, view: &View) -> Vec<Do> {
        if !self.goes_on() {
            return Vec::new();
        }
        match self.under_way() {
            Some(group) => self.go_on_with(group, view),
            None if self.state == RunState::Canceling => {
                self.state = RunState::Canceled;
                Vec::new()
            }
            None => self.begin_next(view),
        }
    }

    /// The planner's answer about a group that is to begin: what moves where, or why not.
    pub fn judged(&mut self, group: usize, found: Result<RunGroup, String>, view: &View) -> Vec<Do> {
        let waits = self.groups.get(group).is_some_and(RunGroup::waits);
        if self.state != RunState::Running || self.under_way().is_some() || !waits {
            return Vec::new();
        }
        let found = found.and_then(|found| match found.stops.first() {
            Some(stuck) if !self.stop_vms => Err(format!("VM {} can go nowhere: {}", stuck.vm, stuck.reason)),
            _ => Ok(found),
        });
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let names = self.groups[group].names();
                let reason = format!("the pool cannot do without {names} now: {why}");
                return self.wait_or_stop(reason, JUDGED_WITHIN, view);
            }
        };
        let boot = |host: &RunHost| view.hosts.get(&host.host).and_then(|seen| seen.member);
        if let Some(away) = self.groups[group].hosts.iter().find(|host| boot(host).is_none()) {
            let reason = format!("host {} is no member", away.host);
            return self.wait_or_stop(reason, JUDGED_WITHIN, view);
        }
        self.waits_since = None;
        self.reason = format!("{} are down together", self.groups[group].names());
        let begun = &mut self.groups[group];
        let mine: BTreeSet<String> = begun.hosts.iter().map(|host| host.host.clone()).collect();
        begun.down_before = view.down().filter(|host| !mine.contains(*host)).map(str::to_owned).collect();
        (begun.moves, begun.stops) = (found.moves, found.stops);
        for host in &mut begun.hosts {
            (host.boot, host.asked) = (boot(host), None);
            host.enter(Phase::Emptying, view.now);
        }
        // It goes out with the next look, when this is kept.
        Vec::new()
    }

    /// The VMs of a group are back, as far as they can be.
    pub fn placed_back(&mut self, group: usize) {
        for host in self.groups.get_mut(group).into_iter().flat_map(|group| &mut group.hosts) {
            if host.phase == Phase::Back {
                host.phase = Phase::Done;
            }
        }
    }

    /// The group that has begun and is not done.
    fn under_way(&self) -> Option<usize> {
        let begun = |host: &RunHost| matches!(host.phase, Phase::Emptying | Phase::Rebooting | Phase::Back);
        self.groups.iter().position(|group| group.hosts.iter().any(begun))
    }

    fn begin_next(&mut self, view: &View) -> Vec<Do> {
        let waiting: Vec<usize> =
            (0..self.groups.len()).filter(|&group| self.groups[group].waits()).collect();
        let Some(&first) = waiting.first() else {
            (self.state, self.reason) = (RunState::Done, "all hosts have booted anew".to_owned());
            return Vec::new();
        };
        // Whoever leads now comes last.
        let leads = |group: usize| self.groups[group].hosts.iter().any(|host| host.host == view.leader);
        let group = waiting.into_iter().find(|&group| !leads(group)).unwrap_or(first);
        let mine = self.groups.iter().flat_map(|group| &group.hosts).filter(|host| host.phase == Phase::Done);
        let away = mine.filter(|host| view.hosts.get(&host.host).is_none_or(|seen| seen.member.is_none()));
        let away = away.map(|host| format!("host {} is gone again", host.host)).next();
        if let Some(why) = away.or_else(|| view.unrest.clone()) {
            return self.wait_or_stop(format!("the pool does not come to rest: {why}"), CALM_WITHIN, view);
        }
        let hosts = self.groups[group].hosts.iter().map(|host| host.host.clone()).collect();
        vec![Do::Judge { group, hosts }]
    }

    fn go_on_with(&mut self, group: usize, view: &View) -> Vec<Do> {
        let mut acts = Vec::new();
        let returns_within = Duration::from_secs(self.returns_within_s);
        let mut trouble = None;
        // First of all who has gone: a host that has left is not taken back.
        for host in &mut self.groups[group].hosts {
            let seen = view.hosts.get(&host.host).cloned().unwrap_or_default();
            trouble = trouble.or(host.follow(&seen, view.now, returns_within));
            if host.phase == Phase::Back && host.asked.is_none() {
                host.asked = Some(view.now);
                acts.push(Do::Enable { host: host.host.clone() });
            }
        }
        if self.state == RunState::Canceling {
            acts.extend(self.take_back(group));
        }
        let here = &self.groups[group];
        let mine: BTreeSet<&str> = here.hosts.iter().map(|host| host.host.as_str()).collect();
        let known = |host: &str| here.down_before.iter().any(|down| down == host);
        let failed = view.down().find(|host| !mine.contains(host) && !known(host));
        let empties = here.hosts.iter().any(|host| host.phase == Phase::Emptying);
        let failed = failed.filter(|_| empties).map(|host| format!("host {host} failed meanwhile"));
        if let Some(trouble) = trouble.or(failed) {
            acts.extend(self.stop(trouble));
            return acts;
        }
        let here = &mut self.groups[group];
        let again = |asked: Option<Duration>| asked.is_none_or(|asked| view.now >= asked + ASKED_AGAIN);
        let to_ask = here.hosts.iter_mut().filter(|host| host.phase == Phase::Emptying && again(host.asked));
        let asked: Vec<String> = to_ask
            .map(|host| {
                host.asked = Some(view.now);
                host.host.clone()
            })
            .collect();
        if !asked.is_empty() {
            let (moves, stops) = (here.moves.clone(), here.stops.clone());
            acts.push(Do::Reboot { hosts: asked, moves, stops });
        }
        let settled = |host: &RunHost| matches!(host.phase, Phase::Back | Phase::Done | Phase::TakenBack);
        if here.hosts.iter().all(settled) {
            let (moves, stops) = (here.moves.clone(), here.stops.clone());
            acts.push(Do::PlaceBack { group, moves, stops });
        }
        acts
    }

    /// Hosts that have not left yet stay.
    fn take_back(&mut self, group: usize) -> Vec<Do> {
        let emptying = self.groups[group].hosts.iter_mut().filter(|host| host.phase == Phase::Emptying);
        let taken = emptying.map(|host| {
            host.phase = Phase::TakenBack;
            Do::Enable { host: host.host.clone() }
        });
        taken.collect()
    }

    fn wait_or_stop(&mut self, reason: String, within: Duration, view: &View) -> Vec<Do> {
        let since = *self.waits_since.get_or_insert(view.now);
        self.reason.clone_from(&reason);
        if view.now >= since + within { self.stop(reason) } else { Vec::new() }
    }

    /// It cannot go on: a person has to look. Hosts that have not left yet stay.
    fn stop(&mut self, reason: String) -> Vec<Do> {
        (self.state, self.reason) = (RunState::Stopped, reason);
        (0..self.groups.len()).flat_map(|group| self.take_back(group)).collect()
    }
}

impl RunGroup {
    fn waits(&self) -> bool {
        self.hosts.iter().any(|host| host.phase == Phase::Waiting)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.hosts.iter().map(|host| host.host.as_str()).collect();
        names.join(", ")
    }
}

impl RunHost {
    /// A host whose turn has not come.
    pub fn waiting(host: &str) -> Self {
        Self { host: host.to_owned(), ..Self::default() }
    }

    fn enter(&mut self, phase: Phase, now: Duration) {
        (self.phase, self.since, self.stalls) = (phase, Some(now), None);
    }

    /// Takes in how the host stands; what is wrong, if something is.
    fn follow(&mut self, seen: &Seen, now: Duration, returns_within: Duration) -> Option<String> {
        let host = self.host.clone();
        match self.phase {
            Phase::Emptying if seen.lost => return Some(format!("host {host} failed while it was emptied")),
            Phase::Emptying if seen.member != self.boot => self.enter(Phase::Rebooting, now),
            Phase::Emptying => {
                let why = seen.stalled.as_ref();
                let since = why.map(|_| self.stalls.unwrap_or(now));
                self.stalls = since;
                if since.is_some_and(|since| now >= since + STALLS_FOR) {
                    let why = why.map(String::as_str).unwrap_or_default();
                    return Some(format!("host {host} cannot be emptied: {why}"));
                }
            }
            Phase::Waiting | Phase::Rebooting | Phase::Back | Phase::Done | Phase::TakenBack => {}
        }
        if self.phase == Phase::Rebooting {
            if seen.member.is_some_and(|boot| Some(boot) != self.boot) {
                self.enter(Phase::Back, now);
                self.asked = None;
            } else if now >= *self.since.get_or_insert(now) + returns_within {
                let within = returns_within.as_secs();
                return Some(format!("host {host} has not come back within {within} s"));
            }
        }
        None
    }
}

impl View {
    /// Hosts that are no members.
    fn down(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().filter(|(_, seen)| seen.member.is_none()).map(|(host, _)| host.as_str())
    }
}
