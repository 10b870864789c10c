//! What holds of a pool, in the words in which people are told: from its verdicts, and from the states of its hosts.
use super::{Kind, Level, Subject};
use crate::served::Outlook;
use lifeboat_model::spec::{Guarantee, HostState, RestartPriority};
use lifeboat_model::{GroupIndex, HostIndex, Pool, ResourceIndex};
use lifeboat_planner::{Assessment, TargetStatus};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No {
        /// Why not any more.
        because: String,
    },
    /// Nobody knows yet.
    Unknown,
}

/// One condition, and what is to be said of it should it be news.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What kind of alert.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// Whether it holds.
    pub holds: Holds,
    /// In one line.
    pub summary: String,
    /// Beyond that.
    pub detail: String,
    /// What to do about it.
    pub next_step: String,
    /// For programs.
    pub data: Value,
}

impl Finding {
    fn of(kind: Kind, subject: Subject, summary: String) -> Self {
        let (detail, next_step) = (String::new(), String::new());
        Self { kind, subject, holds: Holds::Yes, summary, detail, next_step, data: Value::Null }
    }

    fn unless(mut self, over: Option<String>) -> Self {
        if let Some(because) = over {
            self.holds = Holds::No { because };
        }
        self
    }
}

/// Kinds of which a verdict says everything.
pub(crate) const BY_VERDICT: [Kind; 4] =
    [Kind::VmUnplaced, Kind::VmNotAgile, Kind::RuleBroken, Kind::HostOverFull];

/// What a verdict says. `level` is the tolerance that a drop is measured from.
pub fn of_outlook(outlook: &Outlook, level: Level) -> Vec<Finding> {
    let (pool, assessment) = (&*outlook.pool, &*outlook.assessment);
    let mut findings = vec![overcommitted(outlook)];
    if let Level::Settled(level) = level {
        findings.push(dropped(outlook, level));
    }
    findings.extend(assessment.pending_unplaced.iter().map(|unplaced| {
        let vm = pool.vm_id(unplaced.vm);
        Finding {
            detail: unplaced.reason.clone(),
            next_step: format!("lifeboat repair --pool {} says what would make room", pool.id()),
            data: json!({"reason_code": unplaced.reason_code.code()}),
            ..Finding::of(
                Kind::VmUnplaced,
                Subject::Vm(vm.to_owned()),
                format!("{vm} should run and no host can take it"),
            )
        }
    }));
    findings.extend(assessment.unprotectable.iter().map(|&vm| {
        let (name, pool_id) = (pool.vm_id(vm), pool.id());
        Finding {
            next_step: format!(
                "lifeboat diagnose --pool {pool_id} {name} says what is in the way on each host"
            ),
            data: json!({"host": pool.vm(vm).host.map(|host| pool.host_id(host))}),
            ..Finding::of(
                Kind::VmNotAgile,
                Subject::Vm(name.to_owned()),
                format!("{name} is protected, and no host but its own could run it"),
            )
        }
    }));
    findings.extend(rules(pool, assessment));
    findings.extend(over_full(pool, assessment));
    findings
}

fn proven(outlook: &Outlook) -> (Option<u32>, Option<u32>) {
    let tolerance = &outlook.assessment.tolerance;
    let bounds = match outlook.pool.settings().guarantee {
        Guarantee::Sequential => tolerance.sequential,
        Guarantee::Simultaneous => tolerance.simultaneous,
    };
    (bounds.proven, bounds.refuted)
}

/// The failures that are proven survivable under the pool's guarantee.
pub(crate) fn proven_of(outlook: &Outlook) -> Option<u32> {
    proven(outlook).0
}

fn count(proven: Option<u32>) -> String {
    proven.map_or_else(|| "none, not even without a failure".to_owned(), |proven| proven.to_string())
}

fn overcommitted(outlook: &Outlook) -> Finding {
    let (pool, assessment) = (&*outlook.pool, &*outlook.assessment);
    let (target, (proven, refuted)) = (assessment.effective_target, proven(outlook));
    let held = count(proven);
    let holds = match assessment.target_status {
        TargetStatus::Proven => Holds::No {
            because: format!("the target of {target} holds: {held} host failures are proven survivable"),
        },
        TargetStatus::Open if outlook.provisional => Holds::Unknown,
        TargetStatus::Open | TargetStatus::Refuted => Holds::Yes,
    };
    let open = if assessment.target_status == TargetStatus::Open {
        " More than that is neither proven nor refuted."
    } else {
        ""
    };
    Finding {
        holds,
        detail: format!(
            "{held} host failures are proven survivable, the target is {target}.{open} {}",
            witness(pool, assessment)
        ),
        next_step: format!("lifeboat repair --pool {} lists what would restore the target", pool.id()),
        data: json!({"target": target, "proven": proven, "refuted": refuted, "witness": witness_data(pool, assessment)}),
        ..Finding::of(
            Kind::Overcommitted,
            Subject::Pool,
            format!("pool {} is overcommitted: tolerance {held}, target {target}", pool.id()),
        )
    }
}

