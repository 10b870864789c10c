//! Notices of the liveness protocol, turned into alerts.
use crate::alert::{AlertKind, Subject};
use crate::input::Notice;
use crate::state::State;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

impl State {
    /// Something that people should know.
    pub(crate) fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::MediumLost { host } => self.medium(host, true),
            Notice::MediumBack { host } => self.medium(host, false),
            Notice::HostApproachingTimeout { host, silent_for } => {
                let reason = format!("host {} has been silent", self.pool.host_id(host));
                self.approaching(host, &format!("{reason} for {} ms", silent_for.as_millis()));
            }
            Notice::MediumApproachingTimeout { host, silent_for } => {
                let reason = format!("the medium has not answered {}", self.pool.host_id(host));
                self.approaching(host, &format!("{reason} for {} ms", silent_for.as_millis()));
            }
            Notice::TimeoutAverted { host } => self.conclude_timeouts(host, "it is heard in time again"),
        }
    }

    /// Which host a notice is about.
    pub(crate) fn subject_of(notice: Notice) -> HostIndex {
        match notice {
            Notice::MediumLost { host }
            | Notice::MediumBack { host }
            | Notice::HostApproachingTimeout { host, .. }
            | Notice::MediumApproachingTimeout { host, .. }
            | Notice::TimeoutAverted { host } => host,
        }
    }

    fn approaching(&mut self, host: HostIndex, reason: &str) {
        let reason = format!("{reason}: it is about to be taken for dead");
        self.alerts.raise(AlertKind::TimeoutApproaching, Subject::Host(host), reason, None);
        self.approaching.insert(host, self.now);
    }

    /// The pool's timeout T.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.pool.settings().timeout_s))
    }

    /// Who is live still when T has passed since it was last told to be silent has been heard meanwhile.
    pub(crate) fn watch_timeouts(&mut self) {
        let over = self.approaching.iter().filter(|&(_, &told)| self.now >= told + self.timeout());
        let over: Vec<HostIndex> = over.map(|(&host, _)| host).collect();
        for host in over {
            self.conclude_timeouts(host, "it is heard in time again");
        }
    }

    pub(crate) fn conclude_timeouts(&mut self, host: HostIndex, how: &str) {
        self.approaching.remove(&host);
        self.alerts.clear(AlertKind::TimeoutApproaching, Subject::Host(host), how);
    }

    /// Told per host, and for the pool when no live host has the medium.
    fn medium(&mut self, host: HostIndex, lost: bool) {
        self.hosts[host.get()].medium_lost = lost;
        let name = self.pool.host_id(host);
        let (kind, back, subject) = (AlertKind::StatefileLost, AlertKind::StatefileBack, Subject::Host(host));
        if lost {
            self.alerts.raise(kind, subject, format!("{name} has lost the medium"), None);
        } else {
            self.alerts.end_with(kind, back, subject, format!("the medium answers {name} again"));
        }
        let mut live = self.hosts.iter().filter(|host| host.is_live()).peekable();
        if live.peek().is_some() && live.all(|host| host.medium_lost) {
            let reason =
                String::from("no live host has the medium: nothing can be made durable, or restarted");
            self.alerts.raise(kind, Subject::Pool, reason, None);
        } else {
            self.alerts.end_with(kind, back, Subject::Pool, format!("the medium answers {name}"));
        }
    }
}
