//! A host of a run: how far it is, and what its standing makes of that.
use super::view::Seen;
use lifeboat_coordinator::record::Duty;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For how long a host may be said not to be emptied.
const STALLS_FOR: Duration = Duration::from_mins(2);

/// How long it may take for one VM more to leave.
const ONE_LEAVES_WITHIN: Duration = Duration::from_mins(30);
/// How long a host may take to leave once no VM is there.
const LEAVES_WITHIN: Duration = Duration::from_mins(5);

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
    /// The fewest VMs that were seen there while it is emptied, and since when.
    #[serde(skip)]
    pub fewest: Option<(usize, Duration)>,
    /// Since when it is said not to be emptied.
    #[serde(skip)]
    pub stalls: Option<Duration>,
    /// Whether the coordinator has acknowledged what this phase asks of it.
    #[serde(skip)]
    pub heard: bool,
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
    /// It is to stay after all, and to take VMs again.
    TakingBack,
    /// It stays after all.
    TakenBack,
}

impl RunHost {
    /// A host whose turn has not come.
    pub fn waiting(host: &str) -> Self {
        Self { host: host.to_owned(), ..Self::default() }
    }

    /// It is in this phase from now on.
    pub(super) fn enter(&mut self, phase: Phase, now: Duration) {
        (self.phase, self.since, self.stalls) = (phase, Some(now), None);
        (self.asked, self.heard, self.fewest) = (None, false, None);
    }

    /// Takes in how the host stands; what is wrong, if something is.
    pub(super) fn follow(&mut self, seen: &Seen, now: Duration, returns_within: Duration) -> Option<String> {
        let host = self.host.clone();
        match self.phase {
            Phase::Emptying if seen.lost => return Some(format!("host {host} failed while it was emptied")),
            Phase::Emptying | Phase::TakingBack if !seen.lost && seen.member != self.boot => {
                self.enter(Phase::Rebooting, now);
            }
            Phase::Emptying if seen.in_other_hands() || self.heard && seen.duty == Duty::Enabled => {
                self.enter(Phase::TakenBack, now);
                return Some(format!("host {host} is in somebody's hands"));
            }
            Phase::Emptying => {
                let why = seen.stalled.as_ref();
                let since = why.map(|_| self.stalls.unwrap_or(now));
                self.stalls = since;
                if since.is_some_and(|since| now >= since + STALLS_FOR) {
                    let why = why.map(String::as_str).unwrap_or_default();
                    return Some(format!("host {host} cannot be emptied: {why}"));
                }
                let fewest = self.fewest.filter(|&(fewest, _)| seen.vms >= fewest).unwrap_or((seen.vms, now));
                self.fewest = Some(fewest);
                match fewest {
                    (0, since) if now >= since + LEAVES_WITHIN => {
                        return Some(format!("host {host} is empty, but does not leave"));
                    }
                    (_, since) if now >= since + ONE_LEAVES_WITHIN => {
                        let within = ONE_LEAVES_WITHIN.as_secs() / 60;
                        return Some(format!(
                            "host {host} cannot be emptied: no VM has left it for {within} min"
                        ));
                    }
                    _ => {}
                }
            }
            Phase::Back if seen.in_other_hands() => {
                return Some(format!("host {host} is back, and in somebody's hands"));
            }
            Phase::Back if seen.takes_vms => self.since = Some(now),
            Phase::Back => {
                if now >= *self.since.get_or_insert(now) + returns_within {
                    return Some(format!(
                        "host {host} is back, but does not say what runs there, or takes no VMs"
                    ));
                }
            }
            Phase::TakingBack => {
                if now >= *self.since.get_or_insert(now) + returns_within {
                    return Some(format!("host {host} takes no VMs again"));
                }
            }
            Phase::Waiting | Phase::Rebooting | Phase::Done | Phase::TakenBack => {}
        }
        if self.phase == Phase::Rebooting {
            if seen.member.is_some_and(|boot| Some(boot) != self.boot) {
                self.enter(Phase::Back, now);
            } else if now >= *self.since.get_or_insert(now) + returns_within {
                let within = returns_within.as_secs();
                return Some(format!("host {host} has not come back within {within} s"));
            }
        }
        None
    }
}
