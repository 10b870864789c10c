//! Tiny pools that hug the boundary: sizes and rooms are drawn so that a failure set more or less, a unit of
//! memory more or less, decides. (A roomy generator once let a planner live that never deducted what it placed.)
//!
//! A pool is drawn in layers: hosts and VMs with sizes of one of a few shapes; a hidden failure set with a
//! hidden restart that sets the rooms, less or more a unit; then, each with its own chance, the features:
//! further resources, eligible sets of every kind, groups of every kind, pending VMs, hosts in other states,
//! migrations, VMs that are not protected, fault domains, liveness settings.
use crate::draw::Draw;
use crate::oracle::game::subsets;
use lifeboat_model::spec::{
    GroupSpec, Guarantee, HostSpec, HostState, Medium, PoolSpec, PowerState, RestartPriority, Rule, RuleMode,
    SettingsSpec, StorageLoss, StorageSpec, VmSpec,
};

/// A feature, and in how many of a hundred pools that have features it is met.
type Feature = (u64, fn(&mut PoolSpec, &mut Draw));

/// In the order in which they are added: what comes later sees what came before.
const FEATURES: [Feature; 9] = [
    (30, resources),
    (25, priorities),
    (30, orders),
    (35, pending),
    (40, eligibility),
    (40, groups),
    (20, host_states),
    (10, migrations),
    (10, settings),
];

/// The tiny pool of a seed.
pub fn pool(seed: u64) -> PoolSpec {
    let mut draw = Draw::new(seed);
    let mut spec = if draw.chance(15) { near_a_gap(&mut draw) } else { sized(&mut draw) };
    spec.settings.host_failures_to_tolerate = Some(draw.from_to(0, 2));
    // One in three pools is plain, so that the shape of sizes alone is met often, too.
    if draw.chance(67) {
        for (percent, add) in FEATURES {
            if draw.chance(percent) {
                add(&mut spec, &mut draw);
            }
        }
    }
    spec
}

/// Hosts and VMs with memory alone; room hugs what some failure set needs.
fn sized(draw: &mut Draw) -> PoolSpec {
    let hosts = draw.pick(&[1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6]);
    let vms = match hosts {
        1 | 2 => draw.from_to(0, 6),
        3 | 4 => draw.from_to(1, 9),
        5 => draw.from_to(2, 8),
        _ => draw.from_to(3, 7),
    } as usize;
    let sizes: &[u64] = draw.pick(&[
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &[2, 3, 3, 4, 5],
        &[1, 2, 4, 8],
        &[3, 3, 5, 5, 7],
        &[1, 1, 1, 6],
        &[2, 2, 6, 6, 12],
        &[1, 1, 1],
        &[0, 1, 5],
    ]);
    let homes: Vec<usize> = (0..vms).map(|_| draw.below(hosts)).collect();
    let memory: Vec<u64> = (0..vms).map(|_| draw.pick(sizes)).collect();
    let mut room = vec![0u64; hosts];
    if draw.chance(50) {
        room_for_one_set(draw, &homes, &memory, &mut room, sizes);
    } else {
        room_for_all_sets(draw, &homes, &memory, &mut room);
    }
    described(draw, &homes, &memory, &room)
}

