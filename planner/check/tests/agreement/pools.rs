//! Tiny pools that hug the boundary: what is free is about what the largest failures need.
use crate::draw::Draw;
use lifeboat_model::spec::{
    GroupSpec, HostSpec, HostState, PowerState, RestartPriority, Rule, RuleMode, SettingsSpec, StorageLoss,
    VmSpec,
};
use lifeboat_model::{Pool, PoolSpec};

/// What is odd about a pool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Oddity {
    States,
    Restricted,
    SecondResource,
    Groups,
    Pending,
    Unprotected,
}

/// The oddities of one pool.
struct Taste(Vec<Oddity>);

impl Taste {
    fn draw(draw: &mut Draw<'_>) -> Self {
        use Oddity::{Groups, Pending, Restricted, SecondResource, States, Unprotected};
        if draw.once_in(2) {
            return Self(Vec::new());
        }
        let chances =
            [(States, 3), (Restricted, 2), (SecondResource, 3), (Groups, 2), (Pending, 3), (Unprotected, 3)];
        Self(
            chances.into_iter().filter(|&(_, times)| draw.once_in(times)).map(|(oddity, _)| oddity).collect(),
        )
    }

    fn has(&self, oddity: Oddity) -> bool {
        self.0.contains(&oddity)
    }
}

/// A pool of 2 to 5 hosts and up to 8 VMs; now and then a plain one of up to 7 hosts and 12 VMs.
pub(crate) fn pool(draw: &mut Draw<'_>) -> Pool {
    let taste = Taste::draw(draw);
    let large = taste.0.is_empty() && draw.once_in(3);
    let host_count = if large { draw.from(4, 7) } else { draw.pick(&[2, 3, 3, 4, 4, 4, 5, 5]) };
    let sizes: &[u64] = draw.pick(&[
        &[1, 2, 3, 4, 5, 6, 7, 8][..],
        &[1, 2, 4, 8],
        &[2, 4],
        &[3, 5],
        &[2, 3, 7],
        &[4],
        &[0, 1, 2],
    ]);
    let vms = if large { draw.from(4, 12) } else { draw.from(1, if host_count == 5 { 6 } else { 8 }) };
    let vms: Vec<VmSpec> = (0..vms).map(|position| vm(draw, &taste, position, host_count, sizes)).collect();
    let mut hosts: Vec<HostSpec> = (0..host_count).map(|position| host(draw, &taste, position)).collect();
    fill(draw, &mut hosts, &vms);
    let groups = if taste.has(Oddity::Groups) { groups(draw, &vms) } else { Vec::new() };
    let settings = SettingsSpec {
        storage_loss: (taste.has(Oddity::States) && draw.once_in(2)).then_some(StorageLoss::Majority),
        brake_permille: (taste.has(Oddity::States) && draw.once_in(3))
            .then(|| draw.pick(&[100, 300, 500, 900])),
        ..SettingsSpec::default()
    };
    let spec = PoolSpec { id: "tiny".into(), settings, hosts, vms, groups, ..PoolSpec::default() };
    Pool::new(&spec).expect("the generator describes pools without defects")
}

fn name(position: usize) -> String {
    format!("h{position}")
}

fn vm(draw: &mut Draw<'_>, taste: &Taste, position: usize, hosts: usize, sizes: &[u64]) -> VmSpec {
    let pending = taste.has(Oddity::Pending) && draw.once_in(4);
    let home = draw.below(hosts);
    let elsewhere = (home + draw.from(1, hosts.max(2) - 1)) % hosts;
    let priority = if taste.has(Oddity::Unprotected) {
        draw.pick(&[
            RestartPriority::Restart,
            RestartPriority::Restart,
            RestartPriority::BestEffort,
            RestartPriority::Unprotected,
        ])
    } else {
        RestartPriority::Restart
    };
    let all: Vec<String> = (0..hosts).map(name).collect();
    VmSpec {
        id: format!("v{position}"),
        memory_mib: draw.pick(sizes),
        host: (!pending || draw.once_in(4)).then(|| name(home)),
        power_state: pending.then_some(PowerState::Halted),
        restart_priority: priority,
        allowed_hosts: (taste.has(Oddity::Restricted) && draw.once_in(2)).then(|| draw.some(&all)),
        migrating_to: (taste.has(Oddity::Groups) && !pending && draw.once_in(6)).then(|| name(elsewhere)),
        should_run: pending,
        resources: if taste.has(Oddity::SecondResource) && draw.once_in(2) {
            vec![("gpu".into(), draw.from(0, 4) as u64)]
        } else {
            Vec::new()
        },
        ..VmSpec::default()
    }
}

fn host(draw: &mut Draw<'_>, taste: &Taste, position: usize) -> HostSpec {
    let state = if taste.has(Oddity::States) {
        draw.pick(&[
            HostState::Live,
            HostState::Live,
            HostState::Live,
            HostState::Disabled,
            HostState::Maintenance,
            HostState::Dead,
        ])
    } else {
        HostState::Live
    };
    HostSpec {
        id: name(position),
        state,
        fault_domain: (taste.has(Oddity::Groups) && draw.once_in(2))
            .then(|| draw.pick(&["a", "b"]).to_owned()),
        ..HostSpec::default()
    }
}

/// Gives hosts what runs there, and about as much in all as the fullest hosts hold.
fn fill(draw: &mut Draw<'_>, hosts: &mut [HostSpec], vms: &[VmSpec]) {
    for gpu in [false, true] {
        let amount = |vm: &VmSpec| {
            if gpu { vm.resources.first().map_or(0, |(_, amount)| *amount) } else { vm.memory_mib }
        };
        let on = |host: &HostSpec| -> u64 {
            let runs = |vm: &&VmSpec| !vm.should_run;
            let ends = |vm: &&VmSpec| {
                vm.host.as_ref() == Some(&host.id) || vm.migrating_to.as_ref() == Some(&host.id)
            };
            vms.iter().filter(runs).filter(ends).map(amount).sum()
        };
        let mut loads: Vec<u64> = hosts.iter().map(&on).collect();
        let held = loads.clone();
        loads.sort_unstable_by(|a, b| b.cmp(a));
        let failures = draw.from(1, 2);
        let needed: u64 = loads.iter().take(failures).sum::<u64>()
            + vms.iter().filter(|vm| vm.should_run).map(amount).sum::<u64>();
        let survivors = hosts.len().saturating_sub(failures).max(1) as u64;
        let share = needed.div_ceil(survivors) as usize;
        for (host, held) in hosts.iter_mut().zip(held) {
            let free = draw.from(0, share + 3);
            let capacity =
                (held + free as u64).saturating_sub(if draw.once_in(12) { share as u64 + 1 } else { 0 });
            if !gpu {
                host.memory_mib = capacity;
            } else if vms.iter().any(|vm| !vm.resources.is_empty()) {
                host.resources = vec![("gpu".into(), capacity)];
            }
        }
    }
}

fn groups(draw: &mut Draw<'_>, vms: &[VmSpec]) -> Vec<GroupSpec> {
    let names: Vec<String> = vms.iter().map(|vm| vm.id.clone()).collect();
    (0..draw.from(1, 3))
        .map(|position| {
            let rule = draw.pick(&[Rule::AntiAffinity, Rule::Affinity, Rule::Spread]);
            let most = draw.from(2, 4);
            let mut vms: Vec<String> = draw.shuffled(&names);
            vms.truncate(most);
            let mode = if draw.once_in(6) { RuleMode::Preferred } else { RuleMode::Required };
            GroupSpec { id: format!("g{position}"), rule, mode, vms }
        })
        .collect()
}
