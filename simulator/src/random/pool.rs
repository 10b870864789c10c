//! A pool from a seed, with its settings and the world around it: mostly three to eight hosts, sometimes two, some
//! up to 64; memory from roomy to so tight that not even one host can be spared.
use super::choice::Choice;
use crate::scenario::{PoolSettings, WorldSettings};
use core::time::Duration;
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::{HostSpec, Medium, RestartPriority, StorageLoss, StorageSpec, VmSpec};

const MIB_OF_A_VM: [u64; 4] = [512, 1024, 2048, 4096];

/// The pool's document.
pub(super) fn document(choice: &mut Choice) -> PoolSpec {
    let hosts = host_count(choice);
    // Beyond some hosts more VMs cost time and show nothing new.
    let vms = choice.between(1, (hosts * 3).min(40));
    let one_size = choice.chance(50).then(|| choice.pick(&MIB_OF_A_VM));
    let orders = choice.pick(&[1, 1, 2, 3]);
    let vms: Vec<VmSpec> = (1..=vms).map(|k| vm(choice, k, hosts, one_size, orders)).collect();
    let memory_mib = memory(choice, hosts, &vms);
    let hosts = (1..=hosts).map(|k| HostSpec { id: format!("h{k}"), memory_mib, ..HostSpec::default() });
    PoolSpec {
        id: "random".to_owned(),
        storages: vec![StorageSpec { id: "shared".to_owned(), shared: true }],
        hosts: hosts.collect(),
        vms,
        ..PoolSpec::default()
    }
}

fn host_count(choice: &mut Choice) -> usize {
    let (low, high) = choice.weighted(&[
        (8, (2, 2)),
        (30, (3, 3)),
        (34, (4, 5)),
        (25, (6, 8)),
        (2, (16, 24)),
        (1, (25, 64)),
    ]);
    choice.between(low, high)
}

fn vm(choice: &mut Choice, k: usize, hosts: usize, one_size: Option<u64>, orders: usize) -> VmSpec {
    let restart_priority = choice.weighted(&[
        (80, RestartPriority::Restart),
        (12, RestartPriority::BestEffort),
        (8, RestartPriority::Unprotected),
    ]);
    let (host, some) = (choice.between(1, hosts), hosts.div_ceil(2));
    VmSpec {
        id: format!("vm{k}"),
        memory_mib: one_size.unwrap_or_else(|| choice.pick(&MIB_OF_A_VM)),
        host: Some(format!("h{host}")),
        restart_priority,
        order: choice.between(0, orders - 1) as u64,
        start_delay_s: choice.weighted(&[(85, 0), (10, 1), (5, 5)]),
        storages: vec!["shared".to_owned()],
        allowed_hosts: (host <= some && choice.chance(6))
            .then(|| (1..=some).map(|k| format!("h{k}")).collect()),
        should_run: restart_priority != RestartPriority::Unprotected,
        ..VmSpec::default()
    }
}

/// So much for each host that all VMs fit at first, and a drawn number of hosts can be spared, more or less.
fn memory(choice: &mut Choice, hosts: usize, vms: &[VmSpec]) -> u64 {
    let load = |host: usize| -> u64 {
        let name = format!("h{host}");
        vms.iter().filter(|vm| vm.host.as_deref() == Some(&name)).map(|vm| vm.memory_mib).sum()
    };
    let fullest = (1..=hosts).map(load).max().unwrap_or_default();
    let all: u64 = vms.iter().map(|vm| vm.memory_mib).sum();
    let survivors =
        choice.weighted(&[(10, hosts), (25, hosts - 1), (25, hosts.div_ceil(2)), (40, 1)]).max(1) as u64;
    fullest.max(all.div_ceil(survivors)) + choice.pick(&[0, 512, 4096])
}

/// The pool's settings.
pub(super) fn settings(choice: &mut Choice, hosts: usize) -> PoolSettings {
    let medium = choice.weighted(&[(72, Medium::Statefile), (28, Medium::Etcd)]);
    let networks = choice.weighted(&[(55, 1), (35, 2), (10, 3)]);
    let members = medium == Medium::Etcd && hosts >= 3 && choice.chance(30);
    let members = members.then(|| (1..=hosts.min(choice.pick(&[3, 5]))).map(|k| format!("h{k}")).collect());
    PoolSettings {
        timeout_s: Some(choice.weighted(&[(20, 3), (30, 5), (10, 8), (35, 15), (5, 30)])),
        host_failures_to_tolerate: Some(choice.between(0, 2.min(hosts - 1)) as u64),
        brake_permille: (hosts > 3 && choice.chance(8)).then(|| choice.pick(&[500, 600, 700])),
        storage_loss: choice.chance(12).then_some(StorageLoss::Majority),
        medium: Some(medium),
        etcd_members: members,
        networks: Some((0..networks).map(|k| format!("hb{k}")).collect()),
        ..PoolSettings::default()
    }
}

/// The world as it is when no fault changes it: within the bounds that the design's times speak of.
pub(super) fn world(choice: &mut Choice) -> WorldSettings {
    let ms = Duration::from_millis;
    WorldSettings {
        vm_boot: ms(choice.pick(&[500, 2_000, 2_000, 6_000])),
        host_boot: ms(choice.pick(&[4_000, 12_000, 30_000, 60_000])),
        process_restart: ms(choice.pick(&[200, 1_000, 1_000, 3_000])),
        network_latency: ms(choice.pick(&[1, 1, 5, 20])),
        network_jitter: ms(choice.pick(&[0, 1, 10, 30])),
        packet_loss: choice.pick(&[0, 0, 0, 1_000, 10_000]),
        duplicates: choice.pick(&[0, 0, 10_000]),
        medium_latency: ms(choice.pick(&[1, 2, 10, 80])),
        medium_jitter: ms(choice.pick(&[0, 1, 20, 150])),
        migration: ms(choice.pick(&[1_000, 5_000, 12_000])),
        clock_ppm: choice.pick(&[0, 50, 200, 200]),
    }
}
