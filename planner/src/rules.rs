//! Whether starting one VM on one host keeps the required rules, judged on what runs now. The search has its own
//! incremental form (`state`); this one is for single starts.
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::{HostIndex, Pool, VmIndex};

/// Whether no required rule forbids `vm` to start on `host`.
pub(crate) fn allows(pool: &Pool, vm: VmIndex, host: HostIndex) -> bool {
    pool.groups().iter().filter(|group| group.mode == RuleMode::Required && group.vms.contains(&vm)).all(
        |group| {
            let mut others =
                group.vms.iter().filter(|&&other| other != vm).flat_map(|&other| {
                    [pool.runs_on(other), pool.migration_end(other)].into_iter().flatten()
                });
            match group.rule {
                Rule::AntiAffinity => others.all(|other| other != host),
                Rule::Spread => {
                    others.all(|other| pool.host(other).fault_domain != pool.host(host).fault_domain)
                }
                Rule::Affinity => {
                    let running: Vec<HostIndex> = others.collect();
                    running.is_empty() || running.contains(&host)
                }
            }
        },
    )
}

/// Whether `host` is where the members of required affinity groups that ran with `vm` before are running now; true
/// where none of them runs.
pub(crate) fn follows_its_mates(before: &Pool, after: &Pool, vm: VmIndex, host: HostIndex) -> bool {
    let home = before.runs_on(vm);
    before
        .groups()
        .iter()
        .filter(|group| {
            group.rule == Rule::Affinity && group.mode == RuleMode::Required && group.vms.contains(&vm)
        })
        .flat_map(|group| &group.vms)
        .filter(|&&mate| mate != vm && home.is_some() && before.runs_on(mate) == home)
        .filter_map(|&mate| after.runs_on(mate))
        .all(|now| now == host)
}