/// Pools on which at once and in turn differ, or a greedy restart fails, are rare: these are known ones, hosts
/// shuffled, and in most cases a unit changed somewhere.
fn near_a_gap(draw: &mut Draw) -> PoolSpec {
    type Known = (&'static [u64], &'static [(usize, u64)]);
    let known: [Known; 6] = [
        (&[6, 4, 5, 1, 5], &[(0, 5), (0, 2), (3, 3), (3, 3)]),
        (&[8, 10, 8, 5], &[(0, 7), (0, 2), (2, 4), (3, 6), (3, 3)]),
        (&[0, 6, 4, 3], &[(0, 3), (0, 2), (1, 2)]),
        (&[5, 7, 1, 9], &[(2, 5), (2, 3), (3, 3)]),
        (&[4, 4, 7, 5], &[(1, 4), (1, 2), (2, 3)]),
        (&[40, 30, 0], &[(2, 30), (2, 20), (2, 20)]),
    ];
    let (room, vms) = draw.pick(&known);
    let mut room = room.to_vec();
    let (mut homes, mut memory): (Vec<usize>, Vec<u64>) = vms.iter().copied().unzip();
    for _ in 0..draw.pick(&[0, 1, 1, 2]) {
        let (host, vm) = (draw.below(room.len()), draw.below(vms.len()));
        match draw.below(4) {
            0 => room[host] += 1,
            1 => memory[vm] += 1,
            2 => room[host] = room[host].saturating_sub(1),
            _ => {
                let size = draw.from_to(1, 3);
                homes.push(draw.below(room.len()));
                memory.push(size);
                room[host] += size;
            }
        }
    }
    let order = draw.shuffled(room.len());
    let shuffled: Vec<u64> = order.iter().map(|&host| room[host]).collect();
    for home in &mut homes {
        *home = order.iter().position(|host| host == home).expect("a permutation");
    }
    described(draw, &homes, &memory, &shuffled)
}

fn described(draw: &mut Draw, homes: &[usize], memory: &[u64], room: &[u64]) -> PoolSpec {
    let (hosts, vms) = (room.len(), homes.len());
    let host_specs = (0..hosts).map(|host| {
        let used: u64 = (0..vms).filter(|&vm| homes[vm] == host).map(|vm| memory[vm]).sum();
        let reserved_mib = if draw.chance(20) { 3 } else { 0 };
        let over_full = u64::from(draw.chance(3));
        HostSpec {
            id: format!("h{host}"),
            memory_mib: (used + room[host] + reserved_mib).saturating_sub(over_full).max(reserved_mib),
            reserved_mib,
            ..HostSpec::default()
        }
    });
    let host_specs = host_specs.collect();
    let vms = (0..vms).map(|vm| VmSpec {
        id: format!("v{vm}"),
        memory_mib: memory[vm],
        host: Some(format!("h{}", homes[vm])),
        restart_priority: RestartPriority::Restart,
        ..VmSpec::default()
    });
    PoolSpec { id: "tiny".into(), hosts: host_specs, vms: vms.collect(), ..PoolSpec::default() }
}

/// Some hosts fail, their VMs go somewhere, and that is about the room there is.
fn room_for_one_set(draw: &mut Draw, homes: &[usize], memory: &[u64], room: &mut [u64], sizes: &[u64]) {
    let hosts = room.len();
    let failed = draw.shuffled(hosts)[..draw.below(hosts)].to_vec();
    for vm in (0..homes.len()).filter(|&vm| failed.contains(&homes[vm])) {
        let alive: Vec<usize> = (0..hosts).filter(|host| !failed.contains(host)).collect();
        room[draw.pick(&alive)] += memory[vm];
    }
    let typical = (memory.iter().sum::<u64>() / hosts as u64).max(2);
    for (host, room) in room.iter_mut().enumerate() {
        match draw.below(5) {
            0 => *room += 1,
            1 => *room = room.saturating_sub(1),
            2 if failed.contains(&host) => *room += draw.from_to(0, typical),
            3 => *room += draw.pick(sizes),
            _ => {}
        }
    }
}

