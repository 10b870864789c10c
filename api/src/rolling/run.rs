//! A run: what has been done of a plan and what is to be done next. It knows no clock and does nothing itself: it is shown how things stand, and
//! says what to do. What it says can be done twice; it is kept before it is done, so whoever leads next goes on from there.
//!
//! No host of a later group is asked to go before all of the earlier ones are members again, by a later boot, and take VMs. In doubt a run
//! stops: hosts that were to be emptied for it take VMs again, which is asked for until the coordinator has said that it is so.
pub use super::host::{Phase, RunHost};
use super::view::{Seen, View};
use crate::place_back::PLACED_WITHIN;
use lifeboat_coordinator::record::Duty;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the pool may take to come to rest before the next group.
const CALM_WITHIN: Duration = Duration::from_mins(10);
/// For how long it is asked again whether the pool can do without a group.
const JUDGED_WITHIN: Duration = Duration::from_mins(2);
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
    /// Since when the pool cannot do without the next group, by this term's clock.
    #[serde(skip)]
    pub refused_since: Option<Duration>,
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
    /// It cannot go on; hosts that were being emptied for it are to take VMs again.
    Stopping,
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
    /// Whether its VMs are being placed back.
    #[serde(default)]
    pub placing_back: bool,
    /// Since when they are, by this term's clock.
    #[serde(skip)]
    pub placing_since: Option<Duration>,
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
    /// Go on placing the VMs of a group back; when that is done, it is answered by [`Run::placed_back`].
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
        matches!(self.state, RunState::Running | RunState::Canceling | RunState::Stopping)
    }

    /// What is kept of it: all but what only this term's clock knows.
    #[must_use]
    pub fn kept(&self) -> Self {
        let mut kept = self.clone();
        (kept.waits_since, kept.refused_since) = (None, None);
        kept.groups.iter_mut().for_each(|group| group.placing_since = None);
        for host in kept.groups.iter_mut().flat_map(|group| &mut group.hosts) {
            (host.since, host.asked, host.stalls) = (None, None, None);
            (host.heard, host.fewest) = (false, None);
        }
        kept
    }

    /// It is not to go on. Hosts that are down are waited for; of VMs that are being placed back none sets out any more.
    pub fn cancel(&mut self, by: &str) {
        if let Some(group) = self.groups.iter().position(|group| group.placing_back) {
            self.placed_back(group);
        }
        if self.state == RunState::Running {
            (self.state, self.reason) = (RunState::Canceling, format!("canceled by {by}"));
        }
    }

    /// What is to be done now.
    pub fn advance(&mut self, view: &View) -> Vec<Do> {
        if !self.goes_on() {
            return Vec::new();
        }
        if self.state == RunState::Stopping {
            return self.end(view);
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
                let since = *self.refused_since.get_or_insert(view.now);
                return self.wait_or_stop(reason, since + JUDGED_WITHIN, view);
            }
        };
        let boot = |host: &RunHost| view.hosts.get(&host.host).and_then(|seen| seen.member);
        if let Some(why) = self.not_now(group, view) {
            return self.wait_for_calm(&why, view);
        }
        (self.waits_since, self.refused_since) = (None, None);
        self.reason = format!("{} are down together", self.groups[group].names());
        let begun = &mut self.groups[group];
        let mine: BTreeSet<String> = begun.hosts.iter().map(|host| host.host.clone()).collect();
        begun.down_before = view.down().filter(|host| !mine.contains(*host)).map(str::to_owned).collect();
        (begun.moves, begun.stops) = (found.moves, found.stops);
        for host in &mut begun.hosts {
            host.boot = boot(host);
            host.enter(Phase::Emptying, view.now);
        }
        // It goes out with the next look, when this is kept.
        Vec::new()
    }

    /// The VMs of a group are back, as far as they can be.
    pub fn placed_back(&mut self, group: usize) {
        let Some(group) = self.groups.get_mut(group) else { return };
        group.placing_back = false;
        for host in group.hosts.iter_mut().filter(|host| host.phase == Phase::Back) {
            host.phase = Phase::Done;
        }
    }

    /// The coordinator has acknowledged what was asked of it for this host.
    pub fn heard(&mut self, host: &str) {
        for known in self.groups.iter_mut().flat_map(|group| &mut group.hosts) {
            known.heard |= known.host == host;
        }
    }

    /// The group that has begun and is not done.
    fn under_way(&self) -> Option<usize> {
        let begun = |host: &RunHost| {
            matches!(host.phase, Phase::Emptying | Phase::Rebooting | Phase::Back | Phase::TakingBack)
        };
        self.groups.iter().position(|group| group.placing_back || group.hosts.iter().any(begun))
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
        if let Some(why) = self.not_now(group, view) {
            return self.wait_for_calm(&why, view);
        }
        // It is at rest: whatever comes next has its own time.
        self.waits_since = None;
        let hosts = self.groups[group].hosts.iter().map(|host| host.host.clone()).collect();
        vec![Do::Judge { group, hosts }]
    }

    /// Why this group cannot begin now, whatever the planner says.
    fn not_now(&self, group: usize, view: &View) -> Option<String> {
        let seen = |host: &RunHost| view.hosts.get(&host.host).cloned().unwrap_or_default();
        let mut done =
            self.groups.iter().flat_map(|group| &group.hosts).filter(|host| host.phase == Phase::Done);
        let away = done.find(|host| seen(host).member.is_none());
        let away = away.map(|host| format!("host {} is gone again", host.host));
        let unfit = self.groups[group].hosts.iter().find_map(|host| {
            let (host, seen) = (&host.host, seen(host));
            match seen.duty {
                _ if seen.member.is_none() => Some(format!("host {host} is no member")),
                Duty::Enabled if seen.takes_vms => None,
                Duty::Enabled => Some(format!("host {host} takes no VMs")),
                _ => Some(format!("host {host} is in somebody's hands")),
            }
        });
        away.or(unfit).or_else(|| view.doubt()).or_else(|| view.unrest.clone())
    }

    fn go_on_with(&mut self, group: usize, view: &View) -> Vec<Do> {
        let mut acts = Vec::new();
        let returns_within = Duration::from_secs(self.returns_within_s);
        let mut trouble = None;
        // First of all who has gone: a host that has left is not taken back.
        for host in &mut self.groups[group].hosts {
            let seen = view.hosts.get(&host.host).cloned().unwrap_or_default();
            trouble = trouble.or(host.follow(&seen, view.now, returns_within));
            // It is enabled by its coming back, unless nobody has seen it go.
            if host.phase == Phase::Back && seen.duty == Duty::Rebooting && again(host.asked, view.now) {
                host.asked = Some(view.now);
                acts.push(Do::Enable { host: host.host.clone() });
            }
        }
        // A second failure of a host is a failure.
        let down: BTreeSet<&str> = view.down().collect();
        self.groups[group].down_before.retain(|host| down.contains(host.as_str()));
        if self.state == RunState::Canceling {
            self.take_back();
            acts.extend(self.enable(group, true, view));
        }
        let here = &self.groups[group];
        let mine: BTreeSet<&str> = here.hosts.iter().map(|host| host.host.as_str()).collect();
        let known = |host: &str| here.down_before.iter().any(|down| down == host);
        let failed = view.down().find(|host| !mine.contains(host) && !known(host));
        let empties = here.hosts.iter().any(|host| host.phase == Phase::Emptying);
        let failed = failed.filter(|_| empties).map(|host| format!("host {host} failed meanwhile"));
        if let Some(trouble) = trouble.or(failed) {
            acts.extend(self.stop(trouble, view));
            return acts;
        }
        let here = &mut self.groups[group];
        let to_ask =
            here.hosts.iter_mut().filter(|host| host.phase == Phase::Emptying && again(host.asked, view.now));
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
        let takes_vms = |host: &RunHost| view.hosts.get(&host.host).is_some_and(|seen| seen.takes_vms);
        let settled = |host: &RunHost| match host.phase {
            Phase::Back => takes_vms(host),
            Phase::Done | Phase::TakenBack => true,
            Phase::Waiting | Phase::Emptying | Phase::Rebooting | Phase::TakingBack => false,
        };
        if here.hosts.iter().all(settled) {
            here.placing_back = true;
            if view.now >= *here.placing_since.get_or_insert(view.now) + PLACED_WITHIN {
                self.placed_back(group);
                return acts;
            }
            let taken = |host: &str| view.hosts.get(host).is_some_and(Seen::in_other_hands);
            let moves = here.moves.iter().filter(|step| !taken(&step.from)).cloned().collect();
            acts.push(Do::PlaceBack { group, moves, stops: here.stops.clone() });
        }
        acts
    }

    /// Hosts that have not left yet are to stay.
    fn take_back(&mut self) {
        let hosts = self.groups.iter_mut().flat_map(|group| &mut group.hosts);
        for host in hosts.filter(|host| host.phase == Phase::Emptying) {
            (host.phase, host.since, host.asked, host.heard) = (Phase::TakingBack, None, None, false);
        }
    }

    /// Has hosts of a group that are to stay take VMs again, until that is so: acknowledged, and seen if VMs are to go back there.
    fn enable(&mut self, group: usize, seen_to: bool, view: &View) -> Vec<Do> {
        let RunGroup { hosts, moves, stops, .. } = &mut self.groups[group];
        let to_see = seen_to && !(moves.is_empty() && stops.is_empty());
        let mut acts = Vec::new();
        for host in hosts.iter_mut().filter(|host| host.phase == Phase::TakingBack) {
            let seen = view.hosts.get(&host.host).cloned().unwrap_or_default();
            if seen.in_other_hands() || host.heard && (seen.takes_vms || !to_see) {
                host.enter(Phase::TakenBack, view.now);
            } else if !host.heard {
                acts.push(Do::Enable { host: host.host.clone() });
            }
        }
        acts
    }

    /// Ends a run that cannot go on, once no host is emptied for it any more.
    fn end(&mut self, view: &View) -> Vec<Do> {
        let acts = (0..self.groups.len()).flat_map(|group| self.enable(group, false, view)).collect();
        let mut hosts = self.groups.iter().flat_map(|group| &group.hosts);
        if hosts.all(|host| host.phase != Phase::TakingBack) {
            self.state = RunState::Stopped;
        }
        acts
    }

    fn wait_for_calm(&mut self, why: &str, view: &View) -> Vec<Do> {
        self.refused_since = None;
        let since = *self.waits_since.get_or_insert(view.now);
        self.wait_or_stop(format!("the pool does not come to rest: {why}"), since + CALM_WITHIN, view)
    }

    fn wait_or_stop(&mut self, reason: String, until: Duration, view: &View) -> Vec<Do> {
        self.reason.clone_from(&reason);
        if view.now >= until { self.stop(reason, view) } else { Vec::new() }
    }

    /// It cannot go on: a person has to look. Hosts that have not left yet stay.
    fn stop(&mut self, reason: String, view: &View) -> Vec<Do> {
        (self.state, self.reason) = (RunState::Stopping, reason);
        self.groups.iter_mut().for_each(|group| group.placing_back = false);
        self.take_back();
        self.end(view)
    }
}

/// Whether what was asked for then is to be asked for once more.
fn again(asked: Option<Duration>, now: Duration) -> bool {
    asked.is_none_or(|asked| now >= asked + ASKED_AGAIN)
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
