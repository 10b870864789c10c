//! What may take its time: tolerance, agility and rules, and the alerts about them. It is apart, so that no start ever waits
//! for it; the caller does it when all commands are drained.
use crate::alert::{AlertKind, Subject};
use crate::planner::{Outlook, Planner};
use crate::record::Record;
use crate::state::State;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use lifeboat_model::agility::Agility;
use lifeboat_model::spec::{RestartPriority, Rule};
use lifeboat_model::{GroupIndex, HostIndex, Pool, VmIndex};

/// Failures proven survivable, no more than the target asks for, at least one; nothing: not even the present state holds.
type Failures = Option<u32>;

/// The level of tolerance, for telling drops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// When last assessed; none: never.
    pub(crate) last: Option<Failures>,
    /// Before the drop that goes on; none: no drop goes on.
    pub(crate) before_drop: Option<u32>,
}

impl State {
    /// Assesses the pool as it stands, and tells what has changed.
    pub(crate) fn assess(&mut self, planner: &mut dyn Planner) {
        self.changed_since = None;
        let pool = self.picture_lasting();
        let outlook = planner.outlook(&pool);
        self.tell_overcommitment(&pool, &outlook);
        self.tell_level(&pool, &outlook);
        self.tell_agility(&pool);
        self.tell_rules(&pool);
    }

    fn tell_overcommitment(&mut self, pool: &Pool, outlook: &Outlook) {
        let (kind, end, subject) = (AlertKind::Overcommitted, AlertKind::OvercommittedCleared, Subject::Pool);
        if outlook.overcommitted {
            let target = pool.effective_target();
            let reason = match outlook.proven {
                None => format!("VMs that should run have no place: {}", outlook.reason),
                Some(0) => format!("no failure is survivable, the target is {target}: {}", outlook.reason),
                Some(n) => {
                    format!("{n} failure(s) are survivable, the target is {target}: {}", outlook.reason)
                }
            };
            self.alerts.raise(kind, subject, reason, self.newest_failure());
        } else {
            self.alerts.end_with(kind, end, subject, String::from("the target is proven"));
        }
    }

    /// A drop is told at each step down, and that it is made good once. Beyond the target, rises and falls are no news; the
    /// fall to nothing always is.
    fn tell_level(&mut self, pool: &Pool, outlook: &Outlook) {
        let most = pool.effective_target().max(1);
        let level: Failures = outlook.proven.map(|proven| proven.min(most));
        let capped = |earlier: Failures| earlier.map(|earlier| earlier.min(most));
        let kept = self.level;
        if let Some(last) = self.level.last
            && level < capped(last)
        {
            self.level.before_drop = self.level.before_drop.or(last);
            self.alerts.close(AlertKind::ToleranceDropped, Subject::Pool);
            let (from, to) = (words(capped(last)), words(level));
            let reason = format!("from {from} to {to} failure(s): {}", outlook.reason);
            let cause = self.newest_failure();
            self.alerts.raise(AlertKind::ToleranceDropped, Subject::Pool, reason, cause);
        } else if let Some(before) = self.level.before_drop
            && level >= capped(Some(before))
        {
            self.level.before_drop = None;
            let reason = format!("{} failure(s) are survivable again", words(level));
            let (kind, end) = (AlertKind::ToleranceDropped, AlertKind::ToleranceRecovered);
            self.alerts.end_with(kind, end, Subject::Pool, reason);
        }
        self.level.last = Some(level);
        if self.level != kept {
            let before_drop = self.level.before_drop;
            self.writes.behind(Record::Tolerance { level, before_drop });
        }
    }

    /// The failure that is most likely the cause of whatever is wrong now.
    fn newest_failure(&self) -> Option<crate::alert::AlertId> {
        let failed = self.alerts.subjects(AlertKind::HostFailed);
        failed.into_iter().filter_map(|subject| self.alerts.open(AlertKind::HostFailed, subject)).max()
    }

    /// Protected VMs that no other host could run. While one host alone takes VMs that is true of all, and said by
    /// other alerts.
    fn tell_agility(&mut self, pool: &Pool) {
        let alone = pool.target_hosts().len() < 2;
        for vm in pool.vm_indices() {
            let stuck = pool.vm(vm).restart_priority == RestartPriority::Restart
                && self.vms[vm.get()].should_run
                && pool.agility(vm) == Agility::Unprotectable;
            let subject = Subject::Vm(vm);
            if stuck && !alone {
                let reason = why_stuck(pool, vm);
                self.alerts.raise(AlertKind::VmNotAgile, subject, reason, None);
            } else if !stuck && self.alerts.open(AlertKind::VmNotAgile, subject).is_some() {
                self.alerts.clear(AlertKind::VmNotAgile, subject, "another host could run it");
            }
        }
    }

    fn tell_rules(&mut self, pool: &Pool) {
        for position in 0..pool.groups().len() {
            let (group, subject) = (&pool.groups()[position], Subject::Group(GroupIndex::new(position)));
            let together = match group.rule {
                Rule::AntiAffinity => sharing(pool, &group.vms, |host| u32::from(host.0)),
                Rule::Spread => sharing(pool, &group.vms, |host| u32::from(pool.host(host).fault_domain.0)),
                Rule::Affinity => apart(pool, &group.vms),
            };
            if together.is_empty() {
                self.alerts.clear(AlertKind::RuleBroken, subject, "its members keep the rule");
            } else {
                let reason = format!("rule {} is broken by {}", group.id, self.names(&together));
                self.alerts.raise(AlertKind::RuleBroken, subject, reason, None);
            }
        }
    }
}

fn why_stuck(pool: &Pool, vm: VmIndex) -> String {
    let profile = pool.profile(pool.vm(vm).profile);
    let why = |host: HostIndex| {
        let obstacle = pool.obstacles(profile, host).first()?.describe(pool);
        Some(format!("{}: {obstacle}", pool.host_id(host)))
    };
    let others = pool.host_indices().filter(|&host| Some(host) != pool.runs_on(vm));
    let reasons: Vec<String> = others.filter_map(why).take(3).collect();
    format!("no other host could run it ({})", reasons.join("; "))
}

fn words(level: Failures) -> String {
    level.map_or_else(|| String::from("not even none"), |level| format!("{level}"))
}

/// Members that run in one domain.
fn sharing(pool: &Pool, members: &[VmIndex], domain: impl Fn(HostIndex) -> u32) -> Vec<VmIndex> {
    let at = |vm: VmIndex| pool.runs_on(vm).map(&domain);
    let shares =
        |vm: &VmIndex| at(*vm).is_some() && members.iter().any(|other| other != vm && at(*other) == at(*vm));
    members.iter().copied().filter(shares).collect()
}

/// Members that run, on more than one host.
fn apart(pool: &Pool, members: &[VmIndex]) -> Vec<VmIndex> {
    let running: Vec<VmIndex> = members.iter().copied().filter(|&vm| pool.runs_on(vm).is_some()).collect();
    let hosts: BTreeSet<HostIndex> = running.iter().filter_map(|&vm| pool.runs_on(vm)).collect();
    if hosts.len() > 1 { running } else { Vec::new() }
}