fn dropped(outlook: &Outlook, level: Option<u32>) -> Finding {
    let (pool, assessment) = (&*outlook.pool, &*outlook.assessment);
    let (proven, refuted) = proven(outlook);
    let (was, is) = (count(level), count(proven));
    let surely_less = level.is_some_and(|level| refuted.is_some_and(|refuted| refuted <= level));
    let holds = if proven >= level {
        Holds::No { because: format!("{is} host failures are proven survivable again") }
    } else if surely_less || !outlook.provisional {
        Holds::Yes
    } else {
        Holds::Unknown
    };
    Finding {
        holds,
        detail: format!("The target is {}. {}", assessment.effective_target, witness(pool, assessment)),
        next_step: format!(
            "lifeboat explain --pool {} says why not more; acknowledge the alert to accept the lower tolerance",
            pool.id()
        ),
        data: json!({"before": level, "proven": proven, "refuted": refuted, "witness": witness_data(pool, assessment)}),
        ..Finding::of(
            Kind::ToleranceDropped,
            Subject::Pool,
            format!("pool {} tolerates fewer host failures: {is} instead of {was}", pool.id()),
        )
    }
}

fn witness(pool: &Pool, assessment: &Assessment) -> String {
    let Some(witness) = &assessment.witness else { return String::new() };
    let hosts: Vec<&str> = witness.failed_hosts.iter().take(8).map(|&host| pool.host_id(host)).collect();
    let vms: Vec<&str> = witness.vms.iter().take(8).map(|&vm| pool.vm_id(vm)).collect();
    match (hosts.as_slice(), vms.as_slice()) {
        ([], _) => format!("Without a failure: {}.", witness.reason),
        (hosts, []) => format!("Should {} fail: {}.", hosts.join(", "), witness.reason),
        (hosts, vms) => format!("Should {} fail, {}: {}.", hosts.join(", "), vms.join(", "), witness.reason),
    }
}

fn witness_data(pool: &Pool, assessment: &Assessment) -> Value {
    serde_json::to_value(
        assessment.witness.as_ref().map(|witness| crate::dto::verdict::WitnessAnswer::new(pool, witness)),
    )
    .unwrap_or_default()
}

fn rules(pool: &Pool, assessment: &Assessment) -> Vec<Finding> {
    let groups: BTreeSet<GroupIndex> = assessment.broken_rules.iter().map(|broken| broken.group).collect();
    let finding = |group: GroupIndex| {
        let name = &pool.groups()[group.get()].id;
        let pairs = assessment.broken_rules.iter().filter(|broken| broken.group == group).take(8);
        let pairs: Vec<[&str; 2]> =
            pairs.map(|broken| [pool.vm_id(broken.first), pool.vm_id(broken.second)]).collect();
        let words: Vec<String> = pairs.iter().map(|[a, b]| format!("{a} with {b}")).collect();
        Finding {
            detail: format!("{}. They are let be.", words.join(", ")),
            next_step: "migrate one of each pair".to_owned(),
            data: json!({"pairs": pairs}),
            ..Finding::of(
                Kind::RuleBroken,
                Subject::Group(name.clone()),
                format!("VMs break the rule {name} as they run"),
            )
        }
    };
    groups.into_iter().map(finding).collect()
}

fn over_full(pool: &Pool, assessment: &Assessment) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let first = assessment.over_full.iter().filter(|over| seen.insert(over.host));
    first
        .map(|over| {
            let (host, by) = (pool.host_id(over.host), over.by);
            let unit = if over.resource == ResourceIndex::MEMORY {
                "MiB of memory"
            } else {
                &pool.resources()[over.resource.get()]
            };
            Finding {
                next_step: "migrate or stop VMs there".to_owned(),
                data: json!({"resource": pool.resources()[over.resource.get()], "by": by}),
                ..Finding::of(
                    Kind::HostOverFull,
                    Subject::Host(host.to_owned()),
                    format!("{host} runs more than it has: {by} {unit} short"),
                )
            }
        })
        .collect()
}

/// What the states of these hosts say.
pub fn of_hosts(pool: &Pool, hosts: impl IntoIterator<Item = HostIndex>) -> Vec<Finding> {
    hosts.into_iter().flat_map(|host| of_host(pool, host)).collect()
}

fn of_host(pool: &Pool, host: HostIndex) -> [Finding; 2] {
    let (name, state) = (pool.host_id(host), pool.host(host).state);
    let back = || "the host is up again".to_owned();
    let lost = pool.vms().iter().filter(|vm| vm.host == Some(host) && vm.should_run);
    let protected = lost.filter(|vm| vm.restart_priority == RestartPriority::Restart).count();
    let failed = Finding {
        detail: format!("{protected} protected VM(s) ran there."),
        next_step: format!(
            "they are restarted elsewhere once it is certain that the host runs nothing; if it is, and nobody could find \
             out, say so: lifeboat host confirm-dead {name}"
        ),
        data: json!({"protected_vms": protected}),
        ..Finding::of(Kind::HostFailed, Subject::Host(name.to_owned()), format!("host {name} has failed"))
    };
    let fenced = Finding {
        next_step: "its VMs may be restarted elsewhere".to_owned(),
        ..Finding::of(
            Kind::HostFenced,
            Subject::Host(name.to_owned()),
            format!("host {name} is fenced: it is certain that it runs no VM"),
        )
    };
    [failed.unless(state.is_up().then(back)), fenced.unless((state != HostState::Fenced).then(back))]
}