/// Every set of some size is given a restart: room grows where a VM finds none. Then a unit is taken away, or not.
fn room_for_all_sets(draw: &mut Draw, homes: &[usize], memory: &[u64], room: &mut [u64]) {
    let hosts = room.len();
    let all: Vec<usize> = (0..hosts).collect();
    let sets = subsets(&all, draw.below(hosts));
    for position in draw.shuffled(sets.len()) {
        let failed = &sets[position];
        let mut left = room.to_vec();
        let mut homeless: Vec<usize> = (0..homes.len()).filter(|&vm| failed.contains(&homes[vm])).collect();
        homeless.sort_by_key(|&vm| std::cmp::Reverse(memory[vm]));
        for vm in homeless {
            let alive = all.iter().copied().filter(|host| !failed.contains(host));
            let fits = alive.clone().filter(|&host| left[host] >= memory[vm]).min_by_key(|&host| left[host]);
            let host =
                fits.unwrap_or_else(|| alive.max_by_key(|&host| left[host]).expect("not all hosts fail"));
            room[host] += memory[vm].saturating_sub(left[host]);
            left[host] = left[host].saturating_sub(memory[vm]);
        }
    }
    if draw.chance(60) {
        let host = draw.below(hosts);
        room[host] = room[host].saturating_sub(1);
    }
}

/// One or two further resources, tight as well.
fn resources(spec: &mut PoolSpec, draw: &mut Draw) {
    for name in ["gpu", "vcpus"].into_iter().take(draw.from_to(1, 2) as usize) {
        let share = draw.pick(&[30, 60, 100]);
        for vm in &mut spec.vms {
            if draw.chance(share) {
                vm.resources.push((name.into(), draw.from_to(0, 4)));
            }
        }
        let all: u64 = amounts(spec, name, None);
        let hosts = spec.hosts.len() as u64;
        for host in 0..spec.hosts.len() {
            let used = amounts(spec, name, Some(host));
            let slack = draw.from_to(1, 3);
            let room = draw.from_to(0, all.div_ceil(hosts) + slack);
            if used + room > 0 || draw.chance(50) {
                spec.hosts[host].resources.push((name.into(), used + room));
            }
        }
    }
}

fn amounts(spec: &PoolSpec, name: &str, host: Option<usize>) -> u64 {
    let here = |vm: &&VmSpec| host.is_none_or(|host| vm.host.as_ref() == Some(&spec.hosts[host].id));
    let vms = spec.vms.iter().filter(here);
    vms.flat_map(|vm| &vm.resources).filter(|(other, _)| other == name).map(|(_, amount)| amount).sum()
}

/// Best-effort, unprotected, paused, suspended, halted VMs.
fn priorities(spec: &mut PoolSpec, draw: &mut Draw) {
    for vm in &mut spec.vms {
        if draw.chance(30) {
            vm.restart_priority = draw.pick(&[RestartPriority::BestEffort, RestartPriority::Unprotected]);
        }
        if draw.chance(10) {
            vm.power_state = Some(draw.pick(&[
                PowerState::Paused,
                PowerState::Suspended,
                PowerState::Halted,
                PowerState::Running,
            ]));
        }
        if draw.chance(10) {
            vm.should_run = true;
        }
        if draw.chance(10) {
            vm.overhead_mib = draw.from_to(0, 2);
        }
    }
}

/// Restart orders.
fn orders(spec: &mut PoolSpec, draw: &mut Draw) {
    for vm in &mut spec.vms {
        vm.order = draw.from_to(0, 2);
    }
}

/// Some VMs run nowhere and should.
fn pending(spec: &mut PoolSpec, draw: &mut Draw) {
    for _ in 0..draw.from_to(1, 3) {
        if spec.vms.is_empty() {
            return;
        }
        let chosen = draw.below(spec.vms.len());
        let vm = &mut spec.vms[chosen];
        vm.should_run = true;
        vm.migrating_to = None;
        if draw.chance(33) {
            vm.power_state = Some(draw.pick(&[PowerState::Halted, PowerState::Suspended]));
        } else {
            (vm.host, vm.power_state) = (None, None);
        }
    }
}

