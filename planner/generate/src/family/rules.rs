//! Rules between VMs over racks, at 55 to 85 % fill and with uneven hosts: replicas that must not share a
//! host, replicas that must not share a rack, pairs that belong together, wishes that need not be met, and VMs
//! that may use a part of the pool only. Every required rule holds as the VMs run now.
use super::{failures, fill};
use crate::draft::{Draft, DraftGroup, DraftHost, MEMORY_ALONE};
use crate::draw::Draw;
use crate::recipe::Recipe;
use crate::room::{Wanted, give_room};
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::{HostIndex, HostSet};

/// vCPUs, GiB, how often.
const SIZES: [((u64, u64), u32); 12] = [
    ((2, 4), 16),
    ((4, 8), 22),
    ((2, 8), 9),
    ((8, 16), 12),
    ((4, 16), 12),
    ((8, 32), 12),
    ((16, 32), 3),
    ((12, 24), 1),
    ((32, 64), 8),
    ((16, 64), 6),
    ((32, 128), 3),
    ((64, 128), 1),
];

/// Memory and vCPUs of a server, relative to others, and how often it is met.
const SERVERS: [((u64, u64), u32); 4] = [((26, 15), 9), ((16, 10), 7), ((13, 20), 2), ((11, 10), 1)];

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> Draft {
    let hosts = recipe.hosts as usize;
    let mut draft = Draft {
        hosts: (0..hosts)
            .map(|_| {
                let (memory, vcpus) = draw.weighted(&SERVERS);
                DraftHost { shape: [memory, vcpus], reserved_mib: 8192, ..DraftHost::default() }
            })
            .collect(),
        second: Some("vcpus"),
        ..Draft::default()
    };
    draft.rack_up((hosts / 8).max(2));
    let most_gib = (u64::from(recipe.vms) * 11 / u64::from(recipe.hosts)).max(16);
    let sizes: Vec<((u64, u64), u32)> =
        SIZES.into_iter().filter(|&((_, memory_gib), _)| memory_gib <= most_gib).collect();
    for _ in 0..recipe.vms {
        let (vcpus, memory_gib) = draw.weighted(&sizes);
        draft.add(memory_gib * 1024).demand[1] = vcpus;
    }
    draft.draw_priorities(draw, 800);
    let mut used = vec![[0; 2]; hosts];
    let free_ones = group_up(&mut draft, &mut used, draw);
    for vm in free_ones {
        let home = uneven(&draft, &used, draw, |_| true);
        settle(&mut draft, &mut used, vm, home);
    }
    confine(&mut draft, draw);
    let failures = failures(recipe, draw);
    draft.settings.host_failures_to_tolerate = Some(failures.min(2) as u64);
    let room = fill(recipe, draw, 550, 850);
    give_room(&mut draft, &Wanted { room, failures, thresholds: &[1], grain: [1024, 1] });
    draft
}

fn settle(draft: &mut Draft, used: &mut [[u64; 2]], vm: usize, home: usize) {
    draft.vms[vm].home = home;
    used[home][0] += draft.vms[vm].demand[0];
    used[home][1] += draft.vms[vm].demand[1];
}

/// The less loaded of two hosts, or one of all where chance finds none that is allowed: uneven, as grown pools
/// are.
fn uneven(draft: &Draft, used: &[[u64; 2]], draw: &mut Draw, allowed: impl Fn(usize) -> bool) -> usize {
    let two = [draw.below(used.len()), draw.below(used.len())];
    draft
        .least_loaded(used, MEMORY_ALONE, |host| two.contains(&host) && allowed(host))
        .or_else(|| draft.least_loaded(used, MEMORY_ALONE, &allowed))
        .unwrap_or(two[0])
}

/// Puts about two VMs in five into groups and places them by their rules; gives back the others.
fn group_up(draft: &mut Draft, used: &mut [[u64; 2]], draw: &mut Draw) -> Vec<usize> {
    let hosts = draft.hosts.len();
    let racks = draft.hosts.iter().filter_map(|host| host.rack).max().map_or(1, |rack| rack as usize + 1);
    let mut left: Vec<usize> = (0..draft.vms.len()).collect();
    draw.shuffle(&mut left);
    let stop = draft.vms.len() * 3 / 5;
    while left.len() > stop {
        let (rule, mode, most) = draw.weighted(&[
            ((Rule::AntiAffinity, RuleMode::Required, (hosts * 2 / 5).clamp(2, 26)), 8),
            ((Rule::Spread, RuleMode::Required, (racks * 2 / 3).clamp(2, 8)), 3),
            ((Rule::Affinity, RuleMode::Required, 3), 3),
            ((Rule::Affinity, RuleMode::Preferred, 10), 3),
            ((Rule::AntiAffinity, RuleMode::Preferred, 6), 2),
        ]);
        let size = (draw.between(2, most as u64) as usize).min(left.len());
        let members = left.split_off(left.len() - size);
        if size < 2 {
            left.extend(members);
            break;
        }
        let mut taken: Vec<usize> = Vec::new();
        for &vm in &members {
            let open = |host: usize| match (rule, mode) {
                (Rule::AntiAffinity, RuleMode::Required) => !taken.contains(&host),
                (Rule::Spread, RuleMode::Required) => {
                    taken.iter().all(|&other| draft.hosts[other].rack != draft.hosts[host].rack)
                }
                (Rule::Affinity, RuleMode::Required) => taken.first().is_none_or(|&first| first == host),
                (_, RuleMode::Preferred) => true,
            };
            let home = uneven(draft, used, draw, open);
            taken.push(home);
            settle(draft, used, vm, home);
        }
        draft.groups.push(DraftGroup { rule, mode, vms: members });
    }
    left
}

/// Two parts of the pool that some VMs of it may not leave: every third host or so, and every fourth.
fn confine(draft: &mut Draft, draw: &mut Draw) {
    let hosts = draft.hosts.len();
    if hosts < 8 {
        return;
    }
    for (step, phase) in [(3, 1), (4, 2)] {
        let members = (0..hosts).filter(|host| host % step == phase % step || host % (2 * step) == 0);
        draft.classes.push(HostSet::of(hosts, members.map(HostIndex::new)));
    }
    for vm in 0..draft.vms.len() {
        let class = draw.below(2);
        if draw.permille(500) && draft.allows(Some(class), draft.vms[vm].home) {
            draft.vms[vm].class = Some(class);
        }
    }
}
