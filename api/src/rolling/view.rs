//! How a pool stands, for a run: what the agents have agreed, what the coordinator wants of each host, and what the pool's document has of it.
//! They change one after another; where they do not fit yet, a host is in doubt, and nothing begins.
use lifeboat_coordinator::Bearing;
use lifeboat_coordinator::record::Duty;
use lifeboat_model::spec::HostState;
use lifeboat_protocol::Standing;
use std::collections::BTreeMap;
use std::time::Duration;

/// How things stand.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// How long this term has lasted.
    pub now: Duration,
    /// The coordinator's host.
    pub leader: String,
    /// Every host that has come.
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
    /// What is wanted of it.
    pub duty: Duty,
    /// Whether VMs can go there now, to the boot that is a member.
    pub takes_vms: bool,
    /// VMs that are there, or on their way from or to there.
    pub vms: usize,
    /// Why the pool's document is not to be judged by yet.
    pub doubt: Option<String>,
}

impl Seen {
    /// A host as it stands by agreement, for the coordinator, and in the pool's document.
    pub fn of(standing: Standing, bearing: Option<Bearing>, state: Option<HostState>) -> Self {
        let up = state.is_some_and(HostState::is_up);
        let bearing = bearing.unwrap_or_default();
        let (member, doubt) = match standing {
            Standing::Member { boot, .. } => {
                let known = bearing.boot == Some(boot.0);
                // The document counts on the room of a member that has yet to speak.
                let silent = state == Some(HostState::Live) && !bearing.takes_vms;
                let why = if known { "does not say what runs there" } else { "has just joined" };
                (Some(boot.0), (!known || silent).then_some(why))
            }
            Standing::Fencing { .. } => (None, Some("is being fenced")),
            Standing::Fenced { .. } => (None, up.then_some("has just failed")),
            // One that was emptied first stays in maintenance while it is off.
            Standing::Out => {
                let counted = matches!(state, Some(HostState::Live | HostState::Disabled));
                (None, counted.then_some("has just left"))
            }
        };
        Self {
            member,
            lost: matches!(standing, Standing::Fencing { .. } | Standing::Fenced { .. }),
            duty: bearing.duty,
            takes_vms: member.is_some() && member == bearing.boot && bearing.takes_vms,
            doubt: doubt.map(str::to_owned),
            ..Self::default()
        }
    }

    /// Whether somebody else wants something of it.
    pub fn in_other_hands(&self) -> bool {
        matches!(self.duty, Duty::Disabled | Duty::Maintenance | Duty::Leaving)
    }
}

/// Whether a host belongs to the pool and has yet to come for the first time: nobody misses it.
pub fn never_came(standing: Standing, state: Option<HostState>) -> bool {
    standing == Standing::Out && matches!(state, None | Some(HostState::Dead))
}

impl View {
    /// Hosts that are no members.
    pub fn down(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().filter(|(_, seen)| seen.member.is_none()).map(|(host, _)| host.as_str())
    }

    /// Whether the same boots were members then as now.
    pub fn has_the_members_of(&self, then: &Self) -> bool {
        let members = |view: &Self| {
            view.hosts.iter().map(|(host, seen)| (host.clone(), seen.member)).collect::<Vec<_>>()
        };
        members(self) == members(then)
    }

    /// A host of which agreement, coordinator and document do not say the same.
    pub fn doubt(&self) -> Option<String> {
        self.hosts.iter().find_map(|(host, seen)| Some(format!("host {host} {}", seen.doubt.as_ref()?)))
    }
}