/// Eligible sets of every kind: allowed hosts, storages, networks, CPU levels.
fn eligibility(spec: &mut PoolSpec, draw: &mut Draw) {
    let names: Vec<String> = spec.hosts.iter().map(|host| host.id.clone()).collect();
    match draw.below(4) {
        0 => {
            for vm in &mut spec.vms {
                if draw.chance(50) {
                    vm.allowed_hosts = Some(names.iter().filter(|_| draw.chance(60)).cloned().collect());
                }
            }
        }
        1 => {
            spec.storages = vec![
                StorageSpec { id: "san".into(), shared: true },
                StorageSpec { id: "rack".into(), shared: draw.chance(50) },
                StorageSpec { id: "local".into(), shared: false },
            ];
            for host in &mut spec.hosts {
                if draw.chance(60) {
                    host.storages = Some(some_of(&["san", "rack", "local"], 70, draw));
                }
            }
            for vm in &mut spec.vms {
                vm.storages = some_of(&["san", "rack", "local"], 25, draw);
            }
        }
        2 => {
            for host in &mut spec.hosts {
                if draw.chance(50) {
                    host.networks = Some(some_of(&["lan", "dmz"], 60, draw));
                }
            }
            for vm in &mut spec.vms {
                vm.networks = some_of(&["lan", "dmz"], 30, draw);
            }
        }
        _ => {
            for host in &mut spec.hosts {
                host.cpu_level = draw.from_to(1, 3);
            }
            for vm in &mut spec.vms {
                vm.min_cpu_level = draw.from_to(0, 3);
            }
        }
    }
}

fn some_of(names: &[&str], percent: u64, draw: &mut Draw) -> Vec<String> {
    names.iter().filter(|_| draw.chance(percent)).map(|&name| name.to_owned()).collect()
}

/// Rules of every kind, and fault domains.
fn groups(spec: &mut PoolSpec, draw: &mut Draw) {
    if draw.chance(60) {
        for host in &mut spec.hosts {
            if draw.chance(80) {
                host.fault_domain = Some(format!("rack{}", draw.from_to(0, 2)));
            }
        }
    }
    for group in 0..draw.from_to(1, 2) {
        let members: Vec<String> = draw
            .shuffled(spec.vms.len())
            .into_iter()
            .take(draw.from_to(0, 4) as usize)
            .map(|vm| spec.vms[vm].id.clone())
            .collect();
        spec.groups.push(GroupSpec {
            id: format!("g{group}"),
            rule: draw.pick(&[Rule::AntiAffinity, Rule::Affinity, Rule::Spread]),
            mode: if draw.chance(85) { RuleMode::Required } else { RuleMode::Preferred },
            vms: members,
        });
    }
}

/// Hosts that are not simply live.
fn host_states(spec: &mut PoolSpec, draw: &mut Draw) {
    for host in &mut spec.hosts {
        if draw.chance(30) {
            host.state =
                draw.pick(&[HostState::Disabled, HostState::Maintenance, HostState::Dead, HostState::Fenced]);
        }
    }
}

/// Live migrations under way.
fn migrations(spec: &mut PoolSpec, draw: &mut Draw) {
    for vm in 0..spec.vms.len() {
        let target = spec.hosts[draw.below(spec.hosts.len())].id.clone();
        let vm = &mut spec.vms[vm];
        let holds = vm.power_state.is_none_or(PowerState::holds_resources);
        if draw.chance(30) && holds && vm.host.is_some() && vm.host.as_ref() != Some(&target) {
            vm.migrating_to = Some(target);
        }
    }
}

/// What liveness lets survive, and the target.
fn settings(spec: &mut PoolSpec, draw: &mut Draw) {
    let members = draw.from_to(0, spec.hosts.len() as u64) as usize;
    spec.settings = SettingsSpec {
        host_failures_to_tolerate: Some(draw.from_to(0, 3)),
        guarantee: Some(draw.pick(&[Guarantee::Simultaneous, Guarantee::Sequential])),
        medium: Some(draw.pick(&[Medium::Etcd, Medium::Statefile])),
        etcd_members: spec.hosts[..members].iter().map(|host| host.id.clone()).collect(),
        storage_loss: Some(draw.pick(&[StorageLoss::Majority, StorageLoss::Medium, StorageLoss::Medium])),
        brake_permille: if draw.chance(30) { Some(draw.from_to(1, 1000)) } else { None },
        ..SettingsSpec::default()
    };
}
